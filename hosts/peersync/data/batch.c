#include "batch.h"

#include <string.h>

static void run(struct work *work);

void batch_init(struct batch *b, struct workers *disk, unsigned files)
{
    *b = (struct batch){.disk = disk, .files = files, .work = {.run = run}};
    b->end = &b->first;
    pthread_mutex_init(&b->lock, NULL);
}

void batch_destroy(struct batch *b)
{
    pthread_mutex_destroy(&b->lock);
}

void batch_add(struct batch *b, struct batch_item *item)
{
    item->next = NULL;
    pthread_mutex_lock(&b->lock);
    *b->end = item;
    b->end = &item->next;
    bool start = !b->running;
    b->running = true;
    pthread_mutex_unlock(&b->lock);
    if (start) {
        workers_add(b->disk, &b->work);
    }
}

static unsigned take(struct batch *b, struct batch_item *out[BATCH_FILES])
{
    unsigned n = 0;
    pthread_mutex_lock(&b->lock);
    while (b->first && n < b->files) {
        out[n++] = b->first;
        b->first = b->first->next;
    }
    if (!b->first) {
        b->end = &b->first;
    }
    pthread_mutex_unlock(&b->lock);
    return n;
}

/* What one of them could not do, none of them could. */
static void fail_all(struct batch_item *items[], unsigned n, const struct landing *why)
{
    for (unsigned i = 0; i < n; i++) {
        if (items[i]->landing->error == PS_E_NONE) {
            landing_fail(items[i]->landing, why->error, "%s", why->text);
        }
    }
}

/* The first that has landed warns for all. */
static void tell_one(struct batch_item *items[], unsigned n, const struct landing *outcome)
{
    for (unsigned i = 0; i < n; i++) {
        struct landing *l = items[i]->landing;
        if (l->error == PS_E_NONE) {
            l->unsure = true;
            memcpy(l->text, outcome->text, sizeof l->text);
            return;
        }
    }
}

/* Files of one folder, which the first one opens for all. */
static void land(struct batch_item *items[], unsigned n)
{
    struct landing *first = items[0]->landing;
    if (!landing_open(first)) {
        fail_all(items, n, first);
        return;
    }
    for (unsigned i = 0; i < n; i++) {
        items[i]->landing->dir = first->dir;
        landing_sync(items[i]->landing, n == 1);
    }
    struct landing outcome = {.dir = first->dir, .stored = -1, .folder = first->folder};
    if (n > 1 && !landing_sync_all(&outcome)) {
        fail_all(items, n, &outcome);
    }
    for (unsigned i = 0; i < n; i++) {
        if (items[i]->landing->error == PS_E_NONE) {
            landing_name(items[i]->landing);
        }
    }
    landing_sync_names(&outcome);
    if (outcome.unsure) {
        tell_one(items, n, &outcome);
    }
    for (unsigned i = n; i-- > 0;) {
        landing_discard(items[i]->landing);
        items[i]->landing->dir = i > 0 ? -1 : first->dir;
    }
    landing_close(first);
}

static void run(struct work *work)
{
    struct batch *b = (struct batch *)(void *)((char *)work - offsetof(struct batch, work));
    struct batch_item *items[BATCH_FILES];
    unsigned n = take(b, items);
    for (unsigned from = 0, to; from < n; from = to) {
        const char *folder = items[from]->landing->folder;
        for (to = from + 1; to < n && strcmp(items[to]->landing->folder, folder) == 0; to++) {
        }
        land(items + from, to - from);
    }
    pthread_mutex_lock(&b->lock);
    b->running = b->first != NULL;
    bool more = b->running;
    pthread_mutex_unlock(&b->lock);
    if (more) {
        workers_add(b->disk, work);
    }
    /* Last: who is told may end the data plane. */
    for (unsigned i = 0; i < n; i++) {
        loop_post(items[i]->loop, items[i]->landed, items[i]);
    }
}
