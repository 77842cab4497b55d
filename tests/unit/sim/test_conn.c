#include "fixture.h"

#include "sim/sim_internal.h"

static ps_sim *network(uint32_t max_streams)
{
    ps_sim_config cfg = test_config(1, (ps_sim_link){.latency_us = 10});
    cfg.max_streams = max_streams;
    return test_network(&cfg, 3);
}

static void names_are_never_used_again(void **state)
{
    (void)state;
    ps_sim *sim = network(2);
    ps_stream seen[40];
    for (size_t i = 0; i < 40; i += 2) {
        test_connect(sim, 0, 1, &seen[i], &seen[i + 1]);
        for (size_t j = 0; j < i + 2; j++) {
            assert_true(seen[j] != 0);
            for (size_t k = 0; k < j; k++) {
                assert_true(seen[j] != seen[k]);
            }
        }
        test_close(sim, 0, seen[i]);
        test_close(sim, 1, seen[i + 1]);
        assert_int_equal(test_stats(sim).streams_now, 0);
        assert_int_equal(test_ready(sim, 0, seen[i]), PS_BROKEN); /* Forgotten. */
        test_close(sim, 0, seen[i]);
    }
    ps_sim_destroy(sim);
}

static void a_name_works_at_its_own_node_and_end_only(void **state)
{
    (void)state;
    ps_sim *sim = network(8);
    ps_stream a;
    ps_stream b;
    test_connect(sim, 0, 1, &a, &b);
    assert_int_equal(test_ready(sim, 0, a), PS_WRITABLE);
    assert_int_equal(test_ready(sim, 1, b), PS_WRITABLE);
    assert_int_equal(test_ready(sim, 1, a), PS_BROKEN);
    assert_int_equal(test_ready(sim, 0, b), PS_BROKEN);
    assert_int_equal(test_ready(sim, 2, a), PS_BROKEN);
    assert_int_equal(test_ready(sim, 0, 0), PS_BROKEN);
    assert_int_equal(test_ready(sim, 0, UINT64_MAX), PS_BROKEN);
    test_close(sim, 2, a);
    assert_int_equal(test_ready(sim, 0, a), PS_WRITABLE);
    ps_sim_destroy(sim);
}

static void a_full_table_refuses_the_dial(void **state)
{
    (void)state;
    ps_sim *sim = network(2);
    const ps_stream_transport *t = ps_sim_stream_transport(sim, 0);
    const ps_addr to = ps_sim_addr(sim, 1);
    ps_stream s[3];
    assert_int_equal(t->dial(t->ctx, &to, &s[0]), PS_OK);
    assert_int_equal(t->dial(t->ctx, &to, &s[1]), PS_OK);
    assert_int_equal(t->dial(t->ctx, &to, &s[2]), PS_FAILED);
    test_close(sim, 0, s[0]); /* The dial is on its way, and forgotten with its name. */
    assert_int_equal(t->dial(t->ctx, &to, &s[2]), PS_OK);
    assert_int_equal(test_stats(sim).streams_now, 2);
    ps_sim_destroy(sim);
}

/* A crash ends streams under way in every state: dialled, waiting to be accepted, open. */
static void a_crash_breaks_the_other_ends(void **state)
{
    (void)state;
    ps_sim *sim = network(8);
    const ps_stream_transport *zero = ps_sim_stream_transport(sim, 0);
    const ps_addr to = ps_sim_addr(sim, 1);
    ps_stream a;
    ps_stream b;
    ps_stream waiting;
    ps_stream dialled;
    ps_stream other;
    ps_addr from;
    test_connect(sim, 0, 1, &a, &b);
    assert_int_equal(zero->dial(zero->ctx, &to, &waiting), PS_OK);
    ps_sim_run_until(sim, ps_sim_now_us(sim) + 20);
    assert_int_equal(zero->dial(zero->ctx, &to, &dialled), PS_OK);
    ps_sim_crash(sim, 1);
    ps_sim_run_until(sim, ps_sim_now_us(sim) + 10);
    assert_int_equal(test_ready(sim, 0, a), PS_BROKEN | PS_READABLE);
    assert_int_equal(test_ready(sim, 0, waiting), PS_BROKEN | PS_READABLE);
    assert_int_equal(test_ready(sim, 0, dialled), 0); /* Knocks until the node is back. */
    ps_sim_restart(sim, 1);
    const ps_stream_transport *one = ps_sim_stream_transport(sim, 1);
    assert_int_equal(one->accept(one->ctx, &other, &from), PS_AGAIN);
    ps_sim_run_until(sim, ps_sim_now_us(sim) + 300000);
    assert_int_equal(one->accept(one->ctx, &other, &from), PS_OK);
    assert_int_equal(test_ready(sim, 0, dialled), PS_WRITABLE);
    assert_int_equal(test_ready(sim, 1, b), PS_BROKEN);
    test_close(sim, 0, a);
    test_close(sim, 0, waiting);
    test_close(sim, 0, dialled);
    test_close(sim, 1, other);
    assert_int_equal(test_stats(sim).streams_now, 0);
    ps_sim_destroy(sim);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_are_never_used_again),
        cmocka_unit_test(a_name_works_at_its_own_node_and_end_only),
        cmocka_unit_test(a_full_table_refuses_the_dial),
        cmocka_unit_test(a_crash_breaks_the_other_ends),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
