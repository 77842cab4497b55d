/* Progress as lines: what is shown at which width, and that nothing is ever wider or higher than
 * the terminal. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "bars.h"
#include "width.h"

#include <locale.h>
#include <stdlib.h>
#include <string.h>

#define MIB 1048576u

static int set_locale(void **state)
{
    (void)state;
    return setlocale(LC_CTYPE, "C.UTF-8") != NULL ? 0 : -1;
}

static const struct bar movie = {.name = "holiday-in-rome.mp4",
                                 .state = BAR_RUNNING,
                                 .done = 450ull * MIB,
                                 .total = 1000ull * MIB,
                                 .rate = 80.0 * MIB};

static void want_line(const struct bar *b, size_t columns, const char *expected)
{
    char line[BAR_LINE_BYTES];
    bar_line(line, b, bars_names(b, 1), columns);
    assert_string_equal(line, expected);
}

static void a_wide_line_shows_all(void **state)
{
    (void)state;
    want_line(&movie, 110,
              "holiday-in-rome.mp4  [==========>               ]   45 %   450.0 MiB / 1000.0 MiB"
              "    80.0 MiB/s      0:06 left");
}

static void eighty_columns_show_all(void **state)
{
    (void)state;
    want_line(&movie, 79,
              "holi....mp4  [==>     ]   45 %   450.0 MiB / 1000.0 MiB    80.0 MiB/s      0:06");
}

static void narrow_lines_leave_out_the_dearest_last(void **state)
{
    (void)state;
    char line[BAR_LINE_BYTES];
    static const struct {
        size_t columns;
        const char *has, *lacks;
    } cases[] = {
        {70, "450.0 MiB / 1000.0 MiB", "["},
        {60, "80.0 MiB/s", "1000.0"},
        {40, "0:06", "MiB"},
        {24, "45 %", "0:06"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        bar_line(line, &movie, bars_names(&movie, 1), cases[i].columns);
        assert_non_null(strstr(line, cases[i].has));
        assert_null(strstr(line, cases[i].lacks));
        assert_non_null(strstr(line, "45 %"));
    }
}

static void states_are_said(void **state)
{
    (void)state;
    struct bar b = movie;
    char line[BAR_LINE_BYTES];
    static const char *const words[] = {[BAR_STARTING] = "  starting",
                                        [BAR_WAITING] = "  waiting",
                                        [BAR_FINISHING] = "  finishing"};
    for (unsigned s = BAR_STARTING; s <= BAR_FINISHING; s++) {
        if (words[s] != NULL) {
            b.state = (enum bar_state)s;
            bar_line(line, &b, 12, 79);
            assert_non_null(strstr(line, words[s]));
            assert_null(strstr(line, "0:06"));
            bar_line(line, &b, 12, 40);
            assert_non_null(strstr(line, words[s] + 1));
        }
    }
}

static void what_is_not_known_is_not_shown(void **state)
{
    (void)state;
    struct bar b = movie;
    char line[BAR_LINE_BYTES];
    b.rate = -1;
    bar_line(line, &b, 19, 90);
    assert_null(strstr(line, "/s"));
    assert_null(strstr(line, ":"));
    assert_int_not_equal(line[strlen(line) - 1], ' ');
    b.rate = 0; /* It stands. */
    bar_line(line, &b, 19, 90);
    assert_non_null(strstr(line, "0 B/s"));
    assert_null(strstr(line, ":"));
    b.rate = 0.001;
    bar_line(line, &b, 19, 90);
    assert_null(strstr(line, ":"));
    b.rate = 42000;
    bar_line(line, &b, 19, 90);
    assert_non_null(strstr(line, "3:48:51"));
}

static void it_is_whole_when_all_is_there(void **state)
{
    (void)state;
    struct bar b = movie;
    char line[BAR_LINE_BYTES];
    b.done = b.total - 1;
    bar_line(line, &b, 19, 110);
    assert_non_null(strstr(line, " 99 %"));
    assert_non_null(strstr(line, "> ]"));
    b.done = b.total;
    bar_line(line, &b, 19, 110);
    assert_non_null(strstr(line, "==]  100 %"));
    b.done = b.total = 0;
    bar_line(line, &b, 19, 110);
    assert_non_null(strstr(line, "==]  100 %"));
}

static void numbers_stand_below_each_other(void **state)
{
    (void)state;
    const struct bar bars[] = {
        movie,
        {.name = "\xe6\xbc\xa2\xe6\xbc\xa2.iso", .state = BAR_WAITING, .done = 5, .total = 20},
    };
    char *block = bars_block(bars, 2, NULL, 10, 90);
    char *second = strchr(block, '\n');
    assert_non_null(second);
    *second++ = '\0';
    char *one = strchr(block, '%');
    char *other = strchr(second, '%');
    assert_non_null(one);
    assert_non_null(other);
    *one = *other = '\0';
    assert_int_equal(width_of(block), width_of(second));
    free(block);
}

static size_t lines_of(const char *block)
{
    size_t n = 1;
    for (; *block != '\0'; block++) {
        n += *block == '\n' ? 1u : 0u;
    }
    return n;
}

static void a_block_says_how_many_more_there_are(void **state)
{
    (void)state;
    struct bar bars[9];
    for (size_t i = 0; i < 9; i++) {
        bars[i] = movie;
    }
    char *block = bars_block(bars, 9, "9 of 20 files", 5, 79);
    assert_int_equal(lines_of(block), 5);
    assert_non_null(strstr(block, "\nand 6 more\n9 of 20 files"));
    free(block);
    block = bars_block(bars, 9, "9 of 20 files", 10, 79);
    assert_int_equal(lines_of(block), 10);
    assert_null(strstr(block, "more"));
    free(block);
    block = bars_block(NULL, 0, "0 of 20 files", 10, 79);
    assert_string_equal(block, "0 of 20 files");
    free(block);
}

static void nothing_is_wider_or_higher_than_the_terminal(void **state)
{
    (void)state;
    struct bar bars[4] = {movie, movie, movie, movie};
    bars[1].name = "\xe6\xbc\xa2\xe6\xbc\xa2\xe6\xbc\xa2\xe6\xbc\xa2\xe6\xbc\xa2\xe6\xbc\xa2";
    bars[2].name = "e\xcc\x81"
                   "e\xcc\x81"
                   "e\xcc\x81"
                   "e\xcc\x81";
    bars[2].state = BAR_WAITING;
    bars[3].name = "";
    bars[3].total = bars[3].done = UINT64_MAX;
    for (size_t rows = 0; rows < 8; rows++) {
        for (size_t columns = 0; columns < 240; columns++) {
            char *block = bars_block(bars, 4, "1 of 4 files  1.2 GiB", rows, columns);
            assert_true(lines_of(block) <= (rows > 0 ? rows : 1));
            char *rest = block;
            for (char *line; (line = strsep(&rest, "\n")) != NULL;) {
                assert_true(width_of(line) <= columns);
            }
            free(block);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_wide_line_shows_all),
        cmocka_unit_test(eighty_columns_show_all),
        cmocka_unit_test(narrow_lines_leave_out_the_dearest_last),
        cmocka_unit_test(states_are_said),
        cmocka_unit_test(what_is_not_known_is_not_shown),
        cmocka_unit_test(it_is_whole_when_all_is_there),
        cmocka_unit_test(numbers_stand_below_each_other),
        cmocka_unit_test(a_block_says_how_many_more_there_are),
        cmocka_unit_test(nothing_is_wider_or_higher_than_the_terminal),
    };
    return cmocka_run_group_tests(tests, set_locale, NULL);
}
