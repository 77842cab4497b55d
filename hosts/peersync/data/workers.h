/* Threads for what waits on a disk in a download's life: making and reserving its file, comparing
 * with one that is here, syncing, renaming, removing. Loops must not wait for that. */
#ifndef PEERSYNC_DATA_WORKERS_H
#define PEERSYNC_DATA_WORKERS_H

#include "loop.h"

#define WORKERS_THREADS 3u

/* One piece of work; the caller's memory, free again when `done` is called. */
struct work {
    struct work *next;
    void (*run)(struct work *work);                     /* On a worker. */
    void (*done)(struct loop *loop, struct work *work); /* On the loop that asked. */
    struct loop *loop;
};

struct workers {
    pthread_mutex_t lock;
    pthread_cond_t more;
    struct work *first, **end;
    bool stopping;
    pthread_t threads[WORKERS_THREADS];
    unsigned started;
};

bool workers_open(struct workers *w, char *why, size_t why_cap);
void workers_add(struct workers *w, struct work *work);
/* Joins. No work may be left. Also after a failed open. */
void workers_close(struct workers *w);

#endif
