/* The server's store in the world: that of peersyncd (peersyncd/store.h), on a simulated disk.
 *
 * Beside it the world remembers what was given to the store, in order, and how much of it the store
 * has called durable: a restart must find at least that, unless the disk lied. */
#include "world.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define RETRY_US UINT64_C(1000000)

#define LOG   "publications.log"
#define FRESH "publications.fresh"

/* ---- the store's files on the disk ---- */

static int error_of(ps_sim_disk_result result)
{
    return result == PS_SIM_DISK_OK ? 0 : (result == PS_SIM_DISK_FULL ? ENOSPC : EIO);
}

static const char *name_of(ps_store_which which)
{
    return which == PS_STORE_LOG ? LOG : FRESH;
}

static int log_read(void *ctx, uint64_t at, void *to, size_t cap, size_t *n)
{
    world_store *s = ctx;
    const ps_sim_disk_result result = ps_sim_disk_read(s->disk, LOG, at, to, cap, n, &s->loaded_us);
    return result == PS_SIM_DISK_ABSENT ? 0 : error_of(result);
}

static int log_write(void *ctx, ps_store_which which, uint64_t at, const void *from, size_t len,
                     size_t *n)
{
    const world_store *s = ctx;
    *n = len;
    return error_of(ps_sim_disk_write(s->disk, name_of(which), at, from, len));
}

static int log_sync(void *ctx, ps_store_which which)
{
    world_store *s = ctx;
    return error_of(ps_sim_disk_flush(s->disk, name_of(which), &s->loaded_us));
}

static int log_truncate(void *ctx, uint64_t len)
{
    const world_store *s = ctx;
    return error_of(ps_sim_disk_truncate(s->disk, LOG, len));
}

static void log_discard(void *ctx)
{
    const world_store *s = ctx;
    (void)ps_sim_disk_remove(s->disk, FRESH);
}

static int log_create(void *ctx)
{
    const world_store *s = ctx;
    log_discard(ctx);
    return error_of(ps_sim_disk_write(s->disk, FRESH, 0, NULL, 0));
}

static int log_adopt(void *ctx)
{
    const world_store *s = ctx;
    return error_of(ps_sim_disk_rename(s->disk, FRESH, LOG));
}

static int names_sync(void *ctx)
{
    world_store *s = ctx;
    return error_of(ps_sim_disk_flush(s->disk, NULL, &s->loaded_us));
}

static ps_store_files files_of(world_store *s)
{
    return (ps_store_files){.ctx = s,
                            .read = log_read,
                            .write = log_write,
                            .sync = log_sync,
                            .truncate = log_truncate,
                            .create = log_create,
                            .adopt = log_adopt,
                            .sync_name = names_sync,
                            .discard = log_discard};
}

void world_store_init(world *w)
{
    world_store *s = &w->server.store;
    s->manners = (ps_sim_disk_config){.size = sizeof s->manners};
    WORLD_REQUIRE(w, ps_sim_disk_create(w->sim, &s->manners, &s->disk) == PS_OK);
}

void world_store_free(world *w)
{
    ps_store_free(&w->server.store.store);
    free(w->server.store.records);
}

void world_store_manners(world *w, const ps_sim_disk_config *manners)
{
    w->server.store.manners = *manners;
    WORLD_REQUIRE(w, ps_sim_disk_set(w->server.store.disk, manners) == PS_OK);
}

/* ---- what was given to it ---- */

static uint32_t hash_of(ps_span name)
{
    uint32_t hash = 5381;
    for (size_t i = 0; i < name.len; i++) {
        hash = hash * 33 + name.data[i];
    }
    return hash;
}

static void remember(world *w, uint64_t commit_seq, const ps_input_restore *e)
{
    world_store *s = &w->server.store;
    const uint32_t user = world_user_index(w, e->user);
    WORLD_REQUIRE(w, w->cfg.store && user != UINT32_MAX && e->name.len <= PS_NAME_MAX);
    if (s->len == s->cap) {
        s->cap = s->cap > 0 ? 2 * s->cap : 256;
        s->records = realloc(s->records, s->cap * sizeof *s->records);
        WORLD_REQUIRE(w, s->records != NULL);
    }
    world_record *r = &s->records[s->len++];
    *r = (world_record){.commit_seq = commit_seq,
                        .generation = e->generation,
                        .user = user,
                        .name_len = (uint8_t)e->name.len,
                        .hash = hash_of(e->name),
                        .content = e->content,
                        .published = e->published};
    memcpy(r->device, e->device, PS_DEVICE_BYTES);
    memcpy(r->name, e->name.data, e->name.len);
}

