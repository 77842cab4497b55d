/* The registry's text: what is written is read, and damage is named by its line. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "registry_file.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct entry *make_entry(const char *name, const char *path, uint64_t length)
{
    ps_posix_file file = {.size = length,
                          .device = UINT64_MAX,
                          .inode = 7,
                          .mtime_ns = INT64_MIN,
                          .ctime_ns = INT64_MAX};
    ps_content content = {.length = length};
    memset(content.root, (int)(0xa0 + length % 16), sizeof content.root);
    return entry_new(name, path, &file, &content, NULL);
}

static char *make_text(size_t *len)
{
    struct entry *entries[] = {make_entry("a b%\x7f", "/tmp/a b%\n\x01", 0),
                               make_entry("\xc3\xa4", "/x/\xff", PS_FILE_MAX)};
    char *text = registry_text(entries, 2, len);
    entry_drop(entries[0]);
    entry_drop(entries[1]);
    return text;
}

static void returns_what_was_written(void **state)
{
    (void)state;
    struct entry *e = make_entry("a b%c", "/tmp/a b%\n\x01\xff", 0);
    size_t len = 0;
    char *text = registry_text(&e, 1, &len);
    struct registry_lines lines;
    registry_parse(text, len, &lines);
    assert_int_equal(lines.broken_line, 0);
    assert_int_equal(lines.count, 1);
    assert_string_equal(lines.lines[0].name, e->name);
    assert_string_equal(lines.lines[0].path, e->path);
    assert_memory_equal(&lines.lines[0].file, &e->file, sizeof e->file);
    assert_true(ps_content_equal(&lines.lines[0].content, &e->content));
    registry_lines_free(&lines);
    free(text);
    entry_drop(e);
}

/* Lines of every length up to the longest, so that the text must grow at many places. */
static void returns_many_lines_of_all_lengths(void **state)
{
    (void)state;
    enum { MANY = 300, PATH_BYTES = 600 };
    static struct entry *entries[MANY];
    char path[PATH_BYTES];
    memset(path, '%', sizeof path);
    path[0] = '/';
    for (size_t i = 0; i < MANY; i++) {
        char name[16];
        (void)snprintf(name, sizeof name, "f%zu", i);
        path[2 * i + 1] = '\0';
        entries[i] = make_entry(name, path, i);
        path[2 * i + 1] = '%';
    }
    size_t len = 0;
    char *text = registry_text(entries, MANY, &len);
    struct registry_lines lines;
    registry_parse(text, len, &lines);
    assert_int_equal(lines.broken_line, 0);
    assert_int_equal(lines.count, MANY);
    for (size_t i = 0; i < MANY; i++) {
        assert_string_equal(lines.lines[i].name, entries[i]->name);
        assert_string_equal(lines.lines[i].path, entries[i]->path);
        assert_true(ps_content_equal(&lines.lines[i].content, &entries[i]->content));
        entry_drop(entries[i]);
    }
    registry_lines_free(&lines);
    free(text);
}

static void empty_registry_is_sound(void **state)
{
    (void)state;
    size_t len = 0;
    char *text = registry_text(NULL, 0, &len);
    struct registry_lines lines;
    registry_parse(text, len, &lines);
    assert_int_equal(lines.broken_line, 0);
    assert_int_equal(lines.count, 0);
    registry_lines_free(&lines);
    free(text);
}

static void every_truncation_is_noticed(void **state)
{
    (void)state;
    size_t len = 0;
    char *text = make_text(&len);
    for (size_t cut = 0; cut + 1 < len; cut++) {
        char *part = malloc(cut + 1);
        assert_non_null(part);
        memcpy(part, text, cut);
        struct registry_lines lines;
        registry_parse(part, cut, &lines);
        assert_int_not_equal(lines.broken_line, 0);
        registry_lines_free(&lines);
        free(part);
    }
    free(text);
}

static void any_byte_may_be_wrong(void **state)
{
    (void)state;
    size_t len = 0;
    char *text = make_text(&len);
    for (size_t i = 0; i < len; i++) {
        char old = text[i];
        for (int b = 0; b < 256; b += 5) {
            text[i] = (char)b;
            struct registry_lines lines;
            registry_parse(text, len, &lines);
            assert_true(lines.count <= 3);
            registry_lines_free(&lines);
        }
        text[i] = old;
    }
    free(text);
}

#define ROOT "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"

static void assert_broken(const char *middle, size_t line, size_t count)
{
    char text[1024];
    int n =
        snprintf(text, sizeof text,
                 "peersync-published 1\n1 " ROOT " 1 2 3 4 good /good\n%send %zu\n", middle, count);
    struct registry_lines lines;
    registry_parse(text, (size_t)n, &lines);
    assert_int_equal(lines.broken_line, line);
    assert_int_equal(lines.count, count);
    registry_lines_free(&lines);
}

static void bad_lines_are_named_and_the_rest_is_kept(void **state)
{
    (void)state;
    assert_broken("", 0, 1);
    assert_broken("2 " ROOT " 1 2 3 4 more /more\n", 0, 2);
    assert_broken("x " ROOT " 1 2 3 4 n /p\n", 3, 1);
    assert_broken("-1 " ROOT " 1 2 3 4 n /p\n", 3, 1);
    assert_broken("1125899906842625 " ROOT " 1 2 3 4 n /p\n", 3, 1);
    assert_broken("18446744073709551616 " ROOT " 1 2 3 4 n /p\n", 3, 1);
    assert_broken("1 " ROOT "0 1 2 3 4 n /p\n", 3, 1);
    assert_broken("1 00 1 2 3 4 n /p\n", 3, 1);
    assert_broken("1 " ROOT " 1 2 3 n /p\n", 3, 1);
    assert_broken("1 " ROOT " 1 2 3 4 .. /p\n", 3, 1);
    assert_broken("1 " ROOT " 1 2 3 4 a/b /p\n", 3, 1);
    assert_broken("1 " ROOT " 1 2 3 4 n p\n", 3, 1);
    assert_broken("1 " ROOT " 1 2 3 4 n /p more\n", 3, 1);
    assert_broken("1 " ROOT " 1 2 3 4 n%0 /p\n", 3, 1);
    assert_broken("1 " ROOT " 1 2 3 4 n%00 /p\n", 3, 1);
    assert_broken("1 " ROOT " 1 2 3 4 n\n", 3, 1);
    assert_broken("\n", 3, 1);
}

static void another_version_is_left_alone(void **state)
{
    (void)state;
    const char *text = "peersync-published 2\n1 " ROOT " 1 2 3 4 good /good\nend 1\n";
    struct registry_lines lines;
    registry_parse(text, strlen(text), &lines);
    assert_int_equal(lines.broken_line, 1);
    assert_int_equal(lines.count, 0);
    registry_lines_free(&lines);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(returns_what_was_written),
        cmocka_unit_test(returns_many_lines_of_all_lengths),
        cmocka_unit_test(empty_registry_is_sound),
        cmocka_unit_test(every_truncation_is_noticed),
        cmocka_unit_test(any_byte_may_be_wrong),
        cmocka_unit_test(bad_lines_are_named_and_the_rest_is_kept),
        cmocka_unit_test(another_version_is_left_alone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
