#include "unit.h"

#include "channel/ticket.h"
#include "exact.h"
#include "hex.h"
#include "peersync/crypto_sodium.h"
#include "random.h"

#include <stdlib.h>
#include <string.h>

#define SHORTEST (PS_TICKET_SALT + 1u + 8u + 16u + 16u + PS_TAG_BYTES)

static uint8_t realm[32];
static uint8_t salt[PS_TICKET_SALT];

static int setup(void **state)
{
    (void)state;
    for (uint8_t i = 0; i < sizeof realm; i++) {
        realm[i] = i;
    }
    memcpy(salt, realm, sizeof salt);
    return 0;
}

static ps_ticket ticket_of(const char *user)
{
    ps_ticket t = {.expires_s = 1700000000, .user_len = (uint8_t)strlen(user)};
    memset(t.device, 0xd1, sizeof t.device);
    memset(t.credential, 0xc2, sizeof t.credential);
    memcpy(t.user, user, t.user_len);
    return t;
}

static bool opens(const uint8_t *bytes, size_t len, ps_ticket *t)
{
    uint8_t *exact = exact_copy(bytes, len);
    const bool good = ps_ticket_open(ps_crypto_sodium(), realm, (ps_span){exact, len}, t);
    assert_memory_equal(exact, bytes, len); /* The client's bytes stay as they came. */
    free(exact);
    return good;
}

static void assert_ticket_equal(const ps_ticket *a, const ps_ticket *b)
{
    assert_int_equal(a->expires_s, b->expires_s);
    assert_memory_equal(a->device, b->device, sizeof a->device);
    assert_memory_equal(a->credential, b->credential, sizeof a->credential);
    assert_int_equal(a->user_len, b->user_len);
    assert_memory_equal(a->user, b->user, sizeof a->user);
}

/* Made by Python's hmac and cryptography (OpenSSL). */
static void the_bytes_are_those_of_another_implementation(void **state)
{
    (void)state;
    const ps_ticket t = ticket_of("alice");
    uint8_t out[PS_TICKET_MAX];
    const size_t len = ps_ticket_seal(ps_crypto_sodium(), realm, salt, &t, out);
    assert_true(hex_equal("000102030405060708090a0b0c0d0e0f"
                          "b59ea1ef897e079b00e160c505ede4ac05c3ef0e979d56832240058b38d06796"
                          "470a0ae5cf879d1f0f79d731ce2fbc6f01226ad78c930addcd5d2918f861",
                          out, len));
}

static void users_of_every_length_come_back(void **state)
{
    (void)state;
    test_random r = test_random_of(1);
    for (size_t len = 0; len <= PS_USER_MAX; len++) {
        ps_ticket t = {.expires_s = test_random_u64(&r), .user_len = (uint8_t)len};
        ps_ticket back;
        uint8_t out[PS_TICKET_MAX];
        test_random_bytes(&r, t.device, sizeof t.device);
        test_random_bytes(&r, t.credential, sizeof t.credential);
        test_random_bytes(&r, t.user, len);
        memset(&back, 0xee, sizeof back);
        const size_t n = ps_ticket_seal(ps_crypto_sodium(), realm, salt, &t, out);
        assert_int_equal(n, SHORTEST + len);
        assert_true(opens(out, n, &back));
        assert_ticket_equal(&t, &back);
    }
}

