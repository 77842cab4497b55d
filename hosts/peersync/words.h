/* A typed line as words, and a word as it must be typed. */
#ifndef PEERSYNC_WORDS_H
#define PEERSYNC_WORDS_H

#include <stdbool.h>
#include <stddef.h>

/* Splits a line in place at spaces and tabs. 'single' and "double" quotes keep them in a word; a
 * backslash outside of single quotes keeps the next character as it is.
 * @return the words, *count of them and a NULL, in an array to free() that points into the line;
 * NULL with the reason, a sentence without full stop, in *why. */
char **words_split(char *line, size_t *count, const char **why);

/* The word as a POSIX shell (and this program's prompt) reads it back. free() it. */
char *words_quote(const char *word);

/* Leaves out what is there already, in place; the rest keeps its order. @return how many are left.
 */
size_t words_once(const char **words, size_t count);

#endif
