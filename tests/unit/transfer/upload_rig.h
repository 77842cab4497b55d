/* An uploader's machine that hand-made downloaders speak to: what its tests share. */
#ifndef PS_TESTS_TRANSFER_UPLOAD_RIG_H
#define PS_TESTS_TRANSFER_UPLOAD_RIG_H

#include "crafted.h"

#define PIECES   1025u
#define LENGTH   ((uint64_t)PIECES * PS_PIECE_BYTES - 7)
#define IDLE_US  UINT64_C(30000000)
#define START_US UINT64_C(1000)

typedef struct rig {
    ps_upload *u;
    size_t size;
    crafted_output *o;
    ps_node *tree;
    uint8_t root[32];
    uint64_t now_us;
} rig;

static inline ps_node *some_tree(uint64_t length)
{
    size_t n = ps_tree_nodes(length);
    ps_node *tree = malloc((n + 1) * sizeof *tree);
    for (size_t i = 0; i < n; i++) {
        memset(&tree[i], (int)(i % 251), sizeof *tree);
    }
    return tree;
}

static inline ps_status put(rig *r, ps_stream_input in, size_t *consumed)
{
    in.now_us = r->now_us;
    ps_status status = ps_upload_step(r->u, &in, consumed, &r->o->out);
    assert_int_equal(ps_upload_check(r->u), 0);
    return status;
}

/* All bytes, in one input of a block of exactly their size; the output gathers one step's worth. */
static inline void say(rig *r, const crafted *c)
{
    uint8_t *copy = exact_copy(c->bytes, c->len);
    for (size_t at = 0; at < c->len;) {
        ps_stream_input in = {.type = PS_STREAM_BYTES};
        size_t n;
        in.u.bytes = (ps_span){copy + at, c->len - at};
        crafted_output_reset(r->o);
        ps_status status = put(r, in, &n);
        assert_true(status == PS_OK || status == PS_MORE);
        assert_true(n > 0);
        at += n;
        if (crafted_failure(r->o)) {
            assert_int_equal(at, c->len);
        }
    }
    free(copy);
}

static inline ps_status plain(rig *r, ps_stream_input_type type)
{
    size_t n;
    crafted_output_reset(r->o);
    return put(r, (ps_stream_input){.type = type}, &n);
}

static inline ps_status answer(rig *r, uint32_t error, const ps_node *tree)
{
    size_t n;
    ps_stream_input in = {.type = PS_STREAM_OPENED};
    in.u.opened.error = error;
    in.u.opened.tree = tree;
    crafted_output_reset(r->o);
    return put(r, in, &n);
}

static inline rig rig_of(uint32_t max_wants, uint32_t burst)
{
    rig r;
    static crafted_output output;
    memset(&r, 0, sizeof r);
    r.o = &output;
    ps_upload_config c;
    ps_upload_config_default(&c);
    c.crypto = ps_crypto_sodium();
    c.max_wants = max_wants;
    c.burst_bytes = burst;
    r.size = ps_upload_size(&c);
    r.now_us = START_US;
    r.tree = some_tree(LENGTH);
    memset(r.root, 7, sizeof r.root);
    assert_int_equal(ps_upload_init(malloc(r.size), r.size, &c, r.now_us, &r.u), PS_OK);
    return r;
}

static inline void rig_end(rig *r)
{
    free(r->u);
    free(r->tree);
}

static inline void hello(rig *r, uint64_t length)
{
    static crafted c;
    c.len = 0;
    craft_hello(&c, length, r->root);
    say(r, &c);
    assert_int_equal(r->o->out.events_len, 1);
    assert_int_equal(r->o->out.events[0].type, PS_STREAM_EVENT_OPEN);
    assert_int_equal(r->o->out.events[0].content.length, length);
    assert_memory_equal(r->o->out.events[0].content.root, r->root, 32);
    assert_int_equal(r->o->out.segments_len, 0);
}

static inline rig serving(uint32_t max_wants, uint32_t burst)
{
    rig r = rig_of(max_wants, burst);
    hello(&r, LENGTH);
    assert_int_equal(answer(&r, PS_E_NONE, r.tree), PS_OK);
    return r;
}

static inline void want(rig *r, uint8_t kind, uint32_t first, uint32_t count)
{
    static crafted c;
    c.len = 0;
    craft_want(&c, kind, first, count);
    say(r, &c);
}

#endif
