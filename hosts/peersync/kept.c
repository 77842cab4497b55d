#include "kept.h"

#include "data/alloc.h"

#include <stdlib.h>
#include <string.h>

void kept_add(struct kept *k, const char *bytes, size_t len)
{
    if (k->cap - k->len < len) {
        k->cap = (k->cap + len) * 2;
        k->bytes = data_grow(k->bytes, k->cap, 1);
    }
    memcpy(k->bytes + k->len, bytes, len);
    k->len += len;
}

void kept_clear(struct kept *k)
{
    free(k->bytes);
    *k = (struct kept){.bytes = NULL};
}

void kept_print(struct kept *k, struct out *out)
{
    if (k->len > 0) {
        out_data(out, k->bytes, k->len);
    }
    kept_clear(k);
}
