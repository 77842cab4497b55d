/**
 * @file crypto.h
 * The cryptography that the core is given: pure functions, state in memory of the caller.
 */
#ifndef PEERSYNC_CRYPTO_H
#define PEERSYNC_CRYPTO_H

#include "peersync/base.h"

#ifdef __cplusplus
extern "C" {
#endif

/** State of one SHA-256 (FIPS 180-4) under way; the implementation fits its own into it. */
typedef struct ps_sha256 {
    uint64_t opaque[16];
} ps_sha256;

/** Bytes that a seal adds to a text: the tag of ChaCha20-Poly1305. */
#define PS_TAG_BYTES 16u

/** Implementations by number, so that a journal can say under which one it was made. */
enum { PS_CRYPTO_REAL = 1, PS_CRYPTO_STAND_IN = 2 };

/**
 * An implementation. Every function is total: it cannot fail and keeps nothing elsewhere. None may
 * branch or index by a secret. What they write may be what they read only where it says so.
 */
typedef struct ps_crypto {
    size_t size;   /**< sizeof(ps_crypto): the ABI's version. */
    uint32_t kind; /**< PS_CRYPTO_REAL: the algorithms named here; PS_CRYPTO_STAND_IN: some that
                      only behave like them, for simulations. */

    /** @name SHA-256 (FIPS 180-4). @{ */
    void (*sha256_init)(ps_sha256 *state);
    void (*sha256_update)(ps_sha256 *state, const void *data, size_t len);
    void (*sha256_final)(ps_sha256 *state, uint8_t digest[32]);
    /** Optional, for speed: the digests of `count` blocks of `len` bytes, all back to back. NULL:
     *  the three above are used instead. Keeps at most scratch memory of its thread. */
    void (*sha256_blocks)(const uint8_t *data, size_t len, size_t count, uint8_t *digests);
    /** @} */

    /** @name X25519 (RFC 7748). The control channel's; NULL where only files are moved. @{ */
    /** The public key of 32 random bytes. */
    void (*x25519_public)(uint8_t out[PS_KEY_BYTES], const uint8_t secret[PS_KEY_BYTES]);
    /** The shared secret; all zero for a point of low order, which the core refuses. */
    void (*x25519)(uint8_t out[32], const uint8_t secret[PS_KEY_BYTES],
                   const uint8_t point[PS_KEY_BYTES]);
    /** @} */

    /** @name ChaCha20-Poly1305 (RFC 8439), in place; the 96-bit nonce is four zero bytes and
     *  `nonce`, little-endian (Noise revision 34, section 12.3). `ad` may be NULL when it is empty.
     *  @{ */
    void (*seal)(const uint8_t key[32], uint64_t nonce, const uint8_t *ad, size_t ad_len,
                 uint8_t *text, size_t len, uint8_t tag[PS_TAG_BYTES]);
    /** False: not genuine; what `text` holds then is of no use. Tags are compared in constant time.
     */
    bool (*open)(const uint8_t key[32], uint64_t nonce, const uint8_t *ad, size_t ad_len,
                 uint8_t *text, size_t len, const uint8_t tag[PS_TAG_BYTES]);
    /** @} */
} ps_crypto;

#ifdef __cplusplus
}
#endif

#endif
