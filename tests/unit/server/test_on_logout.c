#include "fixture.h"

static void ends_the_session_and_keeps_publications(void **state)
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
    uint8_t buffer[PS_DATAGRAM_MAX];
    for (int who = 0; who < 2; who++) {
        client *c = who == 0 ? &a : &b;
        ps_writer w = client_packet(c, buffer);
        const ps_heartbeat beat = {.generation = 0};
        assert_true(ps_logout_encode(&w, PS_MSG_LOGOUT, ++c->request));
        assert_true(ps_heartbeat_encode(&w, 3, &beat)); /* Behind a LOGOUT nothing counts. */
        fixture_clear(f);
        client_send(c, &w);
        assert_int_equal(client_answers(c), 1);
        assert_int_equal(client_answer(c, 0).type, PS_MSG_LOGOUT_OK);
        assert_int_equal(f->out.events_len, 1);
        assert_int_equal(f->out.events[0].u.session.reason, PS_CLOSE_LOGOUT);
    }
    assert_int_equal(fixture_stats(f).sessions, 0);
    assert_int_equal(fixture_stats(f).users, 1); /* bob left nothing behind. */
    assert_int_equal(fixture_stats(f).publications, 1);
    f->now_us += 60000000; /* Their handshakes are forgotten. */
    assert_int_equal(fixture_tick(f), PS_OK);
    assert_int_equal(fixture_stats(f).handshakes_open, 0);
    assert_int_equal(ps_server_deadline_us(f->s), PS_TIME_NEVER);
    client_login(&b);
    client_login(&a);
    assert_int_equal(a.generation, 1);
    fixture_free(f);
}

/* Where the answer does not fit beside those before it, it goes alone. */
static void the_answer_spills_over(void **state)
{
    (void)state;
    ps_server_config cfg;
    fixture_config(&cfg);
    fixture *f = fixture_new(&cfg);
    client a = client_make(f, "alice", 4001);
    client_login(&a);
    fixture_clear(f);
    ps_reply r = {.s = f->s, .out = &f->out, .session = 0};
    ps_writer *w = ps_reply_begin(&r, true);
    const size_t before = (w->cap - w->len) / PS_MESSAGE_HEADER;
    for (size_t i = 0; i < before; i++) {
        assert_true(ps_logout_encode(w, PS_MSG_LOGOUT_OK, 1));
    }
    const ps_message m = {.type = PS_MSG_LOGOUT, .request = 9};
    assert_true(ps_on_logout(&r, &m));
    ps_reply_flush(&r);
    assert_int_equal(f->out.datagrams_len, 2);
    assert_int_equal(client_answer(&a, before).type, PS_MSG_LOGOUT_OK);
    assert_int_equal(client_answer(&a, before).request, 9);
    fixture_free(f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ends_the_session_and_keeps_publications),
        cmocka_unit_test(the_answer_spills_over),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
