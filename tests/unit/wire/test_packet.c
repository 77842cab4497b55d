#include "unit.h"

#include "craft.h"
#include "exact.h"
#include "wire/packet.h"

#include <stdlib.h>
#include <string.h>

static craft c;

/* Opens a copy of exactly `len` bytes of c. */
static bool decode(size_t len, ps_packet *packet, ps_drop *why)
{
    uint8_t *exact = exact_copy(c.data, len);
    const bool good = ps_packet_decode(exact, len, packet, why);
    if (good) { /* What the type has behind its header. */
        const size_t at = len - packet->body.len;
        assert_true(packet->body.data == exact + at);
        const size_t heads[] = {0, 10, 9, 9, 17, 17, 10};
        assert_int_equal(at, heads[packet->type]);
    }
    free(exact);
    return good;
}

static ps_drop reason(size_t len)
{
    ps_packet packet;
    ps_drop why = PS_DROP_COUNT;
    assert_false(decode(len, &packet, &why));
    return why;
}

static void opens_a_packet(void **state)
{
    (void)state;
    craft_packet(&c, UINT64_C(0x0102030405060708), UINT64_C(0xf1f2f3f4f5f6f7f8));
    craft_fill(&c, 0, 24);
    ps_packet packet;
    ps_drop why = PS_DROP_COUNT;
    assert_true(decode(c.len, &packet, &why));
    assert_true(packet.receiver_id == UINT64_C(0x0102030405060708));
    assert_true(packet.counter == UINT64_C(0xf1f2f3f4f5f6f7f8));
    assert_int_equal(packet.type, PS_PACKET_DATA);
    assert_int_equal(packet.version, 0);
    assert_int_equal(packet.body.len, 24);
}

static void names_the_reason_of_each_drop(void **state)
{
    (void)state;
    craft_packet(&c, 1, 2);
    craft_fill(&c, 0, 24);
    assert_int_equal(reason(0), PS_DROP_EMPTY);
    for (size_t len = 1; len < 17 + 8 + 16; len++) { /* A message's header and a tag. */
        assert_int_equal(reason(len), PS_DROP_TRUNCATED);
    }
    for (unsigned type = 0; type < 256; type++) {
        craft_packet_of(&c, type, 1, 2);
        if (type == 0 || type > 6) {
            assert_int_equal(reason(c.len), PS_DROP_TYPE);
            assert_int_equal(reason(1), PS_DROP_TYPE);
        } else {
            assert_int_equal(reason(1), PS_DROP_TRUNCATED);
        }
    }
}

/* 256 bytes of this version; of another one, what of it is the same in all. */
static void opens_an_initiate(void **state)
{
    (void)state;
    uint8_t message[1200], cookie[16];
    memset(message, 0xee, sizeof message);
    memset(cookie, 0xcc, sizeof cookie);
    for (unsigned version = 0; version < 3; version++) {
        for (size_t len = 1; len <= 1200; len++) {
            ps_packet packet;
            ps_drop why = PS_DROP_COUNT;
            craft_initiate(&c, version, UINT64_C(0x0102030405060708), cookie, message, 1200);
            const bool good = decode(len, &packet, &why);
            assert_int_equal(good, version == PS_VERSION ? len == 256 : len >= 256);
            if (good) {
                assert_int_equal(packet.type, PS_PACKET_INITIATE);
                assert_int_equal(packet.version, version);
                assert_true(packet.receiver_id == UINT64_C(0x0102030405060708));
                assert_int_equal(packet.counter, 0);
            } else {
                assert_int_equal(why, len < 256 ? PS_DROP_TRUNCATED : PS_DROP_MALFORMED);
            }
        }
    }
    assert_int_equal(reason(1201), PS_DROP_OVERSIZED);
}

static void opens_a_respond(void **state)
{
    (void)state;
    uint8_t message[300] = {0};
    for (size_t len = 0; len <= 300; len++) {
        ps_packet packet;
        ps_drop why = PS_DROP_COUNT;
        craft_respond(&c, 77, message, len);
        const bool good = decode(c.len, &packet, &why);
        assert_int_equal(good, len >= 104 && len <= 247); /* Never more than INITIATE had. */
        if (good) {
            assert_int_equal(packet.type, PS_PACKET_RESPOND);
            assert_int_equal(packet.receiver_id, 77);
        } else {
            assert_int_equal(why, len < 104 ? PS_DROP_TRUNCATED : PS_DROP_MALFORMED);
        }
    }
}

