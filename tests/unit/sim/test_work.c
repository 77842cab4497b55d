#include "fixture.h"

#include "sim/sim_internal.h"

#define SERVER 0u
#define CLIENT 1u
#define US     1000u /* Nanoseconds. */

/* A node that reads all that there is; for as many as come at a time it does as a pump and its host
 * do: it answers all, then charges itself `cost_ns` for each. */
typedef struct host {
    ps_sim *sim;
    uint32_t cost_ns;
    uint32_t wakes, read;
    uint64_t at_us; /* Of the last wake, in the simulator's time. */
} host;

static void answer(host *h, const ps_input *in)
{
    const ps_transport *t = ps_sim_transport(h->sim, SERVER);
    const ps_datagram dg = {.to = in->u.datagram.from, .len = (uint32_t)in->u.datagram.len};
    size_t sent = 0;
    assert_int_equal(t->send(t->ctx, in->u.datagram.data, &dg, 1, &sent), PS_OK);
}

static void wake(void *ctx, uint64_t now_us)
{
    host *h = (host *)ctx;
    const ps_transport *t = ps_sim_transport(h->sim, SERVER);
    ps_input in[PS_SIM_BATCH_MAX];
    size_t n = 0;
    h->wakes++;
    h->at_us = ps_sim_now_us(h->sim);
    assert_true(now_us == ps_sim_node_now_us(h->sim, SERVER));
    while (t->receive(t->ctx, in, PS_SIM_BATCH_MAX, &n) == PS_OK) {
        h->read += (uint32_t)n;
        for (size_t i = 0; i < n; i++) {
            answer(h, &in[i]);
        }
        if (h->cost_ns > 0) {
            ps_sim_charge(h->sim, SERVER, n * h->cost_ns);
        }
    }
}

/* The server, and a client that nobody wakes; 10 us between them. */
static ps_sim *network(host *h, uint32_t batch, uint32_t receive_cost_ns, uint32_t receive_queue)
{
    ps_sim_config cfg = test_config(1, (ps_sim_link){.latency_us = 10});
    cfg.batch = batch;
    ps_sim *sim = test_network(&cfg, 0);
    *h = (host){.sim = sim};
    const ps_sim_node_config node = {
        .wake = wake, .ctx = h, .receive_cost_ns = receive_cost_ns, .receive_queue = receive_queue};
    uint32_t id;
    assert_int_equal(ps_sim_add_node(sim, &node, &id), PS_OK);
    assert_int_equal(ps_sim_add_node(sim, &(ps_sim_node_config){0}, &id), PS_OK);
    return sim;
}

static ps_sim_node_load load_of(const ps_sim *sim)
{
    ps_sim_node_load load;
    assert_int_equal(ps_sim_node_stats(sim, SERVER, &load), PS_OK);
    return load;
}

static void ask(ps_sim *sim, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        const uint8_t data = (uint8_t)(i + 1);
        test_send(sim, CLIENT, SERVER, &data, 1);
    }
}

/* When so many datagrams have arrived, at both. */
static uint64_t answered_at(ps_sim *sim, uint32_t count)
{
    while (test_stats(sim).delivered < count) {
        assert_int_equal(ps_sim_step(sim), PS_OK);
    }
    return ps_sim_now_us(sim);
}

static void receiving_costs_what_it_was_told(void **state)
{
    (void)state;
    host h;
    ps_sim *sim = network(&h, 64, 1500, 0);
    ask(sim, 3); /* 4.5 us from 10 on: the answers leave at 15. */
    assert_true(answered_at(sim, 4) == START_US + 25);
    assert_int_equal(test_receive_all(sim, CLIENT), 3);
    assert_int_equal(h.wakes, 1);
    assert_true(load_of(sim).busy_us == 4);
    ask(sim, 1); /* Arrives at 35, when it is long free: 1.5 us from then. */
    assert_true(answered_at(sim, 8) == START_US + 35 + 2 + 10);
    assert_true(load_of(sim).busy_us == 6);
    assert_int_equal(load_of(sim).wakes, 2);
    ps_sim_destroy(sim);
}

