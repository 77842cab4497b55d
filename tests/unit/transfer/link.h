/* An upload and a download joined in memory: bytes go from one to the other in parts of `split`,
 * and both machines' invariants are walked after each step. */
#ifndef PS_TESTS_TRANSFER_LINK_H
#define PS_TESTS_TRANSFER_LINK_H

#include "unit.h"

#include "content.h"
#include "exact.h"
#include "random.h"
#include "tickets.h"

#define LINK_UPLOADER 0x31
#define LINK_CHECKS   512u

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

/* A file at both ends. */
typedef struct link_file {
    const uint8_t *bytes;    /* At the source; NULL: all zero. */
    const ps_node *tree;     /* Its tree. */
    ps_content content;      /* What is fetched. */
    uint64_t served;         /* Bytes at the source. */
    uint32_t refuse;         /* OPENED with this error. */
    uint64_t corrupt_offset; /* File byte that arrives flipped; UINT64_MAX: none. */
    test_ticket ticket;
    uint8_t *have;    /* What the downloader has; NULL: nothing. */
    uint8_t *written; /* What it wrote; NULL: not kept. */
    /* What happened. */
    bool opened, source_ended, ended, remote;
    uint32_t error;
    uint32_t verified; /* Pieces. */
    uint64_t received; /* Bytes. */
} link_file;

typedef struct link_check {
    uint32_t file, piece;
} link_check;

typedef struct link {
    const ps_crypto *crypto; /* The real one unless set before link_open(). */
    ps_file_keys keys;
    ps_upload *up;
    ps_download *down;
    link_slab *slab;
    link_queue to_up, to_down;
    uint64_t now_us;
    size_t split;
    bool plain;
    bool finish;   /* FINISH when all files were handed in. */
    bool shuffled; /* HASHED late and in any order. */
    test_random random;
    link_file *files;
    uint32_t count, fetched;
    uint64_t cut_at;  /* The stream to the downloader ends after so many bytes. */
    uint64_t flip_at; /* Byte of the stream to the downloader that arrives flipped. */
    link_check checks[LINK_CHECKS];
    uint32_t checks_len;
    uint32_t window;
    uint32_t up_file; /* What the upload serves. */
    bool asked;
    /* What happened. */
    bool up_done, down_done, up_remote, down_remote;
    uint32_t up_error, down_error, bad_file, bad_piece;
    uint32_t ends, asked_files;
} link;

static inline link_file link_file_of(const uint8_t *bytes, ps_content content, const ps_node *tree,
                                     uint32_t number)
{
    return (link_file){
        .bytes = bytes,
        .tree = tree,
        .content = content,
        .served = content.length,
        .corrupt_offset = UINT64_MAX,
        .ticket = ticket_for(ps_crypto_sodium(), LINK_UPLOADER, &content, number),
    };
}

static inline link link_of(link_file *files, uint32_t count, size_t split)
{
    link l;
    memset(&l, 0, sizeof l);
    l.crypto = ps_crypto_sodium();
    l.keys = ticket_keys(LINK_UPLOADER);
    l.split = split;
    l.files = files;
    l.count = count;
    l.finish = true;
    l.cut_at = l.flip_at = UINT64_MAX;
    l.random = test_random_of(7);
    return l;
}

static inline void link_open(link *l, ps_upload_config uc, ps_download_config dc)
{
    uc.crypto = l->crypto;
    dc.crypto = l->crypto;
    uc.keys = &l->keys;
    uc.binding.plain = dc.binding.plain = l->plain;
    memset(uc.binding.bytes, 5, 32);
    memset(dc.binding.bytes, l->plain ? 6 : 5, 32);
    l->window = dc.window_bytes;
    size_t un = ps_upload_size(&uc);
    size_t dn = ps_download_size(&dc);
    assert_true(un > 0 && dn > 0);
    assert_int_equal(ps_upload_init(malloc(un), un, &uc, l->now_us, &l->up), PS_OK);
    assert_int_equal(ps_download_init(malloc(dn), dn, &dc, l->now_us, &l->down), PS_OK);
    l->slab = malloc(sizeof *l->slab);
    assert_non_null(l->slab);
}

static inline void link_open_default(link *l)
{
    ps_upload_config uc;
    ps_download_config dc;
    ps_upload_config_default(&uc);
    ps_download_config_default(&dc);
    link_open(l, uc, dc);
}

static inline void link_close(link *l)
{
    free(l->up);
    free(l->down);
    free(l->slab);
    free(l->to_up.bytes);
    free(l->to_down.bytes);
}

static inline void link_send(link *l, const ps_segment *s)
{
    static uint8_t part[PS_PIECE_BYTES];
    const link_file *f = &l->files[s->file - 1];
    assert_true(s->file == l->up_file);
    assert_true(s->len <= f->served && s->offset <= f->served - s->len);
    for (uint64_t at = 0; at < s->len;) {
        size_t n = s->len - at < sizeof part ? (size_t)(s->len - at) : sizeof part;
        if (f->bytes) {
            memcpy(part, f->bytes + s->offset + at, n);
        } else {
            memset(part, 0, n);
        }
        if (f->corrupt_offset - (s->offset + at) < n) {
            part[f->corrupt_offset - (s->offset + at)] ^= 0x10;
        }
        link_put(&l->to_down, part, n);
        at += n;
    }
}

