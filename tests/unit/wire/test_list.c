#include "unit.h"

#include "craft.h"
#include "exact.h"
#include "random.h"
#include "sweep.h"
#include "wire/messages.h"

#include <string.h>

static craft c;
static const uint8_t root[32] = {0xaa, 1, 2, 3};

static ps_span body(void)
{
    return (ps_span){c.data + 8, c.len - 8};
}

/* ---- requests ---- */

static bool decode_cursor(ps_span bytes)
{
    ps_list m;
    const bool peers = ps_list_decode(PS_MSG_LIST_PEERS, bytes, &m);
    assert_int_equal(ps_list_decode(PS_MSG_LIST_FILES, bytes, &m), peers);
    return peers;
}

static bool decode_search(ps_span bytes)
{
    ps_list m;
    return ps_list_decode(PS_MSG_SEARCH, bytes, &m);
}

typedef struct request {
    ps_message_type type;
    ps_list list;
} request;

static bool encode_request(ps_writer *w, const void *message)
{
    const request *q = message;
    return ps_list_encode(w, q->type, 42, &q->list);
}

static void assert_encodes(const request *q)
{
    uint8_t room[256];
    ps_writer w = {.base = room, .cap = sizeof room};
    assert_true(encode_request(&w, q));
    assert_int_equal(w.len, c.len);
    assert_memory_equal(room, c.data, c.len);
    assert_true(sweep_capacities(encode_request, q, c.len));
    ps_list got;
    assert_true(ps_list_decode(q->type, body(), &got));
    assert_true(got.cursor == q->list.cursor);
    assert_true(span_equal(got.text, q->list.text));
}

static void requests_are_what_the_tables_say(void **state)
{
    (void)state;
    request q = {.type = PS_MSG_LIST_PEERS, .list = {.cursor = UINT64_C(0xfedcba9876543210)}};
    craft_reset(&c);
    craft_list_peers(&c, 42, q.list.cursor);
    assert_encodes(&q);
    assert_int_equal(sweep_cuts(decode_cursor, c.data + 8, c.len - 8), 0);
    q.type = PS_MSG_LIST_FILES;
    craft_reset(&c);
    craft_list_files(&c, 42, q.list.cursor);
    assert_encodes(&q);
    q.type = PS_MSG_SEARCH;
    q.list.text = span_of("report");
    craft_reset(&c);
    craft_search(&c, 42, q.list.cursor, "report");
    assert_encodes(&q);
    assert_int_equal(sweep_cuts(decode_search, c.data + 8, c.len - 8), 0);
}

static void a_search_has_1_to_128_bytes(void **state)
{
    (void)state;
    char text[256];
    memset(text, 's', sizeof text);
    for (size_t len = 0; len <= 255; len++) {
        text[len] = '\0';
        craft_reset(&c);
        craft_search(&c, 1, 0, text);
        text[len] = 's';
        assert_int_equal(decode_search(body()), len >= 1 && len <= 128);
    }
}

/* ---- pages ---- */

static bool decode_peers(ps_span bytes)
{
    ps_page m;
    ps_span user;
    if (!ps_page_decode(PS_MSG_PEERS, bytes, &m)) {
        return false;
    }
    unsigned count = 0;
    while (ps_page_next_peer(&m, &user)) {
        assert_in_range(user.len, 1, PS_USER_MAX);
        count++;
    }
    assert_int_equal(count, m.count);
    return true;
}

static bool decode_files(ps_span bytes)
{
    ps_page m;
    ps_file file;
    if (!ps_page_decode(PS_MSG_FILES, bytes, &m)) {
        return false;
    }
    unsigned count = 0;
    while (ps_page_next_file(&m, &file)) {
        count++;
    }
    assert_int_equal(count, m.count);
    return true;
}

/* A page of two peers or two files; all or nothing. */
static bool encode_page(ps_writer *w, const void *message)
{
    const ps_message_type type = *(const ps_message_type *)message;
    ps_page_writer pw;
    const size_t before = w->len;
    bool all = ps_page_begin(w, &pw, type, 42);
    assert_true(all || w->len == before);
    for (unsigned i = 0; all && i < 2; i++) {
        ps_file file = {.content = {.length = 5 + i},
                        .active = i == 0,
                        .own = i == 1,
                        .user = span_of(i == 0 ? "alice" : "b"),
                        .name = span_of(i == 0 ? "x" : "report.pdf")};
        memcpy(file.content.root, root, 32);
        const size_t len = w->len;
        all = type == PS_MSG_PEERS ? ps_page_add_peer(w, &pw, file.user)
                                   : ps_page_add_file(w, &pw, &file);
        assert_true(all || (w->len == len && !w->full && pw.count == i));
    }
    if (!all) {
        w->len = before;
        return false;
    }
    return ps_page_end(w, &pw, 77);
}

static void craft_two(ps_message_type type)
{
    craft_reset(&c);
    craft_page(&c, type, 42, 77);
    if (type == PS_MSG_PEERS) {
        craft_peer_entry(&c, "alice");
        craft_peer_entry(&c, "b");
    } else {
        craft_file_entry(&c, 1, 5, root, "alice", "x");
        craft_file_entry(&c, 2, 6, root, "b", "report.pdf");
    }
    craft_end(&c);
}

