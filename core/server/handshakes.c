/* The pool of handshakes: those that wait for their client, logins under way, and keys that were
 * replaced. A flood of the first costs no session and pushes out none of the others. */
#include "server/server_internal.h"

static ps_timeouts *timeouts_of(ps_server *s, ps_handshake_state state)
{
    switch (state) {
    case PS_HANDSHAKE_VERIFYING:
        return &s->logging_in;
    case PS_HANDSHAKE_REFUSED:
        return &s->refused;
    case PS_HANDSHAKE_PROBING:
        return &s->probing;
    case PS_HANDSHAKE_REPLACED:
        return &s->aging;
    case PS_HANDSHAKE_ADMITTED:
        return &s->admitted;
    /* unreachable: what is free waits for nothing */
    case PS_HANDSHAKE_FREE:
        break;
    case PS_HANDSHAKE_OPEN:
        break;
    }
    return &s->opening;
}

static bool is_login(ps_handshake_state state)
{
    return state == PS_HANDSHAKE_VERIFYING || state == PS_HANDSHAKE_PROBING;
}

static uint32_t *head_of(const ps_server *s, const ps_addr *addr, uint64_t client_id)
{
    uint8_t key[sizeof addr->ip + 2 + 8];
    memcpy(key, addr->ip, sizeof addr->ip);
    ps_store16(key + 16, addr->port);
    ps_store64(key + 18, client_id);
    uint32_t *heads = ps_server_at(s, s->handshake_heads_at);
    return &heads[ps_siphash(&s->table_key, key, sizeof key) & s->handshake_mask];
}

uint32_t ps_handshake_find(const ps_server *s, const ps_addr *addr, uint64_t client_id,
                           uint64_t message)
{
    for (uint32_t at = *head_of(s, addr, client_id); at != 0;) {
        const ps_handshake *h = ps_handshake_at(s, at - 1);
        if (h->client_id == client_id && h->message == message && ps_addr_equal(&h->addr, addr)) {
            return at - 1;
        }
        at = h->next;
    }
    return PS_NIL;
}

uint32_t ps_handshake_of(const ps_server *s, const ps_session *x)
{
    for (uint32_t at = *head_of(s, &x->addr, x->client_id); at != 0;) {
        const ps_handshake *h = ps_handshake_at(s, at - 1);
        if (h->state == PS_HANDSHAKE_ADMITTED && h->id == x->id) {
            return at - 1;
        }
        at = h->next;
    }
    return PS_NIL;
}

/* The one whose loss is felt least: what is kept to repeat a refusal or an admission, then keys of
 * the past, then the client that has not answered for longest. */
static uint32_t dispensable(const ps_server *s)
{
    const ps_timeouts *const lists[] = {&s->refused, &s->admitted, &s->aging, &s->opening};
    uint32_t found = PS_NIL;
    for (size_t k = 0; found == PS_NIL && k < sizeof lists / sizeof *lists; k++) {
        found = lists[k]->head;
    }
    return found;
}

uint32_t ps_handshake_take(ps_server *s)
{
    if (s->handshakes.used == s->handshakes.cap) {
        const uint32_t old = dispensable(s);
        if (old == PS_NIL) {
            return PS_NIL;
        }
        s->stats.handshakes_pushed_out +=
            ps_handshake_at(s, old)->state == PS_HANDSHAKE_OPEN ? 1u : 0u;
        ps_handshake_remove(s, old);
    }
    const bool fresh = s->handshakes.free == 0;
    const uint32_t i = ps_slots_take(&s->handshakes, ps_handshake_at(s, 0), sizeof(ps_handshake));
    PS_ASSERT(i != PS_NIL);
    ps_handshake *h = ps_handshake_at(s, i);
    const uint32_t tag = fresh ? 0 : h->tag;
    memset(h, 0, sizeof *h);
    h->tag = tag;
    ps_timeout_clear(ps_handshake_times(s), i);
    return i;
}

void ps_handshake_add(ps_server *s, uint32_t i, ps_handshake_state state)
{
    ps_handshake *h = ps_handshake_at(s, i);
    h->state = (uint8_t)state;
    ps_timeout_start(timeouts_of(s, state), ps_handshake_times(s), i, s->clock.now_us);
    ps_receiver_add(s, s->cfg.max_sessions + i);
    if (state != PS_HANDSHAKE_REPLACED) {
        uint32_t *head = head_of(s, &h->addr, h->client_id);
        h->next = *head;
        *head = i + 1;
    }
}

