/* Command lines from a table: `--name VALUE`, `--name=VALUE`, `-n VALUE`, flags, words. The table
 * is constant and says where in the caller's struct each value goes; it also writes the help. */
#ifndef PS_COMMON_OPTIONS_H
#define PS_COMMON_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/* Most values that one repeatable option takes, and most words of a command line: as many as a
 * peer's machine holds publications by default. */
#define PS_OPTION_REPEATS_MAX 16u
#define PS_OPTION_WORDS_MAX   131072u

/* Where a repeatable option's values go. The strings belong to argv. */
typedef struct ps_string_list {
    const char *items[PS_OPTION_REPEATS_MAX];
    size_t len;
} ps_string_list;

typedef enum ps_option_kind {
    PS_OPTION_FLAG,   /* bool: true when given. */
    PS_OPTION_TEXT,   /* const char *: the value, in argv. */
    PS_OPTION_LIST,   /* ps_string_list: may be given again. */
    PS_OPTION_NUMBER, /* uint64_t: decimal, min to max. */
    PS_OPTION_CHOICE  /* unsigned: index into `choices`. */
} ps_option_kind;

/* One option. Values keep what the struct held before (the defaults) when it is not given. */
typedef struct ps_option {
    const char *name; /* Without dashes; NULL ends the table. */
    char letter;      /* For `-o`, or 0. */
    ps_option_kind kind;
    size_t offset;              /* offsetof() the value in the caller's struct. */
    const char *argument;       /* What the help calls the value: "FILE". */
    const char *help;           /* One or more lines, divided by '\n'. */
    uint64_t min, max;          /* NUMBER. */
    const char *const *choices; /* CHOICE: words, NULL at the end. */
} ps_option;

/* A program's (or a command's) line. --help and --version are added to a program's table. */
typedef struct ps_option_set {
    const char *program;      /* "peersyncd", or a command: "get". */
    const char *usage;        /* The usage's lines after the word "usage: ", divided by '\n'. */
    const char *summary;      /* What it does, in a sentence; may be NULL. */
    const char *epilogue;     /* Printed after the options; may be NULL. */
    const char *version;      /* NULL: a command inside a program, without --version. */
    const char *exit_codes;   /* Lines "  N  meaning" of a program whose exit codes are others than
                                 those of exit_codes.h; NULL: they are those. */
    const ps_option *options; /* Ended by a NULL name. */
    /* When this says true of a word, it and all that follows are words (a command with options of
     * its own). NULL: options may stand anywhere. "--" ends the options in any case. */
    bool (*ends_options)(const char *word);
} ps_option_set;

typedef enum ps_options_result {
    PS_OPTIONS_OK,
    PS_OPTIONS_HELP,    /* --help (or -h): call ps_options_help() and end with 0. */
    PS_OPTIONS_VERSION, /* --version. */
    PS_OPTIONS_BAD      /* `error` says why: print it and end with PS_EXIT_USAGE. */
} ps_options_result;

/* What the line held beside options. Starts as zeros; ps_words_free() ends it. */
typedef struct ps_words {
    const char **items; /* An array of its own; the strings belong to argv. */
    size_t len;
    char error[512]; /* For PS_OPTIONS_BAD: safe for a terminal, no full stop, no newline. */
} ps_words;

/* Reads argv[1 .. argc) into the struct `into`. `words` may be used again: what it held is lost. */
ps_options_result ps_options_parse(const ps_option_set *set, int argc, char *const argv[],
                                   void *into, ps_words *words);
/* Frees the array; `words` may be used again. */
void ps_words_free(ps_words *words);

/* Deals with all but OK for a program: prints help or version on stdout (exit code 0), or the
 * error and where help is on stderr (PS_EXIT_USAGE). Returns the exit code. */
int ps_options_answer(const ps_option_set *set, ps_options_result result, const ps_words *words);

/* Prints usage, summary, options and epilogue. */
void ps_options_help(const ps_option_set *set, FILE *out);

/* Decimal digits only, no sign, no spaces; false when it is none or outside min .. max. */
bool ps_number_parse(const char *text, uint64_t min, uint64_t max, uint64_t *out);

#endif
