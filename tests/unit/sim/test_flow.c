#include "fixture.h"

#include "sim/sim_internal.h"

#define BUFFER 1000u

static ps_sim *network(ps_sim_link link)
{
    ps_sim_config cfg = test_config(4, link);
    cfg.stream_buffer = BUFFER;
    cfg.stream_retry_us = 1000;
    cfg.stream_reset_us = 5000;
    return test_network(&cfg, 2);
}

static uint8_t byte_at(uint64_t i)
{
    return (uint8_t)(i * 7 + i / 251);
}

/* The window follows what was read: never more than the buffer is under way or unread, and all
 * bytes arrive in order whatever the sizes of writes and reads, round the ring many times. */
static void bytes_arrive_in_order_within_the_buffer(void **state)
{
    (void)state;
    const ps_sim_link link = {.latency_us = 30, .jitter_us = 200, .loss_ppm = 100000};
    ps_sim *sim = network(link);
    ps_stream a;
    ps_stream b;
    test_connect(sim, 0, 1, &a, &b);
    uint64_t wrote = 0;
    uint64_t read = 0;
    uint8_t buf[1500];
    while (read < 100000) {
        size_t n = 0;
        const size_t want = 1 + (size_t)ps_sim_random(sim, 1500);
        for (size_t i = 0; i < want; i++) {
            buf[i] = byte_at(wrote + i);
        }
        if (test_write(sim, 0, a, buf, want, &n) == PS_OK) {
            wrote += n;
        }
        assert_true(wrote - read <= BUFFER);
        (void)ps_sim_step(sim);
        const size_t cap = 1 + (size_t)ps_sim_random(sim, 1500);
        if (test_read(sim, 1, b, buf, cap, &n) == PS_OK) {
            for (size_t i = 0; i < n; i++) {
                assert_int_equal(buf[i], byte_at(read + i));
            }
            read += n;
        }
    }
    ps_sim_destroy(sim);
}

static void the_writer_learns_of_room_after_the_way_back(void **state)
{
    (void)state;
    ps_sim *sim = network((ps_sim_link){.latency_us = 100});
    ps_stream a;
    ps_stream b;
    test_connect(sim, 0, 1, &a, &b);
    const uint64_t t0 = ps_sim_now_us(sim);
    uint8_t buf[2 * BUFFER] = {0};
    size_t n = 0;
    assert_int_equal(test_write(sim, 0, a, buf, sizeof buf, &n), PS_OK);
    assert_int_equal(n, BUFFER);
    assert_int_equal(test_write(sim, 0, a, buf, 1, &n), PS_AGAIN);
    ps_sim_run_until(sim, t0 + 100);
    assert_int_equal(test_read(sim, 1, b, buf, 10, &n), PS_OK);
    assert_int_equal(n, 10);
    assert_int_equal(test_read(sim, 1, b, buf, 20, &n), PS_OK); /* Its window follows. */
    ps_sim_run_until(sim, t0 + 199);
    assert_int_equal(test_write(sim, 0, a, buf, 1, &n), PS_AGAIN);
    ps_sim_run_until(sim, t0 + 200);
    assert_int_equal(test_write(sim, 0, a, buf, 100, &n), PS_OK);
    assert_int_equal(n, 10);
    ps_sim_run_until(sim, t0 + 300);
    assert_int_equal(test_write(sim, 0, a, buf, 100, &n), PS_OK);
    assert_int_equal(n, 20);
    ps_sim_destroy(sim);
}

static void a_rate_and_losses_delay(void **state)
{
    (void)state;
    ps_sim *sim = network((ps_sim_link){.latency_us = 100, .rate_bytes_s = 1000000});
    ps_stream a;
    ps_stream b;
    test_connect(sim, 0, 1, &a, &b);
    uint64_t t0 = ps_sim_now_us(sim);
    uint8_t buf[BUFFER] = {0};
    size_t n = 0;
    assert_int_equal(test_write(sim, 0, a, buf, 500, &n), PS_OK);
    assert_true(ps_sim_next_us(sim) == t0 + 600);
    ps_sim_run_until(sim, t0 + 600);
    const ps_sim_link lossy = {.latency_us = 100, .loss_ppm = PS_SIM_PPM};
    ps_sim_set_default_link(sim, &lossy);
    t0 = ps_sim_now_us(sim);
    assert_int_equal(test_write(sim, 0, a, buf, 1, &n), PS_OK);
    assert_true(ps_sim_next_us(sim) == t0 + 100 + PS_SIM_RETRIES_MAX * 1000);
    ps_sim_destroy(sim);
}

