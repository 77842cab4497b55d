/* Hashes bytes into a tree as they come: one leaf under way, and a binary counter of complete
 * subtrees. The whole file's hasher and the check of one piece are both made of it. */
#ifndef PS_TRANSFER_LEAVES_H
#define PS_TRANSFER_LEAVES_H

#include "transfer/tree.h"

/* What the owner lends for a call. */
typedef struct ps_leaves {
    const ps_crypto *crypto;
    ps_sha256 *leaf;    /* The leaf under way; valid between its first byte and its last. */
    ps_node *stack;     /* As many as log2(leaves) + 1. */
    ps_node *tree;      /* Where nodes of the piece layer and above go, or NULL. */
    uint32_t pieces;    /* With a tree: of the file. */
    uint64_t *complete; /* Complete leaves: bit k set: stack[k] holds a subtree of 2^k of them. */
    uint64_t *position; /* Bytes taken. */
} ps_leaves;

/* Takes bytes. */
void ps_leaves_update(ps_leaves *l, const uint8_t *data, size_t len);
/* Ends after at least one byte: completes the last leaf, pads to 2^height leaves. */
void ps_leaves_root(ps_leaves *l, uint32_t height, ps_node *root);

#endif
