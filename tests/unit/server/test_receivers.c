#include "fixture.h"

/* Twelve sessions and four handshakes in 32 entries; ids are written by hand, so that homes collide
 * and runs wrap round the end. Beside it a plain array. */
static void agrees_with_a_model(void **state)
{
    (void)state;
    ps_server_config cfg;
    fixture_config(&cfg);
    cfg.max_sessions = 12;
    cfg.max_handshakes = 4;
    cfg.max_pending_logins = 4;
    fixture *f = fixture_new(&cfg);
    uint64_t model[16] = {0};
    uint64_t x = 7;
    for (int round = 0; round < 20000; round++) {
        x = x * UINT64_C(6364136223846793005) + 1442695040888963407u;
        const uint32_t slot = (uint32_t)(x >> 33) % 16;
        if (model[slot] != 0) {
            ps_receiver_remove(f->s, slot);
            assert_int_equal(ps_receiver_find(f->s, model[slot]), PS_NIL);
            model[slot] = 0;
        } else {
            /* Few homes, near the end; the same low half now and then. */
            model[slot] = (uint64_t)(round + 1) << 32 | (28 + (x >> 40) % 6);
            if (slot < 12) {
                ps_session_at(f->s, slot)->id = model[slot];
            } else {
                ps_handshake_at(f->s, slot - 12)->id = model[slot];
            }
            ps_receiver_add(f->s, slot);
        }
        for (uint32_t i = 0; i < 16; i++) {
            if (model[i] != 0) {
                assert_int_equal(ps_receiver_find(f->s, model[i]), i);
                assert_int_equal(ps_session_find(f->s, model[i]), i < 12 ? i : PS_NIL);
            }
        }
        assert_int_equal(ps_session_find(f->s, UINT64_C(1) << 63 | 28), PS_NIL);
    }
    fixture_free(f);
}

/* Looking ahead changes nothing, whatever the inputs are. */
static void look_ahead_only_looks(void **state)
{
    (void)state;
    ps_server_config cfg;
    fixture_config(&cfg);
    fixture *f = fixture_new(&cfg);
    client a = client_make(f, "alice", 4001);
    client_login(&a);
    const size_t size = ps_server_size(&cfg);
    uint8_t *before = malloc(size);
    memcpy(before, f->s, size);
    uint8_t data[PS_PACKET_HEADER] = {PS_PACKET_DATA};
    ps_store64(data + 1, a.session_id);
    ps_input in[PS_LOOK_AHEAD];
    for (size_t i = 0; i < PS_LOOK_AHEAD; i++) {
        in[i] = (ps_input){.type = i % 5 ? PS_INPUT_DATAGRAM : PS_INPUT_TICK,
                           .u.datagram = {.data = data, .len = i + 2}};
    }
    in[PS_LOOK_AHEAD - 1].u.datagram.len = sizeof data;
    ps_session_look_ahead(f->s, in, PS_LOOK_AHEAD);
    assert_memory_equal(before, f->s, size);
    free(before);
    fixture_free(f);
}

/* 0 means nobody. The number that would become it is found by turning the permutation round. */
static void zero_is_never_given_out(void **state)
{
    (void)state;
    ps_server_config cfg;
    fixture_config(&cfg);
    fixture *f = fixture_new(&cfg);
    uint32_t left = 0, right = 0;
    for (uint64_t round = 4; round-- > 0;) {
        const uint32_t before =
            right ^ (uint32_t)ps_siphash_u64(&f->s->id_key, (round << 32) | left);
        right = left;
        left = before;
    }
    const uint64_t number = ((uint64_t)left << 32) | right;
    f->s->last_receiver = number - 1;
    assert_int_not_equal(ps_receiver_new(f->s), 0);
    assert_true(f->s->last_receiver == number + 1); /* One was left out. */
    fixture_free(f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(agrees_with_a_model),
        cmocka_unit_test(look_ahead_only_looks),
        cmocka_unit_test(zero_is_never_given_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
