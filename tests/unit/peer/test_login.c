/* Attempts, refusals, loss and return. */
#include "rig.h"

static void sends_what_was_given(void **state)
{
    (void)state;
    rig *r = rig_new_default();
    ps_login m;
    assert_int_equal(rig_login(r), PS_OK);
    assert_int_equal(r->sent_len, 1);
    const rig_sent *s = rig_last(r, PS_MSG_LOGIN);
    assert_int_equal(s->receiver_id, RIG_SESSION);
    assert_int_equal(s->counter, 1);
    assert_true(ps_login_decode((ps_span){s->body, s->body_len}, &m));
    assert_int_equal(m.stream_port, 7001);
    assert_int_equal(m.datagram_max, PS_DATAGRAM_MAX);
    assert_int_equal(m.method, PS_LOGIN_PASSWORD);
    assert_int_equal(m.device[2], 3);
    assert_true(span_equal(m.user, span_of(RIG_USER)));
    assert_true(span_equal(m.secret, span_of(RIG_SECRET)));
    assert_int_equal(m.ticket.len, 0);
    assert_int_equal(r->out.datagrams[0].endpoint, 3);
    assert_int_equal(rig_stats(r).state, PS_PEER_LOGIN);
    rig_free(r);
}

static void is_repeated_with_backoff_then_times_out(void **state)
{
    (void)state;
    rig *r = rig_new_default();
    (void)rig_login(r);
    rig_run(r, RIG_START + 10 * SECOND - 1);
    assert_int_equal(r->events_len, 0);
    const size_t n = rig_count(r, PS_MSG_LOGIN);
    assert_int_equal(rig_stats(r).retransmissions, n - 1);
    uint64_t wait_us = 100 * MS;
    for (size_t k = 1; k < n; k++) {
        const rig_sent *a = rig_nth(r, PS_MSG_LOGIN, k - 1);
        const rig_sent *b = rig_nth(r, PS_MSG_LOGIN, k);
        assert_in_range(b->time_us - a->time_us, wait_us, wait_us + wait_us / 8);
        assert_int_equal(b->request, a->request);
        assert_memory_equal(b->body, a->body, a->body_len);
        wait_us = wait_us * 2 > SECOND ? SECOND : wait_us * 2;
    }
    assert_in_range(n, 11, 14);
    rig_run(r, RIG_START + 10 * SECOND);
    assert_int_equal(rig_event_nth(r, PS_EVENT_REFUSED, 0)->account.error, PS_E_TIMEOUT);
    assert_int_equal(r->events_len, 1);
    assert_int_equal(rig_stats(r).state, PS_PEER_IDLE);
    assert_true(ps_peer_deadline_us(r->p) == PS_TIME_NEVER);
    rig_free(r);
}

static void acceptance_opens_a_session(void **state)
{
    (void)state;
    rig *r = rig_new_default();
    (void)rig_login(r);
    r->now_us += 30 * MS; /* It takes that long to verify a password: no round trip. */
    rig_accept(r, 17);
    const rig_event *e = rig_event_nth(r, PS_EVENT_LOGGED_IN, 0);
    assert_int_equal(r->events_len, 2);
    /* A server without a clock has no keys for uploads, and that is told, too. */
    assert_int_equal(r->events[0].type, PS_EVENT_FILE_KEYS);
    assert_int_equal(r->events[0].file_keys.count, 0);
    assert_false(e->account.again);
    assert_int_equal(e->account.observed.port, 7001);
    assert_int_equal(e->account.observed.ip[0], 127);
    assert_int_equal(rig_stats(r).rtt_us, 1);
    (void)rig_command(r, PS_INPUT_LIST_PEERS, 1, "");
    assert_int_equal(rig_last(r, PS_MSG_LIST_PEERS)->receiver_id, RIG_SESSION);
    assert_int_equal(rig_last(r, PS_MSG_LIST_PEERS)->counter, 2);
    rig_free(r);
}

