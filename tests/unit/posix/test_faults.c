/* System calls that refuse: each function says which one and why, leaves nothing open, and serves
 * again when the system does. */
#include "loopback.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* A call that will be refused once, after `after` more that are not; number 0: none. */
typedef struct fault {
    int number;
    unsigned after;
} fault;

static fault socket_fault, connect_fault, setsockopt_fault, getsockopt_fault, getsockname_fault,
    shutdown_fault, entropy_fault;
static unsigned polls_of_nothing; /* Calls of poll() that find nothing. */

static bool refuses(fault *f)
{
    if (f->number == 0 || f->after-- > 0) {
        return false;
    }
    errno = f->number;
    f->number = 0;
    return true;
}

int __real_socket(int domain, int type, int protocol);
int __wrap_socket(int domain, int type, int protocol);
int __wrap_socket(int domain, int type, int protocol)
{
    return refuses(&socket_fault) ? -1 : __real_socket(domain, type, protocol);
}

int __real_connect(int fd, const struct sockaddr *to, socklen_t len);
int __wrap_connect(int fd, const struct sockaddr *to, socklen_t len);
int __wrap_connect(int fd, const struct sockaddr *to, socklen_t len)
{
    return refuses(&connect_fault) ? -1 : __real_connect(fd, to, len);
}

int __real_setsockopt(int fd, int level, int name, const void *value, socklen_t len);
int __wrap_setsockopt(int fd, int level, int name, const void *value, socklen_t len);
int __wrap_setsockopt(int fd, int level, int name, const void *value, socklen_t len)
{
    if (level == IPPROTO_IPV6 && refuses(&setsockopt_fault)) {
        return -1;
    }
    return __real_setsockopt(fd, level, name, value, len);
}

int __real_getsockopt(int fd, int level, int name, void *value, socklen_t *len);
int __wrap_getsockopt(int fd, int level, int name, void *value, socklen_t *len);
int __wrap_getsockopt(int fd, int level, int name, void *value, socklen_t *len)
{
    return refuses(&getsockopt_fault) ? -1 : __real_getsockopt(fd, level, name, value, len);
}

int __real_getsockname(int fd, struct sockaddr *name, socklen_t *len);
int __wrap_getsockname(int fd, struct sockaddr *name, socklen_t *len);
int __wrap_getsockname(int fd, struct sockaddr *name, socklen_t *len)
{
    return refuses(&getsockname_fault) ? -1 : __real_getsockname(fd, name, len);
}

int __real_shutdown(int fd, int how);
int __wrap_shutdown(int fd, int how);
int __wrap_shutdown(int fd, int how)
{
    return refuses(&shutdown_fault) ? -1 : __real_shutdown(fd, how);
}

int __real_getentropy(void *buf, size_t len);
int __wrap_getentropy(void *buf, size_t len);
int __wrap_getentropy(void *buf, size_t len)
{
    return refuses(&entropy_fault) ? -1 : __real_getentropy(buf, len);
}

int __real_poll(struct pollfd *fds, nfds_t n, int timeout);
int __wrap_poll(struct pollfd *fds, nfds_t n, int timeout);
int __wrap_poll(struct pollfd *fds, nfds_t n, int timeout)
{
    if (timeout == 0 && polls_of_nothing > 0) {
        polls_of_nothing--;
        return 0;
    }
    return __real_poll(fds, n, timeout);
}

static int lowest_free(void)
{
    const int fd = dup(STDERR_FILENO);
    close(fd);
    return fd;
}

static ps_addr addr_of(const char *text)
{
    ps_addr addr;
    assert_true(ps_addr_parse(text, &addr));
    return addr;
}

static void a_dial_is_refused(void **state)
{
    (void)state;
    loopback l = loopback_open(1, 1);
    const ps_addr at = l.tb.listener(l.tb.ctx);
    const int before = lowest_free();
    ps_stream s = 0;
    socket_fault = (fault){.number = EMFILE};
    assert_int_equal(l.ta.dial(l.ta.ctx, &at, &s), PS_FAILED);
    assert_int_equal(ps_posix_streams_error(l.a)->number, EMFILE);
    connect_fault = (fault){.number = ENETUNREACH};
    assert_int_equal(l.ta.dial(l.ta.ctx, &at, &s), PS_FAILED);
    assert_int_equal(ps_posix_streams_error(l.a)->number, ENETUNREACH);
    assert_non_null(strstr(ps_posix_streams_error(l.a)->text, "connect 127.0.0.1:"));
    assert_int_equal(lowest_free(), before);
    (void)loopback_dial(&l); /* The only slot is free. */
    loopback_close(&l);
}

static void a_listener_is_refused(void **state)
{
    (void)state;
    const int before = lowest_free();
    ps_posix_streams *t = NULL;
    ps_posix_error why;
    const ps_addr v4 = addr_of("127.0.0.1:0");
    const ps_addr v6 = addr_of("[::1]:0");
    socket_fault = (fault){.number = ENFILE};
    assert_int_equal(ps_posix_streams_open(&v4, 1, &t, &why), PS_FAILED);
    assert_int_equal(why.number, ENFILE);
    getsockname_fault = (fault){.number = ENOBUFS};
    assert_int_equal(ps_posix_streams_open(&v4, 1, &t, &why), PS_FAILED);
    assert_int_equal(why.number, ENOBUFS);
    setsockopt_fault = (fault){.number = ENOPROTOOPT};
    assert_int_equal(ps_posix_streams_open(&v6, 1, &t, &why), PS_FAILED);
    assert_true(why.number == ENOPROTOOPT || why.number == EAFNOSUPPORT); /* Without IPv6. */
    setsockopt_fault = (fault){.number = 0};
    assert_null(t);
    assert_int_equal(lowest_free(), before);
}

