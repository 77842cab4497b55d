#include "unit.h"

#include "craft.h"
#include "exact.h"
#include "peersync/explain.h"
#include "random.h"

#include <stdlib.h>
#include <string.h>

static craft c;
static char text[4 * PS_EXPLAIN_BYTES];
static const uint8_t root[32] = {0xab, 0xcd, 0xef, 1, 2, 3, 4};
static const uint8_t ip[16] = {127, 0, 0, 1};

/* The messages of DATA lie open up to the end of c: a machine leaves the tag behind them. */
static size_t opened(void)
{
    return c.len > 17 ? c.len - 17 : 0;
}

/* Describes the crafted packet and a tag out of a block of its size. */
static const char *explained_of(size_t open)
{
    const size_t sealed = c.len + (c.len > 17 && c.data[0] == 4 ? 16 : 0);
    memset(c.data + c.len, 0x7a, 16);
    uint8_t *exact = exact_copy(c.data, sealed);
    const size_t len = ps_explain_packet(exact, sealed, open, text, sizeof text);
    free(exact);
    assert_int_equal(len, strlen(text));
    return text;
}

static const char *explained(void)
{
    return explained_of(opened());
}

static void begin(void)
{
    craft_packet(&c, UINT64_C(0x1f3a), 7);
}

#define expect(words) assert_string_equal(explained(), "to 0000000000001f3a counter 7: " words)

static void a_login_is_told_without_its_password(void **state)
{
    (void)state;
    craft_login_fields fields = craft_login_default("al\"ice\n", "password123");
    begin();
    craft_login(&c, 9, &fields);
    expect("LOGIN request 9 user \"al\\x22ice\\x0a\" secret of 11 bytes, method 1 device "
           "d1d1d1d1... stream port 7001 datagrams up to 1200");
    fields.ticket = "ticket";
    begin();
    craft_login(&c, 9, &fields);
    expect("LOGIN request 9 user \"al\\x22ice\\x0a\" secret of 11 bytes, method 1, beside it a "
           "ticket of 6 device d1d1d1d1... stream port 7001 datagrams up to 1200");
}

static void answers_to_a_login_are_told(void **state)
{
    (void)state;
    begin();
    const craft_login_ok_fields ok = {
        .generation = 12, .digest = 0xd1, .life = 1, .ticket = "ticket", .expires_s = 1};
    craft_login_ok_of(&c, 9, &ok);
    expect("LOGIN_OK request 9 generation 12 digest 00000000000000d1 you are 127.0.0.1:7001 "
           "heartbeat 2000 ms, dead 3000 ms, resend 80 ms, ticket of 6");
    begin();
    craft_error(&c, 9, 5, 250, "come later");
    expect("ERROR request 9 BUSY (5) retry after 250 ms \"come later\"");
    begin();
    craft_error(&c, 9, 999, 0, "");
    expect("ERROR request 9 UNKNOWN (999) \"\"");
}

/* A ticket is no secret that the line shows; an address may be unknown. */
static void logins_by_ticket_and_from_nowhere_are_told(void **state)
{
    (void)state;
    craft_login_fields fields = craft_login_default("alice", "ticket");
    fields.method = 2;
    craft_reset(&c);
    craft_login(&c, 9, &fields);
    assert_int_equal(ps_explain_blank_secrets(c.data, c.len), 0);
    begin();
    craft_message(&c, 2, 9);
    craft_u32(&c, 2000);
    craft_u32(&c, 3000);
    craft_u32(&c, 80);
    craft_fill(&c, 0, 8 + 8 + 8 + 8);
    craft_address(&c, 0, NULL, 0);
    craft_end(&c);
    expect("LOGIN_OK request 9 generation 0 digest 0000000000000000 you are none heartbeat 2000 "
           "ms, dead 3000 ms, resend 80 ms, ticket of 0");
}

/* Each message whose body is cut short or too long, and what holds no body with a byte. */
static void malformed_bodies_are_told(void **state)
{
    (void)state;
    for (unsigned type = 1; type <= 25; type++) {
        begin();
        craft_message(&c, type, 1);
        craft_fill(&c, 0xff, 2);
        craft_end(&c);
        const bool known = strstr(explained(), "unknown") == NULL;
        assert_int_equal(strstr(text, " malformed body of 2 bytes") != NULL, known);
    }
}