static void charges_follow_each_other_to_the_nanosecond(void **state)
{
    (void)state;
    host h;
    ps_sim *sim = network(&h, 64, 0, 0);
    ps_sim_charge(sim, SERVER, 700);
    assert_true(ps_sim_next_us(sim) == START_US + 1);
    ps_sim_charge(sim, SERVER, 300);
    assert_true(ps_sim_next_us(sim) == START_US + 1);
    ps_sim_charge(sim, SERVER, 1);
    assert_true(ps_sim_next_us(sim) == START_US + 2);
    ps_sim_charge(sim, SERVER, 99 * US);
    assert_true(ps_sim_next_us(sim) == START_US + 101);
    assert_true(load_of(sim).busy_us == 0);
    ps_sim_run_until(sim, START_US + 40);
    assert_true(load_of(sim).busy_us == 40);
    ps_sim_run_until(sim, START_US + 1000);
    assert_true(load_of(sim).busy_us == 100);
    ps_sim_charge(sim, SERVER, 5 * US); /* From now, not from the end of the last. */
    assert_true(ps_sim_next_us(sim) == START_US + 1005);
    ps_sim_charge(sim, 2, 1); /* Nobody. */
    ps_sim_node_load load;
    assert_int_equal(ps_sim_node_stats(sim, 2, &load), PS_INVALID);
    assert_int_equal(ps_sim_node_stats(sim, SERVER, NULL), PS_INVALID);
    assert_int_equal(h.wakes, 0);
    ps_sim_destroy(sim);
}

static void a_busy_node_is_woken_once_when_it_is_free(void **state)
{
    (void)state;
    host h;
    ps_sim *sim = network(&h, 64, 0, 0);
    ps_sim_charge(sim, SERVER, 100 * US);
    ps_sim_set_deadline(sim, SERVER, START_US + 50);
    ask(sim, 2);
    ps_sim_run_until(sim, START_US + 20);
    ask(sim, 1);
    ps_sim_run_until(sim, START_US + 99);
    assert_int_equal(h.wakes, 0);
    assert_int_equal(load_of(sim).waiting, 3);
    ps_sim_run_until(sim, START_US + 100);
    assert_int_equal(h.wakes, 1);
    assert_int_equal(h.read, 3);
    assert_int_equal(load_of(sim).waiting, 0);
    assert_true(ps_sim_next_us(sim) == START_US + 110); /* The answers; the deadline was woken. */
    ps_sim_run_until(sim, START_US + 1000);
    assert_int_equal(h.wakes, 1);
    ps_sim_charge(sim, SERVER, 100 * US); /* Free again without a reason to wake it. */
    ps_sim_run_until(sim, START_US + 2000);
    assert_int_equal(h.wakes, 1);
    ps_sim_destroy(sim);
}

/* What arrives in the very instant meets the full queue, and what waits is read in that instant. */
static void the_queue_of_a_busy_node_overflows(void **state)
{
    (void)state;
    host h;
    ps_sim *sim = network(&h, 64, 0, 3);
    ps_sim_charge(sim, SERVER, 30 * US);
    ask(sim, 5);
    ps_sim_run_until(sim, START_US + 20);
    assert_int_equal(load_of(sim).queue_full, 2);
    ask(sim, 1);
    ps_sim_run_until(sim, START_US + 30);
    assert_int_equal(h.read, 3);
    assert_int_equal(load_of(sim).queue_full, 3);
    assert_int_equal(test_stats(sim).queue_full, 3);
    for (int i = 0; i < 5; i++) {
        test_send(sim, SERVER, CLIENT, "x", 1); /* The client's is the simulator's: 1024. */
    }
    ps_sim_run_until(sim, START_US + 40);
    assert_int_equal(test_receive_all(sim, CLIENT), 8);
    ps_sim_destroy(sim);
}

static void what_is_sent_at_work_leaves_when_it_is_done(void **state)
{
    (void)state;
    host h;
    ps_sim *sim = network(&h, 64, 0, 0);
    test_send(sim, SERVER, CLIENT, "a", 1); /* Free: at once. */
    ps_sim_charge(sim, SERVER, 2500);
    test_send(sim, SERVER, CLIENT, "b", 1);
    test_send(sim, SERVER, CLIENT, "c", 1);
    assert_int_equal(test_stats(sim).sent, 1);
    ps_sim_run_until(sim, START_US + 3);
    assert_int_equal(test_stats(sim).sent, 3);
    ps_sim_run_until(sim, START_US + 12);
    assert_int_equal(test_receive(sim, CLIENT), 'a');
    assert_int_equal(test_receive(sim, CLIENT), -1);
    ps_sim_run_until(sim, START_US + 13);
    assert_int_equal(test_receive(sim, CLIENT), 'b');
    assert_int_equal(test_receive(sim, CLIENT), 'c');
    ps_sim_charge(sim, SERVER, 5 * US);
    static const uint8_t big[PS_DATAGRAM_MAX + 100];
    test_send(sim, SERVER, CLIENT, big, sizeof big);
    ps_sim_run_until(sim, START_US + 28);
    const ps_transport *t = ps_sim_transport(sim, CLIENT);
    ps_input in[1];
    size_t n = 0;
    assert_int_equal(t->receive(t->ctx, in, 1, &n), PS_OK);
    assert_int_equal(in[0].u.datagram.len, PS_DATAGRAM_MAX + 1);
    assert_int_equal(t->receive(t->ctx, in, 1, &n), PS_AGAIN);
    assert_int_equal(test_stats(sim).packets, 0);
    ps_sim_destroy(sim);
}

