/* The table of requests: LIST_PEERS, LIST_FILES, SEARCH, LOCATE, from command to last page. */
#include "peer/peer_internal.h"

static ps_message_type message_of(ps_input_type type)
{
    if (type == PS_INPUT_LIST_PEERS) {
        return PS_MSG_LIST_PEERS;
    }
    if (type == PS_INPUT_LIST_FILES) {
        return PS_MSG_LIST_FILES;
    }
    return type == PS_INPUT_SEARCH ? PS_MSG_SEARCH : PS_MSG_LOCATE;
}

static bool text_ok(ps_message_type message, ps_span text)
{
    if (message == PS_MSG_LOCATE) {
        return ps_name_check(text) == PS_NAME_OK;
    }
    if (message == PS_MSG_SEARCH) {
        return text.len >= 1 && text.len <= PS_SEARCH_MAX;
    }
    return text.len == 0;
}

static bool encode(const ps_peer_request *r, ps_writer *w)
{
    const ps_span text = {r->text, r->text_len};
    if (r->message == PS_MSG_LOCATE) {
        const ps_locate m = {.cursor = r->cursor, .name = text};
        return ps_locate_encode(w, r->id, &m);
    }
    const ps_list m = {.cursor = r->cursor, .text = text};
    return ps_list_encode(w, (ps_message_type)r->message, r->id, &m);
}

/* Sends request i, if this input still may; else it is due, and a tick sends it. */
static void send(ps_peer_turn *t, uint32_t i)
{
    ps_peer *p = t->p;
    ps_peer_request *r = ps_peer_request_at(p, i);
    if (ps_peer_can_send(t)) {
        if (r->anew) {
            r->anew = false;
            ps_peer_event(t, PS_EVENT_AGAIN)->u.done.tag = r->tag;
        }
        ps_writer w = ps_peer_packet_begin(t);
        const bool fits = encode(r, &w);
        PS_ASSERT(fits);
        (void)fits;
        ps_peer_packet_end(t, &w);
        p->stats.retransmissions += r->tries > 0 ? 1 : 0;
        r->tries = r->tries < UINT8_MAX ? (uint8_t)(r->tries + 1) : r->tries;
        r->sent_us = p->clock.now_us;
        const uint64_t wait_us = ps_rtt_timeout_us(&p->rtt, r->tries);
        r->next_us = ps_time_add(p->clock.now_us, wait_us + ps_peer_jitter_us(p, wait_us));
    } else {
        r->next_us = p->clock.now_us;
    }
    r->next_us = ps_time_min(r->next_us, r->deadline_us);
    ps_peer_heap_update(p, i);
}

void ps_peer_on_list_command(ps_peer_turn *t, ps_input_type type, const ps_input_command *in)
{
    ps_peer *p = t->p;
    const ps_message_type message = message_of(type);
    if (!text_ok(message, in->text)) {
        ps_peer_done(t, in->tag, PS_E_BAD_NAME, 0);
        return;
    }
    if (p->state != PS_PEER_ONLINE && p->state != PS_PEER_LOST) {
        ps_peer_done(t, in->tag, PS_E_NOT_LOGGED_IN, 0);
        return;
    }
    const uint32_t i =
        ps_slots_take(&p->requests, ps_peer_request_at(p, 0), sizeof(ps_peer_request));
    if (i == PS_NIL) {
        ps_peer_done(t, in->tag, PS_E_BUSY, 0);
        return;
    }
    ps_peer_request *r = ps_peer_request_at(p, i);
    const uint64_t deadline_us = ps_time_add(p->clock.now_us, p->request_us);
    memset(r, 0, sizeof *r);
    r->id = ps_peer_new_id(p, i);
    r->serial = p->next_serial++;
    r->tag = in->tag;
    r->deadline_us = deadline_us;
    r->next_us = deadline_us;
    r->message = (uint8_t)message;
    r->text_len = (uint8_t)in->text.len;
    if (in->text.len > 0) {
        memcpy(r->text, in->text.data, in->text.len);
    }
    ps_peer_heap_push(p, i);
    if (p->state == PS_PEER_ONLINE) {
        send(t, i);
    }
}