static void pages_are_what_the_tables_say(void **state)
{
    (void)state;
    const ps_message_type types[] = {PS_MSG_PEERS, PS_MSG_FILES};
    for (unsigned t = 0; t < 2; t++) {
        craft_two(types[t]);
        uint8_t room[256];
        ps_writer w = {.base = room, .cap = sizeof room};
        assert_true(encode_page(&w, &types[t]));
        assert_int_equal(w.len, c.len);
        assert_memory_equal(room, c.data, c.len);
        assert_true(sweep_capacities(encode_page, &types[t], c.len));
        assert_int_equal(sweep_cuts(t == 0 ? decode_peers : decode_files, c.data + 8, c.len - 8),
                         0);
    }
    ps_page m;
    ps_file file;
    assert_true(ps_page_decode(PS_MSG_FILES, body(), &m));
    assert_int_equal(m.next, 77);
    assert_int_equal(m.count, 2);
    assert_true(ps_page_next_file(&m, &file));
    assert_true(file.active && !file.own && file.content.length == 5);
    assert_memory_equal(file.content.root, root, 32);
    assert_true(span_equal(file.user, span_of("alice")) && span_equal(file.name, span_of("x")));
    assert_true(ps_page_next_file(&m, &file));
    assert_true(!file.active && file.own && file.content.length == 6);
    assert_false(ps_page_next_file(&m, &file));
    craft_two(PS_MSG_PEERS);
    ps_span user;
    assert_true(ps_page_decode(PS_MSG_PEERS, body(), &m));
    assert_true(ps_page_next_peer(&m, &user) && span_equal(user, span_of("alice")));
    assert_true(ps_page_next_peer(&m, &user) && span_equal(user, span_of("b")));
    assert_false(ps_page_next_peer(&m, &user));
}

static void an_empty_page_is_a_page(void **state)
{
    (void)state;
    uint8_t room[32];
    ps_writer w = {.base = room, .cap = sizeof room};
    ps_page_writer pw;
    assert_true(ps_page_begin(&w, &pw, PS_MSG_FILES, 1));
    assert_true(ps_page_end(&w, &pw, 5));
    ps_page m;
    ps_file file;
    assert_true(ps_page_decode(PS_MSG_FILES, (ps_span){room + 8, w.len - 8}, &m));
    assert_int_equal(m.next, 5);
    assert_false(ps_page_next_file(&m, &file));
}

static void counts_must_be_true_and_bounded(void **state)
{
    (void)state;
    for (unsigned entries = 0; entries <= 70; entries++) {
        for (unsigned count = 0; count < 256; count++) {
            craft_reset(&c);
            craft_page(&c, PS_MSG_PEERS, 1, 0);
            for (unsigned i = 0; i < entries; i++) {
                craft_peer_entry(&c, "u");
            }
            c.data[c.count_at] = (uint8_t)count;
            craft_end(&c);
            assert_int_equal(decode_peers(body()), count == entries && entries <= 64);
        }
    }
}

static void the_65th_entry_is_refused(void **state)
{
    (void)state;
    static uint8_t room[8192];
    const ps_file file = {.user = span_of("u"), .name = span_of("n")};
    const ps_source source = {.user = span_of("u")};
    for (unsigned kind = 0; kind < 3; kind++) {
        const ps_message_type types[] = {PS_MSG_PEERS, PS_MSG_FILES, PS_MSG_SOURCES};
        ps_writer w = {.base = room, .cap = sizeof room};
        ps_page_writer pw;
        assert_true(ps_page_begin(&w, &pw, types[kind], 1));
        for (unsigned i = 0; i <= 64; i++) {
            const size_t len = w.len;
            const bool added = kind == 0   ? ps_page_add_peer(&w, &pw, file.user)
                               : kind == 1 ? ps_page_add_file(&w, &pw, &file)
                                           : ps_page_add_source(&w, &pw, &source);
            assert_int_equal(added, i < 64);
            assert_true(added || (w.len == len && !w.full));
        }
        assert_true(ps_page_end(&w, &pw, 0));
        ps_page m;
        assert_true(ps_page_decode(types[kind], (ps_span){room + 8, w.len - 8}, &m));
        assert_int_equal(m.count, 64);
    }
}

static void three_of_the_largest_fit_a_datagram(void **state)
{
    (void)state;
    static uint8_t room[PS_DATAGRAM_MAX], bytes[PS_NAME_MAX];
    memset(bytes, 'n', sizeof bytes);
    const ps_file file = {.user = {bytes, PS_USER_MAX}, .name = {bytes, PS_NAME_MAX}};
    ps_writer w = {.base = room, .cap = PS_DATAGRAM_MAX};
    ps_page_writer pw;
    ps_packet_encode(&w, 1, 1);
    assert_true(ps_page_begin(&w, &pw, PS_MSG_FILES, 1));
    for (unsigned i = 0; i < 3; i++) {
        assert_true(ps_page_add_file(&w, &pw, &file));
    }
    assert_true(ps_page_end(&w, &pw, 1));
    /* And one fits the smallest datagram that a port may ask for. */
    w = (ps_writer){.base = room, .cap = PS_DATAGRAM_MIN};
    ps_packet_encode(&w, 1, 1);
    assert_true(ps_page_begin(&w, &pw, PS_MSG_FILES, 1));
    assert_true(ps_page_add_file(&w, &pw, &file));
    assert_true(ps_page_end(&w, &pw, 1));
}

