#include "fixture.h"

static void impossible_configurations_are_refused(void **state)
{
    (void)state;
    ps_sim *sim = NULL;
    ps_sim_config good;
    ps_sim_config_default(&good);
    for (int i = 0; i < 9; i++) {
        ps_sim_config cfg = good;
        cfg.size -= i == 0 ? 1 : 0;
        cfg.batch = i == 1 ? 0 : i == 2 ? PS_SIM_BATCH_MAX + 1 : cfg.batch;
        cfg.max_nodes = i == 3 ? 0 : cfg.max_nodes;
        cfg.max_packets = i == 4 ? 0 : cfg.max_packets;
        cfg.receive_queue = i == 5 ? 0 : cfg.receive_queue;
        cfg.accept_queue = i == 6 ? 0 : cfg.accept_queue;
        cfg.stream_buffer = i == 7 ? 0 : cfg.stream_buffer;
        cfg.stream_retry_us = i == 8 ? 0 : cfg.stream_retry_us;
        assert_int_equal(ps_sim_create(&cfg, &sim), PS_INVALID);
    }
    assert_int_equal(ps_sim_create(NULL, &sim), PS_INVALID);
    assert_int_equal(ps_sim_create(&good, NULL), PS_INVALID);
    ps_sim_destroy(NULL);
}

static void time_moves_to_instants_and_never_back(void **state)
{
    (void)state;
    const ps_sim_config cfg = test_config(1, (ps_sim_link){.latency_us = 5});
    ps_sim *sim = test_network(&cfg, 2);
    assert_true(ps_sim_now_us(sim) == START_US);
    assert_int_equal(ps_sim_step(sim), PS_AGAIN);
    ps_sim_run_until(sim, START_US + 10);
    ps_sim_run_until(sim, START_US);
    assert_true(ps_sim_now_us(sim) == START_US + 10);
    test_send(sim, 0, 1, "x", 1);
    assert_int_equal(ps_sim_step(sim), PS_OK);
    assert_true(ps_sim_now_us(sim) == START_US + 15);
    assert_int_equal(test_stats(sim).instants, 1);
    ps_sim_destroy(sim);
}

/* The order of one instant, as sim.h tells it: arrivals as they were sent, then each node woken
 * once, by id. */
typedef struct wake_order {
    uint32_t ids[16];
    uint32_t len;
} wake_order;

typedef struct waker {
    wake_order *order;
    uint32_t id;
} waker;

static void note_wake(void *ctx, uint64_t now_us)
{
    waker *w = (waker *)ctx;
    (void)now_us;
    w->order->ids[w->order->len++] = w->id;
}

static void nodes_wake_once_by_id_after_all_arrivals(void **state)
{
    (void)state;
    const ps_sim_config cfg = test_config(1, (ps_sim_link){.latency_us = 5});
    ps_sim *sim = test_network(&cfg, 0);
    wake_order order = {.len = 0};
    static waker wakers[70];
    for (uint32_t i = 0; i < 70; i++) {
        wakers[i] = (waker){.order = &order, .id = i};
        uint32_t id;
        assert_int_equal(
            ps_sim_add_node(sim, &(ps_sim_node_config){.wake = note_wake, .ctx = &wakers[i]}, &id),
            PS_OK);
    }
    test_send(sim, 0, 69, "1", 1);
    test_send(sim, 0, 3, "2", 1);
    test_send(sim, 5, 69, "3", 1);
    ps_sim_set_deadline(sim, 3, START_US + 5);
    ps_sim_set_deadline(sim, 64, START_US + 5);
    ps_sim_set_deadline(sim, 2, START_US + 5);
    assert_int_equal(ps_sim_step(sim), PS_OK);
    const uint32_t expected[4] = {2, 3, 64, 69};
    assert_int_equal(order.len, 4);
    assert_memory_equal(order.ids, expected, sizeof expected);
    assert_int_equal(test_receive(sim, 69), '1');
    assert_int_equal(test_receive(sim, 69), '3');
    assert_int_equal(test_stats(sim).wakes, 4);
    ps_sim_destroy(sim);
}

