/* A history without its secrets: two servers that differ in their lasting secrets alone, one of
 * which gets what its clients say, the other what that becomes. */
#include "fixture.h"

#include "channel/ticket.h"

#define WALL UINT64_C(1700000000)

typedef struct pair {
    fixture *first, *twin;
    uint8_t said[PS_DATAGRAM_MAX]; /* What the twin was given last. */
    size_t len;
} pair;

static void set_wall(pair *p, uint64_t wall_s)
{
    ps_input in = {.type = PS_INPUT_WALL_CLOCK, .u.wall_s = wall_s};
    (void)fixture_step(p->first, &in);
    (void)fixture_step(p->twin, &in);
}

static pair pair_new(uint32_t open_per_s)
{
    ps_server_config cfg;
    pair p = {.len = 0};
    fixture_config(&cfg);
    cfg.open_per_s = open_per_s;
    p.first = fixture_new(&cfg);
    memset(cfg.static_secret, 0x77, sizeof cfg.static_secret);
    memset(cfg.realm_secret, 0x78, sizeof cfg.realm_secret);
    p.twin = fixture_new(&cfg);
    set_wall(&p, WALL);
    return p;
}

static void pair_free(pair *p)
{
    fixture_free(p->first);
    fixture_free(p->twin);
}

static void clear(pair *p)
{
    fixture_clear(p->first);
    fixture_clear(p->twin);
}

/* Gives it to both, each in its own words; they must do the same. */
static void say(pair *p, client *c, const uint8_t *data, size_t len)
{
    client other = *c;
    ps_input_datagram in = {.from = c->addr, .data = p->said, .len = len};
    memcpy(p->said, data, len);
    p->len = len;
    ps_server_translate(p->first->s, p->twin->s, &in);
    other.f = p->twin;
    client_deliver(c, data, len);
    client_deliver(&other, p->said, len);
    assert_int_equal(p->first->out.bytes_len, p->twin->out.bytes_len);
    assert_int_equal(p->first->out.datagrams_len, p->twin->out.datagrams_len);
    assert_int_equal(p->first->out.events_len, p->twin->out.events_len);
    for (size_t i = 0; i < PS_DROP_COUNT; i++) {
        assert_true(fixture_drops(p->first, (ps_drop)i) == fixture_drops(p->twin, (ps_drop)i));
    }
}

static void say_sealed(pair *p, client *c, const ps_writer *w)
{
    say(p, c, w->base, client_seal(c, w));
}

static void shake(pair *p, client *c)
{
    uint8_t initiate[PS_INITIATE_BYTES];
    ps_noise noise;
    clear(p);
    client_initiate(c, &noise, NULL, initiate);
    say(p, c, initiate, sizeof initiate);
    assert_memory_equal(p->said, initiate, sizeof initiate);
    assert_true(client_respond(c, &noise, p->first->out.bytes, p->first->out.datagrams[0].len));
    clear(p);
}

static void say_login(pair *p, client *c, uint8_t method, ps_span secret, ps_span ticket)
{
    uint8_t buffer[PS_DATAGRAM_MAX];
    const ps_login m = {.datagram_max = PS_DATAGRAM_MAX,
                        .method = method,
                        .user = span(c->user),
                        .secret = secret,
                        .ticket = ticket};
    ps_writer w = client_packet(c, buffer);
    assert_true(ps_login_encode(&w, ++c->request, &m));
    say_sealed(p, c, &w);
}

static bool said(const pair *p, const void *bytes, size_t len)
{
    for (size_t at = 0; at + len <= p->len; at++) {
        if (memcmp(p->said + at, bytes, len) == 0) {
            return true;
        }
    }
    return false;
}

static const ps_event_login *asked(const pair *p)
{
    assert_int_equal(p->twin->out.events_len, 1);
    assert_int_equal(p->twin->out.events[0].type, PS_EVENT_LOGIN_REQUEST);
    return &p->twin->out.events[0].u.login;
}

static void passwords_become_stars(void **state)
{
    (void)state;
    pair p = pair_new(200);
    client a = client_make(p.first, "alice", 4001);
    shake(&p, &a);
    say_login(&p, &a, PS_LOGIN_PASSWORD, span("password123"), (ps_span){NULL, 0});
    assert_int_equal(asked(&p)->password.len, 11);
    assert_memory_equal(asked(&p)->password.data, "***********", 11);
    assert_false(said(&p, "password123", 11));
    assert_true(said(&p, "alice", 5));
    pair_free(&p);
}

/* A method that nobody knows may hide a password, too. */
static void secrets_of_any_kind_go(void **state)
{
    (void)state;
    pair p = pair_new(200);
    client a = client_make(p.first, "alice", 4001);
    shake(&p, &a);
    say_login(&p, &a, 9, span("password123"), span("a ticket of another realm"));
    assert_false(said(&p, "password123", 11));
    assert_false(said(&p, "another", 7));
    pair_free(&p);
}

