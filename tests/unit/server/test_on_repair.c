/* DIGESTS and LIST_NAMES: what the server lists for the asker's device, and for nobody else's. */
#include "fixture.h"

enum { NAMES = 150 }; /* Above and below the number from which digests are kept by bucket. */

static void name_of(unsigned k, char name[16])
{
    (void)snprintf(name, 16, "name-%u", k);
}

/* Alice publishes so many names; bob publishes the same with other contents. */
static fixture *listing(client *a, unsigned count, uint32_t search_names, uint16_t datagram_max)
{
    ps_server_config cfg;
    fixture_config(&cfg);
    cfg.search_names = search_names;
    fixture *f = fixture_new(&cfg);
    client b = client_make(f, "bob", 4002);
    *a = client_make(f, "alice", 4001);
    a->datagram_max = datagram_max;
    client_login(a);
    client_login(&b);
    for (unsigned k = 0; k < count; k++) {
        char name[16];
        name_of(k, name);
        assert_int_equal(client_publish(a, name, k + 1), PS_E_NONE);
        if (k < 20) {
            assert_int_equal(client_publish(&b, name, 1000 + k), PS_E_NONE);
        }
    }
    fixture_clear(f);
    return f;
}

static ps_mark mark_of(const client *c, unsigned k)
{
    char name[16];
    ps_content content = {.length = k + 1};
    const ps_sipkey key = ps_digest_key(c->device);
    name_of(k, name);
    memset(content.root, (int)((k + 1) & 0xff), sizeof content.root);
    return ps_digest_mark(&key, span(name), &content);
}

static void sum_up(const client *c, unsigned count, uint64_t sums[PS_BUCKETS])
{
    memset(sums, 0, PS_BUCKETS * sizeof *sums);
    for (unsigned k = 0; k < count; k++) {
        const ps_mark m = mark_of(c, k);
        sums[m.bucket] += m.mark;
    }
}

static ps_digests_ok ask_digests(client *c, unsigned first)
{
    uint8_t b[PS_DATAGRAM_MAX];
    ps_writer w = client_packet(c, b);
    const ps_digests m = {.first = (uint8_t)first};
    ps_digests_ok ok;
    assert_true(ps_digests_encode(&w, ++c->request, &m));
    fixture_clear(c->f);
    client_send(c, &w);
    assert_int_equal(client_answers(c), 1);
    const ps_message answer = client_answer(c, 0);
    assert_int_equal(answer.type, PS_MSG_DIGESTS_OK);
    assert_int_equal(answer.request, c->request);
    assert_true(ps_digests_ok_decode(answer.body, &ok));
    assert_true(c->f->out.datagrams[0].len <= c->datagram_max);
    return ok;
}

static void digests_are_told_in_pieces(void **state)
{
    (void)state;
    const unsigned counts[] = {0, 100, NAMES};
    const uint16_t limits[] = {PS_DATAGRAM_MIN, PS_DATAGRAM_MAX};
    for (size_t n = 0; n < 3; n++) {
        for (size_t l = 0; l < 2; l++) {
            client a;
            fixture *f = listing(&a, counts[n], 512, limits[l]);
            uint64_t sums[PS_BUCKETS];
            uint64_t whole = 0;
            sum_up(&a, counts[n], sums);
            unsigned pieces = 0;
            for (unsigned first = 0; first < PS_BUCKETS; pieces++) {
                ps_digests_ok ok = ask_digests(&a, first);
                assert_int_equal(ok.generation, counts[n]);
                assert_int_equal(ok.first, first);
                for (unsigned i = 0; i < ok.count; i++) {
                    const uint64_t digest = ps_digests_ok_next(&ok);
                    assert_true(digest == sums[first + i]);
                    whole += digest;
                }
                first += ok.count;
            }
            assert_int_equal(pieces, l == 0 ? 5 : 2);
            client_sync(&a);
            assert_true(a.digest == whole);
            assert_int_equal(ask_digests(&a, 255).count, 1);
            fixture_free(f);
        }
    }
}

static ps_page ask_names(client *c, uint64_t cursor, const uint8_t buckets[PS_BUCKET_BYTES])
{
    uint8_t b[PS_DATAGRAM_MAX];
    ps_writer w = client_packet(c, b);
    const ps_list_names m = {.cursor = cursor, .buckets = buckets};
    ps_page page;
    assert_true(ps_list_names_encode(&w, ++c->request, &m));
    fixture_clear(c->f);
    client_send(c, &w);
    assert_int_equal(client_answers(c), 1);
    const ps_message answer = client_answer(c, 0);
    assert_int_equal(answer.type, PS_MSG_NAMES);
    assert_int_equal(answer.request, c->request);
    assert_true(ps_page_decode(PS_MSG_NAMES, answer.body, &page));
    assert_true(c->f->out.datagrams[0].len <= c->datagram_max);
    return page;
}

static unsigned number_of(ps_span name)
{
    unsigned n = 0;
    assert_true(name.len > 5 && memcmp(name.data, "name-", 5) == 0);
    for (size_t i = 5; i < name.len; i++) {
        n = n * 10 + (unsigned)(name.data[i] - '0');
    }
    return n;
}

