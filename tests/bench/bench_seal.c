/* libsodium beside OpenSSL, on one core, best of some rounds: sealing and opening a small and a
 * full datagram, a Diffie-Hellman, and SHA-256 of a block. OpenSSL's context is reused; "new key"
 * gives it another key for each packet, as a server of many sessions must, "same key" only a nonce.
 *
 *     bench_seal [--rounds=N] */
#include "peersync/crypto_sodium.h"
#include "peersync/sim.h"

#include <openssl/evp.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>

#include "fixture.h"

#define SMALL 64u
#define FULL  1200u

/* What all operations work on. */
static struct bench {
    const ps_crypto *c;
    EVP_CIPHER_CTX *sealing, *opening;
    EVP_PKEY *own, *other;
    EVP_PKEY_CTX *derive;
    uint8_t key[32], ad[13], text[FULL], tag[PS_TAG_BYTES], point[32], shared[32];
    uint64_t nonce;
} b;

/* An operation on `len` bytes. */
typedef void operation(size_t len);

static void require(bool good, const char *what)
{
    if (!good) {
        fprintf(stderr, "bench_seal: %s failed\n", what);
        exit(1);
    }
}

static void core_seal(size_t len)
{
    b.c->seal(b.key, ++b.nonce, b.ad, sizeof b.ad, b.text, len, b.tag);
}

/* Only what was sealed can be opened, once: both are measured, and sealing alone is subtracted. */
static void core_both(size_t len)
{
    core_seal(len);
    require(b.c->open(b.key, b.nonce, b.ad, sizeof b.ad, b.text, len, b.tag), "open");
}

static void evp_nonce(uint8_t nonce[12])
{
    b.nonce++;
    for (unsigned i = 0; i < 12; i++) {
        nonce[i] = i < 4 ? 0 : (uint8_t)(b.nonce >> (8 * (i - 4)));
    }
}

static void evp_seal(size_t len, const uint8_t *key, const uint8_t nonce[12])
{
    int n;
    require(EVP_EncryptInit_ex(b.sealing, NULL, NULL, key, nonce) &&
                EVP_EncryptUpdate(b.sealing, NULL, &n, b.ad, sizeof b.ad) &&
                EVP_EncryptUpdate(b.sealing, b.text, &n, b.text, (int)len) &&
                EVP_EncryptFinal_ex(b.sealing, b.text + len, &n) &&
                EVP_CIPHER_CTX_ctrl(b.sealing, EVP_CTRL_AEAD_GET_TAG, PS_TAG_BYTES, b.tag),
            "EVP's seal");
}

static void evp_open(size_t len, const uint8_t *key, const uint8_t nonce[12])
{
    int n;
    require(EVP_DecryptInit_ex(b.opening, NULL, NULL, key, nonce) &&
                EVP_CIPHER_CTX_ctrl(b.opening, EVP_CTRL_AEAD_SET_TAG, PS_TAG_BYTES, b.tag) &&
                EVP_DecryptUpdate(b.opening, NULL, &n, b.ad, sizeof b.ad) &&
                EVP_DecryptUpdate(b.opening, b.text, &n, b.text, (int)len) &&
                EVP_DecryptFinal_ex(b.opening, b.text + len, &n) > 0,
            "EVP's open");
}

static void evp_new_seal(size_t len)
{
    uint8_t nonce[12];
    evp_nonce(nonce);
    evp_seal(len, b.key, nonce);
}

static void evp_new_both(size_t len)
{
    uint8_t nonce[12];
    evp_nonce(nonce);
    evp_seal(len, b.key, nonce);
    evp_open(len, b.key, nonce);
}

static void evp_same_seal(size_t len)
{
    uint8_t nonce[12];
    evp_nonce(nonce);
    evp_seal(len, NULL, nonce);
}

static void evp_same_both(size_t len)
{
    uint8_t nonce[12];
    evp_nonce(nonce);
    evp_seal(len, NULL, nonce);
    evp_open(len, NULL, nonce);
}

static void core_agree(size_t len)
{
    (void)len;
    b.c->x25519(b.shared, b.key, b.point);
}

static void evp_agree(size_t len)
{
    (void)len;
    size_t n = sizeof b.shared;
    require(EVP_PKEY_derive(b.derive, b.shared, &n) > 0, "EVP's derive");
}

static void core_public(size_t len)
{
    (void)len;
    b.c->x25519_public(b.shared, b.key);
}