static void a_datagram_socket_is_refused(void **state)
{
    (void)state;
    const int before = lowest_free();
    ps_posix_udp *udp = NULL;
    ps_posix_error why;
    const ps_addr two[2] = {addr_of("127.0.0.1:0"), addr_of("127.0.0.1:0")};
    const ps_addr v6 = addr_of("[::1]:0");
    socket_fault = (fault){.number = EMFILE, .after = 1}; /* The second: the first is closed. */
    assert_int_equal(ps_posix_udp_open(two, 2, NULL, &udp, &why), PS_FAILED);
    assert_int_equal(why.number, EMFILE);
    getsockname_fault = (fault){.number = ENOBUFS, .after = 1};
    assert_int_equal(ps_posix_udp_open(two, 2, NULL, &udp, &why), PS_FAILED);
    assert_int_equal(why.number, ENOBUFS);
    setsockopt_fault = (fault){.number = ENOPROTOOPT};
    assert_int_equal(ps_posix_udp_open(&v6, 1, NULL, &udp, &why), PS_FAILED);
    assert_true(why.number == ENOPROTOOPT || why.number == EAFNOSUPPORT);
    setsockopt_fault = (fault){.number = 0};
    assert_null(udp);
    assert_int_equal(lowest_free(), before);
}

/* How a connection came out cannot be asked: it counts as broken. */
static void a_connection_that_says_nothing(void **state)
{
    (void)state;
    loopback l = loopback_open(1, 1);
    const ps_stream s = loopback_dial(&l);
    (void)loopback_accept(&l);
    loopback_wait(ps_posix_streams_fd(l.a, s), POLLOUT);
    getsockopt_fault = (fault){.number = ENOBUFS};
    assert_int_equal(l.ta.ready(l.ta.ctx, s, PS_WRITABLE), PS_BROKEN);
    assert_int_equal(ps_posix_streams_error(l.a)->number, ENOBUFS);
    loopback_close(&l);
}

/* Finished while the connection is being made: shut down when it stands. */
static void finished_while_it_connects(void **state)
{
    (void)state;
    loopback l = loopback_open(1, 1);
    const ps_stream s = loopback_dial(&l);
    const ps_stream other = loopback_accept(&l);
    polls_of_nothing = 2;
    assert_int_equal(l.ta.ready(l.ta.ctx, s, PS_WRITABLE), 0);
    assert_int_equal(l.ta.finish(l.ta.ctx, s), PS_OK);
    char byte;
    size_t n = 9;
    assert_int_equal(l.tb.read(l.tb.ctx, other, &byte, 1, &n), PS_AGAIN);
    loopback_wait(ps_posix_streams_fd(l.a, s), POLLOUT);
    assert_int_equal(l.ta.ready(l.ta.ctx, s, PS_WRITABLE), 0); /* Never again. */
    loopback_wait(ps_posix_streams_fd(l.b, other), POLLIN);
    assert_int_equal(l.tb.read(l.tb.ctx, other, &byte, 1, &n), PS_OK);
    assert_int_equal(n, 0); /* The end. */
    loopback_close(&l);
}

static void an_end_that_is_refused(void **state)
{
    (void)state;
    loopback l = loopback_open(1, 1);
    const ps_stream s = loopback_dial(&l);
    (void)loopback_accept(&l);
    loopback_wait(ps_posix_streams_fd(l.a, s), POLLOUT);
    shutdown_fault = (fault){.number = ENOTCONN};
    assert_int_equal(l.ta.finish(l.ta.ctx, s), PS_FAILED);
    assert_int_equal(ps_posix_streams_error(l.a)->number, ENOTCONN);
    assert_int_equal(l.ta.finish(l.ta.ctx, s), PS_FAILED); /* It stays broken. */
    assert_int_equal(l.ta.finish(l.ta.ctx, s + 1), PS_FAILED);
    assert_int_equal(l.ta.ready(l.ta.ctx, s + 1, PS_WRITABLE), PS_BROKEN);
    loopback_close(&l);
}

/* No name is made up without randomness: it could be guessed. */
static void no_temporary_without_entropy(void **state)
{
    (void)state;
    char name[PS_POSIX_TEMPORARY];
    int fd = -1;
    ps_posix_error why;
    entropy_fault = (fault){.number = ENOSYS};
    assert_int_equal(ps_posix_create_temporary(AT_FDCWD, name, &fd, &why), PS_FAILED);
    assert_int_equal(why.number, ENOSYS);
    assert_int_equal(fd, -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_dial_is_refused),
        cmocka_unit_test(a_listener_is_refused),
        cmocka_unit_test(a_datagram_socket_is_refused),
        cmocka_unit_test(a_connection_that_says_nothing),
        cmocka_unit_test(finished_while_it_connects),
        cmocka_unit_test(an_end_that_is_refused),
        cmocka_unit_test(no_temporary_without_entropy),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
