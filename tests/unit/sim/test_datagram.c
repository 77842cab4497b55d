#include "fixture.h"

static ps_sim *network(uint64_t seed, ps_sim_link link, uint32_t nodes)
{
    ps_sim_config cfg = test_config(seed, link);
    return test_network(&cfg, nodes);
}

static void arrives_after_the_latency_whole_and_named(void **state)
{
    (void)state;
    ps_sim *sim = network(1, (ps_sim_link){.latency_us = 250}, 2);
    test_send(sim, 0, 1, "hello", 5);
    assert_true(ps_sim_next_us(sim) == START_US + 250);
    ps_sim_run_until(sim, START_US + 249);
    assert_int_equal(test_receive(sim, 1), -1);
    ps_sim_run_until(sim, START_US + 250);
    const ps_transport *t = ps_sim_transport(sim, 1);
    ps_input in[4];
    size_t n = 0;
    assert_int_equal(t->receive(t->ctx, in, 4, &n), PS_OK);
    assert_int_equal(n, 1);
    assert_int_equal(in[0].type, PS_INPUT_DATAGRAM);
    assert_true(in[0].now_us == START_US + 250);
    assert_int_equal(in[0].u.datagram.len, 5);
    assert_memory_equal(in[0].u.datagram.data, "hello", 5);
    const ps_addr from = ps_sim_addr(sim, 0);
    assert_true(ps_addr_equal(&in[0].u.datagram.from, &from));
    assert_int_equal(t->receive(t->ctx, in, 4, &n), PS_AGAIN);
    assert_int_equal(test_stats(sim).packets, 0);
    ps_sim_destroy(sim);
}

static void empty_longest_and_too_long_ones(void **state)
{
    (void)state;
    ps_sim *sim = network(1, (ps_sim_link){0}, 2);
    static const uint8_t big[3000];
    test_send(sim, 0, 1, big, 0);
    test_send(sim, 0, 1, big, PS_DATAGRAM_MAX);
    test_send(sim, 0, 1, big, PS_DATAGRAM_MAX + 1);
    test_send(sim, 0, 1, big, sizeof big);
    ps_sim_step(sim);
    const ps_transport *t = ps_sim_transport(sim, 1);
    ps_input in[4];
    size_t n = 0;
    assert_int_equal(t->receive(t->ctx, in, 4, &n), PS_OK);
    assert_int_equal(n, 4);
    assert_int_equal(in[0].u.datagram.len, 0);
    assert_int_equal(in[1].u.datagram.len, PS_DATAGRAM_MAX);
    assert_int_equal(in[2].u.datagram.len, PS_DATAGRAM_MAX + 1);
    assert_int_equal(in[3].u.datagram.len, PS_DATAGRAM_MAX + 1);
    ps_sim_destroy(sim);
}

/* Equal seeds draw equal fates: the run with everything lost, the run with nothing lost, and
 * shares within what 10,000 draws can be off by. */
static void loss_takes_its_share(void **state)
{
    (void)state;
    const uint32_t ppm[4] = {0, 200000, 999999, PS_SIM_PPM};
    const uint32_t low[4] = {0, 1900, 9990, 10000};
    const uint32_t high[4] = {0, 2100, 10000, 10000};
    for (int k = 0; k < 4; k++) {
        ps_sim *sim = network(3, (ps_sim_link){.loss_ppm = ppm[k]}, 2);
        uint32_t got = 0;
        for (int i = 0; i < 10000; i++) {
            test_send(sim, 0, 1, "x", 1);
            ps_sim_run_until(sim, ps_sim_now_us(sim) + 1);
            got += test_receive_all(sim, 1);
        }
        const ps_sim_stats stats = test_stats(sim);
        assert_in_range(stats.lost, low[k], high[k]);
        assert_int_equal(stats.lost + got, 10000);
        assert_int_equal(stats.delivered, got);
        ps_sim_destroy(sim);
    }
}

/* Bursts of 10 in the mean, begun by every hundredth: about 1 in 11 is lost, and they lie together.
 * Without an end all is lost from the first on. */
