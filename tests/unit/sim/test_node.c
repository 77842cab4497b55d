#include "fixture.h"

#include "sim/sim_internal.h"

typedef struct log {
    ps_sim *sim;
    uint32_t node;
    uint32_t wakes;
    uint64_t last_us;
} log;

static void wake(void *ctx, uint64_t now_us)
{
    log *l = (log *)ctx;
    l->wakes++;
    l->last_us = now_us;
}

static void addresses_follow_ids_or_the_configuration(void **state)
{
    (void)state;
    ps_sim_config cfg = test_config(1, (ps_sim_link){0});
    cfg.max_nodes = 4;
    ps_sim *sim = test_network(&cfg, 2);
    const ps_addr second = ps_sim_addr(sim, 1);
    assert_memory_equal(second.ip, "\x0a\x00\x00\x02", 4);
    assert_int_equal(second.port, 5000);
    assert_int_equal(second.family, PS_ADDR_V4);
    ps_sim_node_config node = {.addr = {.ip = {0xfd}, .port = 9, .family = PS_ADDR_V6}};
    uint32_t id;
    assert_int_equal(ps_sim_add_node(sim, &node, &id), PS_OK);
    const ps_addr third = ps_sim_addr(sim, 2);
    assert_true(ps_addr_equal(&third, &node.addr));
    assert_int_equal(ps_sim_node_find(sim, &third), 2);
    assert_int_equal(ps_sim_add_node(sim, &node, &id), PS_INVALID); /* Taken. */
    node.addr.ip[1] = 1;
    node.endpoints = 65536;
    assert_int_equal(ps_sim_add_node(sim, &node, &id), PS_INVALID); /* No such ports. */
    node.endpoints = 2;
    assert_int_equal(ps_sim_add_node(sim, &node, &id), PS_OK);
    node.addr.ip[1] = 2;
    assert_int_equal(ps_sim_add_node(sim, &node, &id), PS_INVALID); /* Full. */
    assert_null(ps_sim_transport(sim, 4));
    assert_null(ps_sim_stream_transport(sim, 4));
    assert_int_equal(ps_sim_addr(sim, 4).family, PS_ADDR_NONE);
    ps_sim_destroy(sim);
}

static void many_nodes_find_each_other(void **state)
{
    (void)state;
    ps_sim_config cfg = test_config(1, (ps_sim_link){0});
    ps_sim *sim = test_network(&cfg, 1000);
    for (uint32_t i = 0; i < 1000; i++) {
        const ps_addr addr = ps_sim_addr(sim, i);
        assert_int_equal(ps_sim_node_find(sim, &addr), i);
    }
    ps_sim_destroy(sim);
}

static void a_deadline_wakes_once_and_the_last_one_counts(void **state)
{
    (void)state;
    ps_sim_config cfg = test_config(1, (ps_sim_link){0});
    ps_sim *sim = test_network(&cfg, 0);
    log l = {.sim = sim};
    assert_int_equal(ps_sim_add_node(sim, &(ps_sim_node_config){.wake = wake, .ctx = &l}, &l.node),
                     PS_OK);
    assert_true(ps_sim_next_us(sim) == PS_TIME_NEVER);
    ps_sim_set_deadline(sim, l.node, START_US + 50);
    ps_sim_set_deadline(sim, l.node, START_US + 70);
    assert_true(ps_sim_next_us(sim) == START_US + 70);
    ps_sim_run_until(sim, START_US + 1000);
    assert_int_equal(l.wakes, 1);
    assert_true(l.last_us == START_US + 70);
    ps_sim_set_deadline(sim, l.node, 0); /* Past: one microsecond from now. */
    assert_true(ps_sim_next_us(sim) == START_US + 1001);
    ps_sim_set_deadline(sim, l.node, PS_TIME_NEVER);
    assert_int_equal(ps_sim_step(sim), PS_AGAIN);
    assert_int_equal(l.wakes, 1);
    ps_sim_destroy(sim);
}

static void a_crash_takes_what_waits_and_a_restart_begins_anew(void **state)
{
    (void)state;
    ps_sim_config cfg = test_config(1, (ps_sim_link){.latency_us = 100});
    ps_sim *sim = test_network(&cfg, 1);
    log l = {.sim = sim};
    assert_int_equal(ps_sim_add_node(sim, &(ps_sim_node_config){.wake = wake, .ctx = &l}, &l.node),
                     PS_OK);
    test_send(sim, 0, 1, "a", 1);
    ps_sim_run_until(sim, START_US + 100);
    assert_int_equal(l.wakes, 1);
    ps_sim_set_deadline(sim, 1, START_US + 150);
    test_send(sim, 0, 1, "b", 1); /* Arrives at 200, while it is down. */
    ps_sim_crash(sim, 1);
    ps_sim_crash(sim, 1);
    assert_false(ps_sim_is_up(sim, 1));
    test_send(sim, 1, 0, "c", 1); /* The dead say nothing. */
    ps_sim_set_deadline(sim, 1, START_US + 160);
    ps_sim_run_until(sim, START_US + 250);
    test_send(sim, 0, 1, "d", 1); /* Arrives at 350, after the restart at 300. */
    ps_sim_run_until(sim, START_US + 300);
    ps_sim_restart(sim, 1);
    ps_sim_restart(sim, 1);
    assert_true(ps_sim_is_up(sim, 1));
    ps_sim_run_until(sim, START_US + 1000);
    assert_int_equal(l.wakes, 2);
    assert_true(l.last_us == START_US + 350);
    assert_int_equal(test_receive(sim, 1), 'd');
    assert_int_equal(test_receive(sim, 1), -1);
    assert_int_equal(test_receive(sim, 0), -1);
    assert_int_equal(test_stats(sim).unreachable, 1);
    assert_int_equal(test_stats(sim).packets, 0);
    ps_sim_destroy(sim);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(addresses_follow_ids_or_the_configuration),
        cmocka_unit_test(many_nodes_find_each_other),
        cmocka_unit_test(a_deadline_wakes_once_and_the_last_one_counts),
        cmocka_unit_test(a_crash_takes_what_waits_and_a_restart_begins_anew),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
