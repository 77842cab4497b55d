/* ERROR in a session: it ends what its id names, and nothing else. */
#include "rig.h"

static void answer(rig *r, uint32_t request, unsigned code, uint32_t retry_ms)
{
    rig_packet(r);
    craft_error(&r->c, request, code, retry_ms, "text");
    (void)rig_deliver(r);
}

static void ends_its_request(void **state)
{
    (void)state;
    rig *r = rig_new_online();
    (void)rig_command(r, PS_INPUT_LOCATE, 1, "x");
    (void)rig_command(r, PS_INPUT_LOCATE, 2, "y");
    answer(r, rig_nth(r, PS_MSG_LOCATE, 0)->request, PS_E_NOT_FOUND, 0);
    assert_int_equal(rig_done(r, 1), PS_E_NOT_FOUND);
    assert_false(rig_is_done(r, 2));
    answer(r, rig_nth(r, PS_MSG_LOCATE, 1)->request, PS_E_BAD_NAME, 0);
    assert_int_equal(rig_done(r, 2), PS_E_BAD_NAME);
    answer(r, rig_nth(r, PS_MSG_LOCATE, 1)->request, PS_E_BAD_NAME, 0);
    assert_int_equal(rig_drops(r, PS_DROP_STALE), 1);
    (void)rig_command(r, PS_INPUT_LIST_PEERS, 3, "");
    answer(r, rig_last(r, PS_MSG_LIST_PEERS)->request, 65535, 0); /* A code of the future. */
    assert_int_equal(rig_done(r, 3), 65535);
    rig_free(r);
}

/* A busy server is asked again when it said, as long as the command's time allows. */
static void busy_requests_come_again(void **state)
{
    (void)state;
    rig *r = rig_new_online();
    (void)rig_command(r, PS_INPUT_LOCATE, 1, "x");
    const uint32_t request = rig_last(r, PS_MSG_LOCATE)->request;
    answer(r, request, PS_E_BUSY, 1500);
    rig_run(r, RIG_START + 1500 * MS - 1);
    assert_int_equal(rig_count(r, PS_MSG_LOCATE), 1);
    rig_run(r, RIG_START + 1500 * MS);
    assert_int_equal(rig_count(r, PS_MSG_LOCATE), 2);
    assert_int_equal(rig_last(r, PS_MSG_LOCATE)->request, request);
    answer(r, request, PS_E_BUSY, 0); /* It says no time: soon, but not at once. */
    rig_run(r, r->now_us + PS_RTO_MIN_US - 1);
    assert_int_equal(rig_count(r, PS_MSG_LOCATE), 2);
    rig_run(r, r->now_us + 1);
    assert_int_equal(rig_count(r, PS_MSG_LOCATE), 3);
    assert_false(rig_is_done(r, 1));
    const uint64_t left_us = RIG_START + 10 * SECOND - r->now_us;
    answer(r, request, PS_E_BUSY, (uint32_t)(left_us / 1000)); /* Longer than there is time. */
    assert_int_equal(rig_done(r, 1), PS_E_BUSY);
    assert_int_equal(rig_event_nth(r, PS_EVENT_DONE, 0)->done.retry_ms, left_us / 1000);
    rig_free(r);
}

static void no_error_is_no_error(void **state)
{
    (void)state;
    rig *r = rig_new_online();
    (void)rig_command(r, PS_INPUT_LOCATE, 1, "x");
    answer(r, rig_last(r, PS_MSG_LOCATE)->request, PS_E_NONE, 0);
    assert_int_equal(rig_drops(r, PS_DROP_MALFORMED), 1);
    rig_packet(r);
    craft_message(&r->c, PS_MSG_ERROR, rig_last(r, PS_MSG_LOCATE)->request);
    craft_u16(&r->c, PS_E_BUSY);
    craft_end(&r->c);
    (void)rig_deliver(r);
    assert_int_equal(rig_drops(r, PS_DROP_MALFORMED), 2);
    assert_false(rig_is_done(r, 1));
    rig_free(r);
}

static void heartbeats_do_not_end_by_it(void **state)
{
    (void)state;
    rig *r = rig_new_online();
    rig_run(r, RIG_START + 2 * SECOND);
    answer(r, rig_last(r, PS_MSG_HEARTBEAT)->request, PS_E_BUSY, 0);
    assert_int_equal(rig_drops(r, PS_DROP_STALE), 1);
    rig_run(r, RIG_START + 2080 * MS);
    assert_int_equal(rig_count(r, PS_MSG_HEARTBEAT), 2);
    rig_free(r);
}

static void refused_changes_end_their_commands(void **state)
{
    (void)state;
    rig *r = rig_new_online();
    (void)rig_publish(r, 1, "a", 1);
    const uint32_t request = rig_last(r, PS_MSG_PUBLISH)->request;
    answer(r, request, PS_E_FULL, 0);
    assert_int_equal(rig_done(r, 1), PS_E_FULL);
    assert_int_equal(rig_stats(r).publications, 0);
    answer(r, request, PS_E_FULL, 0);
    assert_int_equal(rig_drops(r, PS_DROP_STALE), 1);
    (void)rig_publish(r, 2, "a", 1); /* Numbered as if the refused one had never been. */
    ps_changes m;
    (void)rig_last_changes(r, &m);
    assert_int_equal(m.generation, 1);
    rig_acknowledge(r);
    assert_int_equal(rig_done(r, 2), PS_E_NONE);
    rig_free(r);
}

static void busy_changes_come_again(void **state)
{
    (void)state;
    rig *r = rig_new_online();
    (void)rig_publish(r, 1, "a", 1);
    const rig_sent first = *rig_last(r, PS_MSG_PUBLISH);
    answer(r, first.request, PS_E_BUSY, 1500);
    rig_run(r, RIG_START + 1500 * MS - 1);
    assert_int_equal(rig_count(r, PS_MSG_PUBLISH), 1);
    rig_run(r, RIG_START + 1500 * MS);
    assert_int_equal(rig_count(r, PS_MSG_PUBLISH), 2);
    assert_memory_equal(rig_last(r, PS_MSG_PUBLISH)->body, first.body, first.body_len);
    rig_acknowledge(r);
    assert_int_equal(rig_done(r, 1), PS_E_NONE);
    rig_free(r);
}

/* "No error" is no ERROR. */
static void a_code_of_nothing_is_malformed(void **state)
{
    (void)state;
    rig *r = rig_new_online();
    (void)rig_command(r, PS_INPUT_LOCATE, 1, "x");
    answer(r, rig_last(r, PS_MSG_LOCATE)->request, PS_E_NONE, 0);
    assert_int_equal(rig_drops(r, PS_DROP_MALFORMED), 1);
    assert_false(rig_is_done(r, 1));
    rig_free(r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ends_its_request),
        cmocka_unit_test(busy_requests_come_again),
        cmocka_unit_test(no_error_is_no_error),
        cmocka_unit_test(heartbeats_do_not_end_by_it),
        cmocka_unit_test(refused_changes_end_their_commands),
        cmocka_unit_test(busy_changes_come_again),
        cmocka_unit_test(a_code_of_nothing_is_malformed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
