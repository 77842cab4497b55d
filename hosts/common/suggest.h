/* "Did you mean ...?": the candidate nearest to a mistyped word. */
#ifndef PS_COMMON_SUGGEST_H
#define PS_COMMON_SUGGEST_H

#include <stddef.h>

/* Longest word that is compared, in bytes; longer ones match nothing. */
#define PS_SUGGEST_MAX 255u

/* Edit distance in bytes (insert, delete, replace, swap of neighbours: each 1; ASCII letters
 * compare without case), or `limit + 1` as soon as it is certain to exceed `limit`. */
size_t ps_edit_distance(const char *a, const char *b, size_t limit);

/* Keeps the nearest of many candidates that are offered one by one. */
typedef struct ps_suggest {
    const char *word;
    const char *best; /* NULL: nothing near enough. The caller keeps the candidates alive. */
    size_t distance;
} ps_suggest;

/* A third of the word's length (at least 1) is near enough. */
ps_suggest ps_suggest_begin(const char *word);
void ps_suggest_offer(ps_suggest *s, const char *candidate);

/* The nearest of a NULL-ended list, or NULL. */
const char *ps_suggest_from(const char *word, const char *const *candidates);

#endif
