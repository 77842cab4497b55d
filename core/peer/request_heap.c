/* A binary heap of requests by next_us (Williams 1964, Algorithm 232): retransmission times differ
 * from request to request, so a list in order of expiry does not do. */
#include "peer/peer_internal.h"

static uint64_t key_of(const ps_peer *p, uint32_t position)
{
    return ps_peer_request_at(p, ps_peer_heap(p)[position])->next_us;
}

static void put(ps_peer *p, uint32_t position, uint32_t i)
{
    ps_peer_heap(p)[position] = i;
    ps_peer_request_at(p, i)->heap_at = position;
}

static void swap(ps_peer *p, uint32_t a, uint32_t b)
{
    const uint32_t i = ps_peer_heap(p)[a];
    put(p, a, ps_peer_heap(p)[b]);
    put(p, b, i);
}

static void rise(ps_peer *p, uint32_t position)
{
    while (position > 0) {
        const uint32_t parent = (position - 1) / 2;
        if (key_of(p, parent) <= key_of(p, position)) {
            break;
        }
        swap(p, parent, position);
        position = parent;
    }
}

static void sink(ps_peer *p, uint32_t position, uint32_t count)
{
    for (;;) {
        uint32_t least = position;
        const uint32_t child = 2 * position + 1;
        if (child < count && key_of(p, child) < key_of(p, least)) {
            least = child;
        }
        if (child + 1 < count && key_of(p, child + 1) < key_of(p, least)) {
            least = child + 1;
        }
        if (least == position) {
            return;
        }
        swap(p, least, position);
        position = least;
    }
}

/* The heap holds exactly the used slots, so their number is its size; a push comes after the slot
 * was taken, a remove before it is given back. */
void ps_peer_heap_push(ps_peer *p, uint32_t i)
{
    const uint32_t last = p->requests.used - 1;
    put(p, last, i);
    rise(p, last);
}

void ps_peer_heap_remove(ps_peer *p, uint32_t i)
{
    const uint32_t position = ps_peer_request_at(p, i)->heap_at;
    const uint32_t last = p->requests.used - 1;
    PS_ASSERT(position <= last && ps_peer_heap(p)[position] == i);
    if (position != last) {
        put(p, position, ps_peer_heap(p)[last]);
        rise(p, position);
        sink(p, position, last);
    }
    ps_peer_request_at(p, i)->heap_at = PS_NIL;
}

void ps_peer_heap_update(ps_peer *p, uint32_t i)
{
    rise(p, ps_peer_request_at(p, i)->heap_at);
    sink(p, ps_peer_request_at(p, i)->heap_at, p->requests.used);
}

uint32_t ps_peer_heap_top(const ps_peer *p)
{
    return p->requests.used > 0 ? ps_peer_heap(p)[0] : PS_NIL;
}
