#include "unit.h"

#include "channel/replay.h"
#include "random.h"

#include <string.h>

static bool take(ps_replay *r, uint64_t counter)
{
    if (!ps_replay_is_new(r, counter)) {
        return false;
    }
    ps_replay_accept(r, counter);
    return true;
}

static void each_counter_is_new_once(void **state)
{
    (void)state;
    ps_replay r = {0};
    for (uint64_t c = 1; c < 2000; c++) {
        assert_true(take(&r, c));
        assert_false(take(&r, c));
    }
}

static void asking_changes_nothing(void **state)
{
    (void)state;
    ps_replay r = {0};
    assert_true(ps_replay_is_new(&r, 5));
    assert_true(ps_replay_is_new(&r, 5));
    ps_replay_accept(&r, 5);
    assert_false(ps_replay_is_new(&r, 5));
}

static void counter_zero_is_a_counter(void **state)
{
    (void)state;
    ps_replay r = {0};
    assert_true(take(&r, 0));
    assert_false(take(&r, 0));
}

static void the_window_has_256_counters(void **state)
{
    (void)state;
    ps_replay r = {0};
    assert_true(take(&r, 1000));
    assert_false(ps_replay_is_new(&r, 1000 - 256));
    assert_true(ps_replay_is_new(&r, 1000 - 255));
    for (uint64_t c = 1000 - 255; c < 1000; c++) {
        assert_true(take(&r, c));
    }
    for (uint64_t c = 0; c <= 1000; c++) {
        assert_false(take(&r, c));
    }
    assert_true(take(&r, 1001));
}

static void jumps_forget_what_they_pass(void **state)
{
    (void)state;
    const uint64_t jumps[] = {1, 2, 63, 64, 65, 255, 256, 257, 511, 512, UINT64_C(1) << 40};
    for (size_t j = 0; j < sizeof jumps / sizeof jumps[0]; j++) {
        ps_replay r = {0};
        for (uint64_t c = 1; c <= 600; c++) {
            ps_replay_accept(&r, c);
        }
        const uint64_t top = 600 + jumps[j];
        assert_true(take(&r, top));
        /* What lies between was never seen and is new where the window still holds it. */
        for (uint64_t c = top - 300; c < top; c++) {
            assert_int_equal(ps_replay_is_new(&r, c), c > 600 && top - c < 256);
        }
    }
}

static void the_last_counter_is_never_taken(void **state)
{
    (void)state;
    ps_replay r = {0};
    assert_false(ps_replay_is_new(&r, UINT64_MAX));
    assert_true(take(&r, UINT64_MAX - 1));
    assert_false(ps_replay_is_new(&r, UINT64_MAX));
    assert_false(ps_replay_is_new(&r, UINT64_MAX - 1));
    assert_true(take(&r, UINT64_MAX - 2));
    assert_false(take(&r, UINT64_MAX - 257));
}

/* Against a set of all counters ever accepted. */
static void random_orders_agree_with_a_model(void **state)
{
    (void)state;
    enum { COUNTERS = 20000 };
    static bool seen[COUNTERS];
    for (uint64_t seed = 0; seed < 20; seed++) {
        test_random t = test_random_of(seed);
        memset(seen, 0, sizeof seen);
        ps_replay r = {0};
        uint64_t top = 0;
        bool any = false;
        while (top < COUNTERS - 700) {
            const uint64_t low = top < 300 ? 0 : top - 300;
            const uint64_t c = test_random_chance(&t, 2) ? top + test_random_below(&t, 600)
                                                         : low + test_random_below(&t, 310);
            const bool held = !any || c > top || top - c < PS_REPLAY_WINDOW;
            assert_int_equal(take(&r, c), held && !seen[c]);
            if (held) {
                seen[c] = true;
                any = true;
                top = c > top ? c : top;
            }
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_counter_is_new_once),
        cmocka_unit_test(asking_changes_nothing),
        cmocka_unit_test(counter_zero_is_a_counter),
        cmocka_unit_test(the_window_has_256_counters),
        cmocka_unit_test(jumps_forget_what_they_pass),
        cmocka_unit_test(the_last_counter_is_never_taken),
        cmocka_unit_test(random_orders_agree_with_a_model),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
