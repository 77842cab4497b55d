/* Two rings in the caller's memory: datagrams, and their bytes. A datagram's bytes lie in one
 * piece; one that does not fit before the end of its ring begins at its start. They leave in order:
 * one whose number is lower than that of one before it waits with that one. */
#include "pump/hold.h"

#include <string.h>

ps_status ps_pump_hold(ps_pump *p, uint8_t *bytes, size_t bytes_cap, ps_datagram *datagrams,
                       size_t datagrams_cap)
{
    if (!p || !bytes || !datagrams || bytes_cap == 0 || bytes_cap > UINT32_MAX ||
        datagrams_cap == 0 || p->held.len > 0) {
        return PS_INVALID;
    }
    p->held = (ps_pump_held){
        .bytes = bytes, .bytes_cap = bytes_cap, .datagrams = datagrams, .cap = datagrams_cap};
    return PS_OK;
}

static ps_datagram *at(const ps_pump_held *h, size_t i)
{
    const size_t to_end = h->cap - h->head;
    return &h->datagrams[i < to_end ? h->head + i : i - to_end];
}

/* Where `len` bytes can go; false: nowhere. */
static bool find_room(const ps_pump_held *h, size_t len, size_t *offset)
{
    *offset = 0;
    if (h->len == 0) {
        return len <= h->bytes_cap;
    }
    const size_t first = at(h, 0)->offset;
    const ps_datagram *last = at(h, h->len - 1);
    const size_t end = (size_t)last->offset + last->len;
    if (last->offset < first) { /* The bytes have come round: the gap is in the middle. */
        *offset = end;
        return len <= first - end;
    }
    if (len <= h->bytes_cap - end) {
        *offset = end;
        return true;
    }
    return len <= first;
}

bool ps_hold_put(ps_pump_held *h, const uint8_t *slab, const ps_datagram *dg)
{
    size_t offset = 0;
    if (h->len == h->cap || !find_room(h, dg->len, &offset)) {
        return false;
    }
    memcpy(h->bytes + offset, slab + dg->offset, dg->len);
    ps_datagram *to = at(h, h->len++);
    *to = *dg;
    to->offset = (uint32_t)offset;
    return true;
}

bool ps_hold_ready(const ps_pump_held *h, uint64_t committed)
{
    return h->len > 0 && at(h, 0)->commit_seq <= committed;
}

ps_status ps_hold_send(ps_pump_held *h, uint64_t committed, const ps_transport *transport)
{
    while (ps_hold_ready(h, committed)) {
        /* As many as lie side by side. */
        size_t n = 1;
        while (n < h->len && h->head + n < h->cap && at(h, n)->commit_seq <= committed) {
            n++;
        }
        size_t sent = 0;
        ps_status status = transport->send(transport->ctx, h->bytes, at(h, 0), n, &sent);
        h->head = sent < h->cap - h->head ? h->head + sent : 0;
        h->len -= sent;
        if (status != PS_OK) {
            return status;
        }
    }
    return PS_OK;
}
