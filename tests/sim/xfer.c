#include "xfer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void require(bool condition, const char *what)
{
    if (!condition) {
        fprintf(stderr, "does not hold: %s\n", what);
        abort();
    }
}

static const ps_stream_transport *streams_of(const xfer_end *e)
{
    return ps_sim_stream_transport(e->x->sim, e->node);
}

/* ---- steps ---- */

static void finish(xfer_end *e, xfer_end_state state, uint32_t error)
{
    require(e->state == XFER_RUNNING, "an end comes once");
    e->state = state;
    e->error = error;
}

static void on_event(xfer_end *e, const ps_stream_event *event)
{
    xfer *x = e->x;
    switch (event->type) {
    case PS_STREAM_EVENT_OPEN:
        require(ps_content_equal(&event->content, &x->content), "the source is asked for the file");
        e->asked = true;
        break;
    case PS_STREAM_EVENT_WRITE:
        require(event->offset <= x->length && event->bytes.len <= x->length - event->offset,
                "bytes belong into the file");
        memcpy(x->received + event->offset, event->bytes.data, event->bytes.len);
        break;
    case PS_STREAM_EVENT_PIECE:
        break;
    case PS_STREAM_EVENT_DONE:
        if (e->download) { /* Invariant 3: whole means the exact bytes. */
            require(memcmp(x->received, x->original, (size_t)x->length) == 0, "the file is right");
            require(ps_download_verified_bytes(e->download) == x->length, "all is verified");
        }
        finish(e, XFER_DONE, PS_E_NONE);
        break;
    case PS_STREAM_EVENT_FAILED:
        finish(e, XFER_FAILED, event->error);
        break;
    }
}

/* One step with an empty output; @return what was consumed. */
static size_t step(xfer_end *e, ps_stream_input in)
{
    size_t consumed = 0;
    in.now_us = ps_sim_now_us(e->x->sim);
    const ps_status status = e->upload ? ps_upload_step(e->upload, &in, &consumed, &e->out)
                                       : ps_download_step(e->download, &in, &consumed, &e->out);
    require(status == PS_OK || status == PS_MORE, "a step with room succeeds");
    require((e->upload ? ps_upload_check(e->upload) : ps_download_check(e->download)) == 0,
            "the machine's invariants");
    require(e->out.bytes_len <= e->out.bytes_cap && e->out.segments_len <= e->out.segments_cap &&
                e->out.events_len <= e->out.events_cap,
            "the output's bounds");
    e->more = status == PS_MORE;
    e->to_report = e->to_report || e->out.segments_len > 0;
    for (size_t i = 0; i < e->out.events_len; i++) {
        on_event(e, &e->out.events[i]);
    }
    e->out.events_len = 0;
    return consumed;
}

/* ---- the way out ---- */

/* False: the stream is full, or broken (then the end is closed for writing). */
static bool flush(xfer_end *e)
{
    const ps_stream_transport *t = streams_of(e);
    while (e->sent_segments < e->out.segments_len) {
        const ps_segment *s = &e->out.segments[e->sent_segments];
        const uint8_t *base = s->from_file ? e->x->served : e->out.bytes;
        const ps_span part = {base + s->offset + e->sent_bytes, (size_t)(s->len - e->sent_bytes)};
        size_t n = 0;
        const ps_status status = t->write(t->ctx, e->stream, &part, 1, &n);
        if (status == PS_FAILED) {
            e->sent_segments = e->out.segments_len; /* Nobody will read it. */
            break;
        }
        if (status == PS_AGAIN) {
            return false;
        }
        e->sent_bytes += n;
        if (e->sent_bytes == s->len) {
            e->sent_segments++;
            e->sent_bytes = 0;
        }
    }
    e->out.bytes_len = e->out.segments_len = e->sent_segments = 0;
    e->sent_bytes = 0;
    return true;
}

/* ---- the way in ---- */

/* False: nothing to do but wait. */
static bool take_in(xfer_end *e)
{
    const ps_stream_transport *t = streams_of(e);
    if (e->input_at < e->input_len) {
        const ps_span rest = {e->input + e->input_at, e->input_len - e->input_at};
        e->input_at += step(e, (ps_stream_input){.type = PS_STREAM_BYTES, .u.bytes = rest});
        return true;
    }
    size_t n = 0;
    const ps_status status =
        e->closed ? PS_AGAIN : t->read(t->ctx, e->stream, e->input, sizeof e->input, &n);
    if (status == PS_OK && n > 0) {
        e->input_at = 0;
        e->input_len = n;
        return true;
    }
    if (status != PS_AGAIN) {
        e->closed = true;
        (void)step(e, (ps_stream_input){.type = PS_STREAM_CLOSED});
        return true;
    }
    return false;
}

static uint64_t deadline_us(const xfer_end *e)
{
    return e->upload ? ps_upload_deadline_us(e->upload) : ps_download_deadline_us(e->download);
}

/* One thing more to do for a running end; false: wait. */
static bool go_on(xfer_end *e)
{
    if (e->upload && e->to_report) {
        e->to_report = false;
        (void)step(e, (ps_stream_input){.type = PS_STREAM_SENT});
        return true;
    }
    if (e->asked) {
        e->asked = false;
        ps_stream_input in = {.type = PS_STREAM_OPENED};
        in.u.opened.error = e->x->refusal;
        in.u.opened.tree = e->x->tree;
        (void)step(e, in);
        return true;
    }
    if (e->more || deadline_us(e) <= ps_sim_now_us(e->x->sim)) {
        (void)step(e, (ps_stream_input){.type = PS_STREAM_TICK});
        return true;
    }
    return take_in(e);
}

