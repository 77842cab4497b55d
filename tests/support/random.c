#include "random.h"

test_random test_random_of(uint64_t seed)
{
    return (test_random){.state = seed};
}

uint64_t test_random_u64(test_random *r)
{
    r->state += UINT64_C(0x9e3779b97f4a7c15);
    uint64_t z = r->state;
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

uint64_t test_random_below(test_random *r, uint64_t bound)
{
    return test_random_u64(r) % bound;
}

uint64_t test_random_range(test_random *r, uint64_t low, uint64_t high)
{
    const uint64_t values = high - low + 1;
    return values == 0 ? test_random_u64(r) : low + test_random_below(r, values);
}

bool test_random_chance(test_random *r, unsigned percent)
{
    return test_random_below(r, 100) < percent;
}

void test_random_bytes(test_random *r, void *to, size_t len)
{
    uint8_t *bytes = to;
    for (size_t i = 0; i < len; i++) {
        bytes[i] = (uint8_t)(test_random_u64(r) >> 56);
    }
}

void test_random_letters(test_random *r, void *to, size_t len)
{
    uint8_t *bytes = to;
    for (size_t i = 0; i < len; i++) {
        bytes[i] = (uint8_t)('a' + test_random_below(r, 26));
    }
}
