#include "unit.h"

#include "craft.h"
#include "exact.h"
#include "random.h"
#include "sweep.h"
#include "wire/messages.h"

#include <string.h>

static craft c;
static const uint8_t root[32] = {0xbb, 1, 2, 3};
static const uint8_t key[PS_KEY_BYTES] = {0x5e, 0xc4, 0xe7};
static const uint8_t ip4[4] = {192, 0, 2, 1};
static const uint8_t ip6[16] = {0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1};

static ps_span body(void)
{
    return (ps_span){c.data + 8, c.len - 8};
}

static bool decode_locate(ps_span bytes)
{
    ps_locate m;
    return ps_locate_decode(bytes, &m);
}

static bool encode_locate(ps_writer *w, const void *m)
{
    return ps_locate_encode(w, 42, m);
}

static void locate_is_what_the_tables_say(void **state)
{
    (void)state;
    craft_reset(&c);
    craft_locate(&c, 42, UINT64_C(0xfedcba9876543210), "report.pdf");
    ps_locate m;
    assert_true(ps_locate_decode(body(), &m));
    assert_true(m.cursor == UINT64_C(0xfedcba9876543210));
    assert_true(span_equal(m.name, span_of("report.pdf")));
    assert_int_equal(sweep_cuts(decode_locate, c.data + 8, c.len - 8), 0);
    uint8_t room[64];
    ps_writer w = {.base = room, .cap = sizeof room};
    assert_true(ps_locate_encode(&w, 42, &m));
    assert_int_equal(w.len, c.len);
    assert_memory_equal(room, c.data, c.len);
    assert_true(sweep_capacities(encode_locate, &m, c.len));
}

static void locate_names_something(void **state)
{
    (void)state;
    char name[256];
    memset(name, 'n', sizeof name);
    for (size_t len = 0; len <= 255; len++) {
        name[len] = '\0';
        craft_reset(&c);
        craft_locate(&c, 1, 0, name);
        name[len] = 'n';
        assert_int_equal(decode_locate(body()), len >= 1);
    }
}

static bool decode_sources(ps_span bytes)
{
    ps_page m;
    ps_source source;
    if (!ps_page_decode(PS_MSG_SOURCES, bytes, &m)) {
        return false;
    }
    unsigned count = 0;
    while (ps_page_next_source(&m, &source)) {
        assert_in_range(source.addrs_count, 0, PS_SOURCE_ADDRS);
        count++;
    }
    assert_int_equal(count, m.count);
    return true;
}

/* Two sources: one with both families, one that is not active and has none. */
static bool encode_sources(ps_writer *w, const void *unused)
{
    (void)unused;
    ps_source sources[2] = {
        {.content = {.length = 9}, .active = true, .user = span_of("alice"), .addrs_count = 2},
        {.content = {.length = 8}, .own = true, .user = span_of("bob")}};
    memcpy(sources[0].content.root, root, 32);
    memcpy(sources[1].content.root, root, 32);
    sources[0].addrs[0].kind = PS_ADDR_OBSERVED;
    sources[0].addrs[0].addr = (ps_addr){.family = PS_ADDR_V4, .port = 7001};
    memcpy(sources[0].addrs[0].addr.ip, ip4, 4);
    sources[0].addrs[1].kind = PS_ADDR_RELAY;
    sources[0].addrs[1].addr = (ps_addr){.family = PS_ADDR_V6, .port = 9};
    sources[0].key = (ps_span){key, sizeof key};
    sources[0].ticket = span_of("ticket");
    memcpy(sources[0].addrs[1].addr.ip, ip6, 16);
    ps_page_writer pw;
    const size_t before = w->len;
    bool all = ps_page_begin(w, &pw, PS_MSG_SOURCES, 42);
    for (unsigned i = 0; all && i < 2; i++) {
        const size_t len = w->len;
        all = ps_page_add_source(w, &pw, &sources[i]);
        assert_true(all || (w->len == len && !w->full && pw.count == i));
    }
    if (!all) {
        w->len = before;
        return false;
    }
    return ps_page_end(w, &pw, 77);
}

static void craft_sources(void)
{
    craft_reset(&c);
    craft_page(&c, PS_MSG_SOURCES, 42, 77);
    craft_source_entry(&c, 1, 9, root, "alice", 2);
    craft_candidate(&c, 1, 4, ip4, 7001);
    craft_candidate(&c, 4, 6, ip6, 9);
    craft_source_ticket(&c, key, "ticket", 6);
    craft_source_entry(&c, 2, 8, root, "bob", 0);
    craft_source_ticket(&c, NULL, NULL, 0);
    craft_end(&c);
}

