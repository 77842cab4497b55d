#include "common/options.h"

#include "common/exit_codes.h"
#include "common/suggest.h"
#include "common/text.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

static const ps_option help_option = {
    .name = "help", .letter = 'h', .kind = PS_OPTION_FLAG, .help = "Show this help and end."};
static const ps_option version_option = {
    .name = "version", .kind = PS_OPTION_FLAG, .help = "Show the version and end."};

bool ps_number_parse(const char *text, uint64_t min, uint64_t max, uint64_t *out)
{
    uint64_t n = 0;
    if (text[0] == '\0') {
        return false;
    }
    for (const char *at = text; *at != '\0'; at++) {
        if (*at < '0' || *at > '9') {
            return false;
        }
        const uint64_t digit = (uint64_t)(*at - '0');
        if (n > (UINT64_MAX - digit) / 10u) {
            return false;
        }
        n = n * 10u + digit;
    }
    if (n < min || n > max) {
        return false;
    }
    *out = n;
    return true;
}

/* Writes the error, with what the user typed made safe for a terminal. */
__attribute__((format(printf, 2, 3))) static ps_options_result fail(ps_words *words,
                                                                    const char *format, ...)
{
    char raw[sizeof words->error];
    va_list args;
    va_start(args, format);
    vsnprintf(raw, sizeof raw, format, args);
    va_end(args);
    ps_text_safe_string(words->error, sizeof words->error, raw);
    return PS_OPTIONS_BAD;
}

static const ps_option *find(const ps_option_set *set, const char *name, size_t len)
{
    for (const ps_option *o = set->options; o != NULL && o->name != NULL; o++) {
        if (strncmp(o->name, name, len) == 0 && o->name[len] == '\0') {
            return o;
        }
    }
    if (len == 4 && memcmp(name, "help", 4) == 0) {
        return &help_option;
    }
    if (set->version != NULL && len == 7 && memcmp(name, "version", 7) == 0) {
        return &version_option;
    }
    return NULL;
}

static const ps_option *find_letter(const ps_option_set *set, char letter)
{
    for (const ps_option *o = set->options; o != NULL && o->name != NULL; o++) {
        if (o->letter == letter) {
            return o;
        }
    }
    return letter == help_option.letter ? &help_option : NULL;
}

static ps_options_result unknown(const ps_option_set *set, const char *arg, ps_words *words)
{
    char typed[PS_SUGGEST_MAX + 1];
    const char *name = arg + strspn(arg, "-");
    const size_t len = strcspn(name, "=");
    if (arg[1] != '-' || len >= sizeof typed) {
        return fail(words, "unknown option %s", arg);
    }
    memcpy(typed, name, len);
    typed[len] = '\0';
    ps_suggest s = ps_suggest_begin(typed);
    for (const ps_option *o = set->options; o != NULL && o->name != NULL; o++) {
        ps_suggest_offer(&s, o->name);
    }
    ps_suggest_offer(&s, help_option.name);
    if (set->version != NULL) {
        ps_suggest_offer(&s, version_option.name);
    }
    if (s.best != NULL) {
        return fail(words, "unknown option --%s; did you mean --%s?", typed, s.best);
    }
    return fail(words, "unknown option --%s", typed);
}

static ps_options_result choose(const ps_option *o, const char *value, unsigned *out,
                                ps_words *words)
{
    char list[400] = "";
    size_t len = 0;
    for (unsigned i = 0; o->choices[i] != NULL; i++) {
        if (strcmp(o->choices[i], value) == 0) {
            *out = i;
            return PS_OPTIONS_OK;
        }
        const int n =
            snprintf(list + len, sizeof list - len, "%s%s", i > 0 ? ", " : "", o->choices[i]);
        const bool fits = n > 0 && (size_t)n < sizeof list - len;
        len += fits ? (size_t)n : 0;
        list[len] = '\0'; /* Whole words. */
    }
    const char *near = ps_suggest_from(value, o->choices);
    if (near != NULL) {
        return fail(words, "--%s: there is no '%s'; did you mean %s?", o->name, value, near);
    }
    return fail(words, "--%s: there is no '%s'; it is one of %s", o->name, value, list);
}

static ps_options_result store(const ps_option *o, const char *value, void *into, ps_words *words)
{
    void *target = (char *)into + o->offset;
    switch (o->kind) {
    case PS_OPTION_FLAG:
        *(bool *)target = true;
        return PS_OPTIONS_OK;
    case PS_OPTION_TEXT:
        *(const char **)target = value;
        return PS_OPTIONS_OK;
    case PS_OPTION_LIST: {
        ps_string_list *list = target;
        if (list->len == PS_OPTION_REPEATS_MAX) {
            return fail(words, "--%s: given more than %u times", o->name, PS_OPTION_REPEATS_MAX);
        }
        list->items[list->len++] = value;
        return PS_OPTIONS_OK;
    }
    case PS_OPTION_NUMBER:
        if (!ps_number_parse(value, o->min, o->max, target)) {
            return fail(words, "--%s: '%s' is not a number from %llu to %llu", o->name, value,
                        (unsigned long long)o->min, (unsigned long long)o->max);
        }
        return PS_OPTIONS_OK;
    case PS_OPTION_CHOICE:
        return choose(o, value, target, words);
    default:
        return fail(words, "--%s cannot be read", o->name);
    }
}

