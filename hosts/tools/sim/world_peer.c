/* A peer's host: gives commands, collects what comes of them. */
#include "world.h"

#include <stdlib.h>
#include <string.h>

/* "user-12": decimal, as short as it can be. */
void world_user_name(uint32_t index, char out[WORLD_NAME_BYTES])
{
    (void)snprintf(out, WORLD_NAME_BYTES, "user-%u", (unsigned)index);
}

uint32_t world_user_index(const world *w, ps_span name)
{
    uint32_t index = 0;
    if (name.len < 6 || name.len > 11 || memcmp(name.data, "user-", 5) != 0) {
        return UINT32_MAX;
    }
    for (size_t i = 5; i < name.len; i++) {
        if (name.data[i] < '0' || name.data[i] > '9') {
            return UINT32_MAX;
        }
        index = index * 10 + (uint32_t)(name.data[i] - '0');
    }
    return index < w->cfg.peers ? index : UINT32_MAX;
}

static int check(const void *self)
{
    return ps_peer_check(self);
}

void world_peer_boot(world *w, uint32_t i)
{
    world_peer *p = &w->peers[i];
    const ps_transport *t = ps_sim_transport(w->sim, p->node);
    ps_sim_restart(w->sim, p->node);
    world_machine_free(&p->machine);
    free(p->memory);
    ps_peer_config cfg = w->cfg.peer;
    WORLD_REQUIRE(w, t->entropy(t->ctx, cfg.seed, sizeof cfg.seed) == PS_OK);
    const size_t bytes = ps_peer_size(&cfg);
    WORLD_REQUIRE(w, bytes > 0);
    p->memory = aligned_alloc(64, (bytes + 63) / 64 * 64);
    WORLD_REQUIRE(w, p->memory != NULL);
    memset(p->memory, 0xd5, bytes);
    ps_peer *peer;
    WORLD_REQUIRE(w, ps_peer_init(p->memory, bytes, &cfg, &peer) == PS_OK);
    world_machine_init(&p->machine, w, p->node, i, ps_machine_of_peer(peer), check, NULL, &cfg);
    p->online = p->leaving = p->key_asked = false;
    world_peer_settle(p);
}

void world_peer_crash(world *w, uint32_t i)
{
    world_peer *p = &w->peers[i];
    ps_sim_crash(w->sim, p->node);
    p->online = false;
    while (p->commands) { /* Nobody is left to be told of them. */
        world_forget(p, p->commands);
    }
    world_streams_drop(p);
    p->file_keys = (ps_file_keys){.count = 0};
    p->open = 0;
    p->lost_us = 0;
}

/* Of 10.x.y.z, y and z stay the peer's: that is how others know it (model_node()). */
void world_peer_move(world *w, uint32_t i)
{
    world_peer *p = &w->peers[i];
    const uint32_t node = world_outer_node(w, i);
    ps_addr addr = ps_sim_addr(w->sim, node);
    p->moves++;
    addr.ip[1] = (uint8_t)(1 + p->moves % 254);
    WORLD_REQUIRE(w, ps_sim_move(w->sim, node, &addr) == PS_OK);
}

uint32_t world_outer_node(const world *w, uint32_t i)
{
    const world_peer *p = &w->peers[i];
    return p->box == WORLD_NO_BOX ? p->node : p->box;
}

ps_addr world_outer_addr(const world *w, uint32_t i)
{
    ps_addr addr = ps_sim_addr(w->sim, world_outer_node(w, i));
    addr.port = ps_sim_addr(w->sim, w->peers[i].node).port; /* A box forwards the same one. */
    return addr;
}

ps_peer_stats world_peer_stats(const world *w, uint32_t i)
{
    ps_peer_stats stats;
    ps_peer_stats_get(w->peers[i].machine.self, &stats);
    return stats;
}

/* ---- events ---- */

static world_command *find(world_peer *p, uint64_t tag)
{
    for (world_command *c = p->commands; c; c = c->next) {
        if (c->tag == tag) {
            return c;
        }
    }
    world_fail(p->w, "an event of a command that was never given", __FILE__, __LINE__);
    return NULL;
}

static void copy_text(char *to, size_t cap, ps_span from)
{
    const size_t len = from.len < cap - 1 ? from.len : cap - 1;
    if (len > 0) {
        memcpy(to, from.data, len);
    }
    to[len] = 0;
}

