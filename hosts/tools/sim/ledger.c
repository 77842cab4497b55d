#include "ledger.h"

#include <stdlib.h>
#include <string.h>

/* Places of a table; when half of them are taken, the table before it is forgotten. */
#define PLACES (UINT32_C(1) << 16)

/* FNV-1a by words of eight, stirred at the end. */
static uint64_t hash_of(const uint8_t *data, size_t len)
{
    uint64_t hash = UINT64_C(0xcbf29ce484222325) ^ len;
    size_t i = 0;
    for (; i + 8 <= len; i += 8) {
        uint64_t word = 0;
        for (size_t k = 0; k < 8; k++) {
            word = word << 8 | data[i + k];
        }
        hash = (hash ^ word) * UINT64_C(0x9e3779b97f4a7c15);
        hash ^= hash >> 29;
    }
    for (; i < len; i++) {
        hash = (hash ^ data[i]) * UINT64_C(0x100000001b3);
    }
    hash ^= hash >> 32;
    return hash != 0 ? hash : 1;
}

static uint64_t *place(uint64_t *table, uint64_t hash)
{
    size_t at = (size_t)(hash % PLACES);
    while (table[at] != 0 && table[at] != hash) {
        at = (at + 1) % PLACES;
    }
    return &table[at];
}

bool ledger_init(ledger *l)
{
    l->now = calloc(PLACES, sizeof *l->now);
    l->before = calloc(PLACES, sizeof *l->before);
    return l->now != NULL && l->before != NULL;
}

void ledger_free(ledger *l)
{
    free(l->now);
    free(l->before);
}

void ledger_add(ledger *l, const uint8_t *data, size_t len)
{
    const uint64_t hash = hash_of(data, len);
    if (l->used == PLACES / 2) {
        uint64_t *oldest = l->before;
        l->before = l->now;
        l->now = oldest;
        memset(l->now, 0, PLACES * sizeof *l->now);
        l->used = 0;
    }
    uint64_t *at = place(l->now, hash);
    l->used += *at == 0 ? 1u : 0u;
    *at = hash;
}

bool ledger_has(const ledger *l, const uint8_t *data, size_t len)
{
    const uint64_t hash = hash_of(data, len);
    return *place(l->now, hash) == hash || *place(l->before, hash) == hash;
}
