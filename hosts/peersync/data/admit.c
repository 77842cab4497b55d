#include "admit.h"

#include "alloc.h"
#include "internal.h"

#include <stdlib.h>
#include <string.h>

/* Past this a clock is nonsense, and sums in microseconds would overflow. */
#define WALL_S_MAX (UINT64_C(1) << 40)
/* What rounding may take off a reading, and a moment on the way. */
#define CUT_OFF_US 2500000

bool admit_ticket(void *ctx, ps_span ticket, uint8_t key[PS_KEY_BYTES])
{
    struct loop *loop = ctx;
    ps_file_ticket t;
    const bool good = ps_file_ticket_open(loop->data->cfg.crypto, &loop->keys,
                                          data_wall_s(loop->data), ticket, &t);
    if (good) {
        memcpy(key, t.key, PS_KEY_BYTES);
    }
    explicit_bzero(&t, sizeof t);
    return good;
}

uint64_t data_wall_s(const struct data *d)
{
    const int64_t offset_us = atomic_load(&d->wall_offset_us);
    return offset_us == DATA_WALL_UNKNOWN
               ? 0
               : (uint64_t)((int64_t)ps_posix_now_us() + offset_us) / 1000000u;
}

void data_set_wall(struct data *d, uint64_t wall_s)
{
    const int64_t before = atomic_load(&d->wall_offset_us);
    int64_t offset_us = DATA_WALL_UNKNOWN;
    if (wall_s != 0 && wall_s < WALL_S_MAX) {
        offset_us = (int64_t)(wall_s * 1000000u) - (int64_t)ps_posix_now_us();
        /* The server cuts its fractions off, and so may whoever counts on from there: of readings
         * that differ by no more than that, the largest is the nearest. */
        if (before > offset_us && before - offset_us < CUT_OFF_US) {
            return;
        }
    }
    atomic_store(&d->wall_offset_us, offset_us);
}

static void take_keys(struct loop *loop, void *arg)
{
    ps_file_keys *keys = arg;
    loop->keys = *keys;
    explicit_bzero(keys, sizeof *keys);
    free(keys);
}

void data_set_file_keys(struct data *d, const ps_file_keys *keys)
{
    for (unsigned i = 0; i < d->loop_count; i++) {
        ps_file_keys *copy = data_alloc(1, sizeof *copy);
        *copy = *keys;
        loop_post(&d->loops[i], take_keys, copy);
    }
}
