/* A table's free records: those never used lie above `fresh` (and were never touched), those
 * returned form a list through the first 32-bit word of each. */
#ifndef PS_UTIL_SLOTS_H
#define PS_UTIL_SLOTS_H

#include "util/timeouts.h"

#include <string.h>

typedef struct ps_slots {
    uint32_t cap, used, fresh;
    uint32_t free; /* Index + 1 of the first returned record; 0: none. */
} ps_slots;

static inline void ps_slots_init(ps_slots *s, uint32_t cap)
{
    *s = (ps_slots){.cap = cap};
}

/* Takes a record of the table at `base` with records of `stride` bytes; PS_NIL when full. */
static inline uint32_t ps_slots_take(ps_slots *s, const void *base, size_t stride)
{
    uint32_t i;
    if (s->free != 0) {
        i = s->free - 1;
        memcpy(&s->free, (const uint8_t *)base + (size_t)i * stride, sizeof s->free);
    } else if (s->fresh < s->cap) {
        i = s->fresh++;
    } else {
        return PS_NIL;
    }
    s->used++;
    return i;
}

/* Gives record i back; its first word now belongs to the list. */
static inline void ps_slots_give(ps_slots *s, void *base, size_t stride, uint32_t i)
{
    memcpy((uint8_t *)base + (size_t)i * stride, &s->free, sizeof s->free);
    s->free = i + 1;
    s->used--;
}

#endif