/* From bytes to bytes, as the core would ask for it: the key object is made each time. */
static void evp_public(size_t len)
{
    (void)len;
    size_t n = sizeof b.shared;
    EVP_PKEY *key = EVP_PKEY_new_raw_private_key(EVP_PKEY_X25519, NULL, b.key, sizeof b.key);
    require(key && EVP_PKEY_get_raw_public_key(key, b.shared, &n) > 0, "EVP's public key");
    EVP_PKEY_free(key);
}

static void sodium_hash(size_t len)
{
    crypto_hash_sha256(b.shared, b.text, len);
}

static void openssl_hash(size_t len)
{
    ps_sha256 s;
    b.c->sha256_init(&s);
    b.c->sha256_update(&s, b.text, len);
    b.c->sha256_final(&s, b.shared);
}

/* Nanoseconds an operation: the best round. */
static double best(operation *f, size_t len, uint64_t rounds, unsigned times)
{
    double least = 1e18;
    for (uint64_t r = 0; r < rounds; r++) {
        const uint64_t start = bench_cpu_ns();
        for (unsigned i = 0; i < times; i++) {
            f(len);
        }
        const double ns = (double)(bench_cpu_ns() - start) / times;
        least = ns < least ? ns : least;
    }
    return least;
}

static void sealing(const char *what, operation *seal, operation *both, uint64_t rounds)
{
    static const size_t sizes[] = {SMALL, FULL};
    for (size_t i = 0; i < 2; i++) {
        const double one = best(seal, sizes[i], rounds, 5000);
        const double two = best(both, sizes[i], rounds, 5000);
        printf("%-18s %4zu bytes: seal_ns=%.0f open_ns=%.0f\n", what, sizes[i], one, two - one);
    }
}

static void prepare(void)
{
    b.c = ps_crypto_sodium();
    for (size_t i = 0; i < sizeof b.key; i++) {
        b.key[i] = (uint8_t)(i * 7 + 1);
    }
    b.c->x25519_public(b.point, b.key);
    b.sealing = EVP_CIPHER_CTX_new();
    b.opening = EVP_CIPHER_CTX_new();
    b.own = EVP_PKEY_new_raw_private_key(EVP_PKEY_X25519, NULL, b.key, sizeof b.key);
    b.other = EVP_PKEY_new_raw_public_key(EVP_PKEY_X25519, NULL, b.point, sizeof b.point);
    b.derive = EVP_PKEY_CTX_new(b.own, NULL);
    require(b.sealing && b.opening && b.derive &&
                EVP_EncryptInit_ex(b.sealing, EVP_chacha20_poly1305(), NULL, b.key, NULL) &&
                EVP_DecryptInit_ex(b.opening, EVP_chacha20_poly1305(), NULL, b.key, NULL) &&
                EVP_PKEY_derive_init(b.derive) > 0 &&
                EVP_PKEY_derive_set_peer(b.derive, b.other) > 0,
            "EVP");
}

int main(int argc, char **argv)
{
    const uint64_t rounds = bench_option(argc, argv, "--rounds", 15);
    prepare();
    bench_pin(0);
    sealing("libsodium", core_seal, core_both, rounds);
    sealing("OpenSSL, new key", evp_new_seal, evp_new_both, rounds);
    sealing("OpenSSL, same key", evp_same_seal, evp_same_both, rounds);
    printf("X25519 libsodium: agree_ns=%.0f public_ns=%.0f\n", best(core_agree, 0, rounds, 100),
           best(core_public, 0, rounds, 100));
    printf("X25519 OpenSSL: agree_ns=%.0f public_ns=%.0f\n", best(evp_agree, 0, rounds, 100),
           best(evp_public, 0, rounds, 100));
    printf("SHA-256 of 64 bytes: libsodium_ns=%.0f openssl_ns=%.0f\n",
           best(sodium_hash, SMALL, rounds, 5000), best(openssl_hash, SMALL, rounds, 5000));
    b.c = ps_sim_crypto();
    b.c->x25519_public(b.point, b.key);
    sealing("the stand-in", core_seal, core_both, rounds);
    printf("the stand-in: agree_ns=%.0f\n", best(core_agree, 0, rounds, 1000));
    EVP_PKEY_CTX_free(b.derive);
    EVP_PKEY_free(b.own);
    EVP_PKEY_free(b.other);
    EVP_CIPHER_CTX_free(b.sealing);
    EVP_CIPHER_CTX_free(b.opening);
    return 0;
}
