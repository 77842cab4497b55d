/* A whole file's identity and tree, front to back. */
#include "transfer/leaves.h"
#include "util/assert.h"

#include <string.h>

static ps_leaves leaves_of(ps_hasher *h)
{
    return (ps_leaves){
        .crypto = h->crypto,
        .leaf = &h->leaf,
        .stack = h->stack,
        .complete = &h->leaves,
        .position = &h->position,
    };
}

/* The piece under way has all its bytes. */
static void end_piece(ps_hasher *h)
{
    const uint32_t pieces = ps_piece_count(h->length);
    const uint32_t index = (uint32_t)((h->position - 1) / PS_PIECE_BYTES);
    ps_leaves leaves = leaves_of(h);
    ps_node node;
    ps_leaves_root(&leaves, ps_leaves_height(pieces, ps_piece_length(h->length, index)), &node);
    h->leaves = 0;
    ps_counter_add(h->crypto, h->pieces, index, &node);
    if (h->tree && pieces > 1) {
        h->tree[index] = node;
    }
}

ps_status ps_hasher_init(ps_hasher *h, const ps_crypto *crypto, uint64_t length, ps_node *tree)
{
    if (!h || !crypto || crypto->size != sizeof(ps_crypto) || length > PS_FILE_MAX) {
        return PS_INVALID;
    }
    memset(h, 0, sizeof *h);
    h->crypto = crypto;
    h->tree = tree;
    h->length = length;
    return PS_OK;
}

ps_status ps_hasher_update(ps_hasher *h, const void *data, size_t len)
{
    if (!h || (!data && len > 0) || len > h->length - h->position) {
        return PS_INVALID;
    }
    const uint8_t *at = data;
    ps_leaves leaves = leaves_of(h);
    while (len > 0) {
        size_t n = PS_PIECE_BYTES - (size_t)(h->position % PS_PIECE_BYTES);
        n = len < n ? len : n;
        ps_leaves_update(&leaves, at, n);
        at += n;
        len -= n;
        if (h->position % PS_PIECE_BYTES == 0 || h->position == h->length) {
            end_piece(h);
        }
    }
    return PS_OK;
}

ps_status ps_hasher_final(ps_hasher *h, ps_content *content)
{
    if (!h || !content || h->position != h->length) {
        return PS_INVALID;
    }
    memset(content, 0, sizeof *content);
    content->length = h->length;
    if (h->length == 0) {
        return PS_OK;
    }
    uint32_t pieces = ps_piece_count(h->length);
    ps_node root;
    ps_counter_root(h->crypto, h->pieces, pieces, PS_PIECE_LEVEL, ps_tree_height(pieces), &root);
    memcpy(content->root, root.bytes, PS_ROOT_BYTES);
    if (h->tree) {
        ps_tree_build(h->crypto, h->length, h->tree);
    }
    return PS_OK;
}
