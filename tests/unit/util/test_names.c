#include "unit.h"

#include "exact.h"

#include <stdlib.h>
#include <string.h>

/* Checks a copy of exactly these bytes: a read of one more is seen. */
static ps_name_fault check(const void *bytes, size_t len)
{
    uint8_t *exact = exact_copy(bytes, len);
    ps_name_fault fault = ps_name_check((ps_span){exact, len});
    free(exact);
    return fault;
}

static ps_name_fault check_text(const char *text)
{
    return check(text, strlen(text));
}

/* The character's UTF-8 bytes by RFC 3629's table, or what they would be for a surrogate. */
static size_t encode(uint32_t code, uint8_t to[4])
{
    if (code < 0x80) {
        to[0] = (uint8_t)code;
        return 1;
    }
    if (code < 0x800) {
        to[0] = (uint8_t)(0xc0 + code / 64);
        to[1] = (uint8_t)(0x80 + code % 64);
        return 2;
    }
    if (code < 0x10000) {
        to[0] = (uint8_t)(0xe0 + code / 4096);
        to[1] = (uint8_t)(0x80 + code / 64 % 64);
        to[2] = (uint8_t)(0x80 + code % 64);
        return 3;
    }
    to[0] = (uint8_t)(0xf0 + code / 262144);
    to[1] = (uint8_t)(0x80 + code / 4096 % 64);
    to[2] = (uint8_t)(0x80 + code / 64 % 64);
    to[3] = (uint8_t)(0x80 + code % 64);
    return 4;
}

static ps_name_fault expected(uint32_t code)
{
    if (code == '/' || code == '\\') {
        return PS_NAME_SEPARATOR;
    }
    if (code < 0x20 || (code >= 0x7f && code <= 0x9f)) {
        return PS_NAME_CONTROL;
    }
    if (code == '.') {
        return PS_NAME_DOTS;
    }
    return (code >= 0xd800 && code <= 0xdfff) || code > 0x10ffff ? PS_NAME_NOT_UTF8 : PS_NAME_OK;
}

static void every_code_point_alone(void **state)
{
    (void)state;
    for (uint32_t code = 0; code < 0x120000; code++) {
        uint8_t bytes[4];
        const size_t len = encode(code, bytes);
        if (ps_name_check((ps_span){bytes, len}) != expected(code)) {
            fail_msg("U+%04X", (unsigned)code);
        }
    }
}

/* Every sequence of two bytes, and of three and four with the edges of each range: what decodes to
 * a code point whose encoding it is is well-formed, all else is not. */
static void every_short_sequence(void **state)
{
    (void)state;
    static const uint8_t edges[] = {0x00, 0x7f, 0x80, 0x8f, 0x90, 0x9f, 0xa0, 0xbf, 0xc0, 0xff};
    const size_t n = sizeof edges;
    for (unsigned first = 0x80; first <= 0xff; first++) {
        for (size_t i = 0; i < n * n * n; i++) {
            const uint8_t s[4] = {(uint8_t)first, edges[i % n], edges[i / n % n], edges[i / n / n]};
            for (size_t len = 1; len <= 4; len++) {
                /* The longest code point that these bytes could mean, encoded anew. */
                const uint32_t bits =
                    first < 0xe0   ? (first & 0x1fu) * 64u + (s[1] & 0x3fu)
                    : first < 0xf0 ? (first & 0xfu) * 4096u + (s[1] & 0x3fu) * 64u + (s[2] & 0x3fu)
                                   : (first & 7u) * 262144u + (s[1] & 0x3fu) * 4096u +
                                         (s[2] & 0x3fu) * 64u + (s[3] & 0x3fu);
                uint8_t again[4];
                const size_t bytes = encode(bits, again);
                if (bytes != len) {
                    continue; /* Followed by other characters; covered where they stand alone. */
                }
                const bool same = memcmp(again, s, len) == 0;
                assert_int_equal(check(s, len), same ? expected(bits) : PS_NAME_NOT_UTF8);
            }
        }
    }
}

static void malformed_sequences(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "\x80",                 /* a continuation alone */
        "a\xbf",                /* after a letter */
        "\xc3",                 /* cut off */
        "\xe2\x82",             /* cut off */
        "\xf0\x9f\x98",         /* cut off */
        "\xc3(",                /* no continuation */
        "\xe2(\xa1",            /* no continuation */
        "\xe2\x82(",            /* no continuation */
        "\xf0\x9f(\x80",        /* no continuation */
        "\xf0\x9f\x98(",        /* no continuation */
        "\xc0\xaf",             /* overlong '/' */
        "\xc1\xbf",             /* overlong */
        "\xe0\x80\xaf",         /* overlong '/' */
        "\xe0\x9f\xbf",         /* overlong */
        "\xf0\x80\x80\xaf",     /* overlong '/' */
        "\xf0\x8f\xbf\xbf",     /* overlong */
        "\xed\xa0\x80",         /* the first surrogate */
        "\xed\xbf\xbf",         /* the last surrogate */
        "\xf4\x90\x80\x80",     /* U+110000 */
        "\xf5\x80\x80\x80",     /* beyond */
        "\xf8\x88\x80\x80\x80", /* five bytes */
        "\xfe",
        "\xff",
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        assert_int_equal(check_text(bad[i]), PS_NAME_NOT_UTF8);
    }
}

