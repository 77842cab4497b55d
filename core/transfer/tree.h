/* The arithmetic of a BEP 52 tree from its piece layer up. "Layer k" counts from the piece layer
 * (0); "level" counts from the leaves (0), so that layer k is level k + PS_PIECE_LEVEL. */
#ifndef PS_TRANSFER_TREE_H
#define PS_TRANSFER_TREE_H

#include "peersync/transfer.h"

/* Leaves of a piece, as a power of two. */
#define PS_PIECE_LEVEL 6u
/* Layers above the piece layer of the longest file: 2^30 pieces. */
#define PS_LAYERS_MAX 30u

_Static_assert(PS_PIECE_BYTES == PS_LEAF_BYTES << PS_PIECE_LEVEL, "a piece is whole leaves");
_Static_assert(PS_FILE_MAX == (uint64_t)PS_PIECE_BYTES << PS_LAYERS_MAX, "pieces fit the layers");

/* The smallest h with 2^h >= n (n >= 1). */
uint32_t ps_log2_ceil(uint64_t n);
/* Layers above the piece layer: the root's layer. */
uint32_t ps_tree_height(uint32_t pieces);
/* Nodes of layer k. */
uint32_t ps_layer_count(uint32_t pieces, uint32_t layer);
/* Where layer k begins among the nodes that an uploader keeps. */
size_t ps_layer_start(uint32_t pieces, uint32_t layer);

/* SHA-256 of two nodes one after the other. `out` may be one of them. */
void ps_node_join(const ps_crypto *crypto, const ps_node *left, const ps_node *right, ps_node *out);
/* The padding of a level: 32 zero bytes at the leaves, above them the join of the level's below. */
void ps_node_pad(const ps_crypto *crypto, uint32_t level, ps_node *out);
bool ps_node_equal(const ps_node *a, const uint8_t b[PS_ROOT_BYTES]);

/* A binary counter of complete subtrees over nodes of one level: bit k of `n` set: stack[k] holds
 * the root of 2^k of them. Adds the next node. */
void ps_counter_add(const ps_crypto *crypto, ps_node *stack, uint64_t n, const ps_node *node);
/* The root over 2^height nodes of `level`, of which n >= 1 were added, the rest padded. */
void ps_counter_root(const ps_crypto *crypto, const ps_node *stack, uint64_t n, uint32_t level,
                     uint32_t height, ps_node *root);

/* Part of the piece layer that one HASHES frame carries: the aligned subtree over pieces
 * [first, first + count), of which those below `pieces` exist. */
typedef struct ps_subtree {
    uint32_t pieces; /* Of the file. */
    uint32_t first;
    uint32_t count; /* A power of two, at most PS_HASHES_MAX and the padded piece count. */
} ps_subtree;

/* True when the three agree as said above. */
bool ps_subtree_valid(const ps_subtree *s);
/* Piece hashes that exist in it: 1 to count. */
uint32_t ps_subtree_nodes(const ps_subtree *s);
/* Uncles from it up to the root. */
uint32_t ps_subtree_uncles(const ps_subtree *s);
/* Uncle `i` (0: the subtree's sibling) from the uploader's tree. */
void ps_subtree_uncle(const ps_crypto *crypto, const ps_subtree *s, const ps_node *tree, uint32_t i,
                      ps_node *out);
/* True when the subtree's nodes and its uncles lead to the root. */
bool ps_subtree_verify(const ps_crypto *crypto, const ps_subtree *s, const ps_node *nodes,
                       const ps_node *uncles, const uint8_t root[PS_ROOT_BYTES]);

#endif
