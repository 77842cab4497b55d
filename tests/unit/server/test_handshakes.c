/* The pool of handshakes: found, forgotten, pushed out. */
#include "exact.h"
#include "fixture.h"

static uint32_t found(const client *c)
{
    for (uint32_t i = 0; i < c->f->s->handshakes.fresh; i++) {
        const ps_handshake *h = ps_handshake_at(c->f->s, i);
        if (h->state != PS_HANDSHAKE_FREE && h->client_id == c->client_id &&
            ps_addr_equal(&h->addr, &c->addr)) {
            assert_int_equal(ps_handshake_find(c->f->s, &c->addr, c->client_id, h->message), i);
            return i;
        }
    }
    return PS_NIL;
}

static fixture *with(uint32_t handshakes, uint32_t handshake_ms)
{
    ps_server_config cfg;
    fixture_config(&cfg);
    cfg.max_handshakes = handshakes;
    cfg.max_pending_logins = handshakes;
    cfg.handshake_ms = handshake_ms;
    return fixture_new(&cfg);
}

static void are_found_by_address_and_client(void **state)
{
    (void)state;
    fixture *f = with(16, 5000);
    f->s->handshake_mask = 0; /* All in one chain. */
    client c[4];
    for (uint16_t i = 0; i < 4; i++) {
        c[i] = client_make(f, "alice", (uint16_t)(4000 + i));
        client_login_send(&c[i]);
    }
    assert_int_equal(fixture_stats(f).pending_logins, 4);
    for (size_t i = 0; i < 4; i++) {
        const uint32_t p = found(&c[i]);
        assert_int_not_equal(p, PS_NIL);
        const uint64_t key = ps_handshake_at(f->s, p)->message;
        const ps_addr *other = &c[(i + 1) % 4].addr;
        assert_int_equal(ps_handshake_find(f->s, &c[i].addr, c[i].client_id + 1, key), PS_NIL);
        assert_int_equal(ps_handshake_find(f->s, other, c[i].client_id, key), PS_NIL);
        assert_int_equal(ps_handshake_find(f->s, &c[i].addr, c[i].client_id, key ^ 1), PS_NIL);
    }
    const size_t order[] = {2, 0, 3, 1};
    for (size_t i = 0; i < 4; i++) {
        const client *x = &c[order[i]];
        ps_handshake_remove(f->s, found(x));
        assert_int_equal(found(x), PS_NIL);
        assert_int_equal(ps_server_check(f->s), 0);
    }
    fixture_free(f);
}

static void expire_when_no_verdict_comes(void **state)
{
    (void)state;
    fixture *f = with(16, 5000);
    client a = client_make(f, "alice", 4001);
    client_login_send(&a);
    assert_int_equal(ps_server_deadline_us(f->s), f->now_us + 15000000);
    f->now_us += 14999999;
    (void)fixture_tick(f);
    assert_int_equal(fixture_stats(f).pending_logins, 1);
    f->now_us += 1;
    (void)fixture_tick(f);
    assert_int_equal(fixture_stats(f).pending_logins, 0);
    assert_int_equal(fixture_stats(f).handshakes_open, 0);
    fixture_free(f);
}

static void expire_when_the_client_does_not_answer(void **state)
{
    (void)state;
    fixture *f = with(16, 5000);
    client a = client_make(f, "alice", 4001);
    client_shake(&a);
    assert_int_equal(ps_server_deadline_us(f->s), f->now_us + 5000000);
    f->now_us += 5000000;
    (void)fixture_tick(f);
    assert_int_equal(fixture_stats(f).handshakes_open, 0);
    ps_packet packet;
    fixture_clear(f);
    client_login_send(&a); /* Too late: a RESET says so. */
    assert_int_equal(fixture_resets(f, &packet), 1);
    fixture_free(f);
}

/* The oldest client that has not answered makes room; logins at work and sessions do not. */
static void the_unanswered_make_room(void **state)
{
    (void)state;
    fixture *f = with(3, 5000);
    client at_work = client_make(f, "alice", 4001);
    client_login_send(&at_work);
    client c[3];
    for (uint16_t i = 0; i < 3; i++) {
        c[i] = client_make(f, "bob", (uint16_t)(5000 + i));
        client_shake(&c[i]);
    }
    assert_int_equal(fixture_stats(f).handshakes_pushed_out, 1);
    assert_int_equal(found(&c[0]), PS_NIL);
    assert_int_not_equal(found(&c[1]), PS_NIL);
    for (unsigned i = 1; i < 3; i++) {
        fixture_clear(f);
        client_login_send(&c[i]);
        assert_int_equal(f->out.events_len, 1);
    }
    /* All are at work: there is no place, and the newcomer is not answered. */
    client late = client_make(f, "carol", 6000);
    uint8_t initiate[PS_INITIATE_BYTES];
    uint8_t cookie[PS_COOKIE_BYTES];
    ps_noise noise;
    fixture_clear(f);
    client_initiate(&late, &noise, NULL, initiate);
    client_deliver(&late, initiate, sizeof initiate); /* Asked for a cookie: it is crowded. */
    assert_int_equal(f->out.datagrams[0].len, PS_RETRY_BYTES);
    memcpy(cookie, f->out.bytes + 9, sizeof cookie);
    fixture_clear(f);
    client_initiate(&late, &noise, cookie, initiate);
    client_deliver(&late, initiate, sizeof initiate);
    assert_int_equal(f->out.datagrams_len, 0);
    assert_int_equal(fixture_drops(f, PS_DROP_LIMIT), 1);
    fixture_free(f);
}

