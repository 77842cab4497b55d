/* A user's second device: the first one is asked for a sign of life before it is replaced. */
#include "fixture.h"

#define PROBE_US UINT64_C(142858) /* A seventh of a second, rounded up. */

static fixture *small(void)
{
    ps_server_config cfg;
    fixture_config(&cfg);
    cfg.max_pending_logins = 8;
    return fixture_new(&cfg);
}

/* Messages of a type for this client in the output. */
static size_t heard(const client *c, uint8_t type)
{
    size_t count = 0;
    for (size_t i = 0; i < client_answers(c); i++) {
        count += client_answer(c, i).type == type ? 1 : 0;
    }
    return count;
}

/* Alice is online, and a second device of hers has given the right password. */
static fixture *contended(client *a, client *b)
{
    fixture *f = small();
    *a = client_make(f, "alice", 4001);
    *b = client_make(f, "alice", 4002);
    client_login(a);
    client_login_send(b);
    fixture_verdict(f, PS_E_NONE);
    assert_int_equal(client_answers(b), 0);
    assert_int_equal(heard(a, PS_MSG_CHALLENGE), 1);
    return f;
}

static void say(client *c, ps_message_type type)
{
    uint8_t b[PS_DATAGRAM_MAX];
    ps_writer w = client_packet(c, b);
    if (type == PS_MSG_CHALLENGE_OK) {
        assert_true(ps_challenge_encode(&w, type, ++c->request, 5));
    } else if (type == PS_MSG_LOGOUT) {
        assert_true(ps_logout_encode(&w, type, ++c->request));
    } else {
        const ps_heartbeat m = {.generation = 0};
        assert_true(ps_heartbeat_encode(&w, ++c->request, &m));
    }
    fixture_clear(c->f);
    client_send(c, &w);
}

static void the_silent_one_is_replaced_after_seven_probes(void **state)
{
    (void)state;
    client a, b;
    fixture *f = contended(&a, &b);
    const uint64_t start_us = f->now_us;
    uint64_t nonces[7] = {0};
    for (unsigned k = 1; k <= PS_PROBES; k++) {
        uint64_t nonce;
        assert_int_equal(fixture_stats(f).probes, k);
        assert_true(ps_challenge_decode(client_answer(&a, 0).body, &nonce));
        for (unsigned j = 0; j < k - 1; j++) {
            assert_true(nonces[j] != nonce);
        }
        nonces[k - 1] = nonce;
        fixture_clear(f);
        assert_int_equal(ps_server_deadline_us(f->s), start_us + k * PROBE_US);
        f->now_us = start_us + k * PROBE_US - 1;
        assert_int_equal(fixture_tick(f), PS_OK);
        assert_int_equal(f->out.datagrams_len, 0);
        f->now_us++;
        assert_int_equal(fixture_tick(f), PS_OK);
    }
    assert_int_equal(fixture_stats(f).taken, 1);
    assert_int_equal(fixture_stats(f).takeovers, 0);
    assert_int_equal(fixture_stats(f).evictions, 0);
    assert_int_equal(f->out.events_len, 2);
    assert_int_equal(f->out.events[0].type, PS_EVENT_SESSION_CLOSED);
    assert_int_equal(f->out.events[0].u.session.reason, PS_CLOSE_TAKEN);
    assert_int_equal(f->out.events[1].type, PS_EVENT_SESSION_OPENED);
    assert_int_equal(heard(&b, PS_MSG_LOGIN_OK), 1);
    assert_int_equal(heard(&a, PS_MSG_CHALLENGE), 0);
    assert_int_equal(fixture_stats(f).sessions, 1);
    assert_int_equal(fixture_stats(f).pending_logins, 0);
    say(&a, PS_MSG_CHALLENGE_OK); /* Too late: it learns that its session is gone. */
    ps_packet packet;
    assert_int_equal(fixture_resets(f, &packet), 1);
    fixture_free(f);
}

static void any_sign_of_life_refuses_the_newcomer(void **state)
{
    (void)state;
    const ps_message_type signs[] = {PS_MSG_CHALLENGE_OK, PS_MSG_HEARTBEAT};
    for (size_t type = 0; type < 2; type++) {
        for (unsigned k = 1; k <= PS_PROBES; k++) {
            client a, b;
            fixture *f = contended(&a, &b);
            for (unsigned n = 1; n < k; n++) {
                f->now_us += PROBE_US;
                assert_int_equal(fixture_tick(f), PS_OK);
            }
            f->now_us += PROBE_US - 1;
            say(&a, signs[type]);
            client_expect_error(&b, PS_E_ACTIVE);
            assert_int_equal(fixture_stats(f).probes, k);
            assert_int_equal(fixture_stats(f).pending_logins, 0);
            fixture_clear(f);
            f->now_us += 1000000;
            assert_int_equal(fixture_tick(f), PS_OK);
            assert_int_equal(f->out.datagrams_len + f->out.events_len, 0);
            b.client_id++; /* And another attempt is a takeover of its own. */
            client_login_send(&b);
            fixture_verdict(f, PS_E_NONE);
            assert_int_equal(heard(&a, PS_MSG_CHALLENGE), 1);
            fixture_free(f);
        }
    }
}

