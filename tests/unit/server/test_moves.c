/* A session whose address changes. */
#include "fixture.h"

static fixture *online(client *a, client *b)
{
    ps_server_config cfg;
    fixture_config(&cfg);
    fixture *f = fixture_new(&cfg);
    *a = client_make(f, "alice", 4001);
    *b = client_make(f, "bob", 4002);
    client_login(a);
    client_login(b);
    return f;
}

/* The nonce of the only CHALLENGE in the output, which goes to this client's address. */
static uint64_t challenge(const client *c)
{
    uint64_t nonce = 0;
    assert_int_equal(client_answers(c), 1);
    const ps_message m = client_answer(c, 0);
    assert_int_equal(m.type, PS_MSG_CHALLENGE);
    assert_true(ps_challenge_decode(m.body, &nonce));
    return nonce;
}

static void answer(client *c, uint64_t nonce)
{
    uint8_t b[PS_DATAGRAM_MAX];
    ps_writer w = client_packet(c, b);
    assert_true(ps_challenge_encode(&w, PS_MSG_CHALLENGE_OK, 0, nonce));
    fixture_clear(c->f);
    client_send(c, &w);
}

static void a_new_address_is_asked_and_then_believed(void **state)
{
    (void)state;
    client a, b;
    fixture *f = online(&a, &b);
    a.addr.port = 5001;
    fixture_clear(f);
    client_heartbeat(&a); /* Not answered: but asked, at the new address. */
    const uint64_t nonce = challenge(&a);
    assert_int_equal(fixture_drops(f, PS_DROP_ADDRESS), 1);
    assert_int_equal(fixture_stats(f).moves, 0);
    answer(&a, nonce);
    assert_int_equal(fixture_stats(f).moves, 1);
    client_sync(&a);
    /* Back at the old one, it is asked again. */
    a.addr.port = 4001;
    fixture_clear(f);
    client_heartbeat(&a);
    answer(&a, challenge(&a));
    assert_int_equal(fixture_stats(f).moves, 2);
    client_sync(&a);
    fixture_free(f);
}

/* A peer that claims a victim's address: one packet goes there, not longer than its own, and nobody
 * is told of it. */
static void a_victim_gets_no_more_than_was_sent(void **state)
{
    (void)state;
    client a, b;
    fixture *f = online(&a, &b);
    const ps_addr own = a.addr;
    const ps_addr victim = {.ip = {198, 51, 100, 7}, .port = 80, .family = PS_ADDR_V4};
    uint8_t bytes[PS_DATAGRAM_MAX];
    for (unsigned k = 0; k < 3; k++) {
        ps_writer w = client_packet(&a, bytes);
        const ps_list list = {.cursor = 0};
        for (unsigned n = 0; n < PS_PACKET_MESSAGES; n++) {
            assert_true(ps_list_encode(&w, PS_MSG_LIST_FILES, n, &list));
        }
        a.addr = victim;
        fixture_clear(f);
        client_send(&a, &w);
        (void)challenge(&a);
        assert_int_equal(f->out.datagrams_len, 1);
        assert_true(f->out.bytes_len < w.len);
        a.addr = own;
        client_sync(&a); /* All goes on where it really is. */
    }
    /* The shortest packet there is would be shorter than the question: there is none. */
    ps_writer w = client_packet(&a, bytes);
    assert_true(ps_logout_encode(&w, PS_MSG_LOGOUT, 9));
    a.addr = victim;
    fixture_clear(f);
    client_send(&a, &w);
    assert_int_equal(f->out.datagrams_len, 0);
    assert_int_equal(fixture_stats(f).sessions, 2);
    /* Another address's nonce proves nothing, */
    a.addr = own;
    a.addr.port = 7777;
    fixture_clear(f);
    client_heartbeat(&a);
    const uint64_t nonce = challenge(&a);
    a.addr = victim;
    answer(&a, nonce);
    assert_int_equal(fixture_stats(f).moves, 0);
    fixture_free(f);
}

/* Only the newest packet can start it: one that was held back and comes from elsewhere cannot. */
static void an_old_packet_starts_nothing(void **state)
{
    (void)state;
    client a, b;
    fixture *f = online(&a, &b);
    uint8_t held[PS_DATAGRAM_MAX];
    ps_writer w = client_packet(&a, held);
    const ps_heartbeat beat = {.generation = 0};
    assert_true(ps_heartbeat_encode(&w, 1, &beat));
    const size_t len = client_seal(&a, &w);
    client_sync(&a);
    client thief = a;
    thief.addr.port = 6000;
    fixture_clear(f);
    client_deliver(&thief, held, len);
    assert_int_equal(f->out.datagrams_len, 0);
    assert_int_equal(fixture_drops(f, PS_DROP_ADDRESS), 1);
    fixture_free(f);
}

/* A nonce is good for ten to twenty seconds. */
static void nonces_age(void **state)
{
    (void)state;
    client a, b;
    fixture *f = online(&a, &b);
    const ps_session *x = ps_session_at(f->s, 0);
    a.addr.port = 5001;
    fixture_clear(f);
    client_heartbeat(&a);
    const uint64_t nonce = challenge(&a);
    f->s->clock.now_us = 19999999;
    assert_true(ps_move_proves(f->s, x, &a.addr, nonce));
    assert_false(ps_move_proves(f->s, ps_session_at(f->s, 1), &a.addr, nonce));
    f->s->clock.now_us = 20000000;
    assert_false(ps_move_proves(f->s, x, &a.addr, nonce));
    f->s->clock.now_us = f->now_us;
    fixture_free(f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_new_address_is_asked_and_then_believed),
        cmocka_unit_test(a_victim_gets_no_more_than_was_sent),
        cmocka_unit_test(an_old_packet_starts_nothing),
        cmocka_unit_test(nonces_age),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
