#include "channel/hkdf.h"

#include <string.h>

#include "channel/wipe.h"

/* What SHA-256 takes at a time; HMAC's key is padded to it (RFC 2104, section 2). */
#define BLOCK_BYTES 64u

static void update(const ps_crypto *c, ps_sha256 *state, ps_span text)
{
    if (text.len > 0) {
        c->sha256_update(state, text.data, text.len);
    }
}

void ps_hash(const ps_crypto *c, ps_span a, ps_span b, uint8_t out[PS_HASH_BYTES])
{
    ps_sha256 state;
    c->sha256_init(&state);
    update(c, &state, a);
    update(c, &state, b);
    c->sha256_final(&state, out);
    ps_wipe(&state, sizeof state);
}

/* Begins a hash with the padded key, each byte of it changed by `with`. */
static void begin_padded(const ps_crypto *c, ps_sha256 *state, const uint8_t key[BLOCK_BYTES],
                         uint8_t with)
{
    uint8_t pad[BLOCK_BYTES];
    for (size_t i = 0; i < sizeof pad; i++) {
        pad[i] = key[i] ^ with;
    }
    c->sha256_init(state);
    c->sha256_update(state, pad, sizeof pad);
    ps_wipe(pad, sizeof pad);
}

void ps_hmac(const ps_crypto *c, ps_span key, const ps_pieces *text, uint8_t out[PS_HASH_BYTES])
{
    ps_sha256 state;
    uint8_t padded[BLOCK_BYTES] = {0};
    uint8_t inner[PS_HASH_BYTES];
    if (key.len > sizeof padded) {
        ps_hash(c, key, (ps_span){NULL, 0}, padded);
    } else if (key.len > 0) {
        memcpy(padded, key.data, key.len);
    }
    begin_padded(c, &state, padded, 0x36);
    for (size_t i = 0; i < sizeof text->piece / sizeof text->piece[0]; i++) {
        update(c, &state, text->piece[i]);
    }
    c->sha256_final(&state, inner);
    begin_padded(c, &state, padded, 0x5c);
    c->sha256_update(&state, inner, sizeof inner);
    c->sha256_final(&state, out);
    ps_wipe(&state, sizeof state);
    ps_wipe(padded, sizeof padded);
    ps_wipe(inner, sizeof inner);
}

void ps_hkdf(const ps_crypto *c, const uint8_t key[PS_HASH_BYTES], ps_span input,
             uint8_t a[PS_HASH_BYTES], uint8_t b[PS_HASH_BYTES])
{
    static const uint8_t first = 1, second = 2;
    uint8_t extracted[PS_HASH_BYTES];
    const ps_span under = {extracted, sizeof extracted};
    ps_hmac(c, (ps_span){key, PS_HASH_BYTES}, &(ps_pieces){{input}}, extracted);
    ps_hmac(c, under, &(ps_pieces){{{&first, 1}}}, a);
    ps_hmac(c, under, &(ps_pieces){{{a, PS_HASH_BYTES}, {&second, 1}}}, b);
    ps_wipe(extracted, sizeof extracted);
}

void ps_derive(const ps_crypto *c, const uint8_t secret[PS_HASH_BYTES], const char *label,
               ps_span context, uint8_t out[PS_HASH_BYTES])
{
    size_t len = 0;
    while (label[len] != '\0') {
        len++;
    }
    const ps_pieces text = {{{(const uint8_t *)label, len}, context}};
    ps_hmac(c, (ps_span){secret, PS_HASH_BYTES}, &text, out);
}
