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

/* Makes the names last. Neighbours mostly share a folder: one sync does for all of them. */
static void sync_folder(struct batch_item *items[], unsigned n)
{
    struct landing *l = items[0]->landing;
    ps_posix_error error = {0};
    if (!landing_open(l) || ps_posix_sync(l->dir, &error) != PS_OK) {
        for (unsigned i = 0; i < n; i++) {
            if (items[i]->landing->error == PS_E_NONE) {
                landing_fail(items[i]->landing, PS_E_IO, "cannot make the names in %s last: %s",
                             l->folder, error.text);
            }
        }
    }
}

static void land(struct batch_item *items[], unsigned n)
{
    for (unsigned i = 0; i < n; i++) {
        if (landing_open(items[i]->landing)) {
            landing_sync(items[i]->landing);
        }
    }
    for (unsigned i = 0; i < n; i++) {
        if (items[i]->landing->error == PS_E_NONE) {
            landing_name(items[i]->landing);
        }
    }
    for (unsigned from = 0, to; from < n; from = to) {
        const char *folder = items[from]->landing->folder;
        for (to = from + 1; to < n && strcmp(items[to]->landing->folder, folder) == 0; to++) {
        }
        sync_folder(items + from, to - from);
    }
}

static void run(struct work *work)
{
    struct batch *b = (struct batch *)(void *)((char *)work - offsetof(struct batch, work));
    struct batch_item *items[BATCH_FILES];
    unsigned n = take(b, items);
    land(items, n);
    pthread_mutex_lock(&b->lock);
    b->running = b->first != NULL;
    bool more = b->running;
    pthread_mutex_unlock(&b->lock);
    if (more) {
        workers_add(b->disk, work);
    }
    /* Last: who is told may end the data plane. */
    for (unsigned i = 0; i < n; i++) {
        landing_abandon(items[i]->landing);
        loop_post(items[i]->loop, items[i]->landed, items[i]);
    }
}
