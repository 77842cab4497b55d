/* The listener: accepts downloaders on loop 0 and spreads them over the loops. */
#include "internal.h"

#include "alloc.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* Accepted at a time before the loop's other streams have their turn. */
#define ACCEPT_BATCH 32u
/* Out of descriptors: wait this long instead of being woken for what cannot be accepted. */
#define ACCEPT_PAUSE_MS 100u

struct acceptor {
    struct data *data;
    ps_posix_streams *streams;
    ps_stream_transport io;
    uv_poll_t poll;
    uv_timer_t pause;
    unsigned handles;
};

/* A socket on its way to the loop that will serve it. */
struct arrival {
    int socket;
    ps_addr from;
};

struct acceptor *acceptor_open(struct data *d, const ps_addr *where, ps_addr *bound, char *why,
                               size_t why_cap)
{
    struct acceptor *a = data_alloc(1, sizeof *a);
    ps_posix_error error = {0};
    a->data = d;
    if (ps_posix_streams_open(where, ACCEPT_BATCH, &a->streams, &error) != PS_OK) {
        (void)snprintf(why, why_cap, "%s", error.text);
        free(a);
        return NULL;
    }
    a->io = ps_posix_streams_transport(a->streams);
    *bound = a->io.listener(a->io.ctx);
    return a;
}

static void arrive(struct loop *loop, void *arg)
{
    struct arrival *arrival = arg;
    if (loop->ending) {
        (void)close(arrival->socket);
        (void)atomic_fetch_sub(&loop->load, 1);
        (void)atomic_fetch_sub(&loop->data->connections, 1);
    } else {
        upload_start(loop, arrival->socket, &arrival->from);
    }
    free(arrival);
}

static void on_incoming(uv_poll_t *poll, int status, int events);

static void resume(uv_timer_t *timer)
{
    struct acceptor *a = timer->data;
    (void)uv_poll_start(&a->poll, UV_READABLE, on_incoming);
}

static void hand_over(struct acceptor *a, ps_stream stream, const ps_addr *from)
{
    struct data *d = a->data;
    /* The lobby makes room for who comes; this only bounds how many are between its doors. */
    unsigned limit = d->cfg.max_uploads + LOBBY_MAX + DATA_PASSING_CONNECTIONS;
    int socket = ps_posix_streams_release(a->streams, stream);
    if (atomic_load(&d->connections) >= limit) {
        (void)close(socket);
        return;
    }
    (void)atomic_fetch_add(&d->connections, 1);
    struct arrival *arrival = data_alloc(1, sizeof *arrival);
    *arrival = (struct arrival){socket, *from};
    loop_post(data_pick_loop(d), arrive, arrival);
}

static void on_incoming(uv_poll_t *poll, int status, int events)
{
    struct acceptor *a = poll->data;
    (void)events;
    for (unsigned i = 0; i < ACCEPT_BATCH && status >= 0; i++) {
        ps_stream stream = 0;
        ps_addr from = {.family = PS_ADDR_NONE};
        ps_status result = a->io.accept(a->io.ctx, &stream, &from);
        if (result == PS_AGAIN) {
            return;
        }
        if (result == PS_FAILED) {
            status = -1;
            break;
        }
        hand_over(a, stream, &from);
    }
    if (status < 0) {
        (void)uv_poll_stop(&a->poll);
        (void)uv_timer_start(&a->pause, resume, ACCEPT_PAUSE_MS, 0);
    }
}

void acceptor_start(struct loop *loop, void *acceptor)
{
    struct acceptor *a = acceptor;
    (void)uv_timer_init(&loop->uv, &a->pause);
    a->pause.data = a;
    a->handles = 1;
    if (uv_poll_init(&loop->uv, &a->poll, ps_posix_streams_listener_fd(a->streams)) != 0) {
        events_note(&loop->data->events, true, "cannot watch the listening socket");
        return;
    }
    a->poll.data = a;
    a->handles = 2;
    (void)uv_poll_start(&a->poll, UV_READABLE, on_incoming);
}

static void on_closed(uv_handle_t *handle)
{
    struct acceptor *a = handle->data;
    if (--a->handles == 0) {
        ps_posix_streams_close(a->streams);
        free(a);
    }
}

void acceptor_end(struct loop *loop, struct acceptor *a)
{
    (void)loop;
    if (a->handles == 2) {
        uv_close((uv_handle_t *)&a->poll, on_closed);
    }
    uv_close((uv_handle_t *)&a->pause, on_closed);
}
