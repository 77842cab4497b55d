#include "fixture.h"

#include "sim/sim_internal.h"

static void the_most_exact_link_counts(void **state)
{
    (void)state;
    ps_sim_config cfg = test_config(1, (ps_sim_link){.latency_us = 1});
    ps_sim *sim = test_network(&cfg, 4);
    const ps_sim_link two = {.latency_us = 2};
    const ps_sim_link three = {.latency_us = 3};
    const ps_sim_link four = {.latency_us = 4};
    assert_int_equal(ps_sim_set_link(sim, PS_SIM_ANY, 2, &two), PS_OK);
    assert_int_equal(ps_sim_link_of(sim, 1, 2)->latency_us, 2);
    assert_int_equal(ps_sim_set_link(sim, 1, PS_SIM_ANY, &three), PS_OK);
    assert_int_equal(ps_sim_link_of(sim, 1, 2)->latency_us, 3);
    assert_int_equal(ps_sim_set_link(sim, 1, 2, &four), PS_OK);
    assert_int_equal(ps_sim_link_of(sim, 1, 2)->latency_us, 4);
    assert_int_equal(ps_sim_link_of(sim, 2, 1)->latency_us, 1);
    assert_int_equal(ps_sim_link_of(sim, 0, 2)->latency_us, 2);
    assert_int_equal(ps_sim_link_of(sim, 1, 3)->latency_us, 3);
    assert_int_equal(ps_sim_set_link(sim, 1, 2, NULL), PS_OK);
    assert_int_equal(ps_sim_link_of(sim, 1, 2)->latency_us, 3);
    ps_sim_set_default_link(sim, &four);
    assert_int_equal(ps_sim_link_of(sim, 0, 0)->latency_us, 4);
    ps_sim_destroy(sim);
}

static void many_links_are_kept_apart(void **state)
{
    (void)state;
    ps_sim_config cfg = test_config(1, (ps_sim_link){0});
    ps_sim *sim = test_network(&cfg, 40);
    for (uint32_t i = 0; i < 1600; i++) {
        const ps_sim_link link = {.latency_us = i + 1};
        assert_int_equal(ps_sim_set_link(sim, i / 40, i % 40, &link), PS_OK);
    }
    for (uint32_t i = 0; i < 1600; i++) {
        assert_int_equal(ps_sim_link_of(sim, i / 40, i % 40)->latency_us, i + 1);
    }
    ps_sim_destroy(sim);
}

static void a_rate_spaces_and_its_queue_ends(void **state)
{
    (void)state;
    const ps_sim_link link = {.rate_bytes_s = 1000000, .queue_bytes = 200};
    uint64_t busy = 0;
    uint64_t depart = 0;
    assert_true(ps_sim_link_depart(&link, 1000, &busy, 200, 100, &depart));
    assert_true(depart == 1100); /* 100 bytes at a byte a microsecond. */
    assert_true(ps_sim_link_depart(&link, 1000, &busy, 200, 100, &depart));
    assert_true(depart == 1200);
    assert_true(ps_sim_link_depart(&link, 1000, &busy, 200, 100, &depart)); /* 200 wait. */
    assert_true(depart == 1300);
    assert_false(ps_sim_link_depart(&link, 1000, &busy, 200, 100, &depart)); /* 300 wait. */
    assert_true(ps_sim_link_depart(&link, 1000, &busy, UINT32_MAX, 100, &depart));
    assert_true(depart == 1400);
    assert_true(ps_sim_link_depart(&link, 2000, &busy, 0, 1, &depart)); /* Idle again. */
    assert_true(depart == 2001);
    const ps_sim_link slow = {.rate_bytes_s = 3};
    busy = 0;
    assert_true(ps_sim_link_depart(&slow, 0, &busy, 0, 1, &depart));
    assert_true(depart == 333334); /* Rounded up. */
}

static void delays_have_a_floor_and_a_range(void **state)
{
    (void)state;
    ps_sim_config cfg = test_config(1, (ps_sim_link){0});
    ps_sim *sim = test_network(&cfg, 0);
    assert_true(ps_sim_link_delay_us(sim, &(ps_sim_link){0}) == 1);
    const ps_sim_link link = {.latency_us = 10, .jitter_us = 3};
    uint32_t seen[4] = {0};
    for (int i = 0; i < 400; i++) {
        const uint64_t us = ps_sim_link_delay_us(sim, &link);
        assert_in_range(us, 10, 13);
        seen[us - 10]++;
    }
    assert_true(seen[0] > 50 && seen[1] > 50 && seen[2] > 50 && seen[3] > 50);
    ps_sim_destroy(sim);
}

