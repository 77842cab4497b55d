/* The disk that a fuzzed store works on: in memory, and the input says which calls fail. */
#ifndef PS_FUZZ_STORE_DISK_H
#define PS_FUZZ_STORE_DISK_H

#include "harness.h"

#include "peersyncd/store_files.h"

#include <errno.h>

enum { DISK = 131072 };

/* A disk in memory. While `luck` lasts, it says how each call goes. */
typedef struct disk {
    uint8_t *bytes[2]; /* By ps_store_which. */
    size_t len[2];
    bool exists[2];
    tape *luck;
} disk;

/* 0: as it should. */
static inline unsigned fate(const disk *d)
{
    return d->luck == NULL || d->luck->left == 0 || take8(d->luck) < 192 ? 0 : take8(d->luck);
}

static inline int disk_read(void *ctx, uint64_t at, void *to, size_t cap, size_t *n)
{
    const disk *d = ctx;
    const unsigned f = fate(d);
    *n = 0;
    if (f % 4 == 3) {
        return EIO;
    }
    if (d->exists[PS_STORE_LOG] && at < d->len[PS_STORE_LOG]) {
        *n = d->len[PS_STORE_LOG] - (size_t)at;
        *n = *n < cap ? *n : cap;
        *n = f != 0 ? *n / f + 1 : *n;
        *n = *n < cap ? *n : cap;
        *n = *n < d->len[PS_STORE_LOG] - at ? *n : d->len[PS_STORE_LOG] - (size_t)at;
        memcpy(to, d->bytes[PS_STORE_LOG] + at, *n);
    }
    return 0;
}

static inline int disk_write(void *ctx, ps_store_which which, uint64_t at, const void *from,
                             size_t len, size_t *n)
{
    disk *d = ctx;
    const unsigned f = fate(d);
    *n = 0;
    must(d->exists[which] && at <= d->len[which] && len > 0);
    if (f % 4 == 3 || len > DISK - at) {
        return ENOSPC;
    }
    *n = f != 0 ? len / f : len;
    memcpy(d->bytes[which] + at, from, *n);
    d->len[which] = at + *n > d->len[which] ? (size_t)at + *n : d->len[which];
    return 0;
}

static inline int disk_sync(void *ctx, ps_store_which which)
{
    const disk *d = ctx;
    must(d->exists[which]);
    return fate(d) != 0 ? EIO : 0;
}

static inline int disk_truncate(void *ctx, uint64_t len)
{
    disk *d = ctx;
    must(d->exists[PS_STORE_LOG] && len <= d->len[PS_STORE_LOG]);
    if (fate(d) != 0) {
        return EIO;
    }
    d->len[PS_STORE_LOG] = (size_t)len;
    return 0;
}

static inline int disk_create(void *ctx)
{
    disk *d = ctx;
    if (fate(d) != 0) {
        return EACCES;
    }
    d->exists[PS_STORE_FRESH] = true;
    d->len[PS_STORE_FRESH] = 0;
    return 0;
}

static inline int disk_adopt(void *ctx)
{
    disk *d = ctx;
    must(d->exists[PS_STORE_FRESH]);
    if (fate(d) != 0) {
        return EACCES;
    }
    uint8_t *old = d->bytes[PS_STORE_LOG];
    d->bytes[PS_STORE_LOG] = d->bytes[PS_STORE_FRESH];
    d->bytes[PS_STORE_FRESH] = old;
    d->len[PS_STORE_LOG] = d->len[PS_STORE_FRESH];
    d->exists[PS_STORE_LOG] = true;
    d->exists[PS_STORE_FRESH] = false;
    return 0;
}

static inline int disk_sync_name(void *ctx)
{
    return fate(ctx) != 0 ? EIO : 0;
}

static inline void disk_discard(void *ctx)
{
    ((disk *)ctx)->exists[PS_STORE_FRESH] = false;
}

static inline ps_store_files files_of(disk *d)
{
    return (ps_store_files){.ctx = d,
                            .read = disk_read,
                            .write = disk_write,
                            .sync = disk_sync,
                            .truncate = disk_truncate,
                            .create = disk_create,
                            .adopt = disk_adopt,
                            .sync_name = disk_sync_name,
                            .discard = disk_discard};
}

#endif