void world_store_add(world *w, const ps_event_record *e)
{
    ps_input_restore r = {.generation = e->generation,
                          .user = {e->user.bytes, e->user.len},
                          .name = e->name,
                          .content = e->content,
                          .published = e->published};
    memcpy(r.device, e->device, PS_DEVICE_BYTES);
    remember(w, e->commit_seq, &r);
    WORLD_REQUIRE(w, ps_store_append(&w->server.store.store, e));
}

const world_record *world_store_last(const world *w, uint32_t user,
                                     const uint8_t device[PS_DEVICE_BYTES], ps_span name)
{
    const world_store *s = &w->server.store;
    const uint32_t hash = hash_of(name);
    for (size_t i = s->durable; i > 0; i--) {
        const world_record *r = &s->records[i - 1];
        if (r->hash == hash && r->user == user && r->name_len == name.len &&
            memcmp(r->device, device, PS_DEVICE_BYTES) == 0 &&
            memcmp(r->name, name.data, name.len) == 0) {
            return r;
        }
    }
    return NULL;
}

/* ---- at work ---- */

/* The server is told when changes have to wait, and when no more. */
static void tell(world *w)
{
    world_store *s = &w->server.store;
    const uint32_t retry_ms = ps_store_retry_ms(&s->store);
    if (retry_ms != s->told_ms) {
        s->told_ms = retry_ms;
        world_server_submit(w, (ps_input){.type = PS_INPUT_STORE, .u.store_retry_ms = retry_ms});
    }
}

static void end_work(world *w)
{
    world_store *s = &w->server.store;
    const ps_store_news news = ps_store_end(&s->store);
    s->again_us = 0;
    if (news == PS_STORE_BROKEN || news == PS_STORE_STILL) {
        s->failures++;
        s->again_us = world_now_us(w) + RETRY_US;
    } else {
        s->syncs++;
        while (s->durable < s->len && s->records[s->durable].commit_seq <= s->store.committed) {
            s->durable++;
        }
        ps_pump_commit(&w->server.machine.pump, s->store.committed);
    }
    tell(w);
}

static void begin_work(world *w)
{
    world_store *s = &w->server.store;
    if (!ps_store_write(&s->store)) {
        end_work(w);
        return;
    }
    const ps_sim_disk_result result = ps_sim_disk_sync(s->disk, LOG, &s->sync);
    s->syncing = result == PS_SIM_DISK_OK;
    if (!s->syncing) {
        ps_store_synced(&s->store, error_of(result));
        end_work(w);
    }
}

void world_store_work(world *w)
{
    world_store *s = &w->server.store;
    if (s->syncing && s->sync.done_us <= world_now_us(w)) {
        s->syncing = false;
        ps_store_synced(&s->store, error_of(ps_sim_disk_synced(s->disk, s->sync.id)));
        end_work(w);
    }
    tell(w);
    if (s->again_us <= world_now_us(w) && ps_store_begin(&s->store)) {
        begin_work(w);
    }
}

uint64_t world_store_due_us(const world *w)
{
    const world_store *s = &w->server.store;
    if (s->syncing) {
        return s->sync.done_us;
    }
    return ps_store_pending(&s->store) > 0 ? s->again_us : PS_TIME_NEVER;
}

/* ---- the process ends and begins ---- */

void world_store_kill(world *w)
{
    ps_store_free(&w->server.store.store);
}

void world_store_cut(world *w, ps_sim_disk_tail tail)
{
    ps_sim_disk_cut(w->server.store.disk, tail);
}

void world_store_wipe(world *w)
{
    world_store *s = &w->server.store;
    const ps_sim_disk_config good = {.size = sizeof good};
    WORLD_REQUIRE(w, ps_sim_disk_set(s->disk, &good) == PS_OK);
    const ps_sim_disk_result result = ps_sim_disk_remove(s->disk, LOG);
    WORLD_REQUIRE(w, result == PS_SIM_DISK_OK || result == PS_SIM_DISK_ABSENT);
    WORLD_REQUIRE(w, ps_sim_disk_flush(s->disk, NULL, NULL) == PS_SIM_DISK_OK);
    world_store_manners(w, &s->manners);
    s->wiped = true;
}

static void take(void *ctx, const ps_input_restore *record)
{
    remember(ctx, 0, record);
}

/* The place of the last record in [from, to) of each peer's, SIZE_MAX: none. */
static size_t *last_of_peers(const world *w, size_t from, size_t to)
{
    size_t *last = malloc((w->cfg.peers + 1) * sizeof *last);
    WORLD_REQUIRE(w, last != NULL);
    for (uint32_t i = 0; i < w->cfg.peers; i++) {
        last[i] = SIZE_MAX;
    }
    for (size_t i = from; i < to; i++) {
        const uint8_t *device = w->server.store.records[i].device;
        last[(uint32_t)device[0] * 256u + device[1]] = i;
    }
    return last;
}

