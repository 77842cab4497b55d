#include "unit.h"

#include "peersyncd/credentials.h"

#include "exact.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static ps_credentials table;
static ps_credentials_fault fault;

static ps_span span(const char *text)
{
    return (ps_span){(const uint8_t *)text, strlen(text)};
}

/* From a copy of exactly these bytes: a read of one more is seen. */
static bool parse(const char *text, size_t len)
{
    uint8_t *exact = exact_copy(text, len);
    table = (ps_credentials){0};
    const bool good = ps_credentials_parse((ps_span){exact, len}, &table, &fault);
    free(exact);
    return good;
}

static void assert_good(const char *text, uint32_t count)
{
    assert_true(parse(text, strlen(text)));
    assert_int_equal(table.count, count);
}

static void assert_bad(const char *text, uint32_t line, const char *why)
{
    assert_false(parse(text, strlen(text)));
    assert_int_equal(fault.line, line);
    assert_non_null(strstr(fault.text, why));
    assert_null(table.text);
}

static void assert_password(const char *user, const char *password)
{
    const ps_account *a = ps_credentials_find(&table, span(user));
    assert_non_null(a);
    assert_int_equal(a->password_len, strlen(password));
    assert_memory_equal(table.text + a->password_at, password, a->password_len);
}

static void empty_files_have_no_users(void **state)
{
    (void)state;
    static const char *const files[] = {"",
                                        "\n",
                                        "\r\n",
                                        "# a b\n",
                                        "  \t \n#\n\n",
                                        "   # a b",
                                        "\xef\xbb\xbf",
                                        "\xef\xbb\xbf# x\n"};
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
        assert_good(files[i], 0);
        assert_null(ps_credentials_find(&table, span("a")));
        ps_credentials_free(&table);
    }
    ps_credentials none = {0};
    assert_null(ps_credentials_find(&none, span("a")));
    ps_credentials_free(&none);
}

static void words_are_divided_by_blanks(void **state)
{
    (void)state;
    assert_good("alice password123\n  bob\t \tpw\t\r\n\n# c d\ncarol #x", 3);
    assert_password("alice", "password123");
    assert_password("bob", "pw");
    assert_password("carol", "#x");
    assert_null(ps_credentials_find(&table, span("Alice")));
    assert_null(ps_credentials_find(&table, span("alic")));
    assert_null(ps_credentials_find(&table, span("")));
    ps_credentials_free(&table);
}

static void lines_know_their_place(void **state)
{
    (void)state;
    const char *text = "# first\r\nalice pw\r\n\nbob pw";
    assert_good(text, 2);
    const ps_account *alice = ps_credentials_find(&table, span("alice"));
    const ps_account *bob = ps_credentials_find(&table, span("bob"));
    assert_int_equal(alice->line, 2);
    assert_int_equal(alice->line_at, 9);
    assert_int_equal(alice->line_len, 10);
    assert_int_equal(bob->line, 4);
    assert_int_equal(bob->line_at + bob->line_len, strlen(text));
    ps_credentials_free(&table);
}

static void bad_lines_are_named(void **state)
{
    (void)state;
    assert_bad("alice pw\nbob\n", 2, "the password of bob is missing");
    assert_bad("bob   ", 1, "missing");
    assert_bad("a pw\n#\n\na other\n", 4, "the user a stands on line 1 already");
    assert_bad("a pw more\n", 1, "something follows the password of a");
    assert_bad("a/b pw\n", 1, "the user name cannot be used");
    assert_bad("a#b pw\n", 1, "the user name cannot be used");
    assert_bad("\xff pw\n", 1, "UTF-8");
    assert_bad("a p\001w\n", 1, "it holds a control character");
    assert_bad("a pw\r\r\n", 1, "it holds a control character");
    assert_bad("a pw\nb $argon2id$v=19$m=65536,t=2,p=1\n", 2, "the password of b is a hash");
    assert_bad("b $2b$12$abcdefghijklmnopqrstuv\n", 1, "use 'user add'");
    assert_bad("a\033[2J pw\n", 1, "control character");
    assert_null(strchr(fault.text, '\033'));
    assert_false(parse("a p\0w\n", 6));
    assert_false(parse("\0\n", 2));
}

