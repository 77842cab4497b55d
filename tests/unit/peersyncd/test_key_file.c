#include "unit.h"

#include "peersyncd/key_file.h"

#include <stdio.h>
#include <string.h>

static ps_span span_of(const char *text)
{
    return (ps_span){(const uint8_t *)text, strlen(text)};
}

static void what_is_written_is_read(void **state)
{
    (void)state;
    char file[PS_KEY_FILE_BYTES];
    uint8_t secret[PS_KEY_FILE_SECRET], back[PS_KEY_FILE_SECRET];
    memset(secret, 0xa7, sizeof secret);
    const size_t len = ps_key_file_write("# What it is.", secret, file);
    assert_int_equal(len, strlen(file));
    assert_memory_equal(file, "# What it is.\n", 14);
    assert_true(ps_key_file_read(span_of(file), back));
    assert_memory_equal(back, secret, sizeof secret);
    assert_true(ps_key_file_read(span_of(strchr(file, '\n') + 1), back)); /* No comment. */
    for (size_t cut = 0; cut + 1 < len; cut++) {
        assert_false(ps_key_file_read((ps_span){(const uint8_t *)file, cut}, back));
    }
}

#define SECRET "p6enp6enp6enp6enp6enp6enp6enp6enp6enp6enp6c"

static void damaged_files_are_refused(void **state)
{
    (void)state;
    static const char *const damaged[] = {
        "",
        "# a comment alone",
        "# one\n# two\n",
        "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n", /* All zeros. */
        SECRET,                                           /* Without its padding. */
        SECRET "=x\n",
        " " SECRET "=\n",
        SECRET "=\n# behind\n",
        "p6enp6en\n"};
    uint8_t secret[PS_KEY_FILE_SECRET];
    for (size_t i = 0; i < sizeof damaged / sizeof damaged[0]; i++) {
        assert_false(ps_key_file_read(span_of(damaged[i]), secret));
    }
    assert_true(ps_key_file_read(span_of("# one\r\n# two\r\n" SECRET "=\r\n\r\n"), secret));
    assert_int_equal(secret[31], 0xa7);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_written_is_read),
        cmocka_unit_test(damaged_files_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
