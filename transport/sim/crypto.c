/* Stand-ins for the algorithms of ps_crypto. They bind whatever the real ones bind, so that honest
 * mistakes and simulated attackers fail as they would; they are cheap, and the same on every
 * machine. They hide nothing, and a person could forge them. */
#include "sim/sim_internal.h"

#include <string.h>

/* Little-endian on every machine. Written out, it becomes one load. */
static uint64_t read64(const uint8_t *p)
{
    return (uint64_t)p[0] | (uint64_t)p[1] << 8 | (uint64_t)p[2] << 16 | (uint64_t)p[3] << 24 |
           (uint64_t)p[4] << 32 | (uint64_t)p[5] << 40 | (uint64_t)p[6] << 48 |
           (uint64_t)p[7] << 56;
}

static void write64(uint8_t *p, uint64_t x)
{
    for (unsigned i = 0; i < 8; i++) {
        p[i] = (uint8_t)(x >> (8 * i));
    }
}

/* ---- for SHA-256: four lanes that take 8 bytes each ---- */

#define BLOCK 32u

/* How it lies in a ps_sha256. */
typedef struct lanes {
    uint64_t lane[4];
    uint64_t length;
    uint8_t block[BLOCK];
} lanes;

_Static_assert(sizeof(lanes) <= sizeof(ps_sha256), "the state fits the caller's");

static void take_block(lanes *s, const uint8_t *p)
{
    for (unsigned i = 0; i < 4; i++) {
        const uint64_t x = (s->lane[i] ^ read64(p + (size_t)8 * i)) * UINT64_C(0x9e3779b97f4a7c15);
        s->lane[i] = x ^ (x >> 29);
    }
}

static void hash_init(ps_sha256 *state)
{
    lanes s = {.length = 0};
    for (unsigned i = 0; i < 4; i++) {
        s.lane[i] = ps_sim_mix(i + 1);
    }
    memcpy(state, &s, sizeof s);
}

static void hash_update(ps_sha256 *state, const void *data, size_t len)
{
    const uint8_t *p = data;
    lanes s;
    memcpy(&s, state, sizeof s);
    while (len > 0) {
        const size_t fill = (size_t)(s.length % BLOCK);
        if (fill == 0 && len >= BLOCK) {
            take_block(&s, p);
            s.length += BLOCK;
            p += BLOCK;
            len -= BLOCK;
            continue;
        }
        const size_t n = len < BLOCK - fill ? len : BLOCK - fill;
        memcpy(s.block + fill, p, n);
        s.length += n;
        p += n;
        len -= n;
        if (fill + n == BLOCK) {
            take_block(&s, s.block);
        }
    }
    memcpy(state, &s, sizeof s);
}

static void hash_final(ps_sha256 *state, uint8_t digest[32])
{
    lanes s;
    memcpy(&s, state, sizeof s);
    const size_t fill = (size_t)(s.length % BLOCK);
    if (fill > 0) {
        memset(s.block + fill, 0, BLOCK - fill);
        take_block(&s, s.block);
    }
    uint64_t all = ps_sim_mix(s.length);
    for (unsigned i = 0; i < 4; i++) {
        all = ps_sim_mix(all ^ s.lane[i]);
    }
    for (unsigned i = 0; i < 4; i++) {
        all = ps_sim_mix(all + s.lane[i] + i);
        write64(digest + (size_t)8 * i, all);
    }
}

/* ---- for X25519: Diffie and Hellman's exchange modulo the prime 2^61 - 1 ---- */

#define PRIME     ((UINT64_C(1) << 61) - 1)
#define GENERATOR 37u /* The smallest one of the whole group. */

/* a * b, both below the prime, from 32-bit halves: a1 and b1 have 29 bits, and 2^61 is 1. */
static uint64_t times(uint64_t a, uint64_t b)
{
    const uint64_t a0 = a & UINT32_MAX;
    const uint64_t b0 = b & UINT32_MAX;
    const uint64_t a1 = a >> 32;
    const uint64_t b1 = b >> 32;
    const uint64_t low = a0 * b0;
    const uint64_t middle = a0 * b1 + a1 * b0; /* Times 2^32; below 2^62. */
    const uint64_t high = a1 * b1;             /* Times 2^64, which is 8; below 2^58. */
    uint64_t sum = (low & PRIME) + (low >> 61) + high * 8 + (middle >> 29) +
                   ((middle & ((UINT64_C(1) << 29) - 1)) << 32);
    sum = (sum & PRIME) + (sum >> 61);
    return sum >= PRIME ? sum - PRIME : sum;
}

static uint64_t power(uint64_t base, uint64_t exponent)
{
    uint64_t result = 1;
    for (unsigned bit = 61; bit-- > 0;) {
        const uint64_t chosen = UINT64_C(0) - (exponent >> bit & 1);
        result = times(result, result);
        result = times(result, (base & chosen) | (1 & ~chosen));
    }
    return result;
}

