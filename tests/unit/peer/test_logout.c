/* Leaving, answered or not, and what becomes of waiting commands. */
#include "rig.h"

static void no_secret_left(const rig *r)
{
    const uint8_t *slab = r->slab;
    const size_t len = strlen(RIG_SECRET);
    for (size_t i = 0; i + len <= r->slab_len; i++) {
        assert_true(memcmp(slab + i, RIG_SECRET, len) != 0);
    }
}

static void answer(rig *r, uint32_t request)
{
    rig_packet(r);
    craft_logout_ok(&r->c, request);
    (void)rig_deliver(r);
}

static void answered_it_is_over(void **state)
{
    (void)state;
    rig *r = rig_new_online();
    assert_int_equal(rig_logout(r), PS_OK);
    assert_int_equal(rig_stats(r).state, PS_PEER_LEAVING);
    no_secret_left(r);
    const uint32_t request = rig_last(r, PS_MSG_LOGOUT)->request;
    assert_int_equal(rig_last(r, PS_MSG_LOGOUT)->receiver_id, RIG_SESSION);
    answer(r, request + 1);
    assert_int_equal(rig_drops(r, PS_DROP_STALE), 1);
    assert_int_equal(r->events_len, 0);
    assert_int_equal(rig_logout(r), PS_OK); /* Again: no second one. */
    assert_int_equal(rig_count(r, PS_MSG_LOGOUT), 1);
    answer(r, request);
    assert_int_equal(rig_events_of(r, PS_EVENT_LOGGED_OUT), 1);
    assert_int_equal(rig_stats(r).state, PS_PEER_IDLE);
    assert_true(ps_peer_deadline_us(r->p) == PS_TIME_NEVER);
    answer(r, request);
    assert_int_equal(rig_drops(r, PS_DROP_NO_SESSION), 1);
    rig_free(r);
}

static void unanswered_it_gives_up_after_a_second(void **state)
{
    (void)state;
    rig *r = rig_new_online();
    (void)rig_logout(r);
    rig_run(r, RIG_START + SECOND - 1);
    assert_int_equal(rig_count(r, PS_MSG_LOGOUT), 7);
    for (size_t k = 0; k < 7; k++) {
        const rig_sent *s = rig_nth(r, PS_MSG_LOGOUT, k);
        assert_int_equal(s->time_us, RIG_START + k * 150 * MS);
        assert_int_equal(s->counter, k + 2); /* LOGIN had the first. */
        assert_int_equal(s->request, rig_nth(r, PS_MSG_LOGOUT, 0)->request);
    }
    assert_int_equal(r->events_len, 0);
    rig_run(r, RIG_START + SECOND);
    assert_int_equal(rig_events_of(r, PS_EVENT_LOGGED_OUT), 1);
    assert_int_equal(rig_count(r, PS_MSG_HEARTBEAT), 0);
    rig_free(r);
}

static void an_error_ends_it_too(void **state)
{
    (void)state;
    rig *r = rig_new_online();
    (void)rig_logout(r);
    const uint32_t request = rig_last(r, PS_MSG_LOGOUT)->request;
    rig_packet(r); /* Of something else. */
    craft_error(&r->c, request + 1, PS_E_UNSUPPORTED, 0, "");
    (void)rig_deliver(r);
    assert_int_equal(rig_drops(r, PS_DROP_STALE), 1);
    assert_int_equal(rig_events_of(r, PS_EVENT_LOGGED_OUT), 0);
    rig_packet(r);
    craft_error(&r->c, request, PS_E_UNSUPPORTED, 0, "");
    (void)rig_deliver(r);
    assert_int_equal(rig_events_of(r, PS_EVENT_LOGGED_OUT), 1);
    rig_free(r);
}

static void a_body_is_malformed_and_no_one_asked(void **state)
{
    (void)state;
    rig *r = rig_new_online();
    answer(r, 1);
    assert_int_equal(rig_drops(r, PS_DROP_STALE), 1);
    (void)rig_logout(r);
    rig_packet(r);
    craft_message(&r->c, PS_MSG_LOGOUT_OK, rig_last(r, PS_MSG_LOGOUT)->request);
    craft_u8(&r->c, 1);
    craft_end(&r->c);
    (void)rig_deliver(r);
    assert_int_equal(rig_drops(r, PS_DROP_MALFORMED), 1);
    assert_int_equal(rig_stats(r).state, PS_PEER_LEAVING);
    rig_free(r);
}

static void without_a_session_it_is_over_at_once(void **state)
{
    (void)state;
    rig *r = rig_new_default();
    (void)rig_logout(r);
    assert_int_equal(rig_events_of(r, PS_EVENT_LOGGED_OUT), 1);
    (void)rig_login(r);
    (void)rig_logout(r);
    assert_int_equal(rig_events_of(r, PS_EVENT_LOGGED_OUT), 2);
    no_secret_left(r);
    (void)rig_login(r);
    rig_accept(r, 0);
    rig_run(r, RIG_START + 3 * SECOND);
    assert_int_equal(rig_stats(r).state, PS_PEER_LOST);
    (void)rig_logout(r);
    assert_int_equal(rig_events_of(r, PS_EVENT_LOGGED_OUT), 3);
    assert_int_equal(rig_count(r, PS_MSG_LOGOUT), 0);
    assert_true(ps_peer_deadline_us(r->p) == PS_TIME_NEVER);
    rig_free(r);
}

