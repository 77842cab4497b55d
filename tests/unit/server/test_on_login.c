#include "fixture.h"

static fixture *small(void)
{
    ps_server_config cfg;
    fixture_config(&cfg);
    return fixture_new(&cfg);
}

static void asks_the_host_then_welcomes(void **state)
{
    (void)state;
    fixture *f = small();
    client a = client_make(f, "alice", 4001);
    ps_input wall = {.type = PS_INPUT_WALL_CLOCK, .u.wall_s = 1700000000};
    assert_int_equal(fixture_step(f, &wall), PS_OK);
    f->now_us += 2500000;
    client_login_send(&a);
    assert_int_equal(f->out.datagrams_len, 0); /* Nothing before the verdict. */
    assert_int_equal(f->out.events_len, 1);
    const ps_event_login *e = &f->out.events[0].u.login;
    assert_int_equal(e->user.len, 5);
    assert_memory_equal(e->user.data, "alice", 5);
    assert_memory_equal(e->password.data, "secret", 6);
    assert_true(ps_addr_equal(&e->from, &a.addr));
    fixture_verdict(f, PS_E_NONE);
    assert_int_equal(f->out.events_len, 1);
    assert_int_equal(f->out.events[0].type, PS_EVENT_SESSION_OPENED);
    assert_int_equal(f->out.events[0].u.session.user.len, 5);
    ps_login_ok ok;
    assert_true(ps_login_ok_decode(client_answer(&a, 0).body, &ok));
    assert_int_equal(ok.expires_s, 1700000002 + 86400);
    assert_in_range(ok.ticket.len, 1, PS_TICKET_MAX);
    assert_int_equal(ok.heartbeat_ms, 2000);
    assert_int_equal(ok.dead_ms, 3000);
    assert_int_equal(ok.resend_ms, 80);
    assert_int_equal(ok.wall_s, 1700000002);
    assert_int_equal(ok.generation, 0);
    assert_true(ps_addr_equal(&ok.observed, &a.addr));
    fixture_free(f);
}

static void refuses_in_the_same_words(void **state)
{
    (void)state;
    fixture *f = small();
    client a = client_make(f, "alice", 4001);
    client_login_send(&a);
    fixture_verdict(f, PS_E_CREDENTIALS);
    client_expect_error(&a, PS_E_CREDENTIALS);
    uint8_t first[64];
    size_t len = client_answer(&a, 0).body.len;
    memcpy(first, client_answer(&a, 0).body.data, len);
    fixture_clear(f);
    client bad = client_make(f, "no such name/", 4003);
    client_login_send(&bad); /* No account can be called so: the host is not even asked. */
    assert_int_equal(f->out.events_len, 0);
    client_expect_error(&bad, PS_E_CREDENTIALS);
    assert_int_equal(client_answer(&bad, 0).body.len, len);
    assert_memory_equal(client_answer(&bad, 0).body.data, first, len);
    assert_int_equal(fixture_stats(f).logins_refused, 2);
    assert_int_equal(fixture_stats(f).sessions, 0);
    fixture_free(f);
}

static void retransmission_asks_once_and_is_answered_again(void **state)
{
    (void)state;
    fixture *f = small();
    client a = client_make(f, "alice", 4001);
    client_login_send(&a);
    client_login_send(&a);
    assert_int_equal(f->out.events_len, 1);
    fixture_verdict(f, PS_E_NONE);
    assert_int_equal(client_answer(&a, 0).type, PS_MSG_LOGIN_OK);
    fixture_clear(f);
    client_login_send(&a);
    assert_int_equal(f->out.events_len, 0);
    ps_login_ok again;
    assert_true(ps_login_ok_decode(client_answer(&a, 0).body, &again));
    /* Each one is a sign of life, as long as the answers are lost. */
    for (int i = 0; i < 4; i++) {
        f->now_us += 2000000;
        (void)fixture_tick(f);
        fixture_clear(f);
        client_login_send(&a);
        assert_true(ps_login_ok_decode(client_answer(&a, 0).body, &again));
    }
    assert_int_equal(fixture_stats(f).evictions, 0);
    assert_int_equal(fixture_stats(f).sessions, 1);
    fixture_free(f);
}

