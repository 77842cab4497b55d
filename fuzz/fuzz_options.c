/* Command lines: a table with options of all kinds, whose outcome is written as a line again and
 * must read equal, and the server's own, whose configuration must be one that a machine can be made
 * of. What is refused is refused in words; numbers are held to strtoull(), and the nearest word to
 * a distance of its own. */
#include "argv_world.h"

#include "common/suggest.h"
#include "peersyncd/config.h"

#include <errno.h>

typedef struct options {
    bool flag;
    const char *text;
    ps_string_list list;
    uint64_t number;
    unsigned choice;
} options;

static const char *const choices[] = {"one", "two", "three", "twenty", NULL};

static const ps_option table[] = {
    {.name = "flag",
     .letter = 'f',
     .kind = PS_OPTION_FLAG,
     .offset = offsetof(options, flag),
     .help = "A flag."},
    {.name = "text",
     .kind = PS_OPTION_TEXT,
     .offset = offsetof(options, text),
     .argument = "TEXT",
     .help = "A text."},
    {.name = "list",
     .letter = 'l',
     .kind = PS_OPTION_LIST,
     .offset = offsetof(options, list),
     .argument = "ITEM",
     .help = "Items."},
    {.name = "number",
     .letter = 'n',
     .kind = PS_OPTION_NUMBER,
     .offset = offsetof(options, number),
     .argument = "N",
     .help = "A number.",
     .min = 3,
     .max = 1000000},
    {.name = "choice",
     .kind = PS_OPTION_CHOICE,
     .offset = offsetof(options, choice),
     .argument = "WHICH",
     .help = "A choice.",
     .choices = choices},
    {.name = NULL},
};

static bool is_capital(const char *word)
{
    return word[0] >= 'A' && word[0] <= 'Z';
}

static const ps_option_set set = {.program = "fuzz",
                                  .usage = "fuzz [OPTION...] [WORD...]",
                                  .version = "1",
                                  .options = table,
                                  .ends_options = is_capital};

static void check_numbers(const char *text)
{
    uint64_t n = 7;
    char *end = NULL;
    errno = 0;
    const unsigned long long want = strtoull(text, &end, 10);
    const bool digits = text[0] != '\0' && strspn(text, "0123456789") == strlen(text);
    const bool fits = digits && errno == 0 && *end == '\0';
    must(ps_number_parse(text, 0, UINT64_MAX, &n) == fits && n == (fits ? want : 7));
    n = 7;
    const bool within = fits && want >= 3 && want <= 65535;
    must(ps_number_parse(text, 3, 65535, &n) == within && n == (within ? want : 7));
}

/* Edits from a to b, by recursion over whole rows of a table. */
static size_t distance(const char *a, size_t a_len, const char *b, size_t b_len)
{
    static size_t d[PS_SUGGEST_MAX + 2][PS_SUGGEST_MAX + 2];
    for (size_t i = 0; i <= a_len; i++) {
        for (size_t j = 0; j <= b_len; j++) {
            const char x = i > 0 ? a[i - 1] : '\0', y = j > 0 ? b[j - 1] : '\0';
            const char lx = x >= 'A' && x <= 'Z' ? (char)(x | 32) : x;
            const char ly = y >= 'A' && y <= 'Z' ? (char)(y | 32) : y;
            size_t best = i == 0 ? j : j == 0 ? i : d[i - 1][j - 1] + (lx != ly);
            if (i > 0 && d[i - 1][j] + 1 < best) {
                best = d[i - 1][j] + 1;
            }
            if (j > 0 && d[i][j - 1] + 1 < best) {
                best = d[i][j - 1] + 1;
            }
            if (i > 1 && j > 1 && d[i - 2][j - 2] + 1 < best &&
                ps_edit_distance((char[]){a[i - 2], a[i - 1], 0}, (char[]){b[j - 1], b[j - 2], 0},
                                 0) == 0) {
                best = d[i - 2][j - 2] + 1;
            }
            d[i][j] = best;
        }
    }
    return d[a_len][b_len];
}

static void check_distance(const char *a, const char *b)
{
    const size_t a_len = strlen(a), b_len = strlen(b);
    if (a_len > 40 || b_len > 40) {
        return; /* The table is quadratic. */
    }
    const size_t want = distance(a, a_len, b, b_len);
    for (size_t limit = 0; limit < 4; limit++) {
        const size_t got = ps_edit_distance(a, b, limit);
        must(got == (want <= limit ? want : limit + 1));
        must(ps_edit_distance(b, a, limit) == got);
    }
}

