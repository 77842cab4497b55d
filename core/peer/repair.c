/* Repairs: what the server lists for this device is not what it should be, or may not be: it has
 * restarted with an older log or with none, or this peer has. One number tells whether they agree.
 * Where they do not, 256 more tell in which buckets; in those the server's names are asked for, so
 * that what nobody here publishes is withdrawn, and all that is published goes out again. Changes
 * wait until that is known: the server's log must not move while it is looked at. */
#include "peer/peer_internal.h"

bool ps_peer_settled(const ps_peer *p)
{
    return p->state == PS_PEER_ONLINE && p->repair.phase == PS_REPAIR_NONE &&
           p->flight.count == 0 && p->dirty_head == PS_NIL && p->clean == p->pubs.used;
}

void ps_peer_repair_begin(ps_peer *p, uint64_t digest)
{
    memset(&p->repair, 0, sizeof p->repair);
    p->repair.digest = digest;
    ps_peer_pubs_renew(p);
    if (p->pubs.used == 0) {
        p->summed = UINT32_MAX;
    }
    /* Nothing here and nothing there: nothing to do. */
    p->repair.phase = p->pubs.used == 0 && digest == 0 ? PS_REPAIR_NONE : PS_REPAIR_SUM;
}

/* ---- questions ---- */

static void ask(ps_peer_turn *t)
{
    ps_peer *p = t->p;
    ps_peer_repair *r = &p->repair;
    ps_writer w = ps_peer_packet_begin(t);
    if (r->phase == PS_REPAIR_DIGESTS) {
        const ps_digests m = {.first = r->first};
        (void)ps_digests_encode(&w, r->id, &m);
    } else {
        const ps_list_names m = {.cursor = r->cursor, .buckets = r->names};
        (void)ps_list_names_encode(&w, r->id, &m);
    }
    ps_peer_packet_end(t, &w);
    p->stats.retransmissions += r->tries > 0 ? 1 : 0;
    r->tries = r->tries < UINT8_MAX ? (uint8_t)(r->tries + 1) : r->tries;
    r->sent_us = p->clock.now_us;
    const uint64_t wait_us = ps_rtt_timeout_us(&p->rtt, r->tries);
    r->next_us = ps_time_add(p->clock.now_us, wait_us + ps_peer_jitter_us(p, wait_us));
}

/* The next question, sent at once or with the next tick. */
static void ask_next(ps_peer_turn *t)
{
    ps_peer_repair *r = &t->p->repair;
    r->id = ps_peer_new_id(t->p, PS_ID_REPAIR);
    r->tries = 0;
    r->next_us = t->p->clock.now_us;
    if (ps_peer_can_send(t)) {
        ask(t);
    }
}

static bool answers(ps_peer *p, ps_repair_phase phase, const ps_message *m)
{
    const ps_peer_repair *r = &p->repair;
    if (p->state != PS_PEER_ONLINE || r->phase != phase || r->tries == 0 || r->id != m->request) {
        ps_peer_drop(p, PS_DROP_STALE);
        return false;
    }
    return true;
}

static void sample(ps_peer *p)
{
    if (p->repair.tries == 1) {
        ps_rtt_sample(&p->rtt, p->clock.now_us - p->repair.sent_us);
    }
}

/* ---- what differs ---- */

static void compare(ps_peer *p, uint8_t bucket, uint64_t theirs)
{
    ps_peer_repair *r = &p->repair;
    if (theirs == p->sums[bucket]) {
        return;
    }
    p->stats.buckets_resent++;
    ps_bucket_add(r->differ, bucket);
    if (theirs != 0) {
        ps_bucket_add(r->names, bucket);
    }
}

static void walk_from_here(ps_peer *p)
{
    p->repair.phase = PS_REPAIR_WALK;
    p->repair.walk_at = 0;
}

/* All is summed up: one number decides, unless the server lists something else. */
static void on_summed(ps_peer_turn *t)
{
    ps_peer *p = t->p;
    ps_peer_repair *r = &p->repair;
    if (r->digest != p->digest) {
        p->stats.repairs++;
        if (r->digest != 0) {
            r->phase = PS_REPAIR_DIGESTS;
            ask_next(t);
            return;
        }
        for (uint32_t b = 0; b < PS_BUCKETS; b++) {
            compare(p, (uint8_t)b, 0);
        }
    }
    walk_from_here(p);
}

