/* A typed line as words, and a word as it must be typed. */
#ifndef PEERSYNC_WORDS_H
#define PEERSYNC_WORDS_H

#include <stdbool.h>
#include <stddef.h>

#define WORDS_MAX 1024u

/* Splits a line in place at spaces and tabs. 'single' and "double" quotes keep them in a word; a
 * backslash outside of single quotes keeps the next character as it is. `words` gets a NULL behind
 * the last one: it has room for WORDS_MAX + 1.
 * @return the number of words; -1 with the reason, a sentence without full stop, in *why. */
int words_split(char *line, char *words[WORDS_MAX + 1], const char **why);

/* The word as a POSIX shell (and this program's prompt) reads it back. free() it. */
char *words_quote(const char *word);

#endif
