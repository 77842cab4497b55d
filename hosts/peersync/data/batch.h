/* Finished small files, made to last together. A sync a file and a sync a name would cost more than
 * all the rest, as each empties the disk's own cache: so whatever has finished while the last batch
 * was on its way makes the next one. The bytes of all its files are written out, then the file
 * system is synced once, then they are renamed, then the folder is synced once, and only then are
 * their downloads told. */
#ifndef PEERSYNC_DATA_BATCH_H
#define PEERSYNC_DATA_BATCH_H

#include "landing.h"
#include "workers.h"

/* Files of one batch. */
#define BATCH_FILES 512u

struct batch {
    pthread_mutex_t lock;
    struct batch_item *first, **end;
    bool running;
    unsigned files; /* At most so many together. */
    struct workers *disk;
    struct work work;
};

/* A stored file; part of its download. */
struct batch_item {
    struct batch_item *next;
    struct landing *landing;
    struct loop *loop;
    void (*landed)(struct loop *loop, void *item); /* On `loop`; the outcome is the landing's. */
};

void batch_init(struct batch *b, struct workers *disk, unsigned files);
void batch_destroy(struct batch *b);
/* Any thread. */
void batch_add(struct batch *b, struct batch_item *item);

#endif
