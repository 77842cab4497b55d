/* Serves one connection of a downloader: steps its machine, sends. */
#include "upload_internal.h"

#include "alloc.h"

#include <stdlib.h>
#include <unistd.h>

/* Steps a connection takes before the loop's other streams have their turn. */
#define UPLOAD_ROUNDS 16u
/* What the other side is told at the end has this long to leave. */
#define UPLOAD_LAST_WORDS_US 5000000u
/* From the first byte to a good ticket: a handshake and one frame more. */
#define UPLOAD_GREET_MS_MAX 10000u

static void free_upload(struct conn *c)
{
    struct upload *u = (struct upload *)c;
    struct loop *loop = c->loop;
    lobby_leave(&loop->data->lobby, &u->guest);
    *u->link = u->next;
    if (u->next) {
        u->next->link = u->link;
    }
    free(u->memory);
    free(u);
    (void)atomic_fetch_sub(&loop->load, 1);
    (void)atomic_fetch_sub(&loop->data->connections, 1);
    data_loop_rest(loop);
}

void upload_cut(struct upload *u, ps_error error)
{
    u->error = u->error != PS_E_NONE || u->ended ? u->error : error;
    u->ended = true;
    serve_end(u, u->error);
    conn_close(&u->conn);
}

static void take_event(struct upload *u, const ps_stream_event *event)
{
    switch (event->type) {
    case PS_STREAM_EVENT_OPEN:
        u->asked = u->opened = true;
        u->content = event->content;
        u->user = event->downloader;
        lobby_know(&u->data->lobby, &u->guest);
        break;
    case PS_STREAM_EVENT_FILE_END:
        serve_end(u, PS_E_NONE);
        break;
    case PS_STREAM_EVENT_DONE:
        u->ended = true;
        break;
    case PS_STREAM_EVENT_FAILED:
        u->error = u->error != PS_E_NONE ? u->error : (ps_error)event->error;
        u->ended = true;
        break;
    case PS_STREAM_EVENT_WRITE:
    case PS_STREAM_EVENT_CHECK:
    case PS_STREAM_EVENT_PIECE:
    default:
        break;
    }
}

/* One step and its events. @return false when the machine did not take the input. */
static bool step(struct upload *u, ps_stream_input *in, size_t *consumed)
{
    ps_stream_output *out = &u->conn.out;
    in->now_us = ps_posix_now_us();
    in->wall_s = data_wall_s(u->data);
    *consumed = 0;
    ps_status status = ps_upload_step(u->machine, in, consumed, out);
    u->more = status == PS_MORE;
    const uint32_t refused = ps_upload_refused(u->machine);
    (void)atomic_fetch_add(&u->data->tickets_refused, refused - u->refused);
    u->refused = refused;
    for (size_t i = 0; i < out->events_len; i++) {
        take_event(u, &out->events[i]);
    }
    out->events_len = 0;
    return status == PS_OK || status == PS_MORE;
}

void upload_end_with(struct upload *u, ps_error error)
{
    ps_stream_input in = {.type = PS_STREAM_CANCEL, .u.cancel_error = error};
    size_t consumed;
    u->error = error;
    (void)step(u, &in, &consumed);
    u->ended = true;
}

static void answer(struct upload *u)
{
    ps_stream_input in = {.type = PS_STREAM_OPENED};
    size_t consumed = 0;
    u->asked = false;
    in.u.opened.error = serve_begin(u);
    in.u.opened.tree = u->entry ? u->entry->tree : NULL;
    if (!step(u, &in, &consumed)) {
        upload_cut(u, PS_E_PROTOCOL); /* It had room. */
    }
}

/* All that was handed out has left: asks for more, or ends it. */
static void after_burst(struct upload *u)
{
    ps_stream_input in = {.type = PS_STREAM_SENT};
    size_t consumed;
    u->conn.taken = 0;
    ps_error fault = u->ended ? PS_E_NONE : serve_fault(u);
    serve_count(u);
    if (fault != PS_E_NONE) {
        upload_end_with(u, fault);
    } else if (!u->ended && !step(u, &in, &consumed)) {
        upload_cut(u, PS_E_PROTOCOL);
    }
}

/* Hands in what was read. The machine may leave a rest, for when it has been answered or its output
 * has left. */
static void feed_input(struct upload *u)
{
    ps_stream_input in = {.type = PS_STREAM_BYTES,
                          .u.bytes = {u->input + u->input_at, u->input_len - u->input_at}};
    size_t consumed;
    /* What is wanted now may be handed out at once, long after the last burst was looked at. A file
     * that was fetched may have become another one meanwhile: that must not end the connection. */
    ps_error fault = serve_all_sent(u) ? PS_E_NONE : serve_fault(u);
    if (fault != PS_E_NONE) {
        upload_end_with(u, fault);
        return;
    }
    (void)step(u, &in, &consumed);
    u->input_at += consumed;
    if (consumed == 0 && !u->ended && !u->asked && !u->more && !conn_pending(&u->conn)) {
        upload_cut(u, PS_E_PROTOCOL); /* It waits for nothing and takes nothing. */
    }
}

static uint64_t deadline_us(const struct upload *u)
{
    uint64_t deadline = ps_upload_deadline_us(u->machine);
    return u->opened || u->greet_until_us > deadline ? deadline : u->greet_until_us;
}

/* Answers, or feeds what was read, or a tick, or reads. @return false when there is nothing to do
 * now. */
