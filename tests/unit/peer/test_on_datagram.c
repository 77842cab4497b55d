/* A datagram's way in: every reason to drop one, and truncation at every byte. */
#include "rig.h"

static void expect(rig *r, ps_drop why)
{
    const uint64_t before = rig_drops(r, why);
    const uint64_t all = rig_drops_all(r);
    const size_t events = r->events_len;
    const size_t sent = r->sent_len;
    (void)rig_deliver(r);
    assert_int_equal(rig_drops(r, why), before + 1);
    assert_int_equal(rig_drops_all(r), all + 1);
    assert_int_equal(r->events_len, events);
    assert_int_equal(r->sent_len, sent);
}

static void every_reason(void **state)
{
    (void)state;
    rig *r = rig_new_default();
    (void)rig_login(r);
    rig_accept(r, 0);
    craft_reset(&r->c);
    expect(r, PS_DROP_EMPTY);

    rig_packet_of(r, r->client_id, 50);
    craft_push(&r->c, 1, 1, "");
    craft_fill(&r->c, 0, PS_DATAGRAM_MAX + 1 - r->c.len);
    expect(r, PS_DROP_OVERSIZED);

    craft_packet_of(&r->c, 7, r->client_id, 50);
    craft_push(&r->c, 1, 1, "");
    expect(r, PS_DROP_TYPE);

    craft_initiate(&r->c, PS_VERSION, r->client_id, NULL, r->initiates[0].bytes + 26, 230);
    expect(r, PS_DROP_MISPLACED); /* For servers. */

    rig_packet_of(r, r->client_id, 50);
    r->c.len--;
    expect(r, PS_DROP_TRUNCATED);

    rig_packet_of(r, r->client_id, 50); /* No message. */
    expect(r, PS_DROP_TRUNCATED);

    rig_packet_of(r, r->client_id, 50);
    craft_push(&r->c, 1, 1, "");
    craft_u8(&r->c, PS_MSG_PUSH); /* A header that is cut off: the good message counts neither. */
    expect(r, PS_DROP_TRUNCATED);

    rig_packet_of(r, r->client_id, 50);
    for (unsigned k = 0; k <= PS_PACKET_MESSAGES; k++) {
        craft_push(&r->c, k, 1, "");
    }
    expect(r, PS_DROP_TRAILING);

    rig_packet_of(r, r->client_id ^ 2, 50);
    craft_push(&r->c, 1, 1, "");
    expect(r, PS_DROP_NO_SESSION);

    rig_packet_of(r, 0, 50);
    craft_push(&r->c, 1, 1, "");
    expect(r, PS_DROP_NO_SESSION);

    rig_packet_of(r, r->client_id, 0);
    craft_push(&r->c, 1, 1, "");
    expect(r, PS_DROP_REPLAY);

    rig_packet_of(r, r->client_id, 1); /* The counter of LOGIN_OK. */
    craft_push(&r->c, 1, 1, "");
    expect(r, PS_DROP_REPLAY);

    rig_packet_of(r, r->client_id, UINT64_MAX);
    craft_push(&r->c, 1, 1, "");
    expect(r, PS_DROP_REPLAY);

    rig_packet_of(r, r->client_id, 50);
    craft_message(&r->c, PS_MSG_PUSH, 1);
    craft_end(&r->c);
    expect(r, PS_DROP_MALFORMED);

    rig_packet_of(r, r->client_id, 51);
    craft_heartbeat_ok(&r->c, 1, 0, 0, 0);
    expect(r, PS_DROP_STALE);
    rig_free(r);
}

static void what_servers_receive_is_misplaced(void **state)
{
    (void)state;
    rig *r = rig_new_online();
    const uint8_t answers[] = {PS_MSG_LOGIN_OK,  PS_MSG_HEARTBEAT_OK, PS_MSG_PUBLISHED,
                               PS_MSG_PEERS,     PS_MSG_FILES,        PS_MSG_SOURCES,
                               PS_MSG_LOGOUT_OK, PS_MSG_CHALLENGE,    PS_MSG_PUSH,
                               PS_MSG_ERROR,     PS_MSG_DIGESTS_OK,   PS_MSG_NAMES};
    for (unsigned type = 0; type < 256; type++) {
        if (memchr(answers, (int)type, sizeof answers) == NULL) {
            rig_packet(r);
            craft_message(&r->c, type, 1);
            craft_end(&r->c);
            expect(r, PS_DROP_MISPLACED);
        }
    }
    rig_free(r);
}

