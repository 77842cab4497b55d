#include "xfer.h"

#include "channel/file_ticket.h"
#include "world.h"

#include <stdlib.h>
#include <string.h>

#define REQUIRE(condition) WORLD_REQUIRE(NULL, condition)

static uint32_t asked(stream_end *e, const ps_content *content, const ps_node **tree)
{
    xfer *x = e->ctx;
    for (uint32_t i = 0; i < x->count; i++) {
        xfer_file *f = &x->files[i];
        if (ps_content_equal(content, &f->content)) {
            f->opened = true;
            *tree = f->tree;
            e->bytes = f->served;
            e->length = f->length;
            return f->refusal;
        }
    }
    REQUIRE(false); /* No ticket is for anything else. */
    return PS_E_NOT_PUBLISHED;
}

/* Invariant 3: what counts are the exact bytes. */
static void require_exact(const xfer *x)
{
    for (uint32_t i = 0; i < x->count; i++) {
        const xfer_file *f = &x->files[i];
        for (uint32_t piece = 0; piece < ps_piece_count(f->length); piece++) {
            const uint64_t at = (uint64_t)piece * PS_PIECE_BYTES;
            const bool got = ((f->got[piece / 8] >> (piece % 8)) & 1u) != 0;
            REQUIRE(!got || memcmp(f->received + at, f->original + at,
                                   ps_piece_length(f->length, piece)) == 0);
        }
    }
}

static void wake(void *ctx, uint64_t now_us)
{
    stream_end *e = ctx;
    xfer *x = e->ctx;
    const ps_stream_transport *t = ps_sim_stream_transport(e->sim, e->node);
    ps_addr from;
    if (e->upload && e->stream == 0 && e->state == STREAM_END_RUNNING) {
        (void)t->accept(t->ctx, &e->stream, &from);
    }
    e->wall_s = XFER_WALL_S + now_us / 1000000;
    stream_end_work(e);
    if (e->download && e->state != STREAM_END_RUNNING) {
        require_exact(x);
    }
    ps_sim_set_deadline(e->sim, e->node, stream_end_deadline_us(e));
}

static void *allocate(size_t len)
{
    void *p = calloc(1, len > 0 ? len : 1);
    REQUIRE(p != NULL);
    return p;
}

static void make_file(xfer *x, xfer_file *f, uint64_t length)
{
    const uint32_t pieces = ps_piece_count(length);
    f->length = length;
    f->original = allocate((size_t)length);
    f->served = allocate((size_t)length);
    f->received = allocate((size_t)length);
    f->have = allocate(pieces / 8 + 1);
    f->got = allocate(pieces / 8 + 1);
    for (uint64_t i = 0; i < length; i++) {
        f->original[i] = (uint8_t)ps_sim_random(x->sim, 256);
    }
    memcpy(f->served, f->original, (size_t)length);
    memset(f->received, 0xee, (size_t)length);
    const size_t nodes = ps_tree_nodes(length);
    f->tree = nodes > 0 ? allocate(nodes * sizeof *f->tree) : NULL;
    ps_hasher h;
    REQUIRE(ps_hasher_init(&h, x->crypto, length, f->tree) == PS_OK &&
            ps_hasher_update(&h, f->original, (size_t)length) == PS_OK &&
            ps_hasher_final(&h, &f->content) == PS_OK);
}

static void random_bytes(xfer *x, uint8_t *to, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        to[i] = (uint8_t)ps_sim_random(x->sim, 256);
    }
}

void xfer_ticket(xfer *x, uint32_t file, uint64_t expires_s)
{
    xfer_file *f = &x->files[file];
    uint8_t salt[PS_FILE_TICKET_SALT];
    ps_file_ticket t = {.content = f->content, .expires_s = expires_s};
    random_bytes(x, t.key, sizeof t.key);
    random_bytes(x, salt, sizeof salt);
    memcpy(f->key, t.key, sizeof f->key);
    f->ticket_len = ps_file_ticket_seal(x->crypto, x->keys.keys[1], x->keys.first_epoch + 1, salt,
                                        &t, f->ticket);
}

static void end_init(xfer *x, stream_end *e)
{
    const ps_sim_node_config node = {.wake = wake, .ctx = e};
    REQUIRE(ps_sim_add_node(x->sim, &node, &e->node) == PS_OK);
    e->sim = x->sim;
    e->ctx = x;
}

