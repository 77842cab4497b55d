#include "unit.h"

#include "peersync/crypto_openssl.h"
#include "peersyncd/credentials.h"

#include <string.h>

static ps_span span(const char *text)
{
    return (ps_span){(const uint8_t *)text, strlen(text)};
}

static const uint8_t salt[PS_CREDENTIALS_SALT] = {1, 2, 3};

static ps_credentials sealed(const char *text, const ps_crypto *crypto)
{
    ps_credentials table;
    ps_credentials_fault fault;
    assert_true(ps_credentials_parse(span(text), &table, &fault));
    ps_credentials_seal(&table, crypto, salt);
    return table;
}

static void only_the_right_pair_is_admitted(void **state)
{
    (void)state;
    ps_credentials c = sealed("alice password123\nbob pw\n", ps_crypto_openssl());
    assert_true(ps_credentials_verify(&c, span("alice"), span("password123")));
    assert_true(ps_credentials_verify(&c, span("bob"), span("pw")));
    assert_false(ps_credentials_verify(&c, span("alice"), span("pw")));
    assert_false(ps_credentials_verify(&c, span("alice"), span("password12")));
    assert_false(ps_credentials_verify(&c, span("alice"), span("password1234")));
    assert_false(ps_credentials_verify(&c, span("alice"), span("")));
    assert_false(ps_credentials_verify(&c, span("carol"), span("pw")));
    assert_false(ps_credentials_verify(&c, span(""), span("")));
    assert_false(ps_credentials_verify(&c, span(""), (ps_span){NULL, 0}));
    ps_credentials_free(&c);
}

/* Zeros behind a word are not the word's padding. */
static void padding_is_not_a_password(void **state)
{
    (void)state;
    ps_credentials c = sealed("a pw\n", ps_crypto_openssl());
    const uint8_t zeros[] = {'p', 'w', 0, 0};
    assert_false(ps_credentials_verify(&c, span("a"), (ps_span){zeros, 3}));
    assert_false(ps_credentials_verify(&c, span("a"), (ps_span){zeros, 4}));
    assert_true(ps_credentials_verify(&c, span("a"), (ps_span){zeros, 2}));
    ps_credentials_free(&c);
}

static void long_passwords_differ_behind_the_cut(void **state)
{
    (void)state;
    char line[PS_PASSWORD_MAX + 4] = "a ";
    uint8_t longer[PS_PASSWORD_MAX + 1];
    memset(line + 2, 'x', PS_PASSWORD_MAX);
    memset(longer, 'x', sizeof longer);
    ps_credentials c = sealed(line, ps_crypto_openssl());
    assert_true(ps_credentials_verify(&c, span("a"), (ps_span){longer, PS_PASSWORD_MAX}));
    assert_false(ps_credentials_verify(&c, span("a"), (ps_span){longer, PS_PASSWORD_MAX + 1}));
    ps_credentials_free(&c);
}

static void sealing_leaves_no_password_behind(void **state)
{
    (void)state;
    ps_credentials c = sealed("alice password123\n", ps_crypto_openssl());
    const char *text = "password123";
    for (size_t at = 0; at + strlen(text) <= c.text_len; at++) {
        assert_memory_not_equal(c.text + at, text, strlen(text));
    }
    assert_non_null(ps_credentials_find(&c, span("alice")));
    ps_credentials_free(&c);
}

/* A crypto that counts what is asked of it. */
static size_t digests;
static size_t digested;

static void counting_init(ps_sha256 *s)
{
    digests++;
    ps_crypto_openssl()->sha256_init(s);
}

static void counting_update(ps_sha256 *s, const void *data, size_t len)
{
    digested += len;
    ps_crypto_openssl()->sha256_update(s, data, len);
}

static void counting_final(ps_sha256 *s, uint8_t digest[32])
{
    ps_crypto_openssl()->sha256_final(s, digest);
}

static void every_refusal_costs_the_same_work(void **state)
{
    (void)state;
    const ps_crypto counting = {.size = sizeof counting,
                                .sha256_init = counting_init,
                                .sha256_update = counting_update,
                                .sha256_final = counting_final};
    ps_credentials c = sealed("alice password123\nbob pw\n", &counting);
    static const char *const tries[][2] = {{"alice", "password123"},
                                           {"alice", "x"},
                                           {"nobody", "x"},
                                           {"", ""},
                                           {"a user name of some length", "and a long password"}};
    size_t expected = 0;
    for (size_t i = 0; i < sizeof tries / sizeof tries[0]; i++) {
        digests = digested = 0;
        ps_credentials_verify(&c, span(tries[i][0]), span(tries[i][1]));
        assert_int_equal(digests, 1);
        expected = i == 0 ? digested : expected;
        assert_int_equal(digested, expected);
    }
    ps_credentials_free(&c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_the_right_pair_is_admitted),
        cmocka_unit_test(padding_is_not_a_password),
        cmocka_unit_test(long_passwords_differ_behind_the_cut),
        cmocka_unit_test(sealing_leaves_no_password_behind),
        cmocka_unit_test(every_refusal_costs_the_same_work),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
