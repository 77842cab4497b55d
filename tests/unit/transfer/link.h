/* An upload and a download joined in memory: bytes go from one to the other in parts of `split`,
 * and both machines' invariants are walked after each step. */
#ifndef PS_TESTS_TRANSFER_LINK_H
#define PS_TESTS_TRANSFER_LINK_H

#include "unit.h"

#include "content.h"
#include "exact.h"

typedef struct link_queue {
    uint8_t *bytes;
    size_t len, cap, at;
    uint64_t total; /* Ever put in. */
} link_queue;

static inline void link_put(link_queue *q, const void *bytes, size_t len)
{
    if (q->at == q->len) {
        q->at = q->len = 0;
    }
    if (q->len + len > q->cap) {
        q->cap = (q->len + len) * 2;
        q->bytes = realloc(q->bytes, q->cap);
        assert_non_null(q->bytes);
    }
    if (len > 0) {
        memcpy(q->bytes + q->len, bytes, len);
    }
    q->len += len;
    q->total += len;
}

/* What a machine writes to. */
typedef struct link_slab {
    ps_stream_output out;
    uint8_t bytes[PS_STREAM_STEP_BYTES];
    ps_segment segments[PS_STREAM_STEP_SEGMENTS];
    ps_stream_event events[PS_STREAM_STEP_EVENTS];
} link_slab;

static inline void link_slab_reset(link_slab *s)
{
    s->out = (ps_stream_output){
        .bytes = s->bytes,
        .bytes_cap = sizeof s->bytes,
        .segments = s->segments,
        .segments_cap = PS_STREAM_STEP_SEGMENTS,
        .events = s->events,
        .events_cap = PS_STREAM_STEP_EVENTS,
    };
}

typedef struct link {
    const ps_crypto *crypto; /* OpenSSL's unless set before link_open(). */
    ps_upload *up;
    ps_download *down;
    link_slab *slab;
    link_queue to_up, to_down;
    uint64_t now_us;
    size_t split;
    /* The file at the source, and what the downloader wrote. Without bytes: all zero. */
    const uint8_t *file;
    uint8_t *written;
    ps_content content; /* What the source publishes. */
    const ps_node *tree;
    uint32_t refuse;         /* OPENED with this error. */
    uint64_t corrupt_offset; /* File byte that arrives flipped; UINT64_MAX: none. */
    uint64_t cut_at;         /* The stream to the downloader ends after so many bytes. */
    uint64_t flip_at;        /* Byte of the stream to the downloader that arrives flipped. */
    /* What happened. */
    bool asked, up_done, down_done;
    uint32_t up_error, down_error;
    bool up_remote, down_remote;
    uint32_t pieces, ends;
    uint64_t written_bytes;
} link;

static inline void link_open(link *l, ps_upload_config uc, ps_download_config dc)
{
    uc.crypto = l->crypto;
    dc.crypto = l->crypto;
    size_t un = ps_upload_size(&uc);
    size_t dn = ps_download_size(&dc);
    assert_true(un > 0 && dn > 0);
    assert_int_equal(ps_upload_init(malloc(un), un, &uc, l->now_us, &l->up), PS_OK);
    assert_int_equal(ps_download_init(malloc(dn), dn, &dc, l->now_us, &l->down), PS_OK);
    l->slab = malloc(sizeof *l->slab);
    assert_non_null(l->slab);
}

static inline link link_of(const uint8_t *file, ps_content content, const ps_node *tree,
                           size_t split)
{
    link l;
    memset(&l, 0, sizeof l);
    l.crypto = ps_crypto_openssl();
    l.split = split;
    l.file = file;
    l.content = content;
    l.tree = tree;
    l.corrupt_offset = l.cut_at = l.flip_at = UINT64_MAX;
    return l;
}

static inline void link_close(link *l)
{
    free(l->up);
    free(l->down);
    free(l->slab);
    free(l->to_up.bytes);
    free(l->to_down.bytes);
    free(l->written);
}

static inline void link_file(link *l, uint64_t offset, uint64_t len)
{
    static uint8_t part[PS_PIECE_BYTES];
    assert_true(len <= l->content.length && offset <= l->content.length - len);
    for (uint64_t at = 0; at < len;) {
        size_t n = len - at < sizeof part ? (size_t)(len - at) : sizeof part;
        if (l->file) {
            memcpy(part, l->file + offset + at, n);
        } else {
            memset(part, 0, n);
        }
        if (l->corrupt_offset - (offset + at) < n) {
            part[l->corrupt_offset - (offset + at)] ^= 0x10;
        }
        link_put(&l->to_down, part, n);
        at += n;
    }
}

