/* Heartbeats: a cycle begins every 2 s, is resent every 80 ms until it is acknowledged, and 3 s
 * after the sending of the last acknowledged contact the server is lost. The three times are told
 * by the server at login. */
#include "peer/peer_internal.h"

/* The server's times in the range in which a machine can work; a hostile server cannot make us
 * send without pause or wait for ever. */
static uint64_t within_us(uint32_t ms, uint32_t least_ms, uint32_t most_ms)
{
    const uint32_t cut = ms < least_ms ? least_ms : ms > most_ms ? most_ms : ms;
    return cut * UINT64_C(1000);
}

void ps_peer_heartbeats_start(ps_peer *p, const ps_login_ok *m, uint64_t contact_us)
{
    ps_peer_heartbeats *h = &p->heartbeats;
    h->every_us = within_us(m->heartbeat_ms, 100, 3600000);
    h->dead_us = within_us(m->dead_ms, 200, 7200000);
    h->resend_us = within_us(m->resend_ms, 10, 3600000);
    h->contact_us = contact_us;
    h->began_us = contact_us;
    h->next_us = ps_time_add(contact_us, h->every_us);
    h->tries = 0;
    h->graces = 0;
    h->id = 0;
}

static void beat(ps_peer_turn *t)
{
    ps_peer *p = t->p;
    ps_peer_heartbeats *h = &p->heartbeats;
    if (h->tries == 0) {
        h->id = ps_peer_new_id(p, PS_ID_HEARTBEAT);
        h->began_us = p->clock.now_us;
        h->acked = p->acked;
        p->stats.heartbeats++;
    } else {
        p->stats.heartbeats_resent++;
    }
    h->tries++;
    h->next_us = ps_time_add(p->clock.now_us, h->resend_us);
    ps_heartbeat m = {.generation = 0};
    if (ps_peer_settled(p)) {
        m = (ps_heartbeat){.generation = p->acked, .digest = p->digest};
    }
    ps_writer w = ps_peer_packet_begin(t);
    (void)ps_heartbeat_encode(&w, h->id, &m);
    ps_peer_packet_end(t, &w);
}

static uint64_t dead_at_us(const ps_peer *p)
{
    return ps_time_add(p->heartbeats.contact_us, p->heartbeats.dead_us);
}

void ps_peer_heartbeats_due(ps_peer_turn *t)
{
    ps_peer *p = t->p;
    if (ps_time_reached(dead_at_us(p), p->clock.now_us)) {
        ps_peer_lose(t);
    } else if (ps_time_reached(p->heartbeats.next_us, p->clock.now_us)) {
        beat(t); /* A tick's first datagram. */
    }
}

uint64_t ps_peer_heartbeats_deadline_us(const ps_peer *p)
{
    return ps_time_min(p->heartbeats.next_us, dead_at_us(p));
}

/* Whether the server's log is what this peer believes. An answer can be older than what was
 * acknowledged since the heartbeat was sent, but never older than what was before. */
static void compare(ps_peer *p, const ps_heartbeat_ok *ok)
{
    if (!ps_peer_settled(p)) {
        return;
    }
    if (ok->generation < p->heartbeats.acked || ok->generation > p->acked) {
        ps_peer_changes_restart(p, ok->generation, ok->digest);
    } else if (ok->generation == p->acked && ok->digest != p->digest) {
        ps_peer_repair_begin(p, ok->digest);
    }
}

void ps_peer_on_heartbeat_ok(ps_peer_turn *t, const ps_message *m)
{
    ps_peer *p = t->p;
    ps_peer_heartbeats *h = &p->heartbeats;
    ps_heartbeat_ok ok;
    if (h->tries == 0 || h->id != m->request) {
        ps_peer_drop(p, PS_DROP_STALE);
        return;
    }
    if (!ps_heartbeat_ok_decode(m->body, &ok) || ok.generation > PS_GENERATION_MAX) {
        ps_peer_drop(p, PS_DROP_MALFORMED);
        return;
    }
    if (h->tries == 1) {
        ps_rtt_sample(&p->rtt, p->clock.now_us - h->began_us);
    }
    /* Which of the resends was heard is not known: the first one is the safe answer. */
    h->contact_us = h->contact_us > h->began_us ? h->contact_us : h->began_us;
    h->next_us = ps_time_add(h->began_us, h->every_us);
    h->tries = 0;
    h->graces = 0;
    p->wall_s = ok.wall_s;
    p->wall_us = p->clock.now_us;
    compare(p, &ok);
}

void ps_peer_heartbeats_late(ps_peer *p, uint64_t late_us)
{
    ps_peer_heartbeats *h = &p->heartbeats;
    if (h->graces == PS_LATE_TIMES) {
        return;
    }
    h->graces++;
    p->stats.late_steps++;
    const uint64_t more_us = ps_time_add(late_us, ps_time_min(late_us, PS_LATE_GRACE_US));
    h->contact_us = ps_time_min(ps_time_add(h->contact_us, more_us), p->clock.now_us);
}