/* Whoever repeats its LOGIN because the answers are lost is alive, too. */
static void a_repeated_login_is_a_sign_of_life(void **state)
{
    (void)state;
    client a, b;
    fixture *f = contended(&a, &b);
    const uint64_t session = a.session_id;
    fixture_clear(f);
    client_login_send(&a);
    a.session_id = session;
    assert_int_equal(heard(&a, PS_MSG_LOGIN_OK), 1);
    client_expect_error(&b, PS_E_ACTIVE);
    f->now_us += 2000000;
    assert_int_equal(fixture_tick(f), PS_OK);
    assert_int_equal(fixture_stats(f).taken, 0);
    fixture_free(f);
}

static void without_the_keys_nothing_is_a_sign_of_life(void **state)
{
    (void)state;
    client a, b;
    fixture *f = contended(&a, &b);
    client thief = a;
    thief.tx[0] ^= 1;
    say(&thief, PS_MSG_CHALLENGE_OK);
    assert_int_equal(fixture_drops(f, PS_DROP_SEAL), 1);
    assert_int_equal(client_answers(&b), 0);
    for (unsigned k = 0; k < PS_PROBES; k++) {
        f->now_us += PROBE_US;
        assert_int_equal(fixture_tick(f), PS_OK);
    }
    assert_int_equal(fixture_stats(f).taken, 1);
    fixture_free(f);
}

static void a_repeated_login_of_the_newcomer_changes_nothing(void **state)
{
    (void)state;
    client a, b;
    fixture *f = contended(&a, &b);
    fixture_clear(f);
    client_login_send(&b);
    assert_int_equal(f->out.events_len + f->out.datagrams_len, 0);
    assert_int_equal(fixture_stats(f).probes, 1);
    fixture_free(f);
}

static void a_third_device_is_told_to_wait(void **state)
{
    (void)state;
    client a, b;
    fixture *f = contended(&a, &b);
    client c = client_make(f, "alice", 4003);
    client_login_send(&c);
    fixture_verdict(f, PS_E_NONE);
    client_expect_error(&c, PS_E_BUSY);
    ps_error_message m;
    assert_true(ps_error_decode(client_answer(&c, 0).body, &m));
    assert_int_equal(m.retry_ms, 1000);
    assert_int_equal(fixture_stats(f).probes, 1);
    fixture_free(f);
}

/* What happens to the first session meanwhile. */
static void a_session_that_ends_meanwhile(void **state)
{
    (void)state;
    client a, b;
    fixture *f = contended(&a, &b); /* It leaves: that was a sign of life. */
    say(&a, PS_MSG_LOGOUT);
    client_expect_error(&b, PS_E_ACTIVE);
    assert_int_equal(fixture_stats(f).sessions, 0);
    b.client_id++;
    client_login(&b);
    fixture_free(f);

    f = contended(&a, &b); /* Its own device replaces it. */
    client back = client_make(f, "alice", 4004);
    memcpy(back.device, a.device, sizeof back.device);
    client_login(&back);
    f->now_us += PROBE_US;
    assert_int_equal(fixture_tick(f), PS_OK);
    client_expect_error(&b, PS_E_ACTIVE);
    assert_int_equal(fixture_stats(f).takeovers, 1);
    client_sync(&back);
    fixture_free(f);

    f = small(); /* It dies of its silence. */
    a = client_make(f, "alice", 4001);
    b = client_make(f, "alice", 4002);
    client_login(&a);
    f->now_us += 2950000;
    client_login_send(&b);
    fixture_verdict(f, PS_E_NONE);
    f->now_us += 50000;
    assert_int_equal(fixture_tick(f), PS_OK);
    assert_int_equal(fixture_stats(f).evictions, 1);
    assert_int_equal(fixture_stats(f).sessions, 0);
    f->now_us += PROBE_US - 50000;
    fixture_clear(f);
    assert_int_equal(fixture_tick(f), PS_OK);
    assert_int_equal(heard(&b, PS_MSG_LOGIN_OK), 1);
    assert_int_equal(fixture_stats(f).taken, 0);
    fixture_free(f);
}

