/* Timeouts of one length: an intrusive list in order of expiry. Touching moves a node to the tail,
 * expiry pops the head; both O(1), no wheel. Nodes live in an array of the owner, apart from its
 * records, so that a node's neighbours share cache lines with it more often. */
#ifndef PS_UTIL_TIMEOUTS_H
#define PS_UTIL_TIMEOUTS_H

#include "peersync/base.h"

#define PS_NIL UINT32_MAX

typedef struct ps_timeout_node {
    uint64_t deadline_us; /* Without the list's shift: see ps_timeout_deadline_us(). */
    uint32_t prev, next;  /* PS_NIL at the ends. An unlinked node has prev == its own index. */
} ps_timeout_node;

typedef struct ps_timeouts {
    uint64_t length_us;
    uint64_t shift_us; /* Added to what the nodes hold, modulo 2^64: moves them all at once. */
    uint32_t head, tail;
} ps_timeouts;

void ps_timeouts_init(ps_timeouts *t, uint64_t length_us);
/* Gives every linked node `more_us`, or as much of it as leaves none due after `latest_us`.
 * @return how much it was. */
uint64_t ps_timeouts_shift(ps_timeouts *t, const ps_timeout_node *nodes, uint64_t more_us,
                           uint64_t latest_us);
/* Marks node i unlinked. */
void ps_timeout_clear(ps_timeout_node *nodes, uint32_t i);
bool ps_timeout_linked(const ps_timeout_node *nodes, uint32_t i);
/* Links node i at the tail with deadline now + length (or the tail's before, where a shift has
 * moved that further). It must be unlinked. */
void ps_timeout_start(ps_timeouts *t, ps_timeout_node *nodes, uint32_t i, uint64_t now_us);
/* Moves a linked node to the tail with a new deadline. now_us never runs back (ps_clock). */
void ps_timeout_touch(ps_timeouts *t, ps_timeout_node *nodes, uint32_t i, uint64_t now_us);
/* Unlinks node i if it is linked. */
void ps_timeout_stop(ps_timeouts *t, ps_timeout_node *nodes, uint32_t i);
/* The head if it is due at now_us, else PS_NIL. */
uint32_t ps_timeouts_due(const ps_timeouts *t, const ps_timeout_node *nodes, uint64_t now_us);
/* The deadline of a linked node. */
static inline uint64_t ps_timeout_deadline_us(const ps_timeouts *t, const ps_timeout_node *nodes,
                                              uint32_t i)
{
    return nodes[i].deadline_us + t->shift_us;
}
/* The head's deadline, or PS_TIME_NEVER. */
uint64_t ps_timeouts_deadline_us(const ps_timeouts *t, const ps_timeout_node *nodes);
/* Walks the list: links agree, deadlines ascend, at most `cap` nodes. @return count, or -1. */
int64_t ps_timeouts_check(const ps_timeouts *t, const ps_timeout_node *nodes, uint32_t cap);

#endif
