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
    assert_int_equal(result.inputs, server_inputs);
    assert_int_equal(result.records, server_records);
    assert_int_equal(result.first_us, 5000000);
    assert_true(result.last_us > 5000000 + 10 * UINT64_C(1000000));
}

/* The head says under which cryptography; another gives another story. */
static void both_kinds_of_cryptography_replay_equal(void **state)
{
    (void)state;
    static tape alice;
    record_both(&t, &alice, PS_CRYPTO_REAL);
    assert_true(replays(&t, &no_lines, &result));
    assert_true(replays(&alice, &no_lines, &result));
    sheet s = {.base = t.bytes, .cap = head_end(&t), .len = PREAMBLE + HEAD_FIXED};
    put_number(&s, PS_CRYPTO_STAND_IN, 4);
    s.len = s.cap - CHECKSUM;
    put_number(&s, fnv(FNV_BASIS, t.bytes, s.len), CHECKSUM);
    assert_false(replays(&t, &no_lines, &result));
    assert_true(result.differs);
    s.len = PREAMBLE + HEAD_FIXED;
    put_number(&s, 3, 4);
    s.len = s.cap - CHECKSUM;
    put_number(&s, fnv(FNV_BASIS, t.bytes, s.len), CHECKSUM);
    assert_false(replays(&t, &no_lines, &result));
    assert_string_equal(result.fault, "its cryptography is not known here");
}

static void a_peers_history_replays_equal(void **state)
{
    (void)state;
    record_peer(&t);
    assert_true(replays(&t, &no_lines, &result));
    assert_int_equal(result.end, PS_JOURNAL_END);
    assert_true(result.inputs > 10);
}

/* One changed byte of an input, under a checksum that is right, is no longer this history. */
static void a_forged_input_is_told(void **state)
{
    (void)state;
    record_server(&t);
    /* The client's key in the first INITIATE: behind clock, kind, address, endpoint, length. */
    size_t at = head_end(&t);
    at += LENGTH + t.bytes[at + 3] + CHECKSUM;
    forge(&t, at + LENGTH + RECORD_FIXED + 8 + 1 + 23 + 4 + 4 + PS_INITIATE_MESSAGE);
    assert_false(replays(&t, &no_lines, &result));
    assert_true(result.differs);
    assert_int_equal(result.inputs, 1);
    assert_int_equal(result.record.first, 2);
    assert_int_equal(result.record.inputs, 1);
    assert_int_equal(result.differs_type, PS_INPUT_DATAGRAM);
    assert_true(result.differs_us > 5000000 && result.differs_us < 5010000);
    assert_true(result.digest != result.record.digest);
}

static void a_forged_outcome_is_told(void **state)
{
    (void)state;
    record_server(&t);
    const size_t first = head_end(&t);
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
    const size_t first = head_end(&t);
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
    const size_t head = head_end(&mixed);
    const size_t skip = head_end(&t);
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
    assert_int_equal(result.inputs, server_inputs - 1);
    record_server(&t);
    t.bytes[t.len - 1] ^= 1;
    assert_true(replays(&t, &no_lines, &result));
    assert_int_equal(result.end, PS_JOURNAL_DAMAGED);
    assert_int_equal(result.inputs, server_inputs - 1);
    t.bytes[0] = 'X';
    assert_false(replays(&t, &no_lines, &result));
    assert_int_equal(result.end, PS_JOURNAL_FOREIGN);
    assert_false(result.differs);
}

static void impossible_configurations_are_told(void **state)
{
    (void)state;
    static rig r;
    ps_journal_head head = small_server(PS_CRYPTO_REAL);
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
        cmocka_unit_test(both_kinds_of_cryptography_replay_equal),
        cmocka_unit_test(a_forged_input_is_told),
        cmocka_unit_test(a_forged_outcome_is_told),
        cmocka_unit_test(calls_that_ended_early_replay_equal),
        cmocka_unit_test(inputs_of_another_machine_are_told),
        cmocka_unit_test(what_is_cut_or_damaged_replays_up_to_there),
        cmocka_unit_test(impossible_configurations_are_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
