/* Verified bytes to a descriptor, in their order (`-o -`). Whoever reads at its other end may be
 * slow or stop: so this has a thread of its own, and what waits is in the file it reads from. */
#ifndef PEERSYNC_DATA_SINK_H
#define PEERSYNC_DATA_SINK_H

#include "loop.h"

struct sink {
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    int out;  /* The caller's. */
    int from; /* The file that pieces are read from. */
    uint64_t length;
    uint32_t ready; /* Pieces, from the first, that may be passed on. */
    bool stopping;
    int stop[2]; /* A pipe: its end wakes a thread that waits for `out`. */
    struct loop *loop;
    void (*ended)(struct loop *loop, void *arg); /* On `loop`, once; then sink_join(). */
    void *arg;
    bool whole; /* All has been written. */
    bool gone;  /* Nobody reads `out` any more. */
    int number; /* Of the error, else 0. */
};

/* Starts the thread; the fields from `out` to `length`, `loop`, `ended` and `arg` are set. @return
 * false with a sentence in `why`. */
bool sink_start(struct sink *s, char *why, size_t why_cap);
/* So many pieces, from the first, are there now. */
void sink_advance(struct sink *s, uint32_t ready);
/* Ends it early; `ended` still comes. */
void sink_stop(struct sink *s);
/* After `ended`: frees all but the struct. */
void sink_join(struct sink *s);

#endif
