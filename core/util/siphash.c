#include "util/siphash.h"

/* Aumasson, Bernstein: "SipHash: a fast short-input PRF", section 2: c = 2 rounds a word, d = 4 at
 * the end. */
typedef struct sip_state {
    uint64_t v0, v1, v2, v3;
} sip_state;

static inline uint64_t rotate_left(uint64_t v, unsigned bits)
{
    return (v << bits) | (v >> (64u - bits));
}

/* Written out, because compilers make one load of it and none of a loop. */
static inline uint64_t load_word(const uint8_t *p)
{
    return (uint64_t)p[0] | (uint64_t)p[1] << 8 | (uint64_t)p[2] << 16 | (uint64_t)p[3] << 24 |
           (uint64_t)p[4] << 32 | (uint64_t)p[5] << 40 | (uint64_t)p[6] << 48 |
           (uint64_t)p[7] << 56;
}

static inline sip_state sip_round(sip_state s)
{
    s.v0 += s.v1;
    s.v2 += s.v3;
    s.v1 = rotate_left(s.v1, 13) ^ s.v0;
    s.v3 = rotate_left(s.v3, 16) ^ s.v2;
    s.v0 = rotate_left(s.v0, 32);
    s.v2 += s.v1;
    s.v0 += s.v3;
    s.v1 = rotate_left(s.v1, 17) ^ s.v2;
    s.v3 = rotate_left(s.v3, 21) ^ s.v0;
    s.v2 = rotate_left(s.v2, 32);
    return s;
}

/* The constants spell "somepseudorandomlygeneratedbytes". */
static inline sip_state sip_begin(const ps_sipkey *key)
{
    return (sip_state){
        .v0 = key->k0 ^ UINT64_C(0x736f6d6570736575),
        .v1 = key->k1 ^ UINT64_C(0x646f72616e646f6d),
        .v2 = key->k0 ^ UINT64_C(0x6c7967656e657261),
        .v3 = key->k1 ^ UINT64_C(0x7465646279746573),
    };
}

static inline sip_state sip_absorb(sip_state s, uint64_t word)
{
    s.v3 ^= word;
    s = sip_round(sip_round(s));
    s.v0 ^= word;
    return s;
}

static inline uint64_t sip_finish(sip_state s)
{
    s.v2 ^= 0xff;
    s = sip_round(sip_round(sip_round(sip_round(s))));
    return s.v0 ^ s.v1 ^ s.v2 ^ s.v3;
}

uint64_t ps_siphash(const ps_sipkey *key, const uint8_t *data, size_t len)
{
    sip_state s = sip_begin(key);
    size_t at = 0;
    for (; len - at >= 8; at += 8) {
        s = sip_absorb(s, load_word(data + at));
    }
    /* The last word: what is left over, and the length modulo 256 in its highest byte. */
    uint64_t last = (uint64_t)(len & 0xff) << 56;
    for (unsigned shift = 0; at < len; at++, shift += 8) {
        last |= (uint64_t)data[at] << shift;
    }
    return sip_finish(sip_absorb(s, last));
}

uint64_t ps_siphash_u64(const ps_sipkey *key, uint64_t word)
{
    return sip_finish(sip_absorb(sip_absorb(sip_begin(key), word), UINT64_C(8) << 56));
}
