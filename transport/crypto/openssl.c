/* SHA-256 by OpenSSL's low-level functions: unlike EVP they allocate nothing and cannot fail, and
 * their state is a plain struct that fits the caller's memory. */
#define OPENSSL_SUPPRESS_DEPRECATED
#include "peersync/crypto_openssl.h"

#include "crypto/crypto_internal.h"

#include <openssl/sha.h>

_Static_assert(sizeof(SHA256_CTX) <= sizeof(ps_sha256), "ps_sha256 holds OpenSSL's state");
_Static_assert(_Alignof(SHA256_CTX) <= _Alignof(ps_sha256), "ps_sha256 is aligned for it");

static SHA256_CTX *context(ps_sha256 *state)
{
    return (SHA256_CTX *)(void *)state;
}

void ps_openssl_sha256_init(ps_sha256 *state)
{
    (void)SHA256_Init(context(state));
    ps_crypto_written(state, sizeof(SHA256_CTX));
}

void ps_openssl_sha256_update(ps_sha256 *state, const void *data, size_t len)
{
    (void)SHA256_Update(context(state), data, len);
    ps_crypto_written(state, sizeof(SHA256_CTX));
}

void ps_openssl_sha256_final(ps_sha256 *state, uint8_t digest[32])
{
    (void)SHA256_Final(digest, context(state));
    ps_crypto_written(digest, 32);
    ps_crypto_written(state, sizeof(SHA256_CTX));
}

const ps_crypto *ps_crypto_openssl(void)
{
    static const ps_crypto crypto = {
        .size = sizeof(ps_crypto),
        .kind = PS_CRYPTO_REAL,
        PS_OPENSSL_HASHING,
    };
    return &crypto;
}