void ps_handshake_turn(ps_server *s, uint32_t i, ps_handshake_state state)
{
    ps_handshake *h = ps_handshake_at(s, i);
    const ps_handshake_state before = (ps_handshake_state)h->state;
    s->logins += (is_login(state) ? 1u : 0u) - (is_login(before) ? 1u : 0u);
    ps_timeout_stop(timeouts_of(s, before), ps_handshake_times(s), i);
    h->state = (uint8_t)state;
    ps_timeout_start(timeouts_of(s, state), ps_handshake_times(s), i, s->clock.now_us);
}

static void unchain(ps_server *s, uint32_t i)
{
    const ps_handshake *h = ps_handshake_at(s, i);
    uint32_t *link = head_of(s, &h->addr, h->client_id);
    while (*link != i + 1) {
        link = &ps_handshake_at(s, *link - 1)->next;
    }
    *link = h->next;
}

void ps_handshake_remove(ps_server *s, uint32_t i)
{
    ps_handshake *h = ps_handshake_at(s, i);
    const ps_handshake_state state = (ps_handshake_state)h->state;
    ps_timeout_stop(timeouts_of(s, state), ps_handshake_times(s), i);
    s->logins -= is_login(state) ? 1u : 0u;
    if (state != PS_HANDSHAKE_ADMITTED) { /* The session has its receiver id. */
        ps_receiver_remove(s, s->cfg.max_sessions + i);
    }
    if (state != PS_HANDSHAKE_REPLACED) {
        unchain(s, i);
    }
    const uint32_t tag = h->tag;
    ps_wipe(h, sizeof *h);
    h->tag = tag;
    ps_slots_give(&s->handshakes, ps_handshake_at(s, 0), sizeof(ps_handshake), i);
}

void ps_handshake_retire(ps_server *s, const ps_session *x)
{
    const uint32_t i = ps_handshake_take(s);
    if (i == PS_NIL) {
        return; /* Late packets get a RESET, which costs their sender a handshake at most. */
    }
    ps_handshake *h = ps_handshake_at(s, i);
    h->client_id = x->client_id;
    h->id = x->id;
    h->replay = x->replay;
    h->keys = x->keys;
    h->addr = x->addr;
    h->endpoint = x->endpoint;
    ps_handshake_add(s, i, PS_HANDSHAKE_REPLACED);
    s->retiring = i + 1;
}

void ps_handshakes_tick(ps_server *s, ps_output *out)
{
    const uint64_t now_us = s->clock.now_us;
    ps_timeouts *const lists[] = {&s->opening, &s->logging_in, &s->refused, &s->admitted,
                                  &s->aging};
    for (size_t k = 0; k < sizeof lists / sizeof *lists; k++) {
        for (uint32_t n = 0; n < PS_SERVER_TICK_EVICTIONS; n++) {
            const uint32_t old = ps_timeouts_due(lists[k], ps_handshake_times(s), now_us);
            if (old == PS_NIL) {
                break;
            }
            if (PS_CANARY(LEAKED_LOGIN) && lists[k] == &s->refused) {
                ps_timeout_stop(lists[k], ps_handshake_times(s), old);
            } else {
                ps_handshake_remove(s, old);
            }
        }
    }
    for (uint32_t n = 0; n < PS_SERVER_TICK_PROBES; n++) {
        const uint32_t probed = ps_timeouts_due(&s->probing, ps_handshake_times(s), now_us);
        if (probed == PS_NIL) {
            break;
        }
        ps_takeover_due(s, probed, out);
    }
}

uint64_t ps_handshakes_due_us(const ps_server *s)
{
    const ps_timeout_node *times = ps_handshake_times(s);
    const uint64_t waiting_us = ps_time_min(ps_timeouts_deadline_us(&s->opening, times),
                                            ps_timeouts_deadline_us(&s->logging_in, times));
    const uint64_t kept_us = ps_time_min(ps_timeouts_deadline_us(&s->admitted, times),
                                         ps_timeouts_deadline_us(&s->refused, times));
    const uint64_t other_us = ps_time_min(ps_timeouts_deadline_us(&s->aging, times),
                                          ps_timeouts_deadline_us(&s->probing, times));
    return ps_time_min(ps_time_min(waiting_us, kept_us), other_us);
}
