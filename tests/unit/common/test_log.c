#include "unit.h"

#include "common/log.h"

#include <stdlib.h>
#include <string.h>

static const ps_addr addr = {.ip = {127, 0, 0, 1}, .port = 5000, .family = PS_ADDR_V4};

static void a_text_line_has_quotes_where_needed(void **state)
{
    (void)state;
    char out[512];
    const ps_log_field fields[] = {
        PS_F_STRING("user", "alice"), PS_F_STRING("file", "a \"b\" \033"), PS_F_STRING("none", ""),
        PS_F_NUMBER("n", UINT64_MAX), PS_F_ADDR("address", &addr),         PS_F_END};
    const size_t n =
        ps_log_line(out, sizeof out, PS_LOG_TEXT, 1000, PS_LOG_INFO, "session opened", fields);
    assert_string_equal(out, "1970-01-01T00:00:00.001Z info session opened user=alice "
                             "file=\"a \\\"b\\\" \\\\x1b\" none=\"\" n=18446744073709551615 "
                             "address=127.0.0.1:5000\n");
    assert_int_equal(n, strlen(out));
}

/* Or a value could end itself, and what follows would look like fields of the program. */
static void a_backslash_in_quotes_is_escaped(void **state)
{
    (void)state;
    char out[256];
    const ps_log_field fields[] = {PS_F_STRING("file", "a\\\" user=root x=\"\\"), PS_F_END};
    ps_log_line(out, sizeof out, PS_LOG_TEXT, 1000, PS_LOG_INFO, "gone", fields);
    assert_string_equal(out, "1970-01-01T00:00:00.001Z info gone "
                             "file=\"a\\\\\\\" user=root x=\\\"\\\\\"\n");
}

static void a_json_line_is_an_object(void **state)
{
    (void)state;
    char out[512];
    const uint8_t raw[] = {'a', '"', 0xff, '\n'};
    const ps_log_field fields[] = {PS_F_SPAN("user", ((ps_span){raw, sizeof raw})),
                                   PS_F_NUMBER("n", 0), PS_F_ADDR("address", &addr), PS_F_END};
    ps_log_line(out, sizeof out, PS_LOG_JSON, 0, PS_LOG_ERROR, "gone", fields);
    assert_string_equal(out, "{\"time\":\"1970-01-01T00:00:00.000Z\",\"level\":\"error\","
                             "\"message\":\"gone\",\"user\":\"a\\\"\xef\xbf\xbd\\u000a\",\"n\":0,"
                             "\"address\":\"127.0.0.1:5000\"}\n");
    ps_log_line(out, sizeof out, PS_LOG_JSON, 0, PS_LOG_ERROR, "gone", NULL);
    assert_non_null(strstr(out, "\"gone\"}\n"));
}

/* A line that does not fit loses whole fields, never its end. */
static void a_full_line_stays_well_formed(void **state)
{
    (void)state;
    const ps_log_field fields[] = {PS_F_STRING("first", "0123456789"), PS_F_STRING("second", "x"),
                                   PS_F_END};
    for (size_t cap = 90; cap < 140; cap++) {
        char *out = malloc(cap);
        assert_non_null(out);
        const size_t n = ps_log_line(out, cap, PS_LOG_JSON, 0, PS_LOG_INFO, "message", fields);
        assert_true(n < cap);
        assert_string_equal(out + n - 3, "\"}\n");
        free(out);
    }
}

static void levels_hold_lines_back(void **state)
{
    (void)state;
    ps_log_setup(PS_LOG_WARNING, PS_LOG_TEXT);
    assert_true(ps_log_on(PS_LOG_ERROR));
    assert_true(ps_log_on(PS_LOG_WARNING));
    assert_false(ps_log_on(PS_LOG_INFO));
    ps_log_setup(PS_LOG_INFO, PS_LOG_TEXT);
}

static void a_rate_lets_one_through_and_counts(void **state)
{
    (void)state;
    ps_rate rate = {.every_us = 100};
    uint64_t held = 9;
    assert_true(ps_rate_allow(&rate, 5, &held));
    assert_int_equal(held, 0);
    assert_false(ps_rate_allow(&rate, 5, &held));
    assert_false(ps_rate_allow(&rate, 104, &held));
    assert_true(ps_rate_allow(&rate, 105, &held));
    assert_int_equal(held, 2);
    assert_true(ps_rate_allow(&rate, 1000, &held));
    assert_int_equal(held, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_text_line_has_quotes_where_needed),
        cmocka_unit_test(a_backslash_in_quotes_is_escaped),
        cmocka_unit_test(a_json_line_is_an_object),
        cmocka_unit_test(a_full_line_stays_well_formed),
        cmocka_unit_test(levels_hold_lines_back),
        cmocka_unit_test(a_rate_lets_one_through_and_counts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