void ps_peer_on_digests_ok(ps_peer_turn *t, const ps_message *m)
{
    ps_peer *p = t->p;
    ps_peer_repair *r = &p->repair;
    ps_digests_ok ok;
    if (!answers(p, PS_REPAIR_DIGESTS, m)) {
        return;
    }
    if (!ps_digests_ok_decode(m->body, &ok) || ok.first != r->first ||
        ok.generation > PS_GENERATION_MAX) {
        ps_peer_drop(p, PS_DROP_MALFORMED);
        return;
    }
    sample(p);
    if (ok.generation != p->acked) { /* Not the log that we knew; its digest is not known either. */
        ps_peer_changes_restart(p, ok.generation, ~p->digest);
        return;
    }
    const uint32_t end = (uint32_t)ok.first + ok.count;
    for (uint32_t b = ok.first; b < end; b++) {
        compare(p, (uint8_t)b, ps_digests_ok_next(&ok));
    }
    if (end < PS_BUCKETS) {
        r->first = (uint8_t)end;
        ask_next(t);
        return;
    }
    static const uint8_t none[PS_BUCKET_BYTES] = {0};
    if (memcmp(r->names, none, sizeof none) == 0) {
        walk_from_here(p);
        return;
    }
    r->phase = PS_REPAIR_NAMES;
    ask_next(t);
}

/* A name that the server lists: one that nobody here publishes is withdrawn. Without room for it
 * the logs go on to differ, and the next heartbeat begins another repair. */
static void on_name(ps_peer *p, ps_span name)
{
    if (ps_peer_pub_find(p, name) != PS_NIL || ps_name_check(name) != PS_NAME_OK ||
        PS_CANARY(STALE_NAMES)) {
        return;
    }
    const uint32_t i = ps_peer_pub_add(p, name);
    if (i != PS_NIL) {
        ps_peer_pub_queue(p, i);
        p->stats.names_withdrawn++;
    }
}

void ps_peer_on_names(ps_peer_turn *t, const ps_message *m)
{
    ps_peer *p = t->p;
    ps_page page;
    ps_span name;
    if (!answers(p, PS_REPAIR_NAMES, m)) {
        return;
    }
    if (!ps_page_decode(PS_MSG_NAMES, m->body, &page)) {
        ps_peer_drop(p, PS_DROP_MALFORMED);
        return;
    }
    if (page.count > t->entries_left) { /* Asked for again by the retransmission. */
        ps_peer_drop(p, PS_DROP_TRAILING);
        return;
    }
    t->entries_left -= page.count;
    sample(p);
    while (ps_page_next_name(&page, &name)) {
        on_name(p, name);
    }
    if (page.next != 0) {
        p->repair.cursor = page.next;
        ask_next(t);
    } else {
        walk_from_here(p);
    }
}

/* ---- what follows from it ---- */

/* A record that the repair has not judged yet. @return true when a command ended. */
static bool judge(ps_peer_turn *t, uint32_t i)
{
    ps_peer *p = t->p;
    ps_peer_pub *pub = ps_peer_pub_at(p, i);
    const bool waiting = (pub->flags & PS_PUB_WAITING) != 0;
    const bool queued = (pub->flags & PS_PUB_QUEUED) != 0;
    if (ps_bucket_in(p->repair.differ, ps_peer_pub_bucket(p, i))) {
        if (!queued) {
            ps_peer_pub_queue(p, i);
        }
        pub->epoch = p->epoch;
        return false;
    }
    if (queued) {
        ps_peer_pub_unqueue(p, i);
    }
    ps_peer_pub_settle(t, i, PS_E_NONE);
    return waiting;
}

static void walk(ps_peer_turn *t)
{
    ps_peer *p = t->p;
    ps_peer_repair *r = &p->repair;
    uint32_t ended = 0;
    for (uint32_t n = 0; n < PS_PEER_TICK_WALK && r->walk_at < p->pubs.fresh; n++) {
        const ps_peer_pub *pub = ps_peer_pub_at(p, r->walk_at);
        if ((pub->flags & PS_PUB_USED) != 0 && pub->epoch != p->epoch) {
            ended += judge(t, r->walk_at) ? 1 : 0;
        }
        r->walk_at++;
        if (ended == PS_PEER_TICK_SETTLED) {
            return;
        }
    }
    if (r->walk_at >= p->pubs.fresh) {
        r->phase = PS_REPAIR_NONE;
    }
}

void ps_peer_repair_due(ps_peer_turn *t)
{
    ps_peer *p = t->p;
    const ps_peer_repair *r = &p->repair;
    if (r->phase == PS_REPAIR_SUM) {
        if (ps_peer_digest_walk(p)) {
            on_summed(t);
        }
    } else if (r->phase == PS_REPAIR_WALK) {
        walk(t);
    } else if (r->phase != PS_REPAIR_NONE && ps_time_reached(r->next_us, p->clock.now_us)) {
        ask(t); /* A tick's third datagram at most. */
    }
}

uint64_t ps_peer_repair_deadline_us(const ps_peer *p)
{
    switch (p->repair.phase) {
    case PS_REPAIR_NONE:
        return PS_TIME_NEVER;
    case PS_REPAIR_DIGESTS:
    case PS_REPAIR_NAMES:
        return p->repair.next_us;
    default: /* Work of our own. */
        return p->clock.now_us;
    }
}