static void heartbeats_share_a_packet(void **state)
{
    (void)state;
    begin();
    craft_message(&c, 3, 1);
    craft_u64(&c, 12);
    craft_u64(&c, 0);
    craft_end(&c);
    craft_logout(&c, 2);
    craft_list_files(&c, 3, 44);
    craft_search(&c, 4, 0, "so\xc3\xa9ng");
    craft_locate(&c, 5, 6, "song.ogg");
    expect("HEARTBEAT request 1 generation 12 digest 0000000000000000; LOGOUT request 2; "
           "LIST_FILES request 3 cursor 44; SEARCH request 4 cursor 0 text \"so\\xc3\\xa9ng\"; "
           "LOCATE request 5 \"song.ogg\" cursor 6");
    begin();
    craft_message(&c, 4, 1);
    craft_u64(&c, 12);
    craft_u64(&c, 255);
    craft_u64(&c, 1700000000);
    craft_end(&c);
    expect("HEARTBEAT_OK request 1 generation 12 digest 00000000000000ff");
}

static void changes_are_told_entry_by_entry(void **state)
{
    (void)state;
    begin();
    craft_publish(&c, 1, 3);
    craft_publish_entry(&c, 10, root, "a");
    craft_publish_entry(&c, 0, root, "b");
    craft_end(&c);
    expect("PUBLISH request 1 generation 3 \"a\" (10 bytes, root abcdef010203...), \"b\" (0 "
           "bytes, root abcdef010203...)");
    begin();
    craft_unpublish(&c, 1, 3);
    for (unsigned i = 0; i < 64; i++) {
        craft_unpublish_entry(&c, "x");
    }
    craft_end(&c);
    expect("UNPUBLISH request 1 generation 3 \"x\", \"x\", \"x\", \"x\" and 60 more");
    begin();
    craft_published(&c, 1, 4);
    craft_refusal(&c, 1, 6);
    craft_end(&c);
    expect("PUBLISHED request 1 generation 4 refused: entry 1 QUOTA");
    begin();
    craft_published(&c, 1, 4);
    for (unsigned i = 1; i < 7; i++) {
        craft_refusal(&c, i, 6);
    }
    craft_end(&c);
    expect("PUBLISHED request 1 generation 4 refused: entry 1 QUOTA, entry 2 QUOTA, entry 3 QUOTA, "
           "entry 4 QUOTA and 2 more");
}

static void pages_are_told_entry_by_entry(void **state)
{
    (void)state;
    begin();
    craft_page(&c, 9, 1, 0);
    craft_peer_entry(&c, "bob");
    craft_end(&c);
    expect("PEERS request 1 next 0 entries 1: \"bob\"");
    begin();
    craft_page(&c, 9, 1, 0);
    for (unsigned i = 0; i < 6; i++) {
        craft_peer_entry(&c, "bob");
    }
    craft_end(&c);
    expect("PEERS request 1 next 0 entries 6: \"bob\", \"bob\", \"bob\", \"bob\" and 2 more");
    begin();
    craft_page(&c, 25, 1, 2);
    craft_peer_entry(&c, "song");
    craft_end(&c);
    expect("NAMES request 1 next 2 entries 1: \"song\"");
    begin();
    craft_page(&c, 12, 1, 5);
    craft_file_entry(&c, 1, 10, root, "bob", "song");
    craft_file_entry(&c, 2, 10, root, "eve", "tale");
    craft_end(&c);
    expect("FILES request 1 next 5 entries 2: \"song\" (10 bytes, root abcdef010203...) of \"bob\" "
           "active, \"tale\" (10 bytes, root abcdef010203...) of \"eve\" away own");
    begin();
    craft_page(&c, 14, 1, 0);
    craft_source_entry(&c, 1, 10, root, "bob", 1);
    craft_candidate(&c, 1, 6, ip, 80);
    craft_source_ticket(&c, root, "do not print this", 17);
    craft_end(&c);
    expect("SOURCES request 1 next 0 entries 1: (10 bytes, root abcdef010203...) of \"bob\" "
           "active at [7f00:0001:0000:0000:0000:0000:0000:0000]:80 ticket of 17");
    begin();
    craft_page(&c, 14, 1, 0);
    craft_source_entry(&c, 0, 10, root, "bob", 0);
    craft_source_ticket(&c, NULL, NULL, 0);
    craft_end(&c);
    expect("SOURCES request 1 next 0 entries 1: (10 bytes, root abcdef010203...) of \"bob\" away");
    begin();
    craft_list_peers(&c, 1, 5);
    craft_challenge_ok(&c, 2, 0xabc);
    expect("LIST_PEERS request 1 cursor 5; CHALLENGE_OK request 2 nonce 0000000000000abc");
}

