/* SHA-256 by OpenSSL's low-level functions: unlike EVP they allocate nothing and cannot fail, and
 * their state is a plain struct that fits the caller's memory. */
#define OPENSSL_SUPPRESS_DEPRECATED
#include "peersync/crypto_openssl.h"

#include <openssl/sha.h>

#if defined(__has_feature)
#if __has_feature(memory_sanitizer)
#include <sanitizer/msan_interface.h>
#define PS_MSAN 1
#endif
#endif

_Static_assert(sizeof(SHA256_CTX) <= sizeof(ps_sha256), "ps_sha256 holds OpenSSL's state");
_Static_assert(_Alignof(SHA256_CTX) <= _Alignof(ps_sha256), "ps_sha256 is aligned for it");

/* libcrypto is not instrumented: tell MemorySanitizer what it wrote. */
static void written(void *p, size_t len)
{
#if defined(PS_MSAN)
    __msan_unpoison(p, len);
#else
    (void)p;
    (void)len;
#endif
}

static SHA256_CTX *context(ps_sha256 *state)
{
    return (SHA256_CTX *)(void *)state;
}

static void sha256_init(ps_sha256 *state)
{
    (void)SHA256_Init(context(state));
    written(state, sizeof(SHA256_CTX));
}

static void sha256_update(ps_sha256 *state, const void *data, size_t len)
{
    (void)SHA256_Update(context(state), data, len);
    written(state, sizeof(SHA256_CTX));
}

static void sha256_final(ps_sha256 *state, uint8_t digest[32])
{
    (void)SHA256_Final(digest, context(state));
    written(digest, 32);
    written(state, sizeof(SHA256_CTX));
}

const ps_crypto *ps_crypto_openssl(void)
{
    static const ps_crypto crypto = {
        .size = sizeof(ps_crypto),
        .sha256_init = sha256_init,
        .sha256_update = sha256_update,
        .sha256_final = sha256_final,
    };
    return &crypto;
}
