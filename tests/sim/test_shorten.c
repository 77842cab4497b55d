/* Lists of numbers, and delta debugging with them. */
#include "selection.h"
#include "shorten.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* ---- selections ---- */

static void reads_as(const char *text, const char *printed)
{
    char out[64];
    selection s;
    assert_null(selection_parse(&s, text));
    selection_print(&s, out, sizeof out);
    assert_string_equal(out, printed);
    selection_free(&s);
}

static void lists_are_read_and_printed(void **state)
{
    (void)state;
    reads_as("3", "3");
    reads_as("3,7-12", "3,7-12");
    reads_as("7-9,10,3", "3,7-10");
    reads_as("5-5", "5");
    reads_as("4-", "4-");
    reads_as("1,2,3-", "1-");
    reads_as("9,2-", "2-");
}

static void nonsense_is_refused(void **state)
{
    static const char *const texts[] = {"",  "0",   "a",       "3,", ",3",   "5-3",
                                        "-", "3--", "1000001", "3 ", "3-,4", "1-1000001"};
    (void)state;
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        selection s;
        assert_non_null(selection_parse(&s, texts[i]));
        selection_free(&s);
    }
}

static void the_other_ones_are_all_but_these(void **state)
{
    char out[64];
    selection s;
    (void)state;
    assert_null(selection_parse(&s, "2-3,6"));
    selection_invert(&s);
    assert_true(selection_has(&s, 1));
    assert_false(selection_has(&s, 3));
    assert_false(selection_has(&s, 6));
    assert_true(selection_has(&s, 7));
    assert_true(selection_has(&s, 999999));
    selection_print(&s, out, sizeof out);
    assert_string_equal(out, "1,4-5,7-");
    selection_free(&s);
}

static void what_does_not_fit_is_cut(void **state)
{
    char out[6];
    selection s;
    (void)state;
    assert_null(selection_parse(&s, "100,200"));
    selection_print(&s, out, sizeof out);
    assert_string_equal(out, "100,2");
    selection_free(&s);
}

/* ---- delta debugging ---- */

typedef struct culprits {
    uint32_t list[4];
    size_t len;
    size_t trials;
} culprits;

/* All of them are needed, and enough. */
static bool fails(void *ctx, const uint32_t things[], size_t len)
{
    culprits *c = ctx;
    size_t found = 0;
    c->trials++;
    for (size_t i = 0; i < len; i++) {
        for (size_t k = 0; k < c->len; k++) {
            found += things[i] == c->list[k] ? 1u : 0u;
        }
    }
    return found == c->len;
}

static void exactly_the_culprits_are_left(void **state)
{
    (void)state;
    for (size_t len = 1; len <= 40; len++) {
        for (uint32_t a = 1; a <= len; a++) {
            for (uint32_t b = a; b <= len; b += 3) {
                uint32_t things[40];
                culprits c = {.list = {a, b}, .len = a == b ? 1 : 2};
                for (uint32_t i = 0; i < len; i++) {
                    things[i] = i + 1;
                }
                assert_int_equal(shorten(things, len, fails, &c), c.len);
                assert_int_equal(things[0], a);
                assert_int_equal(things[c.len - 1], b);
                assert_true(c.trials <= 120);
            }
        }
    }
}

static void what_fails_without_anything_needs_nothing(void **state)
{
    uint32_t things[9] = {1, 2, 3, 4, 5, 6, 7, 8, 9};
    culprits none = {.len = 0};
    (void)state;
    assert_int_equal(shorten(things, 9, fails, &none), 0);
    assert_int_equal(none.trials, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lists_are_read_and_printed),
        cmocka_unit_test(nonsense_is_refused),
        cmocka_unit_test(the_other_ones_are_all_but_these),
        cmocka_unit_test(what_does_not_fit_is_cut),
        cmocka_unit_test(exactly_the_culprits_are_left),
        cmocka_unit_test(what_fails_without_anything_needs_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
