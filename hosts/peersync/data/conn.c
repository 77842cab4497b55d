#include "conn.h"

#include "alloc.h"

#include <stdlib.h>

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

static void linger_on(struct conn *c)
{
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

static void on_timer(uv_timer_t *timer)
{
    struct conn *c = timer->data;
    if (c->lingering) {
        conn_close(c);
    } else {
        c->ready(c);
    }
}

bool conn_open(struct conn *c, struct loop *loop, ps_stream stream)
{
    c->loop = loop;
    c->stream = stream;
    c->polled = 0;
    c->file = -1;
    if (uv_poll_init(&loop->uv, &c->poll, ps_posix_streams_fd(loop->streams, stream)) != 0) {
        loop->io.close(loop->io.ctx, stream);
        return false;
    }
    (void)uv_timer_init(&loop->uv, &c->timer);
    c->poll.data = c;
    c->timer.data = c;
    c->handles = 2;
    c->out = (ps_stream_output){.bytes = data_alloc(1, CONN_BYTES),
                                .bytes_cap = CONN_BYTES,
                                .segments = data_alloc(CONN_SEGMENTS, sizeof(ps_segment)),
                                .segments_cap = CONN_SEGMENTS,
                                .events = data_alloc(CONN_EVENTS, sizeof(ps_stream_event)),
                                .events_cap = CONN_EVENTS};
    return true;
}

bool conn_pending(const struct conn *c)
{
    return c->segment < c->out.segments_len;
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
    c->segment_done += n;
    c->file_sent += n;
    c->taken += n;
    return status;
}

static ps_status send_bytes(struct conn *c, const ps_segment *s)
{
    ps_span part = {c->out.bytes + s->offset + c->segment_done, (size_t)(s->len - c->segment_done)};
    size_t n = 0;
    ps_status status = c->loop->io.write(c->loop->io.ctx, c->stream, &part, 1, &n);
    c->segment_done += n;
    c->taken += n;
    return status;
}

ps_status conn_flush(struct conn *c)
{
    while (conn_pending(c)) {
        const ps_segment *s = &c->out.segments[c->segment];
        ps_status status = PS_OK;
        if (c->segment_done < s->len) {
            status = s->from_file ? send_file(c, s) : send_bytes(c, s);
        }
        if (status != PS_OK) {
            c->broken = c->broken || (status == PS_FAILED && !c->file_short);
            return status;
        }
        if (c->segment_done == s->len) {
            c->segment++;
            c->segment_done = 0;
        }
    }
    c->segment = 0;
    c->out.segments_len = 0;
    c->out.bytes_len = 0;
    return PS_OK;
}

void conn_watch(struct conn *c, int events)
{
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
    if (deadline_us == PS_TIME_NEVER) {
        (void)uv_timer_stop(&c->timer);
        return;
    }
    uint64_t now = ps_posix_now_us();
    uint64_t wait_ms = deadline_us > now ? (deadline_us - now + 999) / 1000 : 0;
    uv_update_time(&c->loop->uv);
    (void)uv_timer_start(&c->timer, on_timer, wait_ms, 0);
}

void conn_linger(struct conn *c)
{
    c->lingering = true;
    if (c->broken || c->loop->io.finish(c->loop->io.ctx, c->stream) != PS_OK) {
        conn_close(c);
        return;
    }
    conn_watch(c, UV_READABLE);
    conn_alarm(c, ps_posix_now_us() + CONN_LINGER_MS * 1000);
    linger_on(c);
}

void conn_close(struct conn *c)
{
    if (c->stream == 0) {
        return;
    }
    c->lingering = true;
    uv_close((uv_handle_t *)&c->poll, on_closed);
    uv_close((uv_handle_t *)&c->timer, on_closed);
    c->loop->io.close(c->loop->io.ctx, c->stream);
    c->stream = 0;
}
