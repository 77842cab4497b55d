/* The speed of the last seconds. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "speed.h"

#define MS 1000u
#define S  1000000u

/* Notes every 100 ms from `from_us` to `to_us` that `rate` more a second are done. */
static uint64_t run(struct speed *s, uint64_t from_us, uint64_t to_us, uint64_t done, uint64_t rate)
{
    for (uint64_t at_us = from_us; at_us <= to_us; at_us += 100u * MS) {
        speed_note(s, at_us, done + (at_us - from_us) * rate / S);
    }
    return done + (to_us - from_us) * rate / S;
}

static int near(double value, double expected)
{
    return value > expected * 0.99 && value < expected * 1.01;
}

static void at_first_it_is_not_known(void **state)
{
    (void)state;
    struct speed s = {.count = 0};
    assert_true(speed_of(&s, 0) < 0);
    speed_note(&s, 10u * S, 0);
    assert_true(speed_of(&s, 10u * S) < 0);
    speed_note(&s, 10u * S + 100u * MS, 1000);
    assert_true(speed_of(&s, 10u * S + 100u * MS) < 0);
    speed_note(&s, 10u * S + 500u * MS, 5000);
    assert_true(near(speed_of(&s, 10u * S + 500u * MS), 10000));
}

static void it_follows_within_its_span(void **state)
{
    (void)state;
    struct speed s = {.count = 0};
    uint64_t done = run(&s, 0, 60u * S, 0, 1000000);
    assert_true(near(speed_of(&s, 60u * S), 1000000));
    done = run(&s, 60u * S, 64u * S + 500u * MS, done, 5000);
    assert_true(near(speed_of(&s, 64u * S + 500u * MS), 5000));
    (void)done;
}

static void half_a_span_after_a_change_it_is_half_way(void **state)
{
    (void)state;
    struct speed s = {.count = 0};
    const uint64_t done = run(&s, 0, 20u * S, 0, 1000);
    (void)run(&s, 20u * S, 22u * S, done, 3000);
    const double rate = speed_of(&s, 22u * S);
    assert_true(rate > 1900 && rate < 2100);
}

static void what_stands_still_falls_to_nothing(void **state)
{
    (void)state;
    struct speed s = {.count = 0};
    (void)run(&s, 0, 10u * S, 0, 1000);
    assert_true(speed_of(&s, 12u * S) < 800);
    assert_true(speed_of(&s, 12u * S) > 0);
    assert_true(speed_of(&s, 14u * S) == 0);
    assert_true(speed_of(&s, 1000u * S) == 0);
}

static void less_than_before_begins_anew(void **state)
{
    (void)state;
    struct speed s = {.count = 0};
    (void)run(&s, 0, 10u * S, 0, 1000);
    speed_note(&s, 10u * S, 5);
    assert_true(speed_of(&s, 10u * S) < 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(at_first_it_is_not_known),
        cmocka_unit_test(it_follows_within_its_span),
        cmocka_unit_test(half_a_span_after_a_change_it_is_half_way),
        cmocka_unit_test(what_stands_still_falls_to_nothing),
        cmocka_unit_test(less_than_before_begins_anew),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
