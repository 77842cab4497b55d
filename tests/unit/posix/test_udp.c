/* Opening and closing datagram sockets. */
#include "peersync/posix.h"
#include "unit.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

static ps_addr addr_of(const char *text)
{
    ps_addr addr;
    assert_true(ps_addr_parse(text, &addr));
    return addr;
}

static void test_bad_arguments(void **state)
{
    (void)state;
    ps_posix_udp *udp = NULL;
    ps_addr many[17];
    for (size_t i = 0; i < 17; i++) {
        many[i] = addr_of("127.0.0.1:0");
    }
    const ps_posix_udp_options strange = {.size = 1};
    assert_int_equal(ps_posix_udp_open(NULL, 1, NULL, &udp, NULL), PS_INVALID);
    assert_int_equal(ps_posix_udp_open(many, 0, NULL, &udp, NULL), PS_INVALID);
    assert_int_equal(ps_posix_udp_open(many, 17, NULL, &udp, NULL), PS_INVALID);
    assert_int_equal(ps_posix_udp_open(many, 1, NULL, NULL, NULL), PS_INVALID);
    assert_int_equal(ps_posix_udp_open(many, 1, &strange, &udp, NULL), PS_INVALID);
    assert_null(udp);
    ps_posix_udp_close(NULL);
}

static void test_as_many_as_may_be(void **state)
{
    (void)state;
    ps_posix_udp *udp = NULL;
    ps_addr listen[16];
    ps_addr bound[16];
    for (size_t i = 0; i < 16; i++) {
        listen[i] = addr_of("127.0.0.1:0");
    }
    assert_int_equal(ps_posix_udp_open(listen, 16, NULL, &udp, NULL), PS_OK);
    const ps_transport t = ps_posix_udp_transport(udp);
    assert_int_equal(t.endpoints(t.ctx, bound, 16), 16);
    for (size_t i = 0; i < 16; i++) {
        const int fd = ps_posix_udp_fd(udp, i);
        assert_true(fd >= 0 && bound[i].port != 0);
        assert_int_equal(fcntl(fd, F_GETFD), FD_CLOEXEC);
        assert_true((fcntl(fd, F_GETFL) & O_NONBLOCK) != 0);
    }
    assert_int_equal(ps_posix_udp_fd(udp, 16), -1);
    ps_posix_udp_close(udp);
}

static void test_port_in_use(void **state)
{
    (void)state;
    ps_posix_udp *udp = NULL;
    ps_posix_udp *other = NULL;
    ps_addr listen[2] = {addr_of("127.0.0.1:0"), addr_of("127.0.0.1:0")};
    ps_posix_error why;
    char expected[200];
    char text[PS_ADDR_TEXT];
    assert_int_equal(ps_posix_udp_open(listen, 1, NULL, &udp, NULL), PS_OK);
    const ps_transport t = ps_posix_udp_transport(udp);
    (void)t.endpoints(t.ctx, &listen[1], 1);
    assert_int_equal(ps_posix_udp_open(listen, 2, NULL, &other, &why), PS_FAILED);
    assert_null(other);
    assert_int_equal(why.number, EADDRINUSE);
    snprintf(expected, sizeof expected, "bind %s: Address already in use",
             ps_addr_format(&listen[1], text));
    assert_string_equal(why.text, expected);
    ps_posix_udp_close(udp);
}

static void test_no_such_address(void **state)
{
    (void)state;
    ps_posix_udp *udp = NULL;
    ps_posix_error why;
    const ps_addr foreign = addr_of("192.0.2.1:0"); /* RFC 5737: nobody's. */
    const ps_addr none = {0};
    assert_int_equal(ps_posix_udp_open(&foreign, 1, NULL, &udp, &why), PS_FAILED);
    assert_int_equal(why.number, EADDRNOTAVAIL);
    assert_int_equal(ps_posix_udp_open(&none, 1, NULL, &udp, &why), PS_FAILED);
    assert_int_equal(why.number, EAFNOSUPPORT);
}

static int option_of(int fd, int level, int name)
{
    int value = 0;
    socklen_t len = sizeof value;
    assert_int_equal(getsockopt(fd, level, name, &value, &len), 0);
    return value;
}

static void test_buffers_are_asked_for(void **state)
{
    (void)state;
    ps_posix_udp *udp = NULL;
    const ps_addr any = addr_of("127.0.0.1:0");
    ps_posix_udp_options options = {.size = sizeof options, .buffer_bytes = 50000};
    assert_int_equal(ps_posix_udp_open(&any, 1, &options, &udp, NULL), PS_OK);
    /* Linux keeps books of twice what was asked. */
    const int small = option_of(ps_posix_udp_fd(udp, 0), SOL_SOCKET, SO_RCVBUF);
    assert_true(small == 50000 || small == 100000);
    ps_posix_udp_close(udp);
    assert_int_equal(ps_posix_udp_open(&any, 1, NULL, &udp, NULL), PS_OK);
    assert_true(option_of(ps_posix_udp_fd(udp, 0), SOL_SOCKET, SO_RCVBUF) > small);
    ps_posix_udp_close(udp);
}

/* An IPv6 wildcard leaves the port to IPv4. */
static void test_v6_only(void **state)
{
    (void)state;
    ps_posix_udp *udp = NULL;
    ps_posix_udp *v4 = NULL;
    ps_addr bound;
    const ps_addr any = addr_of("[::]:0");
    if (ps_posix_udp_open(&any, 1, NULL, &udp, NULL) != PS_OK) {
        skip(); /* A machine without IPv6. */
    }
    assert_int_equal(option_of(ps_posix_udp_fd(udp, 0), IPPROTO_IPV6, IPV6_V6ONLY), 1);
    ps_transport t = ps_posix_udp_transport(udp);
    (void)t.endpoints(t.ctx, &bound, 1);
    ps_addr same = addr_of("0.0.0.0:0");
    same.port = bound.port;
    assert_int_equal(ps_posix_udp_open(&same, 1, NULL, &v4, NULL), PS_OK);
    ps_posix_udp_close(v4);
    ps_posix_udp_close(udp);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_bad_arguments),         cmocka_unit_test(test_as_many_as_may_be),
        cmocka_unit_test(test_port_in_use),           cmocka_unit_test(test_no_such_address),
        cmocka_unit_test(test_buffers_are_asked_for), cmocka_unit_test(test_v6_only),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
