#include "unit.h"

#include "exact.h"
#include "util/bytes.h"

#include <stdlib.h>

static const uint8_t digits[8] = {0xf1, 0x23, 0x45, 0x67, 0x89, 0xab, 0xcd, 0xef};

static void loads_and_stores_are_big_endian(void **state)
{
    (void)state;
    uint8_t out[8];
    assert_int_equal(ps_load16(digits), 0xf123);
    assert_true(ps_load32(digits) == UINT32_C(0xf1234567));
    assert_true(ps_load64(digits) == UINT64_C(0xf123456789abcdef));
    ps_store64(out, UINT64_C(0xf123456789abcdef));
    assert_memory_equal(out, digits, 8);
    ps_store32(out + 1, UINT32_C(0xf1234567));
    assert_memory_equal(out + 1, digits, 4);
    ps_store16(out + 3, 0xf123);
    assert_memory_equal(out + 3, digits, 2);
}

static void reads_in_order(void **state)
{
    (void)state;
    const uint8_t bytes[] = {1, 0, 2, 0, 0, 0, 3, 0, 0, 0, 0, 0, 0, 0, 4, 2, 'h', 'i', 9, 8};
    uint8_t *exact = exact_copy(bytes, sizeof bytes);
    ps_reader r = ps_reader_of((ps_span){exact, sizeof bytes});
    uint8_t two[2];
    assert_int_equal(ps_read8(&r), 1);
    assert_int_equal(ps_read16(&r), 2);
    assert_int_equal(ps_read32(&r), 3);
    assert_int_equal(ps_read64(&r), 4);
    assert_true(span_equal(ps_read_span8(&r), span_of("hi")));
    ps_read_copy(&r, two, 2);
    assert_int_equal(two[0], 9);
    assert_int_equal(two[1], 8);
    assert_int_equal(r.left, 0);
    assert_non_null(ps_read(&r, 0));
    assert_false(r.bad);
    free(exact);
}

/* Past the end: zeros, `bad`, and no further move. */
static void a_read_past_the_end_yields_zeros(void **state)
{
    (void)state;
    for (size_t len = 0; len < 8; len++) {
        uint8_t *exact = exact_copy(digits, len);
        const ps_span span = {exact, len};
        ps_reader r = ps_reader_of(span);
        assert_true(ps_read64(&r) == 0 && r.bad && r.left == len);
        r = ps_reader_of(span);
        assert_int_equal(ps_read32(&r) == 0, len < 4);
        assert_int_equal(r.bad, len < 4);
        r = ps_reader_of(span);
        assert_int_equal(ps_read16(&r) == 0, len < 2);
        assert_int_equal(r.bad, len < 2);
        r = ps_reader_of(span);
        assert_int_equal(ps_read8(&r) == 0, len < 1);
        r.bad = true;
        assert_int_equal(ps_read8(&r), 0);
        uint8_t copy[8] = {7, 7, 7, 7, 7, 7, 7, 7};
        const uint8_t zeros[8] = {0};
        ps_read_copy(&r, copy, 8);
        assert_memory_equal(copy, zeros, 8);
        free(exact);
    }
}

static void a_length_that_lies_is_bad(void **state)
{
    (void)state;
    const uint8_t bytes[] = {3, 'h', 'i'};
    ps_reader r = ps_reader_of((ps_span){bytes, sizeof bytes});
    assert_int_equal(ps_read_span8(&r).len, 0);
    assert_true(r.bad);
    r = ps_reader_of((ps_span){bytes, 0});
    assert_null(ps_read_span8(&r).data);
    assert_true(r.bad);
}

static void writes_at_every_capacity(void **state)
{
    (void)state;
    const size_t needed = 1 + 2 + 4 + 8 + 3 + 2;
    for (size_t cap = 0; cap <= needed; cap++) {
        uint8_t *room = exact_copy("..........................", cap);
        ps_writer w = {.base = room, .cap = cap};
        ps_write8(&w, 1);
        ps_write16(&w, 2);
        ps_write32(&w, 3);
        ps_write64(&w, 4);
        ps_write_span8(&w, span_of("hi"));
        ps_write_bytes(&w, digits, 2);
        assert_int_equal(w.full, cap < needed);
        assert_true(w.len <= cap);
        if (!w.full) {
            const uint8_t want[] = {1, 0, 2, 0, 0, 0, 3,   0,   0,    0,
                                    0, 0, 0, 0, 4, 2, 'h', 'i', 0xf1, 0x23};
            assert_int_equal(w.len, sizeof want);
            assert_memory_equal(room, want, sizeof want);
        } else {
            /* Full is full: what is small enough does not slip in behind. */
            const size_t len = w.len;
            ps_write8(&w, 9);
            ps_write_bytes(&w, NULL, 0);
            assert_int_equal(w.len, len);
        }
        free(room);
    }
}

static void writing_no_bytes_needs_no_source(void **state)
{
    (void)state;
    uint8_t room[1];
    ps_writer w = {.base = room, .cap = 1};
    ps_write_bytes(&w, NULL, 0);
    ps_write_span8(&w, (ps_span){NULL, 0});
    assert_false(w.full);
    assert_int_equal(w.len, 1);
    assert_int_equal(room[0], 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(loads_and_stores_are_big_endian),
        cmocka_unit_test(reads_in_order),
        cmocka_unit_test(a_read_past_the_end_yields_zeros),
        cmocka_unit_test(a_length_that_lies_is_bad),
        cmocka_unit_test(writes_at_every_capacity),
        cmocka_unit_test(writing_no_bytes_needs_no_source),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
