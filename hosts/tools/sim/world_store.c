/* The server's store as the world has it: syncs take time, fail, and lie. */
#include "world.h"

#include <stdlib.h>
#include <string.h>

#define RETRY_US UINT64_C(1000000)

static uint32_t hash_of(ps_span name)
{
    uint32_t hash = 5381;
    for (size_t i = 0; i < name.len; i++) {
        hash = hash * 33 + name.data[i];
    }
    return hash;
}

static bool same_name(const world_record *r, uint32_t user, const uint8_t device[PS_DEVICE_BYTES],
                      ps_span name, uint32_t hash)
{
    return r->hash == hash && r->user == user && r->name_len == name.len &&
           memcmp(r->device, device, PS_DEVICE_BYTES) == 0 &&
           memcmp(r->name, name.data, name.len) == 0;
}

void world_store_add(world *w, const ps_event_record *e)
{
    world_store *s = &w->server.store;
    const uint32_t user = world_user_index(w, (ps_span){e->user.bytes, e->user.len});
    WORLD_REQUIRE(w, w->cfg.store && user != UINT32_MAX && e->name.len <= PS_NAME_MAX);
    if (s->len == s->cap) {
        s->cap = s->cap > 0 ? 2 * s->cap : 256;
        s->records = realloc(s->records, s->cap * sizeof *s->records);
        WORLD_REQUIRE(w, s->records != NULL);
    }
    world_record *r = &s->records[s->len++];
    *r = (world_record){.commit_seq = e->commit_seq,
                        .generation = e->generation,
                        .user = user,
                        .name_len = (uint8_t)e->name.len,
                        .hash = hash_of(e->name),
                        .content = e->content,
                        .published = e->published};
    memcpy(r->device, e->device, PS_DEVICE_BYTES);
    memcpy(r->name, e->name.data, e->name.len);
}

const world_record *world_store_last(const world *w, uint32_t user,
                                     const uint8_t device[PS_DEVICE_BYTES], ps_span name)
{
    const world_store *s = &w->server.store;
    const uint32_t hash = hash_of(name);
    for (size_t i = s->durable; i > 0; i--) {
        if (same_name(&s->records[i - 1], user, device, name, hash)) {
            return &s->records[i - 1];
        }
    }
    return NULL;
}

static void tell(world *w, uint32_t retry_ms)
{
    w->server.store.told = retry_ms != 0;
    world_server_submit(w, (ps_input){.type = PS_INPUT_STORE, .u.store_retry_ms = retry_ms});
}

static void end_sync(world *w)
{
    world_store *s = &w->server.store;
    if (world_now_us(w) < s->fails_until_us) {
        s->failures++;
        s->sync_due_us = world_now_us(w) + RETRY_US;
        if (!s->told) {
            tell(w, 1000);
        }
        return;
    }
    s->durable = s->syncing;
    s->syncing = 0;
    s->syncs++;
    ps_pump_commit(&w->server.machine.pump, s->records[s->durable - 1].commit_seq);
    if (s->told) {
        tell(w, 0);
    }
}

void world_store_work(world *w)
{
    world_store *s = &w->server.store;
    if (s->syncing != 0 && s->sync_due_us <= world_now_us(w)) {
        end_sync(w);
    }
    if (s->syncing == 0 && s->durable < s->len) {
        s->syncing = s->len;
        s->sync_due_us = world_now_us(w) + s->delay_us;
    }
}

uint64_t world_store_due_us(const world *w)
{
    return w->server.store.syncing != 0 ? w->server.store.sync_due_us : PS_TIME_NEVER;
}

void world_store_crash(world *w, size_t lies)
{
    world_store *s = &w->server.store;
    s->lost += s->len - s->durable;
    s->lied_us = lies > 0 ? world_now_us(w) : s->lied_us;
    s->durable -= lies < s->durable ? lies : s->durable;
    s->len = s->durable;
    s->syncing = 0;
    s->told = false;
}

/* Records of one hash stand together, the older first. */
static int by_hash(const void *a, const void *b)
{
    const world_record *x = *(const world_record *const *)a;
    const world_record *y = *(const world_record *const *)b;
    if (x->hash != y->hash) {
        return x->hash < y->hash ? -1 : 1;
    }
    return x < y ? -1 : 1;
}

/* Whether something newer was said of the name of the first of these, which have one hash. */
static bool outdated(world_record *const *sorted, size_t len)
{
    const world_record *r = sorted[0];
    for (size_t k = 1; k < len && sorted[k]->hash == r->hash; k++) {
        if (same_name(sorted[k], r->user, r->device, (ps_span){r->name, r->name_len}, r->hash)) {
            return true;
        }
    }
    return false;
}

/* Keeps of each name only what was said last. */
static void compact(world *w)
{
    world_store *s = &w->server.store;
    world_record **sorted = malloc((s->len + 1) * sizeof(world_record *));
    bool *drop = calloc(s->len + 1, sizeof *drop);
    WORLD_REQUIRE(w, sorted != NULL && drop != NULL);
    for (size_t i = 0; i < s->len; i++) {
        sorted[i] = &s->records[i];
    }
    qsort(sorted, s->len, sizeof(world_record *), by_hash);
    for (size_t i = 0; i < s->len; i++) {
        drop[sorted[i] - s->records] = outdated(sorted + i, s->len - i);
    }
    size_t kept = 0;
    for (size_t i = 0; i < s->len; i++) {
        if (!drop[i]) {
            s->records[kept++] = s->records[i];
        }
    }
    s->len = s->durable = kept;
    free(sorted);
    free(drop);
}

void world_store_restore(world *w)
{
    world_store *s = &w->server.store;
    compact(w);
    for (size_t i = 0; i < s->len; i++) {
        world_record *r = &s->records[i];
        char user[WORLD_NAME_BYTES];
        world_user_name(r->user, user);
        ps_input in = {.type = PS_INPUT_RESTORE};
        in.u.restore = (ps_input_restore){.generation = r->generation,
                                          .user = {(const uint8_t *)user, strlen(user)},
                                          .name = {r->name, r->name_len},
                                          .content = r->content,
                                          .published = r->published};
        memcpy(in.u.restore.device, r->device, PS_DEVICE_BYTES);
        r->commit_seq = 0;
        if (w->cfg.model) {
            model_restored(&w->model, &in.u.restore);
        }
        world_server_submit(w, in);
    }
}