static bool feed(struct upload *u)
{
    ps_stream_input in = {.type = PS_STREAM_TICK};
    size_t consumed;
    uint64_t now_us = ps_posix_now_us();
    if (u->asked) {
        answer(u);
    } else if (u->more || ps_upload_deadline_us(u->machine) <= now_us) {
        if (!step(u, &in, &consumed)) {
            upload_cut(u, PS_E_PROTOCOL); /* It had room. */
        }
    } else if (deadline_us(u) <= now_us) {
        upload_cut(u, PS_E_STALLED);
    } else if (u->input_at < u->input_len) {
        feed_input(u);
    } else {
        ps_status status = conn_read(&u->conn, u->input, sizeof u->input, &u->input_len);
        u->input_at = 0;
        if (status == PS_AGAIN) {
            return false;
        }
        if (status != PS_OK || u->input_len == 0) {
            u->input_len = 0;
            in.type = PS_STREAM_CLOSED;
            (void)step(u, &in, &consumed);
            upload_cut(u, PS_E_CLOSED);
        }
    }
    return true;
}

/* The stream takes no more now. */
static void wait_writable(struct upload *u)
{
    ps_stream_input in = {.type = PS_STREAM_TICK};
    size_t consumed;
    if (!u->ended && u->conn.taken > 0) {
        ps_stream_input taken = {.type = PS_STREAM_TAKEN, .u.taken_bytes = u->conn.taken};
        u->conn.taken = 0;
        (void)step(u, &taken, &consumed);
        serve_count(u);
    }
    if (!u->ended && deadline_us(u) <= ps_posix_now_us() &&
        (!u->opened || !step(u, &in, &consumed) || u->ended)) {
        upload_cut(u, PS_E_STALLED);
        return;
    }
    conn_watch(&u->conn, UV_WRITABLE);
    if (!u->ended) {
        conn_alarm(&u->conn, deadline_us(u));
        return;
    }
    if (u->last_words_us == 0) {
        u->last_words_us = ps_posix_now_us() + UPLOAD_LAST_WORDS_US;
    } else if (u->last_words_us <= ps_posix_now_us()) {
        upload_cut(u, u->error);
        return;
    }
    conn_alarm(&u->conn, u->last_words_us);
}

/* What was handed out cannot be sent any more. */
static void flush_failed(struct upload *u)
{
    const struct conn *c = &u->conn;
    if (u->entry && (c->file_short || c->file_bad)) {
        library_recheck(&u->data->library, u->entry);
        upload_cut(u, c->file_short ? PS_E_CHANGED : PS_E_IO);
    } else {
        upload_cut(u, PS_E_CLOSED);
    }
}

/* Told to go, or of something that was taken back: cut, or told so between two bursts. */
static void look(struct upload *u)
{
    if (atomic_load(&u->guest.out)) {
        upload_cut(u, PS_E_CLOSED);
    } else if (u->entry && !u->ended && !serve_all_sent(u) && atomic_load(&u->entry->withdrawn)) {
        if (conn_pending(&u->conn)) {
            upload_cut(u, PS_E_NOT_PUBLISHED);
        } else {
            upload_end_with(u, PS_E_NOT_PUBLISHED);
        }
    }
}

/* Goes on as far as the stream allows. */
static void run(struct conn *c)
{
    struct upload *u = (struct upload *)c;
    look(u);
    if (c->stream == 0 || (!u->machine && !upload_greet(u))) {
        return;
    }
    for (unsigned round = 0; round < UPLOAD_ROUNDS && c->stream != 0; round++) {
        bool pending = conn_pending(c);
        ps_status status = conn_flush(c);
        if (status == PS_AGAIN) {
            wait_writable(u);
            return;
        }
        if (status != PS_OK || c->broken) {
            flush_failed(u);
            return;
        }
        if (pending) {
            after_burst(u);
        } else if (u->ended) {
            serve_end(u, u->error);
            conn_linger(c);
            return;
        } else if (!feed(u)) {
            conn_watch(c, UV_READABLE);
            conn_alarm(c, deadline_us(u));
            return;
        }
    }
    if (c->stream != 0) {
        conn_watch(c, UV_READABLE | UV_WRITABLE);
    }
}

void upload_start(struct loop *loop, int socket, const ps_addr *from)
{
    struct upload *u = data_alloc(1, sizeof *u);
    struct data *d = loop->data;
    ps_stream stream = 0;
    const uint32_t patience_ms = d->cfg.upload_idle_ms;
    const uint32_t greet_ms = patience_ms < UPLOAD_GREET_MS_MAX ? patience_ms : UPLOAD_GREET_MS_MAX;
    u->data = d;
    u->guest.loop = loop;
    u->guest.from = *from;
    u->greet_until_us = ps_posix_now_us() + (uint64_t)greet_ms * 1000;
    u->conn.ready = run;
    u->conn.closed = free_upload;
    u->conn.loop = loop;
    u->link = &loop->uploads;
    u->next = loop->uploads;
    if (u->next) {
        u->next->link = &u->next;
    }
    loop->uploads = u;
    if (ps_posix_streams_adopt(loop->streams, socket, &stream) != PS_OK) {
        (void)close(socket);
        free_upload(&u->conn);
    } else if (!conn_open_bare(&u->conn, loop, stream)) {
        free_upload(&u->conn);
    } else {
        lobby_enter(&d->lobby, &u->guest);
        run(&u->conn);
    }
}

static void look_at_all(struct loop *loop, void *arg)
{
    (void)arg;
    for (struct upload *u = loop->uploads; u; u = u->next) {
        if (u->conn.stream != 0) {
            look(u);
        }
        if (u->conn.stream != 0 && !u->conn.lingering) {
            run(&u->conn);
        }
    }
}

void uploads_look(struct loop *loop)
{
    loop_post(loop, look_at_all, NULL);
}

void uploads_end(struct loop *loop)
{
    for (struct upload *u = loop->uploads; u; u = u->next) {
        if (u->conn.stream != 0) {
            upload_cut(u, PS_E_CANCELLED);
        }
    }
}
