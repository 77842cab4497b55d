/* Receiving: the system's refusals are scripted, the datagrams are real. */
#include "peersync/posix.h"
#include "unit.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>

static int refusal; /* The error that the next `refusals` calls give. */
static unsigned refusals;

int __real_recvmmsg(int fd, struct mmsghdr *m, unsigned n, int flags, struct timespec *timeout);
int __wrap_recvmmsg(int fd, struct mmsghdr *m, unsigned n, int flags, struct timespec *timeout);
int __wrap_recvmmsg(int fd, struct mmsghdr *m, unsigned n, int flags, struct timespec *timeout)
{
    if (refusals > 0) {
        refusals--;
        errno = refusal;
        return -1;
    }
    return __real_recvmmsg(fd, m, n, flags, timeout);
}

ssize_t __real_recvmsg(int fd, struct msghdr *m, int flags);
ssize_t __wrap_recvmsg(int fd, struct msghdr *m, int flags);
ssize_t __wrap_recvmsg(int fd, struct msghdr *m, int flags)
{
    if (refusals > 0) {
        refusals--;
        errno = refusal;
        return -1;
    }
    return __real_recvmsg(fd, m, flags);
}

/* A receiver and a sender on loopback. */
typedef struct pair {
    ps_posix_udp *udp[2];
    ps_transport to;
    ps_transport from;
    ps_addr at[16];
} pair;

static pair open_pair(const char *listen, size_t count, bool plain)
{
    pair p;
    ps_addr addrs[16];
    ps_addr any;
    const ps_posix_udp_options options = {.size = sizeof options, .plain_calls = plain};
    for (size_t i = 0; i < count; i++) {
        assert_true(ps_addr_parse(listen, &addrs[i]));
    }
    assert_true(ps_addr_parse(addrs[0].family == PS_ADDR_V4 ? "0.0.0.0:0" : "[::]:0", &any));
    assert_int_equal(ps_posix_udp_open(addrs, count, &options, &p.udp[0], NULL), PS_OK);
    assert_int_equal(ps_posix_udp_open(&any, 1, &options, &p.udp[1], NULL), PS_OK);
    p.to = ps_posix_udp_transport(p.udp[0]);
    p.from = ps_posix_udp_transport(p.udp[1]);
    assert_int_equal(p.to.endpoints(p.to.ctx, p.at, 16), count);
    refusals = 0;
    return p;
}

static void close_pair(pair *p)
{
    ps_posix_udp_close(p->udp[0]);
    ps_posix_udp_close(p->udp[1]);
}

static void send_letter(const ps_transport *t, const ps_addr *to, uint32_t endpoint, char letter)
{
    const ps_datagram dg = {.to = *to, .endpoint = endpoint, .len = 1};
    size_t sent = 0;
    assert_int_equal(t->send(t->ctx, (const uint8_t *)&letter, &dg, 1, &sent), PS_OK);
}

static void wait_readable(const ps_posix_udp *udp, size_t index)
{
    struct pollfd fd = {.fd = ps_posix_udp_fd(udp, index), .events = POLLIN};
    assert_int_equal(poll(&fd, 1, 10000), 1);
}

/* Errors of single peers are passed over, whichever they are, with batches and without. */
static void test_errors_are_skipped(void **state)
{
    (void)state;
    static const int numbers[] = {ECONNREFUSED, EHOSTUNREACH, ENETUNREACH, EINTR, ENOMEM, EPERM};
    for (size_t i = 0; i < 2 * sizeof numbers / sizeof numbers[0]; i++) {
        pair p = open_pair("127.0.0.1:0", 1, i % 2 == 1);
        ps_input in[4];
        size_t n = 0;
        send_letter(&p.from, &p.at[0], 0, 'x');
        wait_readable(p.udp[0], 0);
        refusal = numbers[i / 2];
        refusals = 3;
        assert_int_equal(p.to.receive(p.to.ctx, in, 4, &n), PS_OK);
        assert_int_equal(n, 1);
        assert_int_equal(in[0].u.datagram.data[0], 'x');
        close_pair(&p);
    }
}

/* A socket that has nothing but errors is left for the next time. */
static void test_errors_without_end(void **state)
{
    (void)state;
    pair p = open_pair("127.0.0.1:0", 1, false);
    ps_input in[4];
    size_t n = 9;
    refusal = ECONNREFUSED;
    refusals = 1000;
    assert_int_equal(p.to.receive(p.to.ctx, in, 4, &n), PS_AGAIN);
    assert_true(refusals > 900);
    close_pair(&p);
}

static void test_dead_socket(void **state)
{
    (void)state;
    pair p = open_pair("127.0.0.1:0", 2, false);
    ps_input in[4];
    size_t n = 9;
    refusal = EBADF;
    refusals = 2;
    assert_int_equal(p.to.receive(p.to.ctx, in, 4, &n), PS_FAILED);
    assert_int_equal(ps_posix_udp_error(p.udp[0])->number, EBADF);
    /* While the other endpoint has something, it is heard. */
    send_letter(&p.from, &p.at[0], 0, 'x');
    send_letter(&p.from, &p.at[1], 0, 'x');
    wait_readable(p.udp[0], 0);
    wait_readable(p.udp[0], 1);
    refusals = 1;
    assert_int_equal(p.to.receive(p.to.ctx, in, 4, &n), PS_OK);
    assert_int_equal(n, 1);
    close_pair(&p);
}

