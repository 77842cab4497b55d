#include "util/timeouts.h"

#include "util/assert.h"
#include "util/canary.h"
#include "util/clock.h"

void ps_timeouts_init(ps_timeouts *t, uint64_t length_us)
{
    t->length_us = length_us;
    t->shift_us = 0;
    t->head = PS_NIL;
    t->tail = PS_NIL;
}

uint64_t ps_timeouts_shift(ps_timeouts *t, const ps_timeout_node *nodes, uint64_t more_us,
                           uint64_t latest_us)
{
    if (t->tail == PS_NIL) {
        return 0;
    }
    const uint64_t tail_us = ps_timeout_deadline_us(t, nodes, t->tail);
    const uint64_t most_us = latest_us > tail_us ? latest_us - tail_us : 0;
    const uint64_t given_us = ps_time_min(more_us, most_us);
    t->shift_us += given_us;
    return given_us;
}

void ps_timeout_clear(ps_timeout_node *nodes, uint32_t i)
{
    nodes[i] = (ps_timeout_node){.deadline_us = PS_TIME_NEVER, .prev = i, .next = PS_NIL};
}

bool ps_timeout_linked(const ps_timeout_node *nodes, uint32_t i)
{
    return nodes[i].prev != i;
}

static void link_tail(ps_timeouts *t, ps_timeout_node *nodes, uint32_t i)
{
    nodes[i].prev = t->tail;
    nodes[i].next = PS_NIL;
    if (t->tail == PS_NIL) {
        t->head = i;
    } else {
        nodes[t->tail].next = i;
    }
    t->tail = i;
}

static void unlink_node(ps_timeouts *t, ps_timeout_node *nodes, uint32_t i)
{
    const ps_timeout_node node = nodes[i];
    if (node.prev == PS_NIL) {
        PS_ASSERT(t->head == i);
        t->head = node.next;
    } else {
        PS_ASSERT(nodes[node.prev].next == i);
        nodes[node.prev].next = node.next;
    }
    if (node.next == PS_NIL) {
        PS_ASSERT(t->tail == i);
        t->tail = node.prev;
    } else {
        PS_ASSERT(nodes[node.next].prev == i);
        nodes[node.next].prev = node.prev;
    }
}

/* What a node at the tail holds: now + length, but not less than the tail before, which a shift may
 * have moved beyond that. So the order is kept. */
static uint64_t tail_deadline_us(const ps_timeouts *t, const ps_timeout_node *nodes,
                                 uint64_t now_us)
{
    const uint64_t deadline_us = ps_time_add(now_us, t->length_us);
    const uint64_t least_us = t->tail == PS_NIL ? 0 : ps_timeout_deadline_us(t, nodes, t->tail);
    return (deadline_us > least_us ? deadline_us : least_us) - t->shift_us;
}

void ps_timeout_start(ps_timeouts *t, ps_timeout_node *nodes, uint32_t i, uint64_t now_us)
{
    PS_ASSERT(!ps_timeout_linked(nodes, i));
    nodes[i].deadline_us = tail_deadline_us(t, nodes, now_us);
    link_tail(t, nodes, i);
}

void ps_timeout_touch(ps_timeouts *t, ps_timeout_node *nodes, uint32_t i, uint64_t now_us)
{
    PS_ASSERT(ps_timeout_linked(nodes, i));
    nodes[i].deadline_us = tail_deadline_us(t, nodes, now_us);
    if (t->tail != i && !PS_CANARY(UNORDERED_DEADLINES)) {
        unlink_node(t, nodes, i);
        link_tail(t, nodes, i);
    }
}

void ps_timeout_stop(ps_timeouts *t, ps_timeout_node *nodes, uint32_t i)
{
    if (ps_timeout_linked(nodes, i)) {
        unlink_node(t, nodes, i);
        ps_timeout_clear(nodes, i);
    }
}

uint32_t ps_timeouts_due(const ps_timeouts *t, const ps_timeout_node *nodes, uint64_t now_us)
{
    return ps_time_reached(ps_timeouts_deadline_us(t, nodes), now_us) ? t->head : PS_NIL;
}

uint64_t ps_timeouts_deadline_us(const ps_timeouts *t, const ps_timeout_node *nodes)
{
    return t->head == PS_NIL ? PS_TIME_NEVER : ps_timeout_deadline_us(t, nodes, t->head);
}

int64_t ps_timeouts_check(const ps_timeouts *t, const ps_timeout_node *nodes, uint32_t cap)
{
    uint32_t prev = PS_NIL;
    uint64_t deadline_us = 0;
    uint32_t count = 0;
    for (uint32_t i = t->head; i != PS_NIL; i = nodes[i].next) {
        if (i >= cap || count == cap || nodes[i].prev != prev ||
            ps_timeout_deadline_us(t, nodes, i) < deadline_us) {
            return -1;
        }
        deadline_us = ps_timeout_deadline_us(t, nodes, i);
        prev = i;
        count++;
    }
    return t->tail == prev ? (int64_t)count : -1;
}
