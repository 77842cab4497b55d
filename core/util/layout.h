/* Sums up a slab: each table gets a 64-byte aligned offset. */
#ifndef PS_UTIL_LAYOUT_H
#define PS_UTIL_LAYOUT_H

#include "peersync/base.h"

typedef struct ps_layout {
    size_t size;   /* So far; starts as sizeof the machine. */
    bool overflow; /* The sum does not fit size_t. */
} ps_layout;

/* Room for `count` records of `bytes` each; returns its offset (0 and `overflow` on failure). */
static inline size_t ps_layout_add(ps_layout *l, uint64_t count, size_t bytes)
{
    const size_t limit = SIZE_MAX - 63;
    if (l->overflow || l->size > limit || count > (limit - l->size) / bytes) {
        l->overflow = true;
        return 0;
    }
    size_t offset = (l->size + 63) & ~(size_t)63;
    if (count * bytes > limit - offset) {
        l->overflow = true;
        return 0;
    }
    l->size = offset + (size_t)(count * bytes);
    return offset;
}

/* The smallest power of two that is >= n (n <= 2^31). */
static inline uint32_t ps_pow2_at_least(uint32_t n)
{
    uint32_t p = 1;
    while (p < n) {
        p *= 2u;
    }
    return p;
}

#endif
