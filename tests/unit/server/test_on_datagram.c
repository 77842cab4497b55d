/* Every reason to drop a packet, and what a packet with several messages does. */
#include "fixture.h"

static fixture *online(client *a)
{
    ps_server_config cfg;
    fixture_config(&cfg);
    fixture *f = fixture_new(&cfg);
    *a = client_make(f, "alice", 4001);
    client_login(a);
    return f;
}

/* Delivers and asserts: one drop for this reason, no answer, no event. */
static void drops(client *c, const uint8_t *data, size_t len, ps_drop why)
{
    fixture *f = c->f;
    uint64_t before = fixture_drops(f, why);
    fixture_clear(f);
    client_deliver(c, data, len);
    assert_int_equal(fixture_drops(f, why), before + 1);
    assert_int_equal(f->out.datagrams_len, 0);
    assert_int_equal(f->out.events_len, 0);
}

static void packets_are_dropped_by_reason(void **state)
{
    (void)state;
    client a;
    fixture *f = online(&a);
    uint8_t b[PS_DATAGRAM_MAX + 1] = {0};
    drops(&a, b, 0, PS_DROP_EMPTY);
    drops(&a, b, sizeof b, PS_DROP_OVERSIZED);
    for (unsigned type = 0; type < 256; type++) {
        b[0] = (uint8_t)type;
        if (type == PS_PACKET_INITIATE || type == PS_PACKET_RESPOND) {
            drops(&a, b, 100, PS_DROP_TRUNCATED);
        } else if (type == PS_PACKET_RETRY || type == PS_PACKET_RESET ||
                   type == PS_PACKET_VERSIONS) {
            drops(&a, b, 100, PS_DROP_MALFORMED);
        } else if (type != PS_PACKET_DATA) {
            drops(&a, b, 100, PS_DROP_TYPE);
        }
    }
    b[0] = PS_PACKET_RESET; /* Servers say it, nobody says it to them. */
    ps_store64(b + 1, a.session_id);
    drops(&a, b, PS_PACKET_HEADER, PS_DROP_TYPE);
    memset(b, 0, sizeof b);
    b[0] = PS_PACKET_DATA;
    for (size_t len = 1; len < PS_PACKET_HEADER + PS_MESSAGE_HEADER + PS_TAG_BYTES; len++) {
        drops(&a, b, len, PS_DROP_TRUNCATED);
    }
    ps_writer w = client_packet(&a, b);
    const ps_heartbeat beat = {.generation = 0};
    assert_true(ps_heartbeat_encode(&w, 1, &beat));
    const size_t sealed = client_seal(&a, &w);
    for (size_t len = PS_PACKET_HEADER + PS_MESSAGE_HEADER + PS_TAG_BYTES; len < sealed; len++) {
        drops(&a, b, len, PS_DROP_SEAL);
    }
    f->s->reset_rate.parts = 0; /* No RESET is left: see test_reset.c. */
    f->s->reset_rate.at_us = f->now_us;
    for (size_t bit = 8; bit < sealed * 8; bit++) { /* The id, the counter, the text and the tag. */
        b[bit / 8] = (uint8_t)(b[bit / 8] ^ 1u << bit % 8);
        const uint64_t taken = fixture_stats(f).messages_in;
        client_deliver(&a, b, sealed);
        assert_int_equal(fixture_stats(f).messages_in, taken);
        b[bit / 8] = (uint8_t)(b[bit / 8] ^ 1u << bit % 8);
    }
    fixture_clear(f);
    client_deliver(&a, b, sealed);
    assert_int_equal(client_answer(&a, 0).type, PS_MSG_HEARTBEAT_OK);
    drops(&a, b, sealed, PS_DROP_REPLAY);
    fixture_free(f);
}

