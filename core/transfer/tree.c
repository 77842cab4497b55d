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
    PS_ASSERT(start < length);
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

/* The subtree's root, by a binary counter over its nodes, missing ones padded. */
static void subtree_root(const ps_crypto *crypto, const ps_subtree *s, const ps_node *nodes,
                         ps_node *root)
{
    ps_node stack[10];
    ps_node pad;
    _Static_assert(PS_HASHES_MAX == 1u << 9, "a stack entry for each level of the subtree");
    ps_node_pad(crypto, PS_PIECE_LEVEL, &pad);
    uint32_t existing = ps_subtree_nodes(s);
    uint32_t height = ps_log2_ceil(s->count);
    for (uint32_t i = 0; i < s->count; i++) {
        ps_node carry = i < existing ? nodes[i] : pad;
        uint32_t level = 0;
        for (; level < height && ((i >> level) & 1u) != 0; level++) {
            ps_node_join(crypto, &stack[level], &carry, &carry);
        }
        stack[level] = carry;
    }
    *root = stack[height];
}

bool ps_subtree_verify(const ps_crypto *crypto, const ps_subtree *s, const ps_node *nodes,
                       const ps_node *uncles, const uint8_t root[PS_ROOT_BYTES])
{
    PS_ASSERT(ps_subtree_valid(s));
    ps_node at;
    subtree_root(crypto, s, nodes, &at);
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
