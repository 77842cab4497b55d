#include "unit.h"

#include "common/options.h"

#include "common/exit_codes.h"

#include <stdio.h>
#include <string.h>

typedef struct values {
    bool flag;
    const char *file;
    ps_string_list listen;
    uint64_t number;
    unsigned level;
} values;

static const char *const levels[] = {"error", "warning", "info", NULL};

static const ps_option options[] = {{.name = "quiet",
                                     .letter = 'q',
                                     .kind = PS_OPTION_FLAG,
                                     .offset = offsetof(values, flag),
                                     .help = "Less."},
                                    {.name = "output",
                                     .letter = 'o',
                                     .kind = PS_OPTION_TEXT,
                                     .offset = offsetof(values, file),
                                     .argument = "FILE",
                                     .help = "Where to.\nSecond line."},
                                    {.name = "listen",
                                     .kind = PS_OPTION_LIST,
                                     .offset = offsetof(values, listen),
                                     .argument = "ADDR",
                                     .help = "Where."},
                                    {.name = "max",
                                     .kind = PS_OPTION_NUMBER,
                                     .offset = offsetof(values, number),
                                     .argument = "N",
                                     .help = "How many.",
                                     .min = 1,
                                     .max = 10},
                                    {.name = "level",
                                     .kind = PS_OPTION_CHOICE,
                                     .offset = offsetof(values, level),
                                     .argument = "LEVEL",
                                     .help = "How much.",
                                     .choices = levels},
                                    {.name = NULL}};

static bool is_word_get(const char *word)
{
    return strcmp(word, "get") == 0;
}

static const ps_option_set set = {.program = "prog",
                                  .usage = "prog [OPTION...]\nprog other",
                                  .summary = "Does it.",
                                  .epilogue = "That is all.",
                                  .version = "1.2.3",
                                  .options = options,
                                  .ends_options = is_word_get};

static ps_words words;
static values v;

static ps_options_result parse_args(const char *const args[])
{
    char *argv[32];
    static char copies[32][512];
    int argc = 1;
    argv[0] = copies[0];
    strcpy(copies[0], "prog");
    for (size_t i = 0; args[i] != NULL; i++) {
        strcpy(copies[argc], args[i]);
        argv[argc] = copies[argc];
        argc++;
    }
    argv[argc] = NULL;
    v = (values){.file = "default", .number = 5, .level = 2};
    return ps_options_parse(&set, argc, argv, &v, &words);
}

#define PARSE(...) parse_args((const char *const[]){__VA_ARGS__, NULL})

static void assert_bad(ps_options_result r, const char *text)
{
    assert_int_equal(r, PS_OPTIONS_BAD);
    assert_string_equal(words.error, text);
}

static void nothing_keeps_defaults(void **state)
{
    (void)state;
    assert_int_equal(parse_args((const char *const[]){NULL}), PS_OPTIONS_OK);
    assert_string_equal(v.file, "default");
    assert_int_equal(v.number, 5);
    assert_int_equal(v.level, 2);
    assert_false(v.flag);
    assert_int_equal(words.len, 0);
    char *none[] = {NULL};
    assert_int_equal(ps_options_parse(&set, 0, none, &v, &words), PS_OPTIONS_OK);
}

static void every_form_of_a_value(void **state)
{
    (void)state;
    assert_int_equal(PARSE("--output", "a"), PS_OPTIONS_OK);
    assert_string_equal(v.file, "a");
    assert_int_equal(PARSE("--output=b=c"), PS_OPTIONS_OK);
    assert_string_equal(v.file, "b=c");
    assert_int_equal(PARSE("--output="), PS_OPTIONS_OK);
    assert_string_equal(v.file, "");
    assert_int_equal(PARSE("-o", "--max"), PS_OPTIONS_OK);
    assert_string_equal(v.file, "--max");
    assert_int_equal(PARSE("-q", "--max=10", "--level", "error"), PS_OPTIONS_OK);
    assert_true(v.flag);
    assert_int_equal(v.number, 10);
    assert_int_equal(v.level, 0);
}