static void texts_have_their_lengths(void **state)
{
    (void)state;
    char text[256];
    memset(text, 'u', sizeof text);
    for (size_t len = 0; len <= 255; len++) {
        text[len] = '\0';
        craft_reset(&c);
        craft_page(&c, PS_MSG_PEERS, 1, 0);
        craft_peer_entry(&c, text);
        craft_end(&c);
        assert_int_equal(decode_peers(body()), len >= 1 && len <= PS_USER_MAX);
        craft_reset(&c);
        craft_page(&c, PS_MSG_FILES, 1, 0);
        craft_file_entry(&c, 0, 1, root, text, "n");
        craft_end(&c);
        assert_int_equal(decode_files(body()), len >= 1 && len <= PS_USER_MAX);
        craft_reset(&c);
        craft_page(&c, PS_MSG_FILES, 1, 0);
        craft_file_entry(&c, 0, 1, root, "u", text);
        craft_end(&c);
        assert_int_equal(decode_files(body()), len >= 1);
        text[len] = 'u';
    }
}

static void unknown_flags_are_ignored(void **state)
{
    (void)state;
    craft_reset(&c);
    craft_page(&c, PS_MSG_FILES, 1, 0);
    craft_file_entry(&c, 0xfd, 1, root, "u", "n");
    craft_end(&c);
    ps_page m;
    ps_file file;
    assert_true(ps_page_decode(PS_MSG_FILES, body(), &m));
    assert_true(ps_page_next_file(&m, &file));
    assert_true(file.active);
    assert_false(file.own);
}

/* A bad last entry spoils the page before the first is handed out. */
static void a_page_is_checked_as_a_whole(void **state)
{
    (void)state;
    craft_reset(&c);
    craft_page(&c, PS_MSG_FILES, 1, 0);
    craft_file_entry(&c, 0, 1, root, "alice", "good");
    craft_file_entry(&c, 0, 1, root, "", "bad");
    craft_end(&c);
    ps_page m;
    assert_false(ps_page_decode(PS_MSG_FILES, body(), &m));
}

static void random_pages_come_back(void **state)
{
    (void)state;
    test_random r = test_random_of(7);
    for (int n = 0; n < 500; n++) {
        static uint8_t room[PS_DATAGRAM_MAX], users[64][PS_USER_MAX], names[64][PS_NAME_MAX];
        ps_file files[64];
        ps_writer w = {.base = room, .cap = (size_t)test_random_range(&r, 512, 1200)};
        ps_page_writer pw;
        size_t count = 0;
        assert_true(ps_page_begin(&w, &pw, PS_MSG_FILES, 1));
        for (; count < 64; count++) {
            ps_file *f = &files[count];
            *f = (ps_file){.content = {.length = test_random_u64(&r)},
                           .active = test_random_chance(&r, 50),
                           .own = test_random_chance(&r, 50),
                           .user = {users[count], (size_t)test_random_range(&r, 1, 64)},
                           .name = {names[count], (size_t)test_random_range(&r, 1, 255)}};
            test_random_bytes(&r, f->content.root, 32);
            test_random_bytes(&r, users[count], f->user.len);
            test_random_bytes(&r, names[count], f->name.len);
            if (!ps_page_add_file(&w, &pw, f)) {
                break;
            }
        }
        const uint64_t next = test_random_u64(&r);
        assert_true(ps_page_end(&w, &pw, next));
        ps_page m;
        ps_file got;
        assert_true(ps_page_decode(PS_MSG_FILES, (ps_span){room + 8, w.len - 8}, &m));
        assert_true(m.next == next && m.count == count);
        for (size_t i = 0; i < count; i++) {
            assert_true(ps_page_next_file(&m, &got));
            assert_true(got.active == files[i].active && got.own == files[i].own);
            assert_true(ps_content_equal(&got.content, &files[i].content));
            assert_true(span_equal(got.user, files[i].user));
            assert_true(span_equal(got.name, files[i].name));
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(requests_are_what_the_tables_say),
        cmocka_unit_test(a_search_has_1_to_128_bytes),
        cmocka_unit_test(pages_are_what_the_tables_say),
        cmocka_unit_test(an_empty_page_is_a_page),
        cmocka_unit_test(counts_must_be_true_and_bounded),
        cmocka_unit_test(the_65th_entry_is_refused),
        cmocka_unit_test(three_of_the_largest_fit_a_datagram),
        cmocka_unit_test(texts_have_their_lengths),
        cmocka_unit_test(unknown_flags_are_ignored),
        cmocka_unit_test(a_page_is_checked_as_a_whole),
        cmocka_unit_test(random_pages_come_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