static void waiting_commands_are_cancelled(void **state)
{
    (void)state;
    ps_peer_config cfg = rig_config();
    cfg.max_requests = 40;
    rig *r = rig_new(&cfg);
    char name[16];
    (void)rig_login(r);
    rig_accept(r, 0);
    rig_forget(r);
    for (uint64_t k = 0; k < 40; k++) {
        (void)rig_command(r, PS_INPUT_LIST_FILES, 1000 + k, "");
    }
    for (uint64_t k = 0; k < 200; k++) { /* One in flight, the others in line. */
        (void)snprintf(name, sizeof name, "%u", (unsigned)k);
        (void)rig_publish(r, k, name, 1);
    }
    assert_int_equal(rig_logout(r), PS_MORE);
    assert_true(r->out.events_len <= PS_PEER_STEP_EVENTS);
    rig_settle(r);
    for (uint64_t k = 0; k < 40; k++) {
        assert_int_equal(rig_done(r, 1000 + k), PS_E_CANCELLED);
    }
    for (uint64_t k = 0; k < 200; k++) {
        assert_int_equal(rig_done(r, k), PS_E_CANCELLED);
    }
    assert_int_equal(rig_events_of(r, PS_EVENT_LOGGED_OUT), 0);
    answer(r, rig_last(r, PS_MSG_LOGOUT)->request);
    assert_int_equal(r->events[r->events_len - 1].type, PS_EVENT_LOGGED_OUT);
    assert_int_equal(rig_stats(r).publications, 200); /* They stay held. */
    rig_forget(r);
    (void)rig_login(r);
    rig_accept(r, 0);
    while (rig_stats(r).unacknowledged > 0) {
        rig_settle(r);
        rig_acknowledge(r);
    }
    assert_int_equal(rig_events_of(r, PS_EVENT_DONE), 0);
    rig_free(r);
}

/* LOGGED_OUT comes last even when the server answers before all is cancelled. */
static void the_end_waits_for_all_ends(void **state)
{
    (void)state;
    ps_peer_config cfg = rig_config();
    cfg.max_requests = 40;
    rig *r = rig_new(&cfg);
    (void)rig_login(r);
    rig_accept(r, 0);
    for (uint64_t k = 0; k < 40; k++) {
        (void)rig_command(r, PS_INPUT_LIST_FILES, k, "");
    }
    (void)rig_logout(r);
    answer(r, rig_last(r, PS_MSG_LOGOUT)->request);
    assert_int_equal(rig_events_of(r, PS_EVENT_LOGGED_OUT), 0);
    rig_settle(r);
    assert_int_equal(rig_events_of(r, PS_EVENT_DONE), 40);
    assert_int_equal(r->events[r->events_len - 1].type, PS_EVENT_LOGGED_OUT);
    rig_free(r);
}

static void acknowledgements_under_way_still_count(void **state)
{
    (void)state;
    rig *r = rig_new_online();
    (void)rig_publish(r, 1, "a", 1);
    (void)rig_logout(r);
    assert_int_equal(rig_done(r, 1), PS_E_CANCELLED);
    rig_acknowledge(r);
    assert_int_equal(rig_stats(r).unacknowledged, 0);
    assert_int_equal(rig_events_of(r, PS_EVENT_DONE), 1);
    rig_free(r);
}

/* Without a session it is over at once, but for the commands that end a few at a time. */
static void many_commands_end_a_few_at_a_time(void **state)
{
    (void)state;
    ps_peer_config cfg = rig_config();
    cfg.max_publications = 3 * PS_PEER_TICK_CANCELS;
    rig *r = rig_new(&cfg);
    r->silent = true;
    (void)rig_login(r);
    for (unsigned i = 0; i < 2 * PS_PEER_TICK_CANCELS + 1; i++) {
        char name[8];
        (void)snprintf(name, sizeof name, "n%u", i);
        (void)rig_publish(r, 100 + i, name, 1);
    }
    (void)rig_logout(r);
    assert_int_equal(rig_events_of(r, PS_EVENT_DONE), PS_PEER_TICK_CANCELS);
    assert_int_equal(rig_events_of(r, PS_EVENT_LOGGED_OUT), 0);
    rig_settle(r);
    assert_int_equal(rig_events_of(r, PS_EVENT_DONE), 2 * PS_PEER_TICK_CANCELS + 1);
    assert_int_equal(rig_events_of(r, PS_EVENT_LOGGED_OUT), 1);
    rig_free(r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(answered_it_is_over),
        cmocka_unit_test(unanswered_it_gives_up_after_a_second),
        cmocka_unit_test(an_error_ends_it_too),
        cmocka_unit_test(a_body_is_malformed_and_no_one_asked),
        cmocka_unit_test(without_a_session_it_is_over_at_once),
        cmocka_unit_test(waiting_commands_are_cancelled),
        cmocka_unit_test(the_end_waits_for_all_ends),
        cmocka_unit_test(acknowledgements_under_way_still_count),
        cmocka_unit_test(many_commands_end_a_few_at_a_time),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
