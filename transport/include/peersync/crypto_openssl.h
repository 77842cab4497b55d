/**
 * @file crypto_openssl.h
 * The core's cryptography by OpenSSL, which uses the processor's SHA instructions.
 */
#ifndef PEERSYNC_CRYPTO_OPENSSL_H
#define PEERSYNC_CRYPTO_OPENSSL_H

#include "peersync/crypto.h"

#ifdef __cplusplus
extern "C" {
#endif

/** The implementation. Static storage; usable from any thread. */
const ps_crypto *ps_crypto_openssl(void);

#ifdef __cplusplus
}
#endif

#endif
