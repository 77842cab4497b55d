#include "fake_disk.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static void fake_file_make(fake_file *f, size_t cap)
{
    f->now = malloc(cap);
    f->durable = malloc(cap);
    assert_non_null(f->now);
    assert_non_null(f->durable);
}

void fake_disk_make(fake_disk *d, size_t cap, uint64_t seed)
{
    *d = (fake_disk){.cap = cap, .room = cap, .fail_for = 1, .random = test_random_of(seed)};
    fake_file_make(&d->files[0], cap);
    fake_file_make(&d->files[1], cap);
    fake_file_make(&d->before, cap);
}

void fake_disk_free(fake_disk *d)
{
    fake_file *all[] = {&d->files[0], &d->files[1], &d->before};
    for (size_t i = 0; i < 3; i++) {
        free(all[i]->now);
        free(all[i]->durable);
    }
}

/* Whether this call fails now. */
static bool fake_fails(fake_disk *d)
{
    d->calls++;
    const bool due =
        d->fail_at != 0 && d->calls >= d->fail_at && d->calls - d->fail_at < d->fail_for;
    if (due || (d->error_chance > 0 && test_random_chance(&d->random, d->error_chance))) {
        d->failed++;
        return true;
    }
    return false;
}

static int fake_read(void *ctx, uint64_t at, void *to, size_t cap, size_t *n)
{
    fake_disk *d = ctx;
    const fake_file *f = &d->files[PS_STORE_LOG];
    *n = 0;
    if (fake_fails(d)) {
        return d->error;
    }
    if (!f->exists || at >= f->now_len) {
        return 0;
    }
    *n = f->now_len - (size_t)at < cap ? f->now_len - (size_t)at : cap;
    if (*n > 1 && test_random_chance(&d->random, 20)) {
        *n = (size_t)test_random_range(&d->random, 1, *n); /* Reads may be short. */
    }
    memcpy(to, f->now + at, *n);
    return 0;
}

static int fake_write(void *ctx, ps_store_which which, uint64_t at, const void *from, size_t len,
                      size_t *n)
{
    fake_disk *d = ctx;
    fake_file *f = &d->files[which];
    *n = 0;
    assert_true(f->exists);
    assert_true(at <= f->now_len);                                /* Never leaves a hole. */
    assert_true(at >= f->durable_len || which == PS_STORE_FRESH); /* Never over what is durable. */
    if (fake_fails(d)) {
        d->failed_write = true;
        if (d->fault == FAKE_ZERO) {
            return 0;
        }
        if (d->fault == FAKE_ERROR || len < 2) {
            return d->error;
        }
        len /= 2;
        d->fail_at = d->calls + 1;
        d->fault = FAKE_ERROR;
    }
    if (at >= d->room) {
        return ENOSPC;
    }
    *n = d->room - (size_t)at < len ? d->room - (size_t)at : len;
    memcpy(f->now + at, from, *n);
    f->now_len = (size_t)at + *n > f->now_len ? (size_t)at + *n : f->now_len;
    return 0;
}

static int fake_sync(void *ctx, ps_store_which which)
{
    fake_disk *d = ctx;
    fake_file *f = &d->files[which];
    assert_true(f->exists);
    if (fake_fails(d)) {
        /* Some of it has come to the disk, and the system believes that the rest is clean: another
         * sync alone would not write it. */
        if (f->now_len > f->durable_len) {
            const size_t some =
                (size_t)test_random_below(&d->random, f->now_len - f->durable_len + 1);
            memcpy(f->durable + f->durable_len, f->now + f->durable_len, some);
        }
        return d->error;
    }
    memcpy(f->durable, f->now, f->now_len);
    f->durable_len = f->now_len;
    return 0;
}

static int fake_truncate(void *ctx, uint64_t len)
{
    fake_disk *d = ctx;
    fake_file *f = &d->files[PS_STORE_LOG];
    assert_true(f->exists && len <= f->now_len);
    if (fake_fails(d)) {
        return d->error;
    }
    f->now_len = (size_t)len;
    f->durable_len = f->durable_len < f->now_len ? f->durable_len : f->now_len;
    return 0;
}

static int fake_create(void *ctx)
{
    fake_disk *d = ctx;
    if (fake_fails(d)) {
        return d->error;
    }
    d->files[PS_STORE_FRESH].exists = true;
    d->files[PS_STORE_FRESH].now_len = d->files[PS_STORE_FRESH].durable_len = 0;
    return 0;
}

static int fake_adopt(void *ctx)
{
    fake_disk *d = ctx;
    if (fake_fails(d)) {
        return d->error;
    }
    assert_true(d->files[PS_STORE_FRESH].exists);
    const fake_file spare = d->before;
    d->before = d->files[PS_STORE_LOG];
    d->files[PS_STORE_LOG] = d->files[PS_STORE_FRESH];
    d->files[PS_STORE_FRESH] = spare;
    d->files[PS_STORE_FRESH].exists = false;
    d->renamed = true;
    return 0;
}

static int fake_sync_name(void *ctx)
{
    fake_disk *d = ctx;
    if (fake_fails(d)) {
        return d->error;
    }
    d->renamed = false;
    return 0;
}

static void fake_discard(void *ctx)
{
    fake_disk *d = ctx;
    d->files[PS_STORE_FRESH].exists = false;
}

ps_store_files fake_files(fake_disk *d)
{
    return (ps_store_files){.ctx = d,
                            .read = fake_read,
                            .write = fake_write,
                            .sync = fake_sync,
                            .truncate = fake_truncate,
                            .create = fake_create,
                            .adopt = fake_adopt,
                            .sync_name = fake_sync_name,
                            .discard = fake_discard};
}

void fake_crash(fake_disk *d)
{
    d->fail_at = d->error_chance = 0;
    d->room = d->cap;
    if (d->renamed && test_random_chance(&d->random, 50)) {
        const fake_file lost = d->files[PS_STORE_LOG];
        d->files[PS_STORE_LOG] = d->before;
        d->before = lost;
    }
    d->renamed = false;
    d->files[PS_STORE_FRESH].exists = false;
    fake_file *f = &d->files[PS_STORE_LOG];
    size_t len = f->durable_len;
    if (f->now_len > len) {
        len += (size_t)test_random_below(&d->random, f->now_len - len + 1);
        if (len > f->durable_len && test_random_chance(&d->random, 50)) {
            /* A block in between did not. */
            f->now[test_random_range(&d->random, f->durable_len, len - 1)] ^= 0x55;
        }
    }
    memcpy(f->now, f->durable, f->durable_len);
    f->now_len = len;
    memcpy(f->durable, f->now, len);
    f->durable_len = len;
}
