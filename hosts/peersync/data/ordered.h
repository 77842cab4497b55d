/* A set of items in an order, found, added and removed in O(log n) steps whatever the keys are: a
 * treap (Seidel and Aragon 1996). Nodes are part of the items; nothing is allocated. No locking. */
#ifndef PEERSYNC_DATA_ORDERED_H
#define PEERSYNC_DATA_ORDERED_H

#include <stddef.h>
#include <stdint.h>

/* An item's place in one set. */
struct ordered_node {
    struct ordered_node *left, *right;
    uint64_t priority; /* Random: a parent's is not below its children's. */
};

/* Below 0, 0 or above 0: `key` stands before, at or after the node's item. */
typedef int (*ordered_compare)(const void *key, const struct ordered_node *node);

struct ordered {
    struct ordered_node *root;
    size_t count;
    ordered_compare compare;
    uint64_t random;
};

/* The item of type `type` whose `member` the node (not NULL) is. */
#define ORDERED_ITEM(node, type, member) ((type *)((uintptr_t)(node)-offsetof(type, member)))

void ordered_init(struct ordered *set, ordered_compare compare);
/* Adds an item whose key is not in the set yet. */
void ordered_add(struct ordered *set, const void *key, struct ordered_node *node);
/* Takes the item at `key` out. @return it; NULL when there is none. */
struct ordered_node *ordered_remove(struct ordered *set, const void *key);
/* The item at `key`, or NULL. */
struct ordered_node *ordered_find(const struct ordered *set, const void *key);
/* The first item that is not before `key`, or NULL. */
struct ordered_node *ordered_at_least(const struct ordered *set, const void *key);
/* The first item, or NULL. */
struct ordered_node *ordered_first(const struct ordered *set);
/* Visits all in order. `visit` may free its item when the set is not used afterwards. */
void ordered_walk(const struct ordered *set, void (*visit)(void *ctx, struct ordered_node *node),
                  void *ctx);

#endif
