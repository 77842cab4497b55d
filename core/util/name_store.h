/* Names of any length in fixed records: the first 28 bytes stand in the record, the rest in a chain
 * of 32-byte blocks from a shared pool. No fragmentation, O(1) a block. */
#ifndef PS_UTIL_NAME_STORE_H
#define PS_UTIL_NAME_STORE_H

#include "peersync/base.h"

#define PS_NAME_HEAD 28u

typedef struct ps_name_ref {
    uint8_t len; /* 0: no name. */
    uint8_t head[PS_NAME_HEAD];
    uint32_t more; /* First block, or PS_NIL. */
} ps_name_ref;

typedef struct ps_name_block {
    uint8_t bytes[28];
    uint32_t next;
} ps_name_block;

/* The pool's bookkeeping; the blocks stand elsewhere in the slab and are passed in. */
typedef struct ps_name_pool {
    uint32_t cap, used;
    uint32_t fresh; /* Blocks from here on were never used (nor touched). */
    uint32_t free;  /* Head of the list of returned blocks, or PS_NIL. */
} ps_name_pool;

void ps_name_pool_init(ps_name_pool *pool, uint32_t cap);
/* Whether a name of 1..255 bytes finds room. */
bool ps_name_fits(const ps_name_pool *pool, size_t len);
/* Stores 1..255 bytes. False: the pool is full, nothing changed. */
bool ps_name_put(ps_name_pool *pool, ps_name_block *blocks, ps_name_ref *ref, ps_span name);
/* The name in one piece: in the record itself, or copied to `scratch`. */
ps_span ps_name_get(const ps_name_block *blocks, const ps_name_ref *ref,
                    uint8_t scratch[PS_NAME_MAX]);
bool ps_name_is(const ps_name_block *blocks, const ps_name_ref *ref, ps_span name);
/* Returns the blocks; ref->len becomes 0. */
void ps_name_drop(ps_name_pool *pool, ps_name_block *blocks, ps_name_ref *ref);

#endif
