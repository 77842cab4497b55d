/* The terminal under a table: a child draws on one of its own, and ends in every way there is. */
#include "unit.h"

#include "terminal.h"

#include <pty.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#define HIDE "\033[?25l"
#define SHOW "\033[?25h"

static char seen[16384];

static void draw_and_end(int signal)
{
    static const char lines[] = "one\ntwo\n";
    const struct rlimit no_core = {0, 0};
    (void)setrlimit(RLIMIT_CORE, &no_core);
    terminal_open();
    const watch_screen screen = terminal_screen();
    if (screen.columns != 77 || screen.rows != 11 || screen.colour) {
        _exit(9);
    }
    terminal_draw(lines, sizeof lines - 1);
    if (signal == SIGABRT) {
        abort();
    }
    if (signal != 0) {
        (void)raise(signal);
    }
    terminal_close();
    _exit(0);
}

/* @return how the child ended; what it wrote is in `seen`. */
static int on_a_terminal(int signal)
{
    int pty = -1;
    int status = -1;
    size_t len = 0;
    ssize_t n;
    const struct winsize size = {.ws_col = 77, .ws_row = 12};
    const pid_t child = forkpty(&pty, NULL, NULL, &size);
    assert_true(child >= 0);
    if (child == 0) {
        (void)setenv("NO_COLOR", "1", 1);
        draw_and_end(signal);
    }
    while ((n = read(pty, seen + len, sizeof seen - 1 - len)) > 0) {
        len += (size_t)n;
    }
    seen[len] = 0;
    assert_int_equal(waitpid(child, &status, 0), child);
    close(pty);
    return status;
}

static void a_frame_begins_at_home_and_clears_nothing(void **state)
{
    (void)state;
    const int status = on_a_terminal(0);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    assert_memory_equal(seen, HIDE, strlen(HIDE));
    assert_non_null(strstr(seen, "\033[Hone\033[K\r\ntwo\033[K\r\n\033[J"));
    assert_null(strstr(seen, "\033[2J"));
    assert_string_equal(seen + strlen(seen) - strlen(SHOW), SHOW);
}

static void the_cursor_comes_back_however_it_ends(void **state)
{
    (void)state;
    static const int endings[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGABRT};
    for (size_t i = 0; i < sizeof endings / sizeof endings[0]; i++) {
        const int status = on_a_terminal(endings[i]);
        assert_true(WIFSIGNALED(status));
        assert_int_equal(WTERMSIG(status), endings[i]);
        assert_memory_equal(seen, HIDE, strlen(HIDE));
        assert_string_equal(seen + strlen(seen) - strlen(SHOW), SHOW);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_frame_begins_at_home_and_clears_nothing),
        cmocka_unit_test(the_cursor_comes_back_however_it_ends),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
