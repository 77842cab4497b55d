#include "ordered.h"

#include "peersync/posix.h"

void ordered_init(struct ordered *set, ordered_compare compare)
{
    *set = (struct ordered){.compare = compare};
    /* Whoever chooses the names must not know the priorities. */
    if (ps_posix_entropy(&set->random, sizeof set->random) != PS_OK) {
        set->random = ps_posix_now_us();
    }
    set->random |= 1;
}

/* xorshift64 (Marsaglia 2003). */
static uint64_t next_random(struct ordered *set)
{
    set->random ^= set->random << 13;
    set->random ^= set->random >> 7;
    set->random ^= set->random << 17;
    return set->random;
}

void ordered_add(struct ordered *set, const void *key, struct ordered_node *node)
{
    struct ordered_node **at = &set->root;
    node->priority = next_random(set);
    while (*at && (*at)->priority >= node->priority) {
        at = set->compare(key, *at) < 0 ? &(*at)->left : &(*at)->right;
    }
    /* The node takes this place; what stood there is split into what is before and after it. */
    struct ordered_node *rest = *at;
    struct ordered_node **before = &node->left;
    struct ordered_node **after = &node->right;
    *at = node;
    while (rest) {
        if (set->compare(key, rest) < 0) {
            *after = rest;
            after = &rest->left;
            rest = rest->left;
        } else {
            *before = rest;
            before = &rest->right;
            rest = rest->right;
        }
    }
    *before = *after = NULL;
    set->count++;
}

struct ordered_node *ordered_remove(struct ordered *set, const void *key)
{
    struct ordered_node **at = &set->root;
    for (int side; *at && (side = set->compare(key, *at)) != 0;) {
        at = side < 0 ? &(*at)->left : &(*at)->right;
    }
    struct ordered_node *node = *at;
    if (!node) {
        return NULL;
    }
    /* What is below it is joined: left is before right throughout. */
    struct ordered_node *left = node->left;
    struct ordered_node *right = node->right;
    while (left && right) {
        if (left->priority >= right->priority) {
            *at = left;
            at = &left->right;
            left = left->right;
        } else {
            *at = right;
            at = &right->left;
            right = right->left;
        }
    }
    *at = left ? left : right;
    set->count--;
    return node;
}

struct ordered_node *ordered_find(const struct ordered *set, const void *key)
{
    struct ordered_node *node = set->root;
    for (int side; node && (side = set->compare(key, node)) != 0;) {
        node = side < 0 ? node->left : node->right;
    }
    return node;
}

struct ordered_node *ordered_at_least(const struct ordered *set, const void *key)
{
    struct ordered_node *best = NULL;
    for (struct ordered_node *node = set->root; node;) {
        if (set->compare(key, node) <= 0) {
            best = node;
            node = node->left;
        } else {
            node = node->right;
        }
    }
    return best;
}

struct ordered_node *ordered_first(const struct ordered *set)
{
    struct ordered_node *node = set->root;
    while (node && node->left) {
        node = node->left;
    }
    return node;
}

/* As deep as the tree: some dozen calls for a million items. */
static void walk(struct ordered_node *node, void (*visit)(void *ctx, struct ordered_node *node),
                 void *ctx)
{
    while (node) {
        struct ordered_node *right = node->right;
        walk(node->left, visit, ctx);
        visit(ctx, node);
        node = right;
    }
}

void ordered_walk(const struct ordered *set, void (*visit)(void *ctx, struct ordered_node *node),
                  void *ctx)
{
    walk(set->root, visit, ctx);
}
