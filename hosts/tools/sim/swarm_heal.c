/* Healing, and what must then be true. */
#include "swarm.h"

#include <stdlib.h>
#include <string.h>

#define S UINT64_C(1000000)
/* When nobody is kept from his work any more, everything is right within: a heartbeat's interval (2
 * s) until the server says that it knows nothing, the pause of a login that was refused because
 * another device has the user's place (3 s), and the time to send the difference. */
#define HEAL_US (6 * S)
/* Who has just asked for a list of everything gets it page by page, so many names in a round trip
 * and the more there are the later. */
#define PAGE_NAMES 12u
#define PAGE_US    (S / 20)

static uint64_t heal_us(const swarm *s)
{
    const scenario *sc = s->cfg->scenario;
    const uint64_t least_us = sc != NULL && sc->heal_us != 0 ? sc->heal_us : HEAL_US;
    const uint64_t names = s->w->server.machine.self ? world_server_stats(s->w).publications : 0;
    return least_us + names / PAGE_NAMES * PAGE_US;
}

/* What the server knows of a peer is what its user wants, and it is online. */
static bool known_well(const swarm *s, uint32_t peer)
{
    const world_peer *p = &s->w->peers[peer];
    const model *m = &s->w->model;
    uint32_t wanted = 0;
    for (uint32_t k = 0; k < SWARM_NAMES; k++) {
        const file_version *now = files_current(&s->files, peer, k);
        char name[PS_NAME_MAX + 1];
        swarm_file_name(peer, k, name);
        wanted += now ? 1u : 0u;
        if (now && !model_lists(m, p->user, p->device,
                                (ps_span){(const uint8_t *)name, strlen(name)}, &now->content)) {
            return false;
        }
    }
    return model_on_device(m, p->user, p->device) &&
           model_device_names(m, p->user, p->device) == wanted;
}

/* Who knows a password of the past only will be refused when he returns. */
static bool knows_password(const swarm *s, uint32_t peer)
{
    const world_peer *p = &s->w->peers[peer];
    return p->password_known == s->w->accounts[p->user].changes;
}

/* The user's wishes: listed, and nothing else is. */
static bool wishes_hold(swarm *s)
{
    uint32_t wanted = 0;
    for (uint32_t i = 0; i < s->cfg->peers; i++) {
        const ps_peer_stats stats = world_peer_stats(s->w, i);
        if (!s->users[i].second &&
            (stats.state != PS_PEER_ONLINE || !knows_password(s, i) || !s->w->peers[i].online ||
             s->w->peers[i].open != 0 || stats.unacknowledged != 0 || stats.requests != 0)) {
            return false;
        }
        /* (What they want to change waits for their next login.) */
        if (s->users[i].second && (stats.state != PS_PEER_IDLE || stats.requests != 0)) {
            return false;
        }
        if (s->cfg->model && !s->users[i].second && !known_well(s, i)) {
            return false;
        }
        for (uint32_t k = 0; k < SWARM_NAMES && !s->users[i].second; k++) {
            wanted += s->users[i].versions[k] != 0 ? 1u : 0u;
        }
    }
    s->counts.publications = wanted;
    return true;
}

/* For people: who is not where he should be. */
static void tell_late(const swarm *s)
{
    static const char *const states[] = {"idle", "logging in", "online", "lost", "leaving"};
    for (uint32_t i = 0; i < s->cfg->peers; i++) {
        const world_peer *p = &s->w->peers[i];
        const ps_peer_stats stats = world_peer_stats(s->w, i);
        if (stats.state != (s->users[i].second ? PS_PEER_IDLE : PS_PEER_ONLINE) || p->open != 0 ||
            stats.unacknowledged != 0) {
            fprintf(
                stderr,
                "  peer %u is %s; %u commands open, %u of %u names unacknowledged; last refusal "
                "%s, put off %u times\n",
                (unsigned)i, states[stats.state], (unsigned)p->open, (unsigned)stats.unacknowledged,
                (unsigned)stats.publications, ps_error_name(p->error), (unsigned)p->put_offs);
        }
    }
}

/* Who was sent away, or has left, comes back; second devices make room. */
static void gather(swarm *s)
{
    for (uint32_t i = 0; i < s->cfg->peers; i++) {
        const ps_peer_state state = world_peer_stats(s->w, i).state;
        const bool leaves = s->users[i].second || !knows_password(s, i);
        if (leaves && state != PS_PEER_IDLE && state != PS_PEER_LEAVING) {
            world_logout(s->w, i);
        } else if (!s->users[i].second && state == PS_PEER_IDLE) {
            world_login(s->w, i);
        }
    }
}

static size_t second_devices(const swarm *s, uint32_t user)
{
    size_t count = 0;
    for (uint32_t i = 0; i < s->cfg->peers; i++) {
        count += s->users[i].second && s->w->peers[i].user == user ? 1u : 0u;
    }
    return count;
}

static int by_name(const void *a, const void *b)
{
    const world_line *x = a;
    const world_line *y = b;
    const int users = strcmp(x->user, y->user);
    return users != 0 ? users : strcmp(x->name, y->name);
}

/* Lines of this user's name that show this content, in a list sorted by_name(). */
static size_t count_lines(const world_command *c, const world_line *like)
{
    size_t from = 0, to = c->lines_len, found = 0;
    while (from < to) { /* The first that is not before it. */
        const size_t middle = from + (to - from) / 2;
        if (by_name(&c->lines[middle], like) < 0) {
            from = middle + 1;
        } else {
            to = middle;
        }
    }
    for (; from < c->lines_len && by_name(&c->lines[from], like) == 0; from++) {
        found += ps_content_equal(&c->lines[from].content, &like->content) ? 1u : 0u;
    }
    return found;
}

