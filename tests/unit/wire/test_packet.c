#include "unit.h"

#include "craft.h"
#include "exact.h"
#include "wire/packet.h"

#include <stdlib.h>
#include <string.h>

static craft c;

/* Opens a copy of exactly `len` bytes of c; the body is what lies behind `at`. */
static bool decode(size_t len, size_t at, ps_packet *packet, ps_drop *why)
{
    uint8_t *exact = exact_copy(c.data, len);
    const bool good = ps_packet_decode(exact, len, packet, why);
    assert_true(!good || (packet->body.data == exact + at && packet->body.len == len - at));
    free(exact);
    return good;
}

static ps_drop reason(size_t len)
{
    ps_packet packet;
    ps_drop why = PS_DROP_COUNT;
    assert_false(decode(len, 0, &packet, &why));
    return why;
}

/* c is a packet of `type` to `receiver_id`, its body at `at`; what is shorter is cut. */
static ps_packet opened(unsigned type, uint64_t receiver_id, size_t at)
{
    ps_packet packet;
    ps_drop why = PS_DROP_COUNT;
    assert_true(decode(c.len, at, &packet, &why));
    assert_int_equal(packet.type, type);
    assert_true(packet.receiver_id == receiver_id);
    return packet;
}

static void is_cut_below(size_t least)
{
    for (size_t len = 1; len < least; len++) {
        assert_int_equal(reason(len), PS_DROP_TRUNCATED);
    }
}

#define ID UINT64_C(0x0102030405060708)

static const uint8_t cookie[16] = {0xc0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 0x0c};
static uint8_t filler[PS_DATAGRAM_MAX];

static void opens_data(void **state)
{
    (void)state;
    craft_packet(&c, ID, UINT64_C(0xf1f2f3f4f5f6f7f8));
    craft_logout(&c, 1);
    craft_fill(&c, 0x7a, 16);
    const ps_packet packet = opened(PS_PACKET_DATA, ID, 17);
    assert_true(packet.counter == UINT64_C(0xf1f2f3f4f5f6f7f8));
    is_cut_below(17 + 8 + 16); /* A header, the shortest message, a tag. */
}

static void opens_initiate(void **state)
{
    (void)state;
    craft_initiate(&c, 1, ID, cookie, filler, 230);
    assert_int_equal(c.len, 256);
    assert_int_equal(opened(PS_PACKET_INITIATE, ID, 10).version, 1);
    is_cut_below(256);
    craft_fill(&c, 0, 1);
    assert_int_equal(reason(c.len), PS_DROP_MALFORMED); /* Ours has one length, */
    craft_initiate(&c, 2, ID, NULL, filler, 1174);
    assert_int_equal(opened(PS_PACKET_INITIATE, ID, 10).version, 2); /* another's may be longer, */
    is_cut_below(256);
    craft_fill(&c, 0, 1);
    assert_int_equal(reason(c.len), PS_DROP_OVERSIZED); /* but never shorter than the answer. */
}

static void opens_respond(void **state)
{
    (void)state;
    craft_respond(&c, ID, filler, 104);
    (void)opened(PS_PACKET_RESPOND, ID, 9);
    is_cut_below(9 + 104);
    craft_respond(&c, ID, filler, 256 - 9); /* With fields, never longer than an INITIATE. */
    (void)opened(PS_PACKET_RESPOND, ID, 9);
    craft_fill(&c, 0, 1);
    assert_int_equal(reason(c.len), PS_DROP_MALFORMED);
}

static void opens_retry(void **state)
{
    (void)state;
    craft_retry(&c, ID, cookie, filler);
    (void)opened(PS_PACKET_RETRY, ID, 9);
    is_cut_below(57);
    craft_fill(&c, 0, 1);
    assert_int_equal(reason(c.len), PS_DROP_MALFORMED);
}

static void opens_versions(void **state)
{
    (void)state;
    static const uint8_t versions[17] = {2, 3, 4};
    craft_versions(&c, ID, versions, 3);
    (void)opened(PS_PACKET_VERSIONS, ID, 10);
    assert_int_equal(reason(12), PS_DROP_MALFORMED); /* The count says more, */
    craft_fill(&c, 5, 1);
    assert_int_equal(reason(14), PS_DROP_MALFORMED); /* or less. */
    craft_versions(&c, ID, versions, 0);
    assert_int_equal(reason(10), PS_DROP_TRUNCATED);
    craft_versions(&c, ID, versions, 16);
    (void)opened(PS_PACKET_VERSIONS, ID, 10);
    craft_versions(&c, ID, versions, 17);
    assert_int_equal(reason(c.len), PS_DROP_MALFORMED);
}

