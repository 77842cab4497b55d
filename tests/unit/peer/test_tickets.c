/* Tickets: shown beside a password, used alone for returns, told to the host (login.c). */
#include "rig.h"

#define OLDER "an-older-ticket"

static const craft_login_ok_fields given = {
    .wall_s = 1700000000, .life = 1, .ticket = RIG_TICKET, .expires_s = 1700086400};

static ps_login last_login(const rig *r)
{
    const rig_sent *s = rig_last(r, PS_MSG_LOGIN);
    ps_login m;
    assert_true(ps_login_decode((ps_span){s->body, s->body_len}, &m));
    return m;
}

static void require_password(const rig *r, const char *ticket)
{
    const ps_login m = last_login(r);
    assert_int_equal(m.method, PS_LOGIN_PASSWORD);
    assert_true(span_equal(m.secret, span_of(RIG_SECRET)));
    assert_true(span_equal(m.ticket, span_of(ticket)));
}

static void require_ticket(const rig *r, const char *ticket)
{
    const ps_login m = last_login(r);
    assert_int_equal(m.method, PS_LOGIN_TICKET);
    assert_true(span_equal(m.secret, span_of(ticket)));
    assert_int_equal(m.ticket.len, 0);
}

/* Online with a ticket of this session. */
static rig *ticketed(void)
{
    rig *r = rig_new_default();
    (void)rig_login(r);
    rig_accept_of(r, &given);
    rig_settle(r);
    return r;
}

static void lose(rig *r)
{
    rig_forget(r);
    rig_run(r, r->now_us + 3 * SECOND);
    assert_int_equal(rig_stats(r).state, PS_PEER_LOST);
}

static void the_hosts_ticket_goes_beside_the_password(void **state)
{
    (void)state;
    rig *r = rig_new_default();
    ps_input in = rig_login_input(r, RIG_USER, RIG_SECRET);
    in.u.login.ticket = span_of(OLDER);
    (void)rig_step(r, &in);
    require_password(r, OLDER);
    rig_accept(r, 0);
    lose(r); /* It is of another life, and never stands for the password. */
    require_password(r, OLDER);
    rig_accept_of(r, &given);
    rig_settle(r);
    lose(r);
    require_ticket(r, RIG_TICKET);
    rig_free(r);
}

static void a_ticket_is_told_before_the_login(void **state)
{
    (void)state;
    rig *r = ticketed();
    assert_int_equal(r->events_len, 3);
    assert_int_equal(r->events[0].type, PS_EVENT_TICKET);
    assert_string_equal(r->events[0].name, RIG_TICKET);
    assert_int_equal(r->events[0].expires_s, 1700086400);
    assert_int_equal(r->events[1].type, PS_EVENT_FILE_KEYS);
    assert_int_equal(r->events[2].type, PS_EVENT_LOGGED_IN);
    rig_free(r);
}

/* With the first login and with a return, as they are said; those of before do not stay. */
static void file_keys_come_with_every_login(void **state)
{
    (void)state;
    uint8_t keys[PS_FILE_EPOCHS][PS_KEY_BYTES];
    craft_login_ok_fields f = given;
    rig *r = rig_new_default();
    for (uint32_t count = PS_FILE_EPOCHS; count < UINT32_MAX; count--) {
        memset(keys, (int)(0x40 + count), sizeof keys);
        f.first_epoch = 19000 + count;
        f.file_keys = keys[0];
        f.file_keys_len = count * sizeof keys[0];
        if (count == PS_FILE_EPOCHS) {
            (void)rig_login(r);
        } else {
            lose(r);
        }
        rig_accept_of(r, &f);
        rig_settle(r);
        const rig_event *e = rig_event_nth(r, PS_EVENT_FILE_KEYS, 0);
        assert_int_equal(rig_events_of(r, PS_EVENT_FILE_KEYS), 1);
        assert_int_equal(e->file_keys.count, count);
        assert_int_equal(e->file_keys.first_epoch, count > 0 ? f.first_epoch : 0);
        assert_memory_equal(e->file_keys.keys, keys, f.file_keys_len);
    }
    rig_free(r);
}