static void compare_files(swarm *s, uint32_t asker)
{
    world *w = s->w;
    world_command *c = world_list_files(w, asker);
    WORLD_REQUIRE(w, world_finish(w, c) == PS_E_NONE);
    swarm_worst(&s->counts.worst_list_us, c->done_us - c->issued_us);
    if (c->lines_len > 0) {
        qsort(c->lines, c->lines_len, sizeof *c->lines, by_name);
    }
    for (uint32_t i = 0; i < s->cfg->peers; i++) {
        world_line wanted = {.active = true};
        world_user_name(i, wanted.user);
        for (uint32_t k = 0; k < SWARM_NAMES && !s->users[i].second; k++) {
            const file_version *now = files_current(&s->files, i, k);
            if (now == NULL) {
                continue;
            }
            swarm_file_name(i, k, wanted.name);
            wanted.content = now->content;
            const size_t found = count_lines(c, &wanted);
            /* (Two devices of a user may have an empty file each under one name.) */
            const size_t most = 1 + (k >= SWARM_NAMES - SWARM_SHARED ? second_devices(s, i) : 0);
            WORLD_REQUIRE(w, found >= 1 && found <= most);
        }
    }
    world_forget(&w->peers[asker], c);
}

static void compare_peers(swarm *s, uint32_t asker)
{
    world *w = s->w;
    world_command *c = world_list_peers(w, asker);
    WORLD_REQUIRE(w, world_finish(w, c) == PS_E_NONE);
    for (uint32_t i = 0; i < s->cfg->peers; i++) {
        char user[WORLD_NAME_BYTES];
        world_user_name(i, user);
        const size_t expected = i == asker || s->users[i].second ? 0 : 1;
        WORLD_REQUIRE(w, world_count(c, user, NULL) == expected);
    }
    world_forget(&w->peers[asker], c);
}

/* What only second devices publish stays listed for them; all else is what primary users want. */
static void compare(swarm *s)
{
    world *w = s->w;
    void (*ended)(world *, world_peer *, world_command *) = w->cfg.ended;
    w->cfg.ended = NULL; /* What is asked from here on is looked at here. */
    uint32_t asked = 0;
    for (uint32_t i = 0; i < s->cfg->peers && asked < 4; i += s->cfg->peers / 4 + 1) {
        if (!s->users[i].second) {
            compare_files(s, i);
            compare_peers(s, i);
            asked++;
        }
    }
    swarm_fetch_listed(s);
    w->cfg.ended = ended;
    if (s->cfg->model) {
        for (uint32_t i = 0; i < s->cfg->peers; i++) {
            for (uint32_t k = 0; k < SWARM_NAMES - SWARM_SHARED && !s->users[i].second; k++) {
                char name[PS_NAME_MAX + 1];
                swarm_file_name(i, k, name);
                const uint32_t listed =
                    model_listed(&w->model, i, (ps_span){(const uint8_t *)name, strlen(name)});
                WORLD_REQUIRE(w, listed == (s->users[i].versions[k] != 0 ? 1u : 0u));
            }
        }
    }
}

/* A server that was stopped for a while, or whose clock says so, evicts nobody who is there, and
 * nobody loses what he had. (A clock that is set on by less than a session's time looks as if time
 * had passed.) */
static void drill(swarm *s)
{
    world *w = s->w;
    const uint64_t evictions = w->held_evictions;
    const ps_sim_clock ahead = {.jump_us = (int64_t)(4 * S + ps_sim_random(w->sim, 3600 * S))};
    world_server_clock(w, &ahead);
    swarm_pass(s, 4 * S);
    world_server_pause(w, S + ps_sim_random(w->sim, 9 * S));
    swarm_pass(s, 14 * S);
    WORLD_REQUIRE(w, w->held_evictions == evictions);
    /* (Who has just got fresh keys asks first whether the server lists what he publishes.) */
    for (uint32_t k = 0; k < 20 && !wishes_hold(s); k++) {
        swarm_pass(s, S / 20);
    }
    WORLD_REQUIRE(w, wishes_hold(s));
}

void swarm_heal(swarm *s)
{
    world *w = s->w;
    const uint64_t quiet_us = world_now_us(w);
    s->quiet = true;
    if (s->cfg->faults) {
        faults_heal(s);
        for (uint32_t i = 0; i < s->cfg->peers; i++) {
            if (s->users[i].down_until_us != 0) {
                swarm_start(s, i);
            }
        }
        swarm_pass(s, 1); /* Who was down is up. */
        if (s->faults.kept_us > world_now_us(w)) {
            swarm_pass(s, s->faults.kept_us - world_now_us(w));
        }
    } else {
        const ps_sim_link good = {.latency_us = 20000};
        ps_sim_set_default_link(w->sim, &good);
        swarm_pass(s, 3 * S);
    }
    const uint64_t from_us = world_now_us(w);
    for (;;) {
        gather(s);
        if (wishes_hold(s)) {
            break;
        }
        if (world_now_us(w) - from_us >= heal_us(s)) {
            tell_late(s);
            WORLD_REQUIRE(w, world_now_us(w) - from_us < heal_us(s));
        }
        swarm_pass(s, S / 20);
    }
    const uint64_t took_us = world_now_us(w) - from_us;
    swarm_worst(&s->counts.worst_heal_us, took_us);
    s->counts.healings++;
    while (!swarm_fetches_ended(s, quiet_us)) {
        swarm_pass(s, S / 20);
    }
    compare(s);
    drill(s);
    s->quiet = false;
    if (s->cfg->scenario) {
        scenario_restore(s);
    }
}