static void bursts_take_their_share_together(void **state)
{
    (void)state;
    const ps_sim_link bursty = {.burst_ppm = 10000, .burst_end_ppm = 100000};
    ps_sim *sim = network(3, bursty, 3);
    uint32_t bursts = 0;
    bool lost = false;
    for (uint32_t i = 0; i < 50000; i++) {
        const uint64_t before = test_stats(sim).burst_lost;
        test_send(sim, 0, 1, "x", 1);
        const bool now = test_stats(sim).burst_lost > before;
        bursts += now && !lost ? 1u : 0u;
        lost = now;
        ps_sim_run_until(sim, ps_sim_now_us(sim) + 1);
        (void)test_receive_all(sim, 1);
    }
    const ps_sim_stats stats = test_stats(sim);
    assert_in_range(stats.burst_lost, 3800, 5300);
    assert_in_range(bursts, 380, 530);
    assert_int_equal(stats.burst_lost + stats.delivered, 50000);
    assert_int_equal(stats.lost, 0);
    const ps_sim_link endless = {.burst_ppm = PS_SIM_PPM};
    const ps_sim_link none = {.loss_ppm = 0};
    ps_sim_set_default_link(sim, &endless);
    test_send(sim, 0, 2, "x", 1);
    assert_int_equal(test_stats(sim).burst_lost, stats.burst_lost + 1);
    ps_sim_set_default_link(sim, &none);
    test_send(sim, 0, 2, "x", 1);
    assert_int_equal(test_stats(sim).burst_lost, stats.burst_lost + 1);
    ps_sim_destroy(sim);
}

static void damage_arrives_and_is_counted(void **state)
{
    (void)state;
    const ps_sim_link link = {.truncate_ppm = PS_SIM_PPM, .duplicate_ppm = PS_SIM_PPM};
    ps_sim *sim = network(3, link, 2);
    const uint8_t data[100] = {0};
    test_send(sim, 0, 1, data, sizeof data);
    test_send(sim, 0, 1, data, 0); /* Nothing to cut. */
    ps_sim_step(sim);
    const ps_transport *t = ps_sim_transport(sim, 1);
    ps_input in[4];
    size_t n = 0;
    assert_int_equal(t->receive(t->ctx, in, 4, &n), PS_OK);
    assert_int_equal(n, 4);
    assert_true(in[0].u.datagram.len < 100 && in[1].u.datagram.len < 100);
    assert_true(in[0].u.datagram.len != in[1].u.datagram.len); /* Each copy for itself. */
    assert_int_equal(in[2].u.datagram.len, 0);
    assert_int_equal(test_stats(sim).truncated, 2);
    const ps_sim_link turning = {.corrupt_ppm = PS_SIM_PPM};
    ps_sim_set_default_link(sim, &turning);
    test_send(sim, 0, 1, data, sizeof data);
    ps_sim_run_until(sim, ps_sim_now_us(sim) + 1);
    assert_int_equal(t->receive(t->ctx, in, 4, &n), PS_OK);
    assert_int_equal(in[0].u.datagram.len, 100);
    assert_memory_not_equal(in[0].u.datagram.data, data, sizeof data);
    assert_int_equal(test_stats(sim).corrupted, 1);
    assert_int_equal(test_stats(sim).truncated, 2);
    assert_int_equal(test_stats(sim).delivered, 5);
    ps_sim_destroy(sim);
}

static void damage_takes_its_share(void **state)
{
    (void)state;
    const ps_sim_link link = {.truncate_ppm = 100000, .corrupt_ppm = 200000};
    ps_sim *sim = network(3, link, 2);
    for (uint32_t i = 0; i < 10000; i++) {
        test_send(sim, 0, 1, "0123456789", 10);
        ps_sim_run_until(sim, ps_sim_now_us(sim) + 1);
        (void)test_receive_all(sim, 1);
    }
    const ps_sim_stats stats = test_stats(sim);
    assert_in_range(stats.truncated, 850, 1150);
    assert_in_range(stats.corrupted, 1800, 2200); /* Less what was cut to nothing: 1 %. */
    assert_int_equal(stats.delivered, 10000);
    ps_sim_destroy(sim);
}

static void duplication_brings_two(void **state)
{
    (void)state;
    const ps_sim_link link = {.latency_us = 10, .jitter_us = 5, .duplicate_ppm = PS_SIM_PPM};
    ps_sim *sim = network(3, link, 2);
    test_send(sim, 0, 1, "d", 1);
    ps_sim_run_until(sim, START_US + 15);
    assert_int_equal(test_receive(sim, 1), 'd');
    assert_int_equal(test_receive(sim, 1), 'd');
    assert_int_equal(test_receive(sim, 1), -1);
    assert_int_equal(test_stats(sim).duplicated, 1);
    ps_sim_destroy(sim);
}

/* Every one is held for 1 to 100 us more; without jitter, nothing else could turn them round. */
static void reordering_holds_back(void **state)
{
    (void)state;
    const ps_sim_link all = {.latency_us = 10, .reorder_ppm = PS_SIM_PPM, .reorder_us = 100};
    ps_sim *sim = network(3, all, 2);
    for (uint8_t i = 0; i < 50; i++) {
        test_send(sim, 0, 1, &i, 1);
    }
    ps_sim_run_until(sim, START_US + 10);
    assert_int_equal(test_receive(sim, 1), -1);
    ps_sim_run_until(sim, START_US + 110);
    uint32_t turned = 0;
    int last = -1;
    for (int i = 0; i < 50; i++) {
        const int now = test_receive(sim, 1);
        assert_true(now >= 0);
        turned += now < last ? 1u : 0u;
        last = now;
    }
    assert_true(turned > 10);
    assert_int_equal(test_stats(sim).reordered, 50);
    ps_sim_destroy(sim);
}

