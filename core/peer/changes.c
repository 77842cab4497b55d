/* The log's conversation: one message of changes in flight, kept byte for byte, numbered on from
 * where the server's log stands. */
#include "peer/peer_internal.h"

static void send(ps_peer_turn *t)
{
    ps_peer *p = t->p;
    ps_peer_flight *f = &p->flight;
    ps_writer w = ps_peer_packet_begin(t);
    ps_write_bytes(&w, f->bytes, f->len);
    ps_peer_packet_end(t, &w);
    p->stats.retransmissions += f->tries > 0 ? 1 : 0;
    f->tries = f->tries < UINT8_MAX ? (uint8_t)(f->tries + 1) : f->tries;
    f->sent_us = p->clock.now_us;
    const uint64_t wait_us = ps_rtt_timeout_us(&p->rtt, f->tries);
    f->next_us = ps_time_add(p->clock.now_us, wait_us + ps_peer_jitter_us(p, wait_us));
}

/* Adds record i to the message under construction; false: no room. */
static bool take(ps_peer *p, ps_writer *w, ps_changes_writer *cw, uint32_t i)
{
    ps_peer_flight *f = &p->flight;
    ps_peer_pub *pub = ps_peer_pub_at(p, i);
    uint8_t scratch[PS_NAME_MAX];
    const ps_publication entry = {
        .name = ps_name_get(ps_peer_blocks(p), &pub->name, scratch),
        .content = pub->content,
    };
    if (f->count == PS_PEER_CHANGES || !ps_changes_add(w, cw, &entry)) {
        return false;
    }
    ps_peer_pub_unqueue(p, i);
    pub->flags |= PS_PUB_IN_FLIGHT;
    f->pubs[f->count++] = i;
    return true;
}

static uint8_t type_of(const ps_peer *p, uint32_t i)
{
    const bool wanted = (ps_peer_pub_at(p, i)->flags & PS_PUB_WANTED) != 0;
    return (uint8_t)(wanted ? PS_MSG_PUBLISH : PS_MSG_UNPUBLISH);
}

void ps_peer_changes_fill(ps_peer_turn *t)
{
    ps_peer *p = t->p;
    ps_peer_flight *f = &p->flight;
    if (f->count > 0 || p->dirty_head == PS_NIL || p->repair.phase != PS_REPAIR_NONE ||
        !ps_peer_can_send(t)) {
        return;
    }
    const uint8_t type = type_of(p, p->dirty_head);
    ps_writer w = {.base = f->bytes, .cap = p->datagram_max - PS_PEER_OVERHEAD};
    ps_changes_writer cw;
    f->id = ps_peer_new_id(p, PS_ID_CHANGES);
    f->type = type;
    f->tries = 0;
    f->generation = p->acked + 1;
    (void)ps_changes_begin(&w, &cw, (ps_message_type)type, f->id, f->generation);
    while (p->dirty_head != PS_NIL && type_of(p, p->dirty_head) == type) {
        if (!take(p, &w, &cw, p->dirty_head)) {
            break;
        }
    }
    const bool any = ps_changes_end(&w, &cw); /* The longest name fits the smallest datagram. */
    PS_ASSERT(any);
    (void)any;
    f->len = (uint16_t)w.len;
    send(t);
}

void ps_peer_changes_due(ps_peer_turn *t)
{
    const ps_peer *p = t->p;
    if (p->flight.count > 0 && ps_time_reached(p->flight.next_us, p->clock.now_us)) {
        send(t); /* A tick's second datagram at most. */
    }
}

uint64_t ps_peer_changes_deadline_us(const ps_peer *p)
{
    if (p->flight.count > 0) {
        return p->flight.next_us;
    }
    const bool more = p->dirty_head != PS_NIL && p->repair.phase == PS_REPAIR_NONE;
    return more ? p->clock.now_us : PS_TIME_NEVER;
}

/* Puts the entries from `first` on back to the line's head, in their order. */
static void recall(ps_peer *p, uint8_t first)
{
    ps_peer_flight *f = &p->flight;
    for (uint8_t k = f->count; k > first; k--) {
        const uint32_t i = f->pubs[k - 1];
        ps_peer_pub *pub = ps_peer_pub_at(p, i);
        pub->flags &= ~(uint32_t)PS_PUB_IN_FLIGHT;
        if ((pub->flags & PS_PUB_QUEUED) == 0 && !PS_CANARY(DROPPED_CHANGES)) {
            ps_peer_pub_queue_first(p, i);
        }
    }
    f->count = 0;
}

