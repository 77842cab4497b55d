#include "unit.h"

#include "exact.h"
#include "random.h"
#include "util/name_store.h"
#include "util/timeouts.h"

#include <stdlib.h>
#include <string.h>

/* Blocks that a name of `len` bytes needs: 28 bytes stand in the record, 28 in each block. */
static uint32_t blocks_needed(size_t len)
{
    return len <= 28 ? 0 : (uint32_t)((len - 28 + 27) / 28);
}

static void fill_name(uint8_t *name, size_t len, uint8_t first)
{
    for (size_t i = 0; i < len; i++) {
        name[i] = (uint8_t)(first + i * 7);
    }
}

static void every_length_comes_back_as_it_was(void **state)
{
    (void)state;
    for (size_t len = 1; len <= PS_NAME_MAX; len++) {
        const uint32_t cap = blocks_needed(len);
        ps_name_block *blocks = malloc(cap > 0 ? cap * sizeof *blocks : 1);
        ps_name_pool pool;
        ps_name_pool_init(&pool, cap);
        uint8_t name[PS_NAME_MAX], scratch[PS_NAME_MAX];
        fill_name(name, len, 3);
        uint8_t *exact = exact_copy(name, len);
        ps_name_ref ref;
        assert_true(ps_name_put(&pool, blocks, &ref, (ps_span){exact, len}));
        assert_int_equal(pool.used, cap);
        ps_span got = ps_name_get(blocks, &ref, scratch);
        assert_true(span_equal(got, (ps_span){exact, len}));
        assert_true(ps_name_is(blocks, &ref, got));
        ps_name_drop(&pool, blocks, &ref);
        assert_int_equal(pool.used, 0);
        assert_int_equal(ref.len, 0);
        free(exact);
        free(blocks);
    }
}

static void any_other_name_is_another(void **state)
{
    (void)state;
    ps_name_block blocks[16];
    ps_name_pool pool;
    for (size_t len = 1; len <= PS_NAME_MAX; len += len < 90 ? 1 : 33) {
        ps_name_pool_init(&pool, 16);
        uint8_t name[PS_NAME_MAX + 1];
        fill_name(name, sizeof name, 0);
        ps_name_ref ref;
        assert_true(ps_name_put(&pool, blocks, &ref, (ps_span){name, len}));
        assert_false(ps_name_is(blocks, &ref, (ps_span){name, len - 1}));
        assert_false(ps_name_is(blocks, &ref, (ps_span){name, len + 1}));
        for (size_t i = 0; i < len; i++) {
            name[i] ^= 0x80;
            assert_false(ps_name_is(blocks, &ref, (ps_span){name, len}));
            name[i] ^= 0x80;
        }
        assert_true(ps_name_is(blocks, &ref, (ps_span){name, len}));
    }
}

static void a_full_pool_changes_nothing(void **state)
{
    (void)state;
    uint8_t name[PS_NAME_MAX];
    fill_name(name, sizeof name, 1);
    for (uint32_t cap = 0; cap < blocks_needed(PS_NAME_MAX); cap++) {
        ps_name_block *blocks = malloc(cap > 0 ? cap * sizeof *blocks : 1);
        ps_name_pool pool;
        ps_name_pool_init(&pool, cap);
        ps_name_ref ref, before;
        memset(&ref, 0x5a, sizeof ref);
        before = ref;
        const ps_name_pool pool_before = pool;
        const size_t most = 28 + cap * 28;
        assert_false(ps_name_put(&pool, blocks, &ref, (ps_span){name, most + 1}));
        assert_memory_equal(&ref, &before, sizeof ref);
        assert_memory_equal(&pool, &pool_before, sizeof pool);
        assert_true(ps_name_put(&pool, blocks, &ref, (ps_span){name, most}));
        assert_int_equal(pool.used, cap);
        /* What needs no block always fits. */
        ps_name_ref small;
        assert_true(ps_name_put(&pool, blocks, &small, (ps_span){name, 28}));
        free(blocks);
    }
}

static void blocks_never_used_are_never_touched(void **state)
{
    (void)state;
    ps_name_block blocks[8];
    memset(blocks, 0x77, sizeof blocks);
    ps_name_pool pool;
    ps_name_pool_init(&pool, 8);
    uint8_t name[56];
    fill_name(name, sizeof name, 1);
    ps_name_ref ref;
    for (int i = 0; i < 10; i++) { /* Returned blocks are taken again before fresh ones. */
        assert_true(ps_name_put(&pool, blocks, &ref, (ps_span){name, sizeof name}));
        ps_name_drop(&pool, blocks, &ref);
    }
    ps_name_block untouched;
    memset(&untouched, 0x77, sizeof untouched);
    for (unsigned i = 1; i < 8; i++) {
        assert_memory_equal(&blocks[i], &untouched, sizeof untouched);
    }
}

static void dropping_twice_does_nothing(void **state)
{
    (void)state;
    ps_name_block blocks[4];
    ps_name_pool pool;
    ps_name_pool_init(&pool, 4);
    uint8_t name[100];
    fill_name(name, sizeof name, 1);
    ps_name_ref ref;
    assert_true(ps_name_put(&pool, blocks, &ref, (ps_span){name, sizeof name}));
    ps_name_drop(&pool, blocks, &ref);
    const ps_name_pool before = pool;
    ps_name_drop(&pool, blocks, &ref);
    assert_memory_equal(&pool, &before, sizeof pool);
}

static void many_names_live_beside_each_other(void **state)
{
    (void)state;
    enum { NAMES = 40, BLOCKS = 120 };
    static ps_name_block blocks[BLOCKS];
    static struct {
        ps_name_ref ref;
        uint8_t bytes[PS_NAME_MAX];
        size_t len;
    } names[NAMES];
    test_random r = test_random_of(2);
    ps_name_pool pool;
    ps_name_pool_init(&pool, BLOCKS);
    bool refused = false;
    for (int step = 0; step < 20000; step++) {
        const size_t i = (size_t)test_random_below(&r, NAMES);
        if (names[i].len > 0) {
            uint8_t scratch[PS_NAME_MAX];
            const ps_span want = {names[i].bytes, names[i].len};
            assert_true(span_equal(ps_name_get(blocks, &names[i].ref, scratch), want));
            ps_name_drop(&pool, blocks, &names[i].ref);
            names[i].len = 0;
            continue;
        }
        const size_t len = (size_t)test_random_range(&r, 1, PS_NAME_MAX);
        test_random_bytes(&r, names[i].bytes, len);
        const bool fits = blocks_needed(len) <= pool.cap - pool.used;
        const ps_span name = {names[i].bytes, len};
        assert_int_equal(ps_name_put(&pool, blocks, &names[i].ref, name), fits);
        names[i].len = fits ? len : 0;
        refused = refused || !fits;
    }
    assert_true(refused);
    for (size_t i = 0; i < NAMES; i++) {
        if (names[i].len > 0) {
            ps_name_drop(&pool, blocks, &names[i].ref);
        }
    }
    assert_int_equal(pool.used, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_length_comes_back_as_it_was),
        cmocka_unit_test(any_other_name_is_another),
        cmocka_unit_test(a_full_pool_changes_nothing),
        cmocka_unit_test(blocks_never_used_are_never_touched),
        cmocka_unit_test(dropping_twice_does_nothing),
        cmocka_unit_test(many_names_live_beside_each_other),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
