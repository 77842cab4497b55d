/* The generator that all chance comes from. */
#include "sim/sim_internal.h"

static uint64_t splitmix64(uint64_t *state)
{
    *state += UINT64_C(0x9e3779b97f4a7c15);
    return ps_sim_mix(*state);
}

static uint64_t rotate_left(uint64_t x, unsigned n)
{
    return (x << n) | (x >> (64u - n));
}

void ps_sim_rng_seed(ps_sim_rng *g, uint64_t seed)
{
    for (size_t i = 0; i < 4; i++) {
        g->s[i] = splitmix64(&seed);
    }
}

uint64_t ps_sim_rng_next(ps_sim_rng *g)
{
    uint64_t *s = g->s;
    const uint64_t result = rotate_left(s[1] * 5u, 7) * 9u;
    const uint64_t t = s[1] << 17;
    s[2] ^= s[0];
    s[3] ^= s[1];
    s[1] ^= s[2];
    s[0] ^= s[3];
    s[2] ^= t;
    s[3] = rotate_left(s[3], 45);
    return result;
}

uint64_t ps_sim_rng_below(ps_sim_rng *g, uint64_t bound)
{
    /* The lowest 2^64 mod bound numbers would make small results likelier: drawn again. */
    const uint64_t refuse = (UINT64_C(0) - bound) % bound;
    uint64_t x;
    do {
        x = ps_sim_rng_next(g);
    } while (x < refuse);
    return x % bound;
}

bool ps_sim_rng_chance(ps_sim_rng *g, uint32_t ppm)
{
    return ps_sim_rng_below(g, PS_SIM_PPM) < ppm;
}