xfer *xfer_new(const ps_sim_config *cfg, const ps_crypto *crypto, const uint64_t *lengths,
               uint32_t count)
{
    xfer *x = allocate(sizeof *x);
    REQUIRE(count > 0 && count <= XFER_FILES);
    REQUIRE(ps_sim_create(cfg, &x->sim) == PS_OK);
    x->crypto = crypto;
    x->keys = (ps_file_keys){.first_epoch = XFER_WALL_S / PS_FILE_EPOCH_S - 1, .count = 3};
    random_bytes(x, x->keys.keys[0], sizeof x->keys.keys);
    x->count = count;
    for (uint32_t i = 0; i < count; i++) {
        make_file(x, &x->files[i], lengths[i]);
        xfer_ticket(x, i, XFER_WALL_S + 3600);
    }
    end_init(x, &x->source);
    end_init(x, &x->sink);
    return x;
}

/* An end as it was after end_init(). */
static void end_reset(xfer *x, stream_end *e)
{
    const ps_stream_transport *t = ps_sim_stream_transport(x->sim, e->node);
    const uint32_t node = e->node;
    if (e->stream != 0) {
        t->close(t->ctx, e->stream);
    }
    stream_end_free(e);
    *e = (stream_end){.sim = x->sim, .node = node, .ctx = x, .crypto = x->crypto};
    e->binding.plain = x->plain;
    if (x->plain) {
        random_bytes(x, e->binding.bytes, sizeof e->binding.bytes);
    }
}

/* What each stream has for itself, on TLS. */
static void bind(xfer *x)
{
    if (!x->plain) {
        random_bytes(x, x->source.binding.bytes, sizeof x->source.binding.bytes);
        memcpy(x->sink.binding.bytes, x->source.binding.bytes, sizeof x->sink.binding.bytes);
    }
}

static void want_files(xfer *x)
{
    memset(x->wanted, 0, sizeof x->wanted);
    for (uint32_t i = 0; i < x->count; i++) {
        xfer_file *f = &x->files[i];
        stream_end_file *w = &x->wanted[x->sink.count];
        bool all = true;
        for (uint32_t piece = 0; piece < ps_piece_count(f->length); piece++) {
            all = all && ((f->got[piece / 8] >> (piece % 8)) & 1u) != 0;
        }
        memcpy(f->have, f->got, ps_piece_count(f->length) / 8 + 1);
        if (!all) {
            w->content = f->content;
            w->ticket = (ps_span){f->ticket, f->ticket_len};
            memcpy(w->key, f->key, sizeof w->key);
            w->bytes = f->received;
            w->have = f->have;
            w->got = f->got;
            x->sink.count++;
        }
    }
}

/* What the stream before has brought. */
static void count_received(xfer *x)
{
    for (uint32_t i = 0; i < x->sink.count; i++) {
        x->received += x->wanted[i].received;
    }
}

void xfer_start(xfer *x)
{
    const ps_stream_transport *t = ps_sim_stream_transport(x->sim, x->sink.node);
    const ps_addr to = ps_sim_addr(x->sim, x->source.node);
    end_reset(x, &x->source);
    end_reset(x, &x->sink);
    bind(x);
    want_files(x);
    x->sink.files = x->wanted;
    x->source.keys = &x->keys;
    x->source.asked = asked;
    stream_end_upload(&x->source);
    stream_end_download(&x->sink);
    REQUIRE(t->dial(t->ctx, &to, &x->sink.stream) == PS_OK);
    ps_sim_set_deadline(x->sim, x->source.node, 0);
    ps_sim_set_deadline(x->sim, x->sink.node, 0);
}

void xfer_run(xfer *x, uint64_t us)
{
    const uint64_t end_us = ps_sim_now_us(x->sim) + us;
    while (x->sink.state == STREAM_END_RUNNING && ps_sim_next_us(x->sim) <= end_us) {
        (void)ps_sim_step(x->sim);
    }
    if (x->sink.state != STREAM_END_RUNNING) {
        count_received(x);
    }
}

uint64_t xfer_missing(const xfer *x)
{
    uint64_t missing = 0;
    for (uint32_t i = 0; i < x->count; i++) {
        const xfer_file *f = &x->files[i];
        for (uint32_t piece = 0; piece < ps_piece_count(f->length); piece++) {
            const bool got = ((f->got[piece / 8] >> (piece % 8)) & 1u) != 0;
            missing += got ? 0 : ps_piece_length(f->length, piece);
        }
    }
    return missing;
}

void xfer_kill_source(xfer *x)
{
    ps_sim_crash(x->sim, x->source.node);
}

void xfer_free(xfer *x)
{
    stream_end_free(&x->source);
    stream_end_free(&x->sink);
    for (uint32_t i = 0; i < x->count; i++) {
        xfer_file *f = &x->files[i];
        free(f->original);
        free(f->served);
        free(f->received);
        free(f->have);
        free(f->got);
        free(f->tree);
    }
    ps_sim_destroy(x->sim);
    free(x);
}
