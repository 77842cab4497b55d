/* The stream model TCP: the equation, the start, and what a download comes to. */
#include "fixture.h"

#include "sim/sim_internal.h"

/* RFC 5348's equation, worked out in floating point elsewhere; a part in a thousand for the roots.
 */
static void the_equation_is_that_of_rfc_5348(void **state)
{
    (void)state;
    static const struct {
        uint32_t loss_ppm;
        uint64_t rtt_us, rto_us, rate;
    } cases[] = {
        {100, 50000, 250000, 3572236}, /* Mathis and others: 3,576,255. */
        {10000, 50000, 250000, 321357}, {20000, 50000, 250000, 205948},
        {20000, 10000, 210000, 646058}, {100000, 50000, 250000, 45509},
        {500000, 200000, 400000, 762},  {1000000, 50000, 250000, 176},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const uint64_t rate = ps_sim_tcp_rate(cases[i].loss_ppm, cases[i].rtt_us, cases[i].rto_us);
        assert_in_range(rate, cases[i].rate - cases[i].rate / 1000 - 1,
                        cases[i].rate + cases[i].rate / 1000 + 1);
    }
    assert_true(ps_sim_tcp_rate(0, 50000, 250000) == UINT64_MAX);
    assert_true(ps_sim_tcp_rate(2000000, 50000, 250000) == ps_sim_tcp_rate(1000000, 50000, 250000));
    assert_true(ps_sim_tcp_rate(1000000, UINT32_MAX * 4ull, UINT32_MAX * 4ull + 200000) == 1);
    assert_true(ps_sim_tcp_rate(1, 1, 1) > 0);
}

static void the_window_doubles_each_round_trip(void **state)
{
    (void)state;
    const ps_sim_way_sum sum = {.tcp = true, .loss_ppm = 100, .rtt_us = 50000, .rto_us = 250000};
    const uint64_t most = ps_sim_tcp_rate(100, 50000, 250000);
    ps_sim_flow f = {0};
    assert_int_equal(ps_sim_tcp_pace(&f, 1000000, &sum), 292000); /* 14,600 in 50 ms. */
    f.busy_until_us = 1049999;
    assert_int_equal(ps_sim_tcp_pace(&f, 1001000, &sum), 292000);
    f.busy_until_us = 1050000; /* What is sent now leaves a round trip after the first. */
    assert_int_equal(ps_sim_tcp_pace(&f, 1001000, &sum), 584000);
    assert_int_equal(ps_sim_tcp_pace(&f, 1100000, &sum), 1168000);
    assert_int_equal(ps_sim_tcp_pace(&f, 1200000, &sum), most);
    f.busy_until_us = 1200000;
    assert_int_equal(ps_sim_tcp_pace(&f, 1450000, &sum), most);   /* Idle for the timeout, */
    assert_int_equal(ps_sim_tcp_pace(&f, 1450001, &sum), 292000); /* and for longer. */
    const ps_sim_way_sum clean = {.tcp = true, .rtt_us = 1, .rto_us = 200001};
    assert_true(ps_sim_tcp_pace(&f, UINT64_C(100000000), &clean) > 0); /* Nothing overflows. */
}

/* Bytes a second of a stream from node 0 to node 1, over `seconds` from its beginning. */
static uint64_t download(ps_sim_link link, uint32_t seconds, ps_sim_link back)
{
    ps_sim_config cfg = test_config(7, link);
    cfg.stream_buffer = 1 << 20;
    ps_sim *sim = test_network(&cfg, 2);
    assert_int_equal(ps_sim_set_link(sim, 1, 0, &back), PS_OK);
    ps_stream a;
    ps_stream b;
    test_connect(sim, 0, 1, &a, &b);
    const uint64_t end_us = ps_sim_now_us(sim) + seconds * UINT64_C(1000000);
    static uint8_t buf[65536];
    uint64_t total = 0;
    while (ps_sim_now_us(sim) < end_us) {
        size_t n = 0;
        while (test_write(sim, 0, a, buf, sizeof buf, &n) == PS_OK) {
        }
        while (test_read(sim, 1, b, buf, sizeof buf, &n) == PS_OK && n > 0) {
            total += n;
        }
        assert_int_equal(ps_sim_step(sim), PS_OK);
    }
    ps_sim_destroy(sim);
    return total / seconds;
}