static bool lost_in_burst(ps_sim *sim, const ps_sim_link *link, uint32_t to, bool begins, bool ends)
{
    bool lost = false;
    assert_true(ps_sim_link_burst(sim, link, 0, to, begins, ends, &lost));
    return lost;
}

static void a_burst_takes_all_from_its_first_to_its_last(void **state)
{
    (void)state;
    ps_sim_config cfg = test_config(1, (ps_sim_link){0});
    ps_sim *sim = test_network(&cfg, 3);
    const ps_sim_link bursty = {.burst_ppm = 1, .burst_end_ppm = 1};
    const ps_sim_link quiet = {.burst_end_ppm = 1};
    assert_false(lost_in_burst(sim, &bursty, 1, false, true));
    assert_true(lost_in_burst(sim, &bursty, 1, true, true)); /* Its own last. */
    assert_false(lost_in_burst(sim, &bursty, 1, false, false));
    assert_true(lost_in_burst(sim, &bursty, 1, true, false));
    assert_false(lost_in_burst(sim, &bursty, 2, false, false)); /* Another pair. */
    for (uint32_t i = 0; i < 1000; i++) {
        const ps_sim_link link = {.latency_us = i};
        assert_int_equal(ps_sim_set_link(sim, i + 3, i, &link), PS_OK); /* The table grows. */
    }
    assert_true(lost_in_burst(sim, &bursty, 1, false, false));
    assert_true(lost_in_burst(sim, &bursty, 1, true, true)); /* The last of it. */
    assert_false(lost_in_burst(sim, &bursty, 1, false, false));
    assert_true(lost_in_burst(sim, &bursty, 1, true, false));
    assert_false(lost_in_burst(sim, &quiet, 1, false, false)); /* No bursts any more: over. */
    assert_false(lost_in_burst(sim, &bursty, 1, false, false));
    assert_int_equal(sim->pairs.bursts, 0);
    ps_sim_destroy(sim);
}

static void partitions_cut_their_sides_only(void **state)
{
    (void)state;
    ps_sim_config cfg = test_config(1, (ps_sim_link){0});
    ps_sim *sim = test_network(&cfg, 20);
    const uint32_t a[2] = {0, 17};
    const uint32_t b[1] = {3};
    const uint32_t unknown[1] = {20};
    uint32_t both;
    uint32_t there;
    assert_int_equal(ps_sim_partition(sim, a, 2, unknown, 1, false, NULL), PS_INVALID);
    assert_int_equal(ps_sim_partition(sim, a, 2, b, 1, false, &both), PS_OK);
    assert_true(ps_sim_is_cut(sim, 0, 3) && ps_sim_is_cut(sim, 3, 17));
    assert_false(ps_sim_is_cut(sim, 0, 17) || ps_sim_is_cut(sim, 1, 3));
    assert_false(ps_sim_is_cut(sim, 0, PS_SIM_NONE));
    assert_int_equal(ps_sim_partition(sim, b, 1, unknown, 0, true, NULL), PS_OK);
    assert_int_equal(ps_sim_partition(sim, a, 1, b, 1, true, &there), PS_OK);
    ps_sim_heal(sim, both);
    assert_true(ps_sim_is_cut(sim, 0, 3));
    assert_false(ps_sim_is_cut(sim, 3, 0) || ps_sim_is_cut(sim, 17, 3));
    ps_sim_heal(sim, both); /* Gone already. */
    for (int i = 0; i < 20; i++) {
        assert_int_equal(ps_sim_partition(sim, a, 2, b, 1, true, NULL), PS_OK);
    }
    ps_sim_heal_all(sim);
    assert_false(ps_sim_is_cut(sim, 0, 3));
    ps_sim_destroy(sim);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_most_exact_link_counts),
        cmocka_unit_test(many_links_are_kept_apart),
        cmocka_unit_test(a_rate_spaces_and_its_queue_ends),
        cmocka_unit_test(delays_have_a_floor_and_a_range),
        cmocka_unit_test(a_burst_takes_all_from_its_first_to_its_last),
        cmocka_unit_test(partitions_cut_their_sides_only),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