/* LOGIN that no server takes is still none, and has nothing of what it had. */
static void malformed_logins_are_emptied(void **state)
{
    (void)state;
    pair p = pair_new(200);
    client a = client_make(p.first, "alice", 4001);
    shake(&p, &a);
    for (unsigned how = 0; how < 3; how++) {
        uint8_t buffer[PS_DATAGRAM_MAX];
        ps_writer w = client_packet(&a, buffer);
        const ps_login m = {.datagram_max = PS_DATAGRAM_MAX,
                            .method = PS_LOGIN_PASSWORD,
                            .user = span("alice"),
                            .secret = span("password123")};
        assert_true(ps_login_encode(&w, ++a.request, &m));
        if (how == 0) {
            buffer[PS_PACKET_HEADER + PS_MESSAGE_HEADER + 22] = 0xff; /* The datagram limit, */
        } else if (how == 1) {
            ps_write8(&w, 0x77); /* a byte too many for its message, */
        } else {
            w.len--; /* or one too few. */
        }
        say_sealed(&p, &a, &w);
        assert_false(said(&p, "word1", 5));
        assert_int_equal(p.twin->out.events_len, 0);
    }
    pair_free(&p);
}

/* They serve at the twin as they did, and name no password. */
static void tickets_are_made_anew(void **state)
{
    (void)state;
    static const uint8_t none[PS_CREDENTIAL_BYTES];
    pair p = pair_new(200);
    ps_login_ok ok;
    uint8_t ticket[PS_TICKET_MAX];
    client a = client_make(p.first, "alice", 4001);
    memset(a.device, 0, sizeof a.device); /* As say_login() has it. */
    shake(&p, &a);
    say_login(&p, &a, PS_LOGIN_PASSWORD, span("secret"), (ps_span){NULL, 0});
    fixture_verdict(p.first, PS_E_NONE);
    fixture_verdict(p.twin, PS_E_NONE);
    assert_true(ps_login_ok_decode(client_answer(&a, 0).body, &ok));
    const ps_span kept = {ticket, ok.ticket.len};
    memcpy(ticket, ok.ticket.data, ok.ticket.len);
    a.client_id++;
    shake(&p, &a);
    say_login(&p, &a, PS_LOGIN_TICKET, kept, (ps_span){NULL, 0});
    assert_true(asked(&p)->by_ticket && asked(&p)->known);
    assert_memory_equal(asked(&p)->credential, none, sizeof none);
    assert_true(said(&p, ticket, PS_TICKET_SALT)); /* Its salt is nobody's secret. */
    assert_false(said(&p, ticket + PS_TICKET_SALT, kept.len - PS_TICKET_SALT));
    a.client_id++;
    shake(&p, &a);
    say_login(&p, &a, PS_LOGIN_PASSWORD, span("secret"), kept);
    assert_true(!asked(&p)->by_ticket && asked(&p)->known);
    pair_free(&p);
}

/* Asked for by the first, good at the twin: as long as they are there. */
static void cookies_are_made_anew(void **state)
{
    (void)state;
    for (unsigned age_s = 0; age_s <= 360; age_s += 120) {
        pair p = pair_new(1);
        ps_noise noise;
        uint8_t initiate[PS_INITIATE_BYTES], cookie[PS_COOKIE_BYTES];
        client a = client_make(p.first, "alice", 4001);
        client b = client_make(p.first, "bob", 4002);
        shake(&p, &a);
        client_initiate(&b, &noise, NULL, initiate);
        say(&p, &b, initiate, sizeof initiate);
        assert_int_equal(p.first->out.bytes[0], PS_PACKET_RETRY);
        memcpy(cookie, p.first->out.bytes + 9, sizeof cookie);
        clear(&p);
        set_wall(&p, WALL + age_s);
        client_initiate(&b, &noise, cookie, initiate);
        say(&p, &b, initiate, sizeof initiate);
        assert_false(said(&p, cookie, sizeof cookie));
        assert_int_equal(p.twin->out.bytes[0], age_s < 240 ? PS_PACKET_RESPOND : PS_PACKET_RETRY);
        pair_free(&p);
    }
}