/* One option at argv[*i], with its value behind '=' or in the next argument. */
static ps_options_result one(const ps_option_set *set, int argc, char *const argv[], int *i,
                             void *into, ps_words *words)
{
    const char *arg = argv[*i];
    const char *value = NULL;
    const ps_option *o = NULL;
    if (arg[1] == '-') {
        const size_t len = strcspn(arg + 2, "=");
        o = find(set, arg + 2, len);
        value = arg[2 + len] == '=' ? arg + 2 + len + 1 : NULL;
    } else if (arg[2] == '\0') {
        o = find_letter(set, arg[1]);
    }
    if (o == NULL) {
        return unknown(set, arg, words);
    }
    if (o->kind == PS_OPTION_FLAG) {
        if (value != NULL) {
            return fail(words, "--%s takes no value", o->name);
        }
        if (o == &help_option) {
            return PS_OPTIONS_HELP;
        }
        if (o == &version_option) {
            return PS_OPTIONS_VERSION;
        }
    } else if (value == NULL) {
        if (*i + 1 >= argc) {
            return fail(words, "--%s needs a value: %s", o->name, o->argument);
        }
        value = argv[++*i];
    }
    return store(o, value, into, words);
}

/* Makes room for all that the line can hold. */
static bool make_room(ps_words *words, int argc)
{
    const size_t most = argc > 1 ? (size_t)argc - 1 : 0;
    ps_words_free(words);
    words->error[0] = '\0';
    words->items =
        calloc((most < PS_OPTION_WORDS_MAX ? most : PS_OPTION_WORDS_MAX) + 1, sizeof *words->items);
    return words->items != NULL;
}

void ps_words_free(ps_words *words)
{
    free(words->items);
    words->items = NULL;
    words->len = 0;
}

ps_options_result ps_options_parse(const ps_option_set *set, int argc, char *const argv[],
                                   void *into, ps_words *words)
{
    bool only_words = false;
    if (!make_room(words, argc)) {
        return fail(words, "there is no memory for so many words");
    }
    for (int i = 1; i < argc; i++) {
        const char *arg = argv[i];
        if (!only_words && strcmp(arg, "--") == 0) {
            only_words = true;
        } else if (!only_words && arg[0] == '-' && arg[1] != '\0') {
            const ps_options_result r = one(set, argc, argv, &i, into, words);
            if (r != PS_OPTIONS_OK) {
                return r;
            }
        } else if (words->len == PS_OPTION_WORDS_MAX) {
            return fail(words, "more than %u words", PS_OPTION_WORDS_MAX);
        } else {
            words->items[words->len++] = arg;
            only_words = only_words || (set->ends_options != NULL && set->ends_options(arg));
        }
    }
    return PS_OPTIONS_OK;
}

int ps_options_answer(const ps_option_set *set, ps_options_result result, const ps_words *words)
{
    switch (result) {
    case PS_OPTIONS_HELP:
        ps_options_help(set, stdout);
        return PS_EXIT_DONE;
    case PS_OPTIONS_VERSION:
        printf("%s %s\n", set->program, set->version);
        return PS_EXIT_DONE;
    case PS_OPTIONS_OK:
        return PS_EXIT_DONE;
    case PS_OPTIONS_BAD:
    default:
        fprintf(stderr, "%s: %s\n", set->program, words->error);
        if (set->version != NULL) {
            fprintf(stderr, "Try '%s --help'.\n", set->program);
        }
        return PS_EXIT_USAGE;
    }
}

/* Prints text in lines, each indented by `indent` but for the first. */
static void print_indented(FILE *out, const char *text, int indent)
{
    for (;;) {
        const size_t n = strcspn(text, "\n");
        fprintf(out, "%.*s\n", (int)n, text);
        if (text[n] == '\0') {
            return;
        }
        text += n + 1;
        fprintf(out, "%*s", indent, "");
    }
}

#define HELP_COLUMN 30

static void print_option(FILE *out, const ps_option *o)
{
    char head[128];
    const char letter[6] = {'-', o->letter, ',', ' ', '\0'};
    const int n =
        snprintf(head, sizeof head, "  %s--%s%s%s", o->letter != 0 ? letter : "    ", o->name,
                 o->argument != NULL ? " " : "", o->argument != NULL ? o->argument : "");
    if (n < HELP_COLUMN) {
        fprintf(out, "%-*s", HELP_COLUMN, head);
    } else {
        fprintf(out, "%s\n%*s", head, HELP_COLUMN, "");
    }
    print_indented(out, o->help, HELP_COLUMN);
}

static void print_exit_codes(FILE *out, const char *own)
{
    fputs("\nexit codes:\n", out);
    if (own != NULL) {
        fprintf(out, "%s\n", own);
        return;
    }
#define PRINT_CODE(name, number, meaning) fprintf(out, "  %3d  %s\n", number, meaning);
    PS_EXIT_LIST(PRINT_CODE)
#undef PRINT_CODE
}

void ps_options_help(const ps_option_set *set, FILE *out)
{
    fputs("usage: ", out);
    print_indented(out, set->usage, 7);
    if (set->summary != NULL) {
        fprintf(out, "\n%s\n", set->summary);
    }
    fputs("\noptions:\n", out);
    for (const ps_option *o = set->options; o != NULL && o->name != NULL; o++) {
        print_option(out, o);
    }
    print_option(out, &help_option);
    if (set->version != NULL) {
        print_option(out, &version_option);
        print_exit_codes(out, set->exit_codes);
    }
    if (set->epilogue != NULL) {
        fprintf(out, "\n%s\n", set->epilogue);
    }
}