static void other_senders_are_not_heard(void **state)
{
    (void)state;
    rig *r = rig_new_online();
    ps_addr other = r->server;
    rig_packet_of(r, r->client_id, 50);
    craft_push(&r->c, 1, 1, "");
    other.port++;
    (void)rig_deliver_from(r, &other, r->c.data, r->c.len);
    other = r->server;
    other.ip[3]++;
    (void)rig_deliver_from(r, &other, r->c.data, r->c.len);
    other = r->server;
    other.family = PS_ADDR_V6;
    (void)rig_deliver_from(r, &other, r->c.data, r->c.len);
    assert_int_equal(rig_drops(r, PS_DROP_ADDRESS), 3);
    assert_int_equal(r->sent_len, 0);
    (void)rig_deliver(r); /* The counter was not used up by them. */
    assert_int_equal(rig_count(r, PS_MSG_PUSH_OK), 1);
    rig_free(r);
}

static void idle_knows_no_session(void **state)
{
    (void)state;
    rig *r = rig_new_default();
    rig_packet_of(r, 0, 0);
    craft_push(&r->c, 1, 1, "");
    expect(r, PS_DROP_NO_SESSION);
    rig_packet_of(r, 7, 1);
    craft_push(&r->c, 1, 1, "");
    expect(r, PS_DROP_NO_SESSION);
    rig_free(r);
}

static void the_window_is_256(void **state)
{
    (void)state;
    rig *r = rig_new_online();
    rig_packet_of(r, r->client_id, 1000);
    craft_push(&r->c, 1, 1, "");
    (void)rig_deliver(r);
    rig_packet_of(r, r->client_id, 745);
    craft_push(&r->c, 1, 1, "");
    (void)rig_deliver(r);
    assert_int_equal(rig_count(r, PS_MSG_PUSH_OK), 2);
    rig_packet_of(r, r->client_id, 744);
    craft_push(&r->c, 1, 1, "");
    expect(r, PS_DROP_REPLAY);
    rig_packet_of(r, r->client_id, 745);
    craft_push(&r->c, 1, 1, "");
    expect(r, PS_DROP_REPLAY);
    rig_free(r);
}

static void cut_off_anywhere_it_does_nothing(void **state)
{
    (void)state;
    static const uint8_t root[PS_ROOT_BYTES] = {1};
    rig *r = rig_new_online();
    (void)rig_command(r, PS_INPUT_LIST_FILES, 1, "");
    rig_packet_of(r, r->client_id, 60);
    craft_page(&r->c, PS_MSG_FILES, rig_last(r, PS_MSG_LIST_FILES)->request, 0);
    craft_file_entry(&r->c, 1, 5, root, "bob", "name");
    craft_end(&r->c);
    const size_t whole = r->c.len;
    for (size_t len = 0; len < whole; len++) {
        r->c.len = len;
        expect(r, len == 0 ? PS_DROP_EMPTY : PS_DROP_TRUNCATED);
    }
    r->c.len = whole;
    (void)rig_deliver(r);
    assert_int_equal(rig_done(r, 1), PS_E_NONE);
    rig_free(r);
}