/* Framing that is broken inside a genuine packet. */
static void truncated_messages_are_dropped(void **state)
{
    (void)state;
    client a;
    fixture *f = online(&a);
    uint8_t b[PS_DATAGRAM_MAX];
    for (size_t cut = 1; cut < 24; cut++) {
        ps_writer w = client_packet(&a, b);
        const ps_heartbeat beat = {.generation = 0};
        assert_true(ps_heartbeat_encode(&w, 1, &beat));
        w.len -= cut;
        const bool header = w.len >= PS_PACKET_HEADER + PS_MESSAGE_HEADER;
        drops(&a, b, client_seal(&a, &w), PS_DROP_TRUNCATED);
        assert_true(header || cut > 16);
    }
    fixture_free(f);
}

static void replays_are_dropped_within_and_behind_the_window(void **state)
{
    (void)state;
    client a;
    fixture *f = online(&a);
    uint8_t first[PS_DATAGRAM_MAX];
    ps_writer w = client_packet(&a, first);
    const ps_heartbeat beat = {.generation = 0};
    assert_true(ps_heartbeat_encode(&w, 1, &beat));
    const size_t len = client_seal(&a, &w);
    client_deliver(&a, first, len);
    for (int i = 0; i < 300; i++) {
        drops(&a, first, len, PS_DROP_REPLAY);
        fixture_clear(f);
        client_heartbeat(&a);
        assert_int_equal(client_answers(&a), 1);
    }
    /* Reordered packets inside the window are fine, once. */
    a.counter += 100;
    client_heartbeat(&a);
    a.counter -= 50;
    fixture_clear(f);
    client_heartbeat(&a);
    assert_int_equal(client_answers(&a), 1);
    fixture_free(f);
}

static void silence_ends_a_session_at_once(void **state)
{
    (void)state;
    client a;
    fixture *f = online(&a);
    f->now_us += 2999999;
    fixture_clear(f);
    client_heartbeat(&a);
    assert_int_equal(client_answers(&a), 1);
    f->now_us += 3000000; /* No tick came: the session is invisible all the same. */
    fixture_clear(f);
    client_heartbeat(&a);
    assert_int_equal(client_answers(&a), 0);
    assert_int_equal(fixture_drops(f, PS_DROP_NO_SESSION), 1);
    assert_int_equal(fixture_tick(f), PS_OK);
    assert_int_equal(f->out.events_len, 1);
    assert_int_equal(f->out.events[0].u.session.reason, PS_CLOSE_SILENCE);
    fixture_free(f);
}

static void messages_of_the_wrong_direction_are_misplaced(void **state)
{
    (void)state;
    const ps_message_type wrong[] = {
        PS_MSG_LOGIN_OK, PS_MSG_HEARTBEAT_OK, PS_MSG_PUBLISHED, PS_MSG_PEERS, PS_MSG_FILES,
        PS_MSG_SOURCES,  PS_MSG_LOGOUT_OK,    PS_MSG_CHALLENGE, PS_MSG_PUSH,  PS_MSG_PUSH_OK,
        PS_MSG_ERROR,    PS_MSG_DIGESTS_OK,   PS_MSG_NAMES};
    client a;
    fixture *f = online(&a);
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        uint8_t b[PS_DATAGRAM_MAX];
        ps_writer w = client_packet(&a, b);
        ps_message_mark mark = ps_message_begin(&w, wrong[i], 1);
        assert_true(ps_message_end(&w, mark));
        drops(&a, b, client_seal(&a, &w), PS_DROP_MISPLACED);
    }
    fixture_free(f);
}

static void unknown_messages_are_told_so(void **state)
{
    (void)state;
    client a;
    fixture *f = online(&a);
    uint8_t b[PS_DATAGRAM_MAX];
    ps_writer w = client_packet(&a, b);
    a.request = 77;
    ps_message_mark mark = ps_message_begin(&w, (ps_message_type)200, 77);
    assert_true(ps_message_end(&w, mark));
    client_send(&a, &w);
    client_expect_error(&a, PS_E_UNSUPPORTED);
    fixture_free(f);
}