static void acceptance_must_fit(void **state)
{
    (void)state;
    rig *r = rig_new_default();
    (void)rig_login(r);
    const uint32_t request = rig_last(r, PS_MSG_LOGIN)->request;
    const struct {
        uint32_t request;
        uint64_t client_id, counter, generation;
        ps_drop why;
    } bad[] = {
        {request + 1, r->client_id, 1, 0, PS_DROP_STALE},
        {request, r->client_id, 0, 0, PS_DROP_REPLAY},             /* No counter is 0. */
        {request, r->client_id, 1, 0, PS_DROP_REPLAY},             /* It was taken. */
        {request, r->client_id, 2, UINT64_MAX, PS_DROP_MALFORMED}, /* No log gets there. */
        {request, r->client_id, UINT64_MAX, 0, PS_DROP_REPLAY},    /* No window takes this one. */
        {request, r->client_id ^ 1, 3, 0, PS_DROP_NO_SESSION},
        {request, 0, 3, 0, PS_DROP_NO_SESSION},
    };
    for (size_t k = 0; k < sizeof bad / sizeof *bad; k++) {
        const uint64_t before = rig_drops(r, bad[k].why);
        rig_packet_of(r, bad[k].client_id, bad[k].counter);
        craft_login_ok(&r->c, bad[k].request, bad[k].generation);
        (void)rig_deliver(r);
        assert_int_equal(rig_drops(r, bad[k].why), before + 1);
        assert_int_equal(rig_drops_all(r), k + 1);
    }
    assert_int_equal(r->events_len, 0);
    assert_int_equal(rig_stats(r).state, PS_PEER_LOGIN);
    rig_channel_of(r, r->client_id)->counter = 3;
    rig_accept(r, 0);
    rig_packet(r); /* The answer once more. */
    craft_login_ok(&r->c, request, 0);
    (void)rig_deliver(r);
    assert_int_equal(rig_drops(r, PS_DROP_STALE), 2);
    assert_int_equal(rig_events_of(r, PS_EVENT_LOGGED_IN), 1);
    rig_free(r);
}

static void every_refusal_of_a_first_login_ends_it(void **state)
{
    (void)state;
    const unsigned codes[] = {PS_E_CREDENTIALS, PS_E_ACTIVE, PS_E_BUSY, PS_E_UNSUPPORTED, 999};
    for (size_t i = 0; i < 5; i++) {
        rig *r = rig_new_default();
        (void)rig_login(r);
        rig_refuse(r, codes[i], 750, "the server's words");
        const rig_event *e = rig_event_nth(r, PS_EVENT_REFUSED, 0);
        assert_int_equal(e->account.error, codes[i]);
        assert_int_equal(e->account.retry_ms, 750);
        assert_string_equal(e->name, "the server's words");
        assert_int_equal(rig_stats(r).state, PS_PEER_IDLE);
        rig_wiped(r);
        rig_refuse(r, codes[i], 0, ""); /* A repeated one meets nobody. */
        assert_int_equal(rig_drops(r, PS_DROP_NO_SESSION), 1);
        assert_int_equal(r->events_len, 1);
        const uint64_t before = r->client_id;
        assert_int_equal(rig_login(r), PS_OK);
        assert_true(r->client_id != before);
        rig_accept(r, 0);
        rig_free(r);
    }
}

static void malformed_refusals_are_dropped(void **state)
{
    (void)state;
    rig *r = rig_new_default();
    (void)rig_login(r);
    rig_refuse(r, PS_E_NONE, 0, "");
    assert_int_equal(rig_drops(r, PS_DROP_MALFORMED), 1);
    rig_packet_of(r, r->client_id, 2);
    craft_error(&r->c, rig_last(r, PS_MSG_LOGIN)->request + 1, PS_E_CREDENTIALS, 0, "");
    (void)rig_deliver(r);
    assert_int_equal(rig_drops(r, PS_DROP_STALE), 1);
    rig_packet_of(r, r->client_id, 3);
    craft_heartbeat_ok(&r->c, 1, 0, 0, 0);
    (void)rig_deliver(r);
    assert_int_equal(rig_drops(r, PS_DROP_MISPLACED), 1);
    assert_int_equal(r->events_len, 0);
    rig_free(r);
}

