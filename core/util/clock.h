/* A machine's view of time: what runs back is clamped to the latest seen, and counted. All
 * comparisons of times go through ps_time_reached(). */
#ifndef PS_UTIL_CLOCK_H
#define PS_UTIL_CLOCK_H

#include "peersync/base.h"

typedef struct ps_clock {
    uint64_t now_us;
    uint64_t clamped;
} ps_clock;

static inline uint64_t ps_clock_advance(ps_clock *c, uint64_t now_us)
{
    if (now_us < c->now_us) {
        c->clamped++;
    } else {
        c->now_us = now_us;
    }
    return c->now_us;
}

/* True when the deadline has come. PS_TIME_NEVER is never reached. */
static inline bool ps_time_reached(uint64_t deadline_us, uint64_t now_us)
{
    return deadline_us != PS_TIME_NEVER && deadline_us <= now_us;
}

/* a + b, or PS_TIME_NEVER - 1 where the sum does not fit. */
static inline uint64_t ps_time_add(uint64_t a_us, uint64_t b_us)
{
    const uint64_t last = PS_TIME_NEVER - 1;
    return b_us < last && a_us < last - b_us ? a_us + b_us : last;
}

static inline uint64_t ps_time_min(uint64_t a_us, uint64_t b_us)
{
    return a_us < b_us ? a_us : b_us;
}

#endif