static void a_short_partition_delays_and_a_long_one_breaks(void **state)
{
    (void)state;
    ps_sim *sim = network((ps_sim_link){.latency_us = 100});
    const uint32_t zero = 0;
    const uint32_t one = 1;
    ps_stream a;
    ps_stream b;
    size_t n = 0;
    uint8_t buf[8];
    test_connect(sim, 0, 1, &a, &b);
    assert_int_equal(ps_sim_partition(sim, &zero, 1, &one, 1, false, NULL), PS_OK);
    uint64_t t0 = ps_sim_now_us(sim);
    assert_int_equal(test_write(sim, 0, a, "early", 5, &n), PS_OK);
    ps_sim_run_until(sim, t0 + 4500); /* Tried at 100, 1100, 2100, 3100, 4100. */
    assert_int_equal(test_read(sim, 1, b, buf, 8, &n), PS_AGAIN);
    ps_sim_heal_all(sim);
    ps_sim_run_until(sim, t0 + 5100);
    assert_int_equal(test_read(sim, 1, b, buf, 8, &n), PS_OK);
    assert_memory_equal(buf, "early", 5);
    ps_sim_run_until(sim, t0 + 6000);

    assert_int_equal(ps_sim_partition(sim, &zero, 1, &one, 1, false, NULL), PS_OK);
    t0 = ps_sim_now_us(sim);
    assert_int_equal(test_write(sim, 0, a, "late", 4, &n), PS_OK);
    ps_sim_run_until(sim, t0 + 5099);
    assert_int_equal(test_ready(sim, 0, a) & PS_BROKEN, 0);
    ps_sim_run_until(sim, t0 + 5100);
    assert_int_equal(test_ready(sim, 0, a) & PS_BROKEN, PS_BROKEN);
    assert_int_equal(test_write(sim, 0, a, "x", 1, &n), PS_FAILED);
    assert_int_equal(test_ready(sim, 1, b), PS_WRITABLE); /* The reader has heard nothing. */
    test_close(sim, 0, a);
    ps_sim_heal_all(sim);
    assert_int_equal(test_write(sim, 1, b, "x", 1, &n), PS_OK); /* Nobody is there: reset. */
    ps_sim_run_until(sim, t0 + 6000);
    assert_int_equal(test_write(sim, 1, b, "x", 1, &n), PS_FAILED);
    test_close(sim, 1, b);
    assert_int_equal(test_stats(sim).streams_now, 0);
    assert_int_equal(test_stats(sim).resets, 2);
    ps_sim_destroy(sim);
}

/* The way back is cut: bytes pass, but the writer never learns that they were read. */
static void a_writer_without_news_breaks(void **state)
{
    (void)state;
    ps_sim *sim = network((ps_sim_link){.latency_us = 100});
    const uint32_t zero = 0;
    const uint32_t one = 1;
    ps_stream a;
    ps_stream b;
    size_t n = 0;
    uint8_t buf[BUFFER] = {0};
    test_connect(sim, 0, 1, &a, &b);
    assert_int_equal(ps_sim_partition(sim, &one, 1, &zero, 1, true, NULL), PS_OK);
    const uint64_t t0 = ps_sim_now_us(sim);
    assert_int_equal(test_write(sim, 0, a, buf, BUFFER, &n), PS_OK);
    ps_sim_run_until(sim, t0 + 100);
    assert_int_equal(test_read(sim, 1, b, buf, BUFFER, &n), PS_OK);
    assert_int_equal(n, BUFFER);
    ps_sim_run_until(sim, t0 + 5199);
    assert_int_equal(test_ready(sim, 0, a) & PS_BROKEN, 0);
    ps_sim_run_until(sim, t0 + 5200);
    assert_int_equal(test_ready(sim, 0, a) & PS_BROKEN, PS_BROKEN);
    ps_sim_destroy(sim);
}

/* A dial breaks when its answer, a yes or a no, cannot come back. */
static void a_dial_without_an_answer_breaks(void **state)
{
    (void)state;
    for (int deaf = 0; deaf < 2; deaf++) {
        ps_sim *sim = network((ps_sim_link){.latency_us = 100});
        const uint32_t zero = 0;
        uint32_t two;
        assert_int_equal(ps_sim_add_node(sim, &(ps_sim_node_config){.deaf = deaf != 0}, &two),
                         PS_OK);
        assert_int_equal(ps_sim_partition(sim, &two, 1, &zero, 1, true, NULL), PS_OK);
        const ps_stream_transport *t = ps_sim_stream_transport(sim, 0);
        const ps_addr to = ps_sim_addr(sim, two);
        ps_stream s;
        assert_int_equal(t->dial(t->ctx, &to, &s), PS_OK);
        ps_sim_run_until(sim, START_US + 5199);
        assert_int_equal(test_ready(sim, 0, s), 0);
        ps_sim_run_until(sim, START_US + 5200);
        assert_int_equal(test_ready(sim, 0, s), PS_BROKEN | PS_READABLE);
        test_close(sim, 0, s);
        ps_sim_destroy(sim);
    }
}

