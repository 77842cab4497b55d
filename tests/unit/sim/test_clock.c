#include "fixture.h"

#include "sim/sim_internal.h"

#define WALL_S 1700000000u
#define NODE   0u

/* What the node's clock and the simulator showed at the last wake. */
typedef struct log {
    ps_sim *sim;
    uint32_t wakes;
    uint64_t shown_us, at_us;
} log;

static void wake(void *ctx, uint64_t now_us)
{
    log *l = (log *)ctx;
    l->wakes++;
    l->shown_us = now_us;
    l->at_us = ps_sim_now_us(l->sim);
}

/* One node that logs, and one that sends to it. */
static ps_sim *network(log *l)
{
    ps_sim_config cfg = test_config(1, (ps_sim_link){.latency_us = 10});
    cfg.start_wall_s = WALL_S;
    ps_sim *sim = test_network(&cfg, 0);
    *l = (log){.sim = sim};
    uint32_t id;
    assert_int_equal(ps_sim_add_node(sim, &(ps_sim_node_config){.wake = wake, .ctx = l}, &id),
                     PS_OK);
    assert_int_equal(id, NODE);
    assert_int_equal(ps_sim_add_node(sim, &(ps_sim_node_config){0}, &id), PS_OK);
    return sim;
}

static void set(ps_sim *sim, ps_sim_clock clock)
{
    assert_int_equal(ps_sim_set_clock(sim, NODE, &clock), PS_OK);
}

static uint64_t wall_s(ps_sim *sim)
{
    const ps_transport *t = ps_sim_transport(sim, NODE);
    return t->wall_s(t->ctx);
}

static void impossible_clocks_are_refused(void **state)
{
    (void)state;
    log l;
    ps_sim *sim = network(&l);
    const ps_sim_clock fast = {.drift_ppm = 100001};
    const ps_sim_clock slow = {.drift_ppm = -100001};
    const ps_sim_clock fine = {.drift_ppm = 100000};
    assert_int_equal(ps_sim_set_clock(sim, NODE, &fast), PS_INVALID);
    assert_int_equal(ps_sim_set_clock(sim, NODE, &slow), PS_INVALID);
    assert_int_equal(ps_sim_set_clock(sim, NODE, NULL), PS_INVALID);
    assert_int_equal(ps_sim_set_clock(sim, 2, &fine), PS_INVALID);
    assert_int_equal(ps_sim_set_clock(sim, NODE, &fine), PS_OK);
    assert_true(ps_sim_node_now_us(sim, 2) == 0);
    ps_sim_destroy(sim);
}

static void all_that_a_node_sees_is_in_its_clock(void **state)
{
    (void)state;
    log l;
    ps_sim *sim = network(&l);
    assert_true(ps_sim_node_now_us(sim, NODE) == START_US);
    set(sim, (ps_sim_clock){.jump_us = 5000});
    const ps_transport *t = ps_sim_transport(sim, NODE);
    assert_true(t->now_us(t->ctx) == START_US + 5000);
    test_send(sim, 1, NODE, "x", 1);
    ps_sim_run_until(sim, START_US + 10);
    assert_int_equal(l.wakes, 1);
    assert_true(l.shown_us == START_US + 5010 && l.at_us == START_US + 10);
    ps_input in[1];
    size_t n = 0;
    assert_int_equal(t->receive(t->ctx, in, 1, &n), PS_OK);
    assert_true(in[0].now_us == START_US + 5010);
    assert_true(ps_sim_node_now_us(sim, 1) == START_US + 10); /* The other's is its own. */
    ps_sim_destroy(sim);
}

static void jumps_add_up_and_end_at_their_limits(void **state)
{
    (void)state;
    log l;
    ps_sim *sim = network(&l);
    set(sim, (ps_sim_clock){.jump_us = 300});
    set(sim, (ps_sim_clock){.jump_us = -100});
    assert_true(ps_sim_node_now_us(sim, NODE) == START_US + 200);
    set(sim, (ps_sim_clock){.jump_us = -(int64_t)START_US - 201});
    assert_true(ps_sim_node_now_us(sim, NODE) == 0);
    ps_sim_run_until(sim, START_US + 7);
    assert_true(ps_sim_node_now_us(sim, NODE) == 7); /* From 0 it goes on. */
    set(sim, (ps_sim_clock){.jump_us = INT64_MIN});
    assert_true(ps_sim_node_now_us(sim, NODE) == 0);
    set(sim, (ps_sim_clock){.jump_us = INT64_MAX});
    set(sim, (ps_sim_clock){.jump_us = INT64_MAX});
    assert_true(ps_sim_node_now_us(sim, NODE) == UINT64_C(1) << 63);
    ps_sim_run_until(sim, START_US + 8);
    set(sim, (ps_sim_clock){.jump_us = 1});
    assert_true(ps_sim_node_now_us(sim, NODE) == (UINT64_C(1) << 63) + 1);
    ps_sim_destroy(sim);
}

