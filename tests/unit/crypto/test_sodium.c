/* The libsodium adapter against the published vectors and against OpenSSL's AEAD. */
#include "hex.h"
#include "unit.h"

#include "peersync/crypto_openssl.h"
#include "peersync/crypto_sodium.h"

#include <openssl/evp.h>
#include <string.h>

/* OpenSSL's EVP reads its configuration at first use, which MemorySanitizer, not seeing into
 * libcrypto, takes for faults: nothing is compared there. */
#if defined(__has_feature)
#if __has_feature(memory_sanitizer)
#define PS_MSAN 1
#endif
#endif

static size_t from_hex(uint8_t *to, const char *hex)
{
    return hex_bytes(hex, to, strlen(hex) / 2);
}

static void expect_hex(const uint8_t *bytes, const char *hex)
{
    assert_true(hex_equal(hex, bytes, strlen(hex) / 2));
}

/* RFC 7748, section 6.1. */
static void agrees_as_the_rfc_says(void **unused)
{
    (void)unused;
    static const char shared[] = "4a5d9d5ba4ce2de1728e3bf480350f25e07e21c947d19e3376f09b3c1e161742";
    const ps_crypto *c = ps_crypto_sodium();
    uint8_t a[32];
    uint8_t b[32];
    uint8_t pub_a[32];
    uint8_t pub_b[32];
    uint8_t out[32];
    from_hex(a, "77076d0a7318a57d3c16c17251b26645df4c2f87ebc0992ab177fba51db92c2a");
    from_hex(b, "5dab087e624a8a4b79e17f8b83800ee66f3bb1292618b6fd1c2f8b27ff88e0eb");
    c->x25519_public(pub_a, a);
    expect_hex(pub_a, "8520f0098930a754748b7ddcb43ef75a0dbf3a0d26381af4eba4a98eaa9b4e6a");
    c->x25519_public(pub_b, b);
    expect_hex(pub_b, "de9edb7d7b7dc1b4d35b61c2ece435373f8343c85b78674dadfc7e146f882b4f");
    c->x25519(out, a, pub_b);
    expect_hex(out, shared);
    c->x25519(out, b, pub_a);
    expect_hex(out, shared);
}

/* RFC 7748, section 5.2: each result is the next scalar, each scalar the next point. */
static void climbs_the_ladder(void **unused)
{
    (void)unused;
    const ps_crypto *c = ps_crypto_sodium();
    uint8_t k[32] = {9};
    uint8_t u[32] = {9};
    for (unsigned i = 1; i <= 1000; i++) {
        uint8_t next[32];
        c->x25519(next, k, u);
        memcpy(u, k, 32);
        memcpy(k, next, 32);
        if (i == 1) {
            expect_hex(k, "422c8e7a6227d7bca1350b3e2bb7279f7897b87bb6854b783c60e80311ae3079");
        }
    }
    expect_hex(k, "684cf59ba83309552800ef566f2f4d3c1c3887c49360e3875f2eb94d99532c51");
}

/* The points of order 1, 2, 4 and 8, those above the prime too. */
static void low_order_gives_zeros(void **unused)
{
    (void)unused;
    static const char *const points[] = {
        "0000000000000000000000000000000000000000000000000000000000000000",
        "0100000000000000000000000000000000000000000000000000000000000000",
        "e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800",
        "5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157",
        "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "0000000000000000000000000000000000000000000000000000000000000080",
    };
    static const uint8_t zeros[32] = {0};
    const ps_crypto *c = ps_crypto_sodium();
    for (size_t i = 0; i < sizeof points / sizeof points[0]; i++) {
        uint8_t secret[32];
        uint8_t point[32];
        uint8_t out[32];
        memset(secret, 0x5a, sizeof secret);
        memset(out, 0xee, sizeof out);
        from_hex(point, points[i]);
        c->x25519(out, secret, point);
        assert_memory_equal(out, zeros, 32);
    }
}

/* RFC 8439, appendix A.5, whose nonce is of our form. */
static void seals_as_the_rfc_says(void **unused)
{
    (void)unused;
    static const char clear[] =
        "Internet-Drafts are draft documents valid for a maximum of six months and may be updated, "
        "replaced, or obsoleted by other documents at any time. It is inappropriate to use "
        "Internet-Drafts as reference material or to cite them other than as "
        "/\xe2\x80\x9cwork in progress./\xe2\x80\x9d";
    const uint64_t nonce = UINT64_C(0x0807060504030201);
    const ps_crypto *c = ps_crypto_sodium();
    uint8_t key[32];
    uint8_t ad[12];
    uint8_t text[sizeof clear - 1];
    uint8_t tag[PS_TAG_BYTES];
    from_hex(key, "1c9240a5eb55d38af333888604f6b5f0473917c1402b80099dca5cbc207075c0");
    from_hex(ad, "f33388860000000000004e91");
    memcpy(text, clear, sizeof text);
    c->seal(key, nonce, ad, sizeof ad, text, sizeof text, tag);
    expect_hex(text, "64a0861575861af460f062c79be643bd5e805cfd345cf389f108670ac76c8cb2"
                     "4c6cfc18755d43eea09ee94e382d26b0bdb7b73c321b0100d4f03b7f355894cf"
                     "332f830e710b97ce98c8a84abd0b948114ad176e008d33bd60f982b1ff37c855"
                     "9797a06ef4f0ef61c186324e2b3506383606907b6a7c02b0f9f6157b53c867e4"
                     "b9166c767b804d46a59b5216cde7a4e99040c5a40433225ee282a1b0a06c523e"
                     "af4534d7f83fa1155b0047718cbc546a0d072b04b3564eea1b422273f548271a"
                     "0bb2316053fa76991955ebd63159434ecebb4e466dae5a1073a6727627097a10"
                     "49e617d91d361094fa68f0ff77987130305beaba2eda04df997b714d6c6f2c29"
                     "a6ad5cb4022b02709b");
    expect_hex(tag, "eead9d67890cbb22392336fea1851f38");
    assert_true(c->open(key, nonce, ad, sizeof ad, text, sizeof text, tag));
    assert_memory_equal(text, clear, sizeof text);
}

