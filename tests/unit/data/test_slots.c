/* The registry in memory: by name, by content, and who is withdrawn. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "slots.h"

#include <stdio.h>
#include <stdlib.h>

static struct slots slots;

static int make(void **state)
{
    (void)state;
    slots_init(&slots);
    return 0;
}

static int end(void **state)
{
    (void)state;
    slots_free(&slots);
    return 0;
}

static ps_content content_of(uint8_t seed)
{
    return (ps_content){.length = 100u + seed, .root = {seed}};
}

/* Puts an entry of this content and holds a reference of its own. */
static struct entry *put(const char *name, uint8_t seed, bool ready)
{
    const ps_posix_file file = {.size = 100u + seed};
    const ps_content content = content_of(seed);
    struct entry *e = entry_new(name, "/path", &file, &content, NULL);
    slots_put(&slots, entry_hold(e), ready);
    return e;
}

static void names_are_listed_in_order(void **state)
{
    (void)state;
    static const char *const names[] = {"c", "a", "d", "b"};
    for (size_t i = 0; i < 4; i++) {
        entry_drop(put(names[i], 1, true));
    }
    const struct slot **all = slots_list(&slots);
    assert_int_equal(slots_count(&slots), 4);
    for (size_t i = 0; i < 4; i++) {
        const char name[] = {(char)('a' + i), '\0'};
        assert_string_equal(all[i]->entry->name, name);
        assert_ptr_equal(slots_find(&slots, name), all[i]);
    }
    assert_null(slots_find(&slots, ""));
    assert_null(slots_find(&slots, "bb"));
    free(all);
}

static void a_ready_slot_of_a_content_is_found_first(void **state)
{
    (void)state;
    const ps_content same = content_of(7);
    ps_content longer = same;
    longer.length++;
    assert_null(slots_holding(&slots, &same));
    entry_drop(put("a", 7, false));
    entry_drop(put("b", 7, true));
    entry_drop(put("c", 6, true));
    entry_drop(put("d", 8, true));
    assert_string_equal(slots_holding(&slots, &same)->entry->name, "b");
    assert_null(slots_holding(&slots, &longer));
    slots_doubt(&slots, slots_find(&slots, "b"));
    assert_false(slots_holding(&slots, &same)->ready);
    entry_drop(put("a", 7, true));
    assert_string_equal(slots_holding(&slots, &same)->entry->name, "a");
    slots_take_out(&slots, slots_find(&slots, "a"));
    slots_take_out(&slots, slots_find(&slots, "b"));
    assert_null(slots_holding(&slots, &same));
    assert_int_equal(slots_count(&slots), 2);
}

/* A newer entry of a name, and taking the name out: both withdraw the older one, but not while
 * another name serves the same content. */
static void an_entry_is_withdrawn_with_its_last_ready_name(void **state)
{
    (void)state;
    struct entry *a = put("a", 1, true);
    struct entry *b = put("b", 1, true);
    struct entry *newer = put("a", 2, true);
    assert_false(atomic_load(&a->withdrawn));
    slots_take_out(&slots, slots_find(&slots, "b"));
    assert_true(atomic_load(&b->withdrawn));
    struct entry *other = put("c", 2, false);
    slots_take_out(&slots, slots_find(&slots, "a"));
    assert_true(atomic_load(&newer->withdrawn));
    assert_false(atomic_load(&other->withdrawn));
    entry_drop(a);
    entry_drop(b);
    entry_drop(newer);
    entry_drop(other);
}

/* Among the many files of a folder, empty ones are all the same content. */
static void many_names_of_one_content_come_and_go(void **state)
{
    (void)state;
    enum { MANY = 50000 };
    char name[16];
    for (unsigned i = 0; i < MANY; i++) {
        (void)snprintf(name, sizeof name, "f%u", i);
        entry_drop(put(name, 0, i % 2 == 0));
    }
    for (unsigned i = 0; i < MANY; i++) {
        (void)snprintf(name, sizeof name, "f%u", i);
        slots_take_out(&slots, slots_find(&slots, name));
    }
    assert_int_equal(slots_count(&slots), 0);
    const ps_content content = content_of(0);
    assert_null(slots_holding(&slots, &content));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(names_are_listed_in_order, make, end),
        cmocka_unit_test_setup_teardown(a_ready_slot_of_a_content_is_found_first, make, end),
        cmocka_unit_test_setup_teardown(an_entry_is_withdrawn_with_its_last_ready_name, make, end),
        cmocka_unit_test_setup_teardown(many_names_of_one_content_come_and_go, make, end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
