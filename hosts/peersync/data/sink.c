#include "sink.h"

#include "alloc.h"
#include "peersync/transfer.h"
#include "thread.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* POSIX: a pipe that polls writable takes so much without making the writer wait. */
#define WRITE_BYTES 4096u
_Static_assert(WRITE_BYTES <= PIPE_BUF, "a write after poll() does not wait");

/* Waits until a write would not wait. @return false: it is to end. */
static bool may_write(struct sink *s)
{
    struct pollfd p[2] = {{.fd = s->out, .events = POLLOUT}, {.fd = s->stop[0], .events = POLLIN}};
    while (poll(p, 2, -1) < 0 && errno == EINTR) {
    }
    return p[1].revents == 0;
}

/* @return false: stopped, or failed with `number`. */
static bool write_all(struct sink *s, const uint8_t *bytes, size_t len)
{
    while (len > 0) {
        if (!may_write(s)) {
            return false;
        }
        ssize_t n = write(s->out, bytes, len < WRITE_BYTES ? len : WRITE_BYTES);
        if (n < 0 && (errno == EINTR || errno == EAGAIN)) {
            continue;
        }
        if (n < 0) {
            s->number = errno;
            return false;
        }
        bytes += n;
        len -= (size_t)n;
    }
    return true;
}

static bool pass_piece(struct sink *s, uint32_t piece, uint8_t *room)
{
    uint32_t len = ps_piece_length(s->length, piece);
    size_t got = 0;
    ps_posix_error error = {0};
    if (ps_posix_read_at(s->from, room, len, (uint64_t)piece * PS_PIECE_BYTES, &got, &error) !=
            PS_OK ||
        got != len) {
        s->number = error.number != 0 ? error.number : EIO;
        return false;
    }
    bool passed = write_all(s, room, len);
    s->gone = s->number == EPIPE;
    return passed;
}

/* Waits for a piece. @return false: it is to end. */
static bool await(struct sink *s, uint32_t piece)
{
    pthread_mutex_lock(&s->lock);
    while (s->ready <= piece && !s->stopping) {
        pthread_cond_wait(&s->changed, &s->lock);
    }
    bool there = !s->stopping;
    pthread_mutex_unlock(&s->lock);
    return there;
}

static void *sink_main(void *arg)
{
    struct sink *s = arg;
    uint8_t *room = data_grow(NULL, PS_PIECE_BYTES, 1);
    uint32_t pieces = ps_piece_count(s->length), at = 0;
    while (at < pieces && await(s, at) && pass_piece(s, at, room)) {
        at++;
    }
    free(room);
    s->whole = at == pieces;
    loop_post(s->loop, s->ended, s->arg);
    return NULL;
}

bool sink_start(struct sink *s, char *why, size_t why_cap)
{
    if (pipe(s->stop) != 0) {
        (void)snprintf(why, why_cap, "cannot make a pipe: %s", strerror(errno));
        return false;
    }
    (void)fcntl(s->stop[0], F_SETFD, FD_CLOEXEC);
    (void)fcntl(s->stop[1], F_SETFD, FD_CLOEXEC);
    pthread_mutex_init(&s->lock, NULL);
    pthread_cond_init(&s->changed, NULL);
    if (thread_start(&s->thread, sink_main, s, why, why_cap)) {
        return true;
    }
    sink_stop(s);
    (void)close(s->stop[0]);
    pthread_cond_destroy(&s->changed);
    pthread_mutex_destroy(&s->lock);
    return false;
}

void sink_advance(struct sink *s, uint32_t ready)
{
    pthread_mutex_lock(&s->lock);
    s->ready = ready;
    pthread_cond_signal(&s->changed);
    pthread_mutex_unlock(&s->lock);
}

void sink_stop(struct sink *s)
{
    pthread_mutex_lock(&s->lock);
    if (!s->stopping) {
        s->stopping = true;
        (void)close(s->stop[1]); /* The other end polls as hung up. */
        pthread_cond_signal(&s->changed);
    }
    pthread_mutex_unlock(&s->lock);
}

void sink_join(struct sink *s)
{
    sink_stop(s);
    pthread_join(s->thread, NULL);
    (void)close(s->stop[0]);
    pthread_cond_destroy(&s->changed);
    pthread_mutex_destroy(&s->lock);
}
