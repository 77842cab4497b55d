/* Chance that belongs to somebody: numbers that a key and a count make, and nothing else does. What
 * one user does, or one fault draws, is the same whatever befalls the others. */
#ifndef PS_SIM_DICE_H
#define PS_SIM_DICE_H

#include <stdint.h>

typedef struct dice {
    uint64_t key;
    uint64_t thrown;
} dice;

/* Every bit of the result depends on all of x. */
static inline uint64_t dice_mix(uint64_t x)
{
    x = (x ^ (x >> 32)) * UINT64_C(0xd6e8feb86659fd93);
    x = (x ^ (x >> 32)) * UINT64_C(0xd6e8feb86659fd93);
    return x ^ (x >> 32);
}

/* Kinds of owners. */
#define DICE_USER     1u
#define DICE_FAULT    2u
#define DICE_SCENARIO 3u

/* Whose: a kind of owners, and the owner's number. */
static inline dice dice_of(uint64_t seed, uint64_t kind, uint64_t number)
{
    return (dice){.key = dice_mix(dice_mix(dice_mix(seed) + kind) + number)};
}

/* In [0, bound); bound is far below 2^64, so that none is likelier than another to speak of. */
static inline uint64_t dice_throw(dice *d, uint64_t bound)
{
    d->thrown++;
    return dice_mix(d->key + d->thrown * UINT64_C(0x9e3779b97f4a7c15)) % bound;
}

#endif