static void impossible_accounts_are_refused_here(void **state)
{
    (void)state;
    char longer[PS_PASSWORD_MAX + 2];
    memset(longer, 'p', sizeof longer - 1);
    longer[sizeof longer - 1] = 0;
    const char *users[] = {"", "a b", "#a", RIG_USER};
    for (size_t i = 0; i < 4; i++) {
        rig *r = rig_new_default();
        ps_input in = rig_login_input(r, users[i], i == 3 ? longer : "x");
        assert_int_equal(rig_step(r, &in), PS_OK);
        assert_int_equal(rig_event_nth(r, PS_EVENT_REFUSED, 0)->account.error, PS_E_CREDENTIALS);
        assert_int_equal(r->sent_len, 0);
        assert_int_equal(rig_stats(r).state, PS_PEER_IDLE);
        rig_free(r);
    }
    rig *r = rig_new_default();
    longer[PS_PASSWORD_MAX] = 0;
    ps_input in = rig_login_input(r, RIG_USER, longer);
    assert_int_equal(rig_step(r, &in), PS_OK);
    assert_int_equal(rig_count(r, PS_MSG_LOGIN), 1);
    rig_free(r);
}

static void callers_bugs(void **state)
{
    (void)state;
    rig *r = rig_new_default();
    ps_input in = rig_login_input(r, RIG_USER, RIG_SECRET);
    in.u.login.server.family = PS_ADDR_NONE;
    assert_int_equal(rig_step(r, &in), PS_INVALID);
    in = rig_login_input(r, RIG_USER, RIG_SECRET);
    in.u.login.server.port = 0;
    assert_int_equal(rig_step(r, &in), PS_INVALID);
    in = rig_login_input(r, RIG_USER, RIG_SECRET);
    in.u.login.user = (ps_span){NULL, 3};
    assert_int_equal(rig_step(r, &in), PS_INVALID);
    in = rig_login_input(r, RIG_USER, RIG_SECRET);
    in.u.login.ticket = (ps_span){NULL, 3};
    assert_int_equal(rig_step(r, &in), PS_INVALID);
    const uint8_t longer[PS_TICKET_MAX + 1] = {0};
    in.u.login.ticket = (ps_span){longer, sizeof longer};
    assert_int_equal(rig_step(r, &in), PS_INVALID);
    (void)rig_login(r);
    assert_int_equal(rig_login(r), PS_INVALID);
    rig_accept(r, 0);
    assert_int_equal(rig_login(r), PS_INVALID);
    rig_free(r);
}

/* Online, then silence from the server until the loss. */
static rig *lost(void)
{
    rig *r = rig_new_online();
    rig_run(r, RIG_START + 3 * SECOND);
    assert_int_equal(rig_stats(r).state, PS_PEER_LOST);
    assert_int_equal(rig_events_of(r, PS_EVENT_LOST), 1);
    return r;
}

static void after_a_loss_it_tries_for_ever(void **state)
{
    (void)state;
    rig *r = lost(); /* Handshakes are answered, logins are not. */
    const rig_sent first = *rig_nth(r, PS_MSG_LOGIN, 0);
    assert_int_equal(first.time_us, RIG_START + 3 * SECOND);
    rig_run(r, r->now_us + 600 * SECOND);
    assert_int_equal(rig_stats(r).state, PS_PEER_LOST);
    assert_int_equal(rig_events_of(r, PS_EVENT_LOST), 1);
    const size_t n = rig_count(r, PS_MSG_LOGIN);
    assert_in_range(n, 600, 700);
    uint64_t id_since = first.time_us;
    size_t ids = 1;
    for (size_t k = 1; k < n; k++) {
        const rig_sent *a = rig_nth(r, PS_MSG_LOGIN, k - 1);
        const rig_sent *b = rig_nth(r, PS_MSG_LOGIN, k);
        assert_true(b->time_us - a->time_us <= SECOND + SECOND / 8);
        assert_memory_equal(a->body, b->body, a->body_len);
        if (b->request != a->request) {
            assert_true(a->receiver_id != b->receiver_id);
            assert_in_range(b->time_us - id_since, 16 * SECOND, 17500 * MS);
            id_since = b->time_us;
            ids++;
        } else {
            assert_int_equal(a->receiver_id, b->receiver_id);
        }
    }
    assert_in_range(ids, 34, 39);
    assert_int_equal(rig_stats(r).handshakes, ids + 1);
    rig_free(r);
}

