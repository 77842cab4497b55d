/* Rates of nodes: shared by all that a node sends or receives, fairly. */
#include "fixture.h"

#include "peersync/sim_nat.h"
#include "sim/sim_internal.h"

#define STREAMS 4u
#define RATE    1000000u /* A byte a microsecond. */
#define LATENCY 100u

static ps_sim *network(uint32_t nodes)
{
    ps_sim_config cfg = test_config(7, (ps_sim_link){.latency_us = LATENCY});
    return test_network(&cfg, nodes);
}

static void limit(ps_sim *sim, uint32_t node, uint64_t up, uint64_t down)
{
    const ps_sim_rate rate = {up, down, 3000, 3000};
    assert_int_equal(ps_sim_set_rate(sim, node, &rate), PS_OK);
}

static void datagrams_take_turns(void **state)
{
    (void)state;
    uint8_t data[1000] = {0};
    for (int down = 0; down < 2; down++) {
        ps_sim *sim = network(3);
        limit(sim, 0, down ? 0 : RATE, 0);
        limit(sim, 1, 0, down ? RATE : 0);
        for (uint32_t i = 0; i < 6; i++) {
            test_send(sim, 0, 1, data, sizeof data);
            test_send(sim, 1, 0, data, sizeof data); /* The other way is free. */
        }
        ps_sim_run_until(sim, START_US + LATENCY);
        assert_int_equal(test_receive_all(sim, 0), 6);
        for (uint64_t i = 1; i <= 5; i++) { /* One passes, 4,000 bytes wait behind it: */
            ps_sim_run_until(sim, START_US + LATENCY + i * 1000 - 1);
            assert_int_equal(test_receive_all(sim, 1), 0);
            ps_sim_run_until(sim, START_US + LATENCY + i * 1000);
            assert_int_equal(test_receive_all(sim, 1), 1);
        }
        assert_int_equal(test_stats(sim).link_full, 1); /* too many for a sixth. */
        assert_int_equal(test_stats(sim).packets, 0);
        ps_sim_destroy(sim);
    }
}

typedef struct pair {
    uint32_t from, to;
    ps_stream a, b;
    uint64_t bytes;
    bool quiet;
} pair;

/* Keeps the streams' writers busy and their readers quick for so long. */
static void run(ps_sim *sim, pair pairs[], size_t count, uint64_t us)
{
    static uint8_t buf[65536];
    const uint64_t end_us = ps_sim_now_us(sim) + us;
    while (ps_sim_now_us(sim) < end_us) {
        for (size_t i = 0; i < count; i++) {
            size_t n = 0;
            while (!pairs[i].quiet &&
                   test_write(sim, pairs[i].from, pairs[i].a, buf, sizeof buf, &n) == PS_OK) {
            }
            while (test_read(sim, pairs[i].to, pairs[i].b, buf, sizeof buf, &n) == PS_OK && n > 0) {
                pairs[i].bytes += n;
            }
        }
        if (ps_sim_step(sim) != PS_OK) {
            ps_sim_run_until(sim, end_us);
        }
    }
}

static void check_shares(const pair pairs[], uint32_t count, uint64_t whole)
{
    uint64_t total = 0;
    for (uint32_t i = 0; i < count; i++) {
        assert_in_range(pairs[i].bytes, whole / count * 95 / 100, whole / count * 105 / 100);
        total += pairs[i].bytes;
    }
    assert_in_range(total, whole * 98 / 100, whole * 101 / 100);
}

/* To and from different nodes, at different distances. */
static void streams_share_a_node_fairly(void **state)
{
    (void)state;
    for (int down = 0; down < 2; down++) {
        ps_sim *sim = network(1 + STREAMS);
        limit(sim, 0, down ? 0 : RATE, down ? RATE : 0);
        pair pairs[STREAMS] = {0};
        for (uint32_t i = 0; i < STREAMS; i++) {
            const ps_sim_link link = {.latency_us = 1000 + 10000 * i};
            pairs[i].from = down ? 1 + i : 0;
            pairs[i].to = down ? 0 : 1 + i;
            assert_int_equal(ps_sim_set_link(sim, pairs[i].from, pairs[i].to, &link), PS_OK);
            test_connect(sim, pairs[i].from, pairs[i].to, &pairs[i].a, &pairs[i].b);
        }
        run(sim, pairs, STREAMS, 1000000); /* Settles. */
        for (uint32_t i = 0; i < STREAMS; i++) {
            pairs[i].bytes = 0;
        }
        run(sim, pairs, STREAMS, 10000000);
        check_shares(pairs, STREAMS, 10000000);
        ps_sim_destroy(sim);
    }
}

