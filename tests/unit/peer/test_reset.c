/* RESET, and the login that it begins beside the session (login.c). */
#include "log.h"

static void reset(rig *r, uint64_t receiver_id, uint64_t counter)
{
    craft_reset_packet(&r->c, receiver_id, counter);
    (void)rig_deliver(r);
}

/* Online with a heartbeat sent, which a server without memory answers. */
static rig *doubted(uint64_t *client_id)
{
    rig *r = rig_new_online();
    *client_id = r->client_id;
    rig_run(r, RIG_START + 2 * SECOND);
    assert_int_equal(rig_last(r, PS_MSG_HEARTBEAT)->counter, 2);
    reset(r, RIG_SESSION, 2);
    assert_int_equal(rig_stats(r).resets, 1);
    assert_int_equal(rig_count(r, PS_MSG_LOGIN), 1);
    return r;
}

static void a_reset_begins_a_login_beside_the_session(void **state)
{
    (void)state;
    uint64_t old;
    rig *r = doubted(&old);
    const rig_sent *s = rig_last(r, PS_MSG_LOGIN);
    assert_int_equal(s->receiver_id, RIG_SESSION + 1);
    assert_int_equal(s->counter, 1);
    assert_int_equal(s->time_us, RIG_START + 2 * SECOND);
    assert_true(r->client_id != old);
    assert_int_equal(rig_stats(r).state, PS_PEER_ONLINE);
    assert_int_equal(r->events_len, 0);
    /* The session is what it was: it may have been a lie. */
    (void)rig_command(r, PS_INPUT_LIST_PEERS, 1, "");
    assert_int_equal(rig_last(r, PS_MSG_LIST_PEERS)->receiver_id, RIG_SESSION);
    rig_packet_of(r, old, 2);
    craft_page(&r->c, PS_MSG_PEERS, rig_last(r, PS_MSG_LIST_PEERS)->request, 0);
    craft_end(&r->c);
    (void)rig_deliver(r);
    assert_int_equal(rig_done(r, 1), PS_E_NONE);
    (void)rig_command(r, PS_INPUT_LIST_PEERS, 2, "");
    rig_accept(r, 0);
    assert_true(rig_event_nth(r, PS_EVENT_LOGGED_IN, 0)->account.again);
    assert_int_equal(rig_events_of(r, PS_EVENT_LOST), 0);
    assert_int_equal(rig_stats(r).losses, 0);
    s = rig_last(r, PS_MSG_LIST_PEERS); /* What waited goes on in the new session. */
    assert_int_equal(s->receiver_id, RIG_SESSION + 1);
    assert_int_equal(s->counter, 2);
    assert_int_equal(rig_count(r, PS_MSG_LIST_PEERS), 3);
    rig_packet_of(r, old, 3);
    craft_push(&r->c, 1, 1, "");
    (void)rig_deliver(r);
    assert_int_equal(rig_drops(r, PS_DROP_NO_SESSION), 1); /* The old one is over. */
    rig_free(r);
}

/* Only who has seen a packet of this session can say it. */
static void forged_resets_are_dropped(void **state)
{
    (void)state;
    rig *r = rig_new_online();
    log_model *log = log_new(0);
    for (uint64_t k = 0; k < 300; k++) { /* 300 packets: the oldest are behind the window. */
        rig_run(r, r->now_us + 2 * SECOND);
        assert_true(log_answer(r, log, rig_last(r, PS_MSG_HEARTBEAT)));
    }
    assert_int_equal(r->p->session.tx_counter, 301);
    const struct {
        uint64_t id, counter;
    } forged[] = {
        {RIG_SESSION + 1, 300}, {0, 300},          {r->client_id, 300}, {RIG_SESSION, 0},
        {RIG_SESSION, 302},     {RIG_SESSION, 45}, {RIG_SESSION, 1},    {RIG_SESSION, UINT64_MAX}};
    for (size_t k = 0; k < sizeof forged / sizeof forged[0]; k++) {
        reset(r, forged[k].id, forged[k].counter);
        assert_int_equal(rig_drops(r, PS_DROP_NO_SESSION), k + 1);
    }
    ps_addr other = r->server;
    other.port++;
    craft_reset_packet(&r->c, RIG_SESSION, 300);
    (void)rig_deliver_from(r, &other, r->c.data, r->c.len);
    assert_int_equal(rig_drops(r, PS_DROP_ADDRESS), 1);
    assert_int_equal(rig_count(r, PS_MSG_LOGIN), 0);
    assert_int_equal(rig_stats(r).resets, 0);
    reset(r, RIG_SESSION, 46); /* The oldest within the window. */
    assert_int_equal(rig_count(r, PS_MSG_LOGIN), 1);
    free(log);
    rig_free(r);
}

