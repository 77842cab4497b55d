/* The queue of events from all threads to the control thread. */
#ifndef PEERSYNC_DATA_EVENTS_H
#define PEERSYNC_DATA_EVENTS_H

#include "data.h"

#include <pthread.h>

/* Progress is dropped while more events than this wait: the next one says more anyway. */
#define DATA_EVENTS_PROGRESS_MAX 256u

struct events {
    pthread_mutex_t lock;
    struct data_event_node *head, *tail;
    size_t count;
    void (*wake)(void *ctx);
    void *wake_ctx;
};

void events_init(struct events *q, void (*wake)(void *ctx), void *wake_ctx);
/* Frees what nobody took. */
void events_destroy(struct events *q);
/* A private copy of an event; NULL strings become "". */
struct data_event *event_copy(const struct data_event *event);
/* Appends an event that event_copy() made; takes it over. */
void events_put(struct events *q, struct data_event *event);
/* Appends a copy. */
void events_post(struct events *q, const struct data_event *event);
/* A line for the log. */
__attribute__((format(printf, 3, 4))) void events_note(struct events *q, bool warning,
                                                       const char *format, ...);
struct data_event *events_next(struct events *q);

#endif