static void malformed_bodies_end_the_packet(void **state)
{
    (void)state;
    const ps_message_type types[] = {PS_MSG_HEARTBEAT,  PS_MSG_PUBLISH,      PS_MSG_UNPUBLISH,
                                     PS_MSG_LIST_PEERS, PS_MSG_SEARCH,       PS_MSG_LIST_FILES,
                                     PS_MSG_LIST_NAMES, PS_MSG_CHALLENGE_OK, PS_MSG_LOCATE,
                                     PS_MSG_LOGOUT,     PS_MSG_DIGESTS};
    client a;
    fixture *f = online(&a);
    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++) {
        uint8_t b[PS_DATAGRAM_MAX];
        ps_writer w = client_packet(&a, b);
        ps_message_mark mark = ps_message_begin(&w, types[i], 1);
        if (types[i] != PS_MSG_DIGESTS) { /* Its body has one byte. */
            ps_write8(&w, 1);
        }
        assert_true(ps_message_end(&w, mark));
        const ps_heartbeat beat = {.generation = 0};
        assert_true(ps_heartbeat_encode(&w, 2, &beat)); /* Never reached. */
        drops(&a, b, client_seal(&a, &w), PS_DROP_MALFORMED);
    }
    assert_int_equal(fixture_stats(f).sessions, 1);
    fixture_free(f);
}

static void several_messages_share_an_answer(void **state)
{
    (void)state;
    client a;
    fixture *f = online(&a);
    for (unsigned count = 1; count <= PS_PACKET_MESSAGES + 1; count++) {
        uint8_t b[PS_DATAGRAM_MAX];
        ps_writer w = client_packet(&a, b);
        const ps_heartbeat beat = {.generation = 0};
        for (unsigned i = 0; i < count; i++) {
            assert_true(ps_heartbeat_encode(&w, i, &beat));
        }
        fixture_clear(f);
        client_send(&a, &w);
        if (count > PS_PACKET_MESSAGES) {
            assert_int_equal(fixture_drops(f, PS_DROP_TRAILING), 1);
            assert_int_equal(client_answers(&a), 0);
        } else {
            assert_int_equal(client_answers(&a), count);
            assert_int_equal(f->out.datagrams_len, 1);
        }
    }
    fixture_free(f);
}

/* The most that one packet can cause stays within the room that a step asks for. */
static void the_largest_answer_fits_the_step(void **state)
{
    (void)state;
    client a;
    fixture *f = online(&a);
    char name[PS_NAME_MAX + 1];
    for (int i = 0; i < 40; i++) {
        memset(name, 'n', PS_NAME_MAX);
        name[PS_NAME_MAX] = 0;
        name[0] = (char)('0' + i / 10);
        name[1] = (char)('0' + i % 10);
        (void)client_publish(&a, name, 1);
    }
    uint8_t b[PS_DATAGRAM_MAX];
    ps_writer w = client_packet(&a, b);
    const ps_list list = {.cursor = 0};
    for (unsigned i = 0; i < PS_PACKET_MESSAGES; i++) {
        assert_true(ps_list_encode(&w, PS_MSG_LIST_FILES, i, &list));
    }
    /* Whoever waits for this session's silence is refused before. */
    client second = client_make(f, "alice", 4002);
    client_login_send(&second);
    fixture_verdict(f, PS_E_NONE);
    fixture_clear(f);
    client_send(&a, &w);
    assert_int_equal(f->out.datagrams_len, PS_SERVER_STEP_DATAGRAMS);
    assert_true(f->out.bytes_len <= PS_SERVER_STEP_BYTES);
    assert_true(f->out.bytes_len > PS_SERVER_STEP_BYTES * 3 / 5);
    fixture_free(f);
}

