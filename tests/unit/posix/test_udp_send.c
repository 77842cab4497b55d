/* Sending: what the system takes and refuses is scripted; nothing leaves. */
#include "peersync/posix.h"
#include "unit.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>

static unsigned calls;
static unsigned limit;    /* Datagrams that one call takes. */
static unsigned again_at; /* From the k-th call on it would block; 0: never. */
static unsigned interrupted_at;
static int refusal; /* The error for every datagram that begins with '!'. */
static char taken[512];
static size_t taken_len;
static int fds[512];

static int take(int fd, const struct msghdr *m)
{
    const char *bytes = m->msg_iov->iov_base;
    if (m->msg_iov->iov_len > 0 && bytes[0] == '!') {
        errno = refusal;
        return -1;
    }
    fds[taken_len] = fd;
    taken[taken_len++] = bytes[0];
    return 0;
}

static bool blocked(void)
{
    calls++;
    const bool full = again_at != 0 && calls >= again_at;
    if (full || calls == interrupted_at) {
        errno = full ? EAGAIN : EINTR;
        return true;
    }
    return false;
}

int __wrap_sendmmsg(int fd, struct mmsghdr *m, unsigned n, int flags);
int __wrap_sendmmsg(int fd, struct mmsghdr *m, unsigned n, int flags)
{
    (void)flags;
    unsigned sent = 0;
    assert_in_range(n, 1, 64);
    if (blocked()) {
        return -1;
    }
    while (sent < n && sent < limit && take(fd, &m[sent].msg_hdr) == 0) {
        sent++;
    }
    return sent > 0 ? (int)sent : -1;
}

ssize_t __wrap_sendmsg(int fd, const struct msghdr *m, int flags);
ssize_t __wrap_sendmsg(int fd, const struct msghdr *m, int flags)
{
    (void)flags;
    return blocked() || take(fd, m) != 0 ? -1 : (ssize_t)m->msg_iov->iov_len;
}

static ps_posix_udp *udp;
static ps_transport t;

static void begin(size_t sockets, bool plain)
{
    ps_addr any[2];
    const ps_posix_udp_options options = {.size = sizeof options, .plain_calls = plain};
    assert_true(ps_addr_parse("127.0.0.1:0", &any[0]));
    any[1] = any[0];
    assert_int_equal(ps_posix_udp_open(any, sockets, &options, &udp, NULL), PS_OK);
    t = ps_posix_udp_transport(udp);
    calls = again_at = interrupted_at = 0;
    limit = 64;
    taken_len = 0;
    refusal = ECONNREFUSED;
}

/* A datagram a letter; upper case leaves through the second socket. */
static size_t describe(const char *letters, ps_datagram dg[])
{
    const size_t n = strlen(letters);
    for (size_t i = 0; i < n; i++) {
        dg[i] = (ps_datagram){.offset = (uint32_t)i, .len = 1};
        dg[i].to = (ps_addr){.ip = {127, 0, 0, 1}, .port = 9, .family = PS_ADDR_V4};
        dg[i].endpoint = letters[i] >= 'A' && letters[i] <= 'Z' ? 1 : 0;
    }
    return n;
}

static ps_status send_letters(const char *letters, size_t *sent)
{
    ps_datagram dg[512];
    const size_t n = describe(letters, dg);
    *sent = 999;
    return t.send(t.ctx, (const uint8_t *)letters, dg, n, sent);
}

static void assert_taken(const char *letters)
{
    assert_int_equal(taken_len, strlen(letters));
    assert_memory_equal(taken, letters, taken_len);
}

static void test_batches_of_64(void **state)
{
    (void)state;
    char letters[201] = "";
    for (size_t i = 0; i < 200; i++) {
        letters[i] = (char)('a' + i % 26);
    }
    size_t sent = 0;
    begin(1, false);
    assert_int_equal(send_letters(letters, &sent), PS_OK);
    assert_int_equal(sent, 200);
    assert_int_equal(calls, 4);
    assert_taken(letters);
    ps_posix_udp_close(udp);
}