/* The longest of everything fits the smallest datagram. */
static void the_longest_login_fits(void **state)
{
    (void)state;
    char user[PS_USER_MAX + 1], password[PS_PASSWORD_MAX + 1];
    uint8_t ticket[PS_TICKET_MAX];
    memset(user, 'u', sizeof user);
    memset(password, 'p', sizeof password);
    memset(ticket, 't', sizeof ticket);
    user[PS_USER_MAX] = password[PS_PASSWORD_MAX] = 0;
    ps_peer_config cfg = rig_config();
    cfg.datagram_max = PS_DATAGRAM_MIN;
    rig *r = rig_new(&cfg);
    ps_input in = rig_login_input(r, user, password);
    in.u.login.ticket = (ps_span){ticket, sizeof ticket};
    (void)rig_step(r, &in);
    const ps_login m = last_login(r);
    assert_int_equal(m.ticket.len, PS_TICKET_MAX);
    assert_int_equal(m.secret.len, PS_PASSWORD_MAX);
    rig_accept(r, 0);
    rig_free(r);
}

static void returns_are_by_ticket(void **state)
{
    (void)state;
    for (int how = 0; how < 2; how++) {
        rig *r = ticketed();
        if (how == 0) {
            lose(r);
        } else {
            craft_reset_packet(&r->c, r->session, 1);
            (void)rig_deliver(r);
        }
        require_ticket(r, RIG_TICKET);
        const craft_login_ok_fields none = {.life = 1}; /* The one that is there stays. */
        rig_accept_of(r, &none);
        rig_settle(r);
        lose(r);
        require_ticket(r, RIG_TICKET);
        rig_free(r);
    }
}

static void a_void_ticket_gives_way_to_the_password(void **state)
{
    (void)state;
    rig *r = ticketed();
    lose(r);
    rig_run(r, r->now_us + 500 * MS);
    const rig_sent before = *rig_last(r, PS_MSG_LOGIN);
    const size_t handshakes = r->initiates_len;
    rig_refuse(r, PS_E_TICKET, 0, "");
    require_password(r, RIG_TICKET);
    const rig_sent after = *rig_last(r, PS_MSG_LOGIN);
    assert_int_equal(after.time_us, r->now_us);
    assert_int_equal(after.receiver_id, before.receiver_id); /* In the same channel, */
    assert_int_equal(after.counter, before.counter + 1);
    assert_true(after.request != before.request); /* as another question. */
    assert_int_equal(r->initiates_len, handshakes);
    assert_int_equal(rig_events_of(r, PS_EVENT_PUT_OFF), 0);
    const rig_sent *again;
    rig_run(r, r->now_us + 113 * MS); /* Sent again from the shortest wait on. */
    again = rig_last(r, PS_MSG_LOGIN);
    assert_int_equal(again->request, after.request);
    assert_in_range(again->time_us - after.time_us, 100 * MS, 113 * MS);
    rig_packet_of(r, r->client_id, 2); /* The first answer once more. */
    craft_error(&r->c, before.request, PS_E_TICKET, 0, "");
    (void)rig_deliver(r);
    assert_int_equal(rig_drops(r, PS_DROP_STALE), 1);
    rig_channel_of(r, r->client_id)->counter = 2;
    rig_accept(r, 0);
    lose(r); /* It is not tried again. */
    require_password(r, RIG_TICKET);
    rig_refuse(r, PS_E_TICKET, 0, ""); /* To a password it is no answer to go on from. */
    assert_int_equal(rig_event_nth(r, PS_EVENT_REFUSED, 0)->account.error, PS_E_TICKET);
    rig_wiped(r);
    rig_free(r);
}

static void an_expired_ticket_is_not_tried(void **state)
{
    (void)state;
    rig *r = rig_new_default();
    craft_login_ok_fields ok = given;
    ok.expires_s = ok.wall_s + 10;
    (void)rig_login(r);
    rig_accept_of(r, &ok);
    rig_settle(r);
    lose(r); /* Three seconds later. */
    require_ticket(r, RIG_TICKET);
    rig_run(r, RIG_START + 9500 * MS);
    r->silent = true; /* Its handshake is answered only when the ticket is over. */
    rig_forget(r);
    rig_run(r, RIG_START + 21 * SECOND);
    assert_true(r->initiates_len > 0);
    (void)rig_respond(r);
    require_password(r, RIG_TICKET);
    rig_free(r);
}

