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
        .tree = ps_tree_nodes(h->length) == 0 ? NULL : h->tree,
        .pieces = ps_piece_count(h->length),
        .complete = &h->leaves,
        .position = &h->position,
    };
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
    ps_leaves leaves = leaves_of(h);
    ps_leaves_update(&leaves, data, len);
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
    uint64_t count = h->length / PS_LEAF_BYTES + (h->length % PS_LEAF_BYTES != 0);
    ps_leaves leaves = leaves_of(h);
    ps_node root;
    ps_leaves_root(&leaves, ps_log2_ceil(count), &root);
    memcpy(content->root, root.bytes, PS_ROOT_BYTES);
    return PS_OK;
}
