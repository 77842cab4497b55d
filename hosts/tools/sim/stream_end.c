#include "stream_end.h"

#include "world.h"

#include <stdlib.h>
#include <string.h>

/* Of the worst step: one whose output still waits, and one that ends it. */
#define STEPS         2u
#define LAST_WORDS_US 1000000u
/* Pieces that wait to be hashed while there is something to read. */
#define HASHED_LATER 2u

#define REQUIRE(e, condition) WORLD_REQUIRE((e)->w, condition)

static const ps_stream_transport *streams_of(const stream_end *e)
{
    return ps_sim_stream_transport(e->sim, e->node);
}

uint64_t stream_end_local_us(const ps_sim *sim, uint32_t node, uint64_t at_us)
{
    const uint64_t now_us = ps_sim_now_us(sim);
    if (at_us == PS_TIME_NEVER) {
        return PS_TIME_NEVER;
    }
    return ps_sim_node_now_us(sim, node) + (at_us > now_us ? at_us - now_us : 0);
}

/* ---- steps ---- */

static void finish(stream_end *e, stream_end_state state)
{
    REQUIRE(e, e->state == STREAM_END_RUNNING); /* An end comes once. */
    e->state = state;
    e->close_us = ps_sim_now_us(e->sim) + LAST_WORDS_US;
}

static stream_end_file *file_of(stream_end *e, const ps_stream_event *event)
{
    REQUIRE(e, event->file >= 1 && event->file <= e->fetched);
    return &e->files[event->file - 1];
}

static void on_write(stream_end *e, const ps_stream_event *event)
{
    stream_end_file *f = file_of(e, event);
    const uint64_t length = f->content.length;
    const uint64_t begin = (uint64_t)event->piece * PS_PIECE_BYTES;
    REQUIRE(e, !f->ended && event->offset <= length && event->bytes.len <= length - event->offset);
    REQUIRE(e, event->offset >= begin && event->offset + event->bytes.len <=
                                             begin + ps_piece_length(length, event->piece));
    memcpy(f->bytes + event->offset, event->bytes.data, event->bytes.len);
    f->received += event->bytes.len;
}

static void on_piece(stream_end *e, const ps_stream_event *event)
{
    stream_end_file *f = file_of(e, event);
    const uint32_t len = ps_piece_length(f->content.length, event->piece);
    REQUIRE(e, !f->ended && len > 0 && len <= f->left_bytes);
    f->left_bytes -= len;
    if (f->got) {
        f->got[event->piece / 8] = (uint8_t)(f->got[event->piece / 8] | (1u << (event->piece % 8)));
    }
}

static void on_file_end(stream_end *e, const ps_stream_event *event)
{
    if (e->upload) {
        REQUIRE(e, e->serving);
        e->serving = false;
        if (e->served) {
            e->served(e);
        }
        return;
    }
    stream_end_file *f = file_of(e, event);
    REQUIRE(e, !f->ended && (event->error != PS_E_NONE || f->left_bytes == 0));
    f->ended = true;
    f->error = event->error;
    if (e->error == PS_E_NONE && event->error != PS_E_NONE) {
        e->error = event->error;
        e->remote = event->remote;
    }
}

static void on_event(stream_end *e, const ps_stream_event *event)
{
    switch (event->type) {
    case PS_STREAM_EVENT_OPEN:
        REQUIRE(e, !e->serving && !e->has_question);
        e->question = event->content;
        e->has_question = true;
        break;
    case PS_STREAM_EVENT_WRITE:
        on_write(e, event);
        break;
    case PS_STREAM_EVENT_CHECK:
        REQUIRE(e, e->checks_len < STREAM_END_CHECKS);
        e->checks[e->checks_len].file = event->file;
        e->checks[e->checks_len++].piece = event->piece;
        break;
    case PS_STREAM_EVENT_PIECE:
        on_piece(e, event);
        break;
    case PS_STREAM_EVENT_FILE_END:
        on_file_end(e, event);
        break;
    case PS_STREAM_EVENT_DONE:
        for (uint32_t i = 0; i < e->count; i++) {
            REQUIRE(e, e->files[i].ended);
        }
        finish(e, e->error == PS_E_NONE ? STREAM_END_DONE : STREAM_END_FAILED);
        break;
    case PS_STREAM_EVENT_FAILED:
        e->error = event->error;
        e->remote = event->remote;
        finish(e, STREAM_END_FAILED);
        break;
    }
}

