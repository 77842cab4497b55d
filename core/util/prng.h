/* Random numbers from a seed and from the host's entropy inputs: SipHash in counter mode. Two
 * machines with the same seed and inputs draw the same numbers; who does not know the seed cannot
 * predict them. */
#ifndef PS_UTIL_PRNG_H
#define PS_UTIL_PRNG_H

#include "util/siphash.h"

typedef struct ps_prng {
    ps_sipkey key;
    uint64_t counter;
} ps_prng;

/* A generator and derived keys: different `label`s of one seed give unrelated keys. */
ps_sipkey ps_key_derive(const uint8_t seed[32], uint8_t label);
void ps_prng_init(ps_prng *g, const uint8_t seed[32], uint8_t label);
/* Folds fresh entropy into the key; never weakens it. */
void ps_prng_mix(ps_prng *g, ps_span entropy);
uint64_t ps_prng_u64(ps_prng *g);
/* Uniform in [0, bound), bound >= 1, without modulo bias (at most 64 tries, then the modulo). */
uint64_t ps_prng_below(ps_prng *g, uint64_t bound);

#endif
