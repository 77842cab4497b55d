/* The channel's cryptography by libsodium: it allocates nothing, keeps no context between packets
 * and runs in constant time.
 *
 * Why not OpenSSL's EVP: most packets are small, and every session has its own key. There, with a
 * context reused, EVP's set-up costs more than the cipher (bench_seal, libsodium 1.0.18 and OpenSSL
 * 3.0.19 with AVX-512): 64 bytes are sealed in 303 ns against 446 ns, and 403 ns with the key kept;
 * opened in 299 ns against 473 ns. At 1200 bytes OpenSSL is ahead, 978 ns against 1206 ns, but few
 * packets are that long. X25519 is the same: 30 us against 31 us, and a public key from bytes 27 us
 * against 38 us. EVP would need an object a session, or one a thread, and can fail.
 *
 * SHA-256 is OpenSSL's: libsodium's is portable C. One block with the processor's instructions is
 * 72 ns against 392 ns, in each of a handshake's many hashes and in files alike. */
#include "peersync/crypto_sodium.h"

#include "crypto/crypto_internal.h"

#include <sodium.h>
#include <string.h>

_Static_assert(PS_KEY_BYTES == crypto_scalarmult_BYTES, "points");
_Static_assert(PS_KEY_BYTES == crypto_scalarmult_SCALARBYTES, "scalars");
_Static_assert(PS_TAG_BYTES == crypto_aead_chacha20poly1305_ietf_ABYTES, "tags");

#define NONCE_BYTES crypto_aead_chacha20poly1305_ietf_NPUBBYTES

static void x25519_public(uint8_t out[PS_KEY_BYTES], const uint8_t secret[PS_KEY_BYTES])
{
    (void)crypto_scalarmult_base(out, secret); /* The base point cannot fail. */
    ps_crypto_written(out, PS_KEY_BYTES);
}

static void x25519(uint8_t out[32], const uint8_t secret[PS_KEY_BYTES],
                   const uint8_t point[PS_KEY_BYTES])
{
    /* It refuses points of low order, most of them before it writes. */
    if (crypto_scalarmult(out, secret, point) != 0) {
        memset(out, 0, 32);
    }
    ps_crypto_written(out, 32);
}

/* Noise, revision 34, section 12.3: 32 bits of zeros, then the number, little-endian. */
static void write_nonce(uint8_t to[NONCE_BYTES], uint64_t nonce)
{
    memset(to, 0, 4);
    for (unsigned i = 0; i < 8; i++) {
        to[4 + i] = (uint8_t)(nonce >> (8 * i));
    }
}

static void seal(const uint8_t key[32], uint64_t nonce, const uint8_t *ad, size_t ad_len,
                 uint8_t *text, size_t len, uint8_t tag[PS_TAG_BYTES])
{
    uint8_t n[NONCE_BYTES];
    write_nonce(n, nonce);
    (void)crypto_aead_chacha20poly1305_ietf_encrypt_detached(text, tag, NULL, text, len, ad, ad_len,
                                                             NULL, n, key);
    ps_crypto_written(text, len);
    ps_crypto_written(tag, PS_TAG_BYTES);
}

static bool open_sealed(const uint8_t key[32], uint64_t nonce, const uint8_t *ad, size_t ad_len,
                        uint8_t *text, size_t len, const uint8_t tag[PS_TAG_BYTES])
{
    uint8_t n[NONCE_BYTES];
    write_nonce(n, nonce);
    const bool genuine = crypto_aead_chacha20poly1305_ietf_decrypt_detached(
                             text, NULL, text, len, tag, ad, ad_len, n, key) == 0;
    ps_crypto_written(text, len);
    return genuine;
}

const ps_crypto *ps_crypto_sodium(void)
{
    static const ps_crypto crypto = {
        .size = sizeof(ps_crypto),
        .kind = PS_CRYPTO_REAL,
        PS_OPENSSL_HASHING,
        .x25519_public = x25519_public,
        .x25519 = x25519,
        .seal = seal,
        .open = open_sealed,
    };
    /* It chooses the code for this processor; may be called often, and by threads at once. Should
     * it fail, the portable code stays, which gives the same bytes. */
    const int ready = sodium_init();
    (void)ready;
    return &crypto;
}