static void names_the_reason_of_each_drop(void **state)
{
    (void)state;
    craft_packet(&c, 1, 2);
    assert_int_equal(reason(0), PS_DROP_EMPTY);
    for (unsigned type = 0; type < 256; type++) {
        craft_packet_of(&c, type, 1, 2);
        if (type < 1 || type > 6) {
            assert_int_equal(reason(c.len), PS_DROP_TYPE);
            assert_int_equal(reason(1), PS_DROP_TYPE);
        }
    }
}

/* A RESET is 17 bytes: what is shorter is cut, what is longer is none. */
static void a_reset_is_a_header_alone(void **state)
{
    (void)state;
    craft_reset_packet(&c, ID, UINT64_C(0xf1f2f3f4f5f6f7f8));
    assert_true(opened(PS_PACKET_RESET, ID, 17).counter == UINT64_C(0xf1f2f3f4f5f6f7f8));
    is_cut_below(17);
    craft_logout(&c, 1);
    for (size_t len = 18; len <= c.len; len++) {
        assert_int_equal(reason(len), PS_DROP_MALFORMED);
    }
    craft_fill(&c, 0, 1201 - c.len);
    assert_int_equal(reason(1200), PS_DROP_MALFORMED);
    assert_int_equal(reason(1201), PS_DROP_OVERSIZED);
}

static void takes_1200_bytes_and_no_more(void **state)
{
    (void)state;
    craft_packet(&c, 1, 2);
    craft_fill(&c, 0, 1200 - c.len);
    (void)opened(PS_PACKET_DATA, 1, 17);
    craft_fill(&c, 0, 1);
    assert_int_equal(reason(1201), PS_DROP_OVERSIZED);
    craft_packet_of(&c, 99, 1, 2);
    craft_fill(&c, 0, 1201 - c.len);
    assert_int_equal(reason(1201), PS_DROP_OVERSIZED);
}

/* What `write` leaves in exactly enough room is c, and nothing with a byte less. */
static void writes_what_was_crafted(void (*write)(ps_writer *w))
{
    for (size_t cap = 0; cap <= c.len; cap++) {
        uint8_t *room = exact_copy(filler, cap);
        ps_writer w = {.base = room, .cap = cap};
        write(&w);
        assert_int_equal(w.full, cap < c.len);
        assert_int_equal(w.len, w.full ? 0 : c.len);
        if (!w.full) {
            assert_memory_equal(room, c.data, cap);
        }
        free(room);
    }
}

static void write_data(ps_writer *w)
{
    ps_packet_encode(w, UINT64_MAX - 1, 77);
}

static void write_reset(ps_writer *w)
{
    ps_reset_encode(w, UINT64_MAX - 1, 77);
}

static void write_initiate(ps_writer *w)
{
    uint8_t *message = ps_initiate_encode(w, ID, cookie);
    assert_true((message == NULL) == w->full);
    if (message != NULL) {
        assert_ptr_equal(message, w->base + 26);
        memset(message, 0x3e, 230);
    }
}

static void write_respond(ps_writer *w)
{
    uint8_t *message = ps_respond_encode(w, ID);
    assert_true((message == NULL) == w->full);
    if (message != NULL) {
        assert_ptr_equal(message, w->base + 9);
        memset(message, 0x3e, 104);
    }
}

static void write_retry(ps_writer *w)
{
    static const uint8_t key[32] = {1, 2, 3, [31] = 4};
    ps_retry_encode(w, ID, cookie, key);
}

static void write_versions(ps_writer *w)
{
    ps_versions_encode(w, ID);
}

static void writes_each_packet(void **state)
{
    (void)state;
    static const uint8_t key[32] = {1, 2, 3, [31] = 4};
    static const uint8_t versions[] = {1};
    uint8_t message[230];
    memset(message, 0x3e, sizeof message);
    craft_packet(&c, UINT64_MAX - 1, 77);
    writes_what_was_crafted(write_data);
    craft_reset_packet(&c, UINT64_MAX - 1, 77);
    writes_what_was_crafted(write_reset);
    craft_initiate(&c, 1, ID, cookie, message, 230);
    writes_what_was_crafted(write_initiate);
    craft_respond(&c, ID, message, 104);
    writes_what_was_crafted(write_respond);
    craft_retry(&c, ID, cookie, key);
    writes_what_was_crafted(write_retry);
    craft_versions(&c, ID, versions, 1);
    writes_what_was_crafted(write_versions);
}

static void an_initiate_without_a_cookie_has_zeros(void **state)
{
    (void)state;
    uint8_t room[256];
    ps_writer w = {.base = room, .cap = sizeof room};
    memset(room, 0xa5, sizeof room);
    memset(ps_initiate_encode(&w, ID, NULL), 0, 230);
    craft_initiate(&c, 1, ID, NULL, filler, 230);
    assert_memory_equal(room, c.data, sizeof room);
}

