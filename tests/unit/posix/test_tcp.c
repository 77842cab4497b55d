/* Making, taking, handing over and ending connections. */
#include "loopback.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static int accept_fails; /* The error that the next `accept_failures` calls give. */
static unsigned accept_failures;

int __real_accept(int fd, struct sockaddr *name, socklen_t *len);
int __wrap_accept(int fd, struct sockaddr *name, socklen_t *len);
int __wrap_accept(int fd, struct sockaddr *name, socklen_t *len)
{
    if (accept_failures > 0) {
        accept_failures--;
        errno = accept_fails;
        return -1;
    }
    return __real_accept(fd, name, len);
}

static void test_bad_arguments(void **state)
{
    (void)state;
    ps_posix_streams *t = NULL;
    ps_posix_error why;
    const ps_addr none = {0};
    assert_int_equal(ps_posix_streams_open(NULL, 0, &t, NULL), PS_INVALID);
    assert_int_equal(ps_posix_streams_open(NULL, (1u << 20) + 1, &t, NULL), PS_INVALID);
    assert_int_equal(ps_posix_streams_open(NULL, 1, NULL, NULL), PS_INVALID);
    assert_int_equal(ps_posix_streams_open(&none, 1, &t, &why), PS_FAILED);
    assert_int_equal(why.number, EAFNOSUPPORT);
    assert_null(t);
    ps_posix_streams_close(NULL);
}

static void test_without_a_listener(void **state)
{
    (void)state;
    loopback l = loopback_open(1, 1);
    ps_stream s = 0;
    ps_addr from;
    assert_int_equal(l.ta.listener(l.ta.ctx).family, PS_ADDR_NONE);
    assert_int_equal(ps_posix_streams_listener_fd(l.a), -1);
    assert_int_equal(l.ta.accept(l.ta.ctx, &s, &from), PS_AGAIN);
    loopback_close(&l);
}

static void test_port_in_use(void **state)
{
    (void)state;
    loopback l = loopback_open(1, 1);
    ps_posix_streams *other = NULL;
    ps_posix_error why;
    const ps_addr at = l.tb.listener(l.tb.ctx);
    assert_int_equal(ps_posix_streams_open(&at, 1, &other, &why), PS_FAILED);
    assert_int_equal(why.number, EADDRINUSE);
    assert_non_null(strstr(why.text, "listen 127.0.0.1:"));
    assert_null(other);
    loopback_close(&l);
}

static void test_dial_nowhere(void **state)
{
    (void)state;
    loopback l = loopback_open(2, 1);
    const ps_addr none = {0};
    ps_stream s = 0;
    assert_int_equal(l.ta.dial(l.ta.ctx, &none, &s), PS_FAILED);
    assert_int_equal(ps_posix_streams_error(l.a)->number, EAFNOSUPPORT);
    /* A port that was just closed. */
    const ps_addr at = l.tb.listener(l.tb.ctx);
    ps_posix_streams_close(l.b);
    l.b = NULL;
    if (l.ta.dial(l.ta.ctx, &at, &s) == PS_OK) {
        loopback_wait(ps_posix_streams_fd(l.a, s), POLLOUT);
        assert_true((l.ta.ready(l.ta.ctx, s, 0) & PS_BROKEN) != 0);
    }
    assert_int_equal(ps_posix_streams_error(l.a)->number, ECONNREFUSED);
    loopback_close(&l);
}

static void test_as_many_streams_as_may_be(void **state)
{
    (void)state;
    loopback l = loopback_open(3, 2);
    const ps_addr at = l.tb.listener(l.tb.ctx);
    ps_stream dialled[3];
    ps_stream accepted[2];
    ps_stream extra = 0;
    ps_addr from;
    for (size_t i = 0; i < 3; i++) {
        dialled[i] = loopback_dial(&l);
    }
    assert_int_equal(l.ta.dial(l.ta.ctx, &at, &extra), PS_FAILED);
    assert_int_equal(ps_posix_streams_error(l.a)->number, 0);
    accepted[0] = loopback_accept(&l);
    accepted[1] = loopback_accept(&l);
    loopback_wait(ps_posix_streams_listener_fd(l.b), POLLIN);
    assert_int_equal(l.tb.accept(l.tb.ctx, &extra, &from), PS_FAILED);
    /* One ends, and there is room for one again, with a name of its own. */
    l.tb.close(l.tb.ctx, accepted[0]);
    assert_int_equal(ps_posix_streams_fd(l.b, accepted[0]), -1);
    extra = loopback_accept(&l);
    assert_true(extra != accepted[0] && extra != accepted[1]);
    l.ta.close(l.ta.ctx, dialled[1]);
    assert_int_equal(l.ta.dial(l.ta.ctx, &at, &extra), PS_OK);
    assert_true(extra != dialled[1]);
    loopback_close(&l);
}