static inline void link_event_up(link *l, const ps_stream_event *e)
{
    switch (e->type) {
    case PS_STREAM_EVENT_OPEN:
        assert_false(l->asked);
        assert_int_equal(l->up_file, 0);
        assert_true(e->file >= 1 && e->file <= l->count);
        assert_true(ps_content_equal(&e->content, &l->files[e->file - 1].content));
        assert_int_equal(e->downloader.len, 3);
        assert_memory_equal(e->downloader.bytes, "ann", 3);
        l->asked = true;
        l->asked_files++;
        l->up_file = e->file;
        l->files[e->file - 1].opened = true;
        break;
    case PS_STREAM_EVENT_FILE_END:
        assert_int_equal(e->file, l->up_file);
        l->files[e->file - 1].source_ended = true;
        l->up_file = 0;
        break;
    case PS_STREAM_EVENT_DONE:
        assert_int_equal(l->up_file, 0);
        l->up_done = true;
        l->ends++;
        break;
    case PS_STREAM_EVENT_FAILED:
        l->up_error = e->error;
        l->up_remote = e->remote;
        l->ends++;
        break;
    case PS_STREAM_EVENT_WRITE:
    case PS_STREAM_EVENT_CHECK:
    case PS_STREAM_EVENT_PIECE:
    default:
        fail();
    }
}

/* One step of the upload; answers OPEN by itself. @return what it consumed. */
static inline size_t link_step_up(link *l, ps_stream_input in)
{
    size_t consumed = 0;
    in.now_us = l->now_us;
    in.wall_s = TICKET_WALL_S;
    link_slab_reset(l->slab);
    ps_stream_output *out = &l->slab->out;
    ps_status status = ps_upload_step(l->up, &in, &consumed, out);
    assert_true(status == PS_OK || status == PS_MORE);
    assert_int_equal(ps_upload_check(l->up), 0);
    for (size_t i = 0; i < out->segments_len; i++) {
        const ps_segment *s = &out->segments[i];
        if (s->from_file) {
            link_send(l, s);
        } else {
            link_put(&l->to_down, out->bytes + s->offset, (size_t)s->len);
        }
    }
    for (size_t i = 0; i < out->events_len; i++) {
        link_event_up(l, &out->events[i]);
    }
    if (l->asked) {
        ps_stream_input opened = {.type = PS_STREAM_OPENED};
        const link_file *f = &l->files[l->up_file - 1];
        l->asked = false;
        opened.u.opened.error = f->refuse;
        opened.u.opened.tree = f->tree;
        l->up_file = f->refuse != PS_E_NONE ? 0 : l->up_file;
        (void)link_step_up(l, opened);
    }
    return consumed;
}

static inline size_t link_step_down(link *l, ps_stream_input in);

/* Hashes one of the pieces that wait for it. */
static inline void link_hash(link *l, uint32_t which)
{
    static uint8_t zeros[PS_PIECE_BYTES];
    const link_check c = l->checks[which];
    const link_file *f = &l->files[c.file - 1];
    ps_stream_input in = {.type = PS_STREAM_HASHED};
    in.u.hashed.file = c.file;
    in.u.hashed.piece = c.piece;
    ps_piece_hash(l->crypto, f->content.length,
                  f->written ? f->written + (uint64_t)c.piece * PS_PIECE_BYTES : zeros,
                  ps_piece_length(f->content.length, c.piece), &in.u.hashed.hash);
    l->checks[which] = l->checks[--l->checks_len];
    assert_int_equal(link_step_down(l, in), 1);
}

