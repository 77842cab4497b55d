#include "writer.h"

#include "data/alloc.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define CHUNK_BYTES   16384u
#define IMPATIENCE_NS 500000000
#define SECOND_NS     1000000000
#define DESCRIPTORS   3

struct chunk {
    struct chunk *next;
    int fd;
    size_t len, cap;
    char bytes[];
};

struct writer {
    pthread_t thread;
    pthread_mutex_t mutex;
    pthread_cond_t work;  /* The queue has something, or it ends. */
    pthread_cond_t empty; /* The queue has become empty. */
    struct chunk *first, *last;
    size_t waiting;
    bool ending;
    bool abandoned; /* The thread cannot be ended: the memory stays until the process is gone. */
    int broken[DESCRIPTORS];        /* errno, or 0. */
    bool tell_closed, tell_drained; /* For the loop's thread. */
    uv_async_t async;
    void (*closed)(void *);
    void (*drained)(void *);
    void *ctx;
};

/* Writes it all. @return 0, or the errno that broke the descriptor. */
static int write_all(int fd, const char *bytes, size_t len)
{
    while (len > 0) {
        const ssize_t n = write(fd, bytes, len);
        if (n >= 0) {
            bytes += n;
            len -= (size_t)n;
        } else if (errno == EAGAIN) {
            /* Somebody else who shares the descriptor made it non-blocking. */
            struct pollfd poll_fd = {.fd = fd, .events = POLLOUT};
            poll(&poll_fd, 1, -1);
        } else if (errno != EINTR) {
            return errno;
        }
    }
    return 0;
}

static void *work(void *arg)
{
    struct writer *w = arg;
    pthread_mutex_lock(&w->mutex);
    for (;;) {
        while (w->first == NULL && !w->ending) {
            pthread_cond_wait(&w->work, &w->mutex);
        }
        struct chunk *chunk = w->first;
        if (chunk == NULL) {
            break;
        }
        w->first = chunk->next;
        if (w->first == NULL) {
            w->last = NULL;
        }
        const bool skip = w->broken[chunk->fd] != 0;
        pthread_mutex_unlock(&w->mutex);
        const int error = skip ? 0 : write_all(chunk->fd, chunk->bytes, chunk->len);
        pthread_mutex_lock(&w->mutex);
        if (error != 0) {
            w->broken[chunk->fd] = error;
            w->tell_closed = w->tell_closed || chunk->fd == STDOUT_FILENO;
        }
        w->waiting -= chunk->len;
        free(chunk);
        if (w->waiting == 0) {
            w->tell_drained = true;
            pthread_cond_broadcast(&w->empty);
        }
        if (!w->ending && (w->tell_closed || w->tell_drained)) {
            uv_async_send(&w->async);
        }
    }
    pthread_mutex_unlock(&w->mutex);
    return NULL;
}

static void on_async(uv_async_t *async)
{
    struct writer *w = async->data;
    pthread_mutex_lock(&w->mutex);
    const bool closed = w->tell_closed;
    const bool drained = w->tell_drained;
    w->tell_closed = w->tell_drained = false;
    pthread_mutex_unlock(&w->mutex);
    if (closed) {
        w->closed(w->ctx);
    }
    if (drained) {
        w->drained(w->ctx);
    }
}

struct writer *writer_open(uv_loop_t *loop, void (*closed)(void *), void (*drained)(void *),
                           void *ctx)
{
    struct writer *w = data_alloc(1, sizeof *w);
    w->closed = closed;
    w->drained = drained;
    w->ctx = ctx;
    w->async.data = w;
    pthread_mutex_init(&w->mutex, NULL);
    pthread_cond_init(&w->work, NULL);
    pthread_cond_init(&w->empty, NULL);
    if (uv_async_init(loop, &w->async, on_async) != 0) {
        free(w);
        return NULL;
    }
    uv_unref((uv_handle_t *)&w->async);
    /* Signals are the control thread's. */
    sigset_t all;
    sigset_t before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    const int rc = pthread_create(&w->thread, NULL, work, w);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (rc != 0) {
        uv_close((uv_handle_t *)&w->async, NULL);
        uv_run(loop, UV_RUN_NOWAIT);
        free(w);
        return NULL;
    }
    return w;
}

static struct chunk *chunk_new(int fd, size_t len)
{
    const size_t cap = len > CHUNK_BYTES ? len : CHUNK_BYTES;
    struct chunk *chunk = data_alloc(1, sizeof *chunk + cap);
    chunk->fd = fd;
    chunk->cap = cap;
    return chunk;
}

void writer_put(struct writer *w, int fd, const char *bytes, size_t len)
{
    if (len == 0) {
        return;
    }
    pthread_mutex_lock(&w->mutex);
    if (w->broken[fd] == 0) {
        struct chunk *chunk = w->last;
        if (chunk == NULL || chunk->fd != fd || chunk->cap - chunk->len < len) {
            chunk = chunk_new(fd, len);
            if (w->last != NULL) {
                w->last->next = chunk;
            } else {
                w->first = chunk;
            }
            w->last = chunk;
        }
        memcpy(chunk->bytes + chunk->len, bytes, len);
        chunk->len += len;
        w->waiting += len;
        pthread_cond_signal(&w->work);
    }
    pthread_mutex_unlock(&w->mutex);
}

size_t writer_waiting(struct writer *w)
{
    pthread_mutex_lock(&w->mutex);
    const size_t waiting = w->waiting;
    pthread_mutex_unlock(&w->mutex);
    return waiting;
}

int writer_error(struct writer *w, int fd)
{
    pthread_mutex_lock(&w->mutex);
    const int error = w->broken[fd];
    pthread_mutex_unlock(&w->mutex);
    return error;
}

void writer_flush(struct writer *w)
{
    pthread_mutex_lock(&w->mutex);
    while (w->waiting > 0) {
        pthread_cond_wait(&w->empty, &w->mutex);
    }
    pthread_mutex_unlock(&w->mutex);
}

/* False: the queue is not empty yet after half a second. */
static bool wait_a_little(struct writer *w)
{
    struct timespec until;
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_nsec += IMPATIENCE_NS;
    until.tv_sec += until.tv_nsec / SECOND_NS;
    until.tv_nsec %= SECOND_NS;
    pthread_mutex_lock(&w->mutex);
    int rc = 0;
    while (w->waiting > 0 && rc == 0) {
        rc = pthread_cond_timedwait(&w->empty, &w->mutex, &until);
    }
    const bool empty = w->waiting == 0;
    pthread_mutex_unlock(&w->mutex);
    return empty;
}

static void on_gone(uv_handle_t *handle)
{
    struct writer *w = handle->data;
    if (!w->abandoned) {
        free(w);
    }
}

void writer_close(struct writer *w, bool patient)
{
    const bool empty = patient || wait_a_little(w);
    pthread_mutex_lock(&w->mutex);
    w->ending = true;
    pthread_cond_signal(&w->work);
    pthread_mutex_unlock(&w->mutex);
    if (empty) {
        pthread_join(w->thread, NULL);
        pthread_mutex_destroy(&w->mutex);
        pthread_cond_destroy(&w->work);
        pthread_cond_destroy(&w->empty);
    } else {
        pthread_detach(w->thread);
        w->abandoned = true;
    }
    uv_close((uv_handle_t *)&w->async, on_gone);
}