static void without_a_clock_it_is_tried(void **state)
{
    (void)state;
    rig *r = rig_new_default();
    craft_login_ok_fields ok = given;
    ok.wall_s = 0;
    ok.expires_s = 1;
    (void)rig_login(r);
    rig_accept_of(r, &ok);
    rig_settle(r);
    lose(r);
    require_ticket(r, RIG_TICKET);
    rig_free(r);
}

static void a_newer_ticket_replaces_the_older(void **state)
{
    (void)state;
    rig *r = ticketed();
    lose(r);
    craft_login_ok_fields ok = given;
    ok.ticket = "short";
    rig_accept_of(r, &ok);
    rig_settle(r);
    assert_string_equal(rig_event_nth(r, PS_EVENT_TICKET, 0)->name, "short");
    assert_false(rig_holds(r, RIG_TICKET, strlen(RIG_TICKET)));
    assert_false(rig_holds(r, &RIG_TICKET[8], strlen(RIG_TICKET) - 8));
    lose(r);
    require_ticket(r, "short");
    rig_free(r);
}

static void leaving_wipes_it(void **state)
{
    (void)state;
    rig *r = ticketed();
    (void)rig_logout(r);
    assert_false(rig_holds(r, RIG_TICKET, strlen(RIG_TICKET)));
    assert_false(rig_holds(r, RIG_SECRET, strlen(RIG_SECRET)));
    rig_packet(r);
    craft_logout_ok(&r->c, rig_last(r, PS_MSG_LOGOUT)->request);
    (void)rig_deliver(r);
    assert_int_equal(rig_events_of(r, PS_EVENT_LOGGED_OUT), 1);
    rig_wiped(r);
    (void)rig_login(r);
    require_password(r, "");
    rig_free(r);
}

static void throttled_after_a_loss_waits_as_told(void **state)
{
    (void)state;
    rig *r = rig_new_online();
    lose(r);
    const uint64_t id = r->client_id;
    const size_t before = rig_count(r, PS_MSG_LOGIN);
    rig_refuse(r, PS_E_THROTTLED, 5000, "");
    assert_int_equal(rig_event_nth(r, PS_EVENT_PUT_OFF, 0)->account.error, PS_E_THROTTLED);
    const uint64_t refused_us = r->now_us;
    craft_reset_packet(&r->c, rig_last(r, PS_MSG_LOGIN)->receiver_id, 1);
    (void)rig_deliver(r); /* Nobody can shorten that. */
    assert_int_equal(rig_drops(r, PS_DROP_STALE), 1);
    rig_run(r, refused_us + 5 * SECOND - 1);
    assert_int_equal(rig_count(r, PS_MSG_LOGIN), before);
    rig_run(r, refused_us + 5 * SECOND + 5 * SECOND / 8);
    assert_true(rig_count(r, PS_MSG_LOGIN) > before);
    assert_true(r->client_id != id);
    rig_accept(r, 0);
    rig_free(r);
}

/* FULL says no time: it is asked less and less often, up to once a second. */
static void a_full_server_is_left_alone(void **state)
{
    (void)state;
    rig *r = rig_new_online();
    lose(r);
    uint64_t before_us = 0, wait_us = 200 * MS;
    for (int k = 0; k < 8; k++) {
        rig_refuse(r, PS_E_FULL, 0, "");
        before_us = r->now_us;
        const size_t initiates = r->initiates_len;
        while (r->initiates_len == initiates) {
            rig_run(r, ps_peer_deadline_us(r->p));
        }
        assert_in_range(r->now_us - before_us, wait_us, wait_us + wait_us / 8);
        wait_us = wait_us * 2 > SECOND ? SECOND : wait_us * 2;
    }
    rig_free(r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_hosts_ticket_goes_beside_the_password),
        cmocka_unit_test(a_ticket_is_told_before_the_login),
        cmocka_unit_test(file_keys_come_with_every_login),
        cmocka_unit_test(the_longest_login_fits),
        cmocka_unit_test(returns_are_by_ticket),
        cmocka_unit_test(a_void_ticket_gives_way_to_the_password),
        cmocka_unit_test(an_expired_ticket_is_not_tried),
        cmocka_unit_test(without_a_clock_it_is_tried),
        cmocka_unit_test(a_newer_ticket_replaces_the_older),
        cmocka_unit_test(leaving_wipes_it),
        cmocka_unit_test(throttled_after_a_loss_waits_as_told),
        cmocka_unit_test(a_full_server_is_left_alone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
