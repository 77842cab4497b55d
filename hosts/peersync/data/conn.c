#include "conn.h"

#include "alloc.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

/* What a lingering connection may still send us before it is cut. */
#define LINGER_KB_MAX 8192u

static void on_closed(uv_handle_t *handle)
{
    struct conn *c = handle->data;
    if (--c->handles == 0) {
        free(c->out.bytes);
        free(c->out.segments);
        free(c->out.events);
        c->out = (ps_stream_output){0};
        c->closed(c);
    }
}

/* Says that nothing more comes. @return false: it is closed now. */
static bool finish(struct conn *c)
{
    /* A refused handshake has said so itself. */
    ps_status status =
        c->sealed ? ps_tls_finish(c->tls) : c->loop->io.finish(c->loop->io.ctx, c->stream);
    c->finishing = status == PS_AGAIN;
    if (status == PS_FAILED) {
        conn_close(c);
        return false;
    }
    conn_watch(c, c->finishing ? UV_READABLE | UV_WRITABLE : UV_READABLE);
    return true;
}

/* Whatever still comes is read past TLS: nobody looks at it. */
static void linger_on(struct conn *c)
{
    if (c->finishing && !finish(c)) {
        return;
    }
    for (;;) {
        size_t n = 0;
        ps_status status =
            c->loop->io.read(c->loop->io.ctx, c->stream, c->loop->buffer, LOOP_BUFFER_BYTES, &n);
        if (status == PS_AGAIN) {
            return;
        }
        c->linger_kb += (uint32_t)(n / 1024) + 1;
        if (status != PS_OK || n == 0 || c->linger_kb > LINGER_KB_MAX) {
            conn_close(c);
            return;
        }
    }
}

static void on_poll(uv_poll_t *poll, int status, int events)
{
    struct conn *c = poll->data;
    (void)events;
    if (status < 0) {
        /* libuv has seen an error and stopped polling: reading or writing will say which. */
        c->polled = 0;
        c->broken = c->troubled;
        c->troubled = true;
    }
    if (c->lingering) {
        linger_on(c);
    } else {
        c->ready(c);
    }
}

static void set_timer(struct conn *c);

static void on_timer(uv_timer_t *timer)
{
    struct conn *c = timer->data;
    if (c->lingering) {
        conn_close(c);
        return;
    }
    if (c->held) {
        c->held = false;
        set_timer(c); /* For the alarm again. */
    }
    c->ready(c);
}

/* The timer stands for the alarm, and for a read that nothing else would call for. */
static void set_timer(struct conn *c)
{
    if (c->alarm_us == PS_TIME_NEVER && !c->held) {
        (void)uv_timer_stop(&c->timer);
        return;
    }
    uint64_t now = ps_posix_now_us();
    uint64_t wait_ms = c->held || c->alarm_us <= now ? 0 : (c->alarm_us - now + 999) / 1000;
    uv_update_time(&c->loop->uv);
    (void)uv_timer_start(&c->timer, on_timer, wait_ms, 0);
}

bool conn_open_bare(struct conn *c, struct loop *loop, ps_stream stream)
{
    c->loop = loop;
    c->stream = stream;
    c->alarm_us = PS_TIME_NEVER;
    c->polled = 0;
    c->file = -1;
    if (uv_poll_init(&loop->uv, &c->poll, ps_posix_streams_fd(loop->streams, stream)) != 0) {
        loop->io.close(loop->io.ctx, stream);
        c->stream = 0;
        return false;
    }
    (void)uv_timer_init(&loop->uv, &c->timer);
    c->poll.data = c;
    c->timer.data = c;
    c->handles = 2;
    return true;
}

void conn_make_room(struct conn *c)
{
    c->out = (ps_stream_output){.bytes = data_alloc(1, CONN_BYTES),
                                .bytes_cap = CONN_BYTES,
                                .segments = data_alloc(CONN_SEGMENTS, sizeof(ps_segment)),
                                .segments_cap = CONN_SEGMENTS,
                                .events = data_alloc(CONN_EVENTS, sizeof(ps_stream_event)),
                                .events_cap = CONN_EVENTS};
}

