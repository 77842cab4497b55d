/* Threads for what a loop must not wait for. There are two crews: one hashes pieces and writes them
 * (as many threads as cores), one waits for the disk: opening, reserving, comparing, syncing. */
#ifndef PEERSYNC_DATA_WORKERS_H
#define PEERSYNC_DATA_WORKERS_H

#include "loop.h"

/* One piece of work; the caller's memory, free again when `done` is called. */
struct work {
    struct work *next;
    void (*run)(struct work *work);                     /* On a worker. */
    void (*done)(struct loop *loop, struct work *work); /* On `loop`; NULL: nobody is told. */
    struct loop *loop;
};

struct workers {
    pthread_mutex_t lock;
    pthread_cond_t more;
    struct work *first, **end;
    bool stopping;
    pthread_t *threads;
    unsigned started;
};

/* As many threads as there are cores, at least 2. */
unsigned workers_for_cores(void);
bool workers_open(struct workers *w, unsigned threads, char *why, size_t why_cap);
void workers_add(struct workers *w, struct work *work);
/* Joins. No work may be left. Also after a failed open. */
void workers_close(struct workers *w);

#endif
