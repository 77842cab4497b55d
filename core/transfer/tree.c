/* BEP 52, "pieces root" and "piece layers": the balanced binary tree over 16 KiB leaves. */
#include "transfer/tree.h"

#include "util/assert.h"

#include <string.h>

uint32_t ps_log2_ceil(uint64_t n)
{
    uint32_t h = 0;
    while (h < 63 && (UINT64_C(1) << h) < n) {
        h++;
    }
    return h;
}

uint32_t ps_piece_count(uint64_t length)
{
    return (uint32_t)(length / PS_PIECE_BYTES + (length % PS_PIECE_BYTES != 0));
}

bool ps_content_possible(const ps_content *content)
{
    static const ps_node zero;
    if (content->length == 0) {
        return ps_node_equal(&zero, content->root);
    }
    return content->length <= PS_FILE_MAX;
}

uint32_t ps_piece_length(uint64_t length, uint32_t index)
{
    uint64_t start = (uint64_t)index * PS_PIECE_BYTES;
    if (start >= length) {
        return 0;
    }
    uint64_t rest = length - start;
    return rest < PS_PIECE_BYTES ? (uint32_t)rest : PS_PIECE_BYTES;
}

uint32_t ps_tree_height(uint32_t pieces)
{
    return ps_log2_ceil(pieces);
}

uint32_t ps_layer_count(uint32_t pieces, uint32_t layer)
{
    PS_ASSERT(layer <= PS_LAYERS_MAX);
    return (uint32_t)(((uint64_t)pieces + (UINT64_C(1) << layer) - 1) >> layer);
}

size_t ps_layer_start(uint32_t pieces, uint32_t layer)
{
    size_t start = 0;
    for (uint32_t k = 0; k < layer; k++) {
        start += ps_layer_count(pieces, k);
    }
    return start;
}

size_t ps_tree_nodes(uint64_t length)
{
    uint32_t pieces = ps_piece_count(length);
    return pieces <= 1 ? 0 : ps_layer_start(pieces, ps_tree_height(pieces)) + 1;
}

void ps_node_join(const ps_crypto *crypto, const ps_node *left, const ps_node *right, ps_node *out)
{
    ps_sha256 sha;
    crypto->sha256_init(&sha);
    crypto->sha256_update(&sha, left->bytes, PS_ROOT_BYTES);
    crypto->sha256_update(&sha, right->bytes, PS_ROOT_BYTES);
    crypto->sha256_final(&sha, out->bytes);
}

void ps_node_pad(const ps_crypto *crypto, uint32_t level, ps_node *out)
{
    memset(out, 0, sizeof *out);
    for (uint32_t i = 0; i < level; i++) {
        ps_node_join(crypto, out, out, out);
    }
}

bool ps_node_equal(const ps_node *a, const uint8_t b[PS_ROOT_BYTES])
{
    return memcmp(a->bytes, b, PS_ROOT_BYTES) == 0;
}

void ps_counter_add(const ps_crypto *crypto, ps_node *stack, uint64_t n, const ps_node *node)
{
    ps_node carry = *node;
    uint32_t level = 0;
    for (; ((n >> level) & 1u) != 0; level++) {
        ps_node_join(crypto, &stack[level], &carry, &carry);
    }
    stack[level] = carry;
}

void ps_counter_root(const ps_crypto *crypto, const ps_node *stack, uint64_t n, uint32_t level,
                     uint32_t height, ps_node *root)
{
    PS_ASSERT(n > 0 && n <= UINT64_C(1) << height);
    if (n == UINT64_C(1) << height) {
        *root = stack[height];
        return;
    }
    ps_node carry = {{0}};
    ps_node pad;
    bool carrying = false;
    ps_node_pad(crypto, level, &pad);
    for (uint32_t k = 0; k < height; k++) {
        const bool here = ((n >> k) & 1u) != 0;
        if (here && carrying) {
            ps_node_join(crypto, &stack[k], &carry, &carry);
        } else if (here) {
            ps_node_join(crypto, &stack[k], &pad, &carry);
        } else if (carrying) {
            ps_node_join(crypto, &carry, &pad, &carry);
        }
        carrying = carrying || here;
        ps_node_join(crypto, &pad, &pad, &pad);
    }
    *root = carry;
}