bool conn_open(struct conn *c, struct loop *loop, ps_stream stream)
{
    if (!conn_open_bare(c, loop, stream)) {
        return false;
    }
    conn_make_room(c);
    return true;
}

ps_status conn_peek(struct conn *c, uint8_t *first)
{
    ssize_t n = 0;
    do {
        n = recv(ps_posix_streams_fd(c->loop->streams, c->stream), first, 1, MSG_PEEK);
    } while (n < 0 && errno == EINTR);
    if (n == 1) {
        return PS_OK;
    }
    return n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK) ? PS_AGAIN : PS_FAILED;
}

bool conn_tls_serve(struct conn *c)
{
    c->tls = ps_tls_serve(c->loop->tls, &c->loop->io, c->stream);
    return c->tls != NULL;
}

bool conn_tls_fetch(struct conn *c, ps_span ticket, const uint8_t key[PS_KEY_BYTES])
{
    c->tls = ps_tls_fetch(c->loop->tls, &c->loop->io, c->stream, ticket, key);
    return c->tls != NULL;
}

/* What TLS waits for, as libuv says it. */
static int tls_events(const struct conn *c)
{
    const uint32_t wants = ps_tls_wants(c->tls);
    return ((wants & PS_READABLE) != 0 ? UV_READABLE : 0) |
           ((wants & PS_WRITABLE) != 0 ? UV_WRITABLE : 0);
}

ps_status conn_handshake(struct conn *c)
{
    ps_status status = ps_tls_handshake(c->tls);
    if (status == PS_AGAIN) {
        conn_watch(c, tls_events(c));
    }
    c->sealed = status == PS_OK;
    return status;
}

ps_status conn_read(struct conn *c, void *buf, size_t cap, size_t *n)
{
    *n = 0;
    return c->tls ? ps_tls_read(c->tls, buf, cap, n)
                  : c->loop->io.read(c->loop->io.ctx, c->stream, buf, cap, n);
}

bool conn_pending(const struct conn *c)
{
    return c->out.segments_len > 0;
}

/* The stream has taken this many bytes, which may be the ends of many segments. */
static void advance(struct conn *c, uint64_t n)
{
    c->taken += n;
    while (c->segment < c->out.segments_len) {
        const ps_segment *s = &c->out.segments[c->segment];
        const uint64_t left = s->len - c->segment_done;
        const uint64_t part = n < left ? n : left;
        c->file_sent += s->from_file ? part : 0;
        c->segment_done += part;
        n -= part;
        if (c->segment_done < s->len) {
            return;
        }
        c->segment++;
        c->segment_done = 0;
    }
}

static ps_status send_file(struct conn *c, const ps_segment *s)
{
    uint64_t n = 0;
    ps_status status =
        ps_posix_streams_send_file(c->loop->streams, c->stream, c->file,
                                   s->offset + c->segment_done, s->len - c->segment_done, &n);
    if (status == PS_FAILED && ps_posix_streams_error(c->loop->streams)->number == 0) {
        c->file_short = true;
    }
    advance(c, n);
    return status;
}

static ps_status send_bytes(struct conn *c, const ps_segment *s)
{
    ps_span part = {c->out.bytes + s->offset + c->segment_done, (size_t)(s->len - c->segment_done)};
    size_t n = 0;
    ps_status status = c->loop->io.write(c->loop->io.ctx, c->stream, &part, 1, &n);
    advance(c, n);
    return status;
}

static ps_status flush_plain(struct conn *c)
{
    ps_status status = PS_OK;
    while (status == PS_OK && c->segment < c->out.segments_len) {
        const ps_segment *s = &c->out.segments[c->segment];
        status = s->from_file ? send_file(c, s) : send_bytes(c, s);
    }
    return status;
}

