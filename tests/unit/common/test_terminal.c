#include "unit.h"

#include "common/terminal.h"

#include <pty.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static int pipe_fd[2];

static void feed(const char *text)
{
    assert_int_equal(pipe(pipe_fd), 0);
    assert_int_equal(write(pipe_fd[1], text, strlen(text)), (ssize_t)strlen(text));
    close(pipe_fd[1]);
}

static void lines_are_read_one_by_one(void **state)
{
    (void)state;
    char line[16];
    feed("one\r\n\ntwo");
    assert_int_equal(ps_line_read(pipe_fd[0], line, sizeof line), 3);
    assert_string_equal(line, "one");
    assert_int_equal(ps_line_read(pipe_fd[0], line, sizeof line), 0);
    assert_string_equal(line, "");
    assert_int_equal(ps_line_read(pipe_fd[0], line, sizeof line), 3);
    assert_string_equal(line, "two");
    assert_int_equal(ps_line_read(pipe_fd[0], line, sizeof line), -1);
    close(pipe_fd[0]);
}

static void a_long_line_is_dropped_whole(void **state)
{
    (void)state;
    char line[4];
    feed("abc\nabcd\nx\n");
    assert_int_equal(ps_line_read(pipe_fd[0], line, sizeof line), 3);
    assert_int_equal(ps_line_read(pipe_fd[0], line, sizeof line), -2);
    assert_int_equal(ps_line_read(pipe_fd[0], line, sizeof line), 1);
    assert_string_equal(line, "x");
    close(pipe_fd[0]);
}

static void a_pipe_is_no_terminal(void **state)
{
    (void)state;
    char line[16];
    feed("secret\n");
    assert_int_equal(ps_password_read(pipe_fd[0], "Password: ", line, sizeof line), -1);
    close(pipe_fd[0]);
}

/* What a child prints on its terminal while it asks for a password. */
static void a_password_is_not_echoed(void **state)
{
    (void)state;
    int pty = -1;
    char seen[256] = "";
    size_t len = 0;
    const pid_t child = forkpty(&pty, NULL, NULL, NULL);
    assert_true(child >= 0);
    if (child == 0) {
        char line[16];
        const ssize_t n = ps_password_read(STDIN_FILENO, "Password: ", line, sizeof line);
        _exit(n == 6 && strcmp(line, "secret") == 0 ? 0 : 1);
    }
    while (strstr(seen, "Password: ") == NULL && len + 1 < sizeof seen) {
        const ssize_t n = read(pty, seen + len, sizeof seen - 1 - len);
        assert_true(n > 0);
        len += (size_t)n;
    }
    assert_int_equal(write(pty, "secret\r", 7), 7);
    int status = -1;
    ssize_t n = 0;
    while ((n = read(pty, seen + len, sizeof seen - 1 - len)) > 0) {
        len += (size_t)n;
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    assert_null(strstr(seen, "secret"));
    close(pty);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lines_are_read_one_by_one),
        cmocka_unit_test(a_long_line_is_dropped_whole),
        cmocka_unit_test(a_pipe_is_no_terminal),
        cmocka_unit_test(a_password_is_not_echoed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
