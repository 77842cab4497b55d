#include "exact.h"

#include <stdlib.h>
#include <string.h>

/* Of no bytes one is allocated, because malloc(0) may be NULL; it stays unwritten, so that a reader
 * of it is seen as a reader of what was never set. */
uint8_t *exact_copy(const void *bytes, size_t len)
{
    uint8_t *copy = malloc(len > 0 ? len : 1);
    if (copy == NULL) {
        abort();
    }
    if (len > 0) {
        memcpy(copy, bytes, len);
    }
    return copy;
}

#if defined(__has_feature)
#if __has_feature(memory_sanitizer)
#define PADDING_TOO __attribute__((no_sanitize("memory")))
#endif
#endif
#ifndef PADDING_TOO
#define PADDING_TOO
#endif

PADDING_TOO bool exact_same(const uint8_t *a, const uint8_t *b, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        if (a[i] != b[i]) {
            return false;
        }
    }
    return true;
}

ps_span span_of(const char *text)
{
    return (ps_span){(const uint8_t *)text, strlen(text)};
}

bool span_equal(ps_span a, ps_span b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.data, b.data, a.len) == 0);
}
