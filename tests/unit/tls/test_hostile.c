/* Bytes of strangers: the uploader's side fails cleanly, whatever comes. */
#include "rig.h"

#include <string.h>

typedef struct bytes {
    uint8_t at[60000];
    size_t len;
} bytes;

static void put(bytes *b, const void *from, size_t len)
{
    assert_true(b->len + len <= sizeof b->at);
    memcpy(b->at + b->len, from, len);
    b->len += len;
}

static void put16(bytes *b, size_t value)
{
    const uint8_t two[2] = {(uint8_t)(value >> 8), (uint8_t)value};
    put(b, two, 2);
}

/* The stranger's bytes, then the end. @return the server's words. */
static const char *answer_to(rig *r, const uint8_t *from, size_t len)
{
    rig_ends(r, rig_ticket(r), r->key);
    while (len > 0) {
        size_t n = 0;
        const ps_span part = {from, len};
        assert_int_equal(r->io.write(r->io.ctx, RIG_CLIENT, &part, 1, &n), PS_OK);
        from += n;
        len -= n;
        if (ps_tls_handshake(r->server) == PS_FAILED) {
            break;
        }
    }
    (void)r->io.finish(r->io.ctx, RIG_CLIENT);
    assert_int_equal(ps_tls_handshake(r->server), PS_FAILED);
    assert_int_equal(ps_tls_handshake(r->server), PS_FAILED);
    return ps_tls_error(r->server);
}

static void test_other_protocols(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        size_t len;
    } openings[] = {
        {"GET / HTTP/1.1\r\nHost: x\r\n\r\n", 27},
        {"SSH-2.0-OpenSSH_9.2\r\n", 21},
        {"\x01\x00\x00\x00\x20\x00\x00\x00", 8},
        {"\x80\x2e\x01\x00\x02\x00\x15\x00\x00\x00\x10", 11}, /* SSL 2 */
        {"\x16\x03\x01\xff\xff\x01\x00\xff\xfb", 9},          /* A record of 65535 bytes. */
        {"\x16\x03\x01\x00\x00", 5},
        {"\x15\x03\x03\x00\x02\x02\x28", 7}, /* An alert. */
        {"\x17\x03\x03\x00\x05hello", 10},
        {"\x14\x03\x03\x00\x01\x01", 6},
        {"", 0},
    };
    rig r;
    rig_open(&r);
    for (size_t i = 0; i < sizeof openings / sizeof *openings; i++) {
        const char *words = answer_to(&r, (const uint8_t *)openings[i].text, openings[i].len);
        assert_true(words[0] != '\0');
    }
    assert_string_equal(answer_to(&r, (const uint8_t *)openings[0].text, openings[0].len),
                        "it speaks no TLS");
    assert_int_equal(r.looks, 0);
    rig_close(&r);
}

static void test_noise(void **state)
{
    (void)state;
    rig r;
    uint8_t noise[3000];
    rig_open(&r);
    for (uint64_t seed = 0; seed < 300; seed++) {
        test_random random = test_random_of(seed);
        const size_t len = (size_t)test_random_range(&random, 1, sizeof noise);
        test_random_bytes(&random, noise, len);
        if (seed % 2 == 0) { /* Past the record's header. */
            noise[0] = 0x16;
            noise[1] = 0x03;
            noise[2] = 0x01;
            noise[3] &= 0x07u;
        }
        (void)answer_to(&r, noise, len);
    }
    rig_close(&r);
}

/* A true hello, with each of its bytes changed in turn. The stream is in the middle of a handshake
 * at the most; it never comes to an end. */
static void test_changed_hello(void **state)
{
    (void)state;
    rig r;
    uint8_t hello[2000];
    size_t len = 0;
    rig_open(&r);
    rig_ends(&r, rig_ticket(&r), r.key);
    assert_int_equal(ps_tls_handshake(r.client), PS_AGAIN);
    assert_int_equal(r.io.read(r.io.ctx, RIG_SERVER, hello, sizeof hello, &len), PS_OK);
    assert_in_range(len, 300, sizeof hello - 1);
    for (size_t at = 0; at < len; at++) {
        hello[at] ^= (uint8_t)(1u << at % 8);
        (void)answer_to(&r, hello, len);
        hello[at] ^= (uint8_t)(1u << at % 8);
    }
    rig_close(&r);
}

