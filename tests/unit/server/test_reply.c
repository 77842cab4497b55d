#include "fixture.h"

static void counters_rise_by_one_a_datagram(void **state)
{
    (void)state;
    ps_server_config cfg;
    fixture_config(&cfg);
    fixture *f = fixture_new(&cfg);
    client a = client_make(f, "alice", 4001);
    client_login(&a); /* LOGIN_OK went under counter 1. */
    for (int i = 0; i < 20; i++) {
        client_heartbeat(&a);
        client_list(&a, PS_MSG_LIST_PEERS, 0, "");
        ps_packet p;
        ps_drop why;
        const ps_datagram *dg = &f->out.datagrams[0];
        assert_true(ps_packet_decode(f->out.bytes + dg->offset, dg->len, &p, &why));
        assert_int_equal(p.counter, 3 + i * 2);
        assert_int_equal(dg->commit_seq, 0);
    }
    fixture_free(f);
}

/* A client that agreed on less never gets more. */
static void keeps_within_the_agreed_size(void **state)
{
    (void)state;
    ps_server_config cfg;
    fixture_config(&cfg);
    fixture *f = fixture_new(&cfg);
    client a = client_make(f, "alice", 4001);
    client_login(&a);
    ps_session_at(f->s, 0)->datagram_max = PS_DATAGRAM_MIN;
    char name[16];
    for (unsigned i = 0; i < 30; i++) {
        (void)snprintf(name, sizeof name, "f%u", i);
        assert_int_equal(client_publish(&a, name, i), PS_E_NONE);
    }
    unsigned listed = 0;
    uint64_t cursor = 0;
    do {
        client_list(&a, PS_MSG_LIST_FILES, cursor, "");
        ps_page page;
        assert_int_equal(f->out.datagrams_len, 1);
        assert_true(f->out.datagrams[0].len <= PS_DATAGRAM_MIN);
        assert_true(ps_page_decode(PS_MSG_FILES, client_answer(&a, 0).body, &page));
        listed += page.count;
        cursor = page.next;
    } while (cursor != 0);
    assert_int_equal(listed, 30);
    fixture_free(f);
}

/* Errors that overflow a datagram go on in the next. */
static void errors_spill_over(void **state)
{
    (void)state;
    ps_server_config cfg;
    fixture_config(&cfg);
    fixture *f = fixture_new(&cfg);
    client a = client_make(f, "alice", 4001);
    client_login(&a);
    ps_reply r = {.s = f->s, .out = &f->out, .session = 0};
    fixture_clear(f);
    for (uint32_t i = 0; i < 100; i++) {
        ps_reply_error(&r, i, PS_E_BUSY, 5);
    }
    ps_reply_flush(&r);
    ps_reply_flush(&r); /* Nothing is open: nothing happens. */
    assert_int_equal(client_answers(&a), 100);
    assert_true(f->out.datagrams_len > 1);
    fixture_free(f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(counters_rise_by_one_a_datagram),
        cmocka_unit_test(keeps_within_the_agreed_size),
        cmocka_unit_test(errors_spill_over),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