/* One setting's faults do not move another's: the same datagrams are lost with and without
 * duplication and jitter, and with and without damage. */
static void faults_are_drawn_apart(void **state)
{
    (void)state;
    const ps_sim_link plain = {.loss_ppm = 300000};
    const ps_sim_link rich = {.loss_ppm = 300000,
                              .duplicate_ppm = 500000,
                              .jitter_us = 1000,
                              .reorder_ppm = 500000,
                              .reorder_us = 7};
    ps_sim *a = network(9, plain, 2);
    const ps_sim_link broken = {.loss_ppm = 300000, .truncate_ppm = 500000, .corrupt_ppm = 500000};
    ps_sim *b = network(9, rich, 2);
    ps_sim *c = network(9, broken, 2);
    for (int i = 0; i < 1000; i++) {
        test_send(a, 0, 1, "x", 1);
        test_send(b, 0, 1, "x", 1);
        test_send(c, 0, 1, "x", 1);
        assert_int_equal(test_stats(a).lost, test_stats(b).lost);
        assert_int_equal(test_stats(a).lost, test_stats(c).lost);
    }
    ps_sim_destroy(a);
    ps_sim_destroy(b);
    ps_sim_destroy(c);
}

static void a_rate_delays_and_its_queue_drops(void **state)
{
    (void)state;
    const ps_sim_link link = {.latency_us = 10, .rate_bytes_s = 1000000, .queue_bytes = 100};
    ps_sim *sim = network(3, link, 2);
    const uint8_t data[100] = {0};
    for (int i = 0; i < 4; i++) {
        test_send(sim, 0, 1, data, sizeof data);
    }
    test_send(sim, 1, 0, data, sizeof data); /* The way back has a rate of its own. */
    ps_sim_run_until(sim, START_US + 110);
    assert_int_equal(test_receive_all(sim, 1), 1);
    assert_int_equal(test_receive_all(sim, 0), 1);
    ps_sim_run_until(sim, START_US + 209);
    assert_int_equal(test_receive_all(sim, 1), 0);
    ps_sim_run_until(sim, START_US + 1000);
    assert_int_equal(test_receive_all(sim, 1), 1);
    assert_int_equal(test_stats(sim).link_full, 2);
    ps_sim_destroy(sim);
}

static void a_partition_stops_what_is_sent_and_what_is_under_way(void **state)
{
    (void)state;
    ps_sim *sim = network(3, (ps_sim_link){.latency_us = 100}, 2);
    const uint32_t zero = 0;
    const uint32_t one = 1;
    uint32_t id;
    test_send(sim, 0, 1, "a", 1); /* Would arrive at 100. */
    test_send(sim, 1, 0, "b", 1);
    ps_sim_run_until(sim, START_US + 50);
    assert_int_equal(ps_sim_partition(sim, &zero, 1, &one, 1, true, &id), PS_OK);
    test_send(sim, 0, 1, "c", 1);
    ps_sim_run_until(sim, START_US + 110);
    assert_int_equal(test_receive(sim, 0), 'b'); /* One way only. */
    assert_int_equal(test_stats(sim).cut, 2);
    ps_sim_heal(sim, id);
    test_send(sim, 0, 1, "d", 1);
    ps_sim_run_until(sim, START_US + 300);
    assert_int_equal(test_receive(sim, 1), 'd');
    assert_int_equal(test_receive(sim, 1), -1);
    ps_sim_destroy(sim);
}

static void a_full_receive_queue_drops_the_newest(void **state)
{
    (void)state;
    ps_sim_config cfg = test_config(1, (ps_sim_link){0});
    cfg.receive_queue = 3;
    ps_sim *sim = test_network(&cfg, 2);
    for (uint8_t i = 1; i <= 5; i++) {
        test_send(sim, 0, 1, &i, 1);
    }
    ps_sim_step(sim);
    for (int i = 1; i <= 3; i++) {
        assert_int_equal(test_receive(sim, 1), i);
    }
    assert_int_equal(test_receive(sim, 1), -1);
    assert_int_equal(test_stats(sim).queue_full, 2);
    ps_sim_destroy(sim);
}

