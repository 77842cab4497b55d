#include "transfer/leaves.h"

#include "util/assert.h"

#include <string.h>

static void add_leaf(ps_leaves *l, const ps_node *leaf)
{
    PS_ASSERT(*l->complete < UINT64_C(1) << PS_PIECE_LEVEL);
    ps_counter_add(l->crypto, l->stack, *l->complete, leaf);
    *l->complete += 1;
}

static void complete_leaf(ps_leaves *l)
{
    ps_node node;
    l->crypto->sha256_final(l->leaf, node.bytes);
    add_leaf(l, &node);
}

void ps_leaves_update(ps_leaves *l, const uint8_t *data, size_t len)
{
    while (len > 0) {
        uint32_t fill = (uint32_t)(*l->position % PS_LEAF_BYTES);
        size_t n = PS_LEAF_BYTES - fill;
        n = len < n ? len : n;
        if (fill == 0) {
            l->crypto->sha256_init(l->leaf);
        }
        l->crypto->sha256_update(l->leaf, data, n);
        *l->position += n;
        data += n;
        len -= n;
        if (*l->position % PS_LEAF_BYTES == 0) {
            complete_leaf(l);
        }
    }
}

void ps_leaves_root(ps_leaves *l, uint32_t height, ps_node *root)
{
    if (*l->position % PS_LEAF_BYTES != 0) {
        complete_leaf(l);
    }
    ps_counter_root(l->crypto, l->stack, *l->complete, 0, height, root);
}

uint32_t ps_leaves_height(uint32_t pieces, uint32_t len)
{
    return pieces > 1 ? PS_PIECE_LEVEL : ps_log2_ceil((len + PS_LEAF_BYTES - 1) / PS_LEAF_BYTES);
}

/* Where the crypto hashes blocks side by side, the whole leaves of a piece go to it at once.
 * @return the bytes taken. */
static uint32_t add_blocks(ps_leaves *l, const uint8_t *data, uint32_t len)
{
    ps_node leaves[PS_PIECE_BYTES / PS_LEAF_BYTES];
    const uint32_t count = l->crypto->sha256_blocks ? len / PS_LEAF_BYTES : 0;
    if (count > 0) {
        l->crypto->sha256_blocks(data, PS_LEAF_BYTES, count, leaves[0].bytes);
    }
    for (uint32_t i = 0; i < count; i++) {
        add_leaf(l, &leaves[i]);
    }
    *l->position += (uint64_t)count * PS_LEAF_BYTES;
    return count * PS_LEAF_BYTES;
}

void ps_piece_hash(const ps_crypto *crypto, uint64_t length, const uint8_t *data, uint32_t len,
                   ps_node *out)
{
    ps_sha256 leaf;
    ps_node stack[PS_PIECE_LEVEL + 1];
    uint64_t complete = 0;
    uint64_t position = 0;
    ps_leaves l = {
        .crypto = crypto,
        .leaf = &leaf,
        .stack = stack,
        .complete = &complete,
        .position = &position,
    };
    memset(out, 0, sizeof *out);
    if (len > 0 && len <= PS_PIECE_BYTES) {
        const uint32_t whole = add_blocks(&l, data, len);
        ps_leaves_update(&l, data + whole, len - whole);
        ps_leaves_root(&l, ps_leaves_height(ps_piece_count(length), len), out);
    }
}
