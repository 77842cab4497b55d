/**
 * @file crypto_openssl.h
 * SHA-256 by OpenSSL, which uses the processor's SHA instructions: all that moving files needs.
 */
#ifndef PEERSYNC_CRYPTO_OPENSSL_H
#define PEERSYNC_CRYPTO_OPENSSL_H

#include "peersync/crypto.h"

#ifdef __cplusplus
extern "C" {
#endif

/** The implementation. The control channel's functions are NULL: peersync/crypto_sodium.h has them.
 *  Static storage; usable from any thread. */
const ps_crypto *ps_crypto_openssl(void);

#ifdef __cplusplus
}
#endif

#endif
