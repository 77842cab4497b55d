#include "peersync/posix.h"
#include "unit.h"

#include <net/if.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/un.h>

static void test_round_trips(void **state)
{
    (void)state;
    static const char *const good[] = {"127.0.0.1:5000", "0.0.0.0:0", "255.255.255.255:65535",
                                       "[::]:0",         "[::1]:1",   "[2001:db8::7]:5000"};
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        ps_addr addr;
        char text[PS_ADDR_TEXT];
        assert_true(ps_addr_parse(good[i], &addr));
        assert_string_equal(ps_addr_format(&addr, text), good[i]);
        assert_ptr_equal(ps_addr_format(&addr, text), text);
    }
    ps_addr addr;
    assert_true(ps_addr_parse("10.1.2.3:258", &addr));
    const ps_addr expected = {.ip = {10, 1, 2, 3}, .port = 258, .family = PS_ADDR_V4};
    assert_memory_equal(&addr, &expected, sizeof addr);
    assert_true(ps_addr_parse("1.2.3.4:007", &addr));
    assert_int_equal(addr.port, 7);
}

static void test_nonsense_is_refused(void **state)
{
    (void)state;
    static const char *const bad[] = {"",
                                      ":",
                                      "5000",
                                      ":5000",
                                      "localhost:5000",
                                      "127.0.0.1",
                                      "127.0.0.1:",
                                      "127.0.0.1:65536",
                                      "127.0.0.1:000080",
                                      "127.0.0.1:99999",
                                      "127.0.0.1:+80",
                                      "127.0.0.1:-1",
                                      "127.0.0.1: 80",
                                      "127.0.0.1:80 ",
                                      " 127.0.0.1:80",
                                      "127.0.0.1:80x",
                                      "127.0.0.256:80",
                                      "127.1:80",
                                      "::1:80",
                                      "[::1]",
                                      "[::1]80",
                                      "[::1:80",
                                      "[]:80",
                                      "[127.0.0.1]:80",
                                      "[::1%]:80",
                                      "[::1%no-such-interface]:80",
                                      "[::1%0]:80",
                                      "[::g]:80"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        static const ps_addr zero;
        ps_addr addr;
        memset(&addr, 0xff, sizeof addr);
        assert_false(ps_addr_parse(bad[i], &addr));
        assert_memory_equal(&addr, &zero, sizeof zero);
    }
    char longest[400];
    memset(longest, '1', sizeof longest);
    memcpy(longest + 390, ":80", 4);
    ps_addr addr;
    assert_false(ps_addr_parse(longest, &addr));
}

static void test_zones(void **state)
{
    (void)state;
    ps_addr addr;
    char text[PS_ADDR_TEXT];
    assert_true(ps_addr_parse("[fe80::1%123456789]:5", &addr));
    assert_int_equal(addr.scope, 123456789);
    assert_string_equal(ps_addr_format(&addr, text), "[fe80::1%123456789]:5");
    char name[IF_NAMESIZE] = "";
    if (if_indextoname(1, name)) {
        char with_name[64];
        snprintf(with_name, sizeof with_name, "[fe80::1%%%s]:5", name);
        assert_true(ps_addr_parse(with_name, &addr));
        assert_int_equal(addr.scope, 1);
        assert_string_equal(ps_addr_format(&addr, text), with_name);
    }
}

static void test_no_family(void **state)
{
    (void)state;
    const ps_addr none = {0};
    char text[PS_ADDR_TEXT];
    struct sockaddr_storage name;
    assert_string_equal(ps_addr_format(&none, text), "none");
    assert_int_equal(ps_addr_to_sockaddr(&none, (struct sockaddr *)&name), 0);
    const struct sockaddr_un local = {.sun_family = AF_UNIX};
    ps_addr addr;
    memset(&addr, 0xff, sizeof addr);
    assert_false(ps_addr_from_sockaddr((const struct sockaddr *)&local, &addr));
    assert_memory_equal(&addr, &none, sizeof none);
}

static void test_sockaddrs(void **state)
{
    (void)state;
    struct sockaddr_storage name;
    struct sockaddr *at = (struct sockaddr *)&name;
    static const char *const texts[] = {"1.2.3.4:80", "[2001:db8::7]:5000", "[fe80::1%7]:1"};
    for (size_t i = 0; i < 3; i++) {
        ps_addr addr;
        ps_addr back;
        memset(&name, 0, sizeof name);
        assert_true(ps_addr_parse(texts[i], &addr));
        const size_t len = ps_addr_to_sockaddr(&addr, at);
        assert_int_equal(len, i == 0 ? sizeof(struct sockaddr_in) : sizeof(struct sockaddr_in6));
        assert_int_equal(at->sa_family, i == 0 ? AF_INET : AF_INET6);
        memset(&back, 0xff, sizeof back);
        assert_true(ps_addr_from_sockaddr(at, &back));
        assert_memory_equal(&back, &addr, sizeof addr);
    }
    const ps_addr http = {.ip = {1, 2, 3, 4}, .port = 80, .family = PS_ADDR_V4};
    struct sockaddr_in v4;
    (void)ps_addr_to_sockaddr(&http, at);
    memcpy(&v4, &name, sizeof v4);
    assert_int_equal(v4.sin_port, htons(80));
    assert_int_equal(v4.sin_addr.s_addr, htonl(0x01020304));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_round_trips), cmocka_unit_test(test_nonsense_is_refused),
        cmocka_unit_test(test_zones),       cmocka_unit_test(test_no_family),
        cmocka_unit_test(test_sockaddrs),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
