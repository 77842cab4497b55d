/* Many files in one go: what is drawn on a terminal, what is told, and what elsewhere. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "many.h"

#include <fcntl.h>
#include <pty.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define HOUR_US 3600000000u

static uv_loop_t loop;
static struct out *out;
static int kept_stderr, reader;

static void nothing(void *ctx)
{
    (void)ctx;
}

/* Standard error becomes a terminal, or a pipe. */
static void begin(bool terminal)
{
    int ends[2];
    (void)setenv("TERM", "xterm", 1); /* Where nobody sits it may be "dumb": nothing is drawn. */
    if (terminal) {
        const struct winsize size = {.ws_row = 24, .ws_col = 80};
        assert_int_equal(openpty(&ends[0], &ends[1], NULL, NULL, &size), 0);
    } else {
        assert_int_equal(pipe(ends), 0);
    }
    kept_stderr = dup(STDERR_FILENO);
    assert_int_equal(dup2(ends[1], STDERR_FILENO), STDERR_FILENO);
    reader = ends[0];
    (void)close(ends[1]);
    uv_loop_init(&loop);
    out = out_open(&(struct out_config){.loop = &loop,
                                        .prefix = "peersync: ",
                                        .progress = true,
                                        .closed = nothing,
                                        .drained = nothing});
    assert_non_null(out);
}

/* All that was written to it. */
static const char *end(void)
{
    static char text[16384];
    size_t len = 0;
    out_flush(out);
    assert_int_equal(fcntl(reader, F_SETFL, O_NONBLOCK), 0);
    for (ssize_t n; (n = read(reader, text + len, sizeof text - 1 - len)) > 0;) {
        len += (size_t)n;
    }
    text[len] = '\0';
    out_close(out, true);
    uv_run(&loop, UV_RUN_DEFAULT);
    uv_loop_close(&loop);
    (void)dup2(kept_stderr, STDERR_FILENO);
    (void)close(kept_stderr);
    (void)close(reader);
    return text;
}

static void all_are_counted_in_one_line(void **state)
{
    (void)state;
    begin(true);
    struct many m = {.out = out, .doing = "publishing", .total = 1200};
    for (size_t i = 1; i < m.total; i++) {
        assert_false(many_step(&m, PS_EXIT_DONE));
    }
    assert_true(many_step(&m, PS_EXIT_NOT_FOUND));
    many_end(&m, "not published");
    many_summary(&m, "published", "1.2 GiB");
    const char *text = end();
    assert_non_null(strstr(text, "publishing 1 of 1,200  0 %"));
    assert_non_null(strstr(text, "publishing 1,200 of 1,200  100 %"));
    assert_non_null(strstr(text, "published 1,199 files (1.2 GiB); 1 failed\r\n"));
    assert_int_equal(m.done, 1199);
    assert_int_equal(m.failed, 1);
}

static void a_single_file_is_not_counted(void **state)
{
    (void)state;
    begin(true);
    struct many m = {.out = out, .doing = "publishing", .total = 1};
    assert_true(many_step(&m, PS_EXIT_DONE));
    many_end(&m, "not published");
    many_summary(&m, "published", "1 B");
    assert_string_equal(end(), "");
}

static void without_a_terminal_nothing_is_drawn(void **state)
{
    (void)state;
    begin(false);
    struct many m = {.out = out, .doing = "unpublishing", .total = 30};
    struct progress part = {0};
    many_part(&m, &part, "hashing f", 1, 2);
    while (!many_step(&m, PS_EXIT_DONE)) {
    }
    many_end(&m, "not taken back");
    many_summary(&m, "unpublished", NULL);
    assert_string_equal(end(), "unpublished 30 files\n");
}

static void twenty_failures_are_told_of_and_the_rest_counted(void **state)
{
    (void)state;
    begin(false);
    struct many m = {.out = out, .doing = "publishing", .total = MANY_TOLD + 2};
    assert_false(many_are_few(&m));
    for (unsigned i = 0; i < MANY_TOLD + 1; i++) {
        assert_int_equal(many_tells(&m), i < MANY_TOLD);
        (void)many_step(&m, i == 0 ? PS_EXIT_NOT_FOUND : PS_EXIT_USAGE);
    }
    (void)many_step(&m, PS_EXIT_DONE);
    assert_int_equal(m.code, PS_EXIT_NOT_FOUND);
    many_end(&m, "not published");
    many_summary(&m, "published", "1 B");
    assert_string_equal(end(), "peersync: 1 more is not published\n"
                               "published 1 file (1 B); 21 failed\n");
}

static void few_files_have_no_summary(void **state)
{
    (void)state;
    begin(false);
    struct many m = {.out = out, .doing = "publishing", .total = MANY_TOLD};
    assert_true(many_are_few(&m));
    while (!many_step(&m, PS_EXIT_USAGE)) {
    }
    many_end(&m, "not published");
    many_summary(&m, "published", "0 B");
    assert_string_equal(end(), "");
}

static void a_part_is_drawn_while_no_file_gets_through(void **state)
{
    (void)state;
    begin(true);
    struct many m = {.out = out, .doing = "publishing", .total = 2};
    struct progress part = {0};
    many_part(&m, &part, "publishing 0 of 2: hashing f", 1, 4);
    assert_non_null(strstr(end(), "publishing 0 of 2: hashing f  25 %  1 B of 4 B"));
}

static void work_in_the_background_is_patient_and_yields(void **state)
{
    (void)state;
    begin(true);
    struct progress patient = progress_begin(HOUR_US);
    progress_count(&patient, out, "patiently", 100, 100);
    struct progress asked = {0};
    const uint64_t began_us = uv_hrtime() / 1000u;
    progress_count(&asked, out, "publishing", 1, 2);
    struct progress yielding = progress_begin(0);
    progress_count(&yielding, out, "announcing", 100, 100);
    const bool in_time = uv_hrtime() / 1000u - began_us < 900000u;
    const char *text = end();
    assert_null(strstr(text, "patiently"));
    assert_non_null(strstr(text, "publishing 1 of 2  50 %"));
    assert_true(!in_time || strstr(text, "announcing") == NULL);
}

static void work_in_the_background_is_drawn_when_it_is_alone(void **state)
{
    (void)state;
    begin(true);
    struct progress alone = progress_begin(0);
    progress_count(&alone, out, "announcing", 34120, 100000);
    assert_non_null(strstr(end(), "announcing 34,120 of 100,000  34 %"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        /* First: before others have drawn. */
        cmocka_unit_test(work_in_the_background_is_drawn_when_it_is_alone),
        cmocka_unit_test(all_are_counted_in_one_line),
        cmocka_unit_test(a_single_file_is_not_counted),
        cmocka_unit_test(without_a_terminal_nothing_is_drawn),
        cmocka_unit_test(twenty_failures_are_told_of_and_the_rest_counted),
        cmocka_unit_test(few_files_have_no_summary),
        cmocka_unit_test(a_part_is_drawn_while_no_file_gets_through),
        cmocka_unit_test(work_in_the_background_is_patient_and_yields),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
