#include "words.h"

#include "data/alloc.h"

#include <stdlib.h>
#include <string.h>

static bool is_space(char c)
{
    return c == ' ' || c == '\t';
}

/* Copies one word from *from to *to without its quotes; false: a quote is left open. */
static bool take_word(char **from, char **to)
{
    char quote = '\0';
    char *at = *from;
    char *out = *to;
    for (; *at != '\0'; at++) {
        if (quote != '\0' && *at == quote) {
            quote = '\0';
        } else if (quote == '\0' && (*at == '\'' || *at == '"')) {
            quote = *at;
        } else if (quote == '\0' && is_space(*at)) {
            break;
        } else if (*at == '\\' && quote != '\'' && at[1] != '\0') {
            *out++ = *++at;
        } else {
            *out++ = *at;
        }
    }
    *from = at;
    *to = out;
    return quote == '\0';
}

char **words_split(char *line, size_t *count, const char **why)
{
    /* Each word but the last takes two bytes at least. */
    char **words = data_alloc(strlen(line) / 2 + 2, sizeof *words);
    size_t n = 0;
    char *at = line;
    for (;;) {
        while (is_space(*at)) {
            at++;
        }
        if (*at == '\0') {
            break;
        }
        /* A word never grows, so its end cannot pass what is still to be read. */
        char *out = at;
        words[n++] = out;
        if (!take_word(&at, &out)) {
            *why = "a quote is left open";
            free(words);
            return NULL;
        }
        const bool last = *at == '\0';
        *out = '\0';
        if (last) {
            break;
        }
        at++;
    }
    words[n] = NULL;
    *count = n;
    return words;
}

char *words_quote(const char *word)
{
    static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
                                "%+,-./:=@_";
    const size_t len = strlen(word);
    if (len > 0 && strspn(word, plain) == len) {
        return data_strdup(word);
    }
    /* Single quotes keep all but themselves, which becomes '\''. */
    char *out = data_alloc(len * 4 + 3, 1);
    char *to = out;
    *to++ = '\'';
    for (const char *from = word; *from != '\0'; from++) {
        if (*from == '\'') {
            memcpy(to, "'\\''", 4);
            to += 4;
        } else {
            *to++ = *from;
        }
    }
    *to++ = '\'';
    return out;
}

static int compare_words(const void *a, const void *b)
{
    const char *const *left = *(const char *const *const *)a;
    const char *const *right = *(const char *const *const *)b;
    const int words = strcmp(*left, *right);
    return words != 0 ? words : (left > right) - (left < right);
}

size_t words_once(const char **words, size_t count)
{
    const char ***sorted = data_alloc(count, sizeof *sorted);
    bool *again = data_alloc(count, sizeof *again);
    size_t kept = 0;
    for (size_t i = 0; i < count; i++) {
        sorted[i] = &words[i];
    }
    qsort(sorted, count, sizeof *sorted, compare_words);
    for (size_t i = 1; i < count; i++) {
        again[sorted[i] - words] = strcmp(*sorted[i], *sorted[i - 1]) == 0;
    }
    for (size_t i = 0; i < count; i++) {
        if (!again[i]) {
            words[kept++] = words[i];
        }
    }
    free(again);
    free(sorted);
    return kept;
}