/* A server that was not told the time makes its cookies of its own seed and its own clock. */
static void cookies_without_a_clock_stay_good(void **state)
{
    (void)state;
    pair p = pair_new(1);
    ps_noise noise;
    uint8_t initiate[PS_INITIATE_BYTES], cookie[PS_COOKIE_BYTES];
    client a = client_make(p.first, "alice", 4001);
    client b = client_make(p.first, "bob", 4002);
    set_wall(&p, 0);
    shake(&p, &a);
    client_initiate(&b, &noise, NULL, initiate);
    say(&p, &b, initiate, sizeof initiate);
    assert_int_equal(p.first->out.bytes[0], PS_PACKET_RETRY);
    memcpy(cookie, p.first->out.bytes + 9, sizeof cookie);
    clear(&p);
    client_initiate(&b, &noise, cookie, initiate);
    say(&p, &b, initiate, sizeof initiate);
    assert_int_equal(p.first->out.bytes[0], PS_PACKET_RESPOND);
    assert_int_equal(p.twin->out.bytes[0], PS_PACKET_RESPOND);
    pair_free(&p);
}

static void what_nobody_opens_is_emptied(void **state)
{
    (void)state;
    uint8_t buffer[PS_DATAGRAM_MAX];
    pair p = pair_new(200);
    client a = client_make(p.first, "alice", 4001);
    const ps_heartbeat m = {.generation = 0};
    shake(&p, &a);
    ps_writer w = client_packet(&a, buffer);
    assert_true(ps_heartbeat_encode(&w, 7, &m));
    const size_t len = client_seal(&a, &w);
    buffer[len - 1] ^= 1; /* Not genuine, */
    say(&p, &a, buffer, len);
    for (size_t i = PS_PACKET_HEADER; i < len; i++) {
        assert_int_equal(p.said[i], 0);
    }
    ps_store64(buffer + 1, 4711); /* for nobody, */
    say(&p, &a, buffer, len);
    assert_int_equal(p.said[PS_PACKET_HEADER], 0);
    memcpy(buffer, "login alice password123", 23); /* and no packet at all. */
    say(&p, &a, buffer, 23);
    assert_false(said(&p, "password", 8));
    say(&p, &a, buffer, 1);
    say(&p, &a, buffer, 0);
    ps_reset_encode(&(ps_writer){.base = buffer, .cap = sizeof buffer}, 5, 6);
    say(&p, &a, buffer, PS_PACKET_HEADER);
    assert_memory_equal(p.said, buffer, PS_PACKET_HEADER);
    pair_free(&p);
}

/* A LOGIN of a few bytes; one with fields that only its sender knows; and a packet that is for a
 * channel the twin does not have. */
static void what_the_twin_cannot_know(void **state)
{
    (void)state;
    pair p = pair_new(200);
    client a = client_make(p.first, "alice", 4001);
    shake(&p, &a);
    uint8_t buffer[PS_DATAGRAM_MAX];
    ps_writer w = client_packet(&a, buffer);
    ps_message_mark mark = ps_message_begin(&w, PS_MSG_LOGIN, ++a.request);
    ps_write8(&w, 0x77);
    assert_true(ps_message_end(&w, mark));
    say_sealed(&p, &a, &w);
    assert_int_equal(p.twin->out.events_len, 0);
    w = client_packet(&a, buffer);
    mark = ps_message_begin(&w, PS_MSG_LOGIN, ++a.request);
    static const uint8_t device[PS_DEVICE_BYTES];
    ps_write_bytes(&w, device, sizeof device);
    ps_write32(&w, 0);
    ps_write16(&w, 7000);
    ps_write16(&w, PS_DATAGRAM_MAX);
    ps_write8(&w, PS_LOGIN_PASSWORD);
    ps_write_span8(&w, span("alice"));
    ps_write_span8(&w, span("password123"));
    ps_write8(&w, 99); /* A field of another time. */
    ps_write16(&w, 7);
    ps_write_bytes(&w, (const uint8_t *)"private", 7);
    assert_true(ps_message_end(&w, mark));
    say_sealed(&p, &a, &w);
    assert_false(said(&p, "private", 7));
    assert_false(said(&p, "password", 8));
    assert_int_equal(p.twin->out.events_len, 1);
    clear(&p);
    ps_handshake_remove(p.twin->s, 0); /* It knows nothing of this client. */
    w = client_packet(&a, buffer);
    assert_true(ps_logout_encode(&w, PS_MSG_LOGOUT, 1));
    const size_t len = client_seal(&a, &w);
    ps_input_datagram in = {.from = a.addr, .data = buffer, .len = len};
    ps_server_translate(p.first->s, p.twin->s, &in);
    for (size_t i = PS_PACKET_HEADER; i < len; i++) {
        assert_int_equal(buffer[i], 0);
    }
    pair_free(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(passwords_become_stars),
        cmocka_unit_test(secrets_of_any_kind_go),
        cmocka_unit_test(malformed_logins_are_emptied),
        cmocka_unit_test(tickets_are_made_anew),
        cmocka_unit_test(cookies_are_made_anew),
        cmocka_unit_test(cookies_without_a_clock_stay_good),
        cmocka_unit_test(what_nobody_opens_is_emptied),
        cmocka_unit_test(what_the_twin_cannot_know),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
