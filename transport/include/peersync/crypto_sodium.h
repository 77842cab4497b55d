/**
 * @file crypto_sodium.h
 * All of the core's cryptography: the channel's by libsodium, SHA-256 by OpenSSL.
 */
#ifndef PEERSYNC_CRYPTO_SODIUM_H
#define PEERSYNC_CRYPTO_SODIUM_H

#include "peersync/crypto.h"

#ifdef __cplusplus
extern "C" {
#endif

/**
 * The implementation, with every function. Static storage; usable from any thread. Each call also
 * makes sure that libsodium has been initialised (sodium_init(): it measures the processor), so a
 * host keeps the pointer rather than asking for it again for each packet.
 */
const ps_crypto *ps_crypto_sodium(void);

#ifdef __cplusplus
}
#endif

#endif