static void sources_are_what_the_tables_say(void **state)
{
    (void)state;
    craft_sources();
    uint8_t room[256];
    ps_writer w = {.base = room, .cap = sizeof room};
    assert_true(encode_sources(&w, NULL));
    assert_int_equal(w.len, c.len);
    assert_memory_equal(room, c.data, c.len);
    assert_true(sweep_capacities(encode_sources, NULL, c.len));
    assert_int_equal(sweep_cuts(decode_sources, c.data + 8, c.len - 8), 0);
    ps_page m;
    ps_source s;
    assert_true(ps_page_decode(PS_MSG_SOURCES, body(), &m));
    assert_int_equal(m.next, 77);
    assert_true(ps_page_next_source(&m, &s));
    assert_true(s.active && !s.own && s.content.length == 9);
    assert_memory_equal(s.content.root, root, 32);
    assert_true(span_equal(s.user, span_of("alice")));
    assert_int_equal(s.addrs_count, 2);
    assert_int_equal(s.addrs[0].kind, PS_ADDR_OBSERVED);
    assert_int_equal(s.addrs[0].addr.port, 7001);
    assert_memory_equal(s.addrs[0].addr.ip, ip4, 4);
    assert_int_equal(s.addrs[1].kind, PS_ADDR_RELAY);
    assert_memory_equal(s.addrs[1].addr.ip, ip6, 16);
    assert_true(span_equal(s.ticket, span_of("ticket")));
    assert_true(span_equal(s.key, (ps_span){key, sizeof key}));
    assert_true(ps_page_next_source(&m, &s));
    assert_true(!s.active && s.own && s.addrs_count == 0);
    assert_true(s.ticket.len == 0 && s.key.len == 0);
    assert_false(ps_page_next_source(&m, &s));
}

/* A source with one address of these bytes. */
static bool candidate_is_taken(unsigned kind, const void *bytes, size_t len, ps_source *s)
{
    craft_reset(&c);
    craft_page(&c, PS_MSG_SOURCES, 1, 0);
    craft_source_entry(&c, 1, 1, root, "u", 1);
    craft_u8(&c, kind);
    craft_text_of(&c, bytes, len);
    craft_source_ticket(&c, NULL, NULL, 0);
    craft_end(&c);
    ps_page m;
    return ps_page_decode(PS_MSG_SOURCES, body(), &m) && ps_page_next_source(&m, s);
}

static void unknown_kinds_are_skipped(void **state)
{
    (void)state;
    ps_source s;
    for (unsigned kind = 0; kind < 256; kind++) {
        const bool known = kind >= 1 && kind <= 4;
        assert_int_equal(candidate_is_taken(kind, "\x99whatever", 9, &s), !known);
        assert_int_equal(candidate_is_taken(kind, "", 0, &s), !known);
        assert_true(known || s.addrs_count == 0);
    }
}

static void a_known_kind_is_one_address_exactly(void **state)
{
    (void)state;
    ps_source s;
    assert_true(candidate_is_taken(1, "\4\0\1abcd", 7, &s));
    assert_int_equal(s.addrs_count, 1);
    assert_int_equal(s.addrs[0].addr.port, 1);
    assert_false(candidate_is_taken(1, "\4\0\1abcd", 6, &s));
    assert_false(candidate_is_taken(1, "\4\0\1abcd", 8, &s));
    assert_false(candidate_is_taken(1, "\6\0\1abcd", 7, &s));
    assert_false(candidate_is_taken(1, "\0", 1, &s)); /* "none" is no candidate */
    assert_false(candidate_is_taken(1, "\5\0\1abcd", 7, &s));
}

static void addresses_beyond_the_fourth_are_skipped(void **state)
{
    (void)state;
    for (unsigned count = 0; count <= 40; count++) {
        craft_reset(&c);
        craft_page(&c, PS_MSG_SOURCES, 1, 0);
        craft_source_entry(&c, 1, 1, root, "u", count);
        for (unsigned i = 0; i < count; i++) {
            craft_candidate(&c, 2, 4, ip4, i);
        }
        craft_source_ticket(&c, NULL, NULL, 0);
        craft_end(&c);
        ps_page m;
        ps_source s;
        assert_true(ps_page_decode(PS_MSG_SOURCES, body(), &m));
        assert_true(ps_page_next_source(&m, &s));
        assert_int_equal(s.addrs_count, count < 4 ? count : 4);
        for (unsigned i = 0; i < s.addrs_count; i++) {
            assert_int_equal(s.addrs[i].addr.port, i);
        }
        /* A count that lies. */
        c.data[8 + 9 + 41 + 2] = (uint8_t)(count + 1);
        assert_false(ps_page_decode(PS_MSG_SOURCES, body(), &m));
    }
}

/* Any length that a ticket can have, with a whole key before it. */
static void tickets_have_their_lengths(void **state)
{
    (void)state;
    uint8_t ticket[255];
    memset(ticket, 't', sizeof ticket);
    for (size_t len = 0; len <= 255; len++) {
        craft_reset(&c);
        craft_page(&c, PS_MSG_SOURCES, 1, 0);
        craft_source_entry(&c, 1, 1, root, "u", 0);
        craft_source_ticket(&c, key, ticket, len);
        craft_end(&c);
        ps_page m;
        ps_source s;
        assert_int_equal(decode_sources(body()), len <= PS_FILE_TICKET_MAX);
        assert_int_equal(sweep_cuts(decode_sources, c.data + 8, c.len - 8), 0);
        if (len == 0 || len > PS_FILE_TICKET_MAX) {
            continue;
        }
        assert_true(ps_page_decode(PS_MSG_SOURCES, body(), &m) && ps_page_next_source(&m, &s));
        assert_true(span_equal(s.ticket, (ps_span){ticket, len}));
        assert_true(span_equal(s.key, (ps_span){key, sizeof key}));
        /* A length that lies. */
        c.data[8 + 9 + 41 + 2 + 1] = (uint8_t)(len + 1);
        assert_false(decode_sources(body()));
    }
}

