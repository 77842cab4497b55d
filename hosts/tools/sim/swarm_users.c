/* What users of the swarm do of their own accord, and how their commands may end. */
#include "swarm.h"

#include <string.h>

static uint64_t draw(swarm *s, uint32_t peer, uint64_t bound)
{
    return dice_throw(&s->users[peer].dice, bound);
}

/* ---- files ---- */

void swarm_file_name(uint32_t peer, uint32_t k, char out[PS_NAME_MAX + 1])
{
    if (k >= SWARM_NAMES - SWARM_SHARED) {
        (void)snprintf(out, PS_NAME_MAX + 1, "Shared by many, number %u", (unsigned)k);
    } else {
        (void)snprintf(out, PS_NAME_MAX + 1, "file %u of %u.bin", (unsigned)k, (unsigned)peer);
    }
}

void swarm_want(swarm *s, uint32_t peer, uint32_t k, uint32_t version)
{
    s->users[peer].versions[k] = version;
    files_publish(&s->files, (file_id){peer, k, version}, world_now_us(s->w));
}

void swarm_publish(swarm *s, uint32_t peer, uint32_t k)
{
    char name[PS_NAME_MAX + 1];
    swarm_file_name(peer, k, name);
    (void)world_issue(s->w, peer, PS_INPUT_PUBLISH, (ps_span){(const uint8_t *)name, strlen(name)},
                      &files_current(&s->files, peer, k)->content);
}

/* ---- what a person does ---- */

void swarm_think(swarm *s, world_peer *p, uint64_t least_us, uint64_t most_us)
{
    const uint64_t grain_us = s->cfg->in_step ? 100000 : 1;
    const uint64_t at_us = world_now_us(s->w) + least_us + draw(s, p->index, most_us - least_us);
    p->script_at_us = (at_us / grain_us + 1) * grain_us;
}

static void change(swarm *s, uint32_t peer, uint32_t k, bool wanted)
{
    if (wanted) {
        swarm_want(s, peer, k, ++s->users[peer].changes);
        swarm_publish(s, peer, k);
    } else {
        char name[PS_NAME_MAX + 1];
        swarm_file_name(peer, k, name);
        swarm_want(s, peer, k, 0);
        (void)world_unpublish(s->w, peer, name);
    }
}

bool swarm_change(swarm *s, uint32_t peer, uint32_t k, bool wanted)
{
    if (s->users[peer].down_until_us != 0) {
        return false;
    }
    change(s, peer, k, wanted);
    return true;
}

static void ask(swarm *s, uint32_t peer)
{
    static const char *const texts[5] = {"file 1", "SHARED", "of 7", "nowhere", ".BIN"};
    char name[PS_NAME_MAX + 1];
    uint32_t owner; /* Drawn one after the other: arguments have no order. */
    uint32_t k;
    switch (draw(s, peer, 6)) {
    case 0:
        (void)world_list_files(s->w, peer);
        break;
    case 1:
        (void)world_list_peers(s->w, peer);
        break;
    case 2:
        (void)world_search(s->w, peer, texts[draw(s, peer, 5)]);
        break;
    default:
        owner = (uint32_t)draw(s, peer, s->cfg->peers);
        k = (uint32_t)draw(s, peer, SWARM_NAMES);
        swarm_file_name(owner, k, name);
        (void)world_locate(s->w, peer, name);
        break;
    }
}

/* (Who does nothing of his own accord logs in all the same.) */
static bool does_nothing(const swarm *s, ps_peer_state state)
{
    const scenario *sc = s->cfg->scenario;
    return s->quiet || (sc != NULL && sc->idle && state != PS_PEER_IDLE);
}