/* One step, which has room; @return what was consumed. */
static size_t step(stream_end *e, ps_stream_input in)
{
    size_t consumed = 0;
    const size_t segments = e->out.segments_len;
    in.now_us = e->now_us = ps_sim_node_now_us(e->sim, e->node);
    in.wall_s = e->wall_s;
    const ps_status status = e->upload ? ps_upload_step(e->upload, &in, &consumed, &e->out)
                                       : ps_download_step(e->download, &in, &consumed, &e->out);
    REQUIRE(e, status == PS_OK || status == PS_MORE);
    REQUIRE(e, (e->upload ? ps_upload_check(e->upload) : ps_download_check(e->download)) == 0);
    REQUIRE(e, e->out.bytes_len <= e->out.bytes_cap && e->out.events_len <= e->out.events_cap &&
                   e->out.segments_len <= e->out.segments_cap);
    e->more = status == PS_MORE;
    e->to_report = e->to_report || e->out.segments_len > segments;
    for (size_t i = 0; i < e->out.events_len; i++) {
        on_event(e, &e->out.events[i]);
    }
    e->out.events_len = 0;
    return consumed;
}

static bool has_room(const stream_end *e)
{
    return e->out.bytes_cap - e->out.bytes_len >= PS_STREAM_STEP_BYTES &&
           e->out.segments_cap - e->out.segments_len >= PS_STREAM_STEP_SEGMENTS;
}

void stream_end_cancel(stream_end *e, uint32_t error)
{
    if (e->state == STREAM_END_RUNNING) {
        ps_stream_input in = {.type = PS_STREAM_CANCEL};
        REQUIRE(e, has_room(e)); /* A downloader says little, an uploader ends between bursts. */
        in.u.cancel_error = error;
        (void)step(e, in);
    }
}

/* ---- the way out ---- */

/* False: the stream is full. */
static bool flush(stream_end *e)
{
    const ps_stream_transport *t = streams_of(e);
    e->blocked = false;
    while (e->sent_segments < e->out.segments_len && !e->broken) {
        const ps_segment *s = &e->out.segments[e->sent_segments];
        const uint8_t *base = s->from_file ? e->bytes : e->out.bytes;
        const ps_span part = {base + s->offset + e->sent_bytes, (size_t)(s->len - e->sent_bytes)};
        size_t n = 0;
        REQUIRE(e, !s->from_file || (s->offset <= e->length && s->len <= e->length - s->offset));
        const ps_status status = t->write(t->ctx, e->stream, &part, 1, &n);
        e->broken = status == PS_FAILED;
        e->blocked = status == PS_AGAIN;
        if (e->blocked) {
            return false;
        }
        e->sent_bytes += n;
        e->taken += s->from_file ? n : 0;
        if (e->sent_bytes == s->len) {
            e->sent_segments++;
            e->sent_bytes = 0;
        }
    }
    /* (Nobody will read what is left for a broken one.) */
    e->out.bytes_len = e->out.segments_len = e->sent_segments = 0;
    e->sent_bytes = 0;
    return true;
}

static uint64_t machine_deadline_us(const stream_end *e)
{
    return e->upload ? ps_upload_deadline_us(e->upload) : ps_download_deadline_us(e->download);
}

/* A clock that was set back is told at once: deadlines are in it. */
static bool is_due(const stream_end *e)
{
    const uint64_t now_us = ps_sim_node_now_us(e->sim, e->node);
    return now_us < e->now_us || machine_deadline_us(e) <= now_us;
}

