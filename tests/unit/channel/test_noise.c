#include "unit.h"

#include "../../vectors/noise_nx.h"
#include "channel/noise.h"
#include "exact.h"
#include "hex.h"
#include "peersync/crypto_sodium.h"

#include <stdlib.h>
#include <string.h>

#define MESSAGE_MAX 256u

typedef struct vector {
    const char *payload, *message;
} vector;

#define VECTOR(payload, message) {payload, message},
static const vector vectors[] = {PS_NOISE_NX_MESSAGES(VECTOR)};
#define VECTOR_COUNT (sizeof vectors / sizeof vectors[0])

/* The keys of the vectors, and a handshake up to the second message. */
typedef struct world {
    uint8_t client_ephemeral[PS_KEY_BYTES], server_ephemeral[PS_KEY_BYTES];
    uint8_t secret[PS_KEY_BYTES], public_key[PS_KEY_BYTES];
    ps_noise client, server;
    uint8_t first[MESSAGE_MAX], second[MESSAGE_MAX];
    size_t first_len, second_len;
} world;

static ps_noise begun(const char *prologue_hex)
{
    uint8_t prologue[64];
    ps_noise n;
    memset(&n, 0xee, sizeof n);
    const size_t len = hex_bytes(prologue_hex, prologue, sizeof prologue);
    ps_noise_begin(ps_crypto_sodium(), &n, (ps_span){prologue, len});
    return n;
}

/* With the payloads of the vectors. */
static world made(void)
{
    const ps_crypto *c = ps_crypto_sodium();
    world w = {0};
    uint8_t bytes[64];
    ps_span got;
    hex_bytes(PS_NOISE_NX_CLIENT_EPHEMERAL, w.client_ephemeral, PS_KEY_BYTES);
    hex_bytes(PS_NOISE_NX_SERVER_EPHEMERAL, w.server_ephemeral, PS_KEY_BYTES);
    hex_bytes(PS_NOISE_NX_SERVER_SECRET, w.secret, PS_KEY_BYTES);
    c->x25519_public(w.public_key, w.secret);
    w.client = begun(PS_NOISE_NX_PROLOGUE);
    w.server = begun(PS_NOISE_NX_PROLOGUE);
    size_t len = hex_bytes(vectors[0].payload, bytes, sizeof bytes);
    ps_noise_write_first(c, &w.client, w.client_ephemeral, (ps_span){bytes, len}, w.first);
    w.first_len = PS_NOISE_FIRST_BYTES + len;
    assert_true(ps_noise_read_first(c, &w.server, (ps_span){w.first, w.first_len}, &got));
    assert_true(span_equal(got, (ps_span){bytes, len}));
    len = hex_bytes(vectors[1].payload, bytes, sizeof bytes);
    assert_true(ps_noise_write_second(c, &w.server, w.server_ephemeral, w.secret, w.public_key,
                                      (ps_span){bytes, len}, w.second));
    w.second_len = PS_NOISE_SECOND_BYTES + len;
    return w;
}

/* Reads a copy of exactly its size; the client that refuses is as it was. */
static bool reads(world *w, const ps_crypto *c, const uint8_t *message, size_t len)
{
    const ps_noise before = w->client;
    uint8_t *exact = exact_copy(message, len);
    uint8_t key[PS_KEY_BYTES] = {0};
    const uint8_t untouched[PS_KEY_BYTES] = {0};
    uint8_t bytes[64];
    ps_span payload = {NULL, 0};
    const bool good = ps_noise_read_second(c, &w->client, exact, len, key, &payload);
    if (good) {
        const size_t n = hex_bytes(vectors[1].payload, bytes, sizeof bytes);
        assert_true(span_equal(payload, (ps_span){bytes, n}));
        assert_memory_equal(key, w->public_key, sizeof key);
    } else {
        assert_memory_equal(&w->client, &before, sizeof before);
        assert_memory_equal(key, untouched, sizeof key);
        assert_null(payload.data);
    }
    free(exact);
    return good;
}