/* Records are lost from the end, so it is enough to look at the last of each device: those of [0,
 * given), of which [0, told) were called durable, against what was found: [given, len). (What was
 * withdrawn last the store may leave out.) */
static void require_kept(const world *w, size_t told, size_t given)
{
    const world_record *records = w->server.store.records;
    size_t *before = last_of_peers(w, 0, given);
    size_t *after = last_of_peers(w, given, w->server.store.len);
    for (uint32_t i = 0; i < w->cfg.peers; i++) {
        if (before[i] < told && records[before[i]].published) {
            WORLD_REQUIRE(w, after[i] != SIZE_MAX);
            const world_record *r = &records[before[i]];
            const world_record *found = &records[after[i]];
            WORLD_REQUIRE(w, found->generation == r->generation && found->published &&
                                 found->hash == r->hash &&
                                 ps_content_equal(&found->content, &r->content));
        }
    }
    free(before);
    free(after);
}

/* A log whose first sector was never written, though its disk said so, is not one any more:
 * somebody moves it away, as the program asks for. Else it is never the log's own fault. */
static void refused(world *w, const ps_store_summary *summary)
{
    ps_sim_disk_stats stats;
    ps_sim_disk_stats_get(w->server.store.disk, &stats);
    WORLD_REQUIRE(w, stats.lied > 0 && summary->kind == PS_STORE_FOREIGN);
    world_store_wipe(w);
}

bool world_store_load(world *w)
{
    world_store *s = &w->server.store;
    const ps_store_files files = files_of(s);
    const uint8_t salt[PS_STORE_SALT] = {0};
    const size_t told = s->durable;
    const size_t given = s->len;
    ps_store_summary summary;
    ps_sim_disk_stats before, stats;
    if (s->syncing) { /* An earlier life's: nobody asks any more. */
        (void)ps_sim_disk_synced(s->disk, s->sync.id);
        s->syncing = false;
    }
    s->loaded_us = world_now_us(w);
    ps_sim_disk_stats_get(s->disk, &before);
    const ps_store_result result =
        ps_store_load(&files, w->cfg.server.crypto, salt, take, w, &summary);
    if (result != PS_STORE_OK) {
        s->len = given;
        if (result == PS_STORE_REFUSED) {
            refused(w, &summary);
        } else {
            WORLD_REQUIRE(w, result == PS_STORE_FAILED);
        }
        return false;
    }
    ps_sim_disk_stats_get(s->disk, &stats);
    if (before.lied > s->lies || s->wiped || s->unsure) {
        s->lied_us = world_now_us(w);
    } else {
        require_kept(w, told, given);
    }
    /* A log that was written anew without a lie is durable, whatever was said before. Where there
     * was no room for that, what a failed sync left out the system may have forgotten. */
    if (summary.renew_error == 0) {
        s->lies = stats.lied == before.lied ? stats.lied : s->lies;
        s->failed_syncs = stats.failed[PS_SIM_DISK_SYNC];
    }
    s->unsure = stats.failed[PS_SIM_DISK_SYNC] > s->failed_syncs;
    s->wiped = false;
    s->torn += summary.cut > 0 ? 1u : 0u;
    s->len -= given;
    if (s->len > 0) {
        memmove(s->records, s->records + given, s->len * sizeof *s->records);
    }
    s->durable = s->len;
    s->told_ms = 0;
    s->again_us = 0;
    WORLD_REQUIRE(w, ps_store_init(&s->store, &files, w->cfg.server.crypto, summary.good,
                                   PS_STORE_PENDING_MAX));
    return true;
}

void world_store_restore(world *w)
{
    world_store *s = &w->server.store;
    for (size_t i = 0; i < s->durable; i++) {
        const world_record *r = &s->records[i];
        char user[WORLD_NAME_BYTES];
        world_user_name(r->user, user);
        ps_input in = {.type = PS_INPUT_RESTORE};
        in.u.restore = (ps_input_restore){.generation = r->generation,
                                          .user = {(const uint8_t *)user, strlen(user)},
                                          .name = {r->name, r->name_len},
                                          .content = r->content,
                                          .published = r->published};
        memcpy(in.u.restore.device, r->device, PS_DEVICE_BYTES);
        if (w->cfg.model) {
            model_restored(&w->model, &in.u.restore);
        }
        world_server_submit(w, in);
    }
}
