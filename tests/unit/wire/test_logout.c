#include "unit.h"

#include "craft.h"
#include "sweep.h"
#include "wire/messages.h"

static craft c;

static bool encode(ps_writer *w, const void *type)
{
    return ps_logout_encode(w, *(const ps_message_type *)type, 42);
}

static void both_have_no_body(void **state)
{
    (void)state;
    const ps_message_type types[] = {PS_MSG_LOGOUT, PS_MSG_LOGOUT_OK};
    for (unsigned i = 0; i < 2; i++) {
        craft_reset(&c);
        (i == 0 ? craft_logout : craft_logout_ok)(&c, 42);
        uint8_t room[8];
        ps_writer w = {.base = room, .cap = sizeof room};
        assert_true(encode(&w, &types[i]));
        assert_int_equal(w.len, c.len);
        assert_memory_equal(room, c.data, c.len);
        assert_true(sweep_capacities(encode, &types[i], c.len));
    }
    assert_true(ps_logout_decode((ps_span){c.data + 8, 0}));
    assert_int_equal(sweep_cuts(ps_logout_decode, c.data + 8, 0), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(both_have_no_body),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
