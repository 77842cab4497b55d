/* What lies under the seal, by itself and against libsodium's own: HMAC, SipHash, the handshake
 * with messages cut short, flipped and of points of low order, the replay window against a list of
 * all that was accepted, draws from the generator. */
#include "channel/replay.h"
#include "channel/secrets.h"
#include "harness.h"
#include "peersync/crypto_sodium.h"
#include "util/prng.h"

#include <sodium.h>

enum { COUNTERS = 512 };

static size_t take_bytes(tape *t, uint8_t *out, size_t cap)
{
    const size_t len = take8(t) % (cap + 1);
    for (size_t i = 0; i < len; i++) {
        out[i] = take8(t);
    }
    return len;
}

/* Keys longer than a block are hashed first (RFC 2104). */
static void hmac(tape *t)
{
    uint8_t key[200], text[100], mine[32], theirs[32];
    const size_t key_len = take_bytes(t, key, sizeof key);
    const size_t len = take_bytes(t, text, sizeof text);
    const size_t cut = len > 0 ? take8(t) % len : 0;
    crypto_auth_hmacsha256_state state;
    crypto_auth_hmacsha256_init(&state, key, key_len);
    crypto_auth_hmacsha256_update(&state, text, len);
    crypto_auth_hmacsha256_final(&state, theirs);
    ps_hmac(ps_crypto_sodium(), (ps_span){key_len > 0 ? key : NULL, key_len},
            &(ps_pieces){{{text, cut}, {text + cut, len - cut}}}, mine);
    must(memcmp(mine, theirs, sizeof mine) == 0);
}

static void siphash(tape *t)
{
    uint8_t key[crypto_shorthash_KEYBYTES] = {0}, text[100], theirs[8];
    const size_t key_len = take_bytes(t, key, sizeof key);
    const size_t len = take_bytes(t, text, sizeof text);
    must(key_len <= sizeof key);
    ps_sipkey k = {0, 0};
    for (size_t i = 8; i-- > 0;) {
        k.k0 = k.k0 << 8 | key[i];
        k.k1 = k.k1 << 8 | key[8 + i];
    }
    (void)crypto_shorthash(theirs, text, len, key);
    uint64_t tag = 0;
    for (size_t i = 8; i-- > 0;) {
        tag = tag << 8 | theirs[i];
    }
    must(ps_siphash(&k, text, len) == tag);
}

/* Calls of x25519() until one gives what it gives for a point of low order. */
static unsigned shares_left;

static void x25519_failing(uint8_t out[32], const uint8_t secret[32], const uint8_t point[32])
{
    ps_crypto_sodium()->x25519(out, secret, point);
    if (shares_left-- == 0) {
        memset(out, 0, 32);
    }
}

/* A handshake in which the n-th shared secret does not come about: nothing is agreed on. */
static void handshake_failing(tape *t)
{
    ps_crypto c = *ps_crypto_sodium();
    uint8_t secret[32], public_key[32], told[32];
    uint8_t first[PS_NOISE_FIRST_BYTES], second[PS_NOISE_SECOND_BYTES];
    const ps_span none = {NULL, 0};
    ps_noise client, server;
    ps_span got;
    const unsigned fails_at = take8(t) % 4u; /* Two of the server's, then two of the client's. */
    key_of(take8(t), secret);
    c.x25519_public(public_key, secret);
    c.x25519 = x25519_failing;
    shares_left = fails_at;
    ps_noise_begin(&c, &client, none);
    ps_noise_begin(&c, &server, none);
    ps_noise_write_first(&c, &client, secret, none, first);
    must(ps_noise_read_first(&c, &server, (ps_span){first, sizeof first}, &got));
    const bool wrote = ps_noise_write_second(&c, &server, secret, secret, public_key, none, second);
    must(wrote == (fails_at >= 2));
    if (wrote) {
        const ps_noise before = client;
        must(!ps_noise_read_second(&c, &client, second, sizeof second, told, &got));
        must(memcmp(&before, &client, sizeof client) == 0);
    }
}

