#include "unit.h"

#include "peersyncd/credentials.h"

#include <stdio.h>
#include <string.h>

static ps_span span(const char *text)
{
    return (ps_span){(const uint8_t *)text, strlen(text)};
}

static const uint8_t realm[32] = {1, 2, 3};

static ps_credentials sealed(const char *text)
{
    ps_credentials table;
    ps_credentials_fault fault;
    assert_true(ps_credentials_parse(span(text), &table, &fault));
    ps_credentials_seal(&table, realm);
    return table;
}

/* A string that is quick to verify: for tests only. */
static const char *quick(const char *password)
{
    static char out[4][crypto_pwhash_STRBYTES];
    static unsigned next;
    char *made = out[next++ % 4];
    assert_int_equal(crypto_pwhash_str(made, password, strlen(password), crypto_pwhash_OPSLIMIT_MIN,
                                       crypto_pwhash_MEMLIMIT_MIN),
                     0);
    return made;
}

static ps_trial trial_of(const ps_credentials *c, ps_span user, ps_span password)
{
    ps_trial t;
    ps_credentials_trial(c, user, password, &t);
    return t;
}

static bool admits(const ps_credentials *c, ps_span user, ps_span password)
{
    const ps_trial t = trial_of(c, user, password);
    return ps_trial_verdict(&t, ps_password_check(t.stored, password)) == PS_CHECK_RIGHT;
}

static void only_the_right_pair_is_admitted(void **state)
{
    (void)state;
    char file[512];
    snprintf(file, sizeof file, "alice %s\nbob pw\ncarol %s\n", quick("password123"),
             quick("other"));
    ps_credentials c = sealed(file);
    assert_true(admits(&c, span("alice"), span("password123")));
    assert_true(admits(&c, span("bob"), span("pw")));
    assert_true(admits(&c, span("carol"), span("other")));
    assert_false(admits(&c, span("alice"), span("pw")));
    assert_false(admits(&c, span("alice"), span("other")));
    assert_false(admits(&c, span("alice"), span("password12")));
    assert_false(admits(&c, span("alice"), span("password1234")));
    assert_false(admits(&c, span("alice"), span("")));
    assert_false(admits(&c, span("dave"), span("password123")));
    assert_false(admits(&c, span("dave"), span("other")));
    assert_false(admits(&c, span("bob"), span("password123")));
    assert_false(admits(&c, span("bob"), span("other")));
    assert_false(admits(&c, span(""), span("")));
    ps_credentials_free(&c);
}

/* What stands in the file is not the password of a line with an argon2id string. */
static void a_stored_string_does_not_log_in(void **state)
{
    (void)state;
    char file[256];
    const char *stored = quick("password123");
    snprintf(file, sizeof file, "alice %s\n", stored);
    ps_credentials c = sealed(file);
    assert_false(admits(&c, span("alice"), span(stored)));
    ps_credentials_free(&c);
}

/* Zeros behind a word are not the word's padding. */
static void padding_is_not_a_password(void **state)
{
    (void)state;
    ps_credentials c = sealed("a pw\n");
    const uint8_t zeros[] = {'p', 'w', 0, 0};
    assert_false(trial_of(&c, span("a"), (ps_span){zeros, 3}).good);
    assert_false(trial_of(&c, span("a"), (ps_span){zeros, 4}).good);
    assert_true(trial_of(&c, span("a"), (ps_span){zeros, 2}).good);
    ps_credentials_free(&c);
}

static void long_passwords_differ_behind_the_cut(void **state)
{
    (void)state;
    char line[PS_PASSWORD_MAX + 4] = "a ";
    uint8_t longer[PS_PASSWORD_MAX + 1];
    memset(line + 2, 'x', PS_PASSWORD_MAX);
    memset(longer, 'x', sizeof longer);
    ps_credentials c = sealed(line);
    assert_true(trial_of(&c, span("a"), (ps_span){longer, PS_PASSWORD_MAX}).good);
    assert_false(trial_of(&c, span("a"), (ps_span){longer, PS_PASSWORD_MAX + 1}).good);
    ps_credentials_free(&c);
}

