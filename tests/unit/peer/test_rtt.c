/* The estimate against RFC 6298's formulas in exact arithmetic. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "peer/rtt.h"

static void first_sample_sets_both(void **state)
{
    (void)state;
    ps_rtt r = {0};
    assert_int_equal(ps_rtt_smoothed_us(&r), 0);
    assert_int_equal(ps_rtt_timeout_us(&r, 1), PS_RTO_INITIAL_US);
    ps_rtt_sample(&r, 80000);
    assert_int_equal(ps_rtt_smoothed_us(&r), 80000);
    /* R + 4 * R / 2 */
    assert_int_equal(ps_rtt_timeout_us(&r, 1), 240000);
}

static void further_samples_are_smoothed(void **state)
{
    (void)state;
    ps_rtt r = {0};
    ps_rtt_sample(&r, 80000);
    ps_rtt_sample(&r, 160000);
    /* SRTT = 7/8 * 80 + 1/8 * 160 = 90; RTTVAR = 3/4 * 40 + 1/4 * 80 = 50 ms. */
    assert_int_equal(ps_rtt_smoothed_us(&r), 90000);
    assert_int_equal(ps_rtt_timeout_us(&r, 1), 290000);
    ps_rtt_sample(&r, 10000);
    /* SRTT = 7/8 * 90 + 1/8 * 10 = 80; RTTVAR = 3/4 * 50 + 1/4 * 80 = 57.5 ms. */
    assert_int_equal(ps_rtt_smoothed_us(&r), 80000);
    assert_int_equal(ps_rtt_timeout_us(&r, 1), 310000);
}

static void steady_samples_converge(void **state)
{
    (void)state;
    ps_rtt r = {0};
    ps_rtt_sample(&r, 900000);
    for (int i = 0; i < 200; i++) {
        ps_rtt_sample(&r, 20000);
    }
    assert_in_range(ps_rtt_smoothed_us(&r), 19900, 20100);
    assert_int_equal(ps_rtt_timeout_us(&r, 1), PS_RTO_MIN_US);
}

static void backoff_doubles_up_to_a_cap(void **state)
{
    (void)state;
    ps_rtt r = {0};
    ps_rtt_sample(&r, 1000);
    const uint64_t expected[] = {100000, 200000, 400000, 800000, 1000000, 1000000};
    for (uint32_t i = 0; i < 6; i++) {
        assert_int_equal(ps_rtt_timeout_us(&r, i + 1), expected[i]);
    }
    assert_int_equal(ps_rtt_timeout_us(&r, 255), 1000000);
    assert_int_equal(ps_rtt_timeout_us(&r, 0), 100000);
}

static void a_slow_path_is_not_hurried(void **state)
{
    (void)state;
    ps_rtt r = {0};
    ps_rtt_sample(&r, 700000);
    assert_int_equal(ps_rtt_timeout_us(&r, 1), 2100000);
    assert_int_equal(ps_rtt_timeout_us(&r, 9), 2100000);
}

static void extremes_stay_in_range(void **state)
{
    (void)state;
    ps_rtt r = {0};
    ps_rtt_sample(&r, 0);
    assert_true(r.srtt8_us != 0);
    assert_int_equal(ps_rtt_timeout_us(&r, 1), PS_RTO_MIN_US);
    for (int i = 0; i < 300; i++) {
        ps_rtt_sample(&r, PS_RTO_MAX_US);
        assert_in_range(ps_rtt_timeout_us(&r, 1), PS_RTO_MIN_US, PS_RTO_MAX_US);
    }
    assert_in_range(ps_rtt_smoothed_us(&r), 2950000, 3000000);
    for (int i = 0; i < 300; i++) {
        ps_rtt_sample(&r, i % 2 == 0 ? 0 : PS_RTO_MAX_US);
        assert_in_range(ps_rtt_timeout_us(&r, 1), PS_RTO_MIN_US, PS_RTO_MAX_US);
    }
}

/* The clock was set on, or the machine slept, between the sending and the answer. */
static void time_away_is_no_round_trip(void **state)
{
    (void)state;
    ps_rtt r = {0};
    ps_rtt_sample(&r, UINT64_MAX);
    assert_int_equal(ps_rtt_timeout_us(&r, 1), PS_RTO_INITIAL_US);
    ps_rtt_sample(&r, 80000);
    const ps_rtt before = r;
    ps_rtt_sample(&r, PS_RTO_MAX_US + 1);
    ps_rtt_sample(&r, UINT64_MAX);
    assert_memory_equal(&r, &before, sizeof r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(first_sample_sets_both),
        cmocka_unit_test(further_samples_are_smoothed),
        cmocka_unit_test(steady_samples_converge),
        cmocka_unit_test(backoff_doubles_up_to_a_cap),
        cmocka_unit_test(a_slow_path_is_not_hurried),
        cmocka_unit_test(extremes_stay_in_range),
        cmocka_unit_test(time_away_is_no_round_trip),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
