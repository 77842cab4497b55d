/* The simulator's stand-ins bind whatever the real algorithms bind. */
#include "unit.h"

#include "peersync/sim.h"

#include <string.h>

/* Different in each byte and for each seed. */
static void fill(uint8_t *p, size_t len, unsigned seed)
{
    for (size_t i = 0; i < len; i++) {
        p[i] = (uint8_t)(i * 29u + seed);
    }
}

static void flip(uint8_t *p, size_t bit)
{
    p[bit / 8] = (uint8_t)(p[bit / 8] ^ 1u << bit % 8);
}

static void digest_of(const void *data, size_t len, size_t split, uint8_t digest[32])
{
    const ps_crypto *c = ps_sim_crypto();
    const uint8_t *p = data;
    ps_sha256 s;
    c->sha256_init(&s);
    for (size_t at = 0; at < len; at += split) {
        c->sha256_update(&s, p + at, len - at < split ? len - at : split);
    }
    c->sha256_final(&s, digest);
}

/* Any split gives the same; every bit and every length gives another. */
static void digests_tell_bytes_apart(void **unused)
{
    (void)unused;
    uint8_t bytes[100] = {0};
    uint8_t zeros[32];
    uint8_t digest[32];
    uint8_t before[32] = {0};
    digest_of(bytes, sizeof bytes, sizeof bytes, zeros);
    for (size_t bit = 0; bit < 8 * sizeof bytes; bit++) {
        flip(bytes, bit);
        digest_of(bytes, sizeof bytes, sizeof bytes, digest);
        flip(bytes, bit);
        assert_memory_not_equal(digest, zeros, 32);
    }
    for (size_t len = 0; len <= sizeof bytes; len++) {
        uint8_t whole[32];
        digest_of(bytes, len, sizeof bytes, whole);
        digest_of(bytes, len, 7, digest);
        assert_memory_equal(digest, whole, 32);
        assert_memory_not_equal(whole, before, 32);
        memcpy(before, whole, 32);
    }
}

static void two_agree(void **unused)
{
    (void)unused;
    const ps_crypto *c = ps_sim_crypto();
    static const uint8_t zeros[32] = {0};
    for (unsigned i = 0; i < 100; i++) {
        uint8_t a[32], b[32], pub_a[32], pub_b[32], ab[32], ba[32];
        fill(a, sizeof a, i);
        fill(b, sizeof b, i + 100);
        c->x25519_public(pub_a, a);
        c->x25519_public(pub_b, b);
        c->x25519(ab, a, pub_b);
        c->x25519(ba, b, pub_a);
        assert_memory_equal(ab, ba, 32);
        assert_memory_not_equal(ab, zeros, 32);
        assert_memory_not_equal(pub_a, pub_b, 32);
    }
}

/* Another bit of the secret: another key, another shared secret. */
static void every_bit_of_a_secret_counts(void **unused)
{
    (void)unused;
    const ps_crypto *c = ps_sim_crypto();
    uint8_t a[32], b[32], pub[32], pub_b[32], shared[32];
    fill(a, sizeof a, 1);
    fill(b, sizeof b, 2);
    c->x25519_public(pub, a);
    c->x25519_public(pub_b, b);
    c->x25519(shared, a, pub_b);
    for (size_t bit = 0; bit < 8 * sizeof a; bit++) {
        uint8_t other[32];
        flip(a, bit);
        c->x25519_public(other, a);
        assert_memory_not_equal(other, pub, 32);
        c->x25519(other, a, pub_b);
        assert_memory_not_equal(other, shared, 32);
        flip(a, bit);
    }
}

static void expect_zeros(const uint8_t point[32])
{
    static const uint8_t zeros[32] = {0};
    uint8_t secret[32], out[32];
    fill(secret, sizeof secret, 77);
    memset(out, 0xee, sizeof out);
    ps_sim_crypto()->x25519(out, secret, point);
    assert_memory_equal(out, zeros, 32);
}

/* Points of low order with whatever follows, and keys of which a bit was changed. */
static void bad_points_give_zeros(void **unused)
{
    (void)unused;
    uint8_t point[32] = {0};
    expect_zeros(point);
    point[0] = 1;
    expect_zeros(point);
    memset(point, 0xff, sizeof point);
    expect_zeros(point);
    uint8_t secret[32];
    fill(secret, sizeof secret, 5);
    ps_sim_crypto()->x25519_public(point, secret);
    for (size_t bit = 0; bit < 8 * sizeof point; bit++) {
        flip(point, bit);
        expect_zeros(point);
        flip(point, bit);
    }
}

