#include "unit.h"

#include "common/suggest.h"

#include <string.h>

static void distances_are_counted(void **state)
{
    (void)state;
    assert_int_equal(ps_edit_distance("", "", 5), 0);
    assert_int_equal(ps_edit_distance("", "abc", 5), 3);
    assert_int_equal(ps_edit_distance("abc", "", 5), 3);
    assert_int_equal(ps_edit_distance("kitten", "sitting", 5), 3);
    assert_int_equal(ps_edit_distance("publish", "PUBLISH", 5), 0);
    assert_int_equal(ps_edit_distance("serach", "search", 5), 1);
    assert_int_equal(ps_edit_distance("ca", "abc", 5), 3);
}

static void distances_stop_at_the_limit(void **state)
{
    (void)state;
    assert_int_equal(ps_edit_distance("aaaa", "bbbb", 3), 4);
    assert_int_equal(ps_edit_distance("aaaa", "bbbb", 4), 4);
    assert_int_equal(ps_edit_distance("a", "aaaaaaaaa", 3), 4);
    assert_int_equal(ps_edit_distance("abcd", "efgh", 0), 1);
}

static void long_words_match_nothing(void **state)
{
    (void)state;
    char word[PS_SUGGEST_MAX + 2];
    memset(word, 'x', sizeof word);
    word[PS_SUGGEST_MAX + 1] = '\0';
    assert_int_equal(ps_edit_distance(word, word, 9), 10);
    word[PS_SUGGEST_MAX] = '\0';
    assert_int_equal(ps_edit_distance(word, word, 9), 0);
}

static void the_nearest_candidate_wins(void **state)
{
    (void)state;
    static const char *const commands[] = {"get", "pub", "publish", "search", "peers", NULL};
    assert_string_equal(ps_suggest_from("gte", commands), "get");
    assert_string_equal(ps_suggest_from("publsh", commands), "publish");
    assert_string_equal(ps_suggest_from("PEERS", commands), "peers");
    assert_null(ps_suggest_from("zzzzzzzzz", commands));
    assert_null(ps_suggest_from("", commands));
    assert_null(ps_suggest_from("x", commands));
    assert_null(ps_suggest_from("get", (const char *const[]){NULL}));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(distances_are_counted),
        cmocka_unit_test(distances_stop_at_the_limit),
        cmocka_unit_test(long_words_match_nothing),
        cmocka_unit_test(the_nearest_candidate_wins),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
