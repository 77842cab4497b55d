/* A rate with a burst: a bucket that fills with time. */
#ifndef PS_UTIL_RATE_H
#define PS_UTIL_RATE_H

#include "peersync/base.h"

typedef struct ps_rate_bucket {
    uint64_t at_us; /* When it was filled last. */
    uint64_t parts; /* Millionths of a use. */
} ps_rate_bucket;

#define PS_RATE_USE UINT64_C(1000000)

/* What it would hold now. */
static inline uint64_t ps_rate_parts(const ps_rate_bucket *b, uint64_t now_us, uint32_t per_s,
                                     uint32_t burst)
{
    const uint64_t most = burst * PS_RATE_USE;
    const uint64_t passed_us = now_us - b->at_us;
    if (per_s == 0 || b->parts >= most) {
        return b->parts < most ? b->parts : most;
    }
    return passed_us > (most - b->parts) / per_s ? most : b->parts + passed_us * per_s;
}

static inline void ps_rate_fill(ps_rate_bucket *b, uint64_t now_us, uint32_t burst)
{
    *b = (ps_rate_bucket){.at_us = now_us, .parts = burst * PS_RATE_USE};
}

/* Is there a use left? Takes it. now_us never runs back. */
static inline bool ps_rate_take(ps_rate_bucket *b, uint64_t now_us, uint32_t per_s, uint32_t burst)
{
    b->parts = ps_rate_parts(b, now_us, per_s, burst);
    b->at_us = now_us;
    if (b->parts < PS_RATE_USE) {
        return false;
    }
    b->parts -= PS_RATE_USE;
    return true;
}

/* Gives a use back. */
static inline void ps_rate_return(ps_rate_bucket *b)
{
    b->parts += PS_RATE_USE;
}

#endif