static void sealing_leaves_no_password_behind(void **state)
{
    (void)state;
    ps_credentials c = sealed("alice password123\n");
    const char *text = "password123";
    for (size_t at = 0; at + strlen(text) <= c.text_len; at++) {
        assert_memory_not_equal(c.text + at, text, strlen(text));
    }
    assert_non_null(ps_credentials_find(&c, span("alice")));
    ps_credentials_free(&c);
}

/* Unknown users and lines in clear get a string of the file's strength; its result is not asked. */
static void every_refusal_costs_the_same_work(void **state)
{
    (void)state;
    char file[512];
    const char *a = quick("a");
    const char *b = quick("b");
    snprintf(file, sizeof file, "alice %s\nbob %s\ncarol pw\n", a, b);
    ps_credentials c = sealed(file);
    unsigned of_a = 0;
    unsigned of_b = 0;
    for (unsigned i = 0; i < 100; i++) {
        char user[16];
        snprintf(user, sizeof user, "nobody%u", i);
        const ps_trial t = trial_of(&c, span(user), span("x"));
        const ps_trial again = trial_of(&c, span(user), span("y"));
        assert_string_equal(t.stored, again.stored);
        assert_false(t.counts || t.good);
        assert_true(sodium_is_zero(t.credential, sizeof t.credential));
        assert_int_equal(ps_trial_verdict(&t, PS_CHECK_RIGHT), PS_CHECK_WRONG);
        of_a += strcmp(t.stored, a) == 0 ? 1u : 0u;
        of_b += strcmp(t.stored, b) == 0 ? 1u : 0u;
    }
    assert_int_equal(of_a + of_b, 100);
    assert_true(of_a > 0 && of_b > 0);
    const ps_trial plain = trial_of(&c, span("carol"), span("pw"));
    assert_true(strcmp(plain.stored, a) == 0 || strcmp(plain.stored, b) == 0);
    assert_false(plain.counts);
    ps_credentials_free(&c);

    c = sealed("carol pw\n");
    const ps_trial nobody = trial_of(&c, span("dave"), span("pw"));
    assert_string_equal(nobody.stored, ps_password_of_nobody);
    ps_credentials_free(&c);
}

static void without_memory_nobody_is_told_wrong(void **state)
{
    (void)state;
    const ps_trial t = {.good = true};
    assert_int_equal(ps_trial_verdict(&t, PS_CHECK_FAILED), PS_CHECK_FAILED);
}

static const uint8_t *credential_of(const ps_credentials *c, const char *user)
{
    return ps_credentials_find(c, span(user))->credential;
}

static void a_credential_names_what_is_stored(void **state)
{
    (void)state;
    ps_credentials one = sealed("a pw\nb pw\nab c\nabc x\n");
    ps_credentials two = sealed("# moved\nb other\n  a   pw\n");
    assert_memory_equal(credential_of(&one, "a"), credential_of(&two, "a"), PS_CREDENTIAL_BYTES);
    assert_memory_not_equal(credential_of(&one, "b"), credential_of(&two, "b"),
                            PS_CREDENTIAL_BYTES);
    assert_memory_not_equal(credential_of(&one, "a"), credential_of(&one, "b"),
                            PS_CREDENTIAL_BYTES);
    const ps_trial t = trial_of(&one, span("a"), span("wrong"));
    assert_memory_equal(t.credential, credential_of(&one, "a"), PS_CREDENTIAL_BYTES);

    /* Another realm names it otherwise. */
    ps_credentials other;
    ps_credentials_fault fault;
    static const uint8_t other_realm[32] = {9};
    assert_true(ps_credentials_parse(span("a pw\n"), &other, &fault));
    ps_credentials_seal(&other, other_realm);
    assert_memory_not_equal(credential_of(&one, "a"), credential_of(&other, "a"),
                            PS_CREDENTIAL_BYTES);
    ps_credentials_free(&one);
    ps_credentials_free(&two);
    ps_credentials_free(&other);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_the_right_pair_is_admitted),
        cmocka_unit_test(a_stored_string_does_not_log_in),
        cmocka_unit_test(padding_is_not_a_password),
        cmocka_unit_test(long_passwords_differ_behind_the_cut),
        cmocka_unit_test(sealing_leaves_no_password_behind),
        cmocka_unit_test(every_refusal_costs_the_same_work),
        cmocka_unit_test(without_memory_nobody_is_told_wrong),
        cmocka_unit_test(a_credential_names_what_is_stored),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
