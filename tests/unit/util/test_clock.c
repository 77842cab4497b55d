#include "unit.h"

#include "util/clock.h"

static void what_runs_back_is_clamped_and_counted(void **state)
{
    (void)state;
    ps_clock c = {.now_us = 0};
    assert_true(ps_clock_advance(&c, 0) == 0);
    assert_true(ps_clock_advance(&c, 10) == 10);
    assert_true(ps_clock_advance(&c, 10) == 10);
    assert_true(c.clamped == 0);
    assert_true(ps_clock_advance(&c, 9) == 10);
    assert_true(c.clamped == 1);
    assert_true(ps_clock_advance(&c, UINT64_MAX) == UINT64_MAX);
    assert_true(ps_clock_advance(&c, 0) == UINT64_MAX);
    assert_true(c.clamped == 2);
}

static void a_deadline_is_reached_at_its_time(void **state)
{
    (void)state;
    assert_false(ps_time_reached(10, 9));
    assert_true(ps_time_reached(10, 10));
    assert_true(ps_time_reached(10, 11));
    assert_true(ps_time_reached(0, 0));
    assert_false(ps_time_reached(PS_TIME_NEVER, UINT64_MAX));
    assert_true(ps_time_reached(PS_TIME_NEVER - 1, UINT64_MAX));
}

static void sums_stop_before_never(void **state)
{
    (void)state;
    assert_true(ps_time_add(1, 2) == 3);
    assert_true(ps_time_add(0, PS_TIME_NEVER - 2) == PS_TIME_NEVER - 2);
    assert_true(ps_time_add(1, PS_TIME_NEVER - 2) == PS_TIME_NEVER - 1);
    assert_true(ps_time_add(2, PS_TIME_NEVER - 2) == PS_TIME_NEVER - 1);
    assert_true(ps_time_add(UINT64_MAX, 1) == PS_TIME_NEVER - 1);
    assert_true(ps_time_add(0, UINT64_MAX) == PS_TIME_NEVER - 1);
    assert_true(ps_time_add(5, UINT64_MAX) == PS_TIME_NEVER - 1);
    assert_true(ps_time_add(UINT64_MAX, UINT64_MAX) == PS_TIME_NEVER - 1);
}

static void the_smaller_of_two(void **state)
{
    (void)state;
    assert_true(ps_time_min(1, PS_TIME_NEVER) == 1);
    assert_true(ps_time_min(PS_TIME_NEVER, 1) == 1);
    assert_true(ps_time_min(2, 2) == 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_runs_back_is_clamped_and_counted),
        cmocka_unit_test(a_deadline_is_reached_at_its_time),
        cmocka_unit_test(sums_stop_before_never),
        cmocka_unit_test(the_smaller_of_two),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