/* Nor do refused logins hold places: they are the first to go. */
static void the_refused_make_room_first(void **state)
{
    (void)state;
    fixture *f = with(4, 5000);
    client waiting = client_make(f, "alice", 4001);
    client_shake(&waiting);
    for (uint16_t i = 0; i < 200; i++) {
        client c = client_make(f, "no body", (uint16_t)(5000 + i)); /* Refused at once. */
        client_login_send(&c);
        client_expect_error(&c, PS_E_CREDENTIALS);
        fixture_clear(f);
    }
    assert_int_equal(fixture_stats(f).handshakes_pushed_out, 0);
    client_login(&waiting);
    fixture_free(f);
}

/* A network pays for its logins before they are judged. */
static void refusals_are_charged(void **state)
{
    (void)state;
    ps_server_config cfg;
    fixture_config(&cfg);
    cfg.network_per_s = 1;
    fixture *f = fixture_new(&cfg);
    for (uint16_t i = 0; i < 8; i++) { /* Without cookies: half of the pool. */
        client c = client_make(f, "no body", (uint16_t)(5000 + i));
        client_shake(&c);
        for (unsigned k = 0; k < 3; k++) {
            fixture_clear(f);
            c.request++;
            client_login_send(&c);
            client_expect_error(&c, PS_E_CREDENTIALS);
        }
    }
    client last = client_make(f, "no body", 6000);
    f->s->open_rate.parts = 100 * PS_RATE_USE;
    for (unsigned k = 0; k < 3; k++) { /* Ten in all; these have shown a cookie. */
        uint8_t initiate[PS_INITIATE_BYTES];
        ps_noise noise;
        uint8_t cookie[PS_COOKIE_BYTES];
        last.client_id++;
        fixture_clear(f);
        client_initiate(&last, &noise, NULL, initiate);
        client_deliver(&last, initiate, sizeof initiate);
        assert_int_equal(f->out.bytes[0], PS_PACKET_RETRY);
        memcpy(cookie, f->out.bytes + 9, sizeof cookie);
        fixture_clear(f);
        client_initiate(&last, &noise, cookie, initiate);
        client_deliver(&last, initiate, sizeof initiate);
        assert_int_equal(f->out.datagrams_len, k < 2 ? 1 : 0);
    }
    fixture_free(f);
}

/* A LOGOUT that was held back does not end the session that has come after; one that was sent
 * before its LOGIN_OK came does. */
static void an_old_logout_ends_nothing(void **state)
{
    (void)state;
    for (unsigned gone_on = 0; gone_on < 2; gone_on++) {
        fixture *f = with(16, 60000);
        client a = client_make(f, "alice", 4001);
        uint8_t held[PS_DATAGRAM_MAX];
        client_login(&a);
        ps_writer w = client_packet(&a, held);
        assert_true(ps_logout_encode(&w, PS_MSG_LOGOUT, 77));
        assert_true(ps_heartbeat_encode(&w, 78, &(ps_heartbeat){.generation = 0}));
        const size_t len = client_seal(&a, &w);
        client_login(&a);
        if (gone_on == 1) {
            client_heartbeat(&a);
        }
        client_deliver(&a, held, len);
        assert_int_equal(fixture_stats(f).sessions, gone_on);
        fixture_free(f);
    }
}

/* Keys leave no copy behind. */
static void keys_are_wiped(void **state)
{
    (void)state;
    fixture *f = with(16, 5000);
    client a = client_make(f, "alice", 4001);
    client_shake(&a);
    uint8_t tx[32], rx[32];
    memcpy(tx, a.tx, sizeof tx);
    memcpy(rx, a.rx, sizeof rx);
    client_login(&a);
    const size_t size = ps_server_size(&f->cfg);
    const uint8_t *slab = (const uint8_t *)f->s;
    for (unsigned round = 0; round < 2; round++) {
        size_t found = 0;
        for (size_t i = 0; i + 32 <= size; i++) {
            found += exact_same(slab + i, tx, 32) || exact_same(slab + i, rx, 32);
        }
        assert_int_equal(found, round == 0 ? 2 : 0); /* In the session alone; then nowhere. */
        for (unsigned k = 0; k < 100; k++) {
            f->now_us += 200000;
            (void)fixture_tick(f);
        }
    }
    fixture_free(f);
}

/* Where every place is at work, the keys that are replaced are not kept: who still uses them is
 * told that nobody knows him. */
static void no_place_for_replaced_keys(void **state)
{
    (void)state;
    fixture *f = with(2, 60000);
    client a = client_make(f, "alice", 4001);
    uint8_t held[PS_DATAGRAM_MAX];
    const ps_heartbeat beat = {.generation = 0};
    client_login(&a);
    ps_writer w = client_packet(&a, held);
    assert_true(ps_heartbeat_encode(&w, 77, &beat));
    const size_t len = client_seal(&a, &w);
    client b = client_make(f, "bob", 4002);
    client_login_send(&b);
    fixture_clear(f);
    a.client_id++;
    client_login_send(&a);
    fixture_verdict(f, PS_E_NONE);
    assert_int_equal(fixture_stats(f).takeovers, 1);
    fixture_clear(f);
    client_deliver(&a, held, len);
    ps_packet reset;
    assert_int_equal(fixture_resets(f, &reset), 1);
    fixture_free(f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(are_found_by_address_and_client),
        cmocka_unit_test(expire_when_no_verdict_comes),
        cmocka_unit_test(expire_when_the_client_does_not_answer),
        cmocka_unit_test(the_unanswered_make_room),
        cmocka_unit_test(the_refused_make_room_first),
        cmocka_unit_test(refusals_are_charged),
        cmocka_unit_test(an_old_logout_ends_nothing),
        cmocka_unit_test(keys_are_wiped),
        cmocka_unit_test(no_place_for_replaced_keys),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
