/* Widths of text on a terminal: wide, combining and broken characters; what is cut stays whole. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "width.h"

#include <locale.h>
#include <string.h>

#define WIDE   "\xe6\xbc\xa2" /* U+6F22, two columns. */
#define E_MARK "e\xcc\x81"    /* An e and U+0301: one column. */
#define UMLAUT "\xc3\xa4"     /* U+00E4, one column. */
#define BROKEN "\xff"

static int set_locale(void **state)
{
    (void)state;
    return setlocale(LC_CTYPE, "C.UTF-8") != NULL ? 0 : -1;
}

static void columns_are_not_bytes(void **state)
{
    (void)state;
    assert_int_equal(width_of(""), 0);
    assert_int_equal(width_of("abc"), 3);
    assert_int_equal(width_of(UMLAUT), 1);
    assert_int_equal(width_of(WIDE WIDE), 4);
    assert_int_equal(width_of(E_MARK), 1);
    assert_int_equal(width_of(BROKEN), 1);
}

static void what_fits_stays(void **state)
{
    (void)state;
    char out[64];
    assert_int_equal(width_fit(out, sizeof out, "song.ogg", 8), 8);
    assert_string_equal(out, "song.ogg");
    assert_int_equal(width_fit(out, sizeof out, WIDE, 9), 2);
    assert_string_equal(out, WIDE);
}

static void the_middle_goes_first(void **state)
{
    (void)state;
    char out[64];
    assert_int_equal(width_fit(out, sizeof out, "holiday-in-rome.mp4", 13), 13);
    assert_string_equal(out, "holid...e.mp4");
    assert_int_equal(width_fit(out, sizeof out, "holiday-in-rome.mp4", 5), 5);
    assert_string_equal(out, "holid");
    assert_int_equal(width_fit(out, sizeof out, "holiday", 0), 0);
    assert_string_equal(out, "");
}

static void wide_characters_are_not_halved(void **state)
{
    (void)state;
    char out[64];
    /* Nine columns: three before the dots and three behind, of which a wide one fills two. */
    assert_int_equal(width_fit(out, sizeof out, WIDE WIDE WIDE WIDE WIDE WIDE, 9), 7);
    assert_string_equal(out, WIDE "..." WIDE);
}

static void marks_stay_with_their_characters(void **state)
{
    (void)state;
    char out[64];
    assert_int_equal(
        width_fit(out, sizeof out, E_MARK E_MARK E_MARK "xxxxxx" E_MARK E_MARK E_MARK, 9), 9);
    assert_string_equal(out, E_MARK E_MARK E_MARK "..." E_MARK E_MARK E_MARK);
    /* Eight: the mark of the character that goes does not stand behind the dots alone. */
    assert_int_equal(width_fit(out, sizeof out, "abcdefghij" E_MARK "xy", 8), 8);
    assert_string_equal(out, "ab..." E_MARK "xy");
    assert_int_equal(width_fit(out, sizeof out, "abcdefghij" E_MARK "xyz", 8), 8);
    assert_string_equal(out, "ab...xyz");
}

static void a_small_buffer_is_not_overrun(void **state)
{
    (void)state;
    const char *text = WIDE E_MARK "holiday" WIDE E_MARK "in rome" BROKEN;
    for (size_t cap = 0; cap < 40; cap++) {
        for (size_t columns = 0; columns < 30; columns++) {
            char out[64];
            memset(out, 'x', sizeof out);
            const size_t width = width_fit(out, cap, text, columns);
            assert_true(width <= columns);
            assert_int_equal(out[cap], 'x');
            assert_true(cap == 0 || width == width_of(out));
        }
    }
}

static void a_line_is_cut_in_place(void **state)
{
    (void)state;
    char text[] = "ab" WIDE E_MARK "c";
    width_cut(text, 20);
    assert_string_equal(text, "ab" WIDE E_MARK "c");
    width_cut(text, 5);
    assert_string_equal(text, "ab" WIDE E_MARK);
    width_cut(text, 3);
    assert_string_equal(text, "ab");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(columns_are_not_bytes),
        cmocka_unit_test(what_fits_stays),
        cmocka_unit_test(the_middle_goes_first),
        cmocka_unit_test(wide_characters_are_not_halved),
        cmocka_unit_test(marks_stay_with_their_characters),
        cmocka_unit_test(a_small_buffer_is_not_overrun),
        cmocka_unit_test(a_line_is_cut_in_place),
    };
    return cmocka_run_group_tests(tests, set_locale, NULL);
}
