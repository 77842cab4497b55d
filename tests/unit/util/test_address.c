#include "unit.h"

#include "peersync/base.h"

static void addresses_differ_in_each_part(void **state)
{
    (void)state;
    const ps_addr a = {.ip = {127, 0, 0, 1}, .port = 5000, .family = PS_ADDR_V4};
    ps_addr b = a;
    assert_true(ps_addr_equal(&a, &b));
    b.port = 5001;
    assert_false(ps_addr_equal(&a, &b));
    b = a;
    b.family = PS_ADDR_V6;
    assert_false(ps_addr_equal(&a, &b));
    b = a;
    b.scope = 2;
    assert_false(ps_addr_equal(&a, &b));
    for (unsigned i = 0; i < 16; i++) {
        b = a;
        b.ip[i] ^= 1;
        assert_false(ps_addr_equal(&a, &b));
        assert_false(ps_addr_equal(&b, &a));
    }
}

static void contents_are_the_pair_of_length_and_root(void **state)
{
    (void)state;
    const ps_content a = {.length = 64, .root = {1, 2, 3}};
    ps_content b = a;
    assert_true(ps_content_equal(&a, &b));
    b.length = 65;
    assert_false(ps_content_equal(&a, &b));
    b.length = 64 + (UINT64_C(1) << 32);
    assert_false(ps_content_equal(&a, &b));
    for (unsigned i = 0; i < PS_ROOT_BYTES; i++) {
        b = a;
        b.root[i] ^= 0x80;
        assert_false(ps_content_equal(&a, &b));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(addresses_differ_in_each_part),
        cmocka_unit_test(contents_are_the_pair_of_length_and_root),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