/* One flipped bit of anything that goes in, and it is not genuine. */
static void refuses_what_was_changed(void **unused)
{
    (void)unused;
    const ps_crypto *c = ps_sim_crypto();
    const uint64_t nonce = 5;
    for (size_t len = 0; len <= 60; len += 5) {
        uint8_t key[32], ad[13], text[60], tag[PS_TAG_BYTES];
        struct {
            uint8_t *bytes;
            size_t len;
        } parts[] = {{key, sizeof key}, {ad, sizeof ad}, {text, len}, {tag, sizeof tag}};
        fill(key, sizeof key, 1);
        fill(ad, sizeof ad, 2);
        fill(text, sizeof text, 3);
        c->seal(key, nonce, ad, sizeof ad, text, len, tag);
        assert_true(c->open(key, nonce, ad, sizeof ad, text, len, tag));
        for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
            for (size_t bit = 0; bit < 8 * parts[i].len; bit++) {
                flip(parts[i].bytes, bit);
                assert_false(c->open(key, nonce, ad, sizeof ad, text, len, tag));
                flip(parts[i].bytes, bit);
            }
        }
        for (unsigned bit = 0; bit < 64; bit++) {
            const uint64_t other = nonce ^ UINT64_C(1) << bit;
            assert_false(c->open(key, other, ad, sizeof ad, text, len, tag));
        }
        assert_true(c->open(key, nonce, ad, sizeof ad, text, len, tag));
    }
}

/* Zeros at an end are not lost, and nothing slips from the text into the associated data. */
static void binds_lengths(void **unused)
{
    (void)unused;
    const ps_crypto *c = ps_sim_crypto();
    const uint8_t key[32] = {0};
    uint8_t zeros[24] = {0};
    uint8_t tag[PS_TAG_BYTES];
    c->seal(key, 0, NULL, 0, zeros, 8, tag);
    for (size_t ad_len = 0; ad_len <= 16; ad_len++) {
        for (size_t len = 0; len <= 24; len++) {
            assert_int_equal(c->open(key, 0, zeros, ad_len, zeros, len, tag),
                             ad_len == 0 && len == 8);
        }
    }
}

/* As documented: nobody shall take it for encryption. */
static void hides_nothing(void **unused)
{
    (void)unused;
    uint8_t text[] = "readable";
    const uint8_t key[32] = {0};
    uint8_t tag[PS_TAG_BYTES];
    ps_sim_crypto()->seal(key, 0, NULL, 0, text, sizeof text, tag);
    assert_string_equal((const char *)text, "readable");
}

/* The same bytes on every machine: traces are compared across word sizes and byte orders. The
 * digest was computed apart from this code, with numbers of any size. */
static void is_the_same_everywhere(void **unused)
{
    (void)unused;
    static const uint8_t expected[32] = {
        0x47, 0xd9, 0xd7, 0xd2, 0x9c, 0xac, 0x7c, 0x0c, 0x7a, 0x5e, 0x9f,
        0xd5, 0x3e, 0xed, 0xc2, 0x69, 0xeb, 0x07, 0xc4, 0xb7, 0x26, 0x5d,
        0xea, 0x70, 0x92, 0x37, 0x39, 0xde, 0xeb, 0x6b, 0x86, 0x64,
    };
    const ps_crypto *c = ps_sim_crypto();
    uint8_t a[32], b[32], point[32], all[32 + 32 + PS_TAG_BYTES], digest[32];
    fill(a, sizeof a, 1);
    fill(b, sizeof b, 2);
    c->x25519_public(all, a);
    c->x25519_public(point, b);
    c->x25519(all + 32, a, point);
    c->seal(all + 32, 7, a, 11, b, sizeof b, all + 64);
    digest_of(all, sizeof all, sizeof all, digest);
    assert_memory_equal(digest, expected, 32);
}

static void names_its_version(void **unused)
{
    (void)unused;
    assert_int_equal(ps_sim_crypto()->size, sizeof(ps_crypto));
    assert_int_equal(ps_sim_crypto()->kind, PS_CRYPTO_STAND_IN);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(digests_tell_bytes_apart),
        cmocka_unit_test(two_agree),
        cmocka_unit_test(every_bit_of_a_secret_counts),
        cmocka_unit_test(bad_points_give_zeros),
        cmocka_unit_test(refuses_what_was_changed),
        cmocka_unit_test(binds_lengths),
        cmocka_unit_test(hides_nothing),
        cmocka_unit_test(is_the_same_everywhere),
        cmocka_unit_test(names_its_version),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
