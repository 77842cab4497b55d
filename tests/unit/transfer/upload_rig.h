/* An uploader's machine that hand-made downloaders speak to: what its tests share. */
#ifndef PS_TESTS_TRANSFER_UPLOAD_RIG_H
#define PS_TESTS_TRANSFER_UPLOAD_RIG_H

#include "crafted.h"

#define PIECES   1025u
#define LENGTH   ((uint64_t)PIECES * PS_PIECE_BYTES - 7)
#define IDLE_US  UINT64_C(30000000)
#define UPLOADER 0x41
#define BINDING  0x55
#define START_US UINT64_C(1000)

typedef struct rig {
    ps_upload *u;
    size_t size;
    crafted_output *o;
    ps_node *tree;
    ps_content content;
    test_ticket ticket;
    uint64_t now_us;
    uint64_t wall_s;
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
    in.wall_s = r->wall_s;
    ps_status status = ps_upload_step(r->u, &in, consumed, &r->o->out);
    assert_int_equal(ps_upload_check(r->u), 0);
    return status;
}

/* Bytes in a block of exactly their size; the output is that of the last step that took some.
 * @return how many were taken: not all, where it waits for its own side. */
static inline size_t tell(rig *r, const uint8_t *bytes, size_t len)
{
    uint8_t *copy = exact_copy(bytes, len);
    size_t at = 0;
    while (at < len) {
        ps_stream_input in = {.type = PS_STREAM_BYTES};
        size_t n;
        in.u.bytes = (ps_span){copy + at, len - at};
        crafted_output_reset(r->o);
        ps_status status = put(r, in, &n);
        assert_true(status == PS_OK || status == PS_MORE);
        at += n;
        if (crafted_failure(r->o)) {
            assert_int_equal(at, len);
        }
        if (status == PS_OK) {
            break;
        }
        assert_true(n > 0 || r->o->out.segments_len > 0);
    }
    free(copy);
    return at;
}

/* All of them. */
static inline void say(rig *r, const crafted *c)
{
    assert_int_equal(tell(r, c->bytes, c->len), c->len);
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

static inline rig rig_bound(uint32_t max_wants, uint32_t burst, bool plain_stream)
{
    rig r;
    static crafted_output output;
    static ps_file_keys keys;
    memset(&r, 0, sizeof r);
    r.o = &output;
    keys = ticket_keys(UPLOADER);
    ps_upload_config c;
    ps_upload_config_default(&c);
    c.crypto = ps_crypto_sodium();
    c.keys = &keys;
    c.binding.plain = plain_stream;
    memset(c.binding.bytes, BINDING, sizeof c.binding.bytes);
    c.max_wants = max_wants;
    c.burst_bytes = burst;
    r.size = ps_upload_size(&c);
    r.now_us = START_US;
    r.wall_s = TICKET_WALL_S;
    r.tree = some_tree(LENGTH);
    r.content.length = LENGTH;
    memset(r.content.root, 7, sizeof r.content.root);
    r.ticket = ticket_for(c.crypto, UPLOADER, &r.content, 1);
    assert_int_equal(ps_upload_init(malloc(r.size), r.size, &c, r.now_us, &r.u), PS_OK);
    return r;
}

static inline rig rig_of(uint32_t max_wants, uint32_t burst)
{
    return rig_bound(max_wants, burst, false);
}

static inline void rig_end(rig *r)
{
    free(r->u);
    free(r->tree);
}

static inline void craft_ticket(crafted *c, const test_ticket *t, uint8_t binding)
{
    uint8_t bound[32], mac[32];
    memset(bound, binding, sizeof bound);
    ps_open_mac(ps_crypto_sodium(), t->key, bound, (ps_span){t->bytes, t->len}, mac);
    craft_open(c, mac, t->bytes, t->len);
}

/* HELLO, answered. */
static inline void hello(rig *r)
{
    static crafted c;
    c.len = 0;
    craft_hello(&c, 0);
    say(r, &c);
    assert_int_equal(r->o->out.segments_len, 1);
    assert_int_equal(r->o->out.events_len, 0);
}

/* OPEN with the rig's ticket; the host's turn. */
static inline void open_file(rig *r)
{
    static crafted c;
    c.len = 0;
    craft_ticket(&c, &r->ticket, BINDING);
    say(r, &c);
    const ps_stream_output *out = &r->o->out;
    assert_true(out->events_len > 0);
    const ps_stream_event *e = &out->events[out->events_len - 1];
    assert_int_equal(e->type, PS_STREAM_EVENT_OPEN);
    assert_true(ps_content_equal(&e->content, &r->content));
    assert_int_equal(out->segments_len, 0);
}

static inline rig serving(uint32_t max_wants, uint32_t burst)
{
    rig r = rig_of(max_wants, burst);
    hello(&r);
    open_file(&r);
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