/* A stream that loses gets less than its share; the others have what it leaves. */
static void who_needs_less_leaves_the_rest(void **state)
{
    (void)state;
    ps_sim *sim = network(3);
    limit(sim, 0, RATE, 0);
    const ps_sim_link lossy = {
        .latency_us = 25000, .loss_ppm = 20000, .stream_model = PS_SIM_STREAM_TCP};
    assert_int_equal(ps_sim_set_link(sim, 0, 1, &lossy), PS_OK);
    assert_int_equal(ps_sim_set_link(sim, 1, 0, &lossy), PS_OK);
    pair pairs[2] = {{.from = 0, .to = 1}, {.from = 0, .to = 2}};
    test_connect(sim, 0, 1, &pairs[0].a, &pairs[0].b);
    test_connect(sim, 0, 2, &pairs[1].a, &pairs[1].b);
    run(sim, pairs, 2, 20000000);
    assert_in_range(pairs[0].bytes, 205000 * 18, 206000 * 20);
    assert_in_range(pairs[0].bytes + pairs[1].bytes, 19500000, 20000000);
    ps_sim_destroy(sim);
}

/* A datagram behind four busy streams waits for one segment at most, and has its own time. */
static void datagrams_do_not_queue_behind_streams(void **state)
{
    (void)state;
    ps_sim *sim = network(1 + STREAMS);
    limit(sim, 0, RATE, 0);
    pair pairs[STREAMS] = {0};
    for (uint32_t i = 0; i < STREAMS; i++) {
        pairs[i] = (pair){.from = 0, .to = 1 + i};
        test_connect(sim, 0, 1 + i, &pairs[i].a, &pairs[i].b);
    }
    run(sim, pairs, STREAMS, 1000000);
    uint8_t data[1000] = {0};
    for (int i = 0; i < 20; i++) {
        test_send(sim, 0, 1, data, sizeof data);
        run(sim, pairs, STREAMS, PS_SIM_SEGMENT + 1000 + LATENCY);
        assert_int_equal(test_receive_all(sim, 1), 1);
    }
    /* As many as there is room for: half is theirs, no more. */
    uint32_t arrived = 0;
    const uint64_t before = test_stats(sim).stream_bytes;
    const uint64_t t0 = ps_sim_now_us(sim);
    while (ps_sim_now_us(sim) < t0 + 10000000) {
        for (uint32_t k = 0; k < 4; k++) {
            test_send(sim, 0, 1, data, sizeof data);
        }
        run(sim, pairs, STREAMS, 1000);
        arrived += test_receive_all(sim, 1);
    }
    const uint64_t streams = test_stats(sim).stream_bytes - before;
    assert_in_range(arrived, 2000, 5200);
    assert_true(streams > 4800000 && streams + arrived * 1000 > 9800000);
    ps_sim_destroy(sim);
}

/* Streams that break while they wait leave the gate in order. */
static void who_breaks_leaves_the_queue(void **state)
{
    (void)state;
    for (int up = 0; up < 2; up++) {
        ps_sim *sim = network(1 + STREAMS);
        limit(sim, 0, up ? RATE : 0, up ? 0 : RATE);
        pair pairs[STREAMS] = {0};
        for (uint32_t i = 0; i < STREAMS; i++) {
            pairs[i] = up ? (pair){.from = 0, .to = 1 + i} : (pair){.from = 1 + i, .to = 0};
            test_connect(sim, pairs[i].from, pairs[i].to, &pairs[i].a, &pairs[i].b);
        }
        run(sim, pairs, STREAMS, 500000);
        for (uint32_t i = 0; i < STREAMS; i++) {
            const uint32_t order[STREAMS] = {1, 3, 0, 2};
            ps_sim_crash(sim, 1 + order[i]);
            pairs[order[i]].quiet = true;
            const uint64_t before = test_stats(sim).stream_bytes;
            run(sim, pairs, STREAMS, 1000000);
            const uint64_t bytes = test_stats(sim).stream_bytes - before;
            assert_true(i == STREAMS - 1 ? bytes < 100000 : bytes > 850000);
            test_close(sim, 0, up ? pairs[order[i]].a : pairs[order[i]].b);
            if (i + 1 < STREAMS) {
                ps_sim_run_until(sim, ps_sim_now_us(sim) + 1000);
            }
        }
        assert_int_equal(test_stats(sim).streams_now, 0);
        test_send(sim, 0, 0, "x", 1); /* The gate is not stuck. */
        ps_sim_run_until(sim, ps_sim_now_us(sim) + 1000000);
        assert_int_equal(test_receive_all(sim, 0), 1);
        ps_sim_destroy(sim);
    }
}