static void drift_is_exact_over_any_time(void **state)
{
    (void)state;
    log l;
    ps_sim *sim = network(&l);
    set(sim, (ps_sim_clock){.drift_ppm = 100});
    ps_sim_run_until(sim, START_US + 9999);
    assert_true(ps_sim_node_now_us(sim, NODE) == START_US + 9999);
    ps_sim_run_until(sim, START_US + 10000);
    assert_true(ps_sim_node_now_us(sim, NODE) == START_US + 10001);
    const uint64_t century_us = UINT64_C(3155760000000000);
    ps_sim_run_until(sim, START_US + century_us);
    assert_true(ps_sim_node_now_us(sim, NODE) == START_US + century_us + century_us / 10000);
    const uint64_t shown_us = ps_sim_node_now_us(sim, NODE);
    set(sim, (ps_sim_clock){.drift_ppm = -100000}); /* Goes on from what it shows. */
    assert_true(ps_sim_node_now_us(sim, NODE) == shown_us);
    ps_sim_run_until(sim, START_US + century_us + 1001);
    assert_true(ps_sim_node_now_us(sim, NODE) == shown_us + 900);
    ps_sim_destroy(sim);
}

static void a_stopped_clock_stands_until_it_goes_on(void **state)
{
    (void)state;
    log l;
    ps_sim *sim = network(&l);
    ps_sim_run_until(sim, START_US + 100);
    set(sim, (ps_sim_clock){.stopped = true});
    ps_sim_run_until(sim, START_US + 5000000);
    assert_true(ps_sim_node_now_us(sim, NODE) == START_US + 100);
    assert_true(wall_s(sim) == WALL_S);
    set(sim, (ps_sim_clock){.jump_us = 50, .stopped = true}); /* Jumps, and stands again. */
    ps_sim_run_until(sim, START_US + 6000000);
    assert_true(ps_sim_node_now_us(sim, NODE) == START_US + 150);
    set(sim, (ps_sim_clock){0});
    ps_sim_run_until(sim, START_US + 6000001);
    assert_true(ps_sim_node_now_us(sim, NODE) == START_US + 151);
    ps_sim_destroy(sim);
}

static void the_wall_jumps_for_itself_and_drifts_along(void **state)
{
    (void)state;
    log l;
    ps_sim *sim = network(&l);
    set(sim, (ps_sim_clock){.jump_us = 5000000});
    assert_true(wall_s(sim) == WALL_S);
    set(sim, (ps_sim_clock){.wall_jump_s = -3600, .drift_ppm = 100000});
    assert_true(wall_s(sim) == WALL_S - 3600);
    assert_true(ps_sim_node_now_us(sim, NODE) == START_US + 5000000);
    ps_sim_run_until(sim, START_US + 10000000);
    assert_true(wall_s(sim) == WALL_S - 3600 + 11);
    set(sim, (ps_sim_clock){.wall_jump_s = INT64_MIN});
    assert_true(wall_s(sim) == 1); /* 0 would be no clock. */
    set(sim, (ps_sim_clock){.wall_jump_s = 9});
    assert_true(wall_s(sim) == 10);
    ps_sim_destroy(sim);
    const ps_sim_config cfg = test_config(1, (ps_sim_link){0});
    sim = test_network(&cfg, 1);
    set(sim, (ps_sim_clock){.wall_jump_s = 9});
    assert_true(wall_s(sim) == 0); /* There is none. */
    ps_sim_destroy(sim);
}

/* A deadline comes at the first instant at which the clock shows it: for every drift and distance
 * it shows it then, and did not one microsecond before. */
static void a_deadline_waits_until_the_clock_shows_it(void **state)
{
    (void)state;
    const int32_t drifts[9] = {-100000, -99999, -333, -1, 0, 1, 7, 4242, 100000};
    for (size_t i = 0; i < 9; i++) {
        for (uint64_t ahead_us = 1; ahead_us < 5000000; ahead_us = ahead_us * 3 + 1) {
            log l;
            ps_sim *sim = network(&l);
            ps_sim_run_until(sim, START_US + 12345);
            set(sim, (ps_sim_clock){.drift_ppm = drifts[i], .jump_us = -777});
            ps_sim_run_until(sim, START_US + 54321);
            const uint64_t deadline_us = ps_sim_node_now_us(sim, NODE) + ahead_us;
            ps_sim_set_deadline(sim, NODE, deadline_us);
            const uint64_t at_us = ps_sim_next_us(sim);
            ps_sim_run_until(sim, at_us - 1);
            assert_int_equal(l.wakes, 0);
            assert_true(ps_sim_node_now_us(sim, NODE) < deadline_us);
            ps_sim_run_until(sim, at_us);
            assert_int_equal(l.wakes, 1);
            assert_true(l.at_us == at_us && l.shown_us >= deadline_us);
            assert_true(l.shown_us <= deadline_us + 1); /* At most a tick of a fast clock late. */
            ps_sim_destroy(sim);
        }
    }
}

