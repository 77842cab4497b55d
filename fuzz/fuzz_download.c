/* The downloader under a hostile uploader. Odd first byte: the input is the stream itself. Even:
 * a well-formed upload of a small file answers, and the input flips bytes of what it says, splits
 * it, moves the clock and takes away room. Whatever happens, DONE means that the file is whole. */
#include "peersync/transfer.h"

#include <stdlib.h>
#include <string.h>

#include "peersync/crypto_openssl.h"

#define REQUIRE(condition) ((condition) ? (void)0 : __builtin_trap())

typedef struct source {
    const uint8_t *at;
    size_t left;
} source;

static uint8_t next8(source *s)
{
    if (s->left == 0) {
        return 0;
    }
    s->left--;
    return *s->at++;
}

/* A file, its tree, the upload of it, and what it said but the downloader has not read. */
typedef struct world {
    ps_download *d;
    size_t size;
    ps_upload *u;
    uint8_t *file;
    uint8_t *written;
    ps_content content;
    ps_node *tree;
    uint8_t *said;
    size_t said_len, said_cap;
    uint64_t now_us;
    bool done, ended;
} world;

static void say(world *w, const void *bytes, size_t len)
{
    if (w->said_len + len > w->said_cap) {
        w->said_cap = (w->said_len + len) * 2;
        w->said = realloc(w->said, w->said_cap);
        REQUIRE(w->said);
    }
    memcpy(w->said + w->said_len, bytes, len);
    w->said_len += len;
}

static void upload_step(world *w, ps_stream_input in, size_t *consumed)
{
    static uint8_t bytes[PS_STREAM_STEP_BYTES];
    static ps_segment segments[PS_STREAM_STEP_SEGMENTS];
    static ps_stream_event events[PS_STREAM_STEP_EVENTS];
    ps_stream_output out = {.bytes = bytes,
                            .bytes_cap = sizeof bytes,
                            .segments = segments,
                            .segments_cap = PS_STREAM_STEP_SEGMENTS,
                            .events = events,
                            .events_cap = PS_STREAM_STEP_EVENTS};
    REQUIRE(ps_upload_step(w->u, &in, consumed, &out) <= PS_MORE);
    REQUIRE(ps_upload_check(w->u) == 0);
    for (size_t i = 0; i < out.segments_len; i++) {
        const ps_segment *s = &segments[i];
        say(w, s->from_file ? w->file + s->offset : bytes + s->offset, (size_t)s->len);
    }
    if (out.events_len > 0 && events[0].type == PS_STREAM_EVENT_OPEN) {
        ps_stream_input opened = {.type = PS_STREAM_OPENED};
        size_t n;
        opened.u.opened.tree = w->tree;
        upload_step(w, opened, &n);
    }
}

/* The upload hears all of it and says what it can. */
static void upload_hears(world *w, const uint8_t *bytes, size_t len)
{
    size_t n;
    for (size_t at = 0; at < len; at += n) {
        ps_stream_input in = {.type = PS_STREAM_BYTES};
        in.u.bytes = (ps_span){bytes + at, len - at};
        upload_step(w, in, &n);
        REQUIRE(n > 0);
    }
    for (int i = 0; i < 8; i++) {
        upload_step(w, (ps_stream_input){.type = PS_STREAM_SENT}, &n);
    }
}

static void on_event(world *w, const ps_stream_event *e, ps_span in)
{
    switch (e->type) {
    case PS_STREAM_EVENT_WRITE:
        REQUIRE(e->bytes.data >= in.data && e->bytes.data + e->bytes.len <= in.data + in.len);
        REQUIRE(e->offset <= w->content.length && e->bytes.len <= w->content.length - e->offset);
        memcpy(w->written + e->offset, e->bytes.data, e->bytes.len);
        break;
    case PS_STREAM_EVENT_PIECE:
        REQUIRE(e->index < ps_piece_count(w->content.length));
        break;
    case PS_STREAM_EVENT_DONE:
    case PS_STREAM_EVENT_FAILED:
        REQUIRE(!w->ended);
        w->ended = true;
        w->done = e->type == PS_STREAM_EVENT_DONE;
        break;
    case PS_STREAM_EVENT_OPEN:
    default:
        REQUIRE(false);
    }
}

static size_t step(world *w, ps_stream_input in, unsigned missing)
{
    ps_stream_output out = {.bytes_cap = PS_STREAM_STEP_BYTES - (missing & 1u),
                            .segments_cap = PS_STREAM_STEP_SEGMENTS - (missing >> 1 & 1u),
                            .events_cap = PS_STREAM_STEP_EVENTS - (missing >> 2 & 1u)};
    out.bytes = malloc(out.bytes_cap);
    out.segments = malloc(out.segments_cap * sizeof *out.segments);
    out.events = malloc(out.events_cap * sizeof *out.events);
    uint8_t *before = malloc(w->size);
    REQUIRE(out.bytes && out.segments && out.events && before);
    memcpy(before, w->d, w->size);
    size_t consumed = 0;
    in.now_us = w->now_us;
    ps_status status = ps_download_step(w->d, &in, &consumed, &out);
    REQUIRE(status == (missing ? PS_AGAIN : PS_OK));
    REQUIRE(status == PS_OK || memcmp(before, w->d, w->size) == 0);
    REQUIRE(ps_download_check(w->d) == 0);
    const ps_span bytes = in.type == PS_STREAM_BYTES ? in.u.bytes : (ps_span){NULL, 0};
    for (size_t i = 0; i < out.events_len; i++) {
        on_event(w, &out.events[i], bytes);
    }
    for (size_t i = 0; w->u && i < out.segments_len; i++) {
        upload_hears(w, out.bytes + out.segments[i].offset, (size_t)out.segments[i].len);
    }
    free(before);
    free(out.bytes);
    free(out.segments);
    free(out.events);
    return consumed;
}