static void what_is_held_back_takes_its_place_in_the_pool(void **state)
{
    (void)state;
    ps_sim_config cfg = test_config(1, (ps_sim_link){0});
    cfg.max_packets = PS_SIM_CHUNK;
    ps_sim *sim = test_network(&cfg, 2);
    ps_sim_charge(sim, SERVER, US);
    for (uint32_t i = 0; i < PS_SIM_CHUNK + 2; i++) {
        test_send(sim, SERVER, CLIENT, "x", 1);
    }
    assert_int_equal(test_stats(sim).exhausted, 2);
    ps_sim_run_until(sim, START_US + 2);
    assert_int_equal(test_stats(sim).exhausted, 2);
    assert_int_equal(test_receive_all(sim, CLIENT), PS_SIM_CHUNK);
    ps_sim_destroy(sim);
}

/* A hundred wait: 64 are read, and the others only when the work for those is done. */
static void a_costly_node_reads_one_turn_in_a_wake(void **state)
{
    (void)state;
    const uint32_t batches[4] = {1, 7, 63, 64};
    for (size_t i = 0; i < 4; i++) {
        host h;
        ps_sim *sim = network(&h, batches[i], 1500, 0);
        ask(sim, 100);
        ps_sim_run_until(sim, START_US + 10);
        assert_int_equal(h.read, 64);
        assert_int_equal(load_of(sim).waiting, 36);
        ps_sim_run_until(sim, START_US + 10 + 95);
        assert_int_equal(h.wakes, 1);
        ps_sim_run_until(sim, START_US + 10 + 96);
        assert_int_equal(h.wakes, 2);
        assert_int_equal(h.read, 100);
        ps_sim_run_until(sim, START_US + 10 + 96 + 54 + 10);
        assert_int_equal(test_receive_all(sim, CLIENT), 100);
        assert_int_equal(h.wakes, 2);
        assert_true(load_of(sim).busy_us == 150);
        ps_sim_destroy(sim);
    }
}

static void a_paused_node_sleeps_while_its_clock_goes_on(void **state)
{
    (void)state;
    host h;
    ps_sim *sim = network(&h, 64, 0, 2);
    ps_sim_pause(sim, SERVER, 500);
    ps_sim_set_deadline(sim, SERVER, START_US + 300);
    ask(sim, 3);
    test_send(sim, SERVER, CLIENT, "x", 1); /* It says nothing. */
    ps_sim_run_until(sim, START_US + 499);
    assert_int_equal(h.wakes, 0);
    assert_int_equal(load_of(sim).waiting, 2);
    assert_int_equal(load_of(sim).queue_full, 1);
    assert_int_equal(test_receive(sim, CLIENT), -1);
    assert_true(ps_sim_node_now_us(sim, SERVER) == START_US + 499);
    ps_sim_run_until(sim, START_US + 510);
    assert_int_equal(h.wakes, 1);
    assert_true(h.at_us == START_US + 500);
    assert_int_equal(test_receive_all(sim, CLIENT), 3);
    assert_true(load_of(sim).busy_us == 0);
    ps_sim_destroy(sim);
}

static void pauses_lengthen_to_the_later_end(void **state)
{
    (void)state;
    host h;
    ps_sim *sim = network(&h, 64, 0, 0);
    ps_sim_pause(sim, SERVER, 0);
    ps_sim_pause(sim, 2, 10); /* Nobody. */
    assert_true(ps_sim_next_us(sim) == PS_TIME_NEVER);
    ps_sim_pause(sim, SERVER, 500);
    ps_sim_pause(sim, SERVER, 100);
    assert_true(ps_sim_next_us(sim) == START_US + 500);
    ps_sim_pause(sim, SERVER, 700);
    assert_true(ps_sim_next_us(sim) == START_US + 700);
    ps_sim_run_until(sim, START_US + 600);
    ps_sim_pause(sim, SERVER, 200);
    assert_true(ps_sim_next_us(sim) == START_US + 800);
    ps_sim_pause(sim, SERVER, UINT64_MAX); /* As good as for ever. */
    assert_true(ps_sim_next_us(sim) == UINT64_C(1) << 63);
    ps_sim_destroy(sim);
}

