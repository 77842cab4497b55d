#include "fixture.h"

#include "sim/sim_internal.h"

/* Published values of FNV-1a with 64 bits. */
static void hashes_as_published(void **state)
{
    (void)state;
    assert_true(ps_sim_fnv(PS_SIM_FNV_BASIS, "", 0) == UINT64_C(0xcbf29ce484222325));
    assert_true(ps_sim_fnv(PS_SIM_FNV_BASIS, "a", 1) == UINT64_C(0xaf63dc4c8601ec8c));
    assert_true(ps_sim_fnv(PS_SIM_FNV_BASIS, "foobar", 6) == UINT64_C(0x85944171f73967e8));
}

/* Each part of an event counts: time, kind, nodes, length, bytes. */
static void hears_every_part_of_an_event(void **state)
{
    (void)state;
    ps_sim sims[7];
    memset(sims, 0, sizeof sims);
    sims[1].now_us = UINT64_C(1) << 56;
    const ps_sim_kind kinds[7] = {PS_SIM_SENT, PS_SIM_SENT, PS_SIM_NOTE, PS_SIM_SENT,
                                  PS_SIM_SENT, PS_SIM_SENT, PS_SIM_SENT};
    const uint32_t from[7] = {1, 1, 1, UINT32_C(1) << 24, 1, 1, 1};
    const uint32_t to[7] = {2, 2, 2, 2, UINT32_C(2) << 24, 2, 2};
    const char *data[7] = {"ab", "ab", "ab", "ab", "ab", "aa", "ab"};
    const size_t len[7] = {2, 2, 2, 2, 2, 2, 1};
    for (int i = 0; i < 7; i++) {
        ps_sim_trace(&sims[i], kinds[i], from[i], to[i], data[i], len[i]);
        for (int j = 0; j < i; j++) {
            assert_true(ps_sim_hash(&sims[i]) != ps_sim_hash(&sims[j]));
        }
    }
}

static void notes_and_pieces_count(void **state)
{
    (void)state;
    ps_sim whole = {.hash = 1};
    ps_sim parts = {.hash = 1};
    ps_sim_trace(&whole, PS_SIM_NOTE, 3, 3, "xyz", 3);
    ps_sim_trace_head(&parts, PS_SIM_NOTE, 3, 3, 3);
    ps_sim_trace_bytes(&parts, "x", 1);
    ps_sim_trace_bytes(&parts, "yz", 2);
    assert_true(whole.hash == parts.hash);
    ps_sim noted = {.hash = 1};
    ps_sim_note(&noted, 3, "xyz", 3);
    assert_true(whole.hash == noted.hash);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(hashes_as_published),
        cmocka_unit_test(hears_every_part_of_an_event),
        cmocka_unit_test(notes_and_pieces_count),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