static void repeatable_options_collect_up_to_their_limit(void **state)
{
    (void)state;
    const char *args[2 * (PS_OPTION_REPEATS_MAX + 1) + 1] = {0};
    for (size_t i = 0; i < PS_OPTION_REPEATS_MAX; i++) {
        args[i] = i % 2 == 0 ? "--listen=a" : "--listen=b";
    }
    assert_int_equal(parse_args(args), PS_OPTIONS_OK);
    assert_int_equal(v.listen.len, PS_OPTION_REPEATS_MAX);
    assert_string_equal(v.listen.items[1], "b");
    args[PS_OPTION_REPEATS_MAX] = "--listen=c";
    assert_bad(parse_args(args), "--listen: given more than 16 times");
}

static void words_stand_anywhere_until_one_ends_the_options(void **state)
{
    (void)state;
    assert_int_equal(PARSE("5000", "-q", "x"), PS_OPTIONS_OK);
    assert_int_equal(words.len, 2);
    assert_string_equal(words.items[1], "x");
    assert_true(v.flag);
    assert_int_equal(PARSE("5000", "get", "-q", "--max"), PS_OPTIONS_OK);
    assert_int_equal(words.len, 4);
    assert_string_equal(words.items[2], "-q");
    assert_false(v.flag);
    assert_int_equal(PARSE("--", "-q", "--"), PS_OPTIONS_OK);
    assert_int_equal(words.len, 2);
    assert_string_equal(words.items[1], "--");
    assert_int_equal(PARSE("-"), PS_OPTIONS_OK);
    assert_string_equal(words.items[0], "-");
}

static void faults_are_named_with_the_nearest_right_word(void **state)
{
    (void)state;
    assert_bad(PARSE("--otput=x"), "unknown option --otput; did you mean --output?");
    assert_bad(PARSE("--hepl"), "unknown option --hepl; did you mean --help?");
    assert_bad(PARSE("--verison"), "unknown option --verison; did you mean --version?");
    assert_bad(PARSE("--zzzzzzzz"), "unknown option --zzzzzzzz");
    assert_bad(PARSE("-z"), "unknown option -z");
    assert_bad(PARSE("-qo"), "unknown option -qo");
    assert_bad(PARSE("--output"), "--output needs a value: FILE");
    assert_bad(PARSE("-o"), "--output needs a value: FILE");
    assert_bad(PARSE("--quiet=yes"), "--quiet takes no value");
    assert_bad(PARSE("--level", "warnin"), "--level: there is no 'warnin'; did you mean warning?");
    assert_bad(PARSE("--level", "x"),
               "--level: there is no 'x'; it is one of error, warning, info");
    assert_bad(PARSE("--max", "0"), "--max: '0' is not a number from 1 to 10");
    assert_bad(PARSE("--max", "11"), "--max: '11' is not a number from 1 to 10");
    assert_bad(PARSE("--max", "-1"), "--max: '-1' is not a number from 1 to 10");
    assert_bad(PARSE("--max="), "--max: '' is not a number from 1 to 10");
}

static void faults_cannot_steer_a_terminal(void **state)
{
    (void)state;
    assert_bad(PARSE("--\033[2J"), "unknown option --\\x1b[2J");
    char arg[400];
    memset(arg, 'a', sizeof arg - 1);
    arg[sizeof arg - 1] = '\0';
    memcpy(arg, "--", 2);
    assert_int_equal(PARSE(arg), PS_OPTIONS_BAD);
    assert_true(strlen(words.error) < sizeof words.error);
}

static void too_many_words_are_refused(void **state)
{
    (void)state;
    static char *argv[PS_OPTION_WORDS_MAX + 3];
    char word[] = "w";
    for (size_t i = 0; i < PS_OPTION_WORDS_MAX + 2; i++) {
        argv[i] = word;
    }
    const int fits = (int)PS_OPTION_WORDS_MAX + 1;
    assert_int_equal(ps_options_parse(&set, fits, argv, &v, &words), PS_OPTIONS_OK);
    assert_int_equal(words.len, PS_OPTION_WORDS_MAX);
    assert_bad(ps_options_parse(&set, fits + 1, argv, &v, &words), "more than 131072 words");
}

