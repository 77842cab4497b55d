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

/* What is under way to the old address arrives nowhere; all nodes are found where they are. */
static void a_node_that_moves_is_found_at_its_new_address(void **state)
{
    (void)state;
    ps_sim_config cfg = test_config(1, (ps_sim_link){.latency_us = 100});
    ps_sim *sim = test_network(&cfg, 3);
    const ps_addr old = ps_sim_addr(sim, 1);
    ps_addr other = old;
    other.ip[1] = 77;
    other.port = 6000;
    test_send(sim, 0, 1, "late", 4);
    test_send(sim, 1, 0, "last", 4);
    assert_int_equal(ps_sim_move(sim, 1, &other), PS_OK);
    ps_sim_run_until(sim, START_US + 200);
    assert_int_equal(test_receive(sim, 1), -1);
    assert_int_equal(test_stats(sim).unreachable, 1);
    const ps_transport *t = ps_sim_transport(sim, 0);
    ps_input in[2];
    size_t n = 0;
    assert_int_equal(t->receive(t->ctx, in, 2, &n), PS_OK);
    assert_true(ps_addr_equal(&in[0].u.datagram.from, &old)); /* It was sent from there. */
    test_send(sim, 0, 1, "hello", 5);
    test_send(sim, 1, 0, "hello", 5);
    ps_sim_run_until(sim, START_US + 400);
    assert_int_equal(test_receive(sim, 1), 'h');
    assert_int_equal(t->receive(t->ctx, in, 2, &n), PS_OK);
    assert_true(ps_addr_equal(&in[0].u.datagram.from, &other));
    ps_addr taken = ps_sim_addr(sim, 2);
    assert_int_equal(ps_sim_move(sim, 1, &taken), PS_INVALID);
    assert_int_equal(ps_sim_move(sim, 3, &old), PS_INVALID);
    assert_int_equal(ps_sim_move(sim, 1, &old), PS_OK); /* And back. */
    ps_sim_destroy(sim);
}

static void a_node_can_lie_about_where_it_is(void **state)
{
    (void)state;
    static const uint8_t big[PS_DATAGRAM_MAX + 1];
    ps_sim_config cfg = test_config(1, (ps_sim_link){.latency_us = 100});
    ps_sim *sim = test_network(&cfg, 2);
    const ps_addr to = ps_sim_addr(sim, 1);
    ps_addr nobody = to;
    nobody.ip[0] = 203;
    assert_int_equal(ps_sim_send_as(sim, 0, &nobody, &to, "boo", 3), PS_OK);
    assert_int_equal(ps_sim_send_as(sim, 0, &to, &nobody, "boo", 3), PS_OK);
    assert_int_equal(ps_sim_send_as(sim, 0, &to, &to, big, sizeof big), PS_INVALID);
    assert_int_equal(ps_sim_send_as(sim, 2, &to, &to, "boo", 3), PS_INVALID);
    ps_sim_run_until(sim, START_US + 100);
    const ps_transport *t = ps_sim_transport(sim, 1);
    ps_input in[2];
    size_t n = 0;
    assert_int_equal(t->receive(t->ctx, in, 2, &n), PS_OK);
    assert_int_equal(n, 1);
    assert_true(ps_addr_equal(&in[0].u.datagram.from, &nobody));
    assert_int_equal(test_stats(sim).unreachable, 1);
    ps_sim_destroy(sim);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_node_that_moves_is_found_at_its_new_address),
        cmocka_unit_test(a_node_can_lie_about_where_it_is),
        cmocka_unit_test(addresses_follow_ids_or_the_configuration),
        cmocka_unit_test(many_nodes_find_each_other),
        cmocka_unit_test(a_deadline_wakes_once_and_the_last_one_counts),
        cmocka_unit_test(a_crash_takes_what_waits_and_a_restart_begins_anew),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
