/* What the wakes of busy nodes do to themselves and to others: see work.c. */
#include "fixture.h"

#include "sim/sim_internal.h"

#define SERVER 0u
#define CLIENT 1u
#define US     1000u /* Nanoseconds. */

typedef enum deed { DEED_PAUSE, DEED_CRASH, DEED_CRASH_AND_RESTART, DEED_CHARGE_THE_OTHER } deed;

typedef struct doer {
    ps_sim *sim;
    deed deed;
    uint32_t wakes;
} doer;

static void wake_and_do(void *ctx, uint64_t now_us)
{
    doer *d = (doer *)ctx;
    (void)now_us;
    d->wakes++;
    ps_sim_charge(d->sim, SERVER, 50 * US);
    test_send(d->sim, SERVER, CLIENT, "x", 1);
    switch (d->deed) {
    case DEED_PAUSE:
        ps_sim_pause(d->sim, SERVER, 200);
        break;
    case DEED_CRASH:
        ps_sim_crash(d->sim, SERVER);
        break;
    case DEED_CRASH_AND_RESTART:
        ps_sim_crash(d->sim, SERVER);
        ps_sim_restart(d->sim, SERVER);
        test_send(d->sim, SERVER, CLIENT, "y", 1);
        break;
    case DEED_CHARGE_THE_OTHER:
        ps_sim_charge(d->sim, CLIENT, 5 * US);
        break;
    }
}

/* The server does it when it is woken, 1 us after the start. */
static ps_sim *do_it(doer *d, doer *other, deed what)
{
    ps_sim_config cfg = test_config(1, (ps_sim_link){.latency_us = 10});
    ps_sim *sim = test_network(&cfg, 0);
    *d = (doer){.sim = sim, .deed = what};
    *other = (doer){.sim = sim, .deed = DEED_CHARGE_THE_OTHER};
    const ps_sim_node_config nodes[2] = {{.wake = wake_and_do, .ctx = d},
                                         {.wake = wake_and_do, .ctx = other}};
    for (size_t i = 0; i < 2; i++) {
        uint32_t id;
        assert_int_equal(ps_sim_add_node(sim, &nodes[i], &id), PS_OK);
    }
    ps_sim_set_deadline(sim, SERVER, 0);
    return sim;
}

static void a_wake_can_pause_or_crash_its_own_node(void **state)
{
    (void)state;
    doer d;
    doer other;
    ps_sim *sim = do_it(&d, &other, DEED_PAUSE);
    ps_sim_run_until(sim, START_US + 250);
    assert_int_equal(test_stats(sim).sent, 0);
    ps_sim_step(sim);
    assert_int_equal(test_stats(sim).sent, 1);
    assert_true(ps_sim_now_us(sim) == START_US + 1 + 200 + 50);
    ps_sim_destroy(sim);
    sim = do_it(&d, &other, DEED_CRASH);
    ps_sim_step(sim);
    assert_true(ps_sim_next_us(sim) == PS_TIME_NEVER);
    assert_int_equal(test_stats(sim).sent, 0);
    assert_int_equal(test_stats(sim).packets, 0);
    ps_sim_node_load load;
    assert_int_equal(ps_sim_node_stats(sim, SERVER, &load), PS_OK);
    assert_true(load.busy_us == 0);
    ps_sim_destroy(sim);
    sim = do_it(&d, &other, DEED_CRASH_AND_RESTART);
    ps_sim_step(sim);
    assert_int_equal(test_stats(sim).sent, 1); /* The "y": it has nothing to do. */
    ps_sim_run_until(sim, START_US + 11);
    assert_int_equal(test_receive(sim, CLIENT), 'y');
    ps_sim_destroy(sim);
}

static void a_wake_can_charge_another_node_of_the_same_instant(void **state)
{
    (void)state;
    doer d;
    doer other;
    ps_sim *sim = do_it(&d, &other, DEED_CHARGE_THE_OTHER);
    ps_sim_set_deadline(sim, CLIENT, 0);
    ps_sim_step(sim);
    assert_int_equal(d.wakes, 1);
    assert_int_equal(other.wakes, 0); /* Marked, and busy by now. */
    ps_sim_run_until(sim, START_US + 1 + 4);
    assert_int_equal(other.wakes, 0);
    ps_sim_run_until(sim, START_US + 1 + 5);
    assert_int_equal(other.wakes, 1);
    ps_sim_destroy(sim);
}

static void all_nodes_can_be_busy_and_have_a_deadline(void **state)
{
    (void)state;
    const ps_sim_config cfg = test_config(1, (ps_sim_link){0});
    ps_sim *sim = test_network(&cfg, 1000);
    for (uint32_t i = 0; i < 1000; i++) {
        ps_sim_set_deadline(sim, i, START_US + 1000 - i);
        ps_sim_charge(sim, i, (i + 1) * US);
    }
    assert_int_equal(sim->queue.len, 2000);
    assert_true(sim->queue.cap >= 2000);
    ps_sim_run_until(sim, START_US + 1000);
    assert_int_equal(sim->queue.len, 0);
    ps_sim_destroy(sim);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_wake_can_pause_or_crash_its_own_node),
        cmocka_unit_test(a_wake_can_charge_another_node_of_the_same_instant),
        cmocka_unit_test(all_nodes_can_be_busy_and_have_a_deadline),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
