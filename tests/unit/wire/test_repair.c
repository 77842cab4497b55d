#include "unit.h"

#include "craft.h"
#include "exact.h"
#include "random.h"
#include "sweep.h"
#include "wire/messages.h"

#include <stdlib.h>
#include <string.h>

static craft c;

static ps_span body(void)
{
    return (ps_span){c.data + 8, c.len - 8};
}

static bool decode_digests(ps_span bytes)
{
    ps_digests m;
    return ps_digests_decode(bytes, &m);
}

static bool decode_digests_ok(ps_span bytes)
{
    ps_digests_ok m;
    if (!ps_digests_ok_decode(bytes, &m)) {
        return false;
    }
    for (unsigned i = 0; i < m.count; i++) {
        (void)ps_digests_ok_next(&m);
    }
    assert_int_equal(m.digests.left, 0);
    assert_false(m.digests.bad);
    return true;
}

static bool decode_list_names(ps_span bytes)
{
    ps_list_names m;
    return ps_list_names_decode(bytes, &m);
}

static bool decode_names(ps_span bytes)
{
    ps_page m;
    ps_span name;
    if (!ps_page_decode(PS_MSG_NAMES, bytes, &m)) {
        return false;
    }
    unsigned count = 0;
    while (ps_page_next_name(&m, &name)) {
        count++;
        assert_in_range(name.len, 1, PS_NAME_MAX);
    }
    assert_int_equal(count, m.count);
    return true;
}

static bool encode_digests(ps_writer *w, const void *m)
{
    return ps_digests_encode(w, 42, m);
}

static bool encode_list_names(ps_writer *w, const void *m)
{
    return ps_list_names_encode(w, 42, m);
}

/* c, but for a packet's header, is what the writer wrote. */
static void require_crafted(const ps_writer *w)
{
    assert_int_equal(w->len, c.len);
    assert_memory_equal(w->base, c.data, c.len);
}

static void digests_are_what_the_tables_say(void **state)
{
    (void)state;
    for (unsigned first = 0; first < 256; first++) {
        uint8_t room[64];
        const ps_digests m = {.first = (uint8_t)first};
        ps_digests got;
        craft_reset(&c);
        craft_digests(&c, 42, first);
        ps_writer w = {.base = room, .cap = sizeof room};
        assert_true(encode_digests(&w, &m));
        require_crafted(&w);
        assert_true(ps_digests_decode(body(), &got));
        assert_int_equal(got.first, first);
    }
    const ps_digests m = {.first = 3};
    assert_int_equal(sweep_cuts(decode_digests, c.data + 8, c.len - 8), 0);
    assert_true(sweep_capacities(encode_digests, &m, c.len));
}

static void list_names_is_what_the_tables_say(void **state)
{
    (void)state;
    uint8_t buckets[32], room[64];
    test_random r = test_random_of(51);
    test_random_bytes(&r, buckets, sizeof buckets);
    const ps_list_names m = {.cursor = UINT64_C(0x0102030405060708), .buckets = buckets};
    ps_list_names got;
    craft_reset(&c);
    craft_list_names(&c, 42, m.cursor, buckets);
    ps_writer w = {.base = room, .cap = sizeof room};
    assert_true(encode_list_names(&w, &m));
    require_crafted(&w);
    assert_true(ps_list_names_decode(body(), &got));
    assert_true(got.cursor == m.cursor);
    assert_memory_equal(got.buckets, buckets, sizeof buckets);
    assert_int_equal(sweep_cuts(decode_list_names, c.data + 8, c.len - 8), 0);
    assert_true(sweep_capacities(encode_list_names, &m, c.len));
}

/* As many digests as fit, from every bucket on and in every room. */
static void digests_ok_fills_the_datagram(void **state)
{
    (void)state;
    static uint64_t digests[PS_BUCKETS];
    test_random r = test_random_of(52);
    for (unsigned b = 0; b < PS_BUCKETS; b++) {
        digests[b] = test_random_u64(&r);
    }
    const unsigned firsts[] = {0, 1, 59, 111, 145, 197, 254, 255};
    for (size_t cap = 0; cap <= PS_DATAGRAM_MAX; cap++) {
        for (size_t f = 0; f < sizeof firsts / sizeof firsts[0]; f++) {
            const unsigned first = firsts[f];
            const size_t fixed = 17 + 8 + 11;
            size_t count = cap >= fixed ? (cap - fixed) / 8 : 0;
            count = count > PS_BUCKETS - first ? PS_BUCKETS - first : count;
            uint8_t *room = malloc(cap + 1);
            assert_non_null(room);
            ps_writer w = {.base = room, .cap = cap};
            ps_packet_encode(&w, 7, 8);
            assert_int_equal(ps_digests_ok_encode(&w, 42, 99, (uint8_t)first, digests), count > 0);
            if (count > 0) {
                craft_packet(&c, 7, 8);
                craft_digests_ok(&c, 42, 99, first, (unsigned)count, digests + first);
                require_crafted(&w);
                ps_digests_ok got;
                assert_true(ps_digests_ok_decode((ps_span){room + 25, w.len - 25}, &got));
                assert_int_equal(got.generation, 99);
                assert_int_equal(got.first, first);
                assert_int_equal(got.count, count);
                for (size_t i = 0; i < count; i++) {
                    assert_true(ps_digests_ok_next(&got) == digests[first + i]);
                }
            } else {
                assert_int_equal(w.len, cap < 17 ? 0 : 17);
            }
            free(room);
        }
    }
}

