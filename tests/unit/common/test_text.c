#include "unit.h"

#include "common/text.h"

#include <stdlib.h>
#include <string.h>

static ps_span span(const char *text)
{
    return (ps_span){(const uint8_t *)text, strlen(text)};
}

static void assert_safe(const char *text, const char *expected)
{
    char out[256];
    assert_int_equal(ps_text_safe_string(out, sizeof out, text), strlen(expected));
    assert_string_equal(out, expected);
}

static void plain_text_stays(void **state)
{
    (void)state;
    assert_safe("", "");
    assert_safe("a b\\c", "a b\\c");
    assert_safe("Zürich 東京 \xf0\x9f\x98\x80", "Zürich 東京 \xf0\x9f\x98\x80");
}

static void what_steers_a_terminal_is_escaped(void **state)
{
    (void)state;
    assert_safe("a\033[2Jb", "a\\x1b[2Jb");
    assert_safe("\r\n\t\x7f", "\\x0d\\x0a\\x09\\x7f");
    assert_safe("\xc2\x9b"
                "31m",
                "\\xc2\\x9b31m"); /* U+009B is CSI. */
    assert_safe("\xe2\x80\xae"
                "x",
                "\\u{202e}x");
    assert_safe("\xe2\x80\xa8", "\\u{2028}");
    assert_safe("\xef\xbb\xbf"
                "x",
                "\\u{feff}x");
}

static void bytes_that_are_not_utf8_are_escaped(void **state)
{
    (void)state;
    assert_safe("\xff", "\\xff");
    assert_safe("\xc0\xaf", "\\xc0\\xaf");                   /* Overlong. */
    assert_safe("\xed\xa0\x80", "\\xed\\xa0\\x80");          /* A surrogate. */
    assert_safe("\xf4\x90\x80\x80", "\\xf4\\x90\\x80\\x80"); /* Above U+10FFFF. */
    assert_safe("\xe2\x82", "\\xe2\\x82");                   /* Cut off. */
    assert_safe("\xe0\x80\x80", "\\xe0\\x80\\x80");
}

static void every_byte_has_room(void **state)
{
    (void)state;
    uint8_t all[256];
    char out[PS_TEXT_SAFE_BYTES(sizeof all)];
    for (size_t i = 0; i < sizeof all; i++) {
        all[i] = (uint8_t)i;
    }
    const size_t n = ps_text_safe(out, sizeof out, (ps_span){all, sizeof all});
    assert_true(n < sizeof out);
    for (size_t i = 0; i < n; i++) {
        assert_true(out[i] >= 0x20 && out[i] < 0x7f);
    }
    assert_non_null(strstr(out, "\\xff"));
}

/* At every size: ended by NUL, never past the end, never inside a character. */
static void cuts_are_shown_and_whole(void **state)
{
    (void)state;
    const char *text = "ab\xe6\x9d\xb1\033z\xe6\x9d\xb1";
    for (size_t cap = 1; cap < 40; cap++) {
        char *out = malloc(cap);
        assert_non_null(out);
        const size_t n = ps_text_safe_string(out, cap, text);
        assert_true(n < cap);
        assert_int_equal(strlen(out), n);
        ps_span rest = span(out);
        while (rest.len > 0) {
            uint32_t c = 0;
            const size_t used = ps_utf8_next(rest, &c);
            assert_true(used > 0);
            rest.data += used;
            rest.len -= used;
        }
        if (cap == 8) {
            assert_string_equal(out, "ab...");
        }
        free(out);
    }
    assert_int_equal(ps_text_safe_string(NULL, 0, text), 0);
}

static void json_strings_are_escaped(void **state)
{
    (void)state;
    char out[64];
    ps_text_json(out, sizeof out, span("a\"b\\c\n\xff\xe6\x9d\xb1"));
    assert_string_equal(out, "a\\\"b\\\\c\\u000a\xef\xbf\xbd\xe6\x9d\xb1");
    for (size_t cap = 1; cap < 20; cap++) {
        assert_true(ps_text_json(out, cap, span("\"\"\n\n\"\"")) < cap);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(plain_text_stays),
        cmocka_unit_test(what_steers_a_terminal_is_escaped),
        cmocka_unit_test(bytes_that_are_not_utf8_are_escaped),
        cmocka_unit_test(every_byte_has_room),
        cmocka_unit_test(cuts_are_shown_and_whole),
        cmocka_unit_test(json_strings_are_escaped),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