/* Sealed, cut off or flipped anywhere behind the counter: it is not what was sealed. */
static void changed_anywhere_it_is_not_genuine(void **state)
{
    (void)state;
    rig *r = rig_new_online();
    uint8_t sealed[PS_DATAGRAM_MAX];
    rig_packet_of(r, r->client_id, 60);
    craft_push(&r->c, 5, 1, "news");
    memcpy(sealed, r->c.data, r->c.len);
    const size_t len = rig_seal(r, sealed, r->c.len);
    const uint64_t before = rig_drops_all(r);
    uint64_t seals = 0;
    for (size_t bit = 8 * 9; bit < 8 * len; bit++) {
        sealed[bit / 8] ^= (uint8_t)(1u << bit % 8);
        (void)rig_deliver_raw(r, &r->server, sealed, len);
        sealed[bit / 8] ^= (uint8_t)(1u << bit % 8);
        seals++;
    }
    for (size_t cut = PS_PACKET_HEADER + PS_MESSAGE_HEADER + PS_TAG_BYTES; cut < len; cut++) {
        (void)rig_deliver_raw(r, &r->server, sealed, cut);
        seals++;
    }
    assert_int_equal(rig_drops(r, PS_DROP_SEAL), seals);
    assert_int_equal(rig_drops_all(r), before + seals);
    assert_int_equal(r->sent_len, 0);
    (void)rig_deliver_raw(r, &r->server, sealed, len); /* The counter was not used up by them. */
    assert_int_equal(rig_last(r, PS_MSG_PUSH_OK)->request, 5);
    (void)rig_deliver_raw(r, &r->server, sealed, len);
    assert_int_equal(rig_drops(r, PS_DROP_REPLAY), 1);
    rig_free(r);
}

/* What the peer has sent itself comes back: its own keys do not open it. */
static void an_echo_is_not_genuine(void **state)
{
    (void)state;
    rig *r = rig_new_online();
    (void)rig_command(r, PS_INPUT_LIST_PEERS, 1, "");
    assert_int_equal(r->out.datagrams_len, 1);
    uint8_t echo[PS_DATAGRAM_MAX];
    const size_t len = r->out.datagrams[0].len;
    memcpy(echo, r->out.bytes, len);
    ps_store64(echo + 1, r->client_id);
    (void)rig_deliver_raw(r, &r->server, echo, len);
    assert_int_equal(rig_drops(r, PS_DROP_SEAL), 1);
    rig_free(r);
}

/* The same, with the message's length put right: now the body is what ends early. */
static void bodies_cut_off_anywhere_are_malformed(void **state)
{
    (void)state;
    static const uint8_t root[PS_ROOT_BYTES] = {1};
    rig *r = rig_new_online();
    (void)rig_command(r, PS_INPUT_LIST_FILES, 1, "");
    uint64_t counter = 60;
    for (size_t cut = 1; cut <= 8; cut++) {
        rig_packet_of(r, r->client_id, counter++);
        craft_page(&r->c, PS_MSG_FILES, rig_last(r, PS_MSG_LIST_FILES)->request, 0);
        craft_file_entry(&r->c, 1, 5, root, "bob", "name");
        craft_end(&r->c);
        const size_t body = r->c.len - r->c.message_at - PS_MESSAGE_HEADER;
        craft_length(&r->c, (unsigned)(body - cut));
        r->c.len -= cut;
        expect(r, PS_DROP_MALFORMED);
    }
    rig_free(r);
}

/* A refusal ends a first login: what stands behind it in its packet is nobody's. */
static void nothing_counts_behind_a_refusal(void **state)
{
    (void)state;
    rig *r = rig_new_default();
    (void)rig_login(r);
    rig_packet_of(r, r->client_id, 10);
    craft_error(&r->c, rig_last(r, PS_MSG_LOGIN)->request, PS_E_CREDENTIALS, 0, "");
    craft_push(&r->c, 1, 1, "");
    (void)rig_deliver(r);
    assert_int_equal(rig_events_of(r, PS_EVENT_REFUSED), 1);
    assert_int_equal(rig_count(r, PS_MSG_PUSH_OK), 0);
    assert_int_equal(rig_drops_all(r), 0);
    rig_free(r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_reason),
        cmocka_unit_test(what_servers_receive_is_misplaced),
        cmocka_unit_test(other_senders_are_not_heard),
        cmocka_unit_test(idle_knows_no_session),
        cmocka_unit_test(the_window_is_256),
        cmocka_unit_test(cut_off_anywhere_it_does_nothing),
        cmocka_unit_test(changed_anywhere_it_is_not_genuine),
        cmocka_unit_test(an_echo_is_not_genuine),
        cmocka_unit_test(bodies_cut_off_anywhere_are_malformed),
        cmocka_unit_test(nothing_counts_behind_a_refusal),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
