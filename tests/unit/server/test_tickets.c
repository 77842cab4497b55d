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
    set_wall(f, WALL + f->cfg.ticket_s + PS_KNOWN_S); /* For 90 days after its end. */
    a.client_id++;
    client_login_send(&a);
    assert_true(asked(f)->known && !asked(f)->by_ticket);
    assert_memory_equal(asked(f)->device, a.device, PS_DEVICE_BYTES);
    assert_memory_equal(asked(f)->password.data, "secret", 6);
    fixture_clear(f);
    set_wall(f, WALL + f->cfg.ticket_s + PS_KNOWN_S + 1);
    a.client_id++;
    client_login_send(&a);
    assert_false(asked(f)->known);
    fixture_clear(f);
    set_wall(f, WALL);
    ticket[20] ^= 1;
    a.client_id++;
    client_login_send(&a);
    assert_non_null(asked(f));
    assert_false(asked(f)->known);
    fixture_free(f);
}

/* What one user's ticket shows is not so for another user in the same channel. */
static void it_shows_nothing_of_another_user(void **state)
{
    (void)state;
    client a;
    uint8_t ticket[PS_TICKET_MAX];
    fixture *f = with_ticket(&a, ticket);
    a.client_id++;
    client_login_send(&a);
    assert_true(asked(f)->known);
    fixture_verdict(f, PS_E_CREDENTIALS);
    fixture_clear(f);
    a.user = "victim";
    a.ticket_len = 0;
    a.request++;
    client_login_send(&a);
    assert_non_null(asked(f));
    assert_false(asked(f)->known);
    fixture_free(f);
}

/* A session that moves to a victim's address, with the client id of the victim's, gets no ticket of
 * his when it repeats its LOGIN. */
static void nobody_gets_the_ticket_of_another(void **state)
{
    (void)state;
    client a;
    uint8_t ticket[PS_TICKET_MAX];
    fixture *f = with_ticket(&a, ticket);
    client mallory = client_make(f, "mallory", 4003);
    client victim = client_make(f, "victim", 4002);
    mallory.client_id = victim.client_id;
    client_login(&mallory);
    client_login(&victim);
    ps_session_at(f->s, 1)->addr = victim.addr; /* As a move would make it: see test_moves.c. */
    mallory.addr = victim.addr;
    fixture_clear(f);
    mallory.ticket_len = 0;
    client_login_send(&mallory);
    ps_reader r = ps_reader_of((ps_span){f->out.bytes + PS_PACKET_HEADER,
                                         f->out.bytes_len - PS_PACKET_HEADER - PS_TAG_BYTES});
    ps_message m;
    ps_login_ok ok;
    assert_true(ps_message_decode(&r, &m));
    assert_int_equal(m.type, PS_MSG_LOGIN_OK);
    assert_true(ps_login_ok_decode(m.body, &ok));
    assert_int_equal(ok.ticket.len, 0);
    fixture_free(f);
}

/* One made while the server's clock was far ahead is not good for years. */
static void a_wrong_clock_makes_no_lasting_ticket(void **state)
{
    (void)state;
    client a;
    uint8_t ticket[PS_TICKET_MAX];
    fixture *f = with_ticket(&a, ticket);
    a.by_ticket = true;
    for (unsigned k = 0; k < 2; k++) {
        set_wall(f, WALL - (k == 0 ? PS_CLOCK_SLACK_S : PS_CLOCK_SLACK_S + 1));
        a.client_id++;
        fixture_clear(f);
        client_login_send(&a);
        assert_true((asked(f) != NULL) == (k == 0));
    }
    fixture_free(f);
}

/* Passwords that wait keep out no ticket. */
static void tickets_have_places_of_their_own(void **state)
{
    (void)state;
    client a;
    uint8_t ticket[PS_TICKET_MAX];
    fixture *f = with_ticket(&a, ticket);
    for (uint16_t i = 0; i < 10; i++) {
        client e = client_make(f, "nobody", (uint16_t)(5000 + i));
        fixture_clear(f);
        client_login_send(&e);
        assert_true((asked(f) != NULL) == (i < 8));
    }
    a.client_id++;
    a.by_ticket = true;
    fixture_clear(f);
    client_login_send(&a);
    assert_non_null(asked(f));
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
        cmocka_unit_test(it_shows_nothing_of_another_user),
        cmocka_unit_test(nobody_gets_the_ticket_of_another),
        cmocka_unit_test(a_wrong_clock_makes_no_lasting_ticket),
        cmocka_unit_test(tickets_have_places_of_their_own),
        cmocka_unit_test(the_realm_decides),
        cmocka_unit_test(tries_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