/* Messages as they are, or cut, flipped, or of an all-zero point, which shares no secret. */
static void handshake(tape *t)
{
    const ps_crypto *c = ps_crypto_sodium();
    const uint8_t how = take8(t);
    uint8_t secret[32], public_key[32], ephemeral[32], told[32], text[64] = {0};
    uint8_t first[PS_NOISE_FIRST_BYTES + 64], second[PS_NOISE_SECOND_BYTES + 64];
    uint8_t keys[4][32];
    ps_noise client, server;
    ps_span got;
    const size_t len = take_bytes(t, text, sizeof text);
    const ps_span payload = {text, len};
    key_of(5, secret);
    c->x25519_public(public_key, secret);
    ps_noise_begin(c, &client, (ps_span){text, how % 9u});
    ps_noise_begin(c, &server, (ps_span){text, how % 9u});
    key_of(take8(t), ephemeral);
    ps_noise_write_first(c, &client, ephemeral, payload, first);
    if (how >= 240) {
        must(!ps_noise_read_first(c, &server, (ps_span){first, how % 32u}, &got));
        return;
    }
    if (how >= 232) {
        memset(first, 0, PS_KEY_BYTES);
    }
    must(ps_noise_read_first(c, &server, (ps_span){first, PS_NOISE_FIRST_BYTES + len}, &got));
    must(got.len == len && (len == 0 || memcmp(got.data, text, len) == 0));
    key_of(200u + how % 3u, ephemeral);
    const bool wrote =
        ps_noise_write_second(c, &server, ephemeral, secret, public_key, payload, second);
    must(wrote == (how < 232));
    if (!wrote) {
        return;
    }
    const ps_noise before = client;
    size_t second_len = PS_NOISE_SECOND_BYTES + len;
    uint8_t spoilt[sizeof second];
    memcpy(spoilt, second, second_len);
    if (how >= 200) {
        memset(spoilt, 0, how < 208 ? 32 : 0);
        spoilt[take8(t) % second_len] ^= how >= 208 ? (uint8_t)(1u << how % 8) : 0;
        second_len = how >= 224 ? take8(t) % PS_NOISE_SECOND_BYTES : second_len;
        must(!ps_noise_read_second(c, &client, spoilt, second_len, told, &got));
        must(memcmp(&before, &client, sizeof client) == 0);
        second_len = PS_NOISE_SECOND_BYTES + len;
    }
    must(ps_noise_read_second(c, &client, second, second_len, told, &got));
    must(got.len == len && (len == 0 || memcmp(got.data, text, len) == 0));
    must(memcmp(told, public_key, sizeof told) == 0);
    ps_noise_split(c, &client, keys[0], keys[1]);
    ps_noise_split(c, &server, keys[2], keys[3]);
    must(memcmp(keys[0], keys[2], 64) == 0 && memcmp(client.hash, server.hash, 32) == 0);
}

static void seal(tape *t)
{
    const ps_crypto *c = ps_crypto_sodium();
    uint8_t key[32] = {7}, copy[PS_PACKET_HEADER + 64 + PS_TAG_BYTES];
    ps_span messages;
    craft p;
    craft_packet(&p, take8(t), take64(t));
    const size_t len = take8(t) % 65u;
    craft_fill(&p, take8(t), len);
    const uint8_t how = take8(t);
    const size_t sealed = ps_packet_seal(c, key, p.data, p.len);
    memcpy(copy, p.data, sealed);
    if (how >= 128) {
        copy[how % sealed] ^= 1;
        /* Of the header, only the counter is part of the seal. */
        must(how % sealed < 9 || !ps_packet_open(c, key, copy, sealed, &messages));
        memcpy(copy, p.data, sealed);
    }
    must(!ps_packet_open(c, key, copy, how % (PS_PACKET_HEADER + PS_TAG_BYTES), &messages));
    must(ps_packet_open(c, key, copy, sealed, &messages) && messages.len == len);
}

static void replay(tape *t)
{
    static uint64_t taken[COUNTERS];
    size_t count = 0;
    uint64_t newest = 0, at = 0;
    ps_replay r;
    memset(&r, 0, sizeof r);
    while (t->left > 0 && count < COUNTERS) {
        const uint8_t how = take8(t);
        at = how < 120   ? at + how % 8u
             : how < 200 ? at - how % 16u
             : how < 240 ? at + how * 7u
             : how < 250 ? UINT64_MAX - how % 3u
                         : take64(t);
        bool fresh = at != UINT64_MAX && (count == 0 || at > newest || newest - at < 256u);
        for (size_t i = 0; i < count; i++) {
            fresh = fresh && taken[i] != at;
        }
        must(ps_replay_is_new(&r, at) == fresh);
        if (fresh && how % 5u != 4) {
            ps_replay_accept(&r, at);
            newest = count == 0 || at > newest ? at : newest;
            taken[count++] = at;
        }
    }
}

/* Half of all numbers are drawn again for a bound just above 2^63, up to the limit of draws. */
static void generator(tape *t)
{
    uint8_t seed[32] = {take8(t), take8(t)}, drawn[2][32], entropy[32];
    ps_prng g, twin;
    ps_secrets s;
    ps_prng_init(&g, seed, 1);
    ps_prng_init(&twin, seed, 1);
    ps_secrets_init(ps_crypto_sodium(), &s, seed);
    while (t->left > 0) {
        const uint8_t how = take8(t);
        const uint64_t bound = how < 100   ? 1u + how
                               : how < 200 ? (UINT64_C(1) << 63) + how
                                           : take64(t) | 1u;
        must(ps_prng_below(&g, bound) < bound);
        (void)ps_prng_below(&twin, bound);
        if (how % 16u == 15) {
            const ps_span span = {entropy, take_bytes(t, entropy, sizeof entropy)};
            ps_prng_mix(&g, span);
            ps_prng_mix(&twin, span);
            ps_secrets_mix(ps_crypto_sodium(), &s, span);
        }
        must(ps_prng_u64(&g) == ps_prng_u64(&twin));
    }
    ps_secrets_draw(ps_crypto_sodium(), &s, drawn[0]);
    ps_secrets_draw(ps_crypto_sodium(), &s, drawn[1]);
    must(memcmp(drawn[0], drawn[1], 32) != 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static void (*const parts[])(tape *) = {hmac, siphash, handshake, seal, replay, generator};
    tape t = {data, size};
    must(sodium_init() >= 0);
    const uint8_t which = take8(&t);
    (which == 255 ? handshake_failing : parts[which % 6u])(&t);
    return 0;
}