static void work_stands_still_in_a_pause(void **state)
{
    (void)state;
    host h;
    ps_sim *sim = network(&h, 64, 0, 0);
    ps_sim_charge(sim, SERVER, 100500);
    ps_sim_run_until(sim, START_US + 40);
    ps_sim_pause(sim, SERVER, 1000); /* 60.5 us are left after 1040. */
    assert_true(ps_sim_next_us(sim) == START_US + 1101);
    ps_sim_run_until(sim, START_US + 900);
    assert_true(load_of(sim).busy_us == 40);
    ps_sim_pause(sim, SERVER, 240); /* To 1140. */
    assert_true(ps_sim_next_us(sim) == START_US + 1201);
    ps_sim_charge(sim, SERVER, 500);
    assert_true(ps_sim_next_us(sim) == START_US + 1201);
    ps_sim_run_until(sim, START_US + 1150);
    assert_true(load_of(sim).busy_us == 50);
    ps_sim_run_until(sim, START_US + 2000);
    assert_true(load_of(sim).busy_us == 101);
    ps_sim_pause(sim, SERVER, 10);
    ps_sim_charge(sim, SERVER, 7 * US); /* Begins when the pause is over. */
    assert_true(ps_sim_next_us(sim) == START_US + 2017);
    ps_sim_destroy(sim);
}

static void a_crash_ends_work_and_pause(void **state)
{
    (void)state;
    host h;
    ps_sim *sim = network(&h, 64, 0, 0);
    ps_sim_charge(sim, SERVER, 100 * US);
    test_send(sim, SERVER, CLIENT, "x", 1);
    ask(sim, 1);
    ps_sim_run_until(sim, START_US + 30);
    ps_sim_pause(sim, SERVER, 500);
    ps_sim_crash(sim, SERVER);
    ps_sim_charge(sim, SERVER, 100 * US); /* The dead do not work, */
    ps_sim_pause(sim, SERVER, 100);       /* nor rest. */
    assert_true(ps_sim_next_us(sim) == PS_TIME_NEVER);
    assert_int_equal(test_stats(sim).packets, 0);
    ps_sim_restart(sim, SERVER);
    assert_true(load_of(sim).busy_us == 30);
    ask(sim, 1);
    ps_sim_charge(sim, SERVER, 5 * US);
    ps_sim_run_until(sim, START_US + 39);
    assert_int_equal(h.wakes, 0); /* What the dead were owed is forgotten. */
    ps_sim_run_until(sim, START_US + 40);
    assert_int_equal(h.wakes, 1);
    assert_int_equal(h.read, 1);
    ps_sim_run_until(sim, START_US + 1000);
    assert_int_equal(test_receive_all(sim, CLIENT), 1); /* The answer; not the "x". */
    ps_sim_destroy(sim);
}

static void a_deadline_and_a_free_node_meet_in_one_wake(void **state)
{
    (void)state;
    host h;
    ps_sim *sim = network(&h, 64, 0, 0);
    ps_sim_charge(sim, SERVER, 10 * US);
    ps_sim_set_deadline(sim, SERVER, START_US + 10);
    ask(sim, 1); /* Arrives at 10. */
    test_send(sim, SERVER, CLIENT, "x", 1);
    ps_sim_run_until(sim, START_US + 10);
    assert_int_equal(h.wakes, 1);
    assert_int_equal(h.read, 1);
    ps_sim_run_until(sim, START_US + 20);
    assert_int_equal(test_receive(sim, CLIENT), 'x'); /* Left before the wake's answer. */
    assert_int_equal(test_receive(sim, CLIENT), 1);
    ps_sim_destroy(sim);
}

