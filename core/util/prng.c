#include "util/prng.h"

#include "util/assert.h"

/* Draws that a bounded number may cost; each misses with probability below 1/2, so that the modulo
 * after the last one is as good as never reached. */
#define DRAWS_MAX 64

static ps_sipkey key_of(const uint8_t bytes[16])
{
    ps_sipkey key = {0, 0};
    for (unsigned i = 0; i < 8; i++) {
        key.k0 |= (uint64_t)bytes[i] << (8u * i);
        key.k1 |= (uint64_t)bytes[8u + i] << (8u * i);
    }
    return key;
}

/* The sum of two functions under independent keys is unpredictable when one of them is: the whole
 * seed counts, wherever its randomness lies. */
ps_sipkey ps_key_derive(const uint8_t seed[32], uint8_t label)
{
    ps_sipkey low = key_of(seed);
    ps_sipkey high = key_of(seed + 16);
    uint64_t word = label * UINT64_C(2);
    return (ps_sipkey){
        .k0 = ps_siphash_u64(&low, word) ^ ps_siphash_u64(&high, ~word),
        .k1 = ps_siphash_u64(&low, word + 1) ^ ps_siphash_u64(&high, ~(word + 1)),
    };
}

void ps_prng_init(ps_prng *g, const uint8_t seed[32], uint8_t label)
{
    g->key = ps_key_derive(seed, label);
    g->counter = 0;
}

/* Each new half is the entropy's tag under a key that only the old state gives: who knows the
 * entropy but not the state, or the state but not the entropy, knows nothing of it. */
void ps_prng_mix(ps_prng *g, ps_span entropy)
{
    ps_sipkey first, second;
    first.k0 = ps_prng_u64(g);
    first.k1 = ps_prng_u64(g);
    second.k0 = ps_prng_u64(g);
    second.k1 = ps_prng_u64(g);
    g->key.k0 = ps_siphash(&first, entropy.data, entropy.len);
    g->key.k1 = ps_siphash(&second, entropy.data, entropy.len);
}

uint64_t ps_prng_u64(ps_prng *g)
{
    return ps_siphash_u64(&g->key, g->counter++);
}

uint64_t ps_prng_below(ps_prng *g, uint64_t bound)
{
    PS_ASSERT(bound >= 1);
    /* 2^64 modulo bound: numbers below it would favour small results. */
    const uint64_t biased = (0 - bound) % bound;
    uint64_t v = ps_prng_u64(g);
    /* unreachable: the bound's end, which one key in 2^64 leads to at the most */
    for (int draws = 1; v < biased && draws < DRAWS_MAX; draws++) {
        v = ps_prng_u64(g);
    }
    return v % bound;
}
