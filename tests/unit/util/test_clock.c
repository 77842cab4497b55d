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
    assert_true(ps_clock_advance(&c, 2000000) == 2000000);
    assert_true(ps_clock_advance(&c, 1000001) == 2000000); /* Less than a second: disorder. */
    assert_true(c.clamped == 2);
    assert_true(c.offset_us == 0);
    assert_true(ps_clock_advance(&c, 2000001) == 2000001);
}

/* By a second or more the host's clock was set: time goes on from where it stood, and deadlines are
 * told in the host's. */
static void a_clock_that_is_set_back_goes_on_at_an_offset(void **state)
{
    (void)state;
    ps_clock c = {.now_us = 0};
    assert_true(ps_clock_advance(&c, 7000000) == 7000000);
    assert_true(ps_clock_host_us(&c, 7500000) == 7500000);
    assert_true(ps_clock_advance(&c, 6000000) == 7000000); /* Exactly a second. */
    assert_true(c.clamped == 1);
    assert_true(c.offset_us == 1000000);
    assert_true(ps_clock_host_us(&c, 7500000) == 6500000);
    assert_true(ps_clock_advance(&c, 6500000) == 7500000);
    assert_true(ps_clock_advance(&c, 6499999) == 7500000); /* Disorder there, too. */
    assert_true(c.offset_us == 1000000);
    assert_true(ps_clock_advance(&c, 5) == 7500000); /* And again: offsets add up. */
    assert_true(c.offset_us == 7499995);
    assert_true(ps_clock_advance(&c, 6) == 7500001);
    assert_true(ps_clock_host_us(&c, 7500001) == 6);
    assert_true(ps_clock_host_us(&c, 3) == 0); /* Long past. */
    assert_true(ps_clock_host_us(&c, PS_TIME_NEVER) == PS_TIME_NEVER);
    assert_true(c.clamped == 3);
    c = (ps_clock){.now_us = UINT64_MAX - 1};
    assert_true(ps_clock_advance(&c, 0) == UINT64_MAX - 1);
    assert_true(ps_clock_advance(&c, 1) == UINT64_MAX);
}

/* A clock that is set on is a late step, no more. */
static void a_late_step_is_seen(void **state)
{
    (void)state;
    assert_true(ps_lateness_us(0, PS_TIME_NEVER, UINT64_MAX) == 0);
    assert_true(ps_lateness_us(0, 1000000, 999999) == 0);
    assert_true(ps_lateness_us(0, 1000000, 1000000) == 0);
    assert_true(ps_lateness_us(0, 1000000, 1000000 + PS_LATE_US) == 0);
    assert_true(ps_lateness_us(0, 1000000, 1000001 + PS_LATE_US) == PS_LATE_US + 1);
    assert_true(ps_lateness_us(0, 1000000, 9000000) == 8000000);
    /* What was due before the last step waits for more steps, not for the host. */
    assert_true(ps_lateness_us(2000000, 1000000, 2000000 + PS_LATE_US) == 0);
    assert_true(ps_lateness_us(2000000, 1000000, 2300000) == 300000);
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
        cmocka_unit_test(a_clock_that_is_set_back_goes_on_at_an_offset),
        cmocka_unit_test(a_late_step_is_seen),
        cmocka_unit_test(a_deadline_is_reached_at_its_time),
        cmocka_unit_test(sums_stop_before_never),
        cmocka_unit_test(the_smaller_of_two),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