static void names_of_people(void **state)
{
    (void)state;
    static const char *const good[] = {"a",
                                       "report.pdf",
                                       "...",
                                       ".hidden",
                                       "a b",
                                       "#1",
                                       "..a",
                                       "\xc3\xbc" /* ü */,
                                       "\xe6\x97\xa5\xe6\x9c\xac",
                                       "\xf0\x9f\x98\x80",
                                       "\xf4\x8f\xbf\xbf",
                                       "CON",
                                       "a:b"};
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        assert_int_equal(check_text(good[i]), PS_NAME_OK);
    }
    assert_int_equal(check_text("."), PS_NAME_DOTS);
    assert_int_equal(check_text(".."), PS_NAME_DOTS);
    assert_int_equal(check_text(".a"), PS_NAME_OK);
    assert_int_equal(check_text("..."), PS_NAME_OK);
    assert_int_equal(check_text("a/b"), PS_NAME_SEPARATOR);
    assert_int_equal(check_text("..\\b"), PS_NAME_SEPARATOR);
    assert_int_equal(check("a\0b", 3), PS_NAME_CONTROL);
    assert_int_equal(check_text("a\nb"), PS_NAME_CONTROL);
    assert_int_equal(check_text("\xc2\x85"), PS_NAME_CONTROL); /* NEL, a C1 control */
}

static void lengths(void **state)
{
    (void)state;
    char text[PS_NAME_MAX + 2];
    memset(text, 'a', sizeof text);
    assert_int_equal(check(text, 0), PS_NAME_EMPTY);
    assert_int_equal(ps_name_check((ps_span){NULL, 0}), PS_NAME_EMPTY);
    assert_int_equal(check(text, 1), PS_NAME_OK);
    assert_int_equal(check(text, PS_NAME_MAX), PS_NAME_OK);
    assert_int_equal(check(text, PS_NAME_MAX + 1), PS_NAME_TOO_LONG);
}

static void user_names(void **state)
{
    (void)state;
    char text[PS_USER_MAX + 1];
    memset(text, 'u', sizeof text);
    assert_int_equal(ps_user_check((ps_span){NULL, 0}), PS_NAME_EMPTY);
    assert_int_equal(ps_user_check((ps_span){(uint8_t *)text, PS_USER_MAX}), PS_NAME_OK);
    assert_int_equal(ps_user_check((ps_span){(uint8_t *)text, PS_USER_MAX + 1}),
                     PS_NAME_USER_TOO_LONG);
    assert_int_equal(ps_user_check(span_of("alice")), PS_NAME_OK);
    assert_int_equal(ps_user_check(span_of("z\xc3\xbcrich")), PS_NAME_OK);
    assert_int_equal(ps_user_check(span_of("al ice")), PS_NAME_USER_CHARACTER);
    assert_int_equal(ps_user_check(span_of("#alice")), PS_NAME_USER_CHARACTER);
    assert_int_equal(ps_user_check(span_of("al\tice")), PS_NAME_CONTROL);
    assert_int_equal(ps_user_check(span_of("al/ice")), PS_NAME_SEPARATOR);
    assert_int_equal(ps_user_check(span_of("..")), PS_NAME_DOTS);
    assert_int_equal(ps_user_check(span_of("\xff")), PS_NAME_NOT_UTF8);
}

static void every_fault_has_words_of_its_own(void **state)
{
    (void)state;
    for (int i = 0; i <= PS_NAME_USER_CHARACTER; i++) {
        const char *text = ps_name_fault_text((ps_name_fault)i);
        assert_true(strlen(text) > 0);
        assert_true(strncmp(text, "it ", 3) == 0);
        for (int j = 0; j < i; j++) {
            assert_string_not_equal(text, ps_name_fault_text((ps_name_fault)j));
        }
    }
    assert_string_equal(ps_name_fault_text(PS_NAME_TOO_LONG), "it is longer than 255 bytes");
    assert_string_equal(ps_name_fault_text(PS_NAME_USER_TOO_LONG), "it is longer than 64 bytes");
    assert_string_equal(ps_name_fault_text((ps_name_fault)99), "it cannot be used");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_code_point_alone),
        cmocka_unit_test(every_short_sequence),
        cmocka_unit_test(malformed_sequences),
        cmocka_unit_test(names_of_people),
        cmocka_unit_test(lengths),
        cmocka_unit_test(user_names),
        cmocka_unit_test(every_fault_has_words_of_its_own),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