static void help_and_version_answer(void **state)
{
    (void)state;
    char text[4096] = "";
    assert_int_equal(PARSE("-h"), PS_OPTIONS_HELP);
    assert_int_equal(PARSE("--max", "3", "--help", "--bad"), PS_OPTIONS_HELP);
    assert_int_equal(PARSE("--version"), PS_OPTIONS_VERSION);
    FILE *out = fmemopen(text, sizeof text, "w");
    assert_non_null(out);
    ps_options_help(&set, out);
    fclose(out);
    assert_non_null(strstr(text, "usage: prog [OPTION...]\n       prog other\n\nDoes it.\n"));
    assert_non_null(strstr(text, "  -o, --output FILE           Where to.\n"
                                 "                              Second line.\n"));
    assert_non_null(strstr(text, "      --version "));
    assert_non_null(strstr(text, "\nThat is all.\n"));
    assert_int_equal(ps_options_answer(&set, PS_OPTIONS_BAD, &words), PS_EXIT_USAGE);
}

static void a_program_may_have_exit_codes_of_its_own(void **state)
{
    (void)state;
    char text[4096] = "";
    ps_option_set own = set;
    own.exit_codes = "    0  well\n    9  otherwise";
    FILE *out = fmemopen(text, sizeof text, "w");
    assert_non_null(out);
    ps_options_help(&set, out);
    fclose(out);
    assert_non_null(strstr(text, "\nexit codes:\n    0  done\n"));
    memset(text, 0, sizeof text);
    out = fmemopen(text, sizeof text, "w");
    assert_non_null(out);
    ps_options_help(&own, out);
    fclose(out);
    assert_non_null(strstr(text, "\nexit codes:\n    0  well\n    9  otherwise\n\nThat is all.\n"));
    assert_null(strstr(text, "  done\n"));
}

static void a_command_has_no_version(void **state)
{
    (void)state;
    ps_option_set command = set;
    command.version = NULL;
    char *argv[] = {(char[]){"get"}, (char[]){"--version"}, NULL};
    assert_int_equal(ps_options_parse(&command, 2, argv, &v, &words), PS_OPTIONS_BAD);
}

static void numbers_are_digits_only(void **state)
{
    (void)state;
    uint64_t n = 7;
    assert_true(ps_number_parse("0", 0, 0, &n));
    assert_int_equal(n, 0);
    assert_true(ps_number_parse("18446744073709551615", 0, UINT64_MAX, &n));
    assert_true(n == UINT64_MAX);
    n = 7;
    assert_false(ps_number_parse("18446744073709551616", 0, UINT64_MAX, &n));
    assert_false(ps_number_parse("99999999999999999999999", 0, UINT64_MAX, &n));
    assert_false(ps_number_parse("", 0, 9, &n));
    assert_false(ps_number_parse(" 1", 0, 9, &n));
    assert_false(ps_number_parse("1 ", 0, 9, &n));
    assert_false(ps_number_parse("+1", 0, 9, &n));
    assert_false(ps_number_parse("0x1", 0, 9, &n));
    assert_int_equal(n, 7);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_keeps_defaults),
        cmocka_unit_test(every_form_of_a_value),
        cmocka_unit_test(repeatable_options_collect_up_to_their_limit),
        cmocka_unit_test(words_stand_anywhere_until_one_ends_the_options),
        cmocka_unit_test(faults_are_named_with_the_nearest_right_word),
        cmocka_unit_test(faults_cannot_steer_a_terminal),
        cmocka_unit_test(too_many_words_are_refused),
        cmocka_unit_test(help_and_version_answer),
        cmocka_unit_test(a_program_may_have_exit_codes_of_its_own),
        cmocka_unit_test(a_command_has_no_version),
        cmocka_unit_test(numbers_are_digits_only),
    };
    const int failed = cmocka_run_group_tests(tests, NULL, NULL);
    ps_words_free(&words);
    return failed;
}