void ps_tree_build(const ps_crypto *crypto, uint64_t length, ps_node *tree)
{
    uint32_t pieces = ps_piece_count(length);
    uint32_t height = ps_tree_nodes(length) == 0 ? 0 : ps_tree_height(pieces);
    ps_node pad;
    ps_node_pad(crypto, PS_PIECE_LEVEL, &pad);
    for (uint32_t layer = 0; layer < height; layer++) {
        const ps_node *const below = tree + ps_layer_start(pieces, layer);
        ps_node *const above = tree + ps_layer_start(pieces, layer + 1);
        const uint32_t n = ps_layer_count(pieces, layer);
        for (uint32_t i = 0; i < n; i += 2) {
            ps_node_join(crypto, &below[i], i + 1 < n ? &below[i + 1] : &pad, &above[i / 2]);
        }
        ps_node_join(crypto, &pad, &pad, &pad);
    }
}

/* The root over `n` nodes of the piece layer, padded to 2^height. */
static void layer_root(const ps_crypto *crypto, const ps_node *nodes, uint32_t n, uint32_t height,
                       ps_node *root)
{
    ps_node stack[PS_LAYERS_MAX + 1];
    for (uint32_t i = 0; i < n; i++) {
        ps_counter_add(crypto, stack, i, &nodes[i]);
    }
    ps_counter_root(crypto, stack, n, PS_PIECE_LEVEL, height, root);
}

void ps_tree_root(const ps_crypto *crypto, uint64_t length, const ps_node *layer,
                  uint8_t root[PS_ROOT_BYTES])
{
    ps_node node;
    uint32_t pieces = ps_piece_count(length);
    memset(&node, 0, sizeof node);
    if (pieces > 0) {
        layer_root(crypto, layer, pieces, ps_tree_height(pieces), &node);
    }
    memcpy(root, node.bytes, PS_ROOT_BYTES);
}

bool ps_subtree_valid(const ps_subtree *s)
{
    uint32_t count = s->count;
    if (s->pieces < 2 || count == 0 || count > PS_HASHES_MAX || (count & (count - 1)) != 0) {
        return false;
    }
    return ps_log2_ceil(count) <= ps_tree_height(s->pieces) && s->first % count == 0 &&
           s->first < s->pieces;
}

uint32_t ps_subtree_nodes(const ps_subtree *s)
{
    uint32_t rest = s->pieces - s->first;
    return rest < s->count ? rest : s->count;
}

uint32_t ps_subtree_uncles(const ps_subtree *s)
{
    return ps_tree_height(s->pieces) - ps_log2_ceil(s->count);
}

void ps_subtree_uncle(const ps_crypto *crypto, const ps_subtree *s, const ps_node *tree, uint32_t i,
                      ps_node *out)
{
    uint32_t layer = ps_log2_ceil(s->count) + i;
    uint32_t sibling = (s->first >> layer) ^ 1u;
    if (sibling < ps_layer_count(s->pieces, layer)) {
        *out = tree[ps_layer_start(s->pieces, layer) + sibling];
    } else {
        ps_node_pad(crypto, layer + PS_PIECE_LEVEL, out);
    }
}

bool ps_subtree_verify(const ps_crypto *crypto, const ps_subtree *s, const ps_node *nodes,
                       const ps_node *uncles, const uint8_t root[PS_ROOT_BYTES])
{
    PS_ASSERT(ps_subtree_valid(s));
    ps_node at;
    layer_root(crypto, nodes, ps_subtree_nodes(s), ps_log2_ceil(s->count), &at);
    uint32_t index = s->first / s->count;
    uint32_t n = ps_subtree_uncles(s);
    for (uint32_t i = 0; i < n; i++, index >>= 1) {
        if ((index & 1u) != 0) {
            ps_node_join(crypto, &uncles[i], &at, &at);
        } else {
            ps_node_join(crypto, &at, &uncles[i], &at);
        }
    }
    return ps_node_equal(&at, root);
}