/* One thing that a person does, then some thought. */
void swarm_act(world *w, world_peer *p)
{
    swarm *s = w->cfg.ctx;
    const swarm_user *u = &s->users[p->index];
    const ps_peer_state state = world_peer_stats(w, p->index).state;
    const uint64_t mood = draw(s, p->index, 100);
    if (does_nothing(s, state)) {
        return;
    }
    if (state == PS_PEER_IDLE) {
        if (!u->second) {
            world_login(w, p->index);
        }
    } else if (state == PS_PEER_ONLINE && mood < (u->second ? 20u : 4u)) {
        world_logout(w, p->index);
    } else if (mood < 30) {
        change(s, p->index, (uint32_t)draw(s, p->index, SWARM_NAMES), true);
    } else if (mood < 45) {
        change(s, p->index, (uint32_t)draw(s, p->index, SWARM_NAMES), false);
    } else if (state == PS_PEER_ONLINE && mood >= 90) {
        swarm_fetch(s, p->index);
    } else if (state == PS_PEER_ONLINE || state == PS_PEER_LOST) {
        ask(s, p->index);
    }
    swarm_think(s, p, 200000 * (uint64_t)s->cfg->pace, 3000000 * (uint64_t)s->cfg->pace);
}

/* The server refuses a name: its user is told, and gives it up unless he has changed it since. */
static void unwant(swarm *s, uint32_t peer, ps_span name, const ps_content *content)
{
    for (uint32_t k = 0; k < SWARM_NAMES; k++) {
        char known[PS_NAME_MAX + 1];
        const file_version *now = files_current(&s->files, peer, k);
        swarm_file_name(peer, k, known);
        if (now && strlen(known) == name.len && memcmp(known, name.data, name.len) == 0 &&
            (content == NULL || ps_content_equal(&now->content, content))) {
            swarm_want(s, peer, k, 0);
        }
    }
}

void swarm_event(world *w, world_peer *p, const ps_event *e)
{
    swarm_counts *counts = &((swarm *)w->cfg.ctx)->counts;
    const uint64_t now_us = world_now_us(w);
    if (e->type == PS_EVENT_LOGGED_IN && p->lost_us != 0) {
        swarm_worst(&counts->worst_return_us, now_us - p->lost_us);
    } else if (e->type == PS_EVENT_LOGGED_IN &&
               !p->online) { /* A RESET's next session is neither. */
        swarm_worst(&counts->worst_login_us, now_us - p->login_us);
    }
    if (e->type == PS_EVENT_UNLISTED) {
        const ps_event_unlisted *u = &e->u.unlisted;
        WORLD_REQUIRE(w, u->error == PS_E_QUOTA);
        unwant(w->cfg.ctx, p->index, (ps_span){u->name, u->len}, NULL);
    }
}

/* Every command ends, and only in a way that can be explained. */
void swarm_ended(world *w, world_peer *p, world_command *c)
{
    swarm *s = w->cfg.ctx;
    const bool log = c->type == PS_INPUT_PUBLISH || c->type == PS_INPUT_UNPUBLISH;
    const uint32_t e = c->error;
    bool good = e == PS_E_NONE;
    bool expected = e == PS_E_CANCELLED;
    if (log) {
        expected = expected || e == PS_E_SUPERSEDED || e == PS_E_QUOTA;
        if (e == PS_E_QUOTA) {
            s->counts.refused++;
            unwant(s, p->index, (ps_span){(const uint8_t *)c->text, strlen(c->text)}, &c->content);
        }
    } else {
        expected = expected || e == PS_E_TIMEOUT || e == PS_E_NOT_LOGGED_IN;
        good = good ||
               (c->type == PS_INPUT_LOCATE && (e == PS_E_NOT_FOUND || e == PS_E_NO_ACTIVE_PEER));
    }
    WORLD_REQUIRE(w, good || expected);
    s->counts.commands++;
    s->counts.succeeded += good ? 1u : 0u;
    s->counts.timeouts += e == PS_E_TIMEOUT ? 1u : 0u;
    s->counts.cancelled += e == PS_E_CANCELLED || e == PS_E_SUPERSEDED ? 1u : 0u;
    if (s->cfg->ended) {
        s->cfg->ended(s->cfg->ctx, c);
    }
    swarm_located(s, p, c);
    world_forget(p, c);
}