static void a_rate_that_ends_lets_all_go(void **state)
{
    (void)state;
    ps_sim *sim = network(2);
    limit(sim, 0, 10, 0);
    limit(sim, 1, 0, 10);
    pair one = {.from = 0, .to = 1};
    test_connect(sim, 0, 1, &one.a, &one.b);
    uint8_t data[100] = {0};
    test_send(sim, 0, 1, data, sizeof data);
    run(sim, &one, 1, 5000000);
    assert_int_equal(one.bytes, 0);
    limit(sim, 0, 0, 0);
    limit(sim, 1, 0, 0);
    ps_sim_run_until(sim, ps_sim_now_us(sim) + UINT64_C(10000000000)); /* What passes passes. */
    run(sim, &one, 1, 100000);
    assert_true(one.bytes > 2 * 262144);
    assert_int_equal(test_receive_all(sim, 1), 1);
    assert_int_equal(ps_sim_set_rate(sim, 2, &(ps_sim_rate){0}), PS_INVALID);
    ps_sim_destroy(sim);
}

/* The uplink of a box is shared by those behind it; between them it does not count. */
static void a_box_has_its_rate_outside(void **state)
{
    (void)state;
    ps_sim *sim = network(4);
    ps_sim_nat nat;
    uint32_t box;
    ps_sim_nat_default(&nat, PS_SIM_NAT_FULL_CONE);
    assert_int_equal(ps_sim_add_nat(sim, &nat, &box), PS_OK);
    for (uint32_t i = 0; i < 3; i++) {
        assert_int_equal(ps_sim_put_behind(sim, i, box), PS_OK);
    }
    limit(sim, box, RATE, RATE);
    pair pairs[3] = {{.from = 0, .to = 3}, {.from = 1, .to = 3}, {.from = 0, .to = 2}};
    for (uint32_t i = 0; i < 3; i++) {
        test_connect(sim, pairs[i].from, pairs[i].to, &pairs[i].a, &pairs[i].b);
    }
    run(sim, pairs, 3, 2000000);
    check_shares(pairs, 2, 2000000);
    assert_true(pairs[2].bytes > 100000000);
    pairs[2].quiet = true;
    test_send(sim, 0, 3, "x", 1);
    const uint64_t t0 = ps_sim_now_us(sim);
    run(sim, pairs, 3, PS_SIM_SEGMENT + 2 * LATENCY + 1);
    assert_int_equal(test_receive_all(sim, 3), 1);
    assert_true(ps_sim_now_us(sim) - t0 > 2 * LATENCY);
    ps_sim_destroy(sim);
}

/* What a way's slowest gate is, for both directions. */
static void the_slowest_on_the_way_counts(void **state)
{
    (void)state;
    ps_sim *sim = network(3);
    ps_sim_conn c = {.way = {.nodes = {0, 1, 2}, .len = 3}};
    assert_null(ps_sim_gate_of_way(sim, &c, 0, PS_SIM_GATE_UP));
    limit(sim, 0, 300, 30);
    limit(sim, 1, 200, 20);
    limit(sim, 2, 100, 10);
    assert_int_equal(ps_sim_gate_of_way(sim, &c, 0, PS_SIM_GATE_UP)->id, 1);
    assert_int_equal(ps_sim_gate_of_way(sim, &c, 1, PS_SIM_GATE_UP)->id, 2);
    assert_int_equal(ps_sim_gate_of_way(sim, &c, 0, PS_SIM_GATE_DOWN)->id, 2);
    assert_int_equal(ps_sim_gate_of_way(sim, &c, 1, PS_SIM_GATE_DOWN)->id, 1);
    ps_sim_destroy(sim);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(datagrams_take_turns),
        cmocka_unit_test(streams_share_a_node_fairly),
        cmocka_unit_test(who_needs_less_leaves_the_rest),
        cmocka_unit_test(datagrams_do_not_queue_behind_streams),
        cmocka_unit_test(who_breaks_leaves_the_queue),
        cmocka_unit_test(a_rate_that_ends_lets_all_go),
        cmocka_unit_test(a_box_has_its_rate_outside),
        cmocka_unit_test(the_slowest_on_the_way_counts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