/* What can be done while the stream is full. */
static void wait_writable(stream_end *e)
{
    if (e->upload && e->taken > 0 && has_room(e)) {
        ps_stream_input in = {.type = PS_STREAM_TAKEN};
        in.u.taken_bytes = e->taken;
        e->taken = 0;
        (void)step(e, in);
    }
    if (e->state == STREAM_END_RUNNING && is_due(e) && has_room(e)) {
        (void)step(e, (ps_stream_input){.type = PS_STREAM_TICK});
    }
}

/* ---- the way in ---- */

static void read_closed(stream_end *e)
{
    e->closed = true;
    (void)step(e, (ps_stream_input){.type = PS_STREAM_CLOSED});
}

/* What is there to read, up to where the stream is to break. */
static ps_status read_some(stream_end *e, size_t *n)
{
    const ps_stream_transport *t = streams_of(e);
    size_t cap = sizeof e->input;
    if (e->closed) {
        return PS_AGAIN;
    }
    if (e->cut_after > 0 && e->cut_after - e->read < cap) {
        cap = (size_t)(e->cut_after - e->read);
    }
    if (cap == 0) {
        return PS_FAILED;
    }
    const ps_status status = t->read(t->ctx, e->stream, e->input, cap, n);
    e->read += status == PS_OK ? *n : 0;
    return status;
}

/* False: nothing to do but wait. */
static bool take_in(stream_end *e)
{
    size_t n = 0;
    if (e->input_at < e->input_len) {
        const ps_span rest = {e->input + e->input_at, e->input_len - e->input_at};
        n = step(e, (ps_stream_input){.type = PS_STREAM_BYTES, .u.bytes = rest});
        e->input_at += n;
        if (n == 0 && e->broken) { /* It waits for what never leaves. */
            read_closed(e);
            return true;
        }
        return n > 0 || e->more;
    }
    const ps_status status = read_some(e, &n);
    if (status == PS_OK && n > 0) {
        e->input_at = 0;
        e->input_len = n;
        return true;
    }
    if (status != PS_AGAIN) {
        read_closed(e);
        return true;
    }
    return false;
}

/* The machine gets what it has room for, then is told that this is all. */
static bool fetch_more(stream_end *e)
{
    if (!e->download || e->finishing) {
        return false;
    }
    ps_stream_input in = {.type = PS_STREAM_FETCH};
    if (e->fetched == e->count) {
        e->finishing = true;
        in.type = PS_STREAM_FINISH;
    } else if (ps_download_room(e->download) == 0) {
        return false;
    } else {
        stream_end_file *f = &e->files[e->fetched++];
        in.u.fetch.content = f->content;
        in.u.fetch.ticket = f->ticket;
        in.u.fetch.have = f->have;
        memcpy(in.u.fetch.key, f->key, sizeof f->key);
        for (uint32_t i = 0; i < ps_piece_count(f->content.length); i++) {
            const bool there = f->have && ((f->have[i / 8] >> (i % 8)) & 1u) != 0;
            f->left_bytes += there ? 0 : ps_piece_length(f->content.length, i);
        }
    }
    (void)step(e, in);
    return true;
}

/* Hashes the piece that came last: pieces are verified in another order than they come in. */
static bool hash_one(stream_end *e, uint32_t leave)
{
    if (e->checks_len <= leave) {
        return false;
    }
    ps_stream_input in = {.type = PS_STREAM_HASHED};
    e->checks_len--;
    in.u.hashed.file = e->checks[e->checks_len].file;
    in.u.hashed.piece = e->checks[e->checks_len].piece;
    const stream_end_file *f = &e->files[in.u.hashed.file - 1];
    ps_piece_hash(e->crypto, f->content.length,
                  f->bytes + (uint64_t)in.u.hashed.piece * PS_PIECE_BYTES,
                  ps_piece_length(f->content.length, in.u.hashed.piece), &in.u.hashed.hash);
    (void)step(e, in);
    return true;
}

static void answer(stream_end *e)
{
    const ps_node *tree = NULL;
    ps_stream_input in = {.type = PS_STREAM_OPENED};
    in.u.opened.error = e->asked(e, &e->question, &tree);
    in.u.opened.tree = tree;
    e->has_question = false;
    e->serving = in.u.opened.error == PS_E_NONE;
    (void)step(e, in);
}