/* A packet of nothing but its header; what may come once a packet comes twice. */
static void empty_packets_and_doubles_are_dropped(void **state)
{
    (void)state;
    client a;
    fixture *f = online(&a);
    uint8_t b[PS_DATAGRAM_MAX];
    ps_writer w = client_packet(&a, b);
    drops(&a, b, client_seal(&a, &w), PS_DROP_TRUNCATED);
    const ps_digests digests = {.first = 0};
    w = client_packet(&a, b);
    assert_true(ps_digests_encode(&w, 1, &digests));
    assert_true(ps_digests_encode(&w, 2, &digests));
    fixture_clear(f);
    client_send(&a, &w);
    assert_int_equal(fixture_drops(f, PS_DROP_MISPLACED), 1);
    assert_int_equal(client_answers(&a), 1);
    const ps_login login = {.datagram_max = PS_DATAGRAM_MAX,
                            .method = PS_LOGIN_PASSWORD,
                            .user = span("alice"),
                            .secret = span("secret")};
    w = client_packet(&a, b);
    assert_true(ps_login_encode(&w, 3, &login));
    assert_true(ps_login_encode(&w, 4, &login));
    fixture_clear(f);
    client_send(&a, &w);
    assert_int_equal(fixture_drops(f, PS_DROP_MISPLACED), 2);
    assert_int_equal(client_answers(&a), 1);
    fixture_free(f);
}

/* What comes under keys that were replaced, when nobody has the place any more. */
static void old_keys_of_a_session_that_is_gone(void **state)
{
    (void)state;
    for (int gone = 0; gone < 2; gone++) {
        client a;
        fixture *f = online(&a);
        uint8_t held[PS_DATAGRAM_MAX];
        const ps_heartbeat beat = {.generation = 0};
        ps_writer w = client_packet(&a, held);
        assert_true(ps_logout_encode(&w, PS_MSG_LOGOUT, 76));
        assert_true(ps_heartbeat_encode(&w, 77, &beat)); /* Behind it: still a LOGOUT. */
        const size_t len = client_seal(&a, &w);
        client_login(&a); /* Replaces itself. */
        if (gone == 1) {
            ps_input in = {.type = PS_INPUT_EXPEL, .u.expel = span("alice")};
            assert_true(fixture_step(f, &in) <= PS_MORE);
        } else {
            f->now_us += 3000000; /* Silent for too long, and not reclaimed yet. */
        }
        drops(&a, held, len, PS_DROP_NO_SESSION);
        fixture_free(f);
    }
}

/* Proofs of a new address: the first good one counts, and one that is malformed is none. */
static void several_proofs_in_a_packet(void **state)
{
    (void)state;
    client a;
    fixture *f = online(&a);
    uint8_t b[PS_DATAGRAM_MAX];
    const ps_heartbeat beat = {.generation = 0};
    uint64_t nonce;
    a.addr.port = 5001;
    ps_writer w = client_packet(&a, b);
    assert_true(ps_heartbeat_encode(&w, 1, &beat));
    fixture_clear(f);
    client_send(&a, &w);
    assert_true(ps_challenge_decode(client_answer(&a, 0).body, &nonce));
    w = client_packet(&a, b);
    assert_true(ps_message_end(&w, ps_message_begin(&w, PS_MSG_CHALLENGE_OK, 2)));
    fixture_clear(f);
    client_send(&a, &w);
    assert_int_equal(fixture_stats(f).moves, 0);
    w = client_packet(&a, b);
    assert_true(ps_challenge_encode(&w, PS_MSG_CHALLENGE_OK, 3, nonce));
    assert_true(ps_challenge_encode(&w, PS_MSG_CHALLENGE_OK, 4, nonce ^ 1));
    client_send(&a, &w);
    assert_int_equal(fixture_stats(f).moves, 1);
    fixture_free(f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(packets_are_dropped_by_reason),
        cmocka_unit_test(truncated_messages_are_dropped),
        cmocka_unit_test(replays_are_dropped_within_and_behind_the_window),
        cmocka_unit_test(silence_ends_a_session_at_once),
        cmocka_unit_test(messages_of_the_wrong_direction_are_misplaced),
        cmocka_unit_test(unknown_messages_are_told_so),
        cmocka_unit_test(malformed_bodies_end_the_packet),
        cmocka_unit_test(several_messages_share_an_answer),
        cmocka_unit_test(the_largest_answer_fits_the_step),
        cmocka_unit_test(empty_packets_and_doubles_are_dropped),
        cmocka_unit_test(old_keys_of_a_session_that_is_gone),
        cmocka_unit_test(several_proofs_in_a_packet),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