static void an_active_user_is_refused_elsewhere(void **state)
{
    (void)state;
    fixture *f = small();
    client a = client_make(f, "alice", 4001);
    client b = client_make(f, "alice", 4002);
    client_login(&a);
    client_login_send(&b);
    fixture_verdict(f, PS_E_NONE);
    assert_int_equal(client_answers(&b), 0); /* First the active device is asked: takeover.c. */
    fixture_clear(f);
    client_heartbeat(&a);
    client_expect_error(&b, PS_E_ACTIVE);
    assert_int_equal(client_answer(&a, 0).type, PS_MSG_HEARTBEAT_OK);
    /* After 3 s of silence the other device gets in, even before a tick reclaimed the session. */
    f->now_us += 3000000;
    b.client_id++;
    client_login(&b);
    assert_int_equal(fixture_stats(f).evictions, 1);
    assert_int_equal(fixture_stats(f).sessions, 1);
    fixture_free(f);
}

static void the_same_device_takes_over_at_once(void **state)
{
    (void)state;
    fixture *f = small();
    client a = client_make(f, "alice", 4001);
    client_login(&a);
    assert_int_equal(client_publish(&a, "file", 1), PS_E_NONE);
    client back = client_make(f, "alice", 4002);
    memcpy(back.device, a.device, sizeof back.device);
    fixture_clear(f);
    client_login_send(&back);
    fixture_verdict(f, PS_E_NONE);
    assert_int_equal(f->out.events_len, 2);
    assert_int_equal(f->out.events[0].type, PS_EVENT_SESSION_CLOSED);
    assert_int_equal(f->out.events[0].u.session.reason, PS_CLOSE_REPLACED);
    assert_int_equal(f->out.events[1].type, PS_EVENT_SESSION_OPENED);
    ps_login_ok ok;
    assert_true(ps_login_ok_decode(client_answer(&back, 0).body, &ok));
    assert_int_equal(ok.generation, 1); /* The device's log goes on. */
    fixture_clear(f);
    client_heartbeat(&a);
    /* What came late under the old keys belongs to the new session, but this is not its address. */
    assert_int_equal(client_answers(&a), 0);
    assert_int_equal(fixture_drops(f, PS_DROP_ADDRESS), 1);
    assert_int_equal(fixture_stats(f).takeovers, 1);
    assert_int_equal(fixture_stats(f).evictions, 0);
    fixture_free(f);
}

static void full_tables_answer_busy(void **state)
{
    (void)state;
    for (int which = 0; which < 4; which++) {
        ps_server_config cfg;
        fixture_config(&cfg);
        uint32_t *caps[] = {&cfg.max_sessions, &cfg.max_users, &cfg.max_devices,
                            &cfg.max_pending_logins};
        *caps[which] = 1;
        fixture *f = fixture_new(&cfg);
        client a = client_make(f, "alice", 4001);
        client b = client_make(f, "bob", 4002);
        if (which == 3) {
            client_login_send(&a);
            fixture_clear(f);
            client_login_send(&b);
            assert_int_equal(f->out.events_len, 0);
        } else {
            client_login(&a);
            client_login_send(&b);
            fixture_verdict(f, PS_E_NONE);
        }
        client_expect_error(&b, PS_E_BUSY);
        if (which == 0) { /* A silent peer's slot is found without a tick. */
            f->now_us += 3000000;
            b.client_id++;
            client_login(&b);
            assert_int_equal(fixture_stats(f).evictions, 1);
        }
        fixture_free(f);
    }
}

static void verdicts_that_come_late_or_twice_are_ignored(void **state)
{
    (void)state;
    fixture *f = small();
    client a = client_make(f, "alice", 4001);
    client_login_send(&a);
    uint64_t pending = f->out.events[0].u.login.pending;
    fixture_clear(f);
    f->now_us += UINT64_C(15000000);
    assert_int_equal(fixture_tick(f), PS_OK);
    assert_int_equal(fixture_stats(f).pending_logins, 0);
    const uint64_t handles[] = {pending, pending + 1, UINT64_MAX, 0};
    for (size_t i = 0; i < 4; i++) {
        ps_input in = {.type = PS_INPUT_VERDICT, .u.verdict = {.pending = handles[i]}};
        assert_int_equal(fixture_step(f, &in), PS_OK);
        assert_int_equal(fixture_stats(f).verdicts_stale, i + 1);
    }
    a.client_id++;
    fixture_clear(f);
    client_login_send(&a); /* The record is used again, under another tag. */
    assert_int_not_equal(f->out.events[0].u.login.pending, pending);
    ps_input in = {.type = PS_INPUT_VERDICT, .u.verdict = {.pending = pending}};
    assert_int_equal(fixture_step(f, &in), PS_OK);
    assert_int_equal(fixture_stats(f).sessions, 0);
    fixture_free(f);
}