static void opens_a_retry(void **state)
{
    (void)state;
    uint8_t cookie[16], key[32];
    memset(cookie, 0xcc, sizeof cookie);
    memset(key, 0x77, sizeof key);
    ps_packet packet;
    ps_drop why = PS_DROP_COUNT;
    craft_retry(&c, 77, cookie, key);
    assert_true(decode(c.len, &packet, &why));
    assert_int_equal(packet.type, PS_PACKET_RETRY);
    assert_int_equal(packet.receiver_id, 77);
    assert_int_equal(packet.body.len, 16 + 32); /* Cookie and key. */
    for (size_t len = 1; len < c.len; len++) {
        assert_int_equal(reason(len), PS_DROP_TRUNCATED);
    }
    craft_u8(&c, 1);
    assert_int_equal(reason(c.len), PS_DROP_MALFORMED);
}

static void opens_versions(void **state)
{
    (void)state;
    uint8_t versions[20] = {3, 4};
    for (size_t count = 0; count <= 20; count++) {
        ps_packet packet;
        ps_drop why = PS_DROP_COUNT;
        craft_versions(&c, 77, versions, count);
        const bool good = decode(c.len, &packet, &why);
        assert_int_equal(good, count >= 1 && count <= PS_VERSIONS_MAX);
        if (good) {
            assert_int_equal(packet.type, PS_PACKET_VERSIONS);
            assert_int_equal(packet.body.len, count);
            c.data[9]++; /* Another count than there are. */
            assert_int_equal(reason(c.len), PS_DROP_MALFORMED);
        }
    }
}

/* Into room of exactly `cap` bytes; the packet that was crafted in c, or nothing at all. */
static void require_crafted(const ps_writer *w, size_t needed)
{
    assert_int_equal(w->full, w->cap < needed);
    assert_int_equal(w->len, w->full ? 0 : needed);
    if (!w->full) {
        assert_int_equal(c.len, needed);
        assert_memory_equal(w->base, c.data, needed);
    }
}

static void writes_what_begins_a_handshake(void **state)
{
    (void)state;
    uint8_t message[230], cookie[16], key[32];
    memset(message, 0xee, sizeof message);
    memset(cookie, 0xcc, sizeof cookie);
    memset(key, 0x77, sizeof key);
    for (size_t cap = 0; cap <= 300; cap++) {
        uint8_t *room = malloc(cap > 0 ? cap : 1);
        assert_non_null(room);
        for (int with = 0; with < 2; with++) {
            ps_writer w = {.base = room, .cap = cap};
            uint8_t *at = ps_initiate_encode(&w, 77, with != 0 ? cookie : NULL);
            assert_true(at == (cap < 256 ? NULL : room + 26));
            if (at != NULL) {
                memcpy(at, message, 230);
            }
            craft_initiate(&c, 1, 77, with != 0 ? cookie : NULL, message, 230);
            require_crafted(&w, 256);
        }
        ps_writer w = {.base = room, .cap = cap};
        uint8_t *at = ps_respond_encode(&w, 78);
        assert_true(at == (cap < 113 ? NULL : room + 9));
        if (at != NULL) {
            memcpy(at, message, 104);
        }
        craft_respond(&c, 78, message, 104);
        require_crafted(&w, 113);
        w = (ps_writer){.base = room, .cap = cap};
        ps_retry_encode(&w, 79, cookie, key);
        craft_retry(&c, 79, cookie, key);
        require_crafted(&w, 57);
        w = (ps_writer){.base = room, .cap = cap};
        ps_versions_encode(&w, 80);
        craft_versions(&c, 80, (const uint8_t *)"\1", 1);
        require_crafted(&w, 11);
        free(room);
    }
}

static void the_prologue_binds_version_and_client(void **state)
{
    (void)state;
    uint8_t prologue[PS_PROLOGUE_BYTES];
    ps_prologue_encode(prologue, UINT64_C(0x0102030405060708));
    assert_memory_equal(prologue, "PeerSync\1\1\2\3\4\5\6\7\10", sizeof prologue);
}

static bool fits(const char *offer, size_t len, uint8_t version)
{
    uint8_t *exact = exact_copy(offer, len);
    const bool good = ps_offer_fits((ps_span){exact, len}, version);
    free(exact);
    return good;
}

static void an_offer_names_the_version_used(void **state)
{
    (void)state;
    uint8_t offer[198];
    memset(offer, 0xff, sizeof offer);
    ps_offer_encode(offer);
    const uint8_t zeros[196] = {0};
    assert_int_equal(offer[0], 1);
    assert_int_equal(offer[1], PS_VERSION);
    assert_memory_equal(offer + 2, zeros, sizeof zeros);
    assert_true(ps_offer_fits((ps_span){offer, sizeof offer}, PS_VERSION));
    assert_true(fits("\1\1", 2, 1));
    assert_true(fits("\3\11\1\7", 4, 1)); /* Newer ones that we do not know. */
    assert_false(fits("\2\11\7", 3, 1));  /* Not the one that is used. */
    assert_false(fits("\2\1\0", 3, 0));   /* A better one is known to both. */
    assert_false(fits("\0", 1, 1));
    assert_false(fits("", 0, 1));
    assert_false(fits("\2\1", 2, 1)); /* Cut off. */
    assert_true(fits("\20\1\2\3\4\5\6\7\10\11\12\13\14\15\16\17\20", 17, 1));
    assert_false(fits("\21\1\2\3\4\5\6\7\10\11\12\13\14\15\16\17\20\21", 18, 1));
}

