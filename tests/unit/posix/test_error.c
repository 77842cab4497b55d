#include "posix/error.h"
#include "unit.h"

#include <errno.h>
#include <string.h>

static void test_words(void **state)
{
    (void)state;
    ps_posix_error why;
    assert_int_equal(ps_posix_fail(&why, ENOENT, "open"), PS_FAILED);
    assert_int_equal(why.number, ENOENT);
    assert_string_equal(why.text, "open: No such file or directory");
    assert_int_equal(ps_posix_fail(&why, 0, "not a regular file"), PS_FAILED);
    assert_int_equal(why.number, 0);
    assert_string_equal(why.text, "not a regular file");
    assert_int_equal(ps_posix_fail(NULL, ENOENT, "open"), PS_FAILED);
}

static void test_unknown_number(void **state)
{
    (void)state;
    ps_posix_error why;
    (void)ps_posix_fail(&why, 123456, "open");
    assert_int_equal(why.number, 123456);
    assert_non_null(strstr(why.text, "nknown"));
}

static void test_address(void **state)
{
    (void)state;
    ps_posix_error why;
    const ps_addr at = {.ip = {127, 0, 0, 1}, .port = 5000, .family = PS_ADDR_V4};
    assert_int_equal(ps_posix_fail_at(&why, EADDRINUSE, "bind", &at), PS_FAILED);
    assert_string_equal(why.text, "bind 127.0.0.1:5000: Address already in use");
}

static void test_long_text_is_cut(void **state)
{
    (void)state;
    ps_posix_error why;
    char text[400];
    memset(text, 'x', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    (void)ps_posix_fail(&why, 0, text);
    assert_int_equal(strlen(why.text), sizeof why.text - 1);
    (void)ps_posix_fail(&why, ENOENT, text);
    assert_int_equal(strlen(why.text), sizeof why.text - 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_words),
        cmocka_unit_test(test_unknown_number),
        cmocka_unit_test(test_address),
        cmocka_unit_test(test_long_text_is_cut),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