static void the_vectors_in_both_roles(void **state)
{
    (void)state;
    const ps_crypto *c = ps_crypto_sodium();
    world w = made();
    assert_true(hex_equal(vectors[0].message, w.first, w.first_len));
    assert_true(hex_equal(vectors[1].message, w.second, w.second_len));
    assert_true(reads(&w, c, w.second, w.second_len));
    assert_true(hex_equal(PS_NOISE_NX_HANDSHAKE_HASH, w.client.hash, PS_HASH_BYTES));
    assert_true(hex_equal(PS_NOISE_NX_HANDSHAKE_HASH, w.server.hash, PS_HASH_BYTES));
    uint8_t keys[2][32];
    uint8_t same[2][32];
    ps_noise_split(c, &w.client, keys[0], keys[1]);
    ps_noise_split(c, &w.server, same[0], same[1]);
    assert_memory_equal(keys, same, sizeof keys);
    for (size_t i = 2; i < VECTOR_COUNT; i++) {
        uint8_t text[MESSAGE_MAX];
        uint8_t plain[MESSAGE_MAX];
        const size_t len = hex_bytes(vectors[i].payload, text, sizeof text - PS_TAG_BYTES);
        memcpy(plain, text, len);
        c->seal(keys[i % 2], (i - 2) / 2, NULL, 0, text, len, text + len);
        assert_true(hex_equal(vectors[i].message, text, len + PS_TAG_BYTES));
        assert_true(c->open(keys[i % 2], (i - 2) / 2, NULL, 0, text, len, text + len));
        assert_memory_equal(text, plain, len);
    }
}

static void payloads_may_be_empty(void **state)
{
    (void)state;
    const ps_crypto *c = ps_crypto_sodium();
    world w = made();
    uint8_t first[PS_NOISE_FIRST_BYTES];
    uint8_t second[PS_NOISE_SECOND_BYTES];
    uint8_t key[PS_KEY_BYTES];
    ps_span got;
    w.client = begun("");
    w.server = begun("");
    ps_noise_write_first(c, &w.client, w.client_ephemeral, (ps_span){NULL, 0}, first);
    assert_true(ps_noise_read_first(c, &w.server, (ps_span){first, sizeof first}, &got));
    assert_int_equal(got.len, 0);
    assert_true(ps_noise_write_second(c, &w.server, w.server_ephemeral, w.secret, w.public_key,
                                      (ps_span){NULL, 0}, second));
    assert_true(ps_noise_read_second(c, &w.client, second, sizeof second, key, &got));
    assert_int_equal(got.len, 0);
    assert_memory_equal(key, w.public_key, sizeof key);
    assert_memory_equal(w.client.hash, w.server.hash, PS_HASH_BYTES);
}

