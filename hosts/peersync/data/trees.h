/* The trees of published files over one piece, kept in `<state>/trees/`, so that a return does not
 * hash what has not changed. A lost or damaged one costs a hashing, nothing else. */
#ifndef PEERSYNC_DATA_TREES_H
#define PEERSYNC_DATA_TREES_H

#include "peersync/transfer.h"

/* Room for ps_tree_nodes(length) nodes and, for these functions, one more; NULL where there are
 * none, or no memory: a file with holes may be longer than any memory is large. */
ps_node *tree_alloc(uint64_t length);
/* Writes the tree of `content`. @return 0, or -1 with errno. */
int tree_save(const char *state_dir, const ps_crypto *crypto, const ps_content *content,
              ps_node *tree);
/* The stored tree in fresh memory, or NULL when there is none or it is damaged. */
ps_node *tree_load(const char *state_dir, const ps_crypto *crypto, const ps_content *content);
/* Removes every stored tree that `wanted` does not want. */
void trees_prune(const char *state_dir, bool (*wanted)(void *ctx, const ps_content *content),
                 void *ctx);

/* `length` in decimal, '-', the root in hex: the name of a tree's file. */
#define TREE_NAME_BYTES 96u
void tree_name(const ps_content *content, char name[TREE_NAME_BYTES]);

#endif
