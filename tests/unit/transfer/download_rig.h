/* A downloader's machine that hand-made uploaders speak to: what its tests share. */
#ifndef PS_TESTS_TRANSFER_DOWNLOAD_RIG_H
#define PS_TESTS_TRANSFER_DOWNLOAD_RIG_H

#include "crafted.h"

#define STALL_US UINT64_C(30000000)
#define START_US UINT64_C(1000)
#define UPLOADER 0x41
#define BINDING  0x55

typedef struct rig {
    ps_download *d;
    size_t size;
    crafted_output *o;
    uint8_t *file;
    ps_node *tree;
    ps_content content;
    test_ticket ticket;
    uint64_t now_us;
} rig;

static inline ps_status put(rig *r, ps_stream_input in, size_t *consumed)
{
    in.now_us = r->now_us;
    ps_status status = ps_download_step(r->d, &in, consumed, &r->o->out);
    assert_int_equal(ps_download_check(r->d), 0);
    return status;
}

static inline void plain(rig *r, ps_stream_input_type type)
{
    size_t n;
    crafted_output_reset(r->o);
    assert_int_equal(put(r, (ps_stream_input){.type = type}, &n), PS_OK);
    assert_int_equal(n, 1);
}

/* Hears bytes; the output is that of the last step. */
static inline void hear(rig *r, const void *bytes, size_t len)
{
    uint8_t *copy = exact_copy(bytes, len);
    for (size_t at = 0; at < len;) {
        ps_stream_input in = {.type = PS_STREAM_BYTES};
        size_t n;
        in.u.bytes = (ps_span){copy + at, len - at};
        crafted_output_reset(r->o);
        ps_status status = put(r, in, &n);
        assert_true(n > 0);
        at += n;
        assert_int_equal(status, at < len ? PS_MORE : PS_OK);
    }
    free(copy);
}

static inline void hear_crafted(rig *r, const crafted *c)
{
    hear(r, c->bytes, c->len);
}

static inline rig rig_bound(uint64_t length, uint32_t window, bool plain_stream)
{
    rig r;
    static crafted_output output;
    memset(&r, 0, sizeof r);
    r.o = &output;
    r.file = content_make(length, 11);
    r.content = content_hash(r.file, length, 65536, &r.tree);
    r.ticket = ticket_for(ps_crypto_sodium(), UPLOADER, &r.content, 1);
    r.now_us = START_US;
    ps_download_config c;
    ps_download_config_default(&c);
    c.crypto = ps_crypto_sodium();
    c.window_bytes = window;
    c.binding.plain = plain_stream;
    memset(c.binding.bytes, BINDING, sizeof c.binding.bytes);
    r.size = ps_download_size(&c);
    assert_int_equal(ps_download_init(malloc(r.size), r.size, &c, r.now_us, &r.d), PS_OK);
    assert_int_equal(ps_download_deadline_us(r.d), 0);
    return r;
}

static inline rig rig_of(uint64_t length, uint32_t window)
{
    return rig_bound(length, window, false);
}

static inline void rig_end(rig *r)
{
    free(r->d);
    free(r->file);
    free(r->tree);
}

static inline ps_stream_input fetch_of(const rig *r, const uint8_t *have)
{
    ps_stream_input in = {.type = PS_STREAM_FETCH};
    in.u.fetch.content = r->content;
    in.u.fetch.ticket = (ps_span){r->ticket.bytes, r->ticket.len};
    memcpy(in.u.fetch.key, r->ticket.key, sizeof in.u.fetch.key);
    in.u.fetch.have = have;
    return in;
}

/* Fetches the rig's file; the output is that of the step. */
static inline ps_status fetch(rig *r, const uint8_t *have)
{
    size_t n;
    crafted_output_reset(r->o);
    return put(r, fetch_of(r, have), &n);
}

/* Answers CHECK with the hash of the file's true bytes, or with a wrong one. */
static inline ps_status hashed(rig *r, uint32_t file, uint32_t piece, bool right)
{
    size_t n;
    ps_stream_input in = {.type = PS_STREAM_HASHED};
    in.u.hashed.file = file;
    in.u.hashed.piece = piece;
    ps_piece_hash(ps_crypto_sodium(), r->content.length, r->file + (size_t)piece * PS_PIECE_BYTES,
                  ps_piece_length(r->content.length, piece), &in.u.hashed.hash);
    in.u.hashed.hash.bytes[31] ^= right ? 0 : 1;
    crafted_output_reset(r->o);
    return put(r, in, &n);
}

static inline const ps_stream_event *event_at(const rig *r, size_t i, ps_stream_event_type type)
{
    assert_true(i < r->o->out.events_len);
    assert_int_equal(r->o->out.events[i].type, type);
    return &r->o->out.events[i];
}

/* A machine that has said HELLO and OPEN of its file, and heard that both are well. */
static inline rig running(uint64_t length, uint32_t window, uint32_t max_wants)
{
    static crafted c;
    rig r = rig_of(length, window);
    assert_int_equal(fetch(&r, NULL), PS_OK);
    c.len = 0;
    craft_welcome(&c, max_wants, 0);
    craft_opened(&c, 0);
    hear_crafted(&r, &c);
    assert_int_equal(r.o->out.events_len, 0);
    return r;
}

static inline void craft_ticket(crafted *c, const test_ticket *t, const uint8_t binding[32])
{
    uint8_t mac[32];
    ps_open_mac(ps_crypto_sodium(), t->key, binding, (ps_span){t->bytes, t->len}, mac);
    craft_open(c, mac, t->bytes, t->len);
}

static inline void craft_hashes(crafted *c, const rig *r, uint32_t first, uint32_t count,
                                uint32_t nodes)
{
    craft_header(c, 4, 8 + nodes * 32);
    craft_number(c, first, 4);
    craft_number(c, count, 4);
    craft_fill(c, r->tree, nodes * sizeof(ps_node));
}

#endif