static void every_bit_of_the_second_message_counts(void **state)
{
    (void)state;
    world w = made();
    for (size_t bit = 0; bit < 8 * w.second_len; bit++) {
        w.second[bit / 8] ^= (uint8_t)(1u << bit % 8);
        assert_false(reads(&w, ps_crypto_sodium(), w.second, w.second_len));
        w.second[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
    assert_true(reads(&w, ps_crypto_sodium(), w.second, w.second_len));
}

/* The first message is in the clear, and yet nobody can change it unnoticed. */
static void every_bit_of_the_first_message_counts(void **state)
{
    (void)state;
    const ps_crypto *c = ps_crypto_sodium();
    world w = made();
    for (size_t bit = 0; bit < 8 * w.first_len; bit++) {
        ps_noise server = begun(PS_NOISE_NX_PROLOGUE);
        uint8_t second[PS_NOISE_SECOND_BYTES];
        ps_span got;
        w.first[bit / 8] ^= (uint8_t)(1u << bit % 8);
        assert_true(ps_noise_read_first(c, &server, (ps_span){w.first, w.first_len}, &got));
        w.first[bit / 8] ^= (uint8_t)(1u << bit % 8);
        if (ps_noise_write_second(c, &server, w.server_ephemeral, w.secret, w.public_key,
                                  (ps_span){NULL, 0}, second)) {
            assert_false(reads(&w, c, second, sizeof second));
        }
    }
    assert_true(reads(&w, c, w.second, w.second_len));
}

static void the_prologue_counts(void **state)
{
    (void)state;
    world w = made();
    const ps_noise client = w.client;
    w.client = begun("4a6f686e2047616c75");
    ps_noise_write_first(ps_crypto_sodium(), &w.client, w.client_ephemeral, (ps_span){NULL, 0},
                         w.first);
    assert_false(reads(&w, ps_crypto_sodium(), w.second, w.second_len));
    w.client = client;
    assert_true(reads(&w, ps_crypto_sodium(), w.second, w.second_len));
}

static void messages_of_other_lengths_are_refused(void **state)
{
    (void)state;
    const ps_crypto *c = ps_crypto_sodium();
    world w = made();
    for (size_t n = 0; n <= w.second_len + 40; n++) {
        if (n != w.second_len) {
            assert_false(reads(&w, c, w.second, n));
        }
    }
    assert_true(reads(&w, c, w.second, w.second_len));
    for (size_t n = 0; n <= w.first_len; n++) {
        ps_noise server = begun(PS_NOISE_NX_PROLOGUE);
        const ps_noise before = server;
        uint8_t *exact = exact_copy(w.first, n);
        ps_span got;
        assert_int_equal(ps_noise_read_first(c, &server, (ps_span){exact, n}, &got), n >= 32);
        if (n < 32) {
            assert_memory_equal(&server, &before, sizeof before);
        } else {
            assert_int_equal(got.len, n - 32);
        }
        free(exact);
    }
}

/* Points whose product with any scalar is zero (curve and twist: orders 1, 2, 4 and 8), and those
 * that are equal to them modulo p. The topmost bit is not a part of a point. */
static const char *const low_order[] = {
    "0000000000000000000000000000000000000000000000000000000000000000",
    "0100000000000000000000000000000000000000000000000000000000000000",
    "e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800",
    "5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157",
    "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
};
#define LOW_ORDER_COUNT (2 * sizeof low_order / sizeof low_order[0])

static void low_order_point(size_t i, uint8_t point[PS_KEY_BYTES])
{
    hex_bytes(low_order[i / 2], point, PS_KEY_BYTES);
    point[PS_KEY_BYTES - 1] |= (uint8_t)(i % 2 << 7);
}

static void the_server_refuses_points_of_low_order(void **state)
{
    (void)state;
    const ps_crypto *c = ps_crypto_sodium();
    world w = made();
    static const ps_noise wiped; /* Its padding is zero as well. */
    for (size_t i = 0; i < LOW_ORDER_COUNT; i++) {
        ps_noise server = begun(PS_NOISE_NX_PROLOGUE);
        uint8_t first[PS_NOISE_FIRST_BYTES];
        uint8_t second[PS_NOISE_SECOND_BYTES];
        ps_span got;
        low_order_point(i, first);
        assert_true(ps_noise_read_first(c, &server, (ps_span){first, sizeof first}, &got));
        assert_false(ps_noise_write_second(c, &server, w.server_ephemeral, w.secret, w.public_key,
                                           (ps_span){NULL, 0}, second));
        assert_memory_equal(&server, &wiped, sizeof wiped);
    }
}

/* A server of the test's own, which claims whatever keys and shared secrets it likes. */
typedef struct impostor {
    uint8_t hash[32], chaining[32], key[32];
    uint8_t *at;
} impostor;

static void impostor_mix(impostor *m, const uint8_t *bytes, size_t len)
{
    ps_hash(ps_crypto_sodium(), (ps_span){m->hash, 32}, (ps_span){bytes, len}, m->hash);
}

static void impostor_key(impostor *m, const uint8_t shared[32])
{
    ps_hkdf(ps_crypto_sodium(), m->chaining, (ps_span){shared, 32}, m->chaining, m->key);
}

static void impostor_seal(impostor *m, ps_span text)
{
    uint8_t *const at = m->at;
    memcpy(at, text.data, text.len);
    ps_crypto_sodium()->seal(m->key, 0, m->hash, 32, at, text.len, at + text.len);
    impostor_mix(m, at, text.len + PS_TAG_BYTES);
    m->at += text.len + PS_TAG_BYTES;
}

static void impostor_second(world *w, const uint8_t e[32], const uint8_t ee[32],
                            const uint8_t s[32], const uint8_t es[32])
{
    uint8_t bytes[64];
    impostor m = {.at = w->second};
    const size_t name = hex_bytes(PS_NOISE_NX_PROLOGUE, bytes, sizeof bytes);
    memcpy(m.hash, "Noise_NX_25519_ChaChaPoly_SHA256", 32);
    memcpy(m.chaining, m.hash, 32);
    impostor_mix(&m, bytes, name);
    impostor_mix(&m, w->first, PS_KEY_BYTES);
    impostor_mix(&m, w->first + PS_KEY_BYTES, w->first_len - PS_KEY_BYTES);
    memcpy(m.at, e, PS_KEY_BYTES);
    impostor_mix(&m, e, PS_KEY_BYTES);
    m.at += PS_KEY_BYTES;
    impostor_key(&m, ee);
    impostor_seal(&m, (ps_span){s, PS_KEY_BYTES});
    impostor_key(&m, es);
    const size_t len = hex_bytes(vectors[1].payload, bytes, sizeof bytes);
    impostor_seal(&m, (ps_span){bytes, len});
    assert_int_equal(m.at - w->second, (ptrdiff_t)w->second_len);
}

/* Who sends a point of low order knows the shared secret of it, zero, and so can seal with it. */
static void the_client_refuses_points_of_low_order(void **state)
{
    (void)state;
    const ps_crypto *c = ps_crypto_sodium();
    const uint8_t zero[32] = {0};
    world w = made();
    const world honest = made();
    uint8_t e[32];
    uint8_t ee[32];
    uint8_t es[32];
    c->x25519_public(e, w.server_ephemeral);
    c->x25519(ee, w.server_ephemeral, w.first);
    c->x25519(es, w.secret, w.first);
    /* With honest keys the impostor says what an honest server does. */
    impostor_second(&w, e, ee, w.public_key, es);
    assert_memory_equal(w.second, honest.second, w.second_len);
    for (size_t i = 0; i < LOW_ORDER_COUNT; i++) {
        uint8_t point[32];
        low_order_point(i, point);
        impostor_second(&w, point, zero, w.public_key, es);
        assert_false(reads(&w, c, w.second, w.second_len));
        impostor_second(&w, e, ee, point, zero);
        assert_false(reads(&w, c, w.second, w.second_len));
        impostor_second(&w, point, zero, point, zero);
        assert_false(reads(&w, c, w.second, w.second_len));
    }
    assert_true(reads(&w, c, honest.second, honest.second_len));
}

/* Cryptography whose `zero_at`-th shared secret is zero, as if no library looked at points. */
static unsigned shared_count, zero_at;

static void lax_x25519(uint8_t out[32], const uint8_t secret[PS_KEY_BYTES],
                       const uint8_t point[PS_KEY_BYTES])
{
    ps_crypto_sodium()->x25519(out, secret, point);
    if (shared_count++ == zero_at) {
        memset(out, 0, 32);
    }
}

static void the_core_itself_refuses_zero_at_both_steps_and_ends(void **state)
{
    (void)state;
    ps_crypto lax = *ps_crypto_sodium();
    lax.x25519 = lax_x25519;
    for (zero_at = 0; zero_at < 2; zero_at++) {
        const uint8_t zero[32] = {0};
        world w = made();
        uint8_t e[32];
        uint8_t ee[32];
        uint8_t es[32];
        uint8_t second[PS_NOISE_SECOND_BYTES];
        ps_noise server = begun(PS_NOISE_NX_PROLOGUE);
        ps_span got;
        shared_count = 0;
        assert_true(ps_noise_read_first(&lax, &server, (ps_span){w.first, w.first_len}, &got));
        assert_false(ps_noise_write_second(&lax, &server, w.server_ephemeral, w.secret,
                                           w.public_key, (ps_span){NULL, 0}, second));
        assert_int_equal(shared_count, zero_at + 1);
        /* The client gets a message that is genuine under the zero secret. */
        ps_crypto_sodium()->x25519_public(e, w.server_ephemeral);
        ps_crypto_sodium()->x25519(ee, w.server_ephemeral, w.first);
        ps_crypto_sodium()->x25519(es, w.secret, w.first);
        impostor_second(&w, e, zero_at == 0 ? zero : ee, w.public_key, zero_at == 1 ? zero : es);
        shared_count = 0;
        assert_false(reads(&w, &lax, w.second, w.second_len));
        assert_int_equal(shared_count, zero_at + 1);
    }
}

static void splitting_wipes_the_handshakes_secrets(void **state)
{
    (void)state;
    const ps_crypto *c = ps_crypto_sodium();
    const uint8_t zero[32] = {0};
    world w = made();
    uint8_t keys[2][32];
    assert_true(reads(&w, c, w.second, w.second_len));
    ps_noise_split(c, &w.client, keys[0], keys[1]);
    assert_memory_equal(w.client.chaining, zero, 32);
    assert_memory_equal(w.client.key, zero, 32);
    assert_memory_equal(w.client.ephemeral, zero, 32);
    assert_false(w.client.keyed);
    assert_true(hex_equal(PS_NOISE_NX_HANDSHAKE_HASH, w.client.hash, PS_HASH_BYTES));
    assert_memory_not_equal(keys[0], keys[1], 32);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_vectors_in_both_roles),
        cmocka_unit_test(payloads_may_be_empty),
        cmocka_unit_test(every_bit_of_the_second_message_counts),
        cmocka_unit_test(every_bit_of_the_first_message_counts),
        cmocka_unit_test(the_prologue_counts),
        cmocka_unit_test(messages_of_other_lengths_are_refused),
        cmocka_unit_test(the_server_refuses_points_of_low_order),
        cmocka_unit_test(the_client_refuses_points_of_low_order),
        cmocka_unit_test(the_core_itself_refuses_zero_at_both_steps_and_ends),
        cmocka_unit_test(splitting_wipes_the_handshakes_secrets),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
