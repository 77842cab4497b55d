#include "unit.h"

#include "peersync/base.h"

#include <ctype.h>
#include <string.h>

/* Lower case, no full stop: the text stands in the middle of somebody's sentence. */
static void assert_clause(const char *text)
{
    assert_non_null(text);
    const size_t len = strlen(text);
    assert_true(len > 0);
    assert_false(isupper((unsigned char)text[0]));
    assert_true(text[len - 1] != '.');
}

static void every_code_has_its_words(void **state)
{
    (void)state;
#define CHECK(name, number, what, advice)                                                          \
    assert_int_equal(PS_E_##name, number);                                                         \
    assert_string_equal(ps_error_name(number), #name);                                             \
    assert_string_equal(ps_error_text(number), what);                                              \
    assert_string_equal(ps_error_advice(number), advice);                                          \
    assert_clause(ps_error_text(number));                                                          \
    assert_clause(ps_error_advice(number));
    PS_ERROR_LIST(CHECK)
#undef CHECK
}

/* These stand on the wire and in scripts. */
static void numbers_on_the_wire_stay(void **state)
{
    (void)state;
    assert_int_equal(PS_E_CREDENTIALS, 3);
    assert_int_equal(PS_E_BUSY, 5);
    assert_int_equal(PS_E_BAD_NAME, 10);
    assert_int_equal(PS_E_IO, 39);
    assert_int_equal(PS_E_FILE_TICKET, 41);
    assert_string_equal(ps_error_name(4), "ACTIVE");
}

static void unknown_codes_have_words_too(void **state)
{
    (void)state;
    const unsigned codes[] = {20, 31, 42, 65535, 4294967295u};
    for (size_t i = 0; i < sizeof codes / sizeof codes[0]; i++) {
        assert_string_equal(ps_error_name(codes[i]), "UNKNOWN");
        assert_clause(ps_error_text(codes[i]));
        assert_clause(ps_error_advice(codes[i]));
    }
}

static void every_drop_reason_has_its_words(void **state)
{
    (void)state;
    for (int i = 0; i < PS_DROP_COUNT; i++) {
        const char *name = ps_drop_name((ps_drop)i);
        assert_clause(ps_drop_text((ps_drop)i));
        assert_true(strcmp(name, "unknown") != 0);
        for (const char *c = name; *c != '\0'; c++) {
            assert_true(islower((unsigned char)*c) || *c == '_');
        }
        for (int j = 0; j < i; j++) {
            assert_string_not_equal(name, ps_drop_name((ps_drop)j));
        }
    }
    assert_string_equal(ps_drop_name(PS_DROP_NO_SESSION), "no_session");
    assert_string_equal(ps_drop_text(PS_DROP_EMPTY), "empty datagram");
}

/* The two names of a reason say the same. */
static void drop_names_are_their_constants_in_lower_case(void **state)
{
    (void)state;
#define CHECK(upper, name, text)                                                                   \
    for (size_t i = 0; i <= strlen(#upper); i++) {                                                 \
        assert_int_equal(tolower((unsigned char)#upper[i]), (unsigned char)(name)[i]);             \
    }
    PS_DROP_LIST(CHECK)
#undef CHECK
}

static void reasons_out_of_range_are_unknown(void **state)
{
    (void)state;
    assert_string_equal(ps_drop_name(PS_DROP_COUNT), "unknown");
    assert_string_equal(ps_drop_text(PS_DROP_COUNT), "unknown");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_code_has_its_words),
        cmocka_unit_test(numbers_on_the_wire_stay),
        cmocka_unit_test(unknown_codes_have_words_too),
        cmocka_unit_test(every_drop_reason_has_its_words),
        cmocka_unit_test(drop_names_are_their_constants_in_lower_case),
        cmocka_unit_test(reasons_out_of_range_are_unknown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
