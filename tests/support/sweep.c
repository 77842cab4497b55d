#include "sweep.h"

#include "exact.h"

#include <stdlib.h>
#include <string.h>

static bool taken(sweep_decode decode, const uint8_t *bytes, size_t len)
{
    uint8_t *exact = exact_copy(bytes, len);
    const bool good = decode((ps_span){exact, len});
    free(exact);
    return good;
}

size_t sweep_cuts(sweep_decode decode, const uint8_t *body, size_t len)
{
    size_t count = 0;
    for (size_t cut = 0; cut < len; cut++) {
        count += taken(decode, body, cut);
    }
    uint8_t *longer = malloc(len + 1);
    if (longer == NULL) {
        abort();
    }
    if (len > 0) {
        memcpy(longer, body, len);
    }
    longer[len] = 0;
    count += taken(decode, longer, len + 1);
    free(longer);
    return count;
}

enum { BEFORE = 3, FILL = 0xa5 };

/* One writer of this capacity, beginning behind BEFORE bytes. */
static bool capacity_holds(sweep_encode encode, const void *message, size_t cap, size_t needed)
{
    const size_t total = BEFORE + cap;
    uint8_t *room = malloc(total);
    if (room == NULL) {
        abort();
    }
    memset(room, FILL, total);
    ps_writer w = {.base = room, .cap = total, .len = BEFORE};
    const bool done = encode(&w, message);
    bool good = done == (cap == needed) && !w.full && w.base == room && w.cap == total;
    good = good && w.len == (done ? total : BEFORE);
    for (size_t i = 0; i < BEFORE; i++) {
        good = good && room[i] == FILL;
    }
    /* Still usable: what is left takes as many bytes as it has. */
    const size_t left = good ? total - w.len : 0;
    for (size_t i = 0; i < left; i++) {
        ps_write8(&w, 1);
    }
    good = good && !w.full && w.len == total;
    free(room);
    return good;
}

bool sweep_capacities(sweep_encode encode, const void *message, size_t needed)
{
    for (size_t cap = 0; cap <= needed; cap++) {
        if (!capacity_holds(encode, message, cap, needed)) {
            return false;
        }
    }
    return true;
}
