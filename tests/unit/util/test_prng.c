#include "unit.h"

#include "exact.h"
#include "util/prng.h"

#include <string.h>

static ps_prng prng_of(uint8_t first, uint8_t label)
{
    uint8_t seed[32] = {first};
    ps_prng g;
    ps_prng_init(&g, seed, label);
    return g;
}

static void equal_seeds_draw_equal_numbers(void **state)
{
    (void)state;
    ps_prng a = prng_of(1, 2), b = prng_of(1, 2);
    for (int i = 0; i < 100; i++) {
        assert_true(ps_prng_u64(&a) == ps_prng_u64(&b));
    }
}

/* The numbers of a seed are part of every trace: a change of the generator must be seen. */
static void draws_the_numbers_it_always_drew(void **state)
{
    (void)state;
    uint8_t seed[32];
    for (unsigned i = 0; i < 32; i++) {
        seed[i] = (uint8_t)i;
    }
    ps_prng g;
    ps_prng_init(&g, seed, 7);
    assert_true(ps_prng_u64(&g) == UINT64_C(0x879a9f1528e83101));
    assert_true(ps_prng_u64(&g) == UINT64_C(0x5dae550ee62f4aa8));
}

static void labels_give_unrelated_keys(void **state)
{
    (void)state;
    const uint8_t seed[32] = {9};
    ps_sipkey keys[256];
    for (unsigned i = 0; i < 256; i++) {
        keys[i] = ps_key_derive(seed, (uint8_t)i);
        for (unsigned j = 0; j < i; j++) {
            assert_true(keys[i].k0 != keys[j].k0);
            assert_true(keys[i].k1 != keys[j].k1);
        }
        assert_true(keys[i].k0 != keys[i].k1);
    }
}

static void every_byte_of_the_seed_counts(void **state)
{
    (void)state;
    uint8_t seed[32] = {0};
    const ps_sipkey plain = ps_key_derive(seed, 1);
    for (unsigned i = 0; i < 32; i++) {
        seed[i] = 1;
        const ps_sipkey other = ps_key_derive(seed, 1);
        assert_true(other.k0 != plain.k0);
        assert_true(other.k1 != plain.k1);
        seed[i] = 0;
    }
}

static void entropy_changes_what_follows(void **state)
{
    (void)state;
    ps_prng plain = prng_of(1, 1), mixed = prng_of(1, 1), same = prng_of(1, 1),
            other = prng_of(1, 1);
    ps_prng_mix(&mixed, span_of("sixteen bytes..."));
    ps_prng_mix(&same, span_of("sixteen bytes..."));
    ps_prng_mix(&other, span_of("sixteen bytes..!"));
    uint64_t draw = ps_prng_u64(&mixed);
    assert_true(draw == ps_prng_u64(&same));
    assert_true(draw != ps_prng_u64(&other));
    for (int i = 0; i < 6; i++) {
        assert_true(draw != ps_prng_u64(&plain));
    }
}

static void the_state_still_counts_after_known_entropy(void **state)
{
    (void)state;
    ps_prng a = prng_of(1, 1), b = prng_of(2, 1);
    ps_prng_mix(&a, (ps_span){NULL, 0});
    ps_prng_mix(&b, (ps_span){NULL, 0});
    assert_true(ps_prng_u64(&a) != ps_prng_u64(&b));
}

static void below_stays_below_and_reaches_all(void **state)
{
    (void)state;
    ps_prng g = prng_of(3, 3);
    for (uint64_t bound = 1; bound <= 20; bound++) {
        uint32_t seen = 0;
        for (int i = 0; i < 2000; i++) {
            uint64_t v = ps_prng_below(&g, bound);
            assert_true(v < bound);
            seen |= UINT32_C(1) << v;
        }
        assert_int_equal(seen, (UINT32_C(1) << bound) - 1);
    }
}

static void below_takes_the_largest_bounds(void **state)
{
    (void)state;
    ps_prng g = prng_of(4, 3);
    const uint64_t bounds[] = {UINT64_MAX, UINT64_MAX - 1, UINT64_C(1) << 63,
                               (UINT64_C(1) << 63) + 1};
    for (size_t b = 0; b < sizeof bounds / sizeof bounds[0]; b++) {
        for (int i = 0; i < 1000; i++) {
            assert_true(ps_prng_below(&g, bounds[b]) < bounds[b]);
        }
    }
}

/* With a bound of two thirds of 2^64 a plain modulo would give small results twice as often. */
static void below_is_not_biased(void **state)
{
    (void)state;
    ps_prng g = prng_of(5, 3);
    const uint64_t bound = UINT64_MAX / 3 * 2;
    unsigned low = 0;
    for (int i = 0; i < 10000; i++) {
        low += ps_prng_below(&g, bound) < bound / 2;
    }
    assert_in_range(low, 4700, 5300);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(equal_seeds_draw_equal_numbers),
        cmocka_unit_test(draws_the_numbers_it_always_drew),
        cmocka_unit_test(labels_give_unrelated_keys),
        cmocka_unit_test(every_byte_of_the_seed_counts),
        cmocka_unit_test(entropy_changes_what_follows),
        cmocka_unit_test(the_state_still_counts_after_known_entropy),
        cmocka_unit_test(below_stays_below_and_reaches_all),
        cmocka_unit_test(below_takes_the_largest_bounds),
        cmocka_unit_test(below_is_not_biased),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