/* The next `n` bytes of the stream, in a block of exactly their size. */
static void hear(world *w, const uint8_t *bytes, size_t n, uint8_t flip, size_t flip_at,
                 unsigned missing)
{
    uint8_t *copy = malloc(n + (n == 0));
    REQUIRE(copy);
    memcpy(copy, bytes, n);
    if (n > 0) {
        copy[flip_at % n] ^= flip;
    }
    ps_stream_input in = {.type = PS_STREAM_BYTES};
    in.u.bytes = (ps_span){copy, n};
    if (missing != 0) {
        (void)step(w, in, missing);
    }
    for (size_t at = 0; at < n;) {
        in.u.bytes = (ps_span){copy + at, n - at};
        size_t used = step(w, in, 0);
        REQUIRE(used > 0);
        at += used;
    }
    free(copy);
}

/* Files are made once: hashing them for every input would be most of the work. */
static void choose_file(world *w, unsigned choice)
{
    static const uint32_t lengths[8] = {0, 1, 64, 16384, 16385, 1048576, 1048577, 2097200};
    static world made[8];
    world *m = &made[choice];
    if (!m->file) {
        uint32_t length = lengths[choice];
        ps_hasher h;
        m->file = calloc(length + 1u, 1);
        m->written = calloc(length + 1u, 1);
        m->tree = calloc(ps_tree_nodes(length) + 1, sizeof *m->tree);
        REQUIRE(m->file && m->written && m->tree);
        for (uint32_t i = 0; i < length; i += 97) {
            m->file[i] = (uint8_t)(i * 31u + 1u);
        }
        REQUIRE(ps_hasher_init(&h, ps_crypto_openssl(), length, m->tree) == PS_OK);
        REQUIRE(ps_hasher_update(&h, m->file, length) == PS_OK);
        REQUIRE(ps_hasher_final(&h, &m->content) == PS_OK);
    }
    w->file = m->file;
    w->written = m->written;
    w->tree = m->tree;
    w->content = m->content;
    if (w->content.length > 0) {
        w->written[w->content.length - 1] = (uint8_t)~w->file[w->content.length - 1];
    }
}

static void make(world *w, source *s)
{
    const bool honest = (next8(s) & 1u) == 0;
    uint8_t choice = next8(s);
    choose_file(w, choice % 8u);
    w->said = malloc(w->said_cap = 4096);
    REQUIRE(w->said);
    ps_download_config dc;
    ps_download_config_default(&dc);
    dc.crypto = ps_crypto_openssl();
    dc.content = w->content;
    dc.window_bytes = 1u + (uint32_t)(choice >> 3) * 524288u;
    w->size = ps_download_size(&dc);
    REQUIRE(ps_download_init(malloc(w->size), w->size, &dc, 0, &w->d) == PS_OK);
    if (honest) {
        ps_upload_config uc;
        ps_upload_config_default(&uc);
        uc.crypto = ps_crypto_openssl();
        uc.max_wants = 1u + (choice >> 5);
        size_t n = ps_upload_size(&uc);
        REQUIRE(ps_upload_init(malloc(n), n, &uc, 0, &w->u) == PS_OK);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    source s = {data, len};
    world w = {0};
    size_t heard = 0;
    make(&w, &s);
    for (unsigned steps = 0; s.left > 0 && steps < 400; steps++) {
        uint8_t op = next8(&s);
        uint8_t arg = next8(&s);
        unsigned missing = (op & 0x40u) ? op >> 3 & 7u : 0;
        switch (op & 7u) {
        case 0:
            w.now_us += (uint64_t)arg * arg * 1000u;
            (void)step(&w, (ps_stream_input){.type = PS_STREAM_TICK}, missing);
            break;
        case 1:
            if (arg < 8) {
                (void)step(&w, (ps_stream_input){.type = PS_STREAM_CANCEL}, missing);
            } else if (arg < 16) {
                (void)step(&w, (ps_stream_input){.type = PS_STREAM_CLOSED}, missing);
            }
            break;
        default:
            if (!w.u) {
                size_t n = arg < s.left ? arg : s.left;
                hear(&w, s.at, n, 0, 0, missing);
                s.at += n;
                s.left -= n;
            } else {
                /* Small and large parts; every eighth op may flip a bit. */
                size_t n = (op & 7u) < 5 ? arg : (size_t)arg * 8192u;
                size_t left = w.said_len - heard;
                n = n < left ? n : left;
                uint8_t *part = malloc(n + (n == 0));
                REQUIRE(part);
                memcpy(part, w.said + heard, n);
                heard += n;
                uint8_t flip = (op & 0x80u) ? (uint8_t)(1u << (next8(&s) & 7u)) : 0;
                hear(&w, part, n, flip, flip ? next8(&s) : 0, missing);
                free(part);
            }
            break;
        }
    }
    REQUIRE(!w.done || memcmp(w.file, w.written, (size_t)w.content.length) == 0);
    REQUIRE(!w.done || ps_download_verified_bytes(w.d) == w.content.length);
    free(w.d);
    free(w.u);
    free(w.said);
    return 0;
}
