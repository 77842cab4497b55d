#include "unit.h"

#include "common/fingerprint.h"

#include <stdio.h>
#include <string.h>

/* The bytes 0 to 31 | openssl dgst -sha256 -binary | base64 */
static const char right[] = "SHA256:Yw3NKWbEM2aRElRIu7JbT/QSpJxzLbLIq8G4WBvXEN0";

static void key_of(uint8_t key[PS_KEY_BYTES])
{
    for (size_t i = 0; i < PS_KEY_BYTES; i++) {
        key[i] = (uint8_t)i;
    }
}

static void it_is_the_hash_of_the_key(void **state)
{
    (void)state;
    uint8_t key[PS_KEY_BYTES];
    key_of(key);
    char out[PS_FINGERPRINT_BYTES];
    ps_fingerprint_format(out, key);
    assert_string_equal(out, right);
}

static void what_a_person_gives_is_compared_exactly(void **state)
{
    (void)state;
    uint8_t key[PS_KEY_BYTES];
    key_of(key);
    char text[128];
    assert_true(ps_fingerprint_matches(right, key));
    assert_true(ps_fingerprint_matches(right + strlen("SHA256:"), key));
    snprintf(text, sizeof text, " \t%s \r\n", right);
    assert_true(ps_fingerprint_matches(text, key));

    for (size_t i = 0; right[i] != '\0'; i++) {
        snprintf(text, sizeof text, "%s", right);
        text[i] ^= 0x20; /* Another case, or another character. */
        assert_false(ps_fingerprint_matches(text, key));
        text[i] = '\0'; /* Cut short. */
        assert_false(ps_fingerprint_matches(text, key));
    }
    snprintf(text, sizeof text, "%s=", right);
    assert_false(ps_fingerprint_matches(text, key));
    assert_false(ps_fingerprint_matches("", key));
    assert_false(ps_fingerprint_matches("SHA256:", key));
    key[31] ^= 1;
    assert_false(ps_fingerprint_matches(right, key));
}

static void the_form_is_checked_without_a_key(void **state)
{
    (void)state;
    assert_true(ps_fingerprint_well_formed(right));
    assert_true(ps_fingerprint_well_formed("  Yw3NKWbEM2aRElRIu7JbT/QSpJxzLbLIq8G4WBvXEN0 "));
    assert_false(ps_fingerprint_well_formed(""));
    assert_false(ps_fingerprint_well_formed("MD5:Yw3NKWbEM2aRElRIu7JbT/QSpJxzLbLIq8G4WBvXEN0"));
    assert_false(ps_fingerprint_well_formed("Yw3NKWbEM2aRElRIu7JbT/QSpJxzLbLIq8G4WBvXEN"));
    assert_false(ps_fingerprint_well_formed("Yw3NKWbEM2aRElRIu7JbT/QSpJxzLbLIq8G4WBvXEN_"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_is_the_hash_of_the_key),
        cmocka_unit_test(what_a_person_gives_is_compared_exactly),
        cmocka_unit_test(the_form_is_checked_without_a_key),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