static void a_return_goes_on(void **state)
{
    (void)state;
    rig *r = lost();
    rig_forget(r);
    rig_run(r, r->now_us + 7 * SECOND);
    const rig_sent login = *rig_last(r, PS_MSG_LOGIN);
    assert_int_equal(login.counter, rig_count(r, PS_MSG_LOGIN) + 1); /* One before rig_forget(). */
    rig_accept(r, 0);
    assert_true(rig_event_nth(r, PS_EVENT_LOGGED_IN, 0)->account.again);
    rig_forget(r);
    (void)rig_command(r, PS_INPUT_LIST_FILES, 1, "");
    assert_int_equal(rig_last(r, PS_MSG_LIST_FILES)->receiver_id, login.receiver_id);
    assert_int_equal(rig_last(r, PS_MSG_LIST_FILES)->counter, login.counter + 1);
    assert_int_equal(rig_stats(r).losses, 1);
    rig_free(r);
}

static void the_old_session_is_over(void **state)
{
    (void)state;
    rig *r = rig_new_online();
    const uint64_t old = r->client_id;
    rig_run(r, RIG_START + 3 * SECOND);
    rig_packet_of(r, old, 2);
    craft_heartbeat_ok(&r->c, rig_last(r, PS_MSG_HEARTBEAT)->request, 0, 0, 0);
    (void)rig_deliver(r);
    assert_int_equal(rig_drops(r, PS_DROP_NO_SESSION), 1);
    assert_int_equal(rig_stats(r).state, PS_PEER_LOST);
    rig_free(r);
}

static void busy_after_a_loss_waits_as_told(void **state)
{
    (void)state;
    rig *r = lost();
    rig_forget(r);
    rig_run(r, r->now_us + 200 * MS);
    const uint64_t refused_us = r->now_us;
    const uint64_t id = r->client_id;
    rig_refuse(r, PS_E_BUSY, 4000, "");
    const size_t before = rig_count(r, PS_MSG_LOGIN);
    rig_run(r, refused_us + 4 * SECOND - 1);
    assert_int_equal(rig_count(r, PS_MSG_LOGIN), before);
    rig_run(r, refused_us + 4500 * MS);
    assert_true(rig_count(r, PS_MSG_LOGIN) > before);
    assert_true(r->client_id != id);
    rig_refuse(r, PS_E_BUSY, UINT32_MAX, ""); /* No server sends us away for weeks. */
    assert_true(ps_peer_deadline_us(r->p) <= r->now_us + 70 * SECOND);
    rig_run(r, r->now_us + 70 * SECOND);
    assert_true(rig_count(r, PS_MSG_LOGIN) > before + 1);
    assert_int_equal(r->events_len, 1); /* The host is told once. */
    const rig_event *e = rig_event_nth(r, PS_EVENT_PUT_OFF, 0);
    assert_int_equal(e->account.error, PS_E_BUSY);
    assert_int_equal(e->account.retry_ms, 4000);
    rig_accept(r, 0);
    rig_free(r);
}