/* The outcome as a line. */
static char *option_of(const char *name, const char *value)
{
    const size_t room = strlen(name) + strlen(value) + 4;
    char *out = malloc(room);
    must(out != NULL);
    snprintf(out, room, "--%s=%s", name, value);
    return out;
}

static void check_again(const options *o, const ps_words *words)
{
    char *argv[ARGV_MAX + PS_OPTION_REPEATS_MAX + 8] = {copy_of("fuzz", 4)};
    char number[24];
    int argc = 1;
    options back = {.flag = false};
    ps_words again = {.items = NULL};
    if (o->flag) {
        argv[argc++] = copy_of("-f", 2);
    }
    if (o->text != NULL) {
        argv[argc++] = option_of("text", o->text);
    }
    for (size_t i = 0; i < o->list.len; i++) {
        argv[argc++] = option_of("list", o->list.items[i]);
    }
    if (o->number != 0) {
        snprintf(number, sizeof number, "%llu", (unsigned long long)o->number);
        argv[argc++] = option_of("number", number);
    }
    argv[argc++] = option_of("choice", choices[o->choice]);
    argv[argc++] = copy_of("--", 2);
    for (size_t i = 0; i < words->len; i++) {
        argv[argc++] = copy_of(words->items[i], strlen(words->items[i]));
    }
    must(ps_options_parse(&set, argc, argv, &back, &again) == PS_OPTIONS_OK);
    must(back.flag == o->flag && back.number == o->number && back.choice == o->choice);
    must((back.text == NULL) == (o->text == NULL));
    must(o->text == NULL || strcmp(back.text, o->text) == 0);
    must(back.list.len == o->list.len && again.len == words->len);
    for (size_t i = 0; i < o->list.len; i++) {
        must(strcmp(back.list.items[i], o->list.items[i]) == 0);
    }
    for (size_t i = 0; i < words->len; i++) {
        must(strcmp(again.items[i], words->items[i]) == 0);
    }
    ps_words_free(&again);
    while (argc > 0) {
        free(argv[--argc]);
    }
}

static void check_table(const arguments_of_input *a)
{
    options o = {.flag = false};
    ps_words words = {.items = NULL};
    const ps_options_result result = ps_options_parse(&set, a->argc, a->argv, &o, &words);
    if (result == PS_OPTIONS_OK) {
        must(o.number == 0 || (o.number >= 3 && o.number <= 1000000));
        must(o.choice < 4 && o.list.len <= PS_OPTION_REPEATS_MAX);
        must(words.len < (size_t)a->argc);
        check_again(&o, &words);
    } else if (result == PS_OPTIONS_BAD) {
        must_be_words(words.error, sizeof words.error);
    }
    ps_words_free(&words);
}

static void check_daemon(const arguments_of_input *a)
{
    static ps_daemon_config config;
    ps_daemon_options o;
    ps_words words = {.items = NULL};
    char error[512] = "";
    ps_daemon_options_default(&o);
    const ps_options_result result =
        ps_options_parse(&ps_daemon_line, a->argc, a->argv, &o, &words);
    if (result == PS_OPTIONS_BAD) {
        must_be_words(words.error, sizeof words.error);
    } else if (result == PS_OPTIONS_OK) {
        if (ps_daemon_configure(&o, &words, a->argv[0], &config, error, sizeof error) == 0) {
            must(ps_server_size(&config.server) != 0);
            must(config.listen_len > 0 && config.listen_len <= PS_OPTION_REPEATS_MAX);
            for (size_t i = 0; i < config.listen_len; i++) {
                must(config.listen[i].family != 0);
            }
        } else {
            must_be_words(error, sizeof error);
        }
    }
    ps_words_free(&words);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size > 4096) {
        return 0;
    }
    arguments_of_input a = argv_of(data, size);
    check_table(&a);
    check_daemon(&a);
    for (int i = 1; i < a.argc; i++) {
        check_numbers(a.argv[i]);
        check_distance(a.argv[i], a.argv[i - 1]);
    }
    argv_free(&a);
    return 0;
}
