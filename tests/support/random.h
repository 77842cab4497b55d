/* Numbers for tests from a seed: the same on every machine (splitmix64). */
#ifndef PS_TESTS_RANDOM_H
#define PS_TESTS_RANDOM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct test_random {
    uint64_t state;
} test_random;

test_random test_random_of(uint64_t seed);
uint64_t test_random_u64(test_random *r);
/* In [0, bound), bound >= 1; near enough to uniform for tests. */
uint64_t test_random_below(test_random *r, uint64_t bound);
/* In [low, high]. */
uint64_t test_random_range(test_random *r, uint64_t low, uint64_t high);
bool test_random_chance(test_random *r, unsigned percent);
void test_random_bytes(test_random *r, void *to, size_t len);
/* Bytes of [a-z], no terminator. */
void test_random_letters(test_random *r, void *to, size_t len);

#endif
