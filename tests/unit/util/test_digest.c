/* Marks against values of another implementation (Python, from the formula in core/PROTOCOL.md),
 * and what sums of them must be. */
#include "unit.h"

#include "exact.h"
#include "random.h"
#include "util/digest.h"

#include <stdlib.h>
#include <string.h>

#define X16  "xxxxxxxxxxxxxxxx"
#define X255 X16 X16 X16 X16 X16 X16 X16 X16 X16 X16 X16 X16 X16 X16 X16 "xxxxxxxxxxxxxxx"

typedef enum roots { COUNTING, ZERO, FILLED, ONE } roots;

/* Devices: 00 01 .. 0f, and ff fe .. f0. */
static const struct {
    bool down;
    const char *name;
    uint64_t length;
    roots root;
    uint8_t bucket;
    uint64_t mark;
} vectors[] = {
    {false, "song.mp3", 1234567, COUNTING, 207, UINT64_C(0x20cc30b600a76d94)},
    {false, "song.mp3", 1234568, COUNTING, 207, UINT64_C(0xa3373ce48af64b0b)},
    {false, "empty", 0, ZERO, 45, UINT64_C(0xc5916dfe98e707c2)},
    {true, "song.mp3", 1234567, COUNTING, 159, UINT64_C(0x974b247b84e05b5c)},
    {false, "na\xc3\xafve", UINT64_C(1) << 50, FILLED, 132, UINT64_C(0x4a0cb5842dff7f5b)},
    {false, X255, 1, ONE, 78, UINT64_C(0x1d79b1f3ee9a6358)},
};

static ps_sipkey key_of(bool down)
{
    uint8_t device[PS_DEVICE_BYTES];
    for (unsigned i = 0; i < PS_DEVICE_BYTES; i++) {
        device[i] = (uint8_t)(down ? 0xff - i : i);
    }
    return ps_digest_key(device);
}

static ps_content content_of(uint64_t length, roots root)
{
    ps_content c = {.length = length};
    for (unsigned i = 0; i < PS_ROOT_BYTES; i++) {
        c.root[i] = (uint8_t)(root == COUNTING ? i : root == FILLED ? 0xaa : 0);
    }
    c.root[0] = root == ONE ? 1 : c.root[0];
    return c;
}

static void marks_are_those_of_the_formula(void **state)
{
    (void)state;
    assert_int_equal(strlen(X255), 255);
    for (size_t i = 0; i < sizeof vectors / sizeof vectors[0]; i++) {
        const ps_sipkey key = key_of(vectors[i].down);
        const ps_content content = content_of(vectors[i].length, vectors[i].root);
        const size_t len = strlen(vectors[i].name);
        uint8_t *name = exact_copy(vectors[i].name, len);
        const ps_mark m = ps_digest_mark(&key, (ps_span){name, len}, &content);
        assert_int_equal(m.bucket, vectors[i].bucket);
        assert_true(m.mark == vectors[i].mark);
        assert_int_equal(ps_digest_bucket(&key, (ps_span){name, len}), vectors[i].bucket);
        free(name);
    }
}