static void every_bit_counts(void **state)
{
    (void)state;
    const ps_ticket t = ticket_of("bob");
    ps_ticket back;
    uint8_t out[PS_TICKET_MAX];
    const size_t len = ps_ticket_seal(ps_crypto_sodium(), realm, salt, &t, out);
    for (size_t bit = 0; bit < 8 * len; bit++) {
        out[bit / 8] ^= (uint8_t)(1u << bit % 8);
        assert_false(opens(out, len, &back));
        out[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
    assert_true(opens(out, len, &back));
}

static void another_realm_is_refused(void **state)
{
    (void)state;
    const ps_ticket t = ticket_of("carol");
    ps_ticket back;
    uint8_t out[PS_TICKET_MAX];
    for (size_t bit = 0; bit < 8 * sizeof realm; bit++) {
        realm[bit / 8] ^= (uint8_t)(1u << bit % 8);
        const size_t len = ps_ticket_seal(ps_crypto_sodium(), realm, salt, &t, out);
        realm[bit / 8] ^= (uint8_t)(1u << bit % 8);
        assert_false(opens(out, len, &back));
    }
}

static void salts_make_tickets_of_their_own(void **state)
{
    (void)state;
    const ps_ticket t = ticket_of("dave");
    uint8_t a[PS_TICKET_MAX];
    uint8_t b[PS_TICKET_MAX];
    const size_t len = ps_ticket_seal(ps_crypto_sodium(), realm, salt, &t, a);
    salt[0] ^= 1;
    assert_int_equal(ps_ticket_seal(ps_crypto_sodium(), realm, salt, &t, b), len);
    salt[0] ^= 1;
    for (size_t i = PS_TICKET_SALT; i + 16 <= len; i += 16) {
        assert_memory_not_equal(a + i, b + i, 16);
    }
}

static void truncated_and_lengthened_ones_are_refused(void **state)
{
    (void)state;
    char user[PS_USER_MAX + 1] = {0};
    memset(user, 'u', PS_USER_MAX);
    const ps_ticket t = ticket_of(user);
    ps_ticket back;
    uint8_t out[2u * PS_TICKET_MAX] = {0};
    const size_t len = ps_ticket_seal(ps_crypto_sodium(), realm, salt, &t, out);
    for (size_t n = 0; n <= sizeof out; n++) {
        assert_int_equal(opens(out, n, &back), n == len);
    }
}

static void random_bytes_are_refused(void **state)
{
    (void)state;
    test_random r = test_random_of(2);
    ps_ticket back;
    for (size_t len = 0; len <= PS_TICKET_MAX + 8; len++) {
        for (int i = 0; i < 20; i++) {
            uint8_t bytes[PS_TICKET_MAX + 8];
            test_random_bytes(&r, bytes, len);
            assert_false(opens(bytes, len, &back));
        }
    }
}

/* A text sealed with the right key, as a later version of a server of this realm might. */
static size_t seal_text(const uint8_t *text, size_t len, uint8_t *out)
{
    uint8_t own[PS_HASH_BYTES];
    ps_derive(ps_crypto_sodium(), realm, "ticket", (ps_span){salt, sizeof salt}, own);
    memcpy(out, salt, sizeof salt);
    memcpy(out + sizeof salt, text, len);
    ps_crypto_sodium()->seal(own, 0, NULL, 0, out + sizeof salt, len, out + sizeof salt + len);
    return sizeof salt + len + PS_TAG_BYTES;
}

static void other_formats_and_lengths_are_refused_though_genuine(void **state)
{
    (void)state;
    uint8_t text[PS_TICKET_MAX] = {1};
    uint8_t out[2u * PS_TICKET_MAX];
    const size_t fixed = SHORTEST - PS_TICKET_SALT - PS_TAG_BYTES;
    ps_ticket back;
    for (size_t len = 0; len <= sizeof text; len++) {
        const size_t n = seal_text(text, len, out);
        assert_int_equal(opens(out, n, &back), len >= fixed && len <= fixed + PS_USER_MAX);
    }
    for (unsigned format = 0; format < 256; format++) {
        text[0] = (uint8_t)format;
        const size_t n = seal_text(text, fixed + 4, out);
        assert_int_equal(opens(out, n, &back), format == 1);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_bytes_are_those_of_another_implementation),
        cmocka_unit_test(users_of_every_length_come_back),
        cmocka_unit_test(every_bit_counts),
        cmocka_unit_test(another_realm_is_refused),
        cmocka_unit_test(salts_make_tickets_of_their_own),
        cmocka_unit_test(truncated_and_lengthened_ones_are_refused),
        cmocka_unit_test(random_bytes_are_refused),
        cmocka_unit_test(other_formats_and_lengths_are_refused_though_genuine),
    };
    return cmocka_run_group_tests(tests, setup, NULL);
}