static void repairs_and_the_rest_are_told(void **state)
{
    (void)state;
    begin();
    craft_message(&c, 22, 1);
    craft_u8(&c, 17);
    craft_end(&c);
    craft_message(&c, 23, 1);
    craft_u64(&c, 12);
    craft_u8(&c, 17);
    craft_u16(&c, 1);
    craft_u64(&c, 99);
    craft_end(&c);
    craft_challenge(&c, 2, 0xabc);
    craft_push(&c, 3, 1, "data");
    craft_push_ok(&c, 3);
    expect("DIGESTS request 1 from bucket 17; DIGESTS_OK request 1 generation 12 from bucket 17 "
           "count 1; CHALLENGE request 2 nonce 0000000000000abc; PUSH request 3 kind 1 data of 4 "
           "bytes; PUSH_OK request 3");
    begin();
    craft_message(&c, 24, 1);
    craft_u64(&c, 2);
    craft_fill(&c, 0xf0, 32);
    craft_end(&c);
    craft_message(&c, 200, 1);
    craft_u8(&c, 0);
    craft_end(&c);
    expect("LIST_NAMES request 1 cursor 2 buckets f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0"
           "f0f0f0f0f0f0f0f0; unknown type 200 of 1 bytes request 1");
}

static void what_is_sealed_is_told_by_its_header(void **state)
{
    (void)state;
    begin();
    craft_logout(&c, 1);
    assert_string_equal(explained_of(0), "to 0000000000001f3a counter 7: sealed, 8 bytes");
    /* No machine opens more than there is. */
    assert_string_equal(explained_of(8 + 17), "to 0000000000001f3a counter 7: sealed, 8 bytes");
}

static void handshakes_are_told(void **state)
{
    (void)state;
    static const uint8_t cookie[16] = {[15] = 1};
    static const uint8_t message[230] = {0xab, 0xcd, 0xef, 0x01};
    static const uint8_t versions[] = {2, 30};
    craft_initiate(&c, 1, 0x1f3a, NULL, message, sizeof message);
    assert_string_equal(explained(), "INITIATE from 0000000000001f3a version 1 key abcdef01...");
    craft_initiate(&c, 1, 0x1f3a, cookie, message, sizeof message);
    assert_string_equal(explained(),
                        "INITIATE from 0000000000001f3a version 1 key abcdef01... with a cookie");
    craft_respond(&c, 0x1f3a, message, 104);
    assert_string_equal(explained(), "RESPOND to 0000000000001f3a");
    craft_retry(&c, 0x1f3a, cookie, message);
    assert_string_equal(explained(), "RETRY to 0000000000001f3a");
    craft_versions(&c, 0x1f3a, versions, 2);
    assert_string_equal(explained(), "VERSIONS to 0000000000001f3a: 2, 30");
    craft_packet_of(&c, 5, 1, 2);
    assert_string_equal(explained(), "RESET to 0000000000000001 counter 2");
}

static void what_is_no_packet_is_told_why(void **state)
{
    (void)state;
    assert_int_equal(ps_explain_packet(NULL, 0, 0, text, sizeof text), 34);
    assert_string_equal(text, "no packet, 0 bytes: empty datagram");
    craft_reset(&c);
    craft_text(&c, "hello");
    assert_string_equal(explained(), "no packet, 6 bytes: ends inside a header or a message");
    craft_reset(&c);
    craft_u8(&c, 0x20);
    assert_string_equal(explained(), "no packet, 1 bytes: unknown packet type");
    begin();
    craft_logout(&c, 1);
    craft_u16(&c, 0x0300);
    expect("LOGOUT request 1; cut off, 2 bytes");
    begin();
    craft_message(&c, 3, 1);
    craft_u8(&c, 1);
    craft_end(&c);
    expect("HEARTBEAT request 1 malformed body of 1 bytes");
}

