#include "unit.h"

#include "common/address.h"

static void short_forms_mean_loopback(void **state)
{
    (void)state;
    const ps_addr expected = {.ip = {127, 0, 0, 1}, .port = 5000, .family = PS_ADDR_V4};
    ps_addr a = {0};
    assert_null(ps_address_parse("5000", &a));
    assert_true(ps_addr_equal(&a, &expected));
    a = (ps_addr){0};
    assert_null(ps_address_parse(":5000", &a));
    assert_true(ps_addr_equal(&a, &expected));
    assert_null(ps_address_resolve("5000", &a));
    assert_true(ps_addr_equal(&a, &expected));
}

/* As a number, a port may begin with zeros; a pointer that was none was reckoned with before. */
static void zeros_before_a_port_change_nothing(void **state)
{
    (void)state;
    static const char *const texts[] = {"005000", "000000000000000000005000", ":0005000",
                                        "127.0.0.1:005000"};
    char canonical[PS_ADDRESS_CANONICAL];
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        ps_addr a = {.family = 0};
        assert_null(ps_address_parse(texts[i], &a));
        assert_int_equal(a.port, 5000);
        assert_true(ps_address_is_loopback(&a));
        a = (ps_addr){.family = 0};
        assert_null(ps_address_resolve(texts[i], &a));
        assert_int_equal(a.port, 5000);
        ps_address_canonical(texts[i], canonical);
        assert_string_equal(canonical, "127.0.0.1:5000");
    }
}

static void full_forms_are_read(void **state)
{
    (void)state;
    ps_addr a = {0};
    assert_null(ps_address_parse("0.0.0.0:0", &a));
    assert_int_equal(a.family, PS_ADDR_V4);
    assert_int_equal(a.port, 0);
    assert_null(ps_address_parse("[::1]:65535", &a));
    assert_int_equal(a.family, PS_ADDR_V6);
    assert_int_equal(a.port, 65535);
    assert_true(ps_address_is_loopback(&a));
    assert_null(ps_address_resolve("127.3.4.5:1", &a));
    assert_true(ps_address_is_loopback(&a));
    assert_null(ps_address_parse("10.0.0.1:1", &a));
    assert_false(ps_address_is_loopback(&a));
    assert_false(ps_address_is_loopback(&(ps_addr){0}));
}

static void faults_say_what_is_wrong(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "",         ":",     "a",    "65536", "-1",    "1.2.3.4",    "1.2.3.4:",  "1.2.3:5",
        "::1:5000", "[::1]", "[::1", "[]:5",  "[x]:5", "1.2.3.4:5 ", "host:5000", "1.2.3.4:+5"};
    ps_addr a;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        assert_non_null(ps_address_parse(bad[i], &a));
    }
    assert_string_equal(ps_address_parse("::1:5000", &a),
                        "an IPv6 address needs brackets: [ADDR]:PORT");
    assert_non_null(ps_address_resolve("127.0.0.1:0", &a));
    assert_non_null(ps_address_resolve("[host]:5", &a));
}

static void all_ways_of_writing_an_address_come_to_one(void **state)
{
    (void)state;
    static const char *const forms[][2] = {
        {"5000", "127.0.0.1:5000"},
        {":05000", "127.0.0.1:5000"},
        {"127.0.0.1:5000", "127.0.0.1:5000"},
        {"[0:0::1]:80", "[::1]:80"},
        {"[2001:DB8::A]:80", "[2001:db8::a]:80"},
        {"Host.Example:0080", "host.example:80"},
    };
    char out[PS_ADDRESS_CANONICAL];
    for (size_t i = 0; i < sizeof forms / sizeof forms[0]; i++) {
        ps_address_canonical(forms[i][0], out);
        assert_string_equal(out, forms[i][1]);
        char again[PS_ADDRESS_CANONICAL];
        ps_address_canonical(out, again);
        assert_string_equal(again, out);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(short_forms_mean_loopback),
        cmocka_unit_test(zeros_before_a_port_change_nothing),
        cmocka_unit_test(full_forms_are_read),
        cmocka_unit_test(all_ways_of_writing_an_address_come_to_one),
        cmocka_unit_test(faults_say_what_is_wrong),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