/* Any 32 bytes are a secret; every bit of them matters. */
static uint64_t exponent_of(const uint8_t secret[PS_KEY_BYTES])
{
    uint64_t x = 0;
    for (unsigned i = 0; i < 4; i++) {
        x = ps_sim_mix(x ^ read64(secret + (size_t)8 * i)) + i;
    }
    return (x & PRIME) | 1;
}

/* A point: the element, then three words that follow from it. */
static void write_point(uint8_t out[PS_KEY_BYTES], uint64_t element)
{
    write64(out, element);
    for (unsigned i = 1; i < 4; i++) {
        write64(out + (size_t)8 * i, ps_sim_mix(element + i));
    }
}

static void x25519_public(uint8_t out[PS_KEY_BYTES], const uint8_t secret[PS_KEY_BYTES])
{
    write_point(out, power(GENERATOR, exponent_of(secret)));
}

static void x25519(uint8_t out[32], const uint8_t secret[PS_KEY_BYTES],
                   const uint8_t point[PS_KEY_BYTES])
{
    const uint64_t element = read64(point);
    uint8_t expected[PS_KEY_BYTES];
    write_point(expected, element);
    /* Of order 1 and 2 are 1 and -1. */
    const bool sound =
        element > 1 && element < PRIME - 1 && memcmp(expected, point, sizeof expected) == 0;
    const uint64_t shared = sound ? power(element, exponent_of(secret)) : 1;
    for (unsigned i = 0; i < 4; i++) {
        write64(out + (size_t)8 * i, shared == 1 ? 0 : ps_sim_mix(~shared - i));
    }
}

/* ---- for ChaCha20-Poly1305: the text stays, a tag of SipHash's rounds is added ---- */

typedef struct sponge {
    uint64_t a, b, c, d;
} sponge;

static inline uint64_t rotate(uint64_t x, unsigned n)
{
    return (x << n) | (x >> (64u - n));
}

static inline void stir(sponge *s)
{
    s->a += s->b;
    s->c += s->d;
    s->b = rotate(s->b, 13) ^ s->a;
    s->d = rotate(s->d, 16) ^ s->c;
    s->a = rotate(s->a, 32) + s->d;
    s->c += s->b;
    s->d = rotate(s->d, 21) ^ s->a;
    s->b = rotate(s->b, 17) ^ s->c;
    s->c = rotate(s->c, 32);
}

static inline void take_word(sponge *s, uint64_t word)
{
    s->d ^= word;
    stir(s);
    s->a ^= word;
}

/* Zeros fill the last word: the length is taken elsewhere. */
static void take_bytes(sponge *s, const uint8_t *p, size_t len)
{
    for (; len >= 8; p += 8, len -= 8) {
        take_word(s, read64(p));
    }
    if (len > 0) {
        uint8_t last[8] = {0};
        memcpy(last, p, len);
        take_word(s, read64(last));
    }
}

static void make_tag(const uint8_t key[32], uint64_t nonce, const uint8_t *ad, size_t ad_len,
                     const uint8_t *text, size_t len, uint8_t tag[PS_TAG_BYTES])
{
    sponge s = {
        read64(key) ^ UINT64_C(0x736f6d6570736575),
        read64(key + 8) ^ UINT64_C(0x646f72616e646f6d),
        read64(key + 16) ^ UINT64_C(0x6c7967656e657261),
        read64(key + 24) ^ UINT64_C(0x7465646279746573),
    };
    stir(&s);
    stir(&s);
    take_word(&s, nonce);
    take_word(&s, ad_len);
    take_word(&s, len);
    take_bytes(&s, ad, ad_len);
    take_bytes(&s, text, len);
    for (size_t half = 0; half < PS_TAG_BYTES; half += 8) {
        s.c ^= 0xee + half;
        stir(&s);
        stir(&s);
        stir(&s);
        write64(tag + half, s.a ^ s.b ^ s.c ^ s.d);
    }
}

static void seal(const uint8_t key[32], uint64_t nonce, const uint8_t *ad, size_t ad_len,
                 uint8_t *text, size_t len, uint8_t tag[PS_TAG_BYTES])
{
    make_tag(key, nonce, ad, ad_len, text, len, tag);
}

static bool open_sealed(const uint8_t key[32], uint64_t nonce, const uint8_t *ad, size_t ad_len,
                        uint8_t *text, size_t len, const uint8_t tag[PS_TAG_BYTES])
{
    uint8_t expected[PS_TAG_BYTES];
    make_tag(key, nonce, ad, ad_len, text, len, expected);
    return ((read64(expected) ^ read64(tag)) | (read64(expected + 8) ^ read64(tag + 8))) == 0;
}

const ps_crypto *ps_sim_crypto(void)
{
    static const ps_crypto stand_in = {
        .size = sizeof(ps_crypto),
        .kind = PS_CRYPTO_STAND_IN,
        .sha256_init = hash_init,
        .sha256_update = hash_update,
        .sha256_final = hash_final,
        .x25519_public = x25519_public,
        .x25519 = x25519,
        .seal = seal,
        .open = open_sealed,
    };
    return &stand_in;
}
