/* A thread with a libuv loop that carries streams. All that a loop owns is touched by its thread
 * only; others hand it tasks. */
#ifndef PEERSYNC_DATA_LOOP_H
#define PEERSYNC_DATA_LOOP_H

#include "peersync/posix.h"
#include "peersync/tls.h"

#include <pthread.h>
#include <stdatomic.h>
#include <uv.h>

/* One read of a download; a loop has one such buffer. */
#define LOOP_BUFFER_BYTES (256u * 1024u)
/* What is gathered for TLS at a time: eight of its largest records. */
#define LOOP_SEALING_BYTES (128u * 1024u)
/* Streams open at a time in one loop. */
#define LOOP_STREAMS_MAX 4096u

struct data;
struct loop;

/* A call to make on a loop's thread. */
struct loop_task {
    struct loop_task *next;
    void (*run)(struct loop *loop, void *arg);
    void *arg;
};

struct loop {
    struct data *data;
    uv_loop_t uv;
    uv_async_t wake;
    pthread_t thread;
    bool made;    /* `uv` and `wake` are initialised. */
    bool started; /* `thread` runs. */
    bool ending;  /* Nothing new is begun; the thread ends when the last handle is closed. */
    pthread_mutex_t lock; /* Guards `tasks`. */
    struct loop_task *tasks, **tasks_end;
    ps_posix_streams *streams;
    ps_stream_transport io;
    ps_tls_context *tls;
    ps_file_keys keys; /* What tickets are opened with here. */
    uint8_t *buffer;
    uint8_t *sealing;           /* Output on its way into TLS; of nobody between two calls. */
    struct upload *uploads;     /* List of all. */
    struct download *downloads; /* List of all. */
    struct courier *couriers;   /* List of all. */
    struct lane *lanes;         /* Downloads that wait for a courier. */
    unsigned pieces;            /* Workers have so many of this loop's. */
    bool serving;               /* Couriers are being given out. */
    atomic_uint load;           /* Transfers pinned here, to spread them. */
};

bool loop_open(struct loop *loop, struct data *data, char *why, size_t why_cap);
/* Hands over a call, from any thread. Tasks run in order. */
void loop_post(struct loop *loop, void (*run)(struct loop *loop, void *arg), void *arg);
/* Waits for the thread, which must be about to end, and frees. Also after a failed open. */
void loop_join(struct loop *loop);

#endif
