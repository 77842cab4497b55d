/* HMAC-SHA256 (RFC 2104) and HKDF as Noise uses it (revision 34, section 4.3), over ps_crypto. */
#ifndef PS_CHANNEL_HKDF_H
#define PS_CHANNEL_HKDF_H

#include "peersync/crypto.h"

#define PS_HASH_BYTES 32u

/* A text in pieces. */
typedef struct ps_pieces {
    ps_span piece[3];
} ps_pieces;

void ps_hash(const ps_crypto *c, ps_span a, ps_span b, uint8_t out[PS_HASH_BYTES]);
void ps_hmac(const ps_crypto *c, ps_span key, const ps_pieces *text, uint8_t out[PS_HASH_BYTES]);
/* HKDF(key, input, 2): two keys of 32 bytes. `key` may be `a`. */
void ps_hkdf(const ps_crypto *c, const uint8_t key[PS_HASH_BYTES], ps_span input,
             uint8_t a[PS_HASH_BYTES], uint8_t b[PS_HASH_BYTES]);
/* A key of its own for one purpose: HMAC(secret, label || context). */
void ps_derive(const ps_crypto *c, const uint8_t secret[PS_HASH_BYTES], const char *label,
               ps_span context, uint8_t out[PS_HASH_BYTES]);

#endif
