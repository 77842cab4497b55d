#include "fixture.h"

static void expel(fixture *f, const char *user)
{
    ps_input in = {.type = PS_INPUT_EXPEL, .u.expel = span(user)};
    fixture_clear(f);
    assert_true(fixture_step(f, &in) <= PS_MORE);
}

static void ends_the_session(void **state)
{
    (void)state;
    ps_server_config cfg;
    fixture_config(&cfg);
    fixture *f = fixture_new(&cfg);
    client a = client_make(f, "alice", 4001);
    client b = client_make(f, "bob", 4002);
    client_login(&a);
    client_login(&b);
    assert_int_equal(client_publish(&a, "x", 1), PS_E_NONE);
    expel(f, "carol");
    expel(f, "alic");
    assert_int_equal(fixture_stats(f).sessions, 2);
    expel(f, "alice");
    assert_int_equal(f->out.events_len, 1);
    assert_int_equal(f->out.events[0].u.session.reason, PS_CLOSE_REMOVED);
    assert_int_equal(fixture_stats(f).sessions, 1);
    assert_int_equal(fixture_stats(f).expulsions, 1);
    ps_packet packet;
    client_heartbeat(&a);
    assert_int_equal(fixture_resets(f, &packet), 1);
    expel(f, "alice"); /* She is away: nothing happens. */
    assert_int_equal(f->out.events_len, 0);
    fixture_free(f);
}

/* A login under way is forgotten too, whether it waits for the host or for another device. */
static void forgets_logins_under_way(void **state)
{
    (void)state;
    for (unsigned probing = 0; probing < 2; probing++) {
        ps_server_config cfg;
        fixture_config(&cfg);
        fixture *f = fixture_new(&cfg);
        client a = client_make(f, "alice", 4001);
        client second = client_make(f, "alice", 4002);
        client_login(&a);
        client_login_send(&second);
        const uint64_t pending = f->out.events[0].u.login.pending;
        if (probing == 1) {
            fixture_verdict(f, PS_E_NONE);
        }
        assert_int_equal(fixture_stats(f).pending_logins, 1);
        expel(f, "alice");
        assert_int_equal(fixture_stats(f).pending_logins, 0);
        assert_int_equal(fixture_stats(f).sessions, 0);
        ps_input in = {.type = PS_INPUT_VERDICT, .u.verdict = {.pending = pending}};
        assert_int_equal(fixture_step(f, &in), PS_OK);
        assert_int_equal(fixture_stats(f).verdicts_stale, 1);
        fixture_free(f);
    }
}

/* Others' logins stay, whatever their names have in common; and one whose probed session has left
 * meanwhile goes like any other. */
static void spares_the_logins_of_others(void **state)
{
    (void)state;
    ps_server_config cfg;
    fixture_config(&cfg);
    fixture *f = fixture_new(&cfg);
    const char *const names[] = {"alicia", "alicf", "alice"};
    for (uint16_t i = 0; i < 3; i++) {
        client c = client_make(f, names[i], (uint16_t)(4001 + i));
        client_login_send(&c);
    }
    assert_int_equal(fixture_stats(f).pending_logins, 3);
    expel(f, "alice");
    assert_int_equal(fixture_stats(f).pending_logins, 2);
    fixture_free(f);
    f = fixture_new(&cfg);
    client a = client_make(f, "alice", 4001);
    client second = client_make(f, "alice", 4002);
    client_login(&a);
    f->now_us += 2990000;
    client_login_send(&second);
    fixture_verdict(f, PS_E_NONE);
    f->now_us += 10000;
    assert_int_equal(fixture_tick(f), PS_OK);
    assert_int_equal(fixture_stats(f).sessions, 0);
    assert_int_equal(fixture_stats(f).pending_logins, 1);
    expel(f, "alice");
    assert_int_equal(fixture_stats(f).pending_logins, 0);
    fixture_free(f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ends_the_session),
        cmocka_unit_test(forgets_logins_under_way),
        cmocka_unit_test(spares_the_logins_of_others),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
