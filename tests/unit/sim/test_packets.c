#include "fixture.h"

#include "sim/sim_internal.h"

static void takes_up_to_the_limit_and_gives_back(void **state)
{
    (void)state;
    ps_sim_config cfg = test_config(1, (ps_sim_link){0});
    cfg.max_packets = PS_SIM_CHUNK + 1; /* Rounded up to two chunks. */
    ps_sim *sim = test_network(&cfg, 0);
    uint32_t taken[2 * PS_SIM_CHUNK];
    for (uint32_t i = 0; i < 2 * PS_SIM_CHUNK; i++) {
        taken[i] = ps_sim_packet_take(sim);
        assert_int_not_equal(taken[i], PS_SIM_NONE);
        memset(ps_sim_packet_at(sim, taken[i])->data, (int)i, PS_SIM_PACKET_BYTES);
    }
    assert_int_equal(ps_sim_packet_take(sim), PS_SIM_NONE);
    assert_int_equal(test_stats(sim).packets, 2 * PS_SIM_CHUNK);
    for (uint32_t i = 0; i < 2 * PS_SIM_CHUNK; i++) {
        assert_int_equal(ps_sim_packet_at(sim, taken[i])->data[7], (uint8_t)i);
    }
    ps_sim_packet_give(sim, taken[9]);
    assert_int_equal(ps_sim_packet_take(sim), taken[9]);
    ps_sim_destroy(sim);
}

static void a_datagram_that_finds_no_packet_is_counted(void **state)
{
    (void)state;
    ps_sim_config cfg = test_config(1, (ps_sim_link){0});
    cfg.max_packets = 1;
    ps_sim *sim = test_network(&cfg, 2);
    for (uint32_t i = 0; i < PS_SIM_CHUNK + 3; i++) {
        test_send(sim, 0, 1, "x", 1);
    }
    assert_int_equal(test_stats(sim).exhausted, 3);
    ps_sim_step(sim);
    assert_int_equal(test_receive_all(sim, 1), PS_SIM_CHUNK);
    assert_int_equal(test_stats(sim).packets, 0);
    ps_sim_destroy(sim);
}

/* Writing a byte behind the end, which the plain build survives to tell. */
static void an_overrun_is_seen(void **state)
{
    (void)state;
    ps_sim_packet p = {.len = PS_DATAGRAM_MAX};
    ps_sim_packet_guard(&p);
    assert_true(ps_sim_packet_unguard(&p));
    ps_sim_packet_guard(&p);
#if !defined(PS_SIM_WITH_ASAN)
    p.data[PS_DATAGRAM_MAX] = 0;
    assert_false(ps_sim_packet_unguard(&p));
#else
    assert_true(ps_sim_packet_unguard(&p));
#endif
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(takes_up_to_the_limit_and_gives_back),
        cmocka_unit_test(a_datagram_that_finds_no_packet_is_counted),
        cmocka_unit_test(an_overrun_is_seen),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
