#include "server/server_internal.h"

/* Receiver ids: the session's number under a keyed permutation of 64 bits (a four-round Feistel
 * network over SipHash: Luby, Rackoff 1988). Unpredictable, and never the same twice. */
static uint64_t receiver_id(const ps_server *s, uint64_t number)
{
    uint32_t left = (uint32_t)(number >> 32);
    uint32_t right = (uint32_t)number;
    for (uint64_t round = 0; round < 4; round++) {
        uint32_t mixed = left ^ (uint32_t)ps_siphash_u64(&s->id_key, (round << 32) | right);
        left = right;
        right = mixed;
    }
    return ((uint64_t)left << 32) | right;
}

bool ps_session_alive(const ps_server *s, uint32_t session)
{
    return PS_CANARY(FORGOTTEN_EXPIRY) ||
           !ps_time_reached(ps_timeout_deadline_us(&s->liveness, ps_session_times(s), session),
                            s->clock.now_us);
}

bool ps_user_active(const ps_server *s, uint32_t user)
{
    uint32_t session = ps_user_at(&s->directory, user)->session;
    return session != PS_NIL && ps_session_alive(s, session);
}

static void session_event(const ps_server *s, uint32_t session, ps_event_type type,
                          ps_close_reason reason, ps_output *out)
{
    const ps_session *x = ps_session_at(s, session);
    PS_ASSERT(out->events_len < out->events_cap);
    out->events[out->events_len++] = (ps_event){
        .type = type,
        .u.session = {.addr = x->addr,
                      .user = ps_user_label(&s->directory, x->user),
                      .reason = (uint8_t)reason},
    };
}

uint32_t ps_session_open(ps_server *s, uint32_t user, uint32_t device, const ps_pending *p,
                         ps_output *out)
{
    uint32_t i = ps_slots_take(&s->sessions, ps_session_at(s, 0), sizeof(ps_session));
    if (i == PS_NIL) {
        return PS_NIL;
    }
    do { /* 0 means "no session" on the wire. */
        s->last_session++;
    } while (receiver_id(s, s->last_session) == 0);
    ps_session *x = ps_session_at(s, i);
    *x = (ps_session){
        .user = user,
        .id = receiver_id(s, s->last_session),
        .client_id = p->client_id,
        .generation = ps_device_at(&s->directory, device)->generation,
        .digest = ps_device_at(&s->directory, device)->digest,
        .addr = p->addr,
        .endpoint = p->endpoint,
        .device = device,
        .stream_port = p->stream_port,
        .datagram_max = p->datagram_max,
    };
    ps_session_index_add(s, i);
    ps_timeout_clear(ps_session_times(s), i);
    ps_timeout_start(&s->liveness, ps_session_times(s), i, s->clock.now_us);
    ps_user_at(&s->directory, user)->session = i;
    ps_device_at(&s->directory, device)->sessions = 1;
    s->stats.logins++;
    session_event(s, i, PS_EVENT_SESSION_OPENED, (ps_close_reason)0, out);
    return i;
}

void ps_session_close(ps_server *s, uint32_t session, ps_close_reason reason, ps_output *out)
{
    ps_session *x = ps_session_at(s, session);
    session_event(s, session, PS_EVENT_SESSION_CLOSED, reason, out);
    ps_timeout_stop(&s->liveness, ps_session_times(s), session);
    if (!PS_CANARY(STALE_HANDLE)) {
        ps_session_index_remove(s, session);
    }
    uint32_t user = x->user;
    uint32_t device = x->device;
    x->user = PS_NIL;
    ps_slots_give(&s->sessions, ps_session_at(s, 0), sizeof(ps_session), session);
    ps_user_at(&s->directory, user)->session = PS_NIL;
    ps_device_at(&s->directory, device)->sessions = 0;
    ps_device_release(&s->directory, device);
}