static void on_entry(world_peer *p, const ps_event_entry *e)
{
    world_command *c = find(p, e->tag);
    WORLD_REQUIRE(p->w, !c->done);
    if (c->lines_len == c->lines_cap) {
        c->lines_cap = c->lines_cap ? 2 * c->lines_cap : 8;
        c->lines = realloc(c->lines, c->lines_cap * sizeof *c->lines);
        WORLD_REQUIRE(p->w, c->lines != NULL);
    }
    world_line *line = &c->lines[c->lines_len++];
    *line = (world_line){.content = e->content, .addr = e->addr, .active = e->active};
    WORLD_REQUIRE(p->w, e->ticket.len <= sizeof line->ticket &&
                            e->key.len == (e->ticket.len > 0 ? sizeof line->key : 0));
    if (e->ticket.len > 0) {
        line->ticket_len = e->ticket.len;
        memcpy(line->ticket, e->ticket.data, e->ticket.len);
        memcpy(line->key, e->key.data, e->key.len);
    }
    copy_text(line->user, sizeof line->user, e->user);
    copy_text(line->name, sizeof line->name, e->name);
}

/* Invariant 8: what was acknowledged is in the store, whatever happens to the process. */
static void require_durable(const world_peer *p, const world_command *c)
{
    const world *w = p->w;
    /* What ends as it is given says what was published already (the same content, acknowledged some
     * time ago). */
    const uint64_t since_us = c->done_us > c->issued_us ? c->issued_us : 0;
    const uint64_t lied_us = w->server.store.lied_us;
    if (!w->cfg.store || (c->type != PS_INPUT_PUBLISH && c->type != PS_INPUT_UNPUBLISH) ||
        c->error != PS_E_NONE || (lied_us != 0 && lied_us >= since_us)) {
        return;
    }
    const ps_span name = {(const uint8_t *)c->text, strlen(c->text)};
    const world_record *last = world_store_last(w, p->user, p->device, name);
    if (c->type == PS_INPUT_UNPUBLISH) {
        WORLD_REQUIRE(w, last == NULL || !last->published);
        return;
    }
    WORLD_REQUIRE(w,
                  last != NULL && last->published && ps_content_equal(&last->content, &c->content));
}

/* Every command ends exactly once. */
static void on_done(world_peer *p, const ps_event_done *e)
{
    world_command *c = find(p, e->tag);
    WORLD_REQUIRE(p->w, !c->done);
    c->done = true;
    c->error = e->error;
    c->done_us = world_now_us(p->w);
    p->open--;
    if (p->ended_tail) {
        p->ended_tail->ended_next = c;
    } else {
        p->ended_head = c;
    }
    p->ended_tail = c;
    const uint8_t outcome[2] = {(uint8_t)c->type, (uint8_t)e->error};
    ps_sim_note(p->w->sim, p->node, outcome, sizeof outcome);
    if (p->w->cfg.model) {
        model_command(&p->w->model, p, c);
    }
    require_durable(p, c);
}

static void on_again(world_peer *p, const ps_event_done *e)
{
    world_command *c = find(p, e->tag);
    WORLD_REQUIRE(p->w, !c->done);
    c->lines_len = 0;
    p->agains++;
}

/* First contact: the user compares it with what he was told. */
static void on_server_key(world_peer *p, const uint8_t key[PS_KEY_BYTES])
{
    uint8_t right[PS_KEY_BYTES];
    world_server_public_key(p->w, right);
    WORLD_REQUIRE(p->w, !p->key_known && memcmp(key, right, sizeof right) == 0);
    memcpy(p->server_key, key, sizeof p->server_key);
    p->key_asked = true;
}

static void on_ticket(world_peer *p, const ps_event_ticket *e)
{
    WORLD_REQUIRE(p->w, e->ticket.len > 0 && e->ticket.len <= sizeof p->ticket);
    memcpy(p->ticket, e->ticket.data, e->ticket.len);
    p->ticket_len = e->ticket.len;
}

