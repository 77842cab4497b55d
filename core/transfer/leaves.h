/* Hashes a piece's bytes as they come: one leaf under way, and a counter of complete ones. */
#ifndef PS_TRANSFER_LEAVES_H
#define PS_TRANSFER_LEAVES_H

#include "transfer/tree.h"

/* What the owner lends for a call. */
typedef struct ps_leaves {
    const ps_crypto *crypto;
    ps_sha256 *leaf;    /* The leaf under way; valid between its first byte and its last. */
    ps_node *stack;     /* PS_PIECE_LEVEL + 1 nodes: a counter. */
    uint64_t *complete; /* Complete leaves of the piece. */
    uint64_t *position; /* Bytes taken; a multiple of the piece's size before its first byte. */
} ps_leaves;

/* Takes bytes of one piece. */
void ps_leaves_update(ps_leaves *l, const uint8_t *data, size_t len);
/* Ends after at least one byte: completes the last leaf, pads to 2^height leaves. */
void ps_leaves_root(ps_leaves *l, uint32_t height, ps_node *root);
/* The height of a piece of `len` bytes in a file of `pieces`: a file of one piece has no piece
 * layer, its tree is as high as its leaves need. */
uint32_t ps_leaves_height(uint32_t pieces, uint32_t len);

#endif
