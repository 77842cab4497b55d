/* Cuts who makes no progress. A step that comes late (a paused process, a busy host) grants a
 * second more, once, so that what arrived meanwhile can be stepped first. */
#ifndef PS_TRANSFER_STALL_H
#define PS_TRANSFER_STALL_H

#include "util/clock.h"

#define PS_STALL_LATE_US  250000u
#define PS_STALL_GRACE_US 1000000u

typedef struct ps_stall {
    uint64_t length_us;
    uint64_t deadline_us; /* PS_TIME_NEVER: not running. */
    uint64_t credit;      /* Payload since the last progress, in bytes, below a leaf's worth. */
    bool graced;
} ps_stall;

static inline void ps_stall_progress(ps_stall *s, uint64_t now_us)
{
    s->deadline_us = ps_time_add(now_us, s->length_us);
    s->credit = 0;
    s->graced = false;
}

/* Payload moved; `worth` bytes of it are progress. */
static inline void ps_stall_payload(ps_stall *s, uint64_t bytes, uint64_t worth, uint64_t now_us)
{
    if (bytes >= worth - s->credit) {
        ps_stall_progress(s, now_us);
    } else {
        s->credit += bytes;
    }
}

static inline void ps_stall_stop(ps_stall *s)
{
    s->deadline_us = PS_TIME_NEVER;
}

/* What is left of the time, to go on with after a stop. */
static inline uint64_t ps_stall_left(const ps_stall *s, uint64_t now_us)
{
    return s->deadline_us > now_us ? s->deadline_us - now_us : 0;
}

static inline void ps_stall_resume(ps_stall *s, uint64_t left_us, uint64_t now_us)
{
    s->deadline_us = ps_time_add(now_us, left_us);
}

/* True when the time is over. */
static inline bool ps_stall_over(ps_stall *s, uint64_t now_us)
{
    if (!ps_time_reached(s->deadline_us, now_us)) {
        return false;
    }
    if (!s->graced && now_us - s->deadline_us >= PS_STALL_LATE_US) {
        s->graced = true;
        s->deadline_us = ps_time_add(now_us, PS_STALL_GRACE_US);
        return false;
    }
    return true;
}

#endif