static void a_download_comes_to_what_the_equation_says(void **state)
{
    (void)state;
    static const uint32_t losses[] = {1000, 5000, 20000, 50000};
    for (size_t i = 0; i < sizeof losses / sizeof *losses; i++) {
        const ps_sim_link link = {.latency_us = 20000,
                                  .jitter_us = 10000,
                                  .loss_ppm = losses[i],
                                  .stream_model = PS_SIM_STREAM_TCP};
        const uint64_t rate = download(link, 100, link);
        const uint64_t expected = ps_sim_tcp_rate(losses[i], 50000, 250000);
        print_message("%u ppm: %u of %u\n", (unsigned)losses[i], (unsigned)rate,
                      (unsigned)expected);
        assert_in_range(rate, expected * 9 / 10, expected * 101 / 100);
    }
}

static void a_clean_one_has_the_window_and_the_rate(void **state)
{
    (void)state;
    ps_sim_link link = {.latency_us = 50000, .stream_model = PS_SIM_STREAM_TCP};
    const uint64_t window = download(link, 10, link); /* A mebibyte in 150 ms. */
    assert_in_range(window, 6000000, 10485760);
    link.rate_bytes_s = 1250000;
    assert_in_range(download(link, 10, link), 1150000, 1250000);
    link.loss_ppm = 20000; /* Slower than the link. */
    const uint64_t most = ps_sim_tcp_rate(20000, 100000, 300000);
    assert_in_range(download(link, 100, link), most * 9 / 10, most);
}

/* A dial that is lost waits for the timer; so says a link that loses nearly all. */
static void a_lost_dial_waits(void **state)
{
    (void)state;
    const ps_sim_link link = {
        .latency_us = 1000, .loss_ppm = 1000000, .stream_model = PS_SIM_STREAM_TCP};
    ps_sim_config cfg = test_config(7, link);
    ps_sim *sim = test_network(&cfg, 2);
    const ps_stream_transport *t = ps_sim_stream_transport(sim, 0);
    const ps_addr to = ps_sim_addr(sim, 1);
    ps_stream s;
    assert_int_equal(t->dial(t->ctx, &to, &s), PS_OK);
    /* 202 ms, and eight times more the doubled: 256 times in all. */
    assert_int_equal(ps_sim_next_us(sim), START_US + 1000 + 256 * 202000);
    ps_sim_destroy(sim);
}

static void one_model_on_the_way_is_enough(void **state)
{
    (void)state;
    ps_sim_config cfg = test_config(7, (ps_sim_link){.latency_us = 1000, .loss_ppm = 10000});
    ps_sim *sim = test_network(&cfg, 3);
    const ps_sim_link tcp = {
        .latency_us = 4000, .loss_ppm = 20000, .stream_model = PS_SIM_STREAM_TCP};
    assert_int_equal(ps_sim_set_link(sim, 1, 2, &tcp), PS_OK);
    ps_sim_conn c = {.way = {.nodes = {0, 1, 2}, .len = 3}};
    ps_sim_way_sum sum = ps_sim_way_sum_of(sim, &c, 0);
    assert_true(sum.tcp);
    assert_int_equal(sum.loss_ppm, 29800); /* 1 - 0.99 * 0.98. */
    assert_int_equal(sum.rtt_us, 1000 + 4000 + 1000 + 1000);
    assert_int_equal(sum.rto_us, 207000);
    sum = ps_sim_way_sum_of(sim, &c, 1);
    assert_false(sum.tcp);
    ps_sim_destroy(sim);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_equation_is_that_of_rfc_5348),
        cmocka_unit_test(the_window_doubles_each_round_trip),
        cmocka_unit_test(a_download_comes_to_what_the_equation_says),
        cmocka_unit_test(a_clean_one_has_the_window_and_the_rate),
        cmocka_unit_test(a_lost_dial_waits),
        cmocka_unit_test(one_model_on_the_way_is_enough),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
