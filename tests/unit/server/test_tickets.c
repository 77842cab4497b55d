/* Tickets at login: by one, and beside a password. */
#include "fixture.h"

#define WALL UINT64_C(1700000000)

static void set_wall(fixture *f, uint64_t wall_s)
{
    ps_input in = {.type = PS_INPUT_WALL_CLOCK, .u.wall_s = wall_s};
    (void)fixture_step(f, &in);
}

/* Logs in by password and keeps the ticket. */
static fixture *with_ticket(client *a, uint8_t ticket[PS_TICKET_MAX])
{
    ps_server_config cfg;
    ps_login_ok ok;
    fixture_config(&cfg);
    fixture *f = fixture_new(&cfg);
    set_wall(f, WALL);
    *a = client_make(f, "alice", 4001);
    client_login_send(a);
    assert_false(f->out.events[0].u.login.known);
    fixture_verdict(f, PS_E_NONE);
    assert_true(ps_login_ok_decode(client_answer(a, 0).body, &ok));
    assert_int_equal(ok.expires_s, WALL + cfg.ticket_s);
    memcpy(ticket, ok.ticket.data, ok.ticket.len);
    a->online = true;
    a->ticket = ticket;
    a->ticket_len = ok.ticket.len;
    fixture_clear(f);
    return f;
}

/* The host's question, or NULL when there is none. */
static const ps_event_login *asked(const fixture *f)
{
    for (size_t i = 0; i < f->out.events_len; i++) {
        if (f->out.events[i].type == PS_EVENT_LOGIN_REQUEST) {
            return &f->out.events[i].u.login;
        }
    }
    return NULL;
}

static void a_ticket_brings_back_what_the_verdict_said(void **state)
{
    (void)state;
    client a;
    uint8_t ticket[PS_TICKET_MAX];
    const uint8_t credential[PS_CREDENTIAL_BYTES] = {7, 7, 7, 7, 7, 7, 7, 7,
                                                     7, 7, 7, 7, 7, 7, 7, 7};
    fixture *f = with_ticket(&a, ticket);
    a.client_id++;
    a.by_ticket = true;
    client_login_send(&a);
    const ps_event_login *e = asked(f);
    assert_non_null(e);
    assert_true(e->by_ticket && e->known && e->password.data == NULL);
    assert_memory_equal(e->credential, credential, sizeof credential);
    assert_memory_equal(e->user.data, "alice", 5);
    fixture_verdict(f, PS_E_NONE);
    ps_login_ok ok;
    assert_true(ps_login_ok_decode(client_answer(&a, 0).body, &ok));
    assert_true(ok.ticket.len == a.ticket_len &&
                memcmp(ok.ticket.data, ticket, ok.ticket.len) != 0);
    assert_int_equal(fixture_stats(f).resumptions, 1);
    fixture_free(f);
}

/* After its end, or for another user or device, or with a bit turned, it is none. Then the password
 * may follow in the same channel. */
static void others_are_refused_and_the_password_may_follow(void **state)
{
    (void)state;
    for (unsigned how = 0; how < 5; how++) {
        client a;
        uint8_t ticket[PS_TICKET_MAX];
        fixture *f = with_ticket(&a, ticket);
        a.client_id++;
        a.by_ticket = true;
        if (how == 0) {
            set_wall(f, WALL + f->cfg.ticket_s);
        } else if (how == 1) {
            a.user = "alicf";
        } else if (how == 2) {
            a.device[0] ^= 1;
        } else if (how == 3) {
            ticket[a.ticket_len - 1] ^= 1;
        } else {
            set_wall(f, 0); /* No clock: nothing can be judged. */
        }
        client_login_send(&a);
        assert_null(asked(f));
        client_expect_error(&a, PS_E_TICKET);
        fixture_clear(f);
        client_login_send(&a); /* Sent again: the same answer. */
        client_expect_error(&a, PS_E_TICKET);
        fixture_clear(f);
        a.by_ticket = false;
        a.ticket_len = 0;
        a.request++;
        client_login_send(&a);
        assert_non_null(asked(f));
        assert_int_equal(asked(f)->known, how == 0 || how == 4); /* It was this device's. */
        fixture_free(f);
    }
}

static void beside_a_password_it_shows_the_device(void **state)
{
    (void)state;
    client a;
    uint8_t ticket[PS_TICKET_MAX];
    fixture *f = with_ticket(&a, ticket);
    set_wall(f, WALL + 10 * f->cfg.ticket_s); /* However old it is. */
    a.client_id++;
    client_login_send(&a);
    assert_true(asked(f)->known && !asked(f)->by_ticket);
    assert_memory_equal(asked(f)->password.data, "secret", 6);
    fixture_clear(f);
    ticket[20] ^= 1;
    a.client_id++;
    client_login_send(&a);
    assert_non_null(asked(f));
    assert_false(asked(f)->known);
    fixture_free(f);
}

/* It lasts through a restart, under the same realm; under another it is nothing. */
static void the_realm_decides(void **state)
{
    (void)state;
    for (unsigned same = 0; same < 2; same++) {
        client a;
        uint8_t ticket[PS_TICKET_MAX];
        fixture *old = with_ticket(&a, ticket);
        ps_server_config cfg = old->cfg;
        fixture_free(old);
        cfg.seed[0] ^= 1;
        cfg.static_secret[0] ^= 8;
        cfg.realm_secret[0] ^= same ? 0 : 1;
        fixture *f = fixture_new(&cfg);
        set_wall(f, WALL + 5);
        a.f = f;
        a.client_id++;
        a.by_ticket = true;
        client_login_send(&a);
        assert_true((asked(f) != NULL) == (same == 1));
        fixture_free(f);
    }
}

/* One channel has three tries. */
static void tries_end(void **state)
{
    (void)state;
    client a;
    uint8_t ticket[PS_TICKET_MAX];
    fixture *f = with_ticket(&a, ticket);
    a.client_id++;
    for (unsigned k = 0; k < 5; k++) {
        fixture_clear(f);
        a.request++;
        client_login_send(&a);
        if (k < PS_LOGIN_TRIES) {
            fixture_verdict(f, PS_E_CREDENTIALS);
            client_expect_error(&a, PS_E_CREDENTIALS);
        } else {
            assert_int_equal(f->out.events_len + f->out.datagrams_len, 0);
        }
    }
    assert_int_equal(fixture_drops(f, PS_DROP_LIMIT), 2);
    fixture_free(f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_ticket_brings_back_what_the_verdict_said),
        cmocka_unit_test(others_are_refused_and_the_password_may_follow),
        cmocka_unit_test(beside_a_password_it_shows_the_device),
        cmocka_unit_test(the_realm_decides),
        cmocka_unit_test(tries_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
