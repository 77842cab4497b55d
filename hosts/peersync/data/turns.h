/* Workers who take turns at one thing without waiting for each other: who finds another at it
 * leaves his own to him, and goes on with other work. Threads that write to one file at once would
 * spin on its lock in the kernel. */
#ifndef PEERSYNC_DATA_TURNS_H
#define PEERSYNC_DATA_TURNS_H

#include <pthread.h>
#include <stdbool.h>

/* In what is to be done; the caller's memory. */
struct turn {
    struct turn *next;
};

struct turns {
    pthread_mutex_t lock;
    struct turn *first, **end; /* Left to whoever is at it. */
    bool taken;
};

void turns_init(struct turns *t);
/* Nobody may be at it. */
void turns_free(struct turns *t);

/* @return true: the caller's turn has come, and he asks turns_next() after it; false: it is left to
 * another. */
bool turns_take(struct turns *t, struct turn *turn);
/* The caller has done one. @return the next, which is his too; NULL: there is none, and from now on
 * he must not touch `t` unless something else keeps it. */
struct turn *turns_next(struct turns *t);

#endif
