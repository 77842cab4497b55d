/* Leaving: LOGOUT, sent again until it is answered or a second has passed. */
#include "peer/peer_internal.h"

/* The publication stays, and is sent after the next login; only its command waits no longer. */
static void cancel(ps_peer_turn *t, uint32_t i)
{
    ps_peer_pub *pub = ps_peer_pub_at(t->p, i);
    if ((pub->flags & PS_PUB_WAITING) != 0) {
        pub->flags &= ~(uint32_t)PS_PUB_WAITING;
        ps_peer_done(t, pub->tag, PS_E_CANCELLED, 0);
    }
}

static void send(ps_peer_turn *t)
{
    ps_peer *p = t->p;
    p->logout.next_us = ps_time_add(p->clock.now_us, PS_LOGOUT_RESEND_US);
    ps_writer w = ps_peer_packet_begin(t);
    (void)ps_logout_encode(&w, PS_MSG_LOGOUT, p->logout.id);
    ps_peer_packet_end(t, &w);
}

void ps_peer_on_logout_command(ps_peer_turn *t)
{
    ps_peer *p = t->p;
    if (p->state == PS_PEER_LEAVING) {
        return; /* One LOGGED_OUT tells of both. */
    }
    ps_peer_account_wipe(p);
    ps_wipe(&p->attempt, sizeof p->attempt);
    ps_wipe(&p->old, sizeof p->old);
    p->state = PS_PEER_LEAVING;
    p->logout.answered = p->session.client_id == 0;
    p->logout.id = ps_peer_new_id(p, PS_ID_LOGOUT);
    p->logout.give_up_us = ps_time_add(p->clock.now_us, PS_LOGOUT_GIVE_UP_US);
    p->logout.cancel_at = p->dirty_head;
    for (uint8_t k = 0; k < p->flight.count; k++) {
        cancel(t, p->flight.pubs[k]);
    }
    ps_peer_requests_drain(p, PS_E_CANCELLED);
    if (!p->logout.answered) {
        send(t);
    }
}

void ps_peer_logout_due(ps_peer_turn *t)
{
    ps_peer *p = t->p;
    if (p->logout.answered) {
        return;
    }
    if (ps_time_reached(p->logout.give_up_us, p->clock.now_us)) {
        p->logout.answered = true;
    } else if (ps_time_reached(p->logout.next_us, p->clock.now_us)) { /* A tick's first. */
        p->stats.retransmissions++;
        send(t);
    }
}

void ps_peer_logout_settle(ps_peer_turn *t)
{
    ps_peer *p = t->p;
    for (uint32_t n = 0; n < PS_PEER_TICK_CANCELS && p->logout.cancel_at != PS_NIL; n++) {
        const uint32_t i = p->logout.cancel_at;
        p->logout.cancel_at = ps_peer_pub_at(p, i)->next;
        cancel(t, i);
    }
    if (p->logout.answered && p->logout.cancel_at == PS_NIL && p->requests.used == 0) {
        (void)ps_peer_event(t, PS_EVENT_LOGGED_OUT);
        ps_peer_session_end(p);
        p->state = PS_PEER_IDLE;
    }
}

uint64_t ps_peer_logout_deadline_us(const ps_peer *p)
{
    if (p->logout.cancel_at != PS_NIL) {
        return p->clock.now_us;
    }
    return p->logout.answered ? PS_TIME_NEVER
                              : ps_time_min(p->logout.next_us, p->logout.give_up_us);
}

void ps_peer_on_logout_ok(ps_peer_turn *t, const ps_message *m)
{
    ps_peer *p = t->p;
    if (p->state != PS_PEER_LEAVING || p->logout.id != m->request) {
        ps_peer_drop(p, PS_DROP_STALE);
    } else if (!ps_logout_decode(m->body)) {
        ps_peer_drop(p, PS_DROP_MALFORMED);
    } else {
        p->logout.answered = true;
    }
}
