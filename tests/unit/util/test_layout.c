#include "unit.h"

#include "util/layout.h"

static void offsets_are_aligned_and_do_not_overlap(void **state)
{
    (void)state;
    ps_layout l = {.size = 1};
    assert_int_equal(ps_layout_add(&l, 3, 10), 64);
    assert_int_equal(l.size, 94);
    assert_int_equal(ps_layout_add(&l, 1, 64), 128);
    assert_int_equal(ps_layout_add(&l, 0, 8), 192);
    assert_int_equal(l.size, 192);
    assert_false(l.overflow);
}

static void a_sum_that_does_not_fit_overflows(void **state)
{
    (void)state;
    ps_layout l = {.size = 64};
    assert_int_equal(ps_layout_add(&l, UINT64_MAX, 1), 0);
    assert_true(l.overflow);
    assert_int_equal(l.size, 64);
    assert_int_equal(ps_layout_add(&l, 1, 1), 0); /* and stays so */
    l = (ps_layout){.size = 64};
    (void)ps_layout_add(&l, (uint64_t)1 << 63, 2);
    assert_true(l.overflow);
    for (size_t less = 0; less < 200; less++) { /* around the end of all addresses */
        l = (ps_layout){.size = 100};
        const size_t at = ps_layout_add(&l, SIZE_MAX - less, 1);
        assert_int_equal(l.overflow, at == 0);
        if (!l.overflow) {
            assert_int_equal(at, 128);
            assert_int_equal(l.size, 128 + (SIZE_MAX - less));
            assert_true(l.size > at);
        }
    }
}

/* Once too much is always too much, also beside the end of all numbers. */
static void what_has_overflowed_stays_so(void **state)
{
    (void)state;
    ps_layout l = {.size = SIZE_MAX - 62};
    assert_int_equal(ps_layout_add(&l, 1, 1), 0);
    assert_true(l.overflow);
    l.size = 0;
    assert_int_equal(ps_layout_add(&l, 1, 1), 0);
    assert_true(l.overflow);
    assert_int_equal(l.size, 0);
}

static void powers_of_two(void **state)
{
    (void)state;
    assert_int_equal(ps_pow2_at_least(0), 1);
    assert_int_equal(ps_pow2_at_least(1), 1);
    assert_int_equal(ps_pow2_at_least(2), 2);
    assert_int_equal(ps_pow2_at_least(3), 4);
    assert_int_equal(ps_pow2_at_least(4096), 4096);
    assert_int_equal(ps_pow2_at_least(4097), 8192);
    assert_true(ps_pow2_at_least(UINT32_C(1) << 31) == UINT32_C(1) << 31);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(offsets_are_aligned_and_do_not_overlap),
        cmocka_unit_test(a_sum_that_does_not_fit_overflows),
        cmocka_unit_test(what_has_overflowed_stays_so),
        cmocka_unit_test(powers_of_two),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