static void fill(uint8_t *p, size_t len, unsigned seed)
{
    for (size_t i = 0; i < len; i++) {
        p[i] = (uint8_t)(i * 29u + seed);
    }
}

#if !defined(PS_MSAN)
/* The same by OpenSSL: text becomes ciphertext, with its tag behind it. */
static void seal_by_openssl(const uint8_t key[32], const uint8_t nonce[12], const uint8_t *ad,
                            size_t ad_len, uint8_t *text, size_t len)
{
    int n;
    EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
    assert_int_equal(EVP_EncryptInit_ex(ctx, EVP_chacha20_poly1305(), NULL, key, nonce), 1);
    assert_int_equal(EVP_EncryptUpdate(ctx, NULL, &n, ad, (int)ad_len), 1);
    assert_int_equal(EVP_EncryptUpdate(ctx, text, &n, text, (int)len), 1);
    assert_int_equal(EVP_EncryptFinal_ex(ctx, text + len, &n), 1);
    assert_int_equal(EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_GET_TAG, PS_TAG_BYTES, text + len), 1);
    EVP_CIPHER_CTX_free(ctx);
}

static void seals_as_openssl_at_each_length(void **unused)
{
    (void)unused;
    const ps_crypto *c = ps_crypto_sodium();
    uint8_t key[32];
    uint8_t ad[40];
    fill(key, sizeof key, 3);
    fill(ad, sizeof ad, 90);
    for (size_t len = 0; len <= 300; len++) {
        const size_t ad_len = len % (sizeof ad + 1);
        uint8_t nonce[12] = {0, 0, 0, 0, 0xf0, 0xde, 0xbc, 0x9a, 0x78, 0x56, 0x34, (uint8_t)len};
        const uint64_t number = (uint64_t)(uint8_t)len << 56 | UINT64_C(0x3456789abcdef0);
        uint8_t expected[300 + PS_TAG_BYTES];
        uint8_t text[300 + PS_TAG_BYTES];
        fill(expected, len, 7);
        memcpy(text, expected, len);
        seal_by_openssl(key, nonce, ad, ad_len, expected, len);
        c->seal(key, number, ad_len == 0 ? NULL : ad, ad_len, text, len, text + len);
        assert_memory_equal(text, expected, len + PS_TAG_BYTES);
    }
}
#endif

/* One flipped bit of anything that goes in, and it is not genuine. */
static void refuses_what_was_changed(void **unused)
{
    (void)unused;
    enum { KEY = 0, NONCE = 32, AD = 40, TEXT = 53, TAG = 110, ALL = TAG + PS_TAG_BYTES };
    const ps_crypto *c = ps_crypto_sodium();
    uint8_t good[ALL];
    uint64_t nonce;
    fill(good, sizeof good, 11);
    memcpy(&nonce, good + NONCE, 8);
    c->seal(good, nonce, good + AD, TEXT - AD, good + TEXT, TAG - TEXT, good + TAG);
    for (size_t bit = 0; bit <= (size_t)8 * ALL; bit++) {
        uint8_t bad[ALL + 1];
        memcpy(bad, good, ALL);
        bad[bit / 8] = (uint8_t)((bit < (size_t)8 * ALL ? good[bit / 8] : 0) ^ 1u << bit % 8);
        memcpy(&nonce, bad + NONCE, 8);
        assert_int_equal(
            c->open(bad, nonce, bad + AD, TEXT - AD, bad + TEXT, TAG - TEXT, bad + TAG),
            bit == (size_t)8 * ALL);
    }
}

static void hashes(void **unused)
{
    (void)unused;
    const ps_crypto *c = ps_crypto_sodium();
    ps_sha256 state;
    uint8_t digest[32];
    c->sha256_init(&state);
    c->sha256_update(&state, "abc", 3);
    c->sha256_final(&state, digest);
    expect_hex(digest, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

static void names_its_version(void **unused)
{
    (void)unused;
    assert_int_equal(ps_crypto_sodium()->size, sizeof(ps_crypto));
    assert_int_equal(ps_crypto_sodium()->kind, PS_CRYPTO_REAL);
    assert_ptr_equal(ps_crypto_sodium(), ps_crypto_sodium());
}

/* Files are hashed with whatever crypto a host has: no one may be the slower. */
static void hashes_as_openssl_does(void **unused)
{
    (void)unused;
    const ps_crypto *s = ps_crypto_sodium();
    const ps_crypto *o = ps_crypto_openssl();
    assert_true(s->sha256_init == o->sha256_init && s->sha256_update == o->sha256_update);
    assert_true(s->sha256_final == o->sha256_final && s->sha256_blocks == o->sha256_blocks);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(agrees_as_the_rfc_says),
        cmocka_unit_test(climbs_the_ladder),
        cmocka_unit_test(low_order_gives_zeros),
        cmocka_unit_test(seals_as_the_rfc_says),
#if !defined(PS_MSAN)
        cmocka_unit_test(seals_as_openssl_at_each_length),
#endif
        cmocka_unit_test(refuses_what_was_changed),
        cmocka_unit_test(hashes),
        cmocka_unit_test(names_its_version),
        cmocka_unit_test(hashes_as_openssl_does),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
