#include "shorten.h"

#include <stdlib.h>
#include <string.h>

/* What is left without [from, to). */
static size_t without(uint32_t *out, const uint32_t things[], size_t len, size_t from, size_t to)
{
    memcpy(out, things, from * sizeof *out);
    memcpy(out + from, things + to, (len - to) * sizeof *out);
    return len - (to - from);
}

size_t shorten(uint32_t things[], size_t len, shorten_test fails, void *ctx)
{
    uint32_t *fewer = malloc((len + 1) * sizeof *fewer);
    size_t parts = 2;
    if (fewer == NULL) {
        return len;
    }
    if (len > 0 && fails(ctx, things, 0)) {
        len = 0;
    }
    while (len > 1) {
        const size_t chunk = (len + parts - 1) / parts;
        bool less = false;
        for (size_t at = 0; at < len;) {
            const size_t end = at + chunk < len ? at + chunk : len;
            const size_t left = without(fewer, things, len, at, end);
            if (left > 0 && fails(ctx, fewer, left)) {
                memcpy(things, fewer, left * sizeof *things);
                len = left;
                less = true;
            } else {
                at = end;
            }
        }
        if (chunk == 1 && !less) {
            break;
        }
        /* What is left, in pieces of the same size while that helps, else in smaller ones. */
        parts = less ? (len + chunk - 1) / chunk : 2 * parts;
        parts = parts > len ? len : (parts < 2 ? 2 : parts);
    }
    free(fewer);
    return len;
}