static void wake(void *ctx, uint64_t now_us)
{
    xfer_end *e = ctx;
    const ps_stream_transport *t = streams_of(e);
    ps_addr from;
    (void)now_us;
    if (e->upload && e->state == XFER_WAITING && t->accept(t->ctx, &e->stream, &from) == PS_OK) {
        e->state = XFER_RUNNING;
    }
    while (e->state == XFER_RUNNING && flush(e) && go_on(e)) {
    }
    if (e->state == XFER_RUNNING) {
        ps_sim_set_deadline(e->x->sim, e->node, deadline_us(e));
    } else if (e->state != XFER_WAITING && flush(e) && e->stream != 0) {
        t->close(t->ctx, e->stream);
        e->stream = 0;
    }
}

/* ---- life ---- */

static void *allocate(size_t len)
{
    void *p = malloc(len > 0 ? len : 1);
    require(p != NULL, "memory");
    return p;
}

static void end_init(xfer *x, xfer_end *e, bool upload)
{
    const ps_sim_node_config node = {.wake = wake, .ctx = e};
    e->x = x;
    require(ps_sim_add_node(x->sim, &node, &e->node) == PS_OK, "a node");
    e->out = (ps_stream_output){.bytes = allocate(PS_STREAM_STEP_BYTES),
                                .bytes_cap = PS_STREAM_STEP_BYTES,
                                .segments = allocate(PS_STREAM_STEP_SEGMENTS * sizeof(ps_segment)),
                                .segments_cap = PS_STREAM_STEP_SEGMENTS,
                                .events = allocate(PS_STREAM_STEP_EVENTS * sizeof(ps_stream_event)),
                                .events_cap = PS_STREAM_STEP_EVENTS};
    const uint64_t now_us = ps_sim_now_us(x->sim);
    if (upload) {
        ps_upload_config cfg;
        ps_upload_config_default(&cfg);
        cfg.crypto = x->crypto;
        e->memory = allocate(ps_upload_size(&cfg));
        require(ps_upload_init(e->memory, ps_upload_size(&cfg), &cfg, now_us, &e->upload) == PS_OK,
                "an upload");
    } else {
        ps_download_config cfg;
        ps_download_config_default(&cfg);
        cfg.crypto = x->crypto;
        cfg.content = x->content;
        e->memory = allocate(ps_download_size(&cfg));
        require(ps_download_init(e->memory, ps_download_size(&cfg), &cfg, now_us, &e->download) ==
                    PS_OK,
                "a download");
    }
}

xfer *xfer_new(const ps_sim_config *cfg, const ps_crypto *crypto, uint64_t length)
{
    xfer *x = allocate(sizeof *x);
    memset(x, 0, sizeof *x);
    require(ps_sim_create(cfg, &x->sim) == PS_OK, "a network");
    x->crypto = crypto;
    x->length = length;
    x->original = allocate((size_t)length);
    x->served = allocate((size_t)length);
    x->received = allocate((size_t)length);
    for (uint64_t i = 0; i < length; i++) {
        x->original[i] = (uint8_t)ps_sim_random(x->sim, 256);
    }
    memcpy(x->served, x->original, (size_t)length);
    memset(x->received, 0xee, (size_t)length);
    const size_t nodes = ps_tree_nodes(length);
    x->tree = nodes > 0 ? allocate(nodes * sizeof *x->tree) : NULL;
    ps_hasher h;
    require(ps_hasher_init(&h, crypto, length, x->tree) == PS_OK &&
                ps_hasher_update(&h, x->original, (size_t)length) == PS_OK &&
                ps_hasher_final(&h, &x->content) == PS_OK,
            "the file's identity");
    end_init(x, &x->source, true);
    end_init(x, &x->sink, false);
    return x;
}

void xfer_start(xfer *x)
{
    const ps_stream_transport *t = streams_of(&x->sink);
    const ps_addr to = ps_sim_addr(x->sim, x->source.node);
    require(t->dial(t->ctx, &to, &x->sink.stream) == PS_OK, "a dial");
    x->sink.state = XFER_RUNNING;
    ps_sim_set_deadline(x->sim, x->sink.node, 0);
}

void xfer_run(xfer *x, uint64_t us)
{
    const uint64_t end_us = ps_sim_now_us(x->sim) + us;
    while (x->sink.state == XFER_RUNNING && ps_sim_next_us(x->sim) <= end_us) {
        (void)ps_sim_step(x->sim);
    }
}

void xfer_kill_source(xfer *x)
{
    ps_sim_crash(x->sim, x->source.node);
}

static void end_free(xfer_end *e)
{
    free(e->memory);
    free(e->out.bytes);
    free(e->out.segments);
    free(e->out.events);
}

void xfer_free(xfer *x)
{
    end_free(&x->source);
    end_free(&x->sink);
    free(x->original);
    free(x->served);
    free(x->received);
    free(x->tree);
    ps_sim_destroy(x->sim);
    free(x);
}
