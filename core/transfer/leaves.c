#include "transfer/leaves.h"

#include "util/assert.h"

/* A node came to be: keeps it where the uploader will look for it. */
static void keep(const ps_leaves *l, uint32_t level, uint64_t index, const ps_node *node)
{
    if (l->tree && level >= PS_PIECE_LEVEL) {
        l->tree[ps_layer_start(l->pieces, level - PS_PIECE_LEVEL) + (size_t)index] = *node;
    }
}

/* The leaf under way is complete: merges it into the counter. */
static void complete_leaf(ps_leaves *l)
{
    ps_node carry;
    uint64_t index = *l->complete;
    uint32_t level = 0;
    l->crypto->sha256_final(l->leaf, carry.bytes);
    for (; (index & 1u) != 0; level++) {
        ps_node_join(l->crypto, &l->stack[level], &carry, &carry);
        index >>= 1;
        keep(l, level + 1, index, &carry);
    }
    l->stack[level] = carry;
    *l->complete += 1;
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
    uint64_t n = *l->complete;
    PS_ASSERT(n > 0 && n <= UINT64_C(1) << height);
    if (n == UINT64_C(1) << height) {
        *root = l->stack[height];
        return;
    }
    ps_node carry;
    ps_node pad;
    bool carrying = false;
    ps_node_pad(l->crypto, 0, &pad);
    for (uint32_t level = 0; level < height; level++) {
        const bool here = ((n >> level) & 1u) != 0;
        if (here && carrying) {
            ps_node_join(l->crypto, &l->stack[level], &carry, &carry);
        } else if (here) {
            ps_node_join(l->crypto, &l->stack[level], &pad, &carry);
        } else if (carrying) {
            ps_node_join(l->crypto, &carry, &pad, &carry);
        }
        carrying = carrying || here;
        if (carrying) {
            keep(l, level + 1, (n - 1) >> (level + 1), &carry);
        }
        ps_node_join(l->crypto, &pad, &pad, &pad);
    }
    *root = carry;
}