void ps_peer_changes_restart(ps_peer *p, uint64_t generation, uint64_t digest)
{
    recall(p, 0);
    p->acked = generation;
    p->acked_known = true;
    ps_peer_repair_begin(p, digest);
}

void ps_peer_changes_resume(ps_peer *p, uint64_t generation, uint64_t digest)
{
    ps_peer_flight *f = &p->flight;
    const uint64_t newest = p->acked + f->count; /* The message in flight may have arrived. */
    p->changes_refused = false;
    if (!p->acked_known || generation < p->acked || generation > newest ||
        p->repair.phase != PS_REPAIR_NONE) {
        ps_peer_changes_restart(p, generation, digest);
        return;
    }
    f->tries = 0;
    f->next_us = p->clock.now_us;
    if (f->count == 0 && p->dirty_head == PS_NIL && digest != p->digest) {
        ps_peer_repair_begin(p, digest);
    }
}

/* The server has applied this entry, or refused it. */
static void settle(ps_peer_turn *t, uint32_t i, uint32_t error)
{
    ps_peer_pub *pub = ps_peer_pub_at(t->p, i);
    pub->flags &= ~(uint32_t)PS_PUB_IN_FLIGHT;
    if ((pub->flags & PS_PUB_QUEUED) == 0) {
        ps_peer_pub_settle(t, i, error);
    } /* Else it has changed since: the later command waits for the next message. */
}

void ps_peer_on_published(ps_peer_turn *t, const ps_message *m)
{
    ps_peer *p = t->p;
    ps_peer_flight *f = &p->flight;
    ps_published answer;
    if (f->count == 0 || f->tries == 0 || f->id != m->request) {
        ps_peer_drop(p, PS_DROP_STALE);
        return;
    }
    if (!ps_published_decode(m->body, &answer) || answer.generation > PS_GENERATION_MAX) {
        ps_peer_drop(p, PS_DROP_MALFORMED);
        return;
    }
    const uint64_t before = f->generation - 1;
    if (answer.generation < before || answer.generation > before + f->count) {
        /* Not the log that we knew, nor what it lists. */
        ps_peer_changes_restart(p, answer.generation, ~p->digest);
        return;
    }
    const uint8_t applied = (uint8_t)(answer.generation - before);
    if (applied == 0) {
        return; /* Not now, it says: the retransmission asks again. */
    }
    if (f->tries == 1) {
        ps_rtt_sample(&p->rtt, p->clock.now_us - f->sent_us);
    }
    uint16_t errors[PS_PEER_CHANGES] = {0};
    ps_refusal refusal;
    while (ps_published_next(&answer, &refusal)) {
        if (refusal.index < PS_PEER_CHANGES) {
            errors[refusal.index] = refusal.error;
        }
    }
    for (uint8_t k = 0; k < applied; k++) {
        settle(t, f->pubs[k], errors[k]);
    }
    p->acked = answer.generation;
    recall(p, applied);
    p->changes_refused = false;
}

/* The host is told once, then all is quiet until the server takes something again. */
static void tell_busy(ps_peer_turn *t, uint32_t retry_ms)
{
    if (!t->p->changes_refused) {
        t->p->changes_refused = true;
        ps_event_account *e = &ps_peer_event(t, PS_EVENT_PUT_OFF)->u.account;
        e->error = PS_E_BUSY;
        e->retry_ms = retry_ms;
    }
}

void ps_peer_on_changes_error(ps_peer_turn *t, const ps_error_message *m)
{
    ps_peer *p = t->p;
    ps_peer_flight *f = &p->flight;
    if (m->code == PS_E_BUSY) {
        uint64_t wait_us = m->retry_ms * UINT64_C(1000);
        wait_us = wait_us < PS_RTO_MIN_US ? PS_RTO_MIN_US : wait_us;
        wait_us = ps_time_min(wait_us, PS_RTO_MAX_US);
        f->next_us = ps_time_add(p->clock.now_us, wait_us);
        tell_busy(t, m->retry_ms);
        return;
    }
    for (uint8_t k = 0; k < f->count; k++) {
        settle(t, f->pubs[k], m->code);
    }
    f->count = 0;
    p->changes_refused = false;
}