/* ---- a small world for the hash: nodes that pass datagrams on ---- */

#define HOPPERS 6u

typedef struct hopper {
    ps_sim *sim;
    uint32_t id;
} hopper;

static void hop(void *ctx, uint64_t now_us)
{
    hopper *h = (hopper *)ctx;
    const ps_transport *t = ps_sim_transport(h->sim, h->id);
    ps_input in[PS_SIM_BATCH_MAX];
    size_t n = 0;
    while (t->receive(t->ctx, in, PS_SIM_BATCH_MAX, &n) == PS_OK) {
        for (size_t i = 0; i < n; i++) {
            uint8_t *data = in[i].u.datagram.data;
            if (data[0]-- > 0) {
                test_send(h->sim, h->id, (h->id + data[1]) % HOPPERS, data, in[i].u.datagram.len);
            }
        }
    }
    ps_sim_set_deadline(h->sim, h->id, now_us + 500 + h->id);
}

static uint64_t run_hoppers(uint64_t seed, uint32_t batch, uint32_t loss_ppm)
{
    ps_sim_config cfg = test_config(seed, (ps_sim_link){.latency_us = 20,
                                                        .jitter_us = 3,
                                                        .loss_ppm = loss_ppm,
                                                        .duplicate_ppm = 50000,
                                                        .reorder_ppm = 50000,
                                                        .reorder_us = 100});
    cfg.batch = batch;
    ps_sim *sim = test_network(&cfg, 0);
    hopper hoppers[HOPPERS];
    for (uint32_t i = 0; i < HOPPERS; i++) {
        hoppers[i] = (hopper){.sim = sim};
        const ps_sim_node_config node = {.wake = hop, .ctx = &hoppers[i]};
        assert_int_equal(ps_sim_add_node(sim, &node, &hoppers[i].id), PS_OK);
    }
    for (uint8_t i = 0; i < 200; i++) {
        const uint8_t data[3] = {20, i, i};
        test_send(sim, i % HOPPERS, (i + 1u) % HOPPERS, data, sizeof data);
    }
    ps_sim_run_until(sim, START_US + 5000);
    ps_sim_crash(sim, 2);
    ps_sim_run_until(sim, START_US + 6000);
    ps_sim_restart(sim, 2);
    ps_sim_run_until(sim, START_US + 10000);
    const uint64_t hash = ps_sim_hash(sim);
    ps_sim_destroy(sim);
    return hash;
}

static void equal_seeds_give_equal_hashes_for_every_batch(void **state)
{
    (void)state;
    const uint64_t hash = run_hoppers(1, 1, 10000);
    for (uint32_t batch = 2; batch <= PS_SIM_BATCH_MAX; batch++) {
        assert_true(run_hoppers(1, batch, 10000) == hash);
    }
}

static void other_seeds_and_settings_give_other_hashes(void **state)
{
    (void)state;
    const uint64_t hash = run_hoppers(1, 64, 10000);
    assert_true(run_hoppers(2, 64, 10000) != hash);
    assert_true(run_hoppers(1, 64, 20000) != hash);
}

/* Recorded: every compiler, optimisation and word size gives this number. */
static void the_hash_is_the_same_everywhere(void **state)
{
    (void)state;
    assert_true(run_hoppers(1, 64, 10000) == UINT64_C(0x4f27784e13136d42));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(impossible_configurations_are_refused),
        cmocka_unit_test(time_moves_to_instants_and_never_back),
        cmocka_unit_test(nodes_wake_once_by_id_after_all_arrivals),
        cmocka_unit_test(equal_seeds_give_equal_hashes_for_every_batch),
        cmocka_unit_test(other_seeds_and_settings_give_other_hashes),
        cmocka_unit_test(the_hash_is_the_same_everywhere),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
