#include "rig.h"

static tape t;
static replay_result result;
static const replay_lines no_lines = {.to = NULL};

static void a_servers_history_replays_equal(void **state)
{
    (void)state;
    record_server(&t);
    assert_true(replays(&t, &no_lines, &result));
    assert_int_equal(result.end, PS_JOURNAL_END);
    assert_int_equal(result.inputs, 10);
    assert_int_equal(result.records, 7);
    assert_int_equal(result.first_us, 5000000);
    assert_int_equal(result.last_us, 5000000 + 9 * 1000 + 3 * 1500000);
}

static void a_peers_history_replays_equal(void **state)
{
    (void)state;
    record_peer(&t);
    assert_true(replays(&t, &no_lines, &result));
    assert_int_equal(result.end, PS_JOURNAL_END);
    assert_int_equal(result.inputs, 4);
}

/* One changed byte of an input, under a checksum that is right, is no longer this history. */
static void a_forged_input_is_told(void **state)
{
    (void)state;
    record_server(&t);
    forge(&t, place_of(&t, PREAMBLE, "alice"));
    assert_false(replays(&t, &no_lines, &result));
    assert_true(result.differs);
    assert_int_equal(result.inputs, 1);
    assert_int_equal(result.record.first, 2);
    assert_int_equal(result.record.inputs, 1);
    assert_int_equal(result.differs_type, PS_INPUT_DATAGRAM);
    assert_int_equal(result.differs_us, 5001000);
    assert_true(result.digest != result.record.digest);
}

static void a_forged_outcome_is_told(void **state)
{
    (void)state;
    record_server(&t);
    const size_t first = PREAMBLE + HEAD_FIXED + t.bytes[PREAMBLE + 5] + CHECKSUM;
    forge(&t, first + LENGTH + 8); /* The hash. */
    assert_false(replays(&t, &no_lines, &result));
    assert_true(result.differs);
    record_server(&t);
    t.bytes[first + LENGTH] = PS_MORE ^ 1; /* The status: MORE, after forge(). */
    forge(&t, first + LENGTH);
    assert_false(replays(&t, &no_lines, &result));
    assert_true(result.differs);
    assert_int_equal(result.record.status, PS_MORE);
    assert_int_equal(result.status, PS_OK);
    assert_true(result.digest == result.record.digest);
}

/* Of a call that ended for lack of room, or at a caller's bug, only the consumed inputs count. */
static void calls_that_ended_early_replay_equal(void **state)
{
    (void)state;
    record_server(&t);
    const size_t first = PREAMBLE + HEAD_FIXED + t.bytes[PREAMBLE + 5] + CHECKSUM;
    const uint8_t early[] = {PS_AGAIN, PS_INVALID};
    for (size_t i = 0; i < sizeof early; i++) {
        t.bytes[first + LENGTH] = (uint8_t)(early[i] ^ 1);
        forge(&t, first + LENGTH);
        assert_true(replays(&t, &no_lines, &result));
    }
}

/* An input that the machine refuses was never consumed by the one that was recorded. */
static void inputs_of_another_machine_are_told(void **state)
{
    (void)state;
    static tape mixed;
    record_peer(&t);
    record_server(&mixed);
    const size_t head = PREAMBLE + HEAD_FIXED + mixed.bytes[PREAMBLE + 5] + CHECKSUM;
    const size_t skip = PREAMBLE + HEAD_FIXED + t.bytes[PREAMBLE + 5] + CHECKSUM;
    mixed.len = head;
    assert_true(tape_sink(&mixed, t.bytes + skip, t.len - skip));
    assert_false(replays(&mixed, &no_lines, &result));
    assert_true(result.differs);
    assert_int_equal(result.status, PS_INVALID);
    assert_int_equal(result.differs_type, PS_INPUT_LOGIN);
}

static void what_is_cut_or_damaged_replays_up_to_there(void **state)
{
    (void)state;
    record_server(&t);
    t.len -= 3;
    assert_true(replays(&t, &no_lines, &result));
    assert_int_equal(result.end, PS_JOURNAL_CUT);
    assert_int_equal(result.inputs, 9);
    record_server(&t);
    t.bytes[t.len - 1] ^= 1;
    assert_true(replays(&t, &no_lines, &result));
    assert_int_equal(result.end, PS_JOURNAL_DAMAGED);
    assert_int_equal(result.inputs, 9);
    t.bytes[0] = 'X';
    assert_false(replays(&t, &no_lines, &result));
    assert_int_equal(result.end, PS_JOURNAL_FOREIGN);
    assert_false(result.differs);
}

static void impossible_configurations_are_told(void **state)
{
    (void)state;
    static rig r;
    ps_journal_head head = small_server();
    record_server(&t);
    t.len = 0;
    head.server.max_sessions = 0;
    assert_int_equal(
        ps_journal_writer_init(&r.writer, &head, tape_sink, &t, r.buffer, sizeof r.buffer), PS_OK);
    assert_false(replays(&t, &no_lines, &result));
    assert_string_equal(result.fault, "its configuration is impossible");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_servers_history_replays_equal),
        cmocka_unit_test(a_peers_history_replays_equal),
        cmocka_unit_test(a_forged_input_is_told),
        cmocka_unit_test(a_forged_outcome_is_told),
        cmocka_unit_test(calls_that_ended_early_replay_equal),
        cmocka_unit_test(inputs_of_another_machine_are_told),
        cmocka_unit_test(what_is_cut_or_damaged_replays_up_to_there),
        cmocka_unit_test(impossible_configurations_are_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