/* Reads a part of the file. @return its length; 0: see file_short and file_bad. */
static size_t read_file(struct conn *c, uint8_t *to, size_t len, uint64_t offset)
{
    size_t n = 0;
    ps_posix_error error;
    const ps_status status = ps_posix_read_at(c->file, to, len, offset, &n, &error);
    c->file_bad = c->file_bad || status != PS_OK;
    c->file_short = c->file_short || (status == PS_OK && n < len);
    return c->file_bad || c->file_short ? 0 : n;
}

/* Gathers what waits, as much as fits, so that TLS makes large records of it. @return its length;
 * 0: the file failed. */
static size_t gather(struct conn *c, uint8_t *to, size_t cap)
{
    size_t len = 0;
    uint64_t done = c->segment_done;
    for (size_t i = c->segment; i < c->out.segments_len && len < cap; i++) {
        const ps_segment *s = &c->out.segments[i];
        while (done < s->len && len < cap) {
            const uint64_t left = s->len - done;
            size_t part = left < cap - len ? (size_t)left : cap - len;
            if (s->from_file) {
                part = read_file(c, to + len, part, s->offset + done);
            } else {
                memcpy(to + len, c->out.bytes + s->offset + done, part);
            }
            if (part == 0) {
                return 0;
            }
            len += part;
            done += part;
        }
        done = 0;
    }
    return len;
}

static ps_status flush_tls(struct conn *c)
{
    while (c->segment < c->out.segments_len) {
        size_t n = 0;
        const ps_span part = {c->loop->sealing, gather(c, c->loop->sealing, LOOP_SEALING_BYTES)};
        if (part.len == 0) {
            return PS_FAILED;
        }
        ps_status status = ps_tls_write(c->tls, &part, 1, &n);
        if (status != PS_OK) {
            return status;
        }
        advance(c, n);
    }
    return ps_tls_flush(c->tls);
}

ps_status conn_flush(struct conn *c)
{
    advance(c, 0); /* Past what is empty. */
    ps_status status = c->tls ? flush_tls(c) : flush_plain(c);
    if (status != PS_OK) {
        c->broken = c->broken || (status == PS_FAILED && !c->file_short && !c->file_bad);
        return status;
    }
    c->segment = 0;
    c->out.segments_len = 0;
    c->out.bytes_len = 0;
    return PS_OK;
}

void conn_watch(struct conn *c, int events)
{
    const bool held =
        c->sealed && !c->lingering && (events & UV_READABLE) != 0 && ps_tls_holds(c->tls);
    if (held != c->held) {
        c->held = held;
        set_timer(c);
    }
    if (c->sealed && !c->lingering && (events & UV_READABLE) != 0) {
        events |= tls_events(c) & UV_WRITABLE; /* A reading may have to be answered first. */
    }
    if (events == c->polled) {
        return;
    }
    c->polled = events;
    if (events == 0) {
        (void)uv_poll_stop(&c->poll);
    } else if (uv_poll_start(&c->poll, events, on_poll) != 0) {
        c->broken = true;
    }
}

void conn_alarm(struct conn *c, uint64_t deadline_us)
{
    c->alarm_us = deadline_us;
    set_timer(c);
}

void conn_linger(struct conn *c)
{
    c->lingering = true;
    if (c->broken) {
        conn_close(c);
    } else if (finish(c)) {
        conn_alarm(c, ps_posix_now_us() + CONN_LINGER_MS * 1000);
        linger_on(c);
    }
}

void conn_close(struct conn *c)
{
    if (c->stream == 0) {
        return;
    }
    c->lingering = true;
    uv_close((uv_handle_t *)&c->poll, on_closed);
    uv_close((uv_handle_t *)&c->timer, on_closed);
    ps_tls_free(c->tls);
    c->tls = NULL;
    c->sealed = false;
    c->loop->io.close(c->loop->io.ctx, c->stream);
    c->stream = 0;
}