static void the_room_bounds_the_line(void **state)
{
    (void)state;
    begin();
    craft_locate(&c, 5, 6, "song.ogg");
    const size_t whole = strlen(explained());
    const size_t open = opened();
    craft_fill(&c, 0, 16);
    for (size_t cap = 0; cap <= whole + 1; cap++) {
        char *room = malloc(cap > 0 ? cap : 1);
        assert_non_null(room);
        const size_t len = ps_explain_packet(c.data, c.len, open, room, cap);
        if (cap > 0) {
            assert_int_equal(strlen(room), len);
            assert_true(len < cap);
            const size_t dots = cap - 1 < 3 ? cap - 1 : 3;
            assert_memory_equal(room + len - (len < whole ? dots : 0), len < whole ? "..." : "",
                                len < whole ? dots : 0);
            assert_memory_equal(room, text, len < whole ? len - dots : len);
        } else {
            assert_int_equal(len, 0);
        }
        assert_int_equal(len == whole, cap == whole + 1);
        free(room);
    }
}

/* Any bytes give a printable line, read no further than they go, and tell no secret. */
static void any_bytes_give_a_printable_line(void **state)
{
    (void)state;
    test_random r = test_random_of(7);
    const craft_login_fields fields = craft_login_default("alice", "~secret~");
    for (unsigned i = 0; i < 20000; i++) {
        begin();
        craft_login(&c, 9, &fields);
        craft_publish(&c, 1, 3);
        craft_publish_entry(&c, 10, root, "a");
        craft_end(&c);
        for (unsigned k = 0; k < i % 4; k++) {
            c.data[test_random_below(&r, c.len)] = (uint8_t)test_random_u64(&r);
        }
        c.len = (size_t)test_random_below(&r, c.len + 1);
        const char *p = explained_of(i % 3 == 0 ? (size_t)test_random_below(&r, 1300) : opened());
        for (; *p != '\0'; p++) {
            assert_true(*p >= 0x20 && *p < 0x7f);
        }
        if (i % 4 == 0) {
            assert_null(strstr(text, "~secret~"));
        }
    }
}

static bool holds(const uint8_t *data, size_t len, const char *what)
{
    const size_t n = strlen(what);
    for (size_t i = 0; i + n <= len; i++) {
        if (memcmp(data + i, what, n) == 0) {
            return true;
        }
    }
    return false;
}

static void secrets_are_blanked_wherever_a_login_stands(void **state)
{
    (void)state;
    const craft_login_fields fields = craft_login_default("alice", "password123");
    craft_reset(&c);
    craft_logout(&c, 1);
    craft_login(&c, 9, &fields);
    craft_login(&c, 9, &fields);
    const size_t len = c.len;
    assert_int_equal(ps_explain_blank_secrets(c.data, c.len), 22);
    assert_int_equal(c.len, len);
    assert_false(holds(c.data, c.len, "password123"));
    assert_true(holds(c.data, c.len, "\x0b***********"));
    assert_true(holds(c.data, c.len, "alice"));
    craft_reset(&c);
    craft_search(&c, 1, 0, "password123");
    assert_int_equal(ps_explain_blank_secrets(c.data, c.len), 0);
    assert_true(holds(c.data, c.len, "password123"));
    assert_int_equal(ps_explain_blank_secrets(NULL, 0), 0);
}

/* Of a packet that was cut anywhere, no byte of the secret is left. */
static void secrets_are_blanked_in_what_was_cut_off(void **state)
{
    (void)state;
    const craft_login_fields fields = craft_login_default("alice", "#########");
    craft_reset(&c);
    craft_login(&c, 9, &fields);
    for (size_t len = 0; len <= c.len; len++) {
        uint8_t *exact = exact_copy(c.data, len);
        (void)ps_explain_blank_secrets(exact, len);
        assert_false(holds(exact, len, "#"));
        free(exact);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_login_is_told_without_its_password),
        cmocka_unit_test(answers_to_a_login_are_told),
        cmocka_unit_test(logins_by_ticket_and_from_nowhere_are_told),
        cmocka_unit_test(malformed_bodies_are_told),
        cmocka_unit_test(heartbeats_share_a_packet),
        cmocka_unit_test(changes_are_told_entry_by_entry),
        cmocka_unit_test(pages_are_told_entry_by_entry),
        cmocka_unit_test(repairs_and_the_rest_are_told),
        cmocka_unit_test(what_is_sealed_is_told_by_its_header),
        cmocka_unit_test(handshakes_are_told),
        cmocka_unit_test(what_is_no_packet_is_told_why),
        cmocka_unit_test(the_room_bounds_the_line),
        cmocka_unit_test(any_bytes_give_a_printable_line),
        cmocka_unit_test(secrets_are_blanked_wherever_a_login_stands),
        cmocka_unit_test(secrets_are_blanked_in_what_was_cut_off),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