/* A RESET is 17 bytes: what is shorter is cut, what is longer is none. */
static void a_reset_is_a_header_alone(void **state)
{
    (void)state;
    craft_reset_packet(&c, UINT64_C(0x0102030405060708), UINT64_C(0xf1f2f3f4f5f6f7f8));
    ps_packet packet;
    ps_drop why = PS_DROP_COUNT;
    assert_true(decode(c.len, &packet, &why));
    assert_int_equal(packet.type, PS_PACKET_RESET);
    assert_true(packet.receiver_id == UINT64_C(0x0102030405060708));
    assert_true(packet.counter == UINT64_C(0xf1f2f3f4f5f6f7f8));
    assert_int_equal(packet.body.len, 0);
    for (size_t len = 1; len < 17; len++) {
        assert_int_equal(reason(len), PS_DROP_TRUNCATED);
    }
    craft_logout(&c, 1);
    for (size_t len = 18; len <= c.len; len++) {
        assert_int_equal(reason(len), PS_DROP_MALFORMED);
    }
    craft_fill(&c, 0, 1201 - c.len);
    assert_int_equal(reason(1200), PS_DROP_MALFORMED);
    assert_int_equal(reason(1201), PS_DROP_OVERSIZED);
}

static void writes_a_reset(void **state)
{
    (void)state;
    for (size_t cap = 0; cap <= PS_PACKET_HEADER; cap++) {
        uint8_t *room = exact_copy("0123456789abcdefg", cap);
        ps_writer w = {.base = room, .cap = cap};
        ps_reset_encode(&w, UINT64_MAX - 1, 77);
        assert_int_equal(w.full, cap < PS_PACKET_HEADER);
        assert_int_equal(w.len, w.full ? 0 : PS_PACKET_HEADER);
        if (!w.full) {
            craft_reset_packet(&c, UINT64_MAX - 1, 77);
            assert_int_equal(c.len, cap);
            assert_memory_equal(room, c.data, cap);
        }
        free(room);
    }
}

static void takes_1200_bytes_and_no_more(void **state)
{
    (void)state;
    ps_packet packet;
    ps_drop why;
    craft_packet(&c, 1, 2);
    craft_fill(&c, 0, 1201 - c.len);
    assert_true(decode(1200, &packet, &why));
    assert_int_equal(packet.body.len, 1183);
    assert_int_equal(reason(1201), PS_DROP_OVERSIZED);
    craft_packet_of(&c, 99, 1, 2);
    craft_fill(&c, 0, 1201 - c.len);
    assert_int_equal(reason(1201), PS_DROP_OVERSIZED);
}

static void writes_the_header(void **state)
{
    (void)state;
    for (size_t cap = 0; cap <= PS_PACKET_HEADER; cap++) {
        uint8_t *room = exact_copy("0123456789abcdefg", cap);
        ps_writer w = {.base = room, .cap = cap};
        ps_packet_encode(&w, UINT64_MAX - 1, 77);
        assert_int_equal(w.full, cap < PS_PACKET_HEADER);
        assert_int_equal(w.len, w.full ? 0 : PS_PACKET_HEADER);
        if (!w.full) {
            craft_packet(&c, UINT64_MAX - 1, 77);
            assert_int_equal(c.len, cap);
            assert_memory_equal(room, c.data, cap);
        }
        free(room);
    }
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
        cmocka_unit_test(opens_a_packet),
        cmocka_unit_test(names_the_reason_of_each_drop),
        cmocka_unit_test(opens_an_initiate),
        cmocka_unit_test(opens_a_respond),
        cmocka_unit_test(opens_a_retry),
        cmocka_unit_test(opens_versions),
        cmocka_unit_test(writes_what_begins_a_handshake),
        cmocka_unit_test(the_prologue_binds_version_and_client),
        cmocka_unit_test(an_offer_names_the_version_used),
        cmocka_unit_test(a_reset_is_a_header_alone),
        cmocka_unit_test(writes_a_reset),
        cmocka_unit_test(takes_1200_bytes_and_no_more),
        cmocka_unit_test(writes_the_header),
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
