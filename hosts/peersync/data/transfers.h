/* The transfers under way, as `status` shows them. */
#ifndef PEERSYNC_DATA_TRANSFERS_H
#define PEERSYNC_DATA_TRANSFERS_H

#include "data.h"

#include <pthread.h>
#include <stdatomic.h>

/* A line of the list; part of its transfer. */
struct transfer {
    struct transfer *next, **link; /* `link` NULL: not in the list. */
    struct data_transfer shown;    /* Guarded by the list's lock but for `done`. */
    atomic_ullong done;
};

struct transfers {
    pthread_mutex_t lock;
    struct transfer *first, **end;
};

void transfers_init(struct transfers *t);
void transfers_destroy(struct transfers *t);
/* Appends; `entry->shown` is filled in. */
void transfers_add(struct transfers *t, struct transfer *entry);
void transfers_set_peer(struct transfers *t, struct transfer *entry, const ps_addr *peer);
void transfers_set_waiting(struct transfers *t, struct transfer *entry, bool waiting);
/* Takes out, if it is in. */
void transfers_remove(struct transfers *t, struct transfer *entry);
size_t transfers_list(struct transfers *t, struct data_transfer out[], size_t cap);

#endif
