#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "lines.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define TAKEN_MAX 16

/* What came, in order. */
struct taken {
    struct lines *lines;
    size_t count;
    enum line_kind kinds[TAKEN_MAX];
    char texts[TAKEN_MAX][16]; /* The beginning. */
    size_t lengths[TAKEN_MAX];
};

static void on_line(void *ctx, enum line_kind kind, char *text)
{
    struct taken *t = ctx;
    assert_true(t->count < TAKEN_MAX);
    t->kinds[t->count] = kind;
    snprintf(t->texts[t->count], sizeof t->texts[0], "%s", text);
    t->lengths[t->count] = strlen(text);
    t->count++;
    if (kind != LINE_END) {
        lines_next(t->lines);
    }
}

/* Reads all lines of a descriptor. */
static void read_all(int fd, struct taken *t)
{
    uv_loop_t loop;
    assert_int_equal(uv_loop_init(&loop), 0);
    *t = (struct taken){.count = 0};
    t->lines = lines_open(&loop, fd, on_line, t);
    lines_next(t->lines);
    assert_int_equal(t->count, 0);
    assert_int_equal(uv_run(&loop, UV_RUN_DEFAULT), 0);
    lines_close(t->lines);
    uv_run(&loop, UV_RUN_DEFAULT);
    assert_int_equal(uv_loop_close(&loop), 0);
}

/* A descriptor with this content: a file, or a pipe (which takes 64 KiB unread). */
static int content(const char *bytes, size_t len, bool file)
{
    int fds[2] = {-1, -1};
    if (file) {
        char path[] = "/tmp/peersync-lines-XXXXXX";
        fds[0] = mkstemp(path);
        assert_true(fds[0] >= 0);
        (void)unlink(path);
        assert_int_equal(write(fds[0], bytes, len), (ssize_t)len);
        assert_int_equal(lseek(fds[0], 0, SEEK_SET), 0);
        return fds[0];
    }
    assert_int_equal(pipe(fds), 0);
    assert_int_equal(write(fds[1], bytes, len), (ssize_t)len);
    close(fds[1]);
    return fds[0];
}

static void pipes_and_files_give_the_same_lines(void **state)
{
    (void)state;
    static const char text[] = "one\n\ntwo\r\nx\0y\nlast";
    for (int file = 0; file < 2; file++) {
        struct taken t;
        const int fd = content(text, sizeof text - 1, file != 0);
        read_all(fd, &t);
        close(fd);
        assert_int_equal(t.count, 6);
        assert_string_equal(t.texts[0], "one");
        assert_string_equal(t.texts[1], "");
        assert_string_equal(t.texts[2], "two");
        assert_int_equal(t.kinds[3], LINE_HAS_NUL);
        assert_int_equal(t.kinds[4], LINE_TEXT);
        assert_string_equal(t.texts[4], "last");
        assert_int_equal(t.kinds[5], LINE_END);
    }
}

static void the_longest_line_passes_and_a_longer_one_does_not(void **state)
{
    (void)state;
    const size_t len = 2 * LINE_MAX_BYTES + 16;
    char *text = malloc(len);
    assert_non_null(text);
    memset(text, 'x', len);
    text[LINE_MAX_BYTES] = '\n';
    text[2 * LINE_MAX_BYTES + 2] = '\n';
    struct taken t;
    const int fd = content(text, len, true);
    read_all(fd, &t);
    close(fd);
    free(text);
    assert_int_equal(t.count, 4);
    assert_int_equal(t.kinds[0], LINE_TEXT);
    assert_int_equal(t.lengths[0], LINE_MAX_BYTES);
    assert_int_equal(t.kinds[1], LINE_TOO_LONG);
    assert_int_equal(t.kinds[2], LINE_TEXT);
    assert_int_equal(t.lengths[2], 13);
    assert_int_equal(t.kinds[3], LINE_END);
}

static void nothing_and_what_cannot_be_read_end_at_once(void **state)
{
    (void)state;
    struct taken t;
    int fd = open("/dev/null", O_RDONLY);
    read_all(fd, &t);
    close(fd);
    assert_int_equal(t.count, 1);
    assert_int_equal(t.kinds[0], LINE_END);
    fd = open("/tmp", O_RDONLY);
    read_all(fd, &t);
    close(fd);
    assert_int_equal(t.count, 1);
    assert_int_equal(t.kinds[0], LINE_END);
}

static void the_descriptor_stays_blocking(void **state)
{
    (void)state;
    struct taken t;
    const int fd = content("a\n", 2, false);
    read_all(fd, &t);
    assert_int_equal(fcntl(fd, F_GETFL) & O_NONBLOCK, 0);
    close(fd);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pipes_and_files_give_the_same_lines),
        cmocka_unit_test(the_longest_line_passes_and_a_longer_one_does_not),
        cmocka_unit_test(nothing_and_what_cannot_be_read_end_at_once),
        cmocka_unit_test(the_descriptor_stays_blocking),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
