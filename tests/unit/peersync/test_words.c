#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "words.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Splits a copy of `text` of exactly its size and compares with the NULL-ended list. */
static void check(const char *text, const char *const want[])
{
    const char *why = NULL;
    char *line = strdup(text);
    size_t n = 0;
    char **words = words_split(line, &n, &why);
    assert_non_null(words);
    size_t expected = 0;
    while (want[expected] != NULL) {
        expected++;
    }
    assert_int_equal(n, expected);
    for (size_t i = 0; i < n; i++) {
        assert_string_equal(words[i], want[i]);
    }
    assert_null(words[n]);
    free(words);
    free(line);
}

static void splits_at_spaces_and_tabs(void **state)
{
    (void)state;
    check("", (const char *[]){NULL});
    check(" \t ", (const char *[]){NULL});
    check("lap", (const char *[]){"lap", NULL});
    check("  get \t a ", (const char *[]){"get", "a", NULL});
}

static void quotes_keep_words_together(void **state)
{
    (void)state;
    check("get 'a b' \"c d\"", (const char *[]){"get", "a b", "c d", NULL});
    check("''", (const char *[]){"", NULL});
    check("a'b'\"c\"d", (const char *[]){"abcd", NULL});
    check("'a\"b' \"a'b\"", (const char *[]){"a\"b", "a'b", NULL});
    check("a\\ b \\'", (const char *[]){"a b", "'", NULL});
    check("'a\\b' \"a\\\"b\"", (const char *[]){"a\\b", "a\"b", NULL});
    check("end\\", (const char *[]){"end\\", NULL});
}

static void an_open_quote_is_refused(void **state)
{
    (void)state;
    static const char *const open[] = {"'", "get 'a", "get \"a'", "a\"b\\\""};
    for (size_t i = 0; i < sizeof open / sizeof open[0]; i++) {
        char *line = strdup(open[i]);
        const char *why = NULL;
        size_t n = 0;
        assert_null(words_split(line, &n, &why));
        assert_non_null(why);
        free(line);
    }
}

static void a_line_is_split_however_many_words_it_holds(void **state)
{
    (void)state;
    enum { WORDS = 32768 };
    static char line[2 * WORDS];
    for (size_t i = 0; i < WORDS; i++) {
        memcpy(line + 2 * i, "x ", 2);
    }
    line[2 * WORDS - 1] = '\0';
    const char *why = NULL;
    size_t n = 0;
    char **words = words_split(line, &n, &why);
    assert_non_null(words);
    assert_int_equal(n, WORDS);
    assert_string_equal(words[WORDS - 1], "x");
    assert_null(words[WORDS]);
    free(words);
}

/* What is quoted comes back as it was, for every byte and some words. */
static void quoting_is_undone_by_splitting(void **state)
{
    (void)state;
    for (int c = 1; c < 256; c++) {
        const char word[] = {'a', (char)c, 'b', (char)c, '\0'};
        char *quoted = words_quote(word);
        check(quoted, (const char *[]){word, NULL});
        free(quoted);
    }
    static const char *const words[] = {"", "'", "''", "plain-1.txt", "my file", "a'b\"c\\d"};
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        char *quoted = words_quote(words[i]);
        check(quoted, (const char *[]){words[i], NULL});
        free(quoted);
    }
    char *plain = words_quote("plain-1.txt");
    assert_string_equal(plain, "plain-1.txt");
    free(plain);
}

static void a_word_is_kept_once(void **state)
{
    const char *words[] = {"b", "a", "b", "", "c", "a", "a", ""};
    static const char *const once[] = {"b", "a", "", "c"};
    (void)state;
    assert_int_equal(words_once(words, 8), 4);
    for (size_t i = 0; i < 4; i++) {
        assert_string_equal(words[i], once[i]);
    }
    assert_int_equal(words_once(words, 1), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(splits_at_spaces_and_tabs),
        cmocka_unit_test(quotes_keep_words_together),
        cmocka_unit_test(an_open_quote_is_refused),
        cmocka_unit_test(a_line_is_split_however_many_words_it_holds),
        cmocka_unit_test(quoting_is_undone_by_splitting),
        cmocka_unit_test(a_word_is_kept_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
