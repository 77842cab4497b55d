/* A downloader's machine that hand-made uploaders speak to: what its tests share. */
#ifndef PS_TESTS_TRANSFER_DOWNLOAD_RIG_H
#define PS_TESTS_TRANSFER_DOWNLOAD_RIG_H

#include "crafted.h"

#define STALL_US UINT64_C(30000000)
#define START_US UINT64_C(1000)

typedef struct rig {
    ps_download *d;
    size_t size;
    crafted_output *o;
    uint8_t *file;
    ps_node *tree;
    ps_content content;
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
        assert_int_equal(put(r, in, &n), PS_OK);
        assert_true(n > 0);
        at += n;
    }
    free(copy);
}

static inline void hear_crafted(rig *r, const crafted *c)
{
    hear(r, c->bytes, c->len);
}

static inline rig rig_of(uint64_t length, uint32_t window)
{
    rig r;
    static crafted_output output;
    memset(&r, 0, sizeof r);
    r.o = &output;
    r.file = content_make(length, 11);
    r.content = content_hash(r.file, length, 65536, &r.tree);
    r.now_us = START_US;
    ps_download_config c;
    ps_download_config_default(&c);
    c.crypto = ps_crypto_sodium();
    c.content = r.content;
    c.window_bytes = window;
    r.size = ps_download_size(&c);
    assert_int_equal(ps_download_init(malloc(r.size), r.size, &c, r.now_us, &r.d), PS_OK);
    assert_int_equal(ps_download_deadline_us(r.d), 0);
    return r;
}

static inline void rig_end(rig *r)
{
    free(r->d);
    free(r->file);
    free(r->tree);
}

/* A machine that has said HELLO and heard it. */
static inline rig running(uint64_t length, uint32_t window, uint32_t max_wants)
{
    static crafted c;
    rig r = rig_of(length, window);
    plain(&r, PS_STREAM_TICK);
    c.len = 0;
    craft_welcome(&c, max_wants);
    hear_crafted(&r, &c);
    return r;
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
