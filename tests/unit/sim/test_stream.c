#include "fixture.h"

static ps_sim *network(uint32_t accept_queue)
{
    ps_sim_config cfg = test_config(4, (ps_sim_link){.latency_us = 100});
    cfg.accept_queue = accept_queue;
    cfg.stream_reset_us = 1000000;
    return test_network(&cfg, 3);
}

static void opens_after_a_round_trip(void **state)
{
    (void)state;
    ps_sim *sim = network(8);
    const ps_stream_transport *a = ps_sim_stream_transport(sim, 0);
    const ps_stream_transport *b = ps_sim_stream_transport(sim, 1);
    const ps_addr to = b->listener(b->ctx);
    ps_stream dialled;
    ps_stream accepted;
    ps_addr from;
    size_t n = 9;
    assert_int_equal(a->dial(a->ctx, &to, &dialled), PS_OK);
    assert_int_equal(test_write(sim, 0, dialled, "x", 1, &n), PS_AGAIN);
    assert_int_equal(n, 0);
    ps_sim_run_until(sim, START_US + 99);
    assert_int_equal(b->accept(b->ctx, &accepted, &from), PS_AGAIN);
    ps_sim_run_until(sim, START_US + 100);
    assert_int_equal(b->accept(b->ctx, &accepted, &from), PS_OK);
    assert_memory_equal(from.ip, ps_sim_addr(sim, 0).ip, 16);
    assert_int_not_equal(from.port, 5000);
    assert_int_equal(test_ready(sim, 1, accepted), PS_WRITABLE);
    assert_int_equal(test_ready(sim, 0, dialled), 0);
    ps_sim_run_until(sim, START_US + 200);
    assert_int_equal(test_ready(sim, 0, dialled), PS_WRITABLE);
    ps_sim_destroy(sim);
}

static void bytes_go_both_ways_and_halves_close(void **state)
{
    (void)state;
    ps_sim *sim = network(8);
    const ps_stream_transport *t = ps_sim_stream_transport(sim, 0);
    ps_stream a;
    ps_stream b;
    size_t n = 0;
    uint8_t buf[16];
    test_connect(sim, 0, 1, &a, &b);
    const ps_span parts[3] = {{(const uint8_t *)"ab", 2}, {NULL, 0}, {(const uint8_t *)"cde", 3}};
    assert_int_equal(t->write(t->ctx, a, parts, 3, &n), PS_OK);
    assert_int_equal(n, 5);
    assert_int_equal(t->finish(t->ctx, a), PS_OK);
    assert_int_equal(t->finish(t->ctx, a), PS_OK);
    assert_int_equal(test_write(sim, 0, a, "x", 1, &n), PS_FAILED);
    ps_sim_run_until(sim, ps_sim_now_us(sim) + 100);
    assert_int_equal(test_read(sim, 1, b, buf, 3, &n), PS_OK);
    assert_int_equal(n, 3);
    assert_int_equal(test_read(sim, 1, b, buf + 3, 13, &n), PS_OK);
    assert_int_equal(n, 2);
    assert_memory_equal(buf, "abcde", 5);
    for (int i = 0; i < 2; i++) {
        n = 9;
        assert_int_equal(test_read(sim, 1, b, buf, 16, &n), PS_OK);
        assert_int_equal(n, 0); /* The end, as often as it is asked for. */
    }
    assert_int_equal(test_write(sim, 1, b, "back", 4, &n), PS_OK);
    ps_sim_run_until(sim, ps_sim_now_us(sim) + 100);
    assert_int_equal(test_read(sim, 0, a, buf, 16, &n), PS_OK);
    assert_int_equal(n, 4);
    assert_int_equal(test_read(sim, 0, a, buf, 16, &n), PS_AGAIN);
    test_close(sim, 1, b);
    ps_sim_run_until(sim, ps_sim_now_us(sim) + 100);
    assert_int_equal(test_read(sim, 0, a, buf, 16, &n), PS_OK);
    assert_int_equal(n, 0);
    test_close(sim, 0, a);
    assert_int_equal(test_stats(sim).streams_now, 0);
    assert_int_equal(test_stats(sim).resets, 0);
    assert_int_equal(test_stats(sim).stream_bytes, 9);
    ps_sim_destroy(sim);
}

