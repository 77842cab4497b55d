/* The table of peersync-sim --watch, drawn from fixed numbers. */
#include "unit.h"

#include "watch.h"

#include <stdio.h>
#include <string.h>

static watch_numbers rush(void)
{
    watch_numbers n = {.title = "flash-crowd",
                       .caption = "280 people log in at once and want the same file. The server's "
                                  "queue runs over; peers try again.",
                       .now_us = 3420000,
                       .speed_num = 1,
                       .speed_den = 4,
                       .peers = {150, 75, 50, 25},
                       .busy_percent = 100,
                       .waiting = 128,
                       .queue = 256,
                       .delivered = 12345,
                       .lost = 7,
                       .dropped = 2036,
                       .logins = 573,
                       .answers = 1315,
                       .locates = 9,
                       .locate_median_us = 87999,
                       .locate_most_us = 1511000,
                       .sessions = 245,
                       .publications = 100,
                       .history = WATCH_HISTORY};
    for (size_t i = 0; i < WATCH_HISTORY; i++) {
        n.waitings[i] = (uint32_t)i * 256 / (WATCH_HISTORY - 1);
        n.flows[i] = 50 * (uint32_t)i;
    }
    return n;
}

/* Cells of a line: escapes have none, a character of UTF-8 has one. */
static unsigned cells_of(const char *line, size_t len)
{
    unsigned cells = 0;
    for (size_t i = 0; i < len; i++) {
        if (line[i] == '\033') {
            while (line[i] != 'm') {
                i++;
                assert_true(i < len);
            }
        } else if (((unsigned char)line[i] & 0xc0u) != 0x80u) {
            cells++;
        }
    }
    return cells;
}

/* Draws; no line is wider than the terminal, and there are so many at most. @return the lines. */
static unsigned draw(char out[WATCH_BYTES], const watch_numbers *n, watch_screen screen)
{
    unsigned lines = 0;
    const size_t len = watch_draw(out, n, &screen);
    assert_true(len < WATCH_BYTES);
    assert_int_equal(strlen(out), len);
    for (const char *at = out; *at; lines++) {
        const char *end = strchr(at, '\n');
        assert_non_null(end);
        assert_true(cells_of(at, (size_t)(end - at)) <= screen.columns);
        at = end + 1;
    }
    assert_true(lines <= screen.rows);
    return lines;
}

static void the_table_at_80_columns(void **state)
{
    (void)state;
    static char out[WATCH_BYTES];
    const watch_numbers n = rush();
    assert_int_equal(draw(out, &n, (watch_screen){.columns = 80, .rows = 23}), 21);
    assert_non_null(strstr(out, "PeerSync  flash-crowd  slow motion 1/4      "));
    assert_non_null(strstr(out, "  3.42 s\n280 people log in at once and want the same file. "));
    assert_non_null(strstr(out, "\n300 peers\n"));
    /* 55 cells are 300 peers: half of them, a quarter, a sixth, a twelfth. */
    assert_non_null(strstr(out, "\n  online      ############################             "));
    assert_non_null(strstr(out, "\n  logging in  ##############                           "));
    assert_non_null(strstr(out, "\n  lost        ##########                               "));
    assert_non_null(strstr(out, "\n  offline     #####                                    "));
    assert_non_null(strstr(out, "############    100 %\n"));
    assert_non_null(strstr(out, "  128/256\n"));
    assert_non_null(strstr(out, "\n  holds       245 sessions, 100 files\n"));
    assert_non_null(strstr(out, "\n  datagrams   12,345 arrive         7 lost                "
                                "2,036 met a full queue\n"));
    assert_non_null(strstr(out, "\n  peers       573 logins            1,315 answers\n"));
    assert_non_null(
        strstr(out, "\n  locate      87 ms half, 1,511 ms all answers of the last second\n"));
}

static void the_table_at_40_columns(void **state)
{
    (void)state;
    static char out[WATCH_BYTES];
    watch_numbers n = rush();
    assert_int_equal(draw(out, &n, (watch_screen){.columns = 40, .rows = 23}), 23);
    assert_non_null(strstr(out, "PeerSync  flash-crowd            3.42 s\n"));
    assert_non_null(strstr(out, "\n280 people log in at once and want the\n"
                                "same file. The server's queue runs\n"
                                "over; peers try again.\n\n300 peers\n"));
    assert_non_null(strstr(out, "\n  online      ########              150\n"));
    assert_non_null(strstr(out, "\n  datagrams   12,345 arrive 7 lost\n"
                                "              2,036 met a full queue\n"));
    assert_non_null(strstr(out, "\n  locate      87 ms half, 1,511 ms all\n"));
    n.locates = 0;
    (void)draw(out, &n, (watch_screen){.columns = 40, .rows = 23});
    assert_non_null(strstr(out, "\n  locate      none in the last second\n"));
}

