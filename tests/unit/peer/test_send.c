/* Ids, jitter, counters of what goes out. */
#include "rig.h"

static void ids_are_never_near_repeats(void **state)
{
    (void)state;
    rig *r = rig_new_default();
    const uint32_t first = ps_peer_new_id(r->p, 5);
    assert_int_equal(first % (1u << PS_ID_PLACE_BITS), 5);
    const uint32_t period = UINT32_C(1) << (32u - PS_ID_PLACE_BITS);
    for (uint32_t k = 1; k < period; k++) {
        if (ps_peer_new_id(r->p, 5) == first) {
            fail_msg("the id came again after %u", k);
        }
    }
    assert_int_equal(ps_peer_new_id(r->p, 5), first);
    rig_free(r);
}

static void jitter_is_an_eighth_at_most(void **state)
{
    (void)state;
    rig *r = rig_new_default();
    bool low = false;
    bool high = false;
    for (int k = 0; k < 2000; k++) {
        const uint64_t jitter_us = ps_peer_jitter_us(r->p, 80000);
        assert_in_range(jitter_us, 0, 10000);
        low = low || jitter_us < 500;
        high = high || jitter_us > 9500;
    }
    assert_true(low && high);
    assert_int_equal(ps_peer_jitter_us(r->p, 0), 0);
    rig_free(r);
}

static void every_datagram_has_the_next_counter(void **state)
{
    (void)state;
    rig *r = rig_new_online();
    (void)rig_publish(r, 1, "a", 1);
    (void)rig_command(r, PS_INPUT_LIST_FILES, 2, "");
    rig_packet(r);
    craft_challenge(&r->c, 1, 1);
    (void)rig_deliver(r);
    rig_run(r, RIG_START + 2900 * MS);
    assert_true(r->sent_len > 10);
    for (size_t k = 0; k < r->sent_len; k++) {
        assert_int_equal(r->sent[k].counter, k + 2); /* LOGIN had the first. */
        assert_int_equal(r->sent[k].receiver_id, RIG_SESSION);
    }
    assert_int_equal(rig_stats(r).datagrams_out, r->datagrams);
    rig_free(r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ids_are_never_near_repeats),
        cmocka_unit_test(jitter_is_an_eighth_at_most),
        cmocka_unit_test(every_datagram_has_the_next_counter),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