static void tiny_writes_run_out_of_segments_and_go_on(void **state)
{
    (void)state;
    ps_sim *sim = network((ps_sim_link){.latency_us = 100});
    ps_stream a;
    ps_stream b;
    size_t n = 0;
    uint8_t buf[BUFFER];
    test_connect(sim, 0, 1, &a, &b);
    uint32_t written = 0;
    while (test_write(sim, 0, a, "x", 1, &n) == PS_OK) {
        written++;
    }
    assert_int_equal(written, PS_SIM_SEGMENTS - PS_SIM_SEGMENTS_KEPT);
    const ps_stream_transport *t = ps_sim_stream_transport(sim, 0);
    assert_int_equal(t->finish(t->ctx, a), PS_OK); /* Has a place of its own. */
    ps_sim_run_until(sim, ps_sim_now_us(sim) + 100);
    assert_int_equal(test_read(sim, 1, b, buf, sizeof buf, &n), PS_OK);
    assert_int_equal(n, written);
    assert_int_equal(test_read(sim, 1, b, buf, sizeof buf, &n), PS_OK);
    assert_int_equal(n, 0);
    ps_sim_destroy(sim);
}

/* Of many segments some sever their stream, and never anything else than bytes. */
static void some_segments_sever(void **state)
{
    (void)state;
    ps_sim *sim = network((ps_sim_link){.latency_us = 30, .stream_sever_ppm = 100000});
    uint32_t written = 0;
    for (uint32_t i = 0; i < 50; i++) {
        ps_stream a;
        ps_stream b;
        uint8_t buf[10];
        size_t n;
        test_connect(sim, 0, 1, &a, &b);
        for (written++; test_write(sim, 0, a, "0123456789", 10, &n) == PS_OK; written++) {
            ps_sim_run_until(sim, ps_sim_now_us(sim) + 100);
            if (test_ready(sim, 1, b) == (PS_BROKEN | PS_READABLE)) {
                assert_int_equal(test_ready(sim, 0, a), PS_BROKEN | PS_READABLE);
                assert_int_equal(test_read(sim, 1, b, buf, 10, &n), PS_FAILED);
                break;
            }
            assert_int_equal(test_read(sim, 1, b, buf, 10, &n), PS_OK);
            assert_int_equal(n, 10);
            ps_sim_run_until(sim, ps_sim_now_us(sim) + 100);
        }
        test_close(sim, 0, a);
        test_close(sim, 1, b);
    }
    assert_in_range(written, 250, 1000); /* Each lived for ten segments in the mean. */
    assert_int_equal(test_stats(sim).severed, 50);
    assert_int_equal(test_stats(sim).resets, 100);
    assert_int_equal(test_stats(sim).streams_now, 0);
    ps_sim_destroy(sim);
}

static uint32_t bits_in(uint8_t byte)
{
    uint32_t count = 0;
    for (; byte > 0; byte >>= 1) {
        count += byte & 1u;
    }
    return count;
}

/* One bit of a spoiled segment is another, wherever it lies in the ring. */
static void some_segments_come_spoiled(void **state)
{
    (void)state;
    ps_sim *sim = network((ps_sim_link){.latency_us = 30, .stream_corrupt_ppm = 200000});
    ps_stream a;
    ps_stream b;
    test_connect(sim, 0, 1, &a, &b);
    uint32_t spoiled = 0;
    uint64_t read = 0;
    for (uint32_t i = 0; i < 500; i++) {
        uint8_t buf[64];
        size_t n;
        for (size_t k = 0; k < sizeof buf; k++) {
            buf[k] = byte_at(read + k);
        }
        assert_int_equal(test_write(sim, 0, a, buf, sizeof buf, &n), PS_OK);
        ps_sim_run_until(sim, ps_sim_now_us(sim) + 100);
        assert_int_equal(test_read(sim, 1, b, buf, sizeof buf, &n), PS_OK);
        assert_int_equal(n, sizeof buf);
        uint32_t bits = 0;
        for (size_t k = 0; k < sizeof buf; k++) {
            bits += bits_in(buf[k] ^ byte_at(read + k));
        }
        assert_in_range(bits, 0, 1);
        spoiled += bits;
        read += n;
        ps_sim_run_until(sim, ps_sim_now_us(sim) + 100);
    }
    assert_in_range(spoiled, 60, 140);
    assert_true(test_stats(sim).spoiled == spoiled);
    ps_sim_destroy(sim);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bytes_arrive_in_order_within_the_buffer),
        cmocka_unit_test(the_writer_learns_of_room_after_the_way_back),
        cmocka_unit_test(a_rate_and_losses_delay),
        cmocka_unit_test(a_short_partition_delays_and_a_long_one_breaks),
        cmocka_unit_test(a_writer_without_news_breaks),
        cmocka_unit_test(a_dial_without_an_answer_breaks),
        cmocka_unit_test(tiny_writes_run_out_of_segments_and_go_on),
        cmocka_unit_test(some_segments_sever),
        cmocka_unit_test(some_segments_come_spoiled),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