static inline void link_event_down(link *l, const ps_stream_event *e)
{
    link_file *f = e->file > 0 ? &l->files[e->file - 1] : NULL;
    assert_true(e->file <= l->fetched);
    switch (e->type) {
    case PS_STREAM_EVENT_WRITE:
        assert_true(f && e->bytes.len > 0 && !f->ended);
        assert_true(e->offset / PS_PIECE_BYTES == e->piece);
        assert_true(!f->have || (f->have[e->piece / 8] >> (e->piece % 8) & 1) == 0);
        assert_true(e->offset <= f->content.length &&
                    e->bytes.len <= f->content.length - e->offset);
        if (f->written) {
            memcpy(f->written + e->offset, e->bytes.data, e->bytes.len);
        }
        f->received += e->bytes.len;
        break;
    case PS_STREAM_EVENT_CHECK:
        assert_true(l->checks_len < LINK_CHECKS);
        l->checks[l->checks_len++] = (link_check){e->file, e->piece};
        break;
    case PS_STREAM_EVENT_PIECE:
        assert_true(f && !f->ended);
        f->verified++;
        break;
    case PS_STREAM_EVENT_FILE_END:
        assert_true(f && !f->ended);
        f->ended = true;
        f->error = e->error;
        f->remote = e->remote;
        break;
    case PS_STREAM_EVENT_DONE:
        l->down_done = true;
        l->ends++;
        break;
    case PS_STREAM_EVENT_FAILED:
        l->down_error = e->error;
        l->down_remote = e->remote;
        l->bad_file = e->file;
        l->bad_piece = e->piece;
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
    ps_download_place place;
    bool promised = ps_download_due(l->down, &place);
    ps_status status = ps_download_step(l->down, &in, &consumed, out);
    assert_true(status == PS_OK || status == PS_MORE);
    assert_int_equal(ps_download_check(l->down), 0);
    for (size_t i = 0; i < out->segments_len; i++) {
        assert_false(out->segments[i].from_file);
        link_put(&l->to_up, out->bytes + out->segments[i].offset, (size_t)out->segments[i].len);
    }
    if (promised && in.type == PS_STREAM_BYTES && in.u.bytes.len > 0) {
        assert_true(out->events_len > 0 && out->events[0].type == PS_STREAM_EVENT_WRITE);
        assert_int_equal(out->events[0].offset, place.offset);
        assert_int_equal(out->events[0].file, place.file);
        assert_int_equal(out->events[0].piece, place.piece);
        assert_true(out->events[0].bytes.len <= place.len);
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

static inline void link_fetch(link *l)
{
    while (l->fetched < l->count && ps_download_room(l->down) > 0) {
        link_file *f = &l->files[l->fetched++];
        ps_stream_input in = {.type = PS_STREAM_FETCH};
        in.u.fetch.content = f->content;
        in.u.fetch.ticket = (ps_span){f->ticket.bytes, f->ticket.len};
        memcpy(in.u.fetch.key, f->ticket.key, sizeof in.u.fetch.key);
        in.u.fetch.have = f->have;
        assert_int_equal(link_step_down(l, in), 1);
    }
    if (l->finish && l->fetched == l->count && l->ends == 0) {
        l->finish = false;
        (void)link_step_down(l, (ps_stream_input){.type = PS_STREAM_FINISH});
    }
}

/* Answers CHECKs: all, or some of them in any order. */
static inline bool link_answer(link *l)
{
    bool moved = false;
    while (l->checks_len > 0 &&
           (!l->shuffled || l->checks_len > 40 || test_random_chance(&l->random, 60))) {
        link_hash(l, l->shuffled ? (uint32_t)test_random_below(&l->random, l->checks_len) : 0);
        moved = true;
    }
    return moved;
}

static inline bool link_carry_up(link *l, bool exact)
{
    bool moved = false;
    while (l->to_up.at < l->to_up.len) {
        ps_stream_input in = link_bytes(&l->to_up, l->split, exact);
        size_t n = link_step_up(l, in);
        l->to_up.at += n;
        if (exact) {
            free((void *)(uintptr_t)in.u.bytes.data);
        }
        if (n == 0) {
            break; /* It waits for its own side. */
        }
        moved = true;
    }
    return moved;
}

/* @return false: the stream was cut. */
static inline bool link_carry_down(link *l, bool exact, uint64_t *carried, bool *moved)
{
    while (l->to_down.at < l->to_down.len && *carried < l->cut_at) {
        uint64_t room = l->cut_at - *carried;
        ps_stream_input in =
            link_bytes(&l->to_down, room < l->split ? (size_t)room : l->split, exact);
        if (l->flip_at - *carried < in.u.bytes.len) {
            ((uint8_t *)(uintptr_t)in.u.bytes.data)[l->flip_at - *carried] ^= 0x04;
            l->flip_at = exact ? l->flip_at : UINT64_MAX;
        }
        size_t n = link_step_down(l, in);
        assert_true(n > 0);
        l->to_down.at += n;
        *carried += n;
        if (exact) {
            free((void *)(uintptr_t)in.u.bytes.data);
        }
        *moved = true;
        if (l->split >= 1000) {
            *moved = link_answer(l) || *moved;
        }
    }
    return *carried < l->cut_at;
}

/* Carries bytes both ways until nothing moves any more. */
static inline void link_run(link *l)
{
    const ps_stream_input tick = {.type = PS_STREAM_TICK};
    const ps_stream_input sent = {.type = PS_STREAM_SENT};
    const ps_stream_input closed = {.type = PS_STREAM_CLOSED};
    const bool exact = l->split >= 4096;
    uint64_t carried = 0;
    for (bool moved = true; moved;) {
        moved = false;
        link_fetch(l);
        while (ps_download_deadline_us(l->down) <= l->now_us) {
            (void)link_step_down(l, tick);
        }
        moved = link_carry_up(l, exact);
        while (ps_upload_deadline_us(l->up) <= l->now_us) {
            (void)link_step_up(l, tick);
        }
        if (!link_carry_down(l, exact, &carried, &moved)) {
            (void)link_step_down(l, closed);
            return;
        }
        moved = link_answer(l) || moved;
        uint64_t before = l->to_down.total;
        (void)link_step_up(l, sent);
        moved = link_carry_up(l, exact) || moved || l->to_down.total > before ||
                l->checks_len > 0 || (l->fetched < l->count && ps_download_room(l->down) > 0);
    }
}

#endif
