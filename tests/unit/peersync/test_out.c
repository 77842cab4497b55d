/* What is drawn on a terminal and taken away again: a small terminal is played, and looked at. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "out.h"

#include <fcntl.h>
#include <locale.h>
#include <pty.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define ROWS    12
#define COLUMNS 40

static uv_loop_t loop;
static struct out *out;
static int kept_stderr, reader, writer;

/* The played terminal: what stands on it, and where the cursor is. */
static char screen[ROWS][COLUMNS + 1];
static size_t row, column;

static void nothing(void *ctx)
{
    (void)ctx;
}

static void scroll(void)
{
    memmove(screen[0], screen[1], sizeof screen - sizeof screen[0]);
    memset(screen[ROWS - 1], 0, sizeof screen[0]);
}

static void down(void)
{
    if (++row == ROWS) {
        scroll();
        row--;
    }
}

/* A sequence behind ESC [: so many rows up, or erase to the end. @return its last character. */
static const char *steer(const char *text)
{
    const size_t n = strtoul(text, NULL, 10);
    text += strspn(text, "0123456789");
    if (*text == 'A') {
        assert_true(n <= row);
        row -= n;
    } else {
        assert_int_equal(*text, 'J');
        memset(screen[row] + column, 0, sizeof screen[0] - column);
        for (size_t i = row + 1; i < ROWS; i++) {
            memset(screen[i], 0, sizeof screen[i]);
        }
    }
    return text;
}

static void play(const char *text)
{
    for (; *text != '\0'; text++) {
        if (*text == '\r') {
            column = 0;
        } else if (*text == '\n') {
            down();
        } else if (strncmp(text, "\033[", 2) == 0) {
            text = steer(text + 2);
        } else {
            if (column == COLUMNS) {
                column = 0;
                down();
            }
            screen[row][column++] = *text;
        }
    }
}

/* Plays what was written up to now. */
static void look(void)
{
    char text[16384];
    size_t len = 0;
    out_flush(out);
    for (ssize_t n; (n = read(reader, text + len, sizeof text - 1 - len)) > 0;) {
        len += (size_t)n;
    }
    text[len] = '\0';
    play(text);
}

static void want_screen(const char *const lines[], size_t count)
{
    look();
    for (size_t i = 0; i < ROWS; i++) {
        assert_string_equal(screen[i], i < count ? lines[i] : "");
    }
}

static int begin(void **state)
{
    (void)state;
    int ends[2];
    const struct winsize size = {.ws_row = ROWS, .ws_col = COLUMNS};
    memset(screen, 0, sizeof screen);
    row = column = 0;
    (void)setenv("TERM", "xterm", 1);
    if (setlocale(LC_CTYPE, "C.UTF-8") == NULL ||
        openpty(&ends[0], &ends[1], NULL, NULL, &size) != 0) {
        return -1;
    }
    kept_stderr = dup(STDERR_FILENO);
    (void)dup2(ends[1], STDERR_FILENO);
    reader = ends[0];
    writer = ends[1];
    (void)fcntl(reader, F_SETFL, O_NONBLOCK);
    uv_loop_init(&loop);
    out = out_open(&(struct out_config){
        .loop = &loop, .prefix = "", .progress = true, .closed = nothing, .drained = nothing});
    return out != NULL ? 0 : -1;
}

static int end(void **state)
{
    (void)state;
    out_close(out, true);
    uv_run(&loop, UV_RUN_DEFAULT);
    uv_loop_close(&loop);
    (void)dup2(kept_stderr, STDERR_FILENO);
    (void)close(kept_stderr);
    (void)close(reader);
    (void)close(writer);
    return 0;
}

#define WANT(...)                                                                                  \
    do {                                                                                           \
        const char *const lines_[] = {__VA_ARGS__};                                                \
        want_screen(lines_, sizeof lines_ / sizeof lines_[0]);                                     \
    } while (0)

