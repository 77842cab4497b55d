#include "server/server_internal.h"

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

uint32_t ps_session_open(ps_server *s, uint32_t user, uint32_t device, uint32_t handshake,
                         ps_output *out)
{
    uint32_t i = ps_slots_take(&s->sessions, ps_session_at(s, 0), sizeof(ps_session));
    PS_ASSERT(i != PS_NIL);
    ps_handshake *h = ps_handshake_at(s, handshake);
    ps_session *x = ps_session_at(s, i);
    *x = (ps_session){
        .epoch = ps_server_first_epoch(s),
        .user = user,
        .id = h->id,
        .replay = h->replay,
        .tx_counter = h->tx_counter,
        .client_id = h->client_id,
        .generation = ps_device_at(&s->directory, device)->generation,
        .digest = ps_device_at(&s->directory, device)->digest,
        .addr = h->addr,
        .endpoint = h->endpoint,
        .device = device,
        .stream_port = h->stream_port,
        .datagram_max = h->datagram_max,
    };
    x->keys = h->keys; /* Not by way of the stack. */
    ps_receiver_remove(s, s->cfg.max_sessions + handshake);
    ps_wipe(&h->keys, sizeof h->keys);
    ps_handshake_turn(s, handshake, PS_HANDSHAKE_ADMITTED);
    ps_receiver_add(s, i);
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
        ps_receiver_remove(s, session);
    }
    if (reason == PS_CLOSE_REPLACED) {
        ps_handshake_retire(s, x);
    }
    uint32_t user = x->user;
    uint32_t device = x->device;
    x->user = PS_NIL;
    ps_wipe(&x->keys, sizeof x->keys);
    ps_slots_give(&s->sessions, ps_session_at(s, 0), sizeof(ps_session), session);
    ps_user_at(&s->directory, user)->session = PS_NIL;
    ps_device_at(&s->directory, device)->sessions = 0;
    ps_device_release(&s->directory, device);
}
