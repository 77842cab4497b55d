/* Command lines out of the input: an argument a line, each in a block of its size. */
#ifndef PS_FUZZ_ARGV_WORLD_H
#define PS_FUZZ_ARGV_WORLD_H

#include "text_world.h"

#include "common/options.h"

enum { ARGV_MAX = 64 };

typedef struct arguments_of_input {
    int argc; /* argv[0] is the program. */
    char *argv[ARGV_MAX + 2];
} arguments_of_input;

static inline char *copy_of(const char *text, size_t len)
{
    char *out = malloc(len + 1);
    must(out != NULL);
    if (len > 0) {
        memcpy(out, text, len);
    }
    out[len] = '\0';
    return out;
}

/* Bytes that no argument can have end the input. */
static inline arguments_of_input argv_of(const uint8_t *data, size_t size)
{
    arguments_of_input a = {.argc = 1, .argv = {copy_of("fuzz", 4)}};
    const char *at = (const char *)data, *nul = size > 0 ? memchr(data, '\0', size) : NULL;
    const char *end = nul != NULL ? nul : at + size;
    while (at < end && a.argc <= ARGV_MAX) {
        const char *newline = memchr(at, '\n', (size_t)(end - at));
        const char *stop = newline != NULL ? newline : end;
        a.argv[a.argc++] = copy_of(at, (size_t)(stop - at));
        at = stop + (newline != NULL ? 1 : 0);
    }
    a.argv[a.argc] = NULL;
    return a;
}

static inline void argv_free(arguments_of_input *a)
{
    for (int i = 0; i < a->argc; i++) {
        free(a->argv[i]);
    }
}

/* What a refusal says: something, on one line. */
static inline void must_be_words(const char *error, size_t cap)
{
    const size_t len = strnlen(error, cap);
    must(len > 0 && len < cap);
    must_be_safe(error, len);
}

#endif
