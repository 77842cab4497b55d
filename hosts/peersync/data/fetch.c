/* The connection of a download to one source. */
#include "download_internal.h"

#include "alloc.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Reads of a connection before the loop's other streams have their turn. */
#define DOWNLOAD_ROUNDS 8u

static void leave_broken(struct download *dl)
{
    struct loop *loop = dl->work.loop;
    if (dl->connected) {
        download_leave(dl, PS_E_CLOSED, "");
        return;
    }
    uint8_t byte;
    size_t n;
    (void)loop->io.read(loop->io.ctx, dl->conn.stream, &byte, 1, &n);
    const ps_posix_error *why = ps_posix_streams_error(loop->streams);
    char text[256];
    (void)snprintf(text, sizeof text, "cannot connect: %s",
                   why->number != 0 ? strerror(why->number) : "the connection was closed");
    download_leave(dl, PS_E_CLOSED, text);
}

static bool make_machine(struct download *dl)
{
    ps_download_config cfg;
    ps_download_config_default(&cfg);
    cfg.crypto = dl->data->cfg.crypto;
    cfg.content = dl->landing.content;
    cfg.stall_ms = dl->data->cfg.stall_ms;
    size_t size = ps_download_size(&cfg);
    free(dl->memory);
    dl->memory = data_alloc(1, size);
    return size > 0 &&
           ps_download_init(dl->memory, size, &cfg, ps_posix_now_us(), &dl->machine) == PS_OK;
}

static void tell_progress(struct download *dl)
{
    uint64_t done = ps_download_verified_bytes(dl->machine);
    uint64_t now = ps_posix_now_us();
    (void)atomic_fetch_add(&dl->data->downloaded_bytes, done - dl->counted);
    dl->counted = done;
    atomic_store(&dl->transfer.done, done);
    if (now - dl->progress_us >= (uint64_t)dl->data->cfg.progress_ms * 1000) {
        dl->progress_us = now;
        events_post(&dl->data->events, &(struct data_event){.type = DATA_GET_PROGRESS,
                                                            .tag = dl->tag,
                                                            .name = dl->landing.name,
                                                            .peer = *download_peer(dl),
                                                            .done = done,
                                                            .total = dl->landing.content.length});
    }
}

static bool step(struct download *dl, ps_stream_input *in, size_t *consumed);

/* Our disk failed: no other source can help. */
static void write_failed(struct download *dl, const ps_posix_error *error)
{
    ps_stream_input in = {.type = PS_STREAM_CANCEL};
    size_t consumed;
    uint64_t verified = ps_download_verified_bytes(dl->machine);
    landing_write_failed(&dl->landing, error, dl->landing.content.length - verified);
    download_tell_landed(dl);
    (void)step(dl, &in, &consumed);
    dl->ended = true;
}

static void take_event(struct download *dl, const ps_stream_event *event)
{
    ps_posix_error error = {0};
    switch (event->type) {
    case PS_STREAM_EVENT_WRITE:
        if (!dl->outcome && ps_posix_write_at(dl->landing.fd, event->bytes.data, event->bytes.len,
                                              event->offset, &error) != PS_OK) {
            write_failed(dl, &error);
        }
        break;
    case PS_STREAM_EVENT_PIECE:
        tell_progress(dl);
        break;
    case PS_STREAM_EVENT_DONE:
        dl->ended = true;
        break;
    case PS_STREAM_EVENT_FAILED:
        dl->ended = true;
        dl->error = (ps_error)event->error;
        dl->error = dl->error == PS_E_NONE ? PS_E_PROTOCOL : dl->error;
        break;
    case PS_STREAM_EVENT_OPEN:
    default:
        break;
    }
}

/* One step and its events. @return false when the machine did not take the input. */
static bool step(struct download *dl, ps_stream_input *in, size_t *consumed)
{
    in->now_us = ps_posix_now_us();
    *consumed = 0;
    ps_status status = ps_download_step(dl->machine, in, consumed, &dl->conn.out);
    dl->more = status == PS_MORE;
    size_t n = dl->conn.out.events_len;
    ps_stream_event events[CONN_EVENTS];
    memcpy(events, dl->conn.out.events, n * sizeof events[0]);
    dl->conn.out.events_len = 0;
    for (size_t i = 0; i < n; i++) {
        take_event(dl, &events[i]);
    }
    return status == PS_OK || status == PS_MORE;
}

/* Keeps what the machine cannot take before its output has left. */
static void keep(struct download *dl, const uint8_t *bytes, size_t len)
{
    if (dl->stash && bytes >= dl->stash && bytes <= dl->stash + dl->stash_len) {
        dl->stash_at = (size_t)(bytes - dl->stash);
        return;
    }
    dl->stash = data_grow(dl->stash, len, 1);
    memcpy(dl->stash, bytes, len);
    dl->stash_at = 0;
    dl->stash_len = len;
}

