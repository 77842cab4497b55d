/* File bytes into a stream. */
#include "loopback.h"
#include "random.h"
#include "scratch.h"

#include <errno.h>
#include <signal.h>

#define FILE_BYTES ((size_t)3 << 20)

/* A file of random bytes; the caller frees them. */
static uint8_t *make_file(const scratch *s, int *fd)
{
    uint8_t *bytes = malloc(FILE_BYTES);
    test_random r = test_random_of(3);
    assert_non_null(bytes);
    test_random_bytes(&r, bytes, FILE_BYTES);
    assert_int_equal(ps_posix_create_beneath(s->dir, "file", 0600, fd, NULL), PS_OK);
    assert_int_equal(ps_posix_write_at(*fd, bytes, FILE_BYTES, 0, NULL), PS_OK);
    return bytes;
}

/* All of it in ranges that start anywhere, past a reader who is slower than the writer. */
static void test_ranges(void **state)
{
    int file = -1;
    uint8_t *bytes = make_file(*state, &file);
    uint8_t *got = malloc(FILE_BYTES);
    assert_non_null(got);
    loopback l = loopback_open(1, 1);
    const ps_stream out = loopback_dial(&l);
    const ps_stream in = loopback_accept(&l);
    test_random r = test_random_of(4);
    size_t sent = 0;
    size_t read = 0;
    bool was_full = false;
    while (read < FILE_BYTES) {
        uint64_t n = 0;
        const uint64_t len =
            test_random_range(&r, 1, FILE_BYTES - sent > 0 ? FILE_BYTES - sent : 1);
        ps_status status = PS_AGAIN;
        if (sent < FILE_BYTES) {
            status = ps_posix_streams_send_file(l.a, out, file, sent, len, &n);
        }
        if (status == PS_OK) {
            assert_in_range(n, 1, len);
            sent += (size_t)n;
            continue;
        }
        assert_int_equal(status, PS_AGAIN);
        was_full = was_full || sent < FILE_BYTES;
        size_t part = 0;
        loopback_wait(ps_posix_streams_fd(l.b, in), POLLIN);
        assert_int_equal(l.tb.read(l.tb.ctx, in, got + read, FILE_BYTES - read, &part), PS_OK);
        read += part;
    }
    assert_int_equal(memcmp(got, bytes, FILE_BYTES), 0);
    (void)was_full; /* Large buffers may take it all at once. */
    loopback_close(&l);
    close(file);
    free(bytes);
    free(got);
}

static void test_file_is_at_fault(void **state)
{
    int file = -1;
    free(make_file(*state, &file));
    loopback l = loopback_open(1, 1);
    const ps_stream out = loopback_dial(&l);
    (void)loopback_accept(&l);
    loopback_wait(ps_posix_streams_fd(l.a, out), POLLOUT);
    uint64_t n = 9;
    const ps_posix_error *why = ps_posix_streams_error(l.a);
    assert_int_equal(ps_posix_streams_send_file(l.a, out, file, FILE_BYTES, 1, &n), PS_FAILED);
    assert_int_equal(why->number, 0);
    assert_string_equal(why->text, "the file became shorter");
    assert_int_equal(ps_posix_streams_send_file(l.a, out, -1, 0, 1, &n), PS_FAILED);
    assert_int_equal(why->number, EBADF);
    /* The stream has not suffered. */
    assert_int_equal(ps_posix_streams_send_file(l.a, out, file, 0, 0, &n), PS_OK);
    assert_int_equal(n, 0);
    assert_int_equal(ps_posix_streams_send_file(l.a, out, file, FILE_BYTES - 1, 5, &n), PS_OK);
    assert_int_equal(n, 1);
    assert_int_equal(l.ta.finish(l.ta.ctx, out), PS_OK);
    assert_int_equal(ps_posix_streams_send_file(l.a, out, file, 0, 1, &n), PS_FAILED);
    assert_int_equal(why->number, EPIPE);
    assert_int_equal(ps_posix_streams_send_file(l.a, 12345, file, 0, 1, &n), PS_FAILED);
    loopback_close(&l);
    close(file);
}

static volatile sig_atomic_t pipes;

static void on_pipe(int number)
{
    (void)number;
    pipes++;
}

/* The other side is gone: an error, and no SIGPIPE. */
static void test_no_signal(void **state)
{
    int file = -1;
    free(make_file(*state, &file));
    struct sigaction old;
    struct sigaction action = {.sa_handler = on_pipe};
    sigaction(SIGPIPE, &action, &old);
    pipes = 0;
    loopback l = loopback_open(1, 1);
    const ps_stream out = loopback_dial(&l);
    const ps_stream in = loopback_accept(&l);
    uint64_t n = 0;
    loopback_wait(ps_posix_streams_fd(l.a, out), POLLOUT);
    l.tb.close(l.tb.ctx, in);
    ps_status status = PS_OK;
    for (unsigned i = 0; status != PS_FAILED; i++) {
        assert_true(i < 100000);
        status = ps_posix_streams_send_file(l.a, out, file, 0, 1000, &n);
    }
    assert_true((l.ta.ready(l.ta.ctx, out, 0) & PS_BROKEN) != 0);
    const ps_span part = {(const uint8_t *)"x", 1};
    size_t written = 0;
    assert_int_equal(l.ta.write(l.ta.ctx, out, &part, 1, &written), PS_FAILED);
    sigset_t pending;
    sigpending(&pending);
    assert_int_equal(sigismember(&pending, SIGPIPE), 0);
    assert_int_equal(pipes, 0);
    sigaction(SIGPIPE, &old, NULL);
    loopback_close(&l);
    close(file);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SCRATCH_TEST(test_ranges),
        SCRATCH_TEST(test_file_is_at_fault),
        SCRATCH_TEST(test_no_signal),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