static void the_prologue_binds_name_version_and_client(void **state)
{
    (void)state;
    uint8_t prologue[17];
    ps_prologue_encode(prologue, ID);
    assert_memory_equal(prologue, "PeerSync\x01\x01\x02\x03\x04\x05\x06\x07\x08", 17);
}

/* An offer of these bytes, cut to `len`. */
static bool fits(const char *bytes, size_t len, uint8_t version)
{
    uint8_t *exact = exact_copy(bytes, len);
    const bool good = ps_offer_fits((ps_span){exact, len}, version);
    free(exact);
    return good;
}

static void an_offer_that_was_tampered_with_is_seen(void **state)
{
    (void)state;
    uint8_t offer[198];
    memset(offer, 0xa5, sizeof offer);
    ps_offer_encode(offer);
    assert_memory_equal(offer, "\x01\x01\x00", 3);
    for (size_t i = 2; i < sizeof offer; i++) {
        assert_int_equal(offer[i], 0);
    }
    assert_true(ps_offer_fits((ps_span){offer, sizeof offer}, 1));
    assert_true(fits("\x01\x01", 2, 1));
    assert_true(fits("\x03\x09\x01\x02\x00", 5, 1)); /* Better ones that nobody here knows. */
    assert_false(fits("\x01\x02", 2, 1));            /* What was chosen was not offered. */
    assert_false(fits("\x01\x01", 2, 2));
    assert_false(fits("\x02\x01\x00", 3, 0)); /* A better one is known: talked down. */
    assert_false(fits("\x00", 1, 1));
    assert_false(fits("", 0, 1));
    assert_false(fits("\x02\x01", 2, 1)); /* Cut. */
    assert_true(
        fits("\x10\x01\x02\x02\x02\x02\x02\x02\x02\x02\x02\x02\x02\x02\x02\x02\x02", 17, 1));
    assert_false(
        fits("\x11\x01\x02\x02\x02\x02\x02\x02\x02\x02\x02\x02\x02\x02\x02\x02\x02\x02", 18, 1));
}

/* The messages of c, from a copy of exactly `len` bytes; *bad as the reader ends. */
static size_t count_messages(size_t len, bool *bad)
{
    uint8_t *exact = exact_copy(c.data, len);
    ps_reader r = ps_reader_of((ps_span){exact, len});
    ps_message m;
    size_t count = 0, bodies = 0;
    while (ps_message_decode(&r, &m)) {
        count++;
        bodies += m.body.len;
        assert_int_equal(m.request, count);
        for (size_t i = 0; i < m.body.len; i++) {
            assert_int_equal(m.body.data[i], m.type);
        }
    }
    *bad = r.bad;
    assert_true(r.bad || bodies + 8 * count == len);
    ps_message again;
    assert_false(ps_message_decode(&r, &again)); /* The end is the end. */
    free(exact);
    return count;
}

static void walks_messages_and_sees_every_cut(void **state)
{
    (void)state;
    const unsigned lengths[] = {0, 1, 300, 0, 7};
    size_t ends[6] = {0};
    craft_reset(&c);
    for (unsigned i = 0; i < 5; i++) {
        craft_message(&c, i + 200, i + 1);
        craft_fill(&c, i + 200, lengths[i]);
        craft_end(&c);
        ends[i + 1] = c.len;
    }
    for (size_t len = 0; len <= c.len; len++) {
        bool bad, boundary = false;
        size_t whole = 0;
        for (unsigned i = 0; i <= 5; i++) {
            boundary = boundary || ends[i] == len;
            whole += i > 0 && ends[i] <= len;
        }
        assert_int_equal(count_messages(len, &bad), whole);
        assert_int_equal(bad, !boundary);
    }
}

static void ignores_the_flags(void **state)
{
    (void)state;
    craft_reset(&c);
    craft_logout(&c, 1);
    c.data[1] = 0xff;
    bool bad;
    assert_int_equal(count_messages(c.len, &bad), 1);
    assert_false(bad);
}

static void a_length_beyond_the_end_is_bad(void **state)
{
    (void)state;
    const unsigned lengths[] = {1, 2, 255, 256, 65535};
    for (unsigned i = 0; i < 5; i++) {
        craft_reset(&c);
        craft_logout(&c, 1);
        craft_length(&c, lengths[i]);
        bool bad;
        assert_int_equal(count_messages(c.len, &bad), 0);
        assert_true(bad);
    }
}