/* Every bit of what a publication is counts; the bucket is the name's alone. */
static void every_part_counts(void **state)
{
    (void)state;
    const ps_sipkey key = key_of(false);
    const ps_content content = content_of(1000, COUNTING);
    uint8_t name[4] = {'n', 'a', 'm', 'e'};
    const ps_mark m = ps_digest_mark(&key, (ps_span){name, 4}, &content);
    for (unsigned bit = 0; bit < 64 + 8 * PS_ROOT_BYTES; bit++) {
        ps_content other = content;
        if (bit < 64) {
            other.length ^= UINT64_C(1) << bit;
        } else {
            other.root[(bit - 64) / 8] ^= (uint8_t)(1u << bit % 8);
        }
        const ps_mark o = ps_digest_mark(&key, (ps_span){name, 4}, &other);
        assert_int_equal(o.bucket, m.bucket);
        assert_true(o.mark != m.mark);
    }
    for (unsigned bit = 0; bit < 32; bit++) {
        name[bit / 8] ^= (uint8_t)(1u << bit % 8);
        assert_true(ps_digest_mark(&key, (ps_span){name, 4}, &content).mark != m.mark);
        name[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
    for (unsigned bit = 0; bit < 128; bit++) {
        uint8_t device[PS_DEVICE_BYTES];
        for (unsigned i = 0; i < PS_DEVICE_BYTES; i++) {
            device[i] = (uint8_t)i;
        }
        device[bit / 8] ^= (uint8_t)(1u << bit % 8);
        const ps_sipkey other = ps_digest_key(device);
        assert_true(ps_digest_mark(&other, (ps_span){name, 4}, &content).mark != m.mark);
    }
}

/* Added in one order, taken in another, contents replaced in between: the sum is that of what is
 * left, and of nothing it is 0. */
static void sums_do_not_depend_on_the_order(void **state)
{
    (void)state;
    enum { COUNT = 300 };
    const ps_sipkey key = key_of(true);
    test_random r = test_random_of(31);
    uint64_t lengths[COUNT] = {0};
    uint64_t sum = 0;
    for (int n = 0; n < 20000; n++) {
        const unsigned k = (unsigned)test_random_below(&r, COUNT);
        const uint64_t length = test_random_below(&r, 4); /* 0: gone. */
        uint8_t name[2] = {(uint8_t)(k >> 8), (uint8_t)k};
        for (int side = 0; side < 2; side++) {
            const uint64_t l = side == 0 ? lengths[k] : length;
            const ps_content content = content_of(l, ZERO);
            const uint64_t mark = ps_digest_mark(&key, (ps_span){name, 2}, &content).mark;
            sum += l == 0 ? 0 : side == 0 ? 0 - mark : mark;
        }
        lengths[k] = length;
    }
    uint64_t fresh = 0;
    for (unsigned k = COUNT; k-- > 0;) {
        uint8_t name[2] = {(uint8_t)(k >> 8), (uint8_t)k};
        const ps_content content = content_of(lengths[k], ZERO);
        fresh += lengths[k] == 0 ? 0 : ps_digest_mark(&key, (ps_span){name, 2}, &content).mark;
    }
    assert_true(sum == fresh);
    for (unsigned k = 0; k < COUNT; k++) {
        uint8_t name[2] = {(uint8_t)(k >> 8), (uint8_t)k};
        const ps_content content = content_of(lengths[k], ZERO);
        sum -= lengths[k] == 0 ? 0 : ps_digest_mark(&key, (ps_span){name, 2}, &content).mark;
    }
    assert_true(sum == 0);
}

static void buckets_are_even(void **state)
{
    (void)state;
    const ps_sipkey key = key_of(false);
    unsigned counts[PS_BUCKETS] = {0};
    for (unsigned k = 0; k < 256 * 100; k++) {
        const uint8_t name[3] = {(uint8_t)(k >> 16), (uint8_t)(k >> 8), (uint8_t)k};
        counts[ps_digest_bucket(&key, (ps_span){name, 3})]++;
    }
    for (unsigned b = 0; b < PS_BUCKETS; b++) {
        assert_in_range(counts[b], 50, 150);
    }
}

static void sets_of_buckets(void **state)
{
    (void)state;
    for (unsigned b = 0; b < PS_BUCKETS; b++) {
        uint8_t set[PS_BUCKET_BYTES] = {0};
        ps_bucket_add(set, (uint8_t)b);
        ps_bucket_add(set, (uint8_t)b);
        assert_int_equal(set[b / 8], 1u << b % 8);
        for (unsigned other = 0; other < PS_BUCKETS; other++) {
            assert_int_equal(ps_bucket_in(set, (uint8_t)other), other == b);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(marks_are_those_of_the_formula),
        cmocka_unit_test(every_part_counts),
        cmocka_unit_test(sums_do_not_depend_on_the_order),
        cmocka_unit_test(buckets_are_even),
        cmocka_unit_test(sets_of_buckets),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
