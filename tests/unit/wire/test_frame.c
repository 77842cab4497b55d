/* A writer that has run full takes nothing more, however little it is. */
#include "unit.h"

#include "wire/frame.h"

static void a_full_writer_stays_full(void **state)
{
    (void)state;
    uint8_t bytes[64];
    memset(bytes, 0x5a, sizeof bytes);
    ps_writer w = {.base = bytes, .cap = sizeof bytes, .len = 3, .full = true};
    assert_null(ps_message_room(&w, PS_MSG_LOGOUT, 1, 0));
    assert_null(ps_entry_room(&w, 1));
    assert_int_equal(w.len, 3);
    assert_int_equal(bytes[3], 0x5a);
}

static void room_is_taken_to_the_last_byte(void **state)
{
    (void)state;
    uint8_t bytes[PS_MESSAGE_HEADER + 5];
    ps_writer w = {.base = bytes, .cap = sizeof bytes};
    assert_null(ps_message_room(&w, PS_MSG_LOGOUT, 1, 6));
    assert_null(ps_entry_room(&w, sizeof bytes + 1));
    assert_int_equal(w.len, 0);
    assert_false(w.full);
    assert_ptr_equal(ps_message_room(&w, PS_MSG_LOGOUT, 1, 3), bytes + PS_MESSAGE_HEADER);
    assert_ptr_equal(ps_entry_room(&w, 2), bytes + PS_MESSAGE_HEADER + 3);
    assert_null(ps_entry_room(&w, 1));
    assert_int_equal(w.len, sizeof bytes);
    assert_false(w.full);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_full_writer_stays_full),
        cmocka_unit_test(room_is_taken_to_the_last_byte),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
