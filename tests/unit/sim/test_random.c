#include "fixture.h"

#include "sim/sim_internal.h"

/* The generators' published algorithms, by hand: splitmix64 of seed 0 begins so. */
static void seeds_by_splitmix64(void **state)
{
    (void)state;
    ps_sim_rng g;
    ps_sim_rng_seed(&g, 0);
    assert_true(g.s[0] == UINT64_C(0xe220a8397b1dcdaf));
    assert_true(g.s[1] == UINT64_C(0x6e789e6aa1b965f4));
    assert_true(g.s[2] == UINT64_C(0x06c45d188009454f));
}

/* The state {1, 2, 3, 4} gives 11520 first: rotl(2 * 5, 7) * 9; then 0, then 1509978240. */
static void draws_by_xoshiro(void **state)
{
    (void)state;
    ps_sim_rng g = {{1, 2, 3, 4}};
    assert_true(ps_sim_rng_next(&g) == 11520);
    assert_true(ps_sim_rng_next(&g) == 0);
    assert_true(ps_sim_rng_next(&g) == 1509978240);
}

static void stays_below_its_bound(void **state)
{
    (void)state;
    ps_sim_rng g;
    ps_sim_rng_seed(&g, 7);
    uint32_t seen[5] = {0};
    for (int i = 0; i < 10000; i++) {
        seen[ps_sim_rng_below(&g, 5)]++;
        assert_true(ps_sim_rng_below(&g, 1) == 0);
        assert_true(ps_sim_rng_below(&g, UINT64_MAX) < UINT64_MAX);
    }
    for (int i = 0; i < 5; i++) {
        assert_in_range(seen[i], 1800, 2200);
    }
}

static void chances_are_as_likely_as_said(void **state)
{
    (void)state;
    ps_sim_rng g;
    ps_sim_rng_seed(&g, 7);
    uint32_t hits = 0;
    for (int i = 0; i < 100000; i++) {
        hits += ps_sim_rng_chance(&g, 200000) ? 1u : 0u;
        assert_false(ps_sim_rng_chance(&g, 0));
        assert_true(ps_sim_rng_chance(&g, PS_SIM_PPM));
    }
    assert_in_range(hits, 19600, 20400);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(seeds_by_splitmix64),
        cmocka_unit_test(draws_by_xoshiro),
        cmocka_unit_test(stays_below_its_bound),
        cmocka_unit_test(chances_are_as_likely_as_said),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
