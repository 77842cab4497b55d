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

/** An implementation. Every function is total: it cannot fail and keeps nothing elsewhere. */
typedef struct ps_crypto {
    size_t size; /**< sizeof(ps_crypto): the ABI's version. */
    void (*sha256_init)(ps_sha256 *state);
    void (*sha256_update)(ps_sha256 *state, const void *data, size_t len);
    void (*sha256_final)(ps_sha256 *state, uint8_t digest[32]);
} ps_crypto;

#ifdef __cplusplus
}
#endif

#endif
