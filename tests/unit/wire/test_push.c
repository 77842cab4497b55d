#include "unit.h"

#include "craft.h"
#include "exact.h"
#include "sweep.h"
#include "wire/messages.h"

#include <string.h>

static craft c;

static bool decode_push(ps_span bytes)
{
    ps_push m;
    return ps_push_decode(bytes, &m);
}

static bool encode_push(ps_writer *w, const void *m)
{
    return ps_push_encode(w, 42, m);
}

static bool decode_challenge(ps_span bytes)
{
    uint64_t nonce;
    return ps_challenge_decode(bytes, &nonce);
}

static bool encode_challenge(ps_writer *w, const void *type)
{
    return ps_challenge_encode(w, *(const ps_message_type *)type, 42, 77);
}

static bool encode_push_ok(ps_writer *w, const void *unused)
{
    (void)unused;
    return ps_push_ok_encode(w, 42);
}

static void pushes_are_what_the_tables_say(void **state)
{
    (void)state;
    char data[256];
    memset(data, 'd', 255);
    data[255] = '\0';
    const char *const datas[] = {"", "x", data};
    for (unsigned i = 0; i < 3; i++) {
        craft_reset(&c);
        craft_push(&c, 42, 0xfe, datas[i]);
        ps_push m;
        assert_true(ps_push_decode((ps_span){c.data + 8, c.len - 8}, &m));
        assert_int_equal(m.kind, 0xfe);
        assert_true(span_equal(m.data, span_of(datas[i])));
        assert_int_equal(sweep_cuts(decode_push, c.data + 8, c.len - 8), 0);
        uint8_t room[300];
        ps_writer w = {.base = room, .cap = sizeof room};
        assert_true(ps_push_encode(&w, 42, &m));
        assert_int_equal(w.len, c.len);
        assert_memory_equal(room, c.data, c.len);
        assert_true(sweep_capacities(encode_push, &m, c.len));
    }
}

static void acknowledgements_have_no_body(void **state)
{
    (void)state;
    craft_reset(&c);
    craft_push_ok(&c, 42);
    uint8_t room[8];
    ps_writer w = {.base = room, .cap = sizeof room};
    assert_true(ps_push_ok_encode(&w, 42));
    assert_int_equal(w.len, c.len);
    assert_memory_equal(room, c.data, c.len);
    assert_true(ps_push_ok_decode((ps_span){c.data + 8, 0}));
    assert_int_equal(sweep_cuts(ps_push_ok_decode, c.data + 8, 0), 0);
    assert_true(sweep_capacities(encode_push_ok, NULL, 8));
}

static void challenges_are_what_the_tables_say(void **state)
{
    (void)state;
    const ps_message_type types[] = {PS_MSG_CHALLENGE, PS_MSG_CHALLENGE_OK};
    for (unsigned i = 0; i < 2; i++) {
        craft_reset(&c);
        (i == 0 ? craft_challenge : craft_challenge_ok)(&c, 42, UINT64_C(0xfedcba9876543210));
        uint64_t nonce;
        assert_true(ps_challenge_decode((ps_span){c.data + 8, c.len - 8}, &nonce));
        assert_true(nonce == UINT64_C(0xfedcba9876543210));
        assert_int_equal(sweep_cuts(decode_challenge, c.data + 8, c.len - 8), 0);
        uint8_t room[16];
        ps_writer w = {.base = room, .cap = sizeof room};
        assert_true(ps_challenge_encode(&w, types[i], 42, nonce));
        assert_int_equal(w.len, c.len);
        assert_memory_equal(room, c.data, c.len);
        assert_true(sweep_capacities(encode_challenge, &types[i], c.len));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pushes_are_what_the_tables_say),
        cmocka_unit_test(acknowledgements_have_no_body),
        cmocka_unit_test(challenges_are_what_the_tables_say),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
