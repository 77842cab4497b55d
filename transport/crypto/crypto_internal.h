/* What the adapters of this folder share. */
#ifndef PS_CRYPTO_INTERNAL_H
#define PS_CRYPTO_INTERNAL_H

#include "peersync/crypto.h"

#if defined(__has_feature)
#if __has_feature(memory_sanitizer)
#include <sanitizer/msan_interface.h>
#define PS_MSAN 1
#endif
#endif

/* The libraries are not instrumented: tell MemorySanitizer what they wrote. */
static inline void ps_crypto_written(void *p, size_t len)
{
#if defined(PS_MSAN)
    __msan_unpoison(p, len);
#else
    (void)p;
    (void)len;
#endif
}

/* SHA-256 by OpenSSL, as in ps_crypto. */
void ps_openssl_sha256_init(ps_sha256 *state);
void ps_openssl_sha256_update(ps_sha256 *state, const void *data, size_t len);
void ps_openssl_sha256_final(ps_sha256 *state, uint8_t digest[32]);

/* blocks.c, where it is built: ps_crypto's sha256_blocks. */
void ps_blocks_sha256(const uint8_t *data, size_t len, size_t count, uint8_t *digests);

#if defined(PS_CRYPTO_BLOCKS)
#define PS_OPENSSL_BLOCKS ps_blocks_sha256
#else
#define PS_OPENSSL_BLOCKS NULL
#endif

/* All that a ps_crypto needs for hashing: whatever else it can, it hashes as fast. */
/* clang-format off */
#define PS_OPENSSL_HASHING                                                                         \
    .sha256_init = ps_openssl_sha256_init,                                                         \
    .sha256_update = ps_openssl_sha256_update,                                                     \
    .sha256_final = ps_openssl_sha256_final,                                                       \
    .sha256_blocks = PS_OPENSSL_BLOCKS
/* clang-format on */

#endif