static void a_block_is_drawn_in_its_place(void **state)
{
    (void)state;
    out_note(out, "before");
    out_progress_block(out, "one 1 %\ntwo 1 %\nthree 1 %");
    WANT("before", "one 1 %", "two 1 %", "three 1 %");
    out_progress_block(out, "two 50 %\nthree 2 %");
    WANT("before", "two 50 %", "three 2 %");
    out_progress_block(out, "two 51 %\nthree 3 %\nfour 1 %\nand 5 more");
    WANT("before", "two 51 %", "three 3 %", "four 1 %", "and 5 more");
    out_progress_end(out);
    WANT("before");
    out_note(out, "behind");
    WANT("before", "behind");
}

static void messages_go_above_it(void **state)
{
    (void)state;
    out_progress_block(out, "one 1 %\ntwo 1 %");
    out_note(out, "alice is gone");
    WANT("alice is gone", "one 1 %", "two 1 %");
    out_fail(out, "no such file");
    WANT("alice is gone", "no such file", "one 1 %", "two 1 %");
    out_progress_end(out);
    WANT("alice is gone", "no such file");
}

static void a_screen_that_scrolls_is_no_trouble(void **state)
{
    (void)state;
    out_progress_block(out, "one\ntwo\nthree");
    for (unsigned i = 0; i < 20; i++) {
        out_note(out, "line %u", i);
    }
    WANT("line 11", "line 12", "line 13", "line 14", "line 15", "line 16", "line 17", "line 18",
         "line 19", "one", "two", "three");
    out_progress_end(out);
    WANT("line 11", "line 12", "line 13", "line 14", "line 15", "line 16", "line 17", "line 18",
         "line 19");
}

/* The program was told of 80 columns; by now there are half as many, and the terminal has wrapped
 * what was wider. */
static void a_narrower_terminal_is_wiped_whole(void **state)
{
    (void)state;
    struct winsize size = {.ws_row = ROWS, .ws_col = 2 * COLUMNS};
    assert_int_equal(ioctl(writer, TIOCSWINSZ, &size), 0);
    out_note(out, "before");
    out_progress_block(out, "1234567890123456789012345678901234567890123456789012345\nshort");
    WANT("before", "1234567890123456789012345678901234567890", "123456789012345", "short");
    size.ws_col = COLUMNS;
    assert_int_equal(ioctl(writer, TIOCSWINSZ, &size), 0);
    out_progress_block(out, "12345\nshort");
    WANT("before", "12345", "short");
}

static void one_line_is_cut_to_the_width(void **state)
{
    (void)state;
    out_progress(out, "%s", "1234567890123456789012345678901234567890123456789");
    WANT("123456789012345678901234567890123456789");
    out_progress(out, "%s", "short");
    WANT("short");
}

static void nothing_is_drawn_over_a_prompt(void **state)
{
    (void)state;
    out_progress_block(out, "one\ntwo");
    out_prompt(out, "> ");
    out_progress_block(out, "one\ntwo");
    WANT("> ");
    out_note(out, "a note");
    WANT("a note", "> ");
}

/* Whoever presses Return while it is drawn moves the cursor a line down. */
static void a_line_that_was_entered_below_it_goes_too(void **state)
{
    (void)state;
    out_progress_block(out, "one\ntwo");
    look();
    play("\r\n");
    out_answered(out, true);
    out_prompt(out, "> ");
    WANT("> ");
}

#define ON_SCREEN(test) cmocka_unit_test_setup_teardown(test, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        ON_SCREEN(a_block_is_drawn_in_its_place),
        ON_SCREEN(messages_go_above_it),
        ON_SCREEN(a_screen_that_scrolls_is_no_trouble),
        ON_SCREEN(a_narrower_terminal_is_wiped_whole),
        ON_SCREEN(one_line_is_cut_to_the_width),
        ON_SCREEN(nothing_is_drawn_over_a_prompt),
        ON_SCREEN(a_line_that_was_entered_below_it_goes_too),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