/* A hello with many identities (RFC 8446, section 4.2.11); no binder of theirs is any good. */
static void crowded_hello(bytes *b, unsigned identities)
{
    static const uint8_t fixed[] = {
        0x00, 0x02, 0x13, 0x01, 0x01, 0x00, /* One cipher, no compression. */
    };
    static const uint8_t extensions[] = {
        0x00, 0x2b, 0x00, 0x03, 0x02, 0x03, 0x04,                   /* TLS 1.3 */
        0x00, 0x0a, 0x00, 0x04, 0x00, 0x02, 0x00, 0x1d,             /* X25519 */
        0x00, 0x0d, 0x00, 0x04, 0x00, 0x02, 0x04, 0x03,             /* ecdsa_secp256r1_sha256 */
        0x00, 0x2d, 0x00, 0x02, 0x01, 0x01,                         /* psk_dhe_ke */
        0x00, 0x33, 0x00, 0x26, 0x00, 0x24, 0x00, 0x1d, 0x00, 0x20, /* A share of 32 bytes. */
    };
    const size_t identity = 2 + 8 + 4;
    const size_t psk = 2 + identities * identity + 2 + identities * 33;
    const size_t all = sizeof extensions + 32 + 4 + psk;
    const size_t body = 2 + 32 + 1 + sizeof fixed + 2 + all;
    uint8_t share[32];
    memset(share, 9, sizeof share);
    b->len = 0;
    put(b, "\x16\x03\x01", 3);
    put16(b, body + 4);
    put(b, "\x01\x00", 2);
    put16(b, body);
    put(b, "\x03\x03", 2);
    put(b, share, 32);
    put(b, "", 1);
    put(b, fixed, sizeof fixed);
    put16(b, all);
    put(b, extensions, sizeof extensions);
    put(b, share, 32);
    put16(b, 41);
    put16(b, psk);
    put16(b, identities * identity);
    for (unsigned i = 0; i < identities; i++) {
        put16(b, 8);
        put(b, "Zm9vYmFy\0\0\0\0", 12);
    }
    put16(b, identities * 33u);
    for (unsigned i = 0; i < identities; i++) {
        put(b, "\x20", 1);
        put(b, share, 32);
    }
}

/* Each look costs the uploader a seal to open: a hello of hundreds gets a few. */
static void test_many_identities(void **state)
{
    (void)state;
    static bytes b;
    rig r;
    rig_open(&r);
    crowded_hello(&b, 1);
    assert_string_equal(answer_to(&r, b.at, b.len), "its ticket is not good here");
    assert_int_equal(r.looks, 1);
    r.looks = 0;
    crowded_hello(&b, 300);
    assert_string_equal(answer_to(&r, b.at, b.len), "its ticket is not good here");
    assert_in_range(r.looks, 1, 4);
    rig_close(&r);
}

/* Noise after a good handshake, to either side. */
static void test_noise_after_the_handshake(void **state)
{
    (void)state;
    rig r;
    uint8_t noise[400];
    rig_open(&r);
    for (uint64_t seed = 0; seed < 60; seed++) {
        test_random random = test_random_of(seed);
        const size_t len = (size_t)test_random_range(&random, 5, sizeof noise);
        size_t n = 0;
        rig_connect(&r);
        test_random_bytes(&random, noise, len);
        noise[0] = (uint8_t)test_random_range(&random, 0x14, 0x18);
        noise[1] = 0x03;
        noise[2] = 0x03;
        noise[3] = 0;
        noise[4] = (uint8_t)((len - 5) % 256);
        const ps_stream writer = seed % 2 == 0 ? RIG_CLIENT : RIG_SERVER;
        const ps_span part = {noise, len};
        assert_int_equal(r.io.write(r.io.ctx, writer, &part, 1, &n), PS_OK);
        assert_int_equal(r.io.finish(r.io.ctx, writer), PS_OK);
        rig_expect(seed % 2 == 0 ? r.server : r.client, PS_FAILED);
    }
    rig_close(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_other_protocols),
        cmocka_unit_test(test_noise),
        cmocka_unit_test(test_changed_hello),
        cmocka_unit_test(test_many_identities),
        cmocka_unit_test(test_noise_after_the_handshake),
    };
    return cmocka_run_group_tests_name("tls hostile", tests, NULL, NULL);
}