static void a_busy_node_hears_of_its_streams_when_it_is_free(void **state)
{
    (void)state;
    host h;
    ps_sim *sim = network(&h, 64, 0, 0);
    ps_stream at_server = 0;
    ps_stream at_client = 0;
    test_connect(sim, CLIENT, SERVER, &at_client, &at_server);
    const uint32_t wakes = h.wakes;
    const uint64_t now_us = ps_sim_now_us(sim);
    size_t n = 0;
    ps_sim_charge(sim, SERVER, 300 * US);
    assert_int_equal(test_write(sim, CLIENT, at_client, "x", 1, &n), PS_OK);
    ps_sim_run_until(sim, now_us + 299);
    assert_int_equal(h.wakes, wakes);
    ps_sim_run_until(sim, now_us + 300);
    assert_int_equal(h.wakes, wakes + 1);
    ps_sim_destroy(sim);
}

/* ---- the batch does not show ---- */

typedef struct run {
    uint64_t hash, busy_us;
    uint32_t answers;
} run;

/* Datagrams in clusters over a bad link, at a server that works, is paused and is put wrong. */
static run run_server(uint64_t seed, uint32_t batch, uint32_t cost_ns)
{
    host h;
    ps_sim *sim = network(&h, batch, cost_ns, 100);
    h.cost_ns = 20 * US;
    ps_sim_charge(sim, SERVER, 0);
    const ps_sim_link link = {.latency_us = 50,
                              .jitter_us = 20,
                              .duplicate_ppm = 100000,
                              .burst_ppm = 10000,
                              .burst_end_ppm = 200000,
                              .truncate_ppm = 50000,
                              .corrupt_ppm = 50000};
    ps_sim_set_default_link(sim, &link);
    uint32_t answers = 0;
    for (uint64_t i = 0; i < 200 + seed; i++) {
        ask(sim, 1 + (uint32_t)(i * i % 90));
        if (i % 50 == 7) {
            ps_sim_pause(sim, SERVER, 3000);
        }
        if (i % 60 == 9) {
            const ps_sim_clock clock = {.jump_us = -100, .drift_ppm = 5000};
            assert_int_equal(ps_sim_set_clock(sim, SERVER, &clock), PS_OK);
        }
        ps_sim_run_until(sim, ps_sim_now_us(sim) + 1000);
        answers += test_receive_all(sim, CLIENT);
    }
    assert_true(h.wakes > 100 && load_of(sim).queue_full > 100);
    const run r = {ps_sim_hash(sim), load_of(sim).busy_us, answers};
    ps_sim_destroy(sim);
    return r;
}

static void equal_runs_are_equal_for_every_batch(void **state)
{
    (void)state;
    const uint32_t costs[2] = {0, 1500};
    for (size_t i = 0; i < 2; i++) {
        const run one = run_server(1, 1, costs[i]);
        const uint32_t batches[4] = {1, 7, 63, 64};
        for (size_t k = 0; k < 4; k++) {
            const run other = run_server(1, batches[k], costs[i]);
            assert_true(other.hash == one.hash);
            assert_true(other.busy_us == one.busy_us);
            assert_int_equal(other.answers, one.answers);
        }
        assert_true(run_server(2, 1, costs[i]).hash != one.hash);
        assert_true(run_server(1, 1, costs[i] + 1).hash != one.hash);
    }
}

/* Recorded: every compiler, optimisation and word size gives this number. */
static void the_hash_is_the_same_everywhere(void **state)
{
    (void)state;
    assert_true(run_server(1, 64, 1500).hash == UINT64_C(0x7a5450b5d1e405a4));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(receiving_costs_what_it_was_told),
        cmocka_unit_test(charges_follow_each_other_to_the_nanosecond),
        cmocka_unit_test(a_busy_node_is_woken_once_when_it_is_free),
        cmocka_unit_test(the_queue_of_a_busy_node_overflows),
        cmocka_unit_test(what_is_sent_at_work_leaves_when_it_is_done),
        cmocka_unit_test(what_is_held_back_takes_its_place_in_the_pool),
        cmocka_unit_test(a_costly_node_reads_one_turn_in_a_wake),
        cmocka_unit_test(a_paused_node_sleeps_while_its_clock_goes_on),
        cmocka_unit_test(pauses_lengthen_to_the_later_end),
        cmocka_unit_test(work_stands_still_in_a_pause),
        cmocka_unit_test(a_crash_ends_work_and_pause),
        cmocka_unit_test(a_deadline_and_a_free_node_meet_in_one_wake),
        cmocka_unit_test(a_busy_node_hears_of_its_streams_when_it_is_free),
        cmocka_unit_test(equal_runs_are_equal_for_every_batch),
        cmocka_unit_test(the_hash_is_the_same_everywhere),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