static void resets_count_once_a_second(void **state)
{
    (void)state;
    uint64_t old;
    rig *r = doubted(&old);
    reset(r, RIG_SESSION, 1); /* While the login runs. */
    assert_int_equal(rig_drops(r, PS_DROP_STALE), 1);
    rig_accept(r, 0);
    (void)rig_command(r, PS_INPUT_LIST_PEERS, 1, "");
    r->now_us += SECOND - 1;
    reset(r, RIG_SESSION + 1, 1);
    assert_int_equal(rig_drops(r, PS_DROP_STALE), 2);
    assert_int_equal(rig_stats(r).resets, 1);
    r->now_us += 1;
    reset(r, RIG_SESSION + 1, 1);
    assert_int_equal(rig_stats(r).resets, 2);
    rig_free(r);
}

static void a_loss_while_the_login_runs_goes_on_with_it(void **state)
{
    (void)state;
    uint64_t old;
    rig *r = doubted(&old);
    rig_run(r, RIG_START + 3 * SECOND);
    assert_int_equal(rig_events_of(r, PS_EVENT_LOST), 1);
    assert_int_equal(rig_stats(r).state, PS_PEER_LOST);
    assert_true(rig_count(r, PS_MSG_HEARTBEAT) == 13); /* The session was tried to its end. */
    const size_t logins = rig_count(r, PS_MSG_LOGIN);
    const uint32_t request = rig_last(r, PS_MSG_LOGIN)->request;
    rig_run(r, RIG_START + 4500 * MS);
    assert_true(rig_count(r, PS_MSG_LOGIN) > logins);
    assert_int_equal(rig_last(r, PS_MSG_LOGIN)->request, request);
    rig_accept(r, 0);
    assert_true(rig_event_nth(r, PS_EVENT_LOGGED_IN, 0)->account.again);
    assert_int_equal(rig_stats(r).losses, 1);
    rig_free(r);
}

static void a_refusal_beside_the_session_ends_both(void **state)
{
    (void)state;
    uint64_t old;
    rig *r = doubted(&old);
    (void)rig_command(r, PS_INPUT_LIST_FILES, 9, "");
    rig_refuse(r, PS_E_ACTIVE, 0, ""); /* This one is waited out. */
    assert_int_equal(rig_event_nth(r, PS_EVENT_PUT_OFF, 0)->account.error, PS_E_ACTIVE);
    assert_int_equal(rig_stats(r).state, PS_PEER_ONLINE);
    rig_run(r, r->now_us + 500 * MS);
    rig_refuse(r, PS_E_CREDENTIALS, 0, "no");
    assert_int_equal(rig_event_nth(r, PS_EVENT_REFUSED, 0)->account.error, PS_E_CREDENTIALS);
    assert_int_equal(rig_stats(r).state, PS_PEER_IDLE);
    rig_wiped(r);
    rig_settle(r);
    assert_int_equal(rig_done(r, 9), PS_E_NOT_LOGGED_IN);
    assert_true(ps_peer_deadline_us(r->p) == PS_TIME_NEVER);
    rig_packet_of(r, old, 2);
    craft_push(&r->c, 1, 1, "");
    (void)rig_deliver(r);
    assert_int_equal(rig_drops(r, PS_DROP_NO_SESSION), 1);
    (void)rig_login(r);
    rig_accept(r, 0);
    rig_free(r);
}

static void a_logout_while_the_login_runs_ends_both(void **state)
{
    (void)state;
    for (int how = 0; how < 2; how++) {
        uint64_t old;
        rig *r = doubted(&old);
        const uint32_t request = rig_last(r, PS_MSG_LOGIN)->request;
        (void)rig_logout(r);
        assert_int_equal(rig_last(r, PS_MSG_LOGOUT)->receiver_id, RIG_SESSION);
        assert_false(rig_holds(r, RIG_SECRET, strlen(RIG_SECRET)));
        assert_false(rig_holds(r, rig_channel_of(r, r->client_id)->to_peer, 32));
        rig_packet_of(r, r->client_id, 1);
        craft_login_ok(&r->c, request, 0);
        (void)rig_deliver(r);
        assert_int_equal(rig_events_of(r, PS_EVENT_LOGGED_IN), 0);
        if (how == 0) { /* A server that does not know the session has nothing to end. */
            reset(r, RIG_SESSION, rig_last(r, PS_MSG_LOGOUT)->counter);
        } else {
            rig_run(r, r->now_us + SECOND);
        }
        assert_int_equal(rig_events_of(r, PS_EVENT_LOGGED_OUT), 1);
        assert_int_equal(rig_stats(r).state, PS_PEER_IDLE);
        rig_wiped(r);
        const size_t logins = rig_count(r, PS_MSG_LOGIN);
        rig_run(r, r->now_us + 10 * SECOND);
        assert_int_equal(rig_count(r, PS_MSG_LOGIN), logins);
        reset(r, RIG_SESSION, 1); /* Nobody is there to hear it. */
        assert_int_equal(rig_count(r, PS_MSG_LOGIN), logins);
        rig_free(r);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_reset_begins_a_login_beside_the_session),
        cmocka_unit_test(forged_resets_are_dropped),
        cmocka_unit_test(resets_count_once_a_second),
        cmocka_unit_test(a_loss_while_the_login_runs_goes_on_with_it),
        cmocka_unit_test(a_refusal_beside_the_session_ends_both),
        cmocka_unit_test(a_logout_while_the_login_runs_ends_both),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