static void closing_on_unread_bytes_resets(void **state)
{
    (void)state;
    for (int late = 0; late < 2; late++) {
        ps_sim *sim = network(8);
        ps_stream a;
        ps_stream b;
        size_t n = 0;
        test_connect(sim, 0, 1, &a, &b);
        assert_int_equal(test_write(sim, 0, a, "x", 1, &n), PS_OK);
        /* Closed after the byte has come, or while it is on its way. */
        ps_sim_run_until(sim, ps_sim_now_us(sim) + (late ? 50 : 100));
        test_close(sim, 1, b);
        ps_sim_run_until(sim, ps_sim_now_us(sim) + 200);
        assert_int_equal(test_ready(sim, 0, a) & PS_BROKEN, PS_BROKEN);
        test_close(sim, 0, a);
        assert_int_equal(test_stats(sim).streams_now, 0);
        ps_sim_destroy(sim);
    }
}

/* What had arrived before the reset can still be read. */
static void a_reset_comes_after_what_arrived(void **state)
{
    (void)state;
    ps_sim *sim = network(8);
    ps_stream a;
    ps_stream b;
    size_t n = 0;
    uint8_t buf[4];
    test_connect(sim, 0, 1, &a, &b);
    assert_int_equal(test_write(sim, 0, a, "x", 1, &n), PS_OK);
    ps_sim_run_until(sim, ps_sim_now_us(sim) + 100);
    ps_sim_crash(sim, 0);
    ps_sim_run_until(sim, ps_sim_now_us(sim) + 100);
    assert_int_equal(test_ready(sim, 1, b), PS_BROKEN | PS_READABLE);
    assert_int_equal(test_read(sim, 1, b, buf, 4, &n), PS_OK);
    assert_int_equal(n, 1);
    assert_int_equal(test_read(sim, 1, b, buf, 4, &n), PS_FAILED);
    const ps_stream_transport *t = ps_sim_stream_transport(sim, 1);
    assert_int_equal(t->finish(t->ctx, b), PS_FAILED);
    ps_sim_destroy(sim);
}

static void dials_to_nowhere_end(void **state)
{
    (void)state;
    ps_sim *sim = network(1);
    uint32_t deaf;
    assert_int_equal(ps_sim_add_node(sim, &(ps_sim_node_config){.deaf = true}, &deaf), PS_OK);
    const ps_stream_transport *t = ps_sim_stream_transport(sim, 0);
    const ps_stream_transport *d = ps_sim_stream_transport(sim, deaf);
    assert_int_equal(d->listener(d->ctx).family, PS_ADDR_NONE);
    ps_addr to[4] = {ps_sim_addr(sim, 1), ps_sim_addr(sim, deaf), ps_sim_addr(sim, 1),
                     ps_sim_addr(sim, 1)};
    to[0].port++;     /* Refused: a wrong port. */
    to[2].ip[1] = 99; /* Nobody. */
    ps_stream s[5];
    for (int i = 0; i < 4; i++) {
        assert_int_equal(t->dial(t->ctx, &to[i], &s[i]), PS_OK);
    }
    assert_int_equal(t->dial(t->ctx, &to[3], &s[4]), PS_OK); /* The queue of accepts is full. */
    ps_sim_run_until(sim, START_US + 200);
    assert_int_equal(test_ready(sim, 0, s[0]), PS_BROKEN | PS_READABLE);
    assert_int_equal(test_ready(sim, 0, s[1]), PS_BROKEN | PS_READABLE);
    assert_int_equal(test_ready(sim, 0, s[2]), 0);
    assert_int_equal(test_ready(sim, 0, s[3]), PS_WRITABLE);
    assert_int_equal(test_ready(sim, 0, s[4]), PS_BROKEN | PS_READABLE);
    ps_sim_run_until(sim, START_US + 1000099);
    assert_int_equal(test_ready(sim, 0, s[2]), 0);
    ps_sim_run_until(sim, START_US + 1000100); /* stream_reset_us after the first knock. */
    assert_int_equal(test_ready(sim, 0, s[2]), PS_BROKEN | PS_READABLE);
    ps_sim_crash(sim, 0);
    assert_int_equal(t->dial(t->ctx, &to[3], &s[0]), PS_FAILED);
    ps_sim_destroy(sim);
}