static void active_after_a_loss_keeps_trying(void **state)
{
    (void)state;
    rig *r = lost();
    for (int i = 0; i < 20; i++) {
        const size_t before = rig_count(r, PS_MSG_LOGIN);
        rig_refuse(r, PS_E_ACTIVE, 0, "");
        assert_int_equal(rig_stats(r).state, PS_PEER_LOST);
        rig_run(r, r->now_us + 3 * SECOND - 1); /* That device is left alone for so long. */
        assert_int_equal(rig_count(r, PS_MSG_LOGIN), before);
        rig_run(r, r->now_us + 1 + 3 * SECOND / 8);
        assert_true(rig_count(r, PS_MSG_LOGIN) > before);
    }
    rig_accept(r, 0);
    rig_free(r);
}

static void credentials_after_a_loss_end_it(void **state)
{
    (void)state;
    rig *r = lost();
    (void)rig_command(r, PS_INPUT_LIST_FILES, 9, "");
    assert_false(rig_is_done(r, 9));
    rig_refuse(r, PS_E_CREDENTIALS, 0, "no");
    assert_int_equal(rig_event_nth(r, PS_EVENT_REFUSED, 0)->account.error, PS_E_CREDENTIALS);
    assert_int_equal(rig_stats(r).state, PS_PEER_IDLE);
    rig_wiped(r);
    rig_settle(r);
    assert_int_equal(rig_done(r, 9), PS_E_NOT_LOGGED_IN);
    rig_free(r);
}

static void messages_beside_the_acceptance_count(void **state)
{
    (void)state;
    rig *r = rig_new_default();
    (void)rig_login(r);
    rig_packet_of(r, r->client_id, 9);
    craft_login_ok(&r->c, rig_last(r, PS_MSG_LOGIN)->request, 0);
    craft_push(&r->c, 5, 77, "news");
    (void)rig_deliver(r);
    assert_int_equal(rig_last(r, PS_MSG_PUSH_OK)->request, 5);
    assert_int_equal(rig_last(r, PS_MSG_PUSH_OK)->receiver_id, RIG_SESSION);
    rig_packet_of(r, r->client_id, 9);
    craft_push(&r->c, 6, 77, "news");
    (void)rig_deliver(r);
    assert_int_equal(rig_drops(r, PS_DROP_REPLAY), 1);
    rig_free(r);
}

static void a_reason_to_wait_is_told_once(void **state)
{
    (void)state;
    rig *r = lost();
    const unsigned codes[] = {PS_E_BUSY, PS_E_BUSY, PS_E_ACTIVE, PS_E_ACTIVE, PS_E_FULL, PS_E_BUSY};
    for (size_t k = 0; k < 6; k++) {
        rig_refuse(r, codes[k], 100, "");
        assert_int_equal(rig_events_of(r, PS_EVENT_PUT_OFF), k < 2 ? 1 : k < 4 ? 2 : k - 1);
        const rig_event *e = &r->events[r->events_len - 1];
        assert_int_equal(e->account.error, codes[k]);
        assert_int_equal(e->account.retry_ms, 100);
        const size_t before = rig_count(r, PS_MSG_LOGIN);
        rig_run(r, r->now_us + 3400 * MS);
        assert_true(rig_count(r, PS_MSG_LOGIN) > before);
    }
    rig_accept(r, 0);
    rig_run(r, r->now_us + 3 * SECOND); /* Another loss tells it anew. */
    assert_int_equal(rig_stats(r).state, PS_PEER_LOST);
    rig_refuse(r, PS_E_BUSY, 100, "");
    assert_int_equal(rig_events_of(r, PS_EVENT_PUT_OFF), 5);
    rig_free(r);
}