/* Counts how often each name comes on all pages. */
static unsigned list(client *c, const uint8_t buckets[PS_BUCKET_BYTES], unsigned seen[NAMES])
{
    unsigned pages = 0;
    uint64_t cursor = 0;
    memset(seen, 0, NAMES * sizeof *seen);
    do {
        ps_page page = ask_names(c, cursor, buckets);
        ps_span name;
        while (ps_page_next_name(&page, &name)) {
            const unsigned k = number_of(name);
            assert_in_range(k, 0, NAMES - 1);
            seen[k]++;
        }
        assert_false(page.entries.bad);
        cursor = page.next;
        assert_in_range(++pages, 1, 1000);
    } while (cursor != 0);
    return pages;
}

static void names_are_told_by_bucket_once_each(void **state)
{
    (void)state;
    const uint16_t limits[] = {PS_DATAGRAM_MIN, PS_DATAGRAM_MAX};
    for (size_t l = 0; l < 2; l++) {
        for (unsigned modulus = 1; modulus <= 16; modulus *= 4) {
            client a;
            fixture *f = listing(&a, NAMES, 512, limits[l]);
            uint8_t buckets[PS_BUCKET_BYTES] = {0};
            unsigned seen[NAMES];
            for (unsigned b = 0; b < PS_BUCKETS; b += modulus) {
                ps_bucket_add(buckets, (uint8_t)b);
            }
            const unsigned pages = list(&a, buckets, seen);
            for (unsigned k = 0; k < NAMES; k++) {
                assert_int_equal(seen[k], mark_of(&a, k).bucket % modulus == 0 ? 1 : 0);
            }
            assert_true(modulus > 1 || pages >= 3); /* 64 lines a page at most. */
            fixture_free(f);
        }
    }
}

/* A bounded number of publications is looked at for each page, which may be empty then. */
static void a_page_looks_at_some_publications_only(void **state)
{
    (void)state;
    client a;
    fixture *f = listing(&a, NAMES, 10, PS_DATAGRAM_MAX);
    uint8_t buckets[PS_BUCKET_BYTES] = {0};
    unsigned seen[NAMES];
    assert_int_equal(list(&a, buckets, seen), NAMES / 10);
    ps_bucket_add(buckets, mark_of(&a, 0).bucket); /* The oldest: on the last page. */
    ps_page page = ask_names(&a, 0, buckets);
    assert_int_not_equal(page.next, 0);
    (void)list(&a, buckets, seen);
    assert_int_equal(seen[0], 1);
    fixture_free(f);
}

static void a_cursor_without_its_publication_begins_again(void **state)
{
    (void)state;
    client a;
    fixture *f = listing(&a, NAMES, 512, PS_DATAGRAM_MAX);
    uint8_t all[PS_BUCKET_BYTES];
    memset(all, 0xff, sizeof all);
    ps_page first = ask_names(&a, 0, all);
    const uint64_t cursor = first.next;
    ps_span name, last = {NULL, 0};
    while (ps_page_next_name(&first, &name)) {
        last = name;
    }
    char text[16] = {0};
    memcpy(text, last.data, last.len);
    ps_page second = ask_names(&a, cursor, all);
    assert_true(ps_page_next_name(&second, &name));
    assert_int_equal(number_of(name), number_of(span(text)) - 1); /* Newest first. */
    client_unpublish(&a, text);
    const uint64_t strange[] = {cursor, UINT64_MAX, 2, 1};
    for (size_t k = 0; k < 4; k++) {
        second = ask_names(&a, strange[k], all);
        if (k == 3) { /* Serial 1 is alice's oldest: behind it there is nothing. */
            assert_int_equal(second.count, 0);
            assert_int_equal(second.next, 0);
            continue;
        } /* Serial 2 is bob's. */
        assert_true(ps_page_next_name(&second, &name));
        assert_int_equal(number_of(name), NAMES - 1);
    }
    fixture_free(f);
}

static void heartbeats_count_logs_that_differ(void **state)
{
    (void)state;
    client a;
    fixture *f = listing(&a, 3, 512, PS_DATAGRAM_MAX);
    client_sync(&a);
    uint64_t counted = fixture_stats(f).logs_differ;
    const struct {
        uint64_t generation, digest, counts;
    } beats[] = {{a.generation, a.digest, 0},
                 {a.generation, a.digest + 1, 1},
                 {a.generation - 1, 5, 0},
                 {0, 0, 0},
                 {a.generation, 0, 1}};
    for (size_t k = 0; k < 5; k++) {
        uint8_t b[PS_DATAGRAM_MAX];
        ps_writer w = client_packet(&a, b);
        const ps_heartbeat m = {.generation = beats[k].generation, .digest = beats[k].digest};
        assert_true(ps_heartbeat_encode(&w, ++a.request, &m));
        client_send(&a, &w);
        counted += beats[k].counts;
        assert_int_equal(fixture_stats(f).logs_differ, counted);
    }
    fixture_free(f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(digests_are_told_in_pieces),
        cmocka_unit_test(names_are_told_by_bucket_once_each),
        cmocka_unit_test(a_page_looks_at_some_publications_only),
        cmocka_unit_test(a_cursor_without_its_publication_begins_again),
        cmocka_unit_test(heartbeats_count_logs_that_differ),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