uint32_t ps_peer_request_find(const ps_peer *p, uint32_t id)
{
    const uint32_t i = id % (UINT32_C(1) << PS_ID_PLACE_BITS);
    if (i >= p->requests.fresh) {
        return PS_NIL;
    }
    const ps_peer_request *r = ps_peer_request_at(p, i);
    if (r->heap_at == PS_NIL || r->id != id || r->tries == 0 || r->serial < p->drain_before) {
        return PS_NIL;
    }
    return i;
}

void ps_peer_request_page(ps_peer_turn *t, uint32_t i, uint64_t cursor)
{
    ps_peer *p = t->p;
    ps_peer_request *r = ps_peer_request_at(p, i);
    r->id = ps_peer_new_id(p, i);
    r->cursor = cursor;
    r->tries = 0;
    r->deadline_us = ps_time_add(p->clock.now_us, p->request_us);
    send(t, i);
}

void ps_peer_request_finish(ps_peer_turn *t, uint32_t i, uint32_t error, uint32_t retry_ms)
{
    ps_peer *p = t->p;
    ps_peer_done(t, ps_peer_request_at(p, i)->tag, error, retry_ms);
    ps_peer_heap_remove(p, i);
    ps_slots_give(&p->requests, ps_peer_request_at(p, 0), sizeof(ps_peer_request), i);
}

void ps_peer_request_put_off(ps_peer *p, uint32_t i, uint32_t retry_ms)
{
    ps_peer_request *r = ps_peer_request_at(p, i);
    const uint64_t wait_us = retry_ms * UINT64_C(1000);
    r->next_us = ps_time_add(p->clock.now_us, wait_us > PS_RTO_MIN_US ? wait_us : PS_RTO_MIN_US);
    r->next_us = ps_time_min(r->next_us, r->deadline_us);
    ps_peer_heap_update(p, i);
}

/* Equal keys are a heap in any order. */
static void all_due(ps_peer *p)
{
    for (uint32_t k = 0; k < p->requests.used; k++) {
        ps_peer_request_at(p, ps_peer_heap(p)[k])->next_us = p->clock.now_us;
    }
}

void ps_peer_requests_wake(ps_peer *p, bool anew)
{
    for (uint32_t k = 0; k < p->requests.used; k++) {
        ps_peer_request *r = ps_peer_request_at(p, ps_peer_heap(p)[k]);
        r->tries = 0;
        if (anew && r->cursor != 0 && !PS_CANARY(OLD_CURSOR)) { /* It means nothing in this life. */
            r->cursor = 0;
            r->matched = r->reachable = false;
            r->anew = true;
        }
    }
    all_due(p);
}

void ps_peer_requests_drain(ps_peer *p, uint32_t error)
{
    p->drain_before = p->next_serial;
    p->drain_error = error;
    all_due(p);
}

void ps_peer_requests_due(ps_peer_turn *t)
{
    ps_peer *p = t->p;
    const uint64_t now_us = p->clock.now_us;
    for (uint32_t n = 0; n < PS_PEER_TICK_REQUESTS; n++) {
        const uint32_t i = ps_peer_heap_top(p);
        if (i == PS_NIL || !ps_time_reached(ps_peer_request_at(p, i)->next_us, now_us)) {
            return;
        }
        ps_peer_request *r = ps_peer_request_at(p, i);
        if (r->serial < p->drain_before) {
            ps_peer_request_finish(t, i, p->drain_error, 0);
        } else if (ps_time_reached(r->deadline_us, now_us)) {
            ps_peer_request_finish(t, i, PS_E_TIMEOUT, 0);
        } else if (p->state != PS_PEER_ONLINE) { /* Held until we are back. */
            r->next_us = r->deadline_us;
            ps_peer_heap_update(p, i);
        } else if (ps_peer_can_send(t)) {
            send(t, i);
        } else {
            return;
        }
    }
}
