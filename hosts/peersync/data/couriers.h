/* Which connection carries which download. There are only so many connections, of all loops
 * together; downloads that find none wait in order, those for different sources in turn. */
#ifndef PEERSYNC_DATA_COURIERS_H
#define PEERSYNC_DATA_COURIERS_H

#include "loop.h"
#include "peersync/base.h"

struct data;
struct download;
struct courier;

/* Connections that may be made. */
struct berths {
    pthread_mutex_t lock;
    unsigned free;
    uint64_t waiting; /* A bit a loop: it has downloads that found none. */
};

void berths_init(struct berths *b, unsigned count);
void berths_destroy(struct berths *b);

/* Downloads that wait for a connection to one source. */
struct lane {
    struct lane *next;
    ps_addr to;
    struct download *first[2], **end[2]; /* Of one piece; longer ones. */
};

/* The rest: on the loop's thread. */
/* A download waits for a connection to its current source. */
void couriers_queue(struct loop *loop, struct download *dl);
/* It does not wait any more. */
void couriers_unqueue(struct loop *loop, struct download *dl);
/* Takes the first that waits for this source, or NULL. */
struct download *couriers_next(struct loop *loop, const ps_addr *to);
/* Gives connections to those who wait, as far as there are any. To be called last by whatever may
 * have changed that. */
void couriers_serve(struct loop *loop);
/* A connection is closed. */
void couriers_closed(struct loop *loop);
/* The loop ends: its couriers go, and it asks for no more. */
void couriers_end(struct loop *loop);

#endif