static void accepts_in_order(void **state)
{
    (void)state;
    ps_sim *sim = network(8);
    const ps_addr to = ps_sim_addr(sim, 2);
    for (uint32_t i = 0; i < 4; i++) {
        const ps_stream_transport *t = ps_sim_stream_transport(sim, i % 2);
        ps_stream s;
        assert_int_equal(t->dial(t->ctx, &to, &s), PS_OK);
    }
    ps_sim_run_until(sim, START_US + 100);
    const ps_stream_transport *t = ps_sim_stream_transport(sim, 2);
    ps_stream s;
    ps_addr from;
    for (uint32_t i = 0; i < 4; i++) {
        assert_int_equal(t->accept(t->ctx, &s, &from), PS_OK);
        assert_memory_equal(from.ip, ps_sim_addr(sim, i % 2).ip, 16);
    }
    assert_int_equal(t->accept(t->ctx, &s, &from), PS_AGAIN);
    ps_sim_destroy(sim);
}

/* A firewall in between forgets: both ends, a dial under way, and nobody else. */
static void severed_streams_break_at_both_ends(void **state)
{
    (void)state;
    ps_sim *sim = network(8);
    const ps_stream_transport *t = ps_sim_stream_transport(sim, 0);
    const ps_addr to = ps_sim_addr(sim, 1);
    ps_stream a;
    ps_stream b;
    ps_stream others[2];
    ps_stream dialled;
    size_t n;
    test_connect(sim, 0, 1, &a, &b);
    test_connect(sim, 2, 1, &others[0], &others[1]);
    assert_int_equal(test_write(sim, 0, a, "x", 1, &n), PS_OK);
    assert_int_equal(t->dial(t->ctx, &to, &dialled), PS_OK);
    ps_sim_sever(sim, 0);
    ps_sim_run_until(sim, ps_sim_now_us(sim) + 99);
    assert_int_equal(test_ready(sim, 0, a) & PS_BROKEN, 0);
    ps_sim_run_until(sim, ps_sim_now_us(sim) + 1);
    assert_int_equal(test_ready(sim, 0, a), PS_BROKEN | PS_READABLE);
    assert_int_equal(test_ready(sim, 1, b), PS_BROKEN | PS_READABLE);
    assert_int_equal(test_ready(sim, 0, dialled), PS_BROKEN | PS_READABLE);
    assert_int_equal(test_ready(sim, 2, others[0]), PS_WRITABLE);
    assert_int_equal(test_read(sim, 1, b, &(char){0}, 1, &n), PS_FAILED); /* It was under way. */
    test_close(sim, 0, a);
    test_close(sim, 1, b);
    test_close(sim, 0, dialled);
    assert_int_equal(test_stats(sim).streams_now, 1);
    ps_sim_destroy(sim);
}

/* The refusal that was on its way is lost, and the dial ends all the same. */
static void a_severed_refusal_ends_its_dial(void **state)
{
    (void)state;
    ps_sim *sim = network(8);
    const ps_stream_transport *t = ps_sim_stream_transport(sim, 0);
    ps_addr nowhere = ps_sim_addr(sim, 1);
    ps_stream s;
    nowhere.port++;
    assert_int_equal(t->dial(t->ctx, &nowhere, &s), PS_OK);
    ps_sim_run_until(sim, START_US + 150); /* It was refused at 100. */
    assert_int_equal(test_ready(sim, 0, s) & PS_BROKEN, 0);
    ps_sim_sever(sim, 0);
    ps_sim_run_until(sim, START_US + 250);
    assert_int_equal(test_ready(sim, 0, s), PS_BROKEN | PS_READABLE);
    test_close(sim, 0, s);
    assert_int_equal(test_stats(sim).streams_now, 0);
    ps_sim_destroy(sim);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(opens_after_a_round_trip),
        cmocka_unit_test(bytes_go_both_ways_and_halves_close),
        cmocka_unit_test(closing_on_unread_bytes_resets),
        cmocka_unit_test(a_reset_comes_after_what_arrived),
        cmocka_unit_test(dials_to_nowhere_end),
        cmocka_unit_test(accepts_in_order),
        cmocka_unit_test(severed_streams_break_at_both_ends),
        cmocka_unit_test(a_severed_refusal_ends_its_dial),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
