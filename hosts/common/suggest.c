#include "common/suggest.h"

#include <stdbool.h>
#include <string.h>

static char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

static size_t min2(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* Optimal string alignment: three rows of the matrix are enough, two above the current one. */
size_t ps_edit_distance(const char *a, const char *b, size_t limit)
{
    const size_t a_len = strlen(a);
    const size_t b_len = strlen(b);
    if (a_len > PS_SUGGEST_MAX || b_len > PS_SUGGEST_MAX ||
        (a_len > b_len ? a_len - b_len : b_len - a_len) > limit) {
        return limit + 1;
    }
    size_t rows[3][PS_SUGGEST_MAX + 1];
    for (size_t j = 0; j <= b_len; j++) {
        rows[0][j] = j;
    }
    for (size_t i = 1; i <= a_len; i++) {
        size_t *row = rows[i % 3];
        const size_t *above = rows[(i - 1) % 3];
        const size_t *above2 = rows[(i + 1) % 3];
        size_t least = i;
        row[0] = i;
        for (size_t j = 1; j <= b_len; j++) {
            const bool same = lower(a[i - 1]) == lower(b[j - 1]);
            row[j] = min2(min2(above[j], row[j - 1]) + 1, above[j - 1] + (same ? 0 : 1));
            if (i > 1 && j > 1 && lower(a[i - 1]) == lower(b[j - 2]) &&
                lower(a[i - 2]) == lower(b[j - 1])) {
                row[j] = min2(row[j], above2[j - 2] + 1);
            }
            least = min2(least, row[j]);
        }
        if (least > limit) {
            return limit + 1;
        }
    }
    return min2(rows[a_len % 3][b_len], limit + 1);
}

ps_suggest ps_suggest_begin(const char *word)
{
    const size_t near = strlen(word) / 3;
    return (ps_suggest){.word = word, .best = NULL, .distance = (near > 0 ? near : 1) + 1};
}

void ps_suggest_offer(ps_suggest *s, const char *candidate)
{
    const size_t distance = ps_edit_distance(s->word, candidate, s->distance - 1);
    /* Something of the word must be left, or every one-letter word is near every other. */
    if (distance < s->distance && distance < strlen(s->word)) {
        s->distance = distance > 0 ? distance : 1;
        s->best = candidate;
    }
}

const char *ps_suggest_from(const char *word, const char *const *candidates)
{
    ps_suggest s = ps_suggest_begin(word);
    for (size_t i = 0; candidates[i] != NULL; i++) {
        ps_suggest_offer(&s, candidates[i]);
    }
    return s.best;
}