static void test_partial_batches(void **state)
{
    (void)state;
    for (unsigned plain = 0; plain < 2; plain++) {
        for (unsigned step = 1; step < 5; step++) {
            size_t sent = 0;
            begin(1, plain == 1);
            limit = step;
            assert_int_equal(send_letters("abcdefg", &sent), PS_OK);
            assert_int_equal(sent, 7);
            assert_taken("abcdefg");
            ps_posix_udp_close(udp);
        }
    }
}

/* Whichever call finds the socket full, what it had taken is told exactly. */
static void test_full_at_every_call(void **state)
{
    (void)state;
    for (unsigned plain = 0; plain < 2; plain++) {
        for (unsigned k = 1; k <= 4; k++) {
            size_t sent = 0;
            begin(1, plain == 1);
            limit = 2;
            again_at = k;
            assert_int_equal(send_letters("abcdefg", &sent), PS_AGAIN);
            assert_int_equal(sent, taken_len);
            assert_int_equal(sent, plain == 1 ? k - 1 : 2 * (k - 1));
            ps_posix_udp_close(udp);
        }
    }
}

static void test_refused_datagrams_count_as_sent(void **state)
{
    (void)state;
    static const int numbers[] = {ECONNREFUSED, EMSGSIZE,     ENETUNREACH, EHOSTUNREACH,
                                  EPERM,        EACCES,       EINVAL,      ENOBUFS,
                                  EAFNOSUPPORT, EDESTADDRREQ, ENETDOWN,    EADDRNOTAVAIL};
    static const char *const letters[] = {"!", "!a", "a!", "!!a!!b!!", "abc!"};
    static const char *const expected[] = {"", "a", "a", "ab", "abc"};
    for (size_t i = 0; i < 2 * sizeof numbers / sizeof numbers[0]; i++) {
        for (size_t j = 0; j < 5; j++) {
            size_t sent = 0;
            begin(1, i % 2 == 1);
            refusal = numbers[i / 2];
            assert_int_equal(send_letters(letters[j], &sent), PS_OK);
            assert_int_equal(sent, strlen(letters[j]));
            assert_taken(expected[j]);
            ps_posix_udp_close(udp);
        }
    }
}

static void test_interruptions(void **state)
{
    (void)state;
    for (unsigned k = 1; k <= 3; k++) {
        size_t sent = 0;
        begin(1, false);
        limit = 1;
        interrupted_at = k;
        assert_int_equal(send_letters("abc", &sent), PS_OK);
        assert_taken("abc");
        ps_posix_udp_close(udp);
    }
}

static void test_dead_socket(void **state)
{
    (void)state;
    size_t sent = 0;
    begin(1, false);
    refusal = EBADF;
    assert_int_equal(send_letters("ab!c", &sent), PS_FAILED);
    assert_int_equal(sent, 2);
    assert_int_equal(ps_posix_udp_error(udp)->number, EBADF);
    ps_posix_udp_close(udp);
}

/* Each datagram leaves through the socket of its endpoint, in order. */
static void test_endpoints(void **state)
{
    (void)state;
    size_t sent = 0;
    begin(2, false);
    assert_int_equal(send_letters("abCDeF", &sent), PS_OK);
    assert_int_equal(calls, 4);
    assert_taken("abCDeF");
    for (size_t i = 0; i < 6; i++) {
        const size_t socket = taken[i] >= 'A' && taken[i] <= 'Z' ? 1 : 0;
        assert_int_equal(fds[i], ps_posix_udp_fd(udp, socket));
    }
    ps_posix_udp_close(udp);
}

static void test_unknown_endpoint(void **state)
{
    (void)state;
    size_t sent = 0;
    begin(1, false);
    assert_int_equal(send_letters("aB", &sent), PS_FAILED);
    assert_int_equal(sent, 1);
    assert_string_equal(ps_posix_udp_error(udp)->text, "send: no such endpoint");
    ps_posix_udp_close(udp);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_batches_of_64),
        cmocka_unit_test(test_partial_batches),
        cmocka_unit_test(test_full_at_every_call),
        cmocka_unit_test(test_refused_datagrams_count_as_sent),
        cmocka_unit_test(test_interruptions),
        cmocka_unit_test(test_dead_socket),
        cmocka_unit_test(test_endpoints),
        cmocka_unit_test(test_unknown_endpoint),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
