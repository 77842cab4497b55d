#include "unit.h"

#include "channel/wipe.h"

#include <string.h>

static void wipes_what_it_is_given_and_no_more(void **state)
{
    (void)state;
    for (size_t len = 0; len <= 62; len++) {
        uint8_t bytes[64];
        memset(bytes, 0xa5, sizeof bytes);
        ps_wipe(bytes + 1, len);
        for (size_t i = 0; i < sizeof bytes; i++) {
            assert_int_equal(bytes[i], i >= 1 && i <= len ? 0 : 0xa5);
        }
    }
}

static void equal_only_when_every_bit_is(void **state)
{
    (void)state;
    uint8_t a[32];
    uint8_t b[32];
    memset(a, 0x3c, sizeof a);
    memcpy(b, a, sizeof b);
    assert_true(ps_secret_equal(a, b, sizeof a));
    for (size_t bit = 0; bit < 8 * sizeof a; bit++) {
        b[bit / 8] ^= (uint8_t)(1u << bit % 8);
        assert_false(ps_secret_equal(a, b, sizeof a));
        assert_true(ps_secret_equal(a, b, bit / 8));
        b[bit / 8] = a[bit / 8];
    }
    for (unsigned v = 1; v < 256; v++) {
        b[31] = (uint8_t)(a[31] ^ v);
        assert_false(ps_secret_equal(a, b, sizeof a));
    }
}

static void differences_do_not_cancel_out(void **state)
{
    (void)state;
    const uint8_t a[2] = {0x80, 0x80};
    const uint8_t b[2] = {0, 0};
    assert_false(ps_secret_equal(a, b, 2));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(wipes_what_it_is_given_and_no_more),
        cmocka_unit_test(equal_only_when_every_bit_is),
        cmocka_unit_test(differences_do_not_cancel_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