static void misplaced_and_malformed_are_dropped(void **state)
{
    (void)state;
    fixture *f = small();
    client a = client_make(f, "alice", 4001);
    uint8_t buffer[PS_DATAGRAM_MAX];
    ps_writer w = client_packet(&a, buffer);
    const ps_heartbeat beat = {0};
    assert_true(ps_heartbeat_encode(&w, 1, &beat));
    client_send(&a, &w);
    assert_int_equal(fixture_drops(f, PS_DROP_MISPLACED), 1);
    w = client_packet(&a, buffer);
    (void)ps_message_begin(&w, PS_MSG_LOGIN, 1);
    client_send(&a, &w); /* A LOGIN without a body. */
    assert_int_equal(fixture_drops(f, PS_DROP_MALFORMED), 1);
    w = client_packet(&a, buffer);
    (void)ps_message_begin(&w, PS_MSG_LOGIN, 1);
    assert_true(ps_heartbeat_encode(&w, 1, &beat));
    client_send(&a, &w); /* Not alone. */
    assert_int_equal(fixture_drops(f, PS_DROP_MISPLACED), 2);
    assert_int_equal(f->out.datagrams_len, 0);
    assert_int_equal(f->out.events_len, 0);
    fixture_free(f);
}

/* A handshake whose LOGIN was refused may try again: as whom it was known counts only for that user
 * on that device. */
static void known_as_one_is_not_known_as_another(void **state)
{
    (void)state;
    for (int what = 0; what < 3; what++) {
        fixture *f = small();
        client a = client_make(f, "alice", 4001);
        client_login_send(&a);
        fixture_verdict(f, PS_E_CREDENTIALS);
        ps_handshake *h = ps_handshake_at(f->s, 0);
        h->known = true; /* As if a ticket had shown it. */
        fixture_clear(f);
        a.request++;
        a.user = what == 1 ? "alicf" : "alice";
        a.device[3] ^= what == 2 ? 1 : 0;
        client_login_send(&a);
        assert_int_equal(f->out.events_len, 1);
        assert_int_equal(h->known, what == 0);
        fixture_free(f);
    }
}

/* A network that has used up its handshakes is told to wait before anything is asked of the host.
 */
static void an_exhausted_network_is_busy(void **state)
{
    (void)state;
    ps_server_config cfg;
    fixture_config(&cfg);
    cfg.network_per_s = 1; /* Ten at once. */
    cfg.max_handshakes = 32;
    cfg.max_pending_logins = 16;
    fixture *f = fixture_new(&cfg);
    for (uint16_t i = 0; i < 11; i++) {
        client c = client_make(f, "alice", (uint16_t)(4001 + i));
        client_login_send(&c);
        assert_int_equal(f->out.events_len, i < 10 ? 1 : 0);
        if (i == 10) {
            client_expect_error(&c, PS_E_BUSY);
        }
        fixture_clear(f);
    }
    fixture_free(f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(asks_the_host_then_welcomes),
        cmocka_unit_test(refuses_in_the_same_words),
        cmocka_unit_test(retransmission_asks_once_and_is_answered_again),
        cmocka_unit_test(an_active_user_is_refused_elsewhere),
        cmocka_unit_test(the_same_device_takes_over_at_once),
        cmocka_unit_test(full_tables_answer_busy),
        cmocka_unit_test(verdicts_that_come_late_or_twice_are_ignored),
        cmocka_unit_test(misplaced_and_malformed_are_dropped),
        cmocka_unit_test(known_as_one_is_not_known_as_another),
        cmocka_unit_test(an_exhausted_network_is_busy),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
