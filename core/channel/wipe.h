/* Secrets leave no copy behind, and are compared without telling how far they agree. */
#ifndef PS_CHANNEL_WIPE_H
#define PS_CHANNEL_WIPE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Zeroes memory in a way that no compiler leaves out. */
static inline void ps_wipe(void *memory, size_t len)
{
    volatile uint8_t *p = memory;
    for (size_t i = 0; i < len; i++) {
        p[i] = 0;
    }
}

/* In constant time. */
static inline bool ps_secret_equal(const uint8_t *a, const uint8_t *b, size_t len)
{
    uint8_t differ = 0;
    for (size_t i = 0; i < len; i++) {
        differ = (uint8_t)(differ | (a[i] ^ b[i]));
    }
    return ((uint32_t)differ - 1u) >> 31 != 0;
}

#endif
