/* RESET: who gets it, how long it is, and how many there are. */
#include "fixture.h"

static fixture *with_budget(uint32_t resets_per_s)
{
    ps_server_config cfg;
    fixture_config(&cfg);
    cfg.resets_per_s = resets_per_s;
    return fixture_new(&cfg);
}

/* A stranger who believes in a session of this id. */
static client stranger(fixture *f, uint64_t session_id)
{
    client c = client_make(f, "mallory", 6666);
    c.session_id = session_id;
    c.shaken = c.client_id; /* With keys of his own making. */
    return c;
}

static void it_repeats_the_header_of_what_it_answers(void **state)
{
    (void)state;
    fixture *f = with_budget(100);
    client c = stranger(f, UINT64_C(0x1122334455667788));
    c.counter = 998;
    client_heartbeat(&c);
    ps_packet packet;
    assert_int_equal(fixture_resets(f, &packet), 1);
    assert_int_equal(f->out.datagrams_len, 1);
    assert_int_equal(f->out.datagrams[0].len, 17);
    assert_int_equal(f->out.datagrams[0].commit_seq, 0);
    assert_true(ps_addr_equal(&f->out.datagrams[0].to, &c.addr));
    assert_true(packet.receiver_id == c.session_id);
    assert_int_equal(packet.counter, 999);
    assert_int_equal(fixture_stats(f).resets, 1);
    assert_int_equal(fixture_drops(f, PS_DROP_NO_SESSION), 1);
    assert_true(f->out.datagrams[0].len < PS_PACKET_HEADER + PS_MESSAGE_HEADER + PS_TAG_BYTES);
    fixture_free(f);
}

static void not_everything_is_answered(void **state)
{
    (void)state;
    fixture *f = with_budget(100);
    client a = client_make(f, "alice", 4001);
    ps_packet packet;
    client_login(&a);
    client c = stranger(f, a.session_id); /* The session lives, these are not its keys. */
    client_heartbeat(&c);
    assert_int_equal(fixture_resets(f, &packet), 0);
    assert_int_equal(fixture_drops(f, PS_DROP_REPLAY), 1); /* Its counter was taken. */
    c.counter = 1000;
    client_heartbeat(&c);
    assert_int_equal(fixture_drops(f, PS_DROP_SEAL), 1);
    uint8_t b[PS_DATAGRAM_MAX];
    ps_writer w = {.base = b, .cap = sizeof b};
    ps_reset_encode(&w, 77, 1); /* Else two servers could talk for ever. */
    client_deliver(&c, b, w.len);
    assert_int_equal(fixture_drops(f, PS_DROP_TYPE), 1);
    c.session_id = 77;
    w = client_packet(&c, b);
    memset(b + w.len, 0, sizeof b - w.len);
    for (size_t len = 0; len < PS_PACKET_HEADER + PS_MESSAGE_HEADER + PS_TAG_BYTES; len++) {
        client_deliver(&c, b, len);
    }
    assert_int_equal(f->out.datagrams_len, 0);
    assert_int_equal(fixture_stats(f).resets, 0);
    fixture_free(f);
}

/* The dead are told before a tick has reclaimed them. */
static void the_dead_are_told(void **state)
{
    (void)state;
    fixture *f = with_budget(100);
    client a = client_make(f, "alice", 4001);
    ps_packet packet;
    client_login(&a);
    f->now_us += 3000000;
    client_heartbeat(&a);
    assert_int_equal(fixture_stats(f).sessions, 1);
    assert_int_equal(fixture_resets(f, &packet), 1);
    assert_true(packet.receiver_id == a.session_id);
    fixture_free(f);
}

static void so_many_a_second(void **state)
{
    (void)state;
    const uint32_t budgets[] = {0, 1, 3};
    for (size_t k = 0; k < 3; k++) {
        fixture *f = with_budget(budgets[k]);
        client c = stranger(f, 5);
        for (unsigned second = 1; second <= 3; second++) {
            for (unsigned n = 0; n < 10; n++) {
                fixture_clear(f);
                client_heartbeat(&c); /* Ten at once. */
                assert_int_equal(f->out.datagrams_len, n < budgets[k] ? 1 : 0);
            }
            f->now_us += 1000000;
            assert_int_equal(fixture_stats(f).resets, second * budgets[k]);
            assert_int_equal(fixture_drops(f, PS_DROP_NO_SESSION), second * 10);
        }
        fixture_free(f);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_repeats_the_header_of_what_it_answers),
        cmocka_unit_test(not_everything_is_answered),
        cmocka_unit_test(the_dead_are_told),
        cmocka_unit_test(so_many_a_second),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
