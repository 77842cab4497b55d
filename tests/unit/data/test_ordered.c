/* The ordered set, held against an array that knows what is in it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "ordered.h"

#include <stdbool.h>
#include <stdlib.h>

#define KEYS 512u

struct item {
    uint32_t key;
    bool in;
    struct ordered_node node;
};

static struct item *item_of(struct ordered_node *node)
{
    return node ? ORDERED_ITEM(node, struct item, node) : NULL;
}

static int compare(const void *key, const struct ordered_node *node)
{
    const uint32_t a = *(const uint32_t *)key;
    const uint32_t b = ORDERED_ITEM(node, struct item, node)->key;
    return (a > b) - (a < b);
}

struct walked {
    uint32_t last;
    size_t count;
};

static void visit(void *ctx, struct ordered_node *node)
{
    struct walked *w = ctx;
    assert_true(w->count == 0 || item_of(node)->key > w->last);
    w->last = item_of(node)->key;
    w->count++;
}

static void assert_walk(const struct ordered *set, size_t count)
{
    struct walked w = {0};
    ordered_walk(set, visit, &w);
    assert_int_equal(w.count, count);
    assert_int_equal(set->count, count);
}

/* The nearest item from `key` on, by looking at each. */
static struct item *nearest(struct item items[], uint32_t key)
{
    while (key < KEYS && !items[key].in) {
        key++;
    }
    return key < KEYS ? &items[key] : NULL;
}

static void an_empty_set_has_nothing(void **state)
{
    (void)state;
    struct ordered set;
    const uint32_t key = 0;
    ordered_init(&set, compare);
    assert_null(ordered_first(&set));
    assert_null(ordered_find(&set, &key));
    assert_null(ordered_at_least(&set, &key));
    assert_null(ordered_remove(&set, &key));
    assert_walk(&set, 0);
}

static void it_agrees_with_a_plain_array(void **state)
{
    (void)state;
    static struct item items[KEYS];
    struct ordered set;
    size_t count = 0;
    uint32_t random = 1;
    ordered_init(&set, compare);
    for (unsigned round = 0; round < 20000; round++) {
        random = random * 1664525u + 1013904223u;
        const uint32_t key = (random >> 8) % KEYS;
        struct item *item = &items[key];
        item->key = key;
        assert_ptr_equal(item_of(ordered_find(&set, &key)), item->in ? item : NULL);
        assert_ptr_equal(item_of(ordered_at_least(&set, &key)), nearest(items, key));
        if (item->in) {
            assert_ptr_equal(item_of(ordered_remove(&set, &key)), item);
        } else {
            assert_null(ordered_remove(&set, &key));
            ordered_add(&set, &key, &item->node);
        }
        item->in = !item->in;
        count += item->in ? 1 : (size_t)-1;
        assert_ptr_equal(item_of(ordered_first(&set)), nearest(items, 0));
        if (round % 100 == 0) {
            assert_walk(&set, count);
        }
    }
}

static size_t depth_of(const struct ordered_node *node)
{
    if (!node) {
        return 0;
    }
    const size_t left = depth_of(node->left);
    const size_t right = depth_of(node->right);
    return 1 + (left > right ? left : right);
}

/* Keys in order make a plain tree a list. The depth here is 40 as a rule; the chance of 100 is
 * below 2^-60. */
static void keys_in_order_do_not_make_it_deep(void **state)
{
    (void)state;
    enum { MANY = 100000 };
    struct item *items = calloc(MANY, sizeof *items);
    assert_non_null(items);
    struct ordered set;
    ordered_init(&set, compare);
    for (uint32_t i = 0; i < MANY; i++) {
        items[i].key = i;
        ordered_add(&set, &i, &items[i].node);
    }
    assert_true(depth_of(set.root) < 100);
    assert_walk(&set, MANY);
    for (uint32_t i = 0; i < MANY; i += 2) {
        assert_ptr_equal(ordered_remove(&set, &i), &items[i].node);
    }
    assert_walk(&set, MANY / 2);
    free(items);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_empty_set_has_nothing),
        cmocka_unit_test(it_agrees_with_a_plain_array),
        cmocka_unit_test(keys_in_order_do_not_make_it_deep),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
