/* The OpenSSL adapter against the examples of FIPS 180-4 and against itself at every split. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "peersync/crypto_openssl.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

static void digest_of(const void *data, size_t len, uint8_t digest[32])
{
    const ps_crypto *c = ps_crypto_openssl();
    ps_sha256 state;
    c->sha256_init(&state);
    c->sha256_update(&state, data, len);
    c->sha256_final(&state, digest);
}

static void expect_hex(const uint8_t digest[32], const char *hex)
{
    static const char digits[] = "0123456789abcdef";
    char text[65];
    for (size_t i = 0; i < 32; i++) {
        text[2 * i] = digits[digest[i] >> 4];
        text[2 * i + 1] = digits[digest[i] & 15];
    }
    text[64] = '\0';
    assert_string_equal(text, hex);
}

static void known_answers(void **unused)
{
    (void)unused;
    uint8_t digest[32];
    digest_of("", 0, digest);
    expect_hex(digest, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    digest_of("abc", 3, digest);
    expect_hex(digest, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    static const char two[] = "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq";
    digest_of(two, sizeof two - 1, digest);
    expect_hex(digest, "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
}

/* A state is plain memory: copied at any byte, both copies go on to the same digest. */
static void state_is_plain_memory(void **unused)
{
    (void)unused;
    const ps_crypto *c = ps_crypto_openssl();
    uint8_t data[200];
    for (size_t i = 0; i < sizeof data; i++) {
        data[i] = (uint8_t)(i * 7u);
    }
    uint8_t whole[32];
    digest_of(data, sizeof data, whole);
    for (size_t cut = 0; cut <= sizeof data; cut++) {
        ps_sha256 a;
        ps_sha256 b;
        uint8_t digest[32];
        c->sha256_init(&a);
        c->sha256_update(&a, data, cut);
        memcpy(&b, &a, sizeof b);
        memset(&a, 0x55, sizeof a);
        c->sha256_update(&b, data + cut, sizeof data - cut);
        c->sha256_final(&b, digest);
        assert_memory_equal(digest, whole, 32);
    }
}

static void names_its_version(void **unused)
{
    (void)unused;
    assert_int_equal(ps_crypto_openssl()->size, sizeof(ps_crypto));
    assert_int_equal(ps_crypto_openssl()->kind, PS_CRYPTO_REAL);
    assert_ptr_equal(ps_crypto_openssl(), ps_crypto_openssl());
}

static void *hash_blocks(void *unused)
{
    static const size_t lengths[] = {0, 1, 55, 56, 64, 1000, 16384};
    const ps_crypto *c = ps_crypto_openssl();
    uint8_t *data = calloc(70, 16384);
    uint8_t digests[70 * 32 + 1], digest[32];
    (void)unused;
    assert_non_null(data);
    for (size_t i = 0; i < 70u * 16384u; i++) {
        data[i] = (uint8_t)(i * i >> 7);
    }
    for (size_t count = 0; count <= 70; count += count < 10 ? 1 : 6) {
        for (size_t l = 0; l < sizeof lengths / sizeof lengths[0]; l++) {
            memset(digests, 0x5a, sizeof digests);
            c->sha256_blocks(data, lengths[l], count, digests);
            for (size_t i = 0; i < count; i++) {
                digest_of(data + i * lengths[l], lengths[l], digest);
                assert_memory_equal(digests + i * 32, digest, 32);
            }
            assert_int_equal(digests[count * 32], 0x5a);
        }
    }
    free(data);
    return NULL;
}

/* Side by side or one after the other, on any threads: the same digests. */
static void blocks_are_hashed_as_one_by_one(void **unused)
{
    (void)unused;
    if (!ps_crypto_openssl()->sha256_blocks) {
        skip();
    }
    pthread_t threads[4];
    for (size_t i = 0; i < 4; i++) {
        assert_int_equal(pthread_create(&threads[i], NULL, hash_blocks, NULL), 0);
    }
    for (size_t i = 0; i < 4; i++) {
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    }
    (void)hash_blocks(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(known_answers),
        cmocka_unit_test(state_is_plain_memory),
        cmocka_unit_test(names_its_version),
        cmocka_unit_test(blocks_are_hashed_as_one_by_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
