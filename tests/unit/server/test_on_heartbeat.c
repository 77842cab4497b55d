#include "fixture.h"

static void is_acknowledged_and_keeps_alive(void **state)
{
    (void)state;
    ps_server_config cfg;
    fixture_config(&cfg);
    fixture *f = fixture_new(&cfg);
    client a = client_make(f, "alice", 4001);
    client_login(&a);
    assert_int_equal(client_publish(&a, "x", 1), PS_E_NONE);
    for (int i = 0; i < 5; i++) {
        f->now_us += 2999999;
        fixture_clear(f);
        client_heartbeat(&a);
        ps_message m = client_answer(&a, 0);
        ps_heartbeat_ok ok;
        assert_int_equal(m.request, a.request);
        assert_true(ps_heartbeat_ok_decode(m.body, &ok));
        assert_int_equal(ok.generation, 1);
        assert_int_equal(ok.wall_s, 0); /* The host never told the time. */
        assert_int_equal(ps_server_deadline_us(f->s), f->now_us + 3000000);
    }
    fixture_free(f);
}

static void does_not_fit_beside_a_full_datagram(void **state)
{
    (void)state;
    ps_server_config cfg;
    fixture_config(&cfg);
    fixture *f = fixture_new(&cfg);
    client a = client_make(f, "alice", 4001);
    client_login(&a);
    /* A page and a heartbeat: two datagrams, both answered. */
    uint8_t b[PS_DATAGRAM_MAX];
    ps_writer w = client_packet(&a, b);
    const ps_heartbeat beat = {.generation = 0};
    const ps_list list = {.cursor = 0};
    assert_true(ps_heartbeat_encode(&w, 1, &beat));
    assert_true(ps_list_encode(&w, PS_MSG_LIST_FILES, 2, &list));
    assert_true(ps_heartbeat_encode(&w, 3, &beat));
    fixture_clear(f);
    client_send(&a, &w);
    assert_int_equal(client_answers(&a), 3);
    assert_int_equal(f->out.datagrams_len, 3); /* A page travels alone. */
    fixture_free(f);
}

/* More answers than a datagram holds go on in the next. */
static void many_spill_over(void **state)
{
    (void)state;
    ps_server_config cfg;
    fixture_config(&cfg);
    fixture *f = fixture_new(&cfg);
    client a = client_make(f, "alice", 4001);
    client_login(&a);
    fixture_clear(f);
    ps_reply r = {.s = f->s, .out = &f->out, .session = 0};
    static const uint8_t body[16];
    for (uint32_t i = 0; i < 100; i++) {
        const ps_message m = {.type = PS_MSG_HEARTBEAT, .request = i, .body = {body, sizeof body}};
        assert_true(ps_on_heartbeat(&r, &m));
    }
    ps_reply_flush(&r);
    assert_int_equal(f->out.datagrams_len, 3);
    assert_int_equal(client_answers(&a), 100);
    assert_int_equal(client_answer(&a, 99).request, 99);
    fixture_free(f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(is_acknowledged_and_keeps_alive),
        cmocka_unit_test(does_not_fit_beside_a_full_datagram),
        cmocka_unit_test(many_spill_over),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