static void on_account(world_peer *p, const ps_event *e)
{
    const ps_event_account *a = &e->u.account;
    const bool was_online = p->online; /* A RESET brings the next session without a loss. */
    p->online = e->type == PS_EVENT_LOGGED_IN;
    switch (e->type) {
    case PS_EVENT_LOGGED_IN:
        WORLD_REQUIRE(p->w, a->again == (p->lost_us != 0 || was_online));
        p->logins++;
        p->online_us = world_now_us(p->w);
        p->observed = a->observed;
        p->lost_us = 0;
        break;
    case PS_EVENT_REFUSED:
        p->refusals++;
        p->error = a->error;
        p->retry_ms = a->retry_ms;
        copy_text(p->text, sizeof p->text, a->text);
        p->lost_us = 0;
        break;
    case PS_EVENT_LOST:
        p->losses++;
        p->lost_us = world_now_us(p->w);
        break;
    case PS_EVENT_LOGGED_OUT:
        WORLD_REQUIRE(p->w, p->leaving);
        p->leaving = false;
        p->logouts++;
        p->lost_us = 0;
        break;
    case PS_EVENT_LOGIN_REQUEST:
    case PS_EVENT_SESSION_OPENED:
    case PS_EVENT_SESSION_CLOSED:
    case PS_EVENT_RECORD:
    case PS_EVENT_SERVER_KEY:
    case PS_EVENT_TICKET:
    case PS_EVENT_FILE_KEYS:
    case PS_EVENT_PEER:
    case PS_EVENT_FILE:
    case PS_EVENT_SOURCE:
    case PS_EVENT_DONE:
    case PS_EVENT_AGAIN:
    case PS_EVENT_PUT_OFF:
    case PS_EVENT_UNLISTED:
        break;
    }
}

void world_peer_read(world_peer *p)
{
    const ps_output *out = &p->machine.pump.out;
    for (size_t i = 0; i < out->events_len; i++) {
        const ps_event *e = &out->events[i];
        if (p->w->cfg.event) {
            p->w->cfg.event(p->w, p, e);
        }
        switch (e->type) {
        case PS_EVENT_PEER:
        case PS_EVENT_FILE:
        case PS_EVENT_SOURCE:
            on_entry(p, &e->u.entry);
            break;
        case PS_EVENT_DONE:
            on_done(p, &e->u.done);
            break;
        case PS_EVENT_LOGGED_IN:
        case PS_EVENT_REFUSED:
        case PS_EVENT_LOST:
        case PS_EVENT_LOGGED_OUT:
            on_account(p, e);
            break;
        case PS_EVENT_SERVER_KEY:
            on_server_key(p, e->u.server_key);
            break;
        case PS_EVENT_TICKET:
            on_ticket(p, &e->u.ticket);
            break;
        case PS_EVENT_FILE_KEYS:
            p->file_keys = e->u.file_keys;
            break;
        case PS_EVENT_AGAIN:
            on_again(p, &e->u.done);
            break;
        case PS_EVENT_PUT_OFF:
            p->put_offs++;
            break;
        case PS_EVENT_UNLISTED:
            p->unlisted++;
            break;
        case PS_EVENT_LOGIN_REQUEST:
        case PS_EVENT_SESSION_OPENED:
        case PS_EVENT_SESSION_CLOSED:
        case PS_EVENT_RECORD:
            world_fail(p->w, "a server's event from a peer", __FILE__, __LINE__);
            break;
        }
    }
    ps_pump_clear_events(&p->machine.pump);
}

/* What the story does about the commands that ended, then the next deadline. */
void world_peer_settle(world_peer *p)
{
    if (p->key_asked) {
        p->key_asked = false;
        world_trust(p);
    }
    while (p->ended_head) {
        world_command *c = p->ended_head;
        p->ended_head = c->ended_next;
        p->ended_tail = p->ended_head ? p->ended_tail : NULL;
        c->ended_next = NULL;
        if (p->w->cfg.ended) {
            p->w->cfg.ended(p->w, p, c);
        }
    }
    uint64_t deadline_us = ps_pump_deadline_us(&p->machine.pump);
    const uint64_t script_us = world_local_us(p->w, p->node, p->script_at_us);
    const uint64_t streams_us = world_streams_deadline_us(p);
    deadline_us = script_us < deadline_us ? script_us : deadline_us;
    deadline_us = streams_us < deadline_us ? streams_us : deadline_us;
    ps_sim_set_deadline(p->w->sim, p->node, deadline_us);
}