/* A user name and a password at their longest, and one byte more. */
static void lengths_have_edges(void **state)
{
    (void)state;
    char line[PS_USER_MAX + PS_PASSWORD_MAX + 8];
    for (size_t user = PS_USER_MAX; user <= PS_USER_MAX + 1; user++) {
        for (size_t password = PS_PASSWORD_MAX; password <= PS_PASSWORD_MAX + 1; password++) {
            const int n = snprintf(line, sizeof line, "%0*d %0*d", (int)user, 0, (int)password, 0);
            const bool fits = user == PS_USER_MAX && password == PS_PASSWORD_MAX;
            assert_int_equal(parse(line, (size_t)n), fits);
            if (!fits) {
                assert_non_null(strstr(fault.text, "longer than"));
            }
            ps_credentials_free(&table);
        }
    }
}

#define SALT_HASH    "$Tm9ib2R5IGlzIGF0IGhvbWU$q0cXlkH0W3mB4oUuG8Jf5nS2vYtRzKe7iDp1xNaLrQE"
#define HASHED(m, t) "$argon2id$v=19$m=" m ",t=" t ",p=1" SALT_HASH

static void assert_hashed(const char *user, bool hashed)
{
    const ps_account *a = ps_credentials_find(&table, span(user));
    assert_non_null(a);
    assert_int_equal(a->hashed, hashed);
}

static void argon2id_strings_are_told_from_passwords(void **state)
{
    (void)state;
    assert_good("a " HASHED("65536", "2") "\nb pw\nc " HASHED("8", "1") "\nd $100\n", 4);
    assert_hashed("a", true);
    assert_hashed("b", false);
    assert_hashed("c", true);
    assert_hashed("d", false);
    assert_int_equal(table.hashed_count, 2);
    assert_int_equal(table.weak_count, 1);
    assert_password("a", HASHED("65536", "2"));
    ps_credentials_free(&table);
}

/* No login may cost what a line of the file makes up. */
static void excessive_strings_are_faults(void **state)
{
    (void)state;
    assert_good("a " HASHED("1048576", "8") "\n", 1);
    ps_credentials_free(&table);
    assert_bad("a pw\nb " HASHED("1048577", "1") "\n", 2, "the argon2id string of b");
    assert_bad("a " HASHED("1048576", "9") "\n", 1, "more than 1 GiB");
    assert_bad("a " HASHED("4194304", "2") "\n", 1, "user passwd");
    assert_bad("a " HASHED("65536", "4294967295") "\n", 1, "takes too long");
}

/* Cut at every byte, a good file is a good one with fewer users, or names its last line. */
static void truncation_is_a_fault_or_a_shorter_file(void **state)
{
    (void)state;
    const char *text = "# users\nalice password123\n\nbob pw\r\n";
    for (size_t len = 0; len <= strlen(text); len++) {
        if (parse(text, len)) {
            assert_true(table.count <= 2);
        } else {
            assert_true(fault.line == 2 || fault.line == 4);
        }
        ps_credentials_free(&table);
    }
}

static void many_users_are_all_found(void **state)
{
    (void)state;
    const unsigned count = 5000;
    char *text = malloc(count * 24u);
    size_t len = 0;
    assert_non_null(text);
    for (unsigned i = 0; i < count; i++) {
        len += (size_t)snprintf(text + len, 24, "user%u pw%u\n", i, i);
    }
    assert_true(parse(text, len));
    assert_int_equal(table.count, count);
    for (unsigned i = 0; i < count; i++) {
        char user[16];
        char password[16];
        snprintf(user, sizeof user, "user%u", i);
        snprintf(password, sizeof password, "pw%u", i);
        assert_password(user, password);
    }
    assert_null(ps_credentials_find(&table, span("user5000")));
    ps_credentials_free(&table);
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(empty_files_have_no_users),
        cmocka_unit_test(words_are_divided_by_blanks),
        cmocka_unit_test(lines_know_their_place),
        cmocka_unit_test(bad_lines_are_named),
        cmocka_unit_test(lengths_have_edges),
        cmocka_unit_test(argon2id_strings_are_told_from_passwords),
        cmocka_unit_test(excessive_strings_are_faults),
        cmocka_unit_test(truncation_is_a_fault_or_a_shorter_file),
        cmocka_unit_test(many_users_are_all_found),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