static void a_running_timer_has_so_long_to_go(void **state)
{
    (void)state;
    log l;
    ps_sim *sim = network(&l);
    ps_sim_set_deadline(sim, NODE, START_US + 1000);
    set(sim, (ps_sim_clock){.jump_us = 400});
    assert_true(ps_sim_next_us(sim) == START_US + 1000);
    set(sim, (ps_sim_clock){.jump_us = -500});
    assert_true(ps_sim_next_us(sim) == START_US + 1000);
    set(sim, (ps_sim_clock){.drift_ppm = 100000});
    assert_true(ps_sim_next_us(sim) == START_US + 910);
    set(sim, (ps_sim_clock){.stopped = true});
    assert_true(ps_sim_next_us(sim) == PS_TIME_NEVER);
    ps_sim_run_until(sim, START_US + 50000);
    assert_int_equal(l.wakes, 0);
    set(sim, (ps_sim_clock){0}); /* 1000 are left. */
    assert_true(ps_sim_next_us(sim) == START_US + 51000);
    set(sim, (ps_sim_clock){.jump_us = 5000});
    assert_true(ps_sim_next_us(sim) == START_US + 51000);
    ps_sim_run_until(sim, START_US + 60000);
    assert_int_equal(l.wakes, 1);
    assert_true(l.at_us == START_US + 51000 && l.shown_us == START_US + 5900);
    set(sim, (ps_sim_clock){.jump_us = -4000}); /* What has come does not come again. */
    assert_true(ps_sim_next_us(sim) == PS_TIME_NEVER);
    ps_sim_destroy(sim);
}

static void a_stopped_clock_has_only_deadlines_that_are_due(void **state)
{
    (void)state;
    log l;
    ps_sim *sim = network(&l);
    set(sim, (ps_sim_clock){.stopped = true});
    ps_sim_set_deadline(sim, NODE, START_US + 1);
    assert_true(ps_sim_next_us(sim) == PS_TIME_NEVER);
    ps_sim_set_deadline(sim, NODE, START_US);
    assert_true(ps_sim_next_us(sim) == START_US + 1);
    ps_sim_set_deadline(sim, NODE, START_US + 1);
    ps_sim_set_deadline(sim, NODE, PS_TIME_NEVER);
    set(sim, (ps_sim_clock){0});
    assert_true(ps_sim_next_us(sim) == PS_TIME_NEVER);
    ps_sim_set_deadline(sim, NODE, PS_TIME_NEVER - 1); /* Beyond the end of time. */
    set(sim, (ps_sim_clock){.drift_ppm = -100000});
    assert_true(ps_sim_next_us(sim) == PS_TIME_NEVER);
    ps_sim_destroy(sim);
}

static void a_crash_takes_the_deadline_and_leaves_the_clock(void **state)
{
    (void)state;
    log l;
    ps_sim *sim = network(&l);
    set(sim, (ps_sim_clock){.jump_us = 70, .stopped = true});
    ps_sim_set_deadline(sim, NODE, START_US + 100);
    ps_sim_crash(sim, NODE);
    set(sim, (ps_sim_clock){0});
    ps_sim_run_until(sim, START_US + 20);
    ps_sim_restart(sim, NODE);
    assert_true(ps_sim_next_us(sim) == PS_TIME_NEVER);
    assert_true(ps_sim_node_now_us(sim, NODE) == START_US + 90);
    ps_sim_destroy(sim);
}

static void a_set_clock_is_part_of_the_trace(void **state)
{
    (void)state;
    const ps_sim_clock clocks[5] = {
        {0}, {.jump_us = -1}, {.drift_ppm = -1}, {.stopped = true}, {.wall_jump_s = -1}};
    uint64_t seen[5];
    for (size_t i = 0; i < 5; i++) {
        log l;
        ps_sim *sim = network(&l);
        set(sim, clocks[i]);
        seen[i] = ps_sim_hash(sim);
        assert_true(seen[i] != PS_SIM_FNV_BASIS);
        for (size_t k = 0; k < i; k++) {
            assert_true(seen[k] != seen[i]);
        }
        ps_sim_destroy(sim);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(impossible_clocks_are_refused),
        cmocka_unit_test(all_that_a_node_sees_is_in_its_clock),
        cmocka_unit_test(jumps_add_up_and_end_at_their_limits),
        cmocka_unit_test(drift_is_exact_over_any_time),
        cmocka_unit_test(a_stopped_clock_stands_until_it_goes_on),
        cmocka_unit_test(the_wall_jumps_for_itself_and_drifts_along),
        cmocka_unit_test(a_deadline_waits_until_the_clock_shows_it),
        cmocka_unit_test(a_running_timer_has_so_long_to_go),
        cmocka_unit_test(a_stopped_clock_has_only_deadlines_that_are_due),
        cmocka_unit_test(a_crash_takes_the_deadline_and_leaves_the_clock),
        cmocka_unit_test(a_set_clock_is_part_of_the_trace),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