/* 59 to the smallest datagram, 145 to the largest: so PROTOCOL.md counts the questions. */
static void a_datagram_holds_so_many(void **state)
{
    (void)state;
    static const uint64_t digests[PS_BUCKETS];
    const struct {
        size_t cap;
        unsigned count;
    } limits[] = {{PS_DATAGRAM_MIN, 59}, {PS_DATAGRAM_MAX, 145}};
    for (size_t l = 0; l < 2; l++) {
        uint8_t room[PS_DATAGRAM_MAX];
        ps_digests_ok got;
        ps_writer w = {.base = room, .cap = limits[l].cap};
        ps_packet_encode(&w, 7, 8);
        assert_true(ps_digests_ok_encode(&w, 42, 99, 0, digests));
        assert_true(ps_digests_ok_decode((ps_span){room + 25, w.len - 25}, &got));
        assert_int_equal(got.count, limits[l].count);
    }
}

static void digests_ok_checks_its_numbers(void **state)
{
    (void)state;
    static const uint64_t digests[300];
    for (unsigned first = 0; first < 256; first += 5) {
        const unsigned counts[] = {0, 1, 255 - first, 256 - first, 257 - first, 300};
        for (size_t k = 0; k < 6; k++) {
            const unsigned count = counts[k];
            craft_reset(&c);
            craft_digests_ok(&c, 1, 2, first, count, digests);
            assert_int_equal(decode_digests_ok(body()), count >= 1 && count <= 256 - first);
            c.data[8 + 10]++; /* A count that is not that of what follows. */
            assert_false(decode_digests_ok(body()));
        }
    }
    for (unsigned count = 1; count <= 256; count += 85) {
        craft_reset(&c);
        craft_digests_ok(&c, 1, 2, 0, count, digests);
        assert_int_equal(sweep_cuts(decode_digests_ok, c.data + 8, c.len - 8), 0);
    }
}

/* NAMES up to the datagram's end, at both limits; names of every length. */
static void names_fill_the_datagram(void **state)
{
    (void)state;
    const size_t limits[] = {PS_DATAGRAM_MIN, PS_DATAGRAM_MAX};
    for (size_t l = 0; l < 2; l++) {
        for (size_t len = 1; len <= PS_NAME_MAX; len++) {
            char name[PS_NAME_MAX + 1];
            memset(name, 'n', len);
            name[len] = 0;
            uint8_t *room = malloc(limits[l]);
            assert_non_null(room);
            ps_writer w = {.base = room, .cap = limits[l]};
            ps_page_writer pw;
            ps_packet_encode(&w, 7, 8);
            assert_true(ps_page_begin(&w, &pw, PS_MSG_NAMES, 42));
            size_t count = 0;
            while (count < PS_PAGE_ENTRIES && ps_page_add_name(&w, &pw, span_of(name))) {
                count++;
            }
            assert_true(ps_page_end(&w, &pw, 5));
            const size_t fit = (limits[l] - 17 - 8 - 9) / (1 + len);
            assert_int_equal(count, fit > PS_PAGE_ENTRIES ? PS_PAGE_ENTRIES : fit);
            assert_true(count >= 1); /* The longest fits the smallest. */
            craft_packet(&c, 7, 8);
            craft_page(&c, 25, 42, 5);
            for (size_t k = 0; k < count; k++) {
                craft_name_entry(&c, name);
            }
            craft_end(&c);
            require_crafted(&w);
            assert_true(decode_names((ps_span){room + 25, w.len - 25}));
            free(room);
        }
    }
}

static void names_check_their_entries(void **state)
{
    (void)state;
    craft_reset(&c);
    craft_page(&c, 25, 1, 0);
    craft_name_entry(&c, "a");
    craft_name_entry(&c, "bb");
    craft_end(&c);
    assert_true(decode_names(body()));
    assert_int_equal(sweep_cuts(decode_names, c.data + 8, c.len - 8), 0);
    craft_name_entry(&c, ""); /* No name at all. */
    craft_end(&c);
    assert_false(decode_names(body()));
    for (unsigned count = 63; count <= 66; count++) {
        craft_reset(&c);
        craft_page(&c, 25, 1, 0);
        for (unsigned k = 0; k < count; k++) {
            craft_name_entry(&c, "x");
        }
        craft_end(&c);
        assert_int_equal(decode_names(body()), count <= 64);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(digests_are_what_the_tables_say),
        cmocka_unit_test(list_names_is_what_the_tables_say),
        cmocka_unit_test(digests_ok_fills_the_datagram),
        cmocka_unit_test(a_datagram_holds_so_many),
        cmocka_unit_test(digests_ok_checks_its_numbers),
        cmocka_unit_test(names_fill_the_datagram),
        cmocka_unit_test(names_check_their_entries),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