/* One step of the upload; answers OPEN by itself. @return what it consumed. */
static inline size_t link_step_up(link *l, ps_stream_input in)
{
    size_t consumed = 0;
    in.now_us = l->now_us;
    link_slab_reset(l->slab);
    ps_stream_output *out = &l->slab->out;
    ps_status status = ps_upload_step(l->up, &in, &consumed, out);
    assert_true(status == PS_OK || status == PS_MORE);
    assert_int_equal(ps_upload_check(l->up), 0);
    for (size_t i = 0; i < out->segments_len; i++) {
        const ps_segment *s = &out->segments[i];
        if (s->from_file) {
            link_file(l, s->offset, s->len);
        } else {
            link_put(&l->to_down, out->bytes + s->offset, (size_t)s->len);
        }
    }
    bool ask = false;
    for (size_t i = 0; i < out->events_len; i++) {
        const ps_stream_event *e = &out->events[i];
        if (e->type == PS_STREAM_EVENT_OPEN) {
            assert_false(l->asked);
            l->asked = ask = true;
        } else if (e->type == PS_STREAM_EVENT_DONE) {
            l->up_done = true;
            l->ends++;
        } else {
            assert_int_equal(e->type, PS_STREAM_EVENT_FAILED);
            l->up_error = e->error;
            l->up_remote = e->remote;
            l->ends++;
        }
    }
    if (ask) {
        ps_stream_input opened = {.type = PS_STREAM_OPENED};
        opened.u.opened.error = l->refuse;
        opened.u.opened.tree = l->tree;
        (void)link_step_up(l, opened);
    }
    return consumed;
}

static inline void link_event_down(link *l, const ps_stream_event *e)
{
    switch (e->type) {
    case PS_STREAM_EVENT_WRITE:
        assert_true(e->bytes.len > 0 && e->offset == l->written_bytes);
        if (l->written) {
            memcpy(l->written + e->offset, e->bytes.data, e->bytes.len);
        }
        l->written_bytes += e->bytes.len;
        break;
    case PS_STREAM_EVENT_PIECE:
        assert_int_equal(e->index, l->pieces);
        l->pieces++;
        break;
    case PS_STREAM_EVENT_DONE:
        l->down_done = true;
        l->ends++;
        break;
    case PS_STREAM_EVENT_FAILED:
        l->down_error = e->error;
        l->down_remote = e->remote;
        l->ends++;
        break;
    case PS_STREAM_EVENT_OPEN:
    default:
        fail();
    }
}

static inline size_t link_step_down(link *l, ps_stream_input in)
{
    size_t consumed = 0;
    in.now_us = l->now_us;
    link_slab_reset(l->slab);
    ps_stream_output *out = &l->slab->out;
    uint64_t offset;
    uint64_t due;
    bool promised = ps_download_due(l->down, &offset, &due);
    assert_int_equal(ps_download_step(l->down, &in, &consumed, out), PS_OK);
    assert_int_equal(ps_download_check(l->down), 0);
    for (size_t i = 0; i < out->segments_len; i++) {
        assert_false(out->segments[i].from_file);
        link_put(&l->to_up, out->bytes + out->segments[i].offset, (size_t)out->segments[i].len);
    }
    if (promised && in.type == PS_STREAM_BYTES && in.u.bytes.len > 0) {
        assert_true(out->events_len > 0 && out->events[0].type == PS_STREAM_EVENT_WRITE);
        assert_int_equal(out->events[0].offset, offset);
        assert_true(out->events[0].bytes.len <= due);
    }
    for (size_t i = 0; i < out->events_len; i++) {
        link_event_down(l, &out->events[i]);
    }
    return consumed;
}

static inline ps_stream_input link_bytes(const link_queue *q, size_t split, bool exact)
{
    size_t n = q->len - q->at;
    n = n < split ? n : split;
    ps_stream_input in = {.type = PS_STREAM_BYTES};
    in.u.bytes = (ps_span){exact ? exact_copy(q->bytes + q->at, n) : q->bytes + q->at, n};
    return in;
}

/* Carries bytes both ways until nothing moves any more. */
static inline void link_run(link *l)
{
    const ps_stream_input tick = {.type = PS_STREAM_TICK};
    const ps_stream_input sent = {.type = PS_STREAM_SENT};
    const ps_stream_input closed = {.type = PS_STREAM_CLOSED};
    const bool exact = l->split >= 4096;
    uint64_t carried = 0;
    (void)link_step_down(l, tick);
    for (bool moved = true; moved;) {
        moved = false;
        while (l->to_up.at < l->to_up.len) {
            ps_stream_input in = link_bytes(&l->to_up, l->split, exact);
            l->to_up.at += link_step_up(l, in);
            if (exact) {
                free((void *)(uintptr_t)in.u.bytes.data);
            }
            moved = true;
        }
        while (ps_upload_deadline_us(l->up) <= l->now_us) {
            (void)link_step_up(l, tick);
        }
        while (l->to_down.at < l->to_down.len && carried < l->cut_at) {
            uint64_t room = l->cut_at - carried;
            ps_stream_input in =
                link_bytes(&l->to_down, room < l->split ? (size_t)room : l->split, exact);
            if (l->flip_at - carried < in.u.bytes.len) {
                ((uint8_t *)(uintptr_t)in.u.bytes.data)[l->flip_at - carried] ^= 0x04;
                l->flip_at = exact ? l->flip_at : UINT64_MAX;
            }
            size_t n = link_step_down(l, in);
            assert_true(n > 0);
            l->to_down.at += n;
            carried += n;
            if (exact) {
                free((void *)(uintptr_t)in.u.bytes.data);
            }
            moved = true;
        }
        if (carried >= l->cut_at) {
            (void)link_step_down(l, closed);
            return;
        }
        uint64_t before = l->to_down.total;
        (void)link_step_up(l, sent);
        moved = moved || l->to_down.total > before;
    }
}

#endif
