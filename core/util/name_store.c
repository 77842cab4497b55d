#include "util/name_store.h"

#include "util/assert.h"
#include "util/timeouts.h"

#include <string.h>

#define BLOCK_BYTES ((uint32_t)sizeof((ps_name_block){0}.bytes))

_Static_assert(sizeof(ps_name_block) == 32, "two blocks a cache line");

static uint32_t head_len(uint32_t len)
{
    return len < PS_NAME_HEAD ? len : PS_NAME_HEAD;
}

static uint32_t blocks_of(uint32_t len)
{
    return (len - head_len(len) + BLOCK_BYTES - 1) / BLOCK_BYTES;
}

static uint32_t part_len(uint32_t left)
{
    return left < BLOCK_BYTES ? left : BLOCK_BYTES;
}

void ps_name_pool_init(ps_name_pool *pool, uint32_t cap)
{
    *pool = (ps_name_pool){.cap = cap, .used = 0, .fresh = 0, .free = PS_NIL};
}

static uint32_t take_block(ps_name_pool *pool, const ps_name_block *blocks)
{
    uint32_t block = pool->free;
    if (block != PS_NIL) {
        pool->free = blocks[block].next;
    } else {
        PS_ASSERT(pool->fresh < pool->cap);
        block = pool->fresh++;
    }
    pool->used++;
    return block;
}

bool ps_name_fits(const ps_name_pool *pool, size_t len)
{
    return blocks_of((uint32_t)len) <= pool->cap - pool->used;
}

bool ps_name_put(ps_name_pool *pool, ps_name_block *blocks, ps_name_ref *ref, ps_span name)
{
    PS_ASSERT(name.len >= 1);
    PS_ASSERT(name.len <= PS_NAME_MAX);
    const uint32_t len = (uint32_t)name.len;
    if (!ps_name_fits(pool, len)) {
        return false;
    }
    uint32_t at = head_len(len);
    ref->len = (uint8_t)len;
    ref->more = PS_NIL;
    memcpy(ref->head, name.data, at);
    uint32_t last = PS_NIL;
    while (at < len) {
        const uint32_t block = take_block(pool, blocks);
        const uint32_t part = part_len(len - at);
        memcpy(blocks[block].bytes, name.data + at, part);
        blocks[block].next = PS_NIL;
        if (last == PS_NIL) {
            ref->more = block;
        } else {
            blocks[last].next = block;
        }
        last = block;
        at += part;
    }
    return true;
}

ps_span ps_name_get(const ps_name_block *blocks, const ps_name_ref *ref,
                    uint8_t scratch[PS_NAME_MAX])
{
    const uint32_t len = ref->len;
    if (len <= PS_NAME_HEAD) {
        return (ps_span){ref->head, len};
    }
    memcpy(scratch, ref->head, PS_NAME_HEAD);
    uint32_t block = ref->more;
    for (uint32_t at = PS_NAME_HEAD; at < len;) {
        const uint32_t part = part_len(len - at);
        memcpy(scratch + at, blocks[block].bytes, part);
        at += part;
        block = blocks[block].next;
    }
    return (ps_span){scratch, len};
}

bool ps_name_is(const ps_name_block *blocks, const ps_name_ref *ref, ps_span name)
{
    const uint32_t len = ref->len;
    if (name.len != len || memcmp(ref->head, name.data, head_len(len)) != 0) {
        return false;
    }
    uint32_t block = ref->more;
    for (uint32_t at = head_len(len); at < len;) {
        const uint32_t part = part_len(len - at);
        if (memcmp(blocks[block].bytes, name.data + at, part) != 0) {
            return false;
        }
        at += part;
        block = blocks[block].next;
    }
    return true;
}

void ps_name_drop(ps_name_pool *pool, ps_name_block *blocks, ps_name_ref *ref)
{
    uint32_t block = ref->len > PS_NAME_HEAD ? ref->more : PS_NIL;
    while (block != PS_NIL) {
        const uint32_t next = blocks[block].next;
        blocks[block].next = pool->free;
        pool->free = block;
        pool->used--;
        block = next;
    }
    ref->len = 0;
    ref->more = PS_NIL;
}
