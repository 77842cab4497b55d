/* A machine's view of time. It never runs back: where the host's clock does, it stands still until
 * that has caught up; where the host's clock was set back by a second or more, it goes on from
 * where it stood, at an offset. Both are counted. All comparisons of times go through
 * ps_time_reached(). */
#ifndef PS_UTIL_CLOCK_H
#define PS_UTIL_CLOCK_H

#include "peersync/base.h"
#include "util/canary.h"

/* Less than that is disorder among the stamps of inputs; more, a clock that was set. */
#define PS_CLOCK_SET_US UINT64_C(1000000)
/* A step that comes later than this after its deadline is late, and those whom the machine would
 * find silent get its lateness as more time: it was not there to hear them. (What it hears within
 * that is stepped before a tick: a host that is a little late blames nobody.) */
#define PS_LATE_US UINT64_C(250000)
/* A peer gives as much again, up to this, for an answer to come; a server, up to what was left. */
#define PS_LATE_GRACE_US UINT64_C(500000)
/* So often in a row: else a host that is always late would never find anybody silent. */
#define PS_LATE_TIMES 4u

typedef struct ps_clock {
    uint64_t now_us;
    uint64_t offset_us; /* Added to the host's clock. */
    uint64_t clamped;
} ps_clock;

static inline uint64_t ps_clock_advance(ps_clock *c, uint64_t host_us)
{
    const uint64_t now_us = host_us + c->offset_us;
    if (now_us >= c->now_us) {
        c->now_us = now_us;
        return now_us;
    }
    c->clamped++;
    if (c->now_us - now_us >= PS_CLOCK_SET_US && !PS_CANARY(CLOCK_SET_BACK)) {
        c->offset_us += c->now_us - now_us;
    }
    return c->now_us;
}

/* A deadline in the host's clock. */
static inline uint64_t ps_clock_host_us(const ps_clock *c, uint64_t deadline_us)
{
    if (deadline_us == PS_TIME_NEVER) {
        return PS_TIME_NEVER;
    }
    return deadline_us > c->offset_us ? deadline_us - c->offset_us : 0;
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

/* How late a step comes: 0 when it is in time. The step before came at `before_us` and had `due_us`
 * as the deadline. */
static inline uint64_t ps_lateness_us(uint64_t before_us, uint64_t due_us, uint64_t now_us)
{
    const uint64_t from_us = due_us > before_us ? due_us : before_us;
    if (due_us == PS_TIME_NEVER || now_us <= due_us || now_us - from_us <= PS_LATE_US) {
        return 0;
    }
    return now_us - from_us;
}

#endif