static void a_message_begun_and_ended_has_its_length(void **state)
{
    (void)state;
    uint8_t room[64];
    ps_writer w = {.base = room, .cap = sizeof room};
    const ps_message_mark mark = ps_message_begin(&w, PS_MSG_SEARCH, 9);
    ps_write64(&w, 5);
    assert_true(ps_message_end(&w, mark));
    craft_reset(&c);
    craft_list_files(&c, 9, 5);
    c.data[0] = PS_MSG_SEARCH;
    assert_int_equal(w.len, c.len);
    assert_memory_equal(room, c.data, c.len);
}

static void a_message_that_does_not_fit_is_rolled_back(void **state)
{
    (void)state;
    for (size_t cap = 0; cap < 16; cap++) {
        uint8_t *room = exact_copy("................", cap);
        ps_writer w = {.base = room, .cap = cap};
        const ps_message_mark mark = ps_message_begin(&w, PS_MSG_SEARCH, 9);
        ps_write64(&w, 5);
        assert_false(ps_message_end(&w, mark));
        assert_int_equal(w.len, 0);
        assert_false(w.full);
        free(room);
    }
}

static void a_writer_that_was_full_before_stays_full(void **state)
{
    (void)state;
    uint8_t room[64];
    ps_writer w = {.base = room, .cap = 16};
    ps_packet_encode(&w, 1, 1);
    assert_true(w.full);
    const ps_message_mark mark = ps_message_begin(&w, PS_MSG_LOGOUT, 1);
    assert_false(ps_message_end(&w, mark));
    assert_true(w.full);
    assert_int_equal(w.len, 0);
}

static void a_body_over_65535_bytes_is_refused(void **state)
{
    (void)state;
    static uint8_t room[70000];
    for (size_t body = 65534; body <= 65537; body++) {
        ps_writer w = {.base = room, .cap = sizeof room};
        const ps_message_mark mark = ps_message_begin(&w, PS_MSG_PUSH, 1);
        (void)ps_write(&w, body);
        assert_int_equal(ps_message_end(&w, mark), body <= 65535);
        assert_int_equal(w.len, body <= 65535 ? 8 + body : 0);
        assert_false(w.full);
    }
}

/* The numbers of the types are the protocol's. */
static void types_are_numbered_as_documented(void **state)
{
    (void)state;
    static const ps_message_type types[] = {
        PS_MSG_LOGIN,     PS_MSG_LOGIN_OK,     PS_MSG_HEARTBEAT,  PS_MSG_HEARTBEAT_OK,
        PS_MSG_PUBLISH,   PS_MSG_UNPUBLISH,    PS_MSG_PUBLISHED,  PS_MSG_LIST_PEERS,
        PS_MSG_PEERS,     PS_MSG_LIST_FILES,   PS_MSG_SEARCH,     PS_MSG_FILES,
        PS_MSG_LOCATE,    PS_MSG_SOURCES,      PS_MSG_LOGOUT,     PS_MSG_LOGOUT_OK,
        PS_MSG_CHALLENGE, PS_MSG_CHALLENGE_OK, PS_MSG_PUSH,       PS_MSG_PUSH_OK,
        PS_MSG_ERROR,     PS_MSG_DIGESTS,      PS_MSG_DIGESTS_OK, PS_MSG_LIST_NAMES,
        PS_MSG_NAMES};
    for (unsigned i = 0; i < sizeof types / sizeof types[0]; i++) {
        assert_int_equal(types[i], i + 1);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(opens_data),
        cmocka_unit_test(opens_initiate),
        cmocka_unit_test(opens_respond),
        cmocka_unit_test(opens_retry),
        cmocka_unit_test(opens_versions),
        cmocka_unit_test(names_the_reason_of_each_drop),
        cmocka_unit_test(a_reset_is_a_header_alone),
        cmocka_unit_test(takes_1200_bytes_and_no_more),
        cmocka_unit_test(writes_each_packet),
        cmocka_unit_test(an_initiate_without_a_cookie_has_zeros),
        cmocka_unit_test(the_prologue_binds_name_version_and_client),
        cmocka_unit_test(an_offer_that_was_tampered_with_is_seen),
        cmocka_unit_test(walks_messages_and_sees_every_cut),
        cmocka_unit_test(ignores_the_flags),
        cmocka_unit_test(a_length_beyond_the_end_is_bad),
        cmocka_unit_test(a_message_begun_and_ended_has_its_length),
        cmocka_unit_test(a_message_that_does_not_fit_is_rolled_back),
        cmocka_unit_test(a_writer_that_was_full_before_stays_full),
        cmocka_unit_test(a_body_over_65535_bytes_is_refused),
        cmocka_unit_test(types_are_numbered_as_documented),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