static void feed_bytes(struct download *dl, const uint8_t *bytes, size_t len)
{
    size_t at = 0;
    while (at < len && !dl->ended) {
        ps_stream_input in = {.type = PS_STREAM_BYTES, .u.bytes = {bytes + at, len - at}};
        size_t consumed;
        bool taken = step(dl, &in, &consumed);
        at += consumed;
        if (taken || dl->ended) {
            continue;
        }
        if (conn_pending(&dl->conn) && conn_flush(&dl->conn) == PS_OK) {
            continue;
        }
        if (!conn_pending(&dl->conn)) {
            dl->ended = true; /* It takes nothing though it has room. */
            dl->error = PS_E_PROTOCOL;
            return;
        }
        keep(dl, bytes + at, len - at);
        return;
    }
    dl->stash_at = dl->stash_len = 0;
}

/* The machine is done and all is said. */
static void end_source(struct download *dl)
{
    if (!dl->outcome && dl->error != PS_E_NONE) {
        download_leave(dl, dl->error, "");
        return;
    }
    dl->machine = NULL;
    if (!dl->outcome) {
        download_land(dl);
    }
    conn_linger(&dl->conn);
    download_rest(dl);
}

/* Ticks, feeds or reads. @return false when there is nothing to do now. */
static bool feed(struct download *dl)
{
    struct loop *loop = dl->work.loop;
    ps_stream_input in = {.type = PS_STREAM_TICK};
    size_t consumed;
    if (dl->more || ps_download_deadline_us(dl->machine) <= ps_posix_now_us()) {
        if (!step(dl, &in, &consumed)) {
            dl->ended = true; /* It had room. */
            dl->error = PS_E_PROTOCOL;
        }
        return true;
    }
    if (dl->stash_at < dl->stash_len) {
        feed_bytes(dl, dl->stash + dl->stash_at, dl->stash_len - dl->stash_at);
        return true;
    }
    size_t n = 0;
    ps_status status =
        loop->io.read(loop->io.ctx, dl->conn.stream, loop->buffer, LOOP_BUFFER_BYTES, &n);
    if (status == PS_AGAIN) {
        return false;
    }
    if (status != PS_OK) {
        leave_broken(dl);
    } else if (n == 0) {
        in.type = PS_STREAM_CLOSED;
        (void)step(dl, &in, &consumed);
        if (!dl->ended) {
            download_leave(dl, PS_E_CLOSED, "");
        }
    } else {
        feed_bytes(dl, loop->buffer, n);
    }
    return true;
}

/* The stream takes no more now, or is not made yet. */
static void wait_writable(struct download *dl)
{
    uint64_t now = ps_posix_now_us();
    uint64_t deadline = dl->connected ? ps_download_deadline_us(dl->machine) : dl->connect_until_us;
    if (deadline <= now || dl->ended) {
        /* Nothing more can be said to it either. */
        bool told = dl->ended && dl->error != PS_E_NONE;
        download_leave(dl, told ? dl->error : PS_E_STALLED,
                       dl->connected ? "" : "cannot connect: no answer in time");
        return;
    }
    conn_watch(&dl->conn, UV_WRITABLE);
    conn_alarm(&dl->conn, deadline);
}

/* Goes on as far as the stream allows. */
static void run(struct conn *c)
{
    struct download *dl = (struct download *)c;
    for (unsigned round = 0; round < DOWNLOAD_ROUNDS && dl->machine; round++) {
        bool pending = conn_pending(c);
        ps_status status = conn_flush(c);
        if (status == PS_AGAIN) {
            wait_writable(dl);
            return;
        }
        if (status != PS_OK || c->broken) {
            leave_broken(dl);
            return;
        }
        dl->connected = dl->connected || pending;
        if (dl->ended) {
            end_source(dl);
            return;
        }
        if (!feed(dl)) {
            conn_watch(c, UV_READABLE);
            conn_alarm(c, ps_download_deadline_us(dl->machine));
            return;
        }
    }
    if (dl->machine) {
        conn_watch(c, UV_READABLE | UV_WRITABLE);
    }
}

bool fetch_start(struct download *dl, ps_error *error, const char **why)
{
    struct loop *loop = dl->work.loop;
    ps_stream stream = 0;
    dl->connected = dl->ended = false;
    dl->error = PS_E_NONE;
    dl->counted = 0;
    atomic_store(&dl->transfer.done, 0);
    memset(&dl->conn, 0, sizeof dl->conn);
    dl->conn.ready = run;
    dl->conn.closed = dl->closed;
    *error = PS_E_CLOSED;
    if (!make_machine(dl)) {
        *error = PS_E_PROTOCOL;
        return false;
    }
    if (loop->io.dial(loop->io.ctx, download_peer(dl), &stream) != PS_OK) {
        *why = ps_posix_streams_error(loop->streams)->text;
        return false;
    }
    if (!conn_open(&dl->conn, loop, stream)) {
        *why = "cannot watch the connection";
        return false;
    }
    dl->conn_open = true;
    dl->more = true;
    dl->connect_until_us = ps_posix_now_us() + (uint64_t)dl->data->cfg.connect_ms * 1000;
    run(&dl->conn);
    return true;
}

void fetch_cancel(struct download *dl)
{
    ps_stream_input in = {.type = PS_STREAM_CANCEL};
    size_t consumed;
    if (dl->machine && dl->connected && dl->conn_open) {
        (void)step(dl, &in, &consumed);
        (void)conn_flush(&dl->conn);
    }
}