static void test_sockets_are_as_they_should_be(void **state)
{
    (void)state;
    loopback l = loopback_open(1, 1);
    const ps_stream dialled = loopback_dial(&l);
    const ps_stream accepted = loopback_accept(&l);
    const int fds[2] = {ps_posix_streams_fd(l.a, dialled), ps_posix_streams_fd(l.b, accepted)};
    for (size_t i = 0; i < 2; i++) {
        int value = 0;
        socklen_t len = sizeof value;
        assert_int_equal(fcntl(fds[i], F_GETFD), FD_CLOEXEC);
        assert_true((fcntl(fds[i], F_GETFL) & O_NONBLOCK) != 0);
        assert_int_equal(getsockopt(fds[i], IPPROTO_TCP, TCP_NODELAY, &value, &len), 0);
        assert_true(value != 0);
    }
    assert_int_equal(ps_posix_streams_fd(l.a, 0), -1);
    assert_int_equal(ps_posix_streams_fd(l.a, dialled + 1), -1);
    loopback_close(&l);
}

/* A connection moves to another instance with what has already arrived. */
static void test_hand_over(void **state)
{
    (void)state;
    loopback l = loopback_open(1, 2);
    ps_posix_streams *loop = NULL;
    assert_int_equal(ps_posix_streams_open(NULL, 1, &loop, NULL), PS_OK);
    const ps_stream_transport t = ps_posix_streams_transport(loop);
    const ps_stream dialled = loopback_dial(&l);
    const ps_stream accepted = loopback_accept(&l);
    const ps_span hello = {(const uint8_t *)"hello", 5};
    size_t n = 0;
    loopback_wait(ps_posix_streams_fd(l.a, dialled), POLLOUT);
    assert_int_equal(l.ta.write(l.ta.ctx, dialled, &hello, 1, &n), PS_OK);

    const int fd = ps_posix_streams_release(l.b, accepted);
    assert_true(fd >= 0);
    assert_int_equal(ps_posix_streams_release(l.b, accepted), -1);
    assert_int_equal(l.tb.ready(l.tb.ctx, accepted, PS_READABLE), PS_BROKEN);
    ps_stream adopted = 0;
    assert_int_equal(ps_posix_streams_adopt(loop, fd, &adopted), PS_OK);
    assert_int_equal(ps_posix_streams_fd(loop, adopted), fd);
    loopback_wait(fd, POLLIN);
    char buf[8];
    assert_int_equal(t.read(t.ctx, adopted, buf, sizeof buf, &n), PS_OK);
    assert_int_equal(n, 5);
    assert_memory_equal(buf, "hello", 5);

    /* A full instance leaves the socket with its owner. */
    ps_stream second = 0;
    assert_int_equal(ps_posix_streams_adopt(loop, fd, &second), PS_FAILED);
    assert_true(fcntl(fd, F_GETFD) >= 0);
    assert_int_equal(ps_posix_streams_adopt(l.b, -1, &second), PS_FAILED);
    assert_int_equal(ps_posix_streams_error(l.b)->number, EBADF);
    ps_posix_streams_close(loop);
    loopback_close(&l);
}

/* Connections that ended while they waited concern nobody. Without descriptors accept says so, and
 * takes the connection when there are some again. */
static void test_failing_accept(void **state)
{
    (void)state;
    loopback l = loopback_open(1, 1);
    (void)loopback_dial(&l);
    loopback_wait(ps_posix_streams_listener_fd(l.b), POLLIN);
    ps_stream s = 0;
    ps_addr from;
    accept_fails = EMFILE;
    accept_failures = 1;
    assert_int_equal(l.tb.accept(l.tb.ctx, &s, &from), PS_FAILED);
    assert_int_equal(ps_posix_streams_error(l.b)->number, EMFILE);
    accept_fails = ECONNABORTED;
    accept_failures = 3;
    assert_int_equal(l.tb.accept(l.tb.ctx, &s, &from), PS_OK);
    assert_int_equal(accept_failures, 0);
    assert_int_equal(from.family, PS_ADDR_V4);
    loopback_close(&l);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_bad_arguments),
        cmocka_unit_test(test_without_a_listener),
        cmocka_unit_test(test_port_in_use),
        cmocka_unit_test(test_dial_nowhere),
        cmocka_unit_test(test_as_many_streams_as_may_be),
        cmocka_unit_test(test_sockets_are_as_they_should_be),
        cmocka_unit_test(test_hand_over),
        cmocka_unit_test(test_failing_accept),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