static void colours_are_the_only_escapes(void **state)
{
    (void)state;
    static char plain[WATCH_BYTES];
    static char coloured[WATCH_BYTES];
    static char stripped[WATCH_BYTES];
    const watch_numbers n = rush();
    for (unsigned columns = 40; columns <= 80; columns += 40) {
        size_t len = 0;
        (void)draw(plain, &n, (watch_screen){.columns = columns, .rows = 23, .blocks = true});
        (void)draw(coloured, &n,
                   (watch_screen){.columns = columns, .rows = 23, .blocks = true, .colour = true});
        assert_null(strchr(plain, '\033'));
        for (const char *at = coloured; *at; at++) {
            if (*at == '\033') {
                at += strcspn(at, "m");
            } else {
                stripped[len++] = *at;
            }
        }
        stripped[len] = 0;
        assert_string_equal(stripped, plain);
        /* What is lost is red; what is online is green. */
        assert_non_null(strstr(coloured, "  lost        \033[1;31m█"));
        assert_non_null(strstr(coloured, "  online      \033[32m█"));
    }
}

static void blocks_show_eighths(void **state)
{
    (void)state;
    static char out[WATCH_BYTES];
    watch_numbers n = rush();
    n.peers[WATCH_LOST] = 0;
    n.peers[WATCH_OFFLINE] = 1; /* Of 226: less than an eighth of a cell, and it shows. */
    (void)draw(out, &n, (watch_screen){.columns = 40, .rows = 23, .blocks = true});
    assert_non_null(strstr(out, "\n  online      ██████████▌           150\n"));
    assert_non_null(strstr(out, "\n  logging in  █████▎                 75\n"));
    assert_non_null(strstr(out, "\n  lost                                0\n"));
    assert_non_null(strstr(out, "\n  offline     ▏                       1\n"));
    assert_non_null(
        strstr(out, "              ▇▇▇▇████████████\n")); /* The newest of the queue's curve. */
}

static void numbers_that_are_extreme_fit(void **state)
{
    (void)state;
    static char out[WATCH_BYTES];
    watch_numbers n = rush();
    memset(n.waitings, 0xff, sizeof n.waitings);
    memset(n.flows, 0xff, sizeof n.flows);
    n.now_us = n.delivered = n.lost = n.dropped = n.logins = n.answers = UINT64_MAX;
    n.locate_median_us = n.locate_most_us = UINT64_MAX / 100;
    n.busy_percent = n.waiting = n.sessions = n.publications = UINT32_MAX;
    for (int i = 0; i < WATCH_PEERS; i++) {
        n.peers[i] = UINT32_MAX;
    }
    n.down = true;
    for (unsigned columns = 0; columns < 200; columns += 1) {
        const watch_screen screen = {
            .columns = columns > 2 ? columns : 2, .rows = 23, .colour = true, .blocks = true};
        (void)draw(out, &n, screen);
    }
    (void)draw(out, &n, (watch_screen){.columns = 80, .rows = 23});
    assert_non_null(strstr(out, "server: its process does not run\n"));
    const watch_numbers nothing = {.title = "", .caption = "", .speed_num = 1, .speed_den = 1};
    (void)draw(out, &nothing, (watch_screen){.columns = 80, .rows = 23});
    assert_non_null(strstr(out, "\n0 peers\n"));
}

static void a_low_terminal_gets_the_first_lines(void **state)
{
    (void)state;
    static char all[WATCH_BYTES];
    static char some[WATCH_BYTES];
    const watch_numbers n = rush();
    (void)draw(all, &n, (watch_screen){.columns = 80, .rows = 50});
    for (unsigned rows = 1; rows < 21; rows++) {
        assert_int_equal(draw(some, &n, (watch_screen){.columns = 80, .rows = rows}), rows);
        assert_memory_equal(some, all, strlen(some));
    }
}

static void a_line_says_the_same(void **state)
{
    (void)state;
    char out[512];
    char cut[16];
    const watch_numbers n = rush();
    const size_t len = watch_line(out, sizeof out, &n);
    assert_int_equal(len, strlen(out));
    assert_string_equal(out, "     3.4 s  online 150  logging in 75  lost 50  offline 25  busy 100 "
                             "%  queue 128/256  dropped/s 2036  answers/s 1315  files 100  280 "
                             "people log in at once and want the same file. The server's queue "
                             "runs over; peers try again.");
    assert_int_equal(watch_line(cut, sizeof cut, &n), 15);
    assert_string_equal(cut, "     3.4 s  onl");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_table_at_80_columns),
        cmocka_unit_test(the_table_at_40_columns),
        cmocka_unit_test(colours_are_the_only_escapes),
        cmocka_unit_test(blocks_show_eighths),
        cmocka_unit_test(numbers_that_are_extreme_fit),
        cmocka_unit_test(a_low_terminal_gets_the_first_lines),
        cmocka_unit_test(a_line_says_the_same),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