/* By IPv6 as by IPv4; without a name or a secret it is refused, or a bug, but never read. */
static void odd_logins(void **state)
{
    (void)state;
    rig *r = rig_new_default();
    ps_input in = rig_login_input(r, RIG_USER, RIG_SECRET);
    in.u.login.password.data = NULL;
    assert_int_equal(rig_step(r, &in), PS_INVALID);
    in.u.login.user = (ps_span){NULL, 0};
    in.u.login.password.len = 0;
    assert_true(rig_step(r, &in) <= PS_MORE);
    assert_int_equal(rig_event_nth(r, PS_EVENT_REFUSED, 0)->account.error, PS_E_CREDENTIALS);
    r->server.family = PS_ADDR_V6;
    in = rig_login_input(r, RIG_USER, "");
    in.u.login.password.data = NULL;
    r->silent = true;
    assert_true(rig_step(r, &in) <= PS_MORE);
    assert_int_equal(r->initiates_len, 1);
    rig_free(r);
}

/* Answers to a LOGIN that was not sent yet, and such as say nothing. */
static void answers_to_no_login(void **state)
{
    (void)state;
    rig *r = rig_new_default();
    (void)rig_login(r);
    const uint32_t id = rig_last(r, PS_MSG_LOGIN)->request;
    const uint32_t tries = r->p->attempt.tries;
    for (int ok = 0; ok < 2; ok++) {
        r->p->attempt.tries = 0; /* As in a turn that had no sending left. */
        rig_packet_of(r, r->client_id, (uint64_t)(10 + ok));
        if (ok == 1) {
            craft_login_ok(&r->c, id, 0);
        } else {
            craft_error(&r->c, id, PS_E_CREDENTIALS, 0, "");
        }
        (void)rig_deliver(r);
        assert_int_equal(rig_drops(r, PS_DROP_STALE), (uint64_t)ok + 1);
    }
    r->p->attempt.tries = tries;
    for (int ok = 0; ok < 2; ok++) {
        rig_packet_of(r, r->client_id, (uint64_t)(20 + ok));
        if (ok == 1) {
            craft_message(&r->c, PS_MSG_LOGIN_OK, id);
            craft_u8(&r->c, 1);
            craft_end(&r->c);
        } else {
            craft_error(&r->c, id, PS_E_NONE, 0, "");
        }
        (void)rig_deliver(r);
        assert_int_equal(rig_drops(r, PS_DROP_MALFORMED), (uint64_t)ok + 1);
    }
    assert_int_equal(r->events_len, 0);
    rig_free(r);
}

/* A turn that has no sending left: what is due stays due. */
static void without_a_sending_left(void **state)
{
    (void)state;
    rig *r = rig_new_online();
    ps_peer_turn t = {.p = r->p, .out = &r->out};
    ps_peer_attempt_begin(&t, PS_PEER_ONLINE, true);
    assert_int_equal(r->out.datagrams_len, 0);
    assert_int_equal(r->p->attempt.tries, 0);
    assert_true(r->p->attempt.next_us == r->p->clock.now_us);
    ps_peer_login_due(&t);
    assert_int_equal(r->out.datagrams_len, 0);
    r->silent = true;
    (void)rig_tick(r);
    assert_int_equal(r->p->attempt.tries, 1);
    rig_free(r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sends_what_was_given),
        cmocka_unit_test(is_repeated_with_backoff_then_times_out),
        cmocka_unit_test(acceptance_opens_a_session),
        cmocka_unit_test(acceptance_must_fit),
        cmocka_unit_test(every_refusal_of_a_first_login_ends_it),
        cmocka_unit_test(malformed_refusals_are_dropped),
        cmocka_unit_test(impossible_accounts_are_refused_here),
        cmocka_unit_test(callers_bugs),
        cmocka_unit_test(after_a_loss_it_tries_for_ever),
        cmocka_unit_test(a_return_goes_on),
        cmocka_unit_test(the_old_session_is_over),
        cmocka_unit_test(busy_after_a_loss_waits_as_told),
        cmocka_unit_test(active_after_a_loss_keeps_trying),
        cmocka_unit_test(credentials_after_a_loss_end_it),
        cmocka_unit_test(messages_beside_the_acceptance_count),
        cmocka_unit_test(a_reason_to_wait_is_told_once),
        cmocka_unit_test(odd_logins),
        cmocka_unit_test(answers_to_no_login),
        cmocka_unit_test(without_a_sending_left),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
