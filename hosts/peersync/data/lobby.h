/* The connections that are served nothing: those that have shown no ticket yet, and those between
 * two files. They are bounded, in all and from one network, and a newcomer is never turned away:
 * the oldest that has shown no ticket makes room for it. So strangers can only push out each other,
 * and one network that sends many only its own. */
#ifndef PEERSYNC_DATA_LOBBY_H
#define PEERSYNC_DATA_LOBBY_H

#include "peersync/base.h"

#include <pthread.h>
#include <stdatomic.h>

/* Connections beyond the uploads that are served. */
#define LOBBY_MAX 64u
/* Of these, from one network (IPv4 /32, IPv6 /64). */
#define LOBBY_NETWORK_MAX 32u

struct loop;

/* A connection's place; part of it. All zero but `loop` and `from` before it first enters. */
struct lobby_guest {
    struct loop *loop;
    ps_addr from;
    atomic_bool out;                  /* It must go. */
    bool known;                       /* It has shown a good ticket. */
    struct lobby_guest *next, **link; /* `link` NULL: not in. Guarded by the lobby's lock. */
};

struct lobby {
    pthread_mutex_t lock;
    struct lobby_guest *first, **end; /* By arrival. */
    /* Called, with the lock held, when a guest of this loop has been told to go. */
    void (*look)(struct loop *loop);
};

void lobby_init(struct lobby *l, void (*look)(struct loop *loop));
void lobby_destroy(struct lobby *l);
/* Comes in. Who has to go for it is out of the lobby at once, and `out`. Any thread. */
void lobby_enter(struct lobby *l, struct lobby_guest *g);
/* It has shown a good ticket; in the lobby or not. */
void lobby_know(struct lobby *l, struct lobby_guest *g);
/* Leaves, to be served or to end; also when it is not in. */
void lobby_leave(struct lobby *l, struct lobby_guest *g);

#endif