/* One thing more to do for a running end whose output has left; false: wait. */
static bool go_on(stream_end *e)
{
    if (e->has_question) {
        answer(e);
        return true;
    }
    const uint32_t error = e->serving && e->fault ? e->fault(e) : (uint32_t)PS_E_NONE;
    if (error != PS_E_NONE) {
        stream_end_cancel(e, error);
        return true;
    }
    if (e->upload && e->to_report && !e->broken) {
        e->to_report = false;
        e->taken = 0;
        (void)step(e, (ps_stream_input){.type = PS_STREAM_SENT});
        return true;
    }
    if ((e->more && !e->broken) || is_due(e)) {
        (void)step(e, (ps_stream_input){.type = PS_STREAM_TICK});
        return true;
    }
    return fetch_more(e) || hash_one(e, HASHED_LATER) || take_in(e) || hash_one(e, 0);
}

void stream_end_work(stream_end *e)
{
    if (e->stream == 0) {
        return;
    }
    const ps_stream_transport *t = streams_of(e);
    bool free = flush(e);
    while (free && e->state == STREAM_END_RUNNING && go_on(e)) {
        free = flush(e);
    }
    if (!free && e->state == STREAM_END_RUNNING) {
        wait_writable(e);
    }
    if (e->state != STREAM_END_RUNNING && (free || ps_sim_now_us(e->sim) >= e->close_us)) {
        t->close(t->ctx, e->stream);
        e->stream = 0;
    }
}

uint64_t stream_end_deadline_us(const stream_end *e)
{
    if (e->stream == 0) {
        return PS_TIME_NEVER;
    }
    if (e->state != STREAM_END_RUNNING) {
        return stream_end_local_us(e->sim, e->node, e->close_us);
    }
    /* A full one that has no room for a step moves, or breaks. */
    return e->blocked && !has_room(e) ? PS_TIME_NEVER : machine_deadline_us(e);
}

/* ---- life ---- */

static void *allocate(const stream_end *e, size_t len)
{
    void *p = malloc(len > 0 ? len : 1);
    REQUIRE(e, p != NULL);
    return p;
}

static void make_output(stream_end *e)
{
    e->out = (ps_stream_output){
        .bytes = allocate(e, STEPS * PS_STREAM_STEP_BYTES),
        .bytes_cap = STEPS * PS_STREAM_STEP_BYTES,
        .segments = allocate(e, STEPS * PS_STREAM_STEP_SEGMENTS * sizeof(ps_segment)),
        .segments_cap = STEPS * PS_STREAM_STEP_SEGMENTS,
        .events = allocate(e, PS_STREAM_STEP_EVENTS * sizeof(ps_stream_event)),
        .events_cap = PS_STREAM_STEP_EVENTS};
    e->now_us = ps_sim_node_now_us(e->sim, e->node);
}

void stream_end_upload(stream_end *e)
{
    ps_upload_config cfg;
    ps_upload_config_default(&cfg);
    cfg.crypto = e->crypto;
    cfg.keys = e->keys;
    cfg.binding = e->binding;
    const size_t size = ps_upload_size(&cfg);
    make_output(e);
    e->memory = allocate(e, size);
    REQUIRE(e, ps_upload_init(e->memory, size, &cfg, e->now_us, &e->upload) == PS_OK);
}

void stream_end_download(stream_end *e)
{
    ps_download_config cfg;
    ps_download_config_default(&cfg);
    cfg.crypto = e->crypto;
    cfg.binding = e->binding;
    const size_t size = ps_download_size(&cfg);
    make_output(e);
    e->memory = allocate(e, size);
    REQUIRE(e, ps_download_init(e->memory, size, &cfg, e->now_us, &e->download) == PS_OK);
}

void stream_end_free(stream_end *e)
{
    free(e->memory);
    free(e->out.bytes);
    free(e->out.segments);
    free(e->out.events);
    e->memory = NULL;
    e->upload = NULL;
    e->download = NULL;
    e->out = (ps_stream_output){.bytes = NULL};
}
