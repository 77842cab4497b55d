/* A rate with a burst: what it lets pass, and how it fills. */
#include "unit.h"

#include "util/rate.h"

static void a_full_bucket_lets_a_burst_pass(void **state)
{
    (void)state;
    ps_rate_bucket b;
    ps_rate_fill(&b, 1000, 3);
    for (int i = 0; i < 3; i++) {
        assert_true(ps_rate_take(&b, 1000, 2, 3));
    }
    assert_false(ps_rate_take(&b, 1000, 2, 3));
    assert_false(ps_rate_take(&b, 1000 + 499999, 2, 3));
    assert_true(ps_rate_take(&b, 1000 + 500000, 2, 3));
    assert_false(ps_rate_take(&b, 1000 + 500000, 2, 3));
}

/* However long nobody came, no more than a burst is there. */
static void it_holds_no_more_than_a_burst(void **state)
{
    (void)state;
    ps_rate_bucket b;
    ps_rate_fill(&b, 0, 2);
    assert_true(ps_rate_take(&b, 0, 1, 2));
    assert_int_equal(ps_rate_parts(&b, UINT64_MAX, 1, 2), 2 * PS_RATE_USE);
    assert_int_equal(ps_rate_parts(&b, 1, UINT32_MAX, 2), 2 * PS_RATE_USE);
    /* A burst that was made smaller holds at once. */
    ps_rate_fill(&b, 0, 5);
    assert_int_equal(ps_rate_parts(&b, 0, 1, 2), 2 * PS_RATE_USE);
}

/* A rate of nothing never fills: what is there is all that there will be. */
static void a_rate_of_nothing(void **state)
{
    (void)state;
    ps_rate_bucket b;
    ps_rate_fill(&b, 0, 2);
    assert_true(ps_rate_take(&b, 0, 0, 2));
    assert_true(ps_rate_take(&b, UINT64_MAX / 2, 0, 2));
    assert_false(ps_rate_take(&b, UINT64_MAX, 0, 2));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_full_bucket_lets_a_burst_pass),
        cmocka_unit_test(it_holds_no_more_than_a_burst),
        cmocka_unit_test(a_rate_of_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