static void a_batch_limits_what_is_handed_out(void **state)
{
    (void)state;
    ps_sim_config cfg = test_config(1, (ps_sim_link){0});
    for (uint32_t batch = 1; batch <= PS_SIM_BATCH_MAX; batch += 21) {
        cfg.batch = batch;
        ps_sim *sim = test_network(&cfg, 2);
        for (int i = 0; i < 100; i++) {
            test_send(sim, 0, 1, "x", 1);
        }
        ps_sim_step(sim);
        const ps_transport *t = ps_sim_transport(sim, 1);
        ps_input in[100];
        size_t n = 0;
        assert_int_equal(t->receive(t->ctx, in, 100, &n), PS_OK);
        assert_int_equal(n, batch);
        assert_int_equal(t->receive(t->ctx, in, 1, &n), PS_OK);
        assert_int_equal(n, 1);
        ps_sim_destroy(sim);
    }
}

static void endpoints_have_ports_of_their_own(void **state)
{
    (void)state;
    ps_sim *sim = network(1, (ps_sim_link){0}, 1);
    uint32_t two;
    assert_int_equal(ps_sim_add_node(sim, &(ps_sim_node_config){.endpoints = 2}, &two), PS_OK);
    const ps_transport *t = ps_sim_transport(sim, two);
    ps_addr addrs[3];
    assert_int_equal(t->endpoints(t->ctx, addrs, 1), 2);
    assert_int_equal(t->endpoints(t->ctx, addrs, 3), 2);
    assert_int_equal(addrs[1].port, addrs[0].port + 1);
    const ps_addr to = ps_sim_addr(sim, 0);
    const ps_datagram out[3] = {{.to = to, .endpoint = 1, .len = 1},
                                {.to = to, .endpoint = 2, .len = 1},
                                {.to = addrs[1], .endpoint = 0, .len = 1}};
    size_t sent = 0;
    assert_int_equal(t->send(t->ctx, (const uint8_t *)"x", out, 3, &sent), PS_OK);
    assert_int_equal(sent, 3);
    ps_sim_step(sim);
    ps_input in[4];
    size_t n = 0;
    assert_int_equal(t->receive(t->ctx, in, 4, &n), PS_OK);
    assert_int_equal(in[0].u.datagram.endpoint, 1);
    assert_int_equal(in[0].u.datagram.from.port, 5000);
    t = ps_sim_transport(sim, 0);
    assert_int_equal(t->receive(t->ctx, in, 4, &n), PS_OK);
    assert_int_equal(n, 1); /* Endpoint 2 does not exist. */
    assert_true(ps_addr_equal(&in[0].u.datagram.from, &addrs[1]));
    assert_int_equal(test_stats(sim).unreachable, 1);
    ps_sim_destroy(sim);
}

static void tells_the_time_and_gives_randomness(void **state)
{
    (void)state;
    ps_sim_config cfg = test_config(1, (ps_sim_link){0});
    cfg.start_wall_s = 1700000000;
    ps_sim *sim = test_network(&cfg, 1);
    const ps_transport *t = ps_sim_transport(sim, 0);
    ps_sim_run_until(sim, START_US + 2500000);
    assert_true(t->now_us(t->ctx) == START_US + 2500000);
    assert_true(t->wall_s(t->ctx) == 1700000002);
    uint8_t a[32] = {0};
    uint8_t b[32] = {0};
    assert_int_equal(t->entropy(t->ctx, a, sizeof a), PS_OK);
    assert_int_equal(t->entropy(t->ctx, b, sizeof b), PS_OK);
    assert_memory_not_equal(a, b, sizeof a);
    ps_sim_destroy(sim);
    cfg.start_wall_s = 0;
    sim = test_network(&cfg, 1);
    t = ps_sim_transport(sim, 0);
    assert_true(t->wall_s(t->ctx) == 0);
    ps_sim_destroy(sim);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(arrives_after_the_latency_whole_and_named),
        cmocka_unit_test(empty_longest_and_too_long_ones),
        cmocka_unit_test(loss_takes_its_share),
        cmocka_unit_test(bursts_take_their_share_together),
        cmocka_unit_test(damage_arrives_and_is_counted),
        cmocka_unit_test(damage_takes_its_share),
        cmocka_unit_test(duplication_brings_two),
        cmocka_unit_test(reordering_holds_back),
        cmocka_unit_test(faults_are_drawn_apart),
        cmocka_unit_test(a_rate_delays_and_its_queue_drops),
        cmocka_unit_test(a_partition_stops_what_is_sent_and_what_is_under_way),
        cmocka_unit_test(a_full_receive_queue_drops_the_newest),
        cmocka_unit_test(a_batch_limits_what_is_handed_out),
        cmocka_unit_test(endpoints_have_ports_of_their_own),
        cmocka_unit_test(tells_the_time_and_gives_randomness),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