static void the_verdict_counts_once(void **state)
{
    (void)state;
    fixture *f = small();
    client a = client_make(f, "alice", 4001);
    client b = client_make(f, "alice", 4002);
    client_login(&a);
    client_login_send(&b);
    const uint64_t pending = f->out.events[f->out.events_len - 1].u.login.pending;
    fixture_verdict(f, PS_E_NONE);
    fixture_clear(f);
    const uint32_t errors[] = {PS_E_NONE, PS_E_CREDENTIALS};
    for (size_t k = 0; k < 2; k++) {
        ps_input in = {.type = PS_INPUT_VERDICT,
                       .u.verdict = {.pending = pending, .error = errors[k]}};
        assert_int_equal(fixture_step(f, &in), PS_OK);
        assert_int_equal(fixture_stats(f).verdicts_stale, k + 1);
    }
    assert_int_equal(f->out.datagrams_len, 0);
    assert_int_equal(fixture_stats(f).pending_logins, 1);
    f->now_us += 16000000; /* Nor does it expire as one without a verdict. */
    say(&a, PS_MSG_HEARTBEAT);
    client_expect_error(&b, PS_E_ACTIVE);
    fixture_free(f);
}

static void a_tick_looks_at_some_probes_only(void **state)
{
    (void)state;
    ps_server_config cfg;
    fixture_config(&cfg);
    cfg.max_pending_logins = 8;
    fixture *f = fixture_new(&cfg);
    client a[8], b[8];
    char names[8][4];
    for (uint16_t i = 0; i < 8; i++) {
        (void)snprintf(names[i], sizeof names[i], "u%u", (unsigned)i);
        a[i] = client_make(f, names[i], (uint16_t)(4000 + i));
        client_login(&a[i]);
    }
    for (uint16_t i = 0; i < 8; i++) {
        b[i] = client_make(f, names[i], (uint16_t)(5000 + i));
        client_login_send(&b[i]);
        fixture_verdict(f, PS_E_NONE);
    }
    for (unsigned k = 1; k <= PS_PROBES; k++) {
        f->now_us += PROBE_US;
        fixture_clear(f);
        assert_int_equal(fixture_tick(f), PS_MORE);
        assert_true(f->out.datagrams_len <= PS_SERVER_STEP_DATAGRAMS);
        assert_int_equal(f->out.datagrams_len, PS_SERVER_TICK_PROBES);
        assert_int_equal(fixture_tick(f), PS_OK);
    }
    assert_int_equal(fixture_stats(f).taken, 8);
    assert_int_equal(fixture_stats(f).sessions, 8);
    fixture_free(f);
}

/* A session that has died of its silence, but was not reclaimed yet, is not probed again. */
static void a_dead_session_is_not_probed(void **state)
{
    (void)state;
    client a, b;
    fixture *f = small();
    a = client_make(f, "alice", 4001);
    b = client_make(f, "alice", 4002);
    client_login(&a);
    f->now_us += 2950000;
    client_login_send(&b);
    fixture_verdict(f, PS_E_NONE);
    f->now_us += PROBE_US;
    ps_input clock = {.type = PS_INPUT_WALL_CLOCK, .u.wall_s = 0}; /* Time passes; no tick. */
    fixture_clear(f);
    assert_int_equal(fixture_step(f, &clock), PS_MORE);
    ps_takeover_due(f->s, f->s->probing.head, &f->out);
    assert_int_equal(heard(&b, PS_MSG_LOGIN_OK), 1);
    assert_int_equal(heard(&a, PS_MSG_CHALLENGE), 0);
    assert_int_equal(fixture_stats(f).taken, 0);
    assert_int_equal(ps_server_check(f->s), 0);
    fixture_free(f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_silent_one_is_replaced_after_seven_probes),
        cmocka_unit_test(any_sign_of_life_refuses_the_newcomer),
        cmocka_unit_test(a_repeated_login_is_a_sign_of_life),
        cmocka_unit_test(without_the_keys_nothing_is_a_sign_of_life),
        cmocka_unit_test(a_repeated_login_of_the_newcomer_changes_nothing),
        cmocka_unit_test(a_third_device_is_told_to_wait),
        cmocka_unit_test(a_session_that_ends_meanwhile),
        cmocka_unit_test(the_verdict_counts_once),
        cmocka_unit_test(a_tick_looks_at_some_probes_only),
        cmocka_unit_test(a_dead_session_is_not_probed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