/* A flooded endpoint does not silence the others. */
static void test_endpoints_take_turns(void **state)
{
    (void)state;
    pair p = open_pair("127.0.0.1:0", 3, false);
    for (unsigned i = 0; i < 30; i++) {
        send_letter(&p.from, &p.at[0], 0, 'a');
    }
    send_letter(&p.from, &p.at[1], 0, 'b');
    send_letter(&p.from, &p.at[2], 0, 'c');
    for (size_t i = 0; i < 3; i++) {
        wait_readable(p.udp[0], i);
    }
    unsigned seen = 0;
    for (unsigned round = 0; round < 3; round++) {
        ps_input in[4];
        size_t n = 0;
        assert_int_equal(p.to.receive(p.to.ctx, in, 4, &n), PS_OK);
        for (size_t i = 0; i < n; i++) {
            assert_int_equal(in[i].u.datagram.data[0], 'a' + (int)in[i].u.datagram.endpoint);
            seen |= 1u << in[i].u.datagram.endpoint;
        }
    }
    assert_int_equal(seen, 7);
    close_pair(&p);
}

/* The endpoint at which one letter arrives. */
static uint32_t endpoint_of_next(pair *p)
{
    ps_input in[2];
    size_t n = 0;
    wait_readable(p->udp[0], 0);
    assert_int_equal(p->to.receive(p->to.ctx, in, 2, &n), PS_OK);
    assert_int_equal(n, 1);
    return in[0].u.datagram.endpoint;
}

static void wildcard_learns(bool plain)
{
    pair p = open_pair("0.0.0.0:0", 1, plain);
    uint32_t ids[3];
    for (uint8_t host = 1; host <= 3; host++) {
        const ps_addr to = {.ip = {127, 0, 0, host}, .port = p.at[0].port, .family = PS_ADDR_V4};
        for (unsigned again = 0; again < 2; again++) {
            send_letter(&p.from, &to, 0, 'q');
            const uint32_t id = endpoint_of_next(&p);
            assert_true(id != 0 && (again == 0 || id == ids[host - 1]));
            ids[host - 1] = id;
        }
        /* The answer comes from where the question went. */
        ps_addr back;
        ps_input in[2];
        size_t n = 0;
        assert_int_equal(p.from.endpoints(p.from.ctx, &back, 1), 1);
        back.ip[0] = 127;
        back.ip[3] = 1;
        send_letter(&p.to, &back, ids[host - 1], 'a');
        wait_readable(p.udp[1], 0);
        assert_int_equal(p.from.receive(p.from.ctx, in, 2, &n), PS_OK);
        assert_true(ps_addr_equal(&in[0].u.datagram.from, &to));
    }
    assert_true(ids[0] != ids[1] && ids[1] != ids[2] && ids[0] != ids[2]);
    ps_addr all[4];
    assert_int_equal(p.to.endpoints(p.to.ctx, all, 4), 1); /* Bound ones only. */
    close_pair(&p);
}

static void test_wildcard_answers_from_where_it_was_asked(void **state)
{
    (void)state;
#if defined(__linux__) /* All of 127/8 is this machine. */
    wildcard_learns(false);
    wildcard_learns(true);
#endif
}

/* Past the room for learned addresses datagrams still arrive, at the socket's own endpoint. */
static void test_learned_endpoints_run_out(void **state)
{
    (void)state;
#if defined(__linux__)
    pair p = open_pair("0.0.0.0:0", 1, false);
    for (unsigned host = 1; host <= 70; host++) {
        const ps_addr to = {
            .ip = {127, 0, 1, (uint8_t)host}, .port = p.at[0].port, .family = PS_ADDR_V4};
        send_letter(&p.from, &to, 0, 'q');
        assert_int_equal(endpoint_of_next(&p), host <= 64 ? host : 0);
    }
    close_pair(&p);
#endif
}

static void test_v6_wildcard(void **state)
{
    (void)state;
    ps_addr any;
    ps_posix_udp *probe = NULL;
    assert_true(ps_addr_parse("[::1]:0", &any));
    if (ps_posix_udp_open(&any, 1, NULL, &probe, NULL) != PS_OK) {
        skip();
    }
    ps_posix_udp_close(probe);
    pair p = open_pair("[::]:0", 1, false);
    ps_addr to;
    ps_addr back;
    ps_input in[2];
    size_t n = 0;
    assert_true(ps_addr_parse("[::1]:0", &to));
    back = to;
    to.port = p.at[0].port;
    send_letter(&p.from, &to, 0, 'q');
    const uint32_t id = endpoint_of_next(&p);
    assert_int_equal(id, 1);
    ps_addr bound;
    (void)p.from.endpoints(p.from.ctx, &bound, 1);
    back.port = bound.port;
    send_letter(&p.to, &back, id, 'a');
    wait_readable(p.udp[1], 0);
    assert_int_equal(p.from.receive(p.from.ctx, in, 2, &n), PS_OK);
    assert_true(ps_addr_equal(&in[0].u.datagram.from, &to));
    close_pair(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_errors_are_skipped),
        cmocka_unit_test(test_errors_without_end),
        cmocka_unit_test(test_dead_socket),
        cmocka_unit_test(test_endpoints_take_turns),
        cmocka_unit_test(test_wildcard_answers_from_where_it_was_asked),
        cmocka_unit_test(test_learned_endpoints_run_out),
        cmocka_unit_test(test_v6_wildcard),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
