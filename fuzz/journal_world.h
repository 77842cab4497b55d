/* Journals out of the input, whose checksums are put right, so that what lies behind them is
 * reached: heads, records, inputs. */
#ifndef PS_FUZZ_JOURNAL_WORLD_H
#define PS_FUZZ_JOURNAL_WORLD_H

#include <stddef.h>
#include <stdint.h>

enum { JOURNAL_PREAMBLE = 256, JOURNAL_FIXED = 6 };

/* FNV-1a, as the journal's format has it. */
static inline void journal_seal(uint8_t *bytes, size_t len)
{
    uint64_t hash = UINT64_C(0xcbf29ce484222325);
    for (size_t i = 0; i < len; i++) {
        hash = (hash ^ bytes[i]) * UINT64_C(0x100000001b3);
    }
    for (unsigned i = 0; i < 8; i++) {
        bytes[len + i] = (uint8_t)(hash >> (56 - 8 * i));
    }
}

/* Puts the checksums right, as far as lengths lead. */
static inline void journal_seal_all(uint8_t *bytes, size_t size)
{
    size_t at = JOURNAL_PREAMBLE + JOURNAL_FIXED;
    if (size < at) {
        return;
    }
    size_t len = at + (size_t)bytes[JOURNAL_PREAMBLE + 4] * 256 + bytes[JOURNAL_PREAMBLE + 5];
    at = 0;
    while (len + 8 <= size - at) {
        journal_seal(bytes + at, len);
        at += len + 8;
        if (size - at < 4 || bytes[at] != 0 || bytes[at + 1] != 0) {
            return;
        }
        len = 4 + (size_t)bytes[at + 2] * 256 + bytes[at + 3];
    }
}

#endif