static void users_have_their_lengths(void **state)
{
    (void)state;
    char user[256];
    memset(user, 'u', sizeof user);
    for (size_t len = 0; len <= 255; len++) {
        user[len] = '\0';
        craft_reset(&c);
        craft_page(&c, PS_MSG_SOURCES, 1, 0);
        craft_source_entry(&c, 1, 1, root, user, 0);
        craft_source_ticket(&c, NULL, NULL, 0);
        craft_end(&c);
        user[len] = 'u';
        assert_int_equal(decode_sources(body()), len >= 1 && len <= PS_USER_MAX);
    }
}

static ps_source random_source(test_random *r, uint8_t user[PS_USER_MAX],
                               uint8_t pass[PS_KEY_BYTES + PS_FILE_TICKET_MAX])
{
    ps_source s = {.content = {.length = test_random_u64(r)},
                   .active = test_random_chance(r, 50),
                   .own = test_random_chance(r, 50),
                   .user = {user, (size_t)test_random_range(r, 1, PS_USER_MAX)},
                   .addrs_count = (uint8_t)test_random_below(r, PS_SOURCE_ADDRS + 1)};
    test_random_bytes(r, s.content.root, 32);
    test_random_bytes(r, user, s.user.len);
    for (unsigned i = 0; i < s.addrs_count; i++) {
        ps_addr *a = &s.addrs[i].addr;
        s.addrs[i].kind = (uint8_t)test_random_range(r, 1, 4);
        a->family = test_random_chance(r, 50) ? PS_ADDR_V4 : PS_ADDR_V6;
        a->port = (uint16_t)test_random_u64(r);
        test_random_bytes(r, a->ip, a->family == PS_ADDR_V4 ? 4 : 16);
    }
    if (test_random_chance(r, 70)) {
        test_random_bytes(r, pass, PS_KEY_BYTES + PS_FILE_TICKET_MAX);
        s.key = (ps_span){pass, PS_KEY_BYTES};
        s.ticket =
            (ps_span){pass + PS_KEY_BYTES, (size_t)test_random_range(r, 1, PS_FILE_TICKET_MAX)};
    }
    return s;
}

static void random_sources_come_back(void **state)
{
    (void)state;
    test_random r = test_random_of(8);
    for (int n = 0; n < 500; n++) {
        static uint8_t room[PS_DATAGRAM_MAX], users[64][PS_USER_MAX];
        static uint8_t passes[64][PS_KEY_BYTES + PS_FILE_TICKET_MAX];
        static ps_source sources[64];
        ps_writer w = {.base = room, .cap = (size_t)test_random_range(&r, 512, 1200)};
        ps_page_writer pw;
        size_t count = 0;
        assert_true(ps_page_begin(&w, &pw, PS_MSG_SOURCES, 1));
        for (; count < 64; count++) {
            sources[count] = random_source(&r, users[count], passes[count]);
            if (!ps_page_add_source(&w, &pw, &sources[count])) {
                break;
            }
        }
        assert_true(count >= 1); /* Even the largest fits. */
        assert_true(ps_page_end(&w, &pw, 0));
        ps_page m;
        ps_source got;
        assert_true(ps_page_decode(PS_MSG_SOURCES, (ps_span){room + 8, w.len - 8}, &m));
        assert_int_equal(m.count, count);
        for (size_t i = 0; i < count; i++) {
            const ps_source *want = &sources[i];
            assert_true(ps_page_next_source(&m, &got));
            assert_true(got.active == want->active && got.own == want->own);
            assert_true(ps_content_equal(&got.content, &want->content));
            assert_true(span_equal(got.user, want->user));
            assert_true(span_equal(got.ticket, want->ticket));
            assert_true(span_equal(got.key, want->key));
            assert_int_equal(got.addrs_count, want->addrs_count);
            for (unsigned a = 0; a < got.addrs_count; a++) {
                assert_int_equal(got.addrs[a].kind, want->addrs[a].kind);
                assert_true(ps_addr_equal(&got.addrs[a].addr, &want->addrs[a].addr));
            }
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(locate_is_what_the_tables_say),
        cmocka_unit_test(locate_names_something),
        cmocka_unit_test(sources_are_what_the_tables_say),
        cmocka_unit_test(unknown_kinds_are_skipped),
        cmocka_unit_test(a_known_kind_is_one_address_exactly),
        cmocka_unit_test(addresses_beyond_the_fourth_are_skipped),
        cmocka_unit_test(tickets_have_their_lengths),
        cmocka_unit_test(users_have_their_lengths),
        cmocka_unit_test(random_sources_come_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
