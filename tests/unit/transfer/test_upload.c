/* The uploader against downloaders written by hand: what it serves, refuses and cuts. */
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

static ps_node *some_tree(uint64_t length)
{
    size_t n = ps_tree_nodes(length);
    ps_node *tree = malloc((n + 1) * sizeof *tree);
    for (size_t i = 0; i < n; i++) {
        memset(&tree[i], (int)(i % 251), sizeof *tree);
    }
    return tree;
}

static ps_status put(rig *r, ps_stream_input in, size_t *consumed)
{
    in.now_us = r->now_us;
    ps_status status = ps_upload_step(r->u, &in, consumed, &r->o->out);
    assert_int_equal(ps_upload_check(r->u), 0);
    return status;
}

/* All bytes, in one input of a block of exactly their size; the output gathers one step's worth. */
static void say(rig *r, const crafted *c)
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

static ps_status plain(rig *r, ps_stream_input_type type)
{
    size_t n;
    crafted_output_reset(r->o);
    return put(r, (ps_stream_input){.type = type}, &n);
}

static ps_status answer(rig *r, uint32_t error, const ps_node *tree)
{
    size_t n;
    ps_stream_input in = {.type = PS_STREAM_OPENED};
    in.u.opened.error = error;
    in.u.opened.tree = tree;
    crafted_output_reset(r->o);
    return put(r, in, &n);
}

static rig rig_of(uint32_t max_wants, uint32_t burst)
{
    rig r;
    static crafted_output output;
    memset(&r, 0, sizeof r);
    r.o = &output;
    ps_upload_config c;
    ps_upload_config_default(&c);
    c.crypto = ps_crypto_openssl();
    c.max_wants = max_wants;
    c.burst_bytes = burst;
    r.size = ps_upload_size(&c);
    r.now_us = START_US;
    r.tree = some_tree(LENGTH);
    memset(r.root, 7, sizeof r.root);
    assert_int_equal(ps_upload_init(malloc(r.size), r.size, &c, r.now_us, &r.u), PS_OK);
    return r;
}

static void rig_end(rig *r)
{
    free(r->u);
    free(r->tree);
}

static void hello(rig *r, uint64_t length)
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

static rig serving(uint32_t max_wants, uint32_t burst)
{
    rig r = rig_of(max_wants, burst);
    hello(&r, LENGTH);
    assert_int_equal(answer(&r, PS_E_NONE, r.tree), PS_OK);
    return r;
}

static void want(rig *r, uint8_t kind, uint32_t first, uint32_t count)
{
    static crafted c;
    c.len = 0;
    craft_want(&c, kind, first, count);
    say(r, &c);
}

static void configurations(void **unused)
{
    (void)unused;
    ps_upload_config good;
    ps_upload_config_default(&good);
    assert_int_equal(ps_upload_size(&good), 0);
    good.crypto = ps_crypto_openssl();
    assert_true(ps_upload_size(&good) > 0);
    assert_int_equal(ps_upload_size(NULL), 0);
    for (int i = 0; i < 7; i++) {
        ps_upload_config c = good;
        switch (i) {
        case 0:
            c.size--;
            break;
        case 1:
            c.idle_ms = 0;
            break;
        case 2:
            c.idle_ms = 86400001;
            break;
        case 3:
            c.max_wants = 0;
            break;
        case 4:
            c.max_wants = 4097;
            break;
        case 5:
            c.burst_bytes = 16383;
            break;
        default:
            c.burst_bytes = (1u << 30) + 1;
            break;
        }
        assert_int_equal(ps_upload_size(&c), 0);
    }
    static uint64_t memory[4096];
    ps_upload *u;
    uint8_t *m = (uint8_t *)memory;
    while ((uintptr_t)m % 16 != 0) {
        m++;
    }
    size_t n = ps_upload_size(&good);
    assert_int_equal(ps_upload_init(m, n - 1, &good, 0, &u), PS_INVALID);
    assert_int_equal(ps_upload_init(m + 8, n, &good, 0, &u), PS_INVALID);
    assert_int_equal(ps_upload_init(NULL, n, &good, 0, &u), PS_INVALID);
    assert_int_equal(ps_upload_init(m, n, &good, 0, NULL), PS_INVALID);
    assert_int_equal(ps_upload_init(m, n, &good, 0, &u), PS_OK);
}

/* The answer's bytes, one by one. */
static void welcome_and_data(void **unused)
{
    (void)unused;
    static const uint8_t welcome[] = {1, 0, 0, 0, 0, 0, 0, 8, 0, 1, 0, 64, 0, 16, 0, 0};
    /* 8 + (2^20 - 7) bytes from 2^30 on. */
    static const uint8_t data[] = {5, 0, 0, 0, 0, 16, 0, 1, 0, 0, 0, 0, 64, 0, 0, 0};
    rig r = serving(64, 1048576);
    assert_int_equal(r.o->out.segments_len, 1);
    assert_int_equal(r.o->out.bytes_len, sizeof welcome);
    assert_memory_equal(r.o->out.bytes, welcome, sizeof welcome);
    want(&r, 2, 1024, 1);
    assert_int_equal(r.o->out.segments_len, 2);
    assert_int_equal(r.o->out.bytes_len, sizeof data);
    assert_memory_equal(r.o->out.bytes, data, sizeof data);
    assert_true(r.o->out.segments[1].from_file);
    assert_int_equal(r.o->out.segments[1].offset, UINT64_C(1) << 30);
    assert_int_equal(r.o->out.segments[1].len, PS_PIECE_BYTES - 7);
    assert_int_equal(ps_upload_sent_bytes(r.u), PS_PIECE_BYTES - 7);
    rig_end(&r);
}

/* Hashes of every shape: as many nodes as exist, then the uncles, padding where none exist. */
static void hashes(void **unused)
{
    (void)unused;
    static const uint32_t shapes[][4] = {
        /* first, count, nodes, uncles */
        {0, 512, 512, 2}, {512, 512, 512, 2}, {1024, 512, 1, 2},
        {0, 1, 1, 11},    {1024, 1, 1, 11},   {4, 4, 4, 9},
    };
    rig r = serving(64, 1048576);
    for (size_t i = 0; i < 6; i++) {
        want(&r, 1, shapes[i][0], shapes[i][1]);
        const uint8_t *b = r.o->out.bytes;
        size_t body = 8 + (shapes[i][2] + shapes[i][3]) * 32;
        assert_int_equal(r.o->out.segments_len, 1);
        assert_int_equal(r.o->out.bytes_len, 8 + body);
        assert_int_equal(b[0], 4);
        assert_int_equal(b[6] * 256u + b[7], body);
        assert_memory_equal(b + 16, r.tree[shapes[i][0]].bytes, shapes[i][2] * 32);
        assert_int_equal(plain(&r, PS_STREAM_SENT), PS_OK);
    }
    /* The last piece's sibling does not exist: 64 leaves of zeros, whatever stands elsewhere. */
    char zeros[65];
    uint8_t node[64] = {0};
    const ps_crypto *c = ps_crypto_openssl();
    for (int level = 0; level < 6; level++) {
        ps_sha256 sha;
        c->sha256_init(&sha);
        c->sha256_update(&sha, node, 64);
        c->sha256_final(&sha, node);
        memcpy(node + 32, node, 32);
    }
    content_hex(node, 32, zeros);
    want(&r, 1, 1024, 1);
    char hex[65];
    content_hex(r.o->out.bytes + 16 + 32, 32, hex);
    assert_string_equal(hex, zeros);
    rig_end(&r);
}

/* What the uploader does not take, said to a machine that serves. */
static void hostile_while_serving(void **unused)
{
    (void)unused;
    static crafted c;
    for (int i = 0; i < 24; i++) {
        rig r = serving(4, 1048576);
        c.len = 0;
        switch (i) {
        case 0: /* a second HELLO */
            craft_hello(&c, LENGTH, r.root);
            memmove(c.bytes, c.bytes + 1, --c.len);
            break;
        case 1:
            craft_want(&c, 2, PIECES, 1);
            break;
        case 2:
            craft_want(&c, 2, 0, PIECES + 1);
            break;
        case 3:
            craft_want(&c, 2, PIECES - 1, 2);
            break;
        case 4:
            craft_want(&c, 2, 0, 0);
            break;
        case 5:
            craft_want(&c, 2, UINT32_MAX, 2);
            break;
        case 6:
            craft_want(&c, 0, 0, 1);
            break;
        case 7:
            craft_want(&c, 3, 0, 1);
            break;
        case 8:
            craft_want(&c, 1, 0, 0);
            break;
        case 9:
            craft_want(&c, 1, 0, 3);
            break;
        case 10:
            craft_want(&c, 1, 0, 1024);
            break;
        case 11:
            craft_want(&c, 1, 4, 8);
            break;
        case 12:
            craft_want(&c, 1, 1026, 2);
            break;
        case 13: /* frames of the uploader */
            craft_data(&c, 0, 1);
            break;
        case 14:
            craft_header(&c, 4, 40);
            break;
        case 15:
            craft_header(&c, 3, 11);
            break;
        case 16:
            craft_header(&c, 3, 13);
            break;
        case 17:
            craft_header(&c, 10, 1);
            break;
        case 18:
            craft_header(&c, 9, 3);
            break;
        case 19:
            craft_header(&c, 9, 101);
            break;
        case 20: /* an ERROR that is none */
            craft_error(&c, 0);
            break;
        case 21: /* flags */
            craft_want(&c, 2, 0, 1);
            c.bytes[1] = 1;
            break;
        case 22: /* reserved */
            craft_want(&c, 2, 0, 1);
            c.bytes[3] = 1;
            break;
        default: /* reserved in the body */
            craft_want(&c, 2, 0, 1);
            c.bytes[11] = 1;
            break;
        }
        craft_want(&c, 2, 0, 1); /* ignored: the first fault ended it */
        say(&r, &c);
        const ps_stream_event *f = crafted_failure(r.o);
        assert_non_null(f);
        assert_int_equal(f->error, PS_E_PROTOCOL);
        assert_false(f->remote);
        assert_true(crafted_tells(r.o, PS_E_PROTOCOL));
        assert_int_equal(ps_upload_sent_bytes(r.u), 0);
        /* Told once. */
        say(&r, &c);
        assert_int_equal(r.o->out.events_len + r.o->out.segments_len, 0);
        assert_int_equal(plain(&r, PS_STREAM_CLOSED), PS_OK);
        assert_int_equal(r.o->out.events_len, 0);
        rig_end(&r);
    }
}

/* Before OPENED nothing is served, and a WANT is a fault. */
static void before_opened(void **unused)
{
    (void)unused;
    static crafted c;
    for (int i = 0; i < 8; i++) {
        rig r = rig_of(4, 1048576);
        uint32_t expect = PS_E_PROTOCOL;
        c.len = 0;
        if (i >= 4) {
            hello(&r, LENGTH);
        }
        switch (i) {
        case 0: /* the first byte */
            craft_number(&c, 0x16, 1);
            break;
        case 1: /* an impossible content */
            craft_hello(&c, PS_FILE_MAX + 1, r.root);
            break;
        case 2:
            craft_hello(&c, 0, r.root);
            break;
        case 3: /* another version, whatever follows */
            craft_number(&c, 1, 1);
            craft_header(&c, 1, 3);
            craft_number(&c, 2, 2);
            craft_number(&c, 0, 1);
            expect = PS_E_UNSUPPORTED;
            break;
        case 4:
            craft_want(&c, 2, 0, 1);
            break;
        case 5:
            craft_header(&c, 10, 0);
            break;
        case 6:
            craft_hello(&c, LENGTH, r.root);
            memmove(c.bytes, c.bytes + 1, --c.len);
            break;
        default:
            craft_header(&c, 1, 257);
            break;
        }
        say(&r, &c);
        assert_non_null(crafted_failure(r.o));
        assert_int_equal(crafted_failure(r.o)->error, expect);
        assert_true(crafted_tells(r.o, expect));
        assert_int_equal(ps_upload_sent_bytes(r.u), 0);
        rig_end(&r);
    }
}

static void more_wants_than_told(void **unused)
{
    (void)unused;
    static crafted c;
    rig r = serving(4, 16384);
    c.len = 0;
    for (int i = 0; i < 4; i++) {
        craft_want(&c, 2, 0, 1);
    }
    say(&r, &c);
    assert_null(crafted_failure(r.o));
    want(&r, 2, 0, 1);
    assert_int_equal(crafted_failure(r.o)->error, PS_E_PROTOCOL);
    rig_end(&r);
}

/* A burst and not a byte more until SENT; TAKEN alone frees nothing. */
static void burst(void **unused)
{
    (void)unused;
    rig r = serving(4, 100000);
    want(&r, 2, 0, 1);
    assert_int_equal(ps_upload_sent_bytes(r.u), 98304);
    assert_int_equal(plain(&r, PS_STREAM_TICK), PS_OK);
    size_t n;
    ps_stream_input taken = {.type = PS_STREAM_TAKEN};
    taken.u.taken_bytes = 98304;
    crafted_output_reset(r.o);
    assert_int_equal(put(&r, taken, &n), PS_OK);
    assert_int_equal(ps_upload_sent_bytes(r.u), 98304);
    for (uint64_t sent = 98304; sent < PS_PIECE_BYTES;) {
        assert_int_equal(plain(&r, PS_STREAM_SENT), PS_OK);
        sent = sent + 98304 < PS_PIECE_BYTES ? sent + 98304 : PS_PIECE_BYTES;
        assert_int_equal(ps_upload_sent_bytes(r.u), sent);
    }
    assert_int_equal(plain(&r, PS_STREAM_SENT), PS_OK);
    assert_int_equal(ps_upload_sent_bytes(r.u), PS_PIECE_BYTES);
    rig_end(&r);
}

static void ends(void **unused)
{
    (void)unused;
    static crafted c;
    rig r = serving(4, 1048576);
    c.len = 0;
    craft_header(&c, 10, 0);
    say(&r, &c);
    assert_int_equal(r.o->out.events_len, 1);
    assert_int_equal(r.o->out.events[0].type, PS_STREAM_EVENT_DONE);
    rig_end(&r);
    /* BYE while answers wait is a fault. */
    r = serving(4, 16384);
    want(&r, 2, 0, 1);
    say(&r, &c);
    assert_int_equal(crafted_failure(r.o)->error, PS_E_PROTOCOL);
    rig_end(&r);
    /* The other side's ERROR is not answered. */
    r = serving(4, 1048576);
    c.len = 0;
    craft_error(&c, PS_E_CANCELLED);
    say(&r, &c);
    assert_int_equal(crafted_failure(r.o)->error, PS_E_CANCELLED);
    assert_true(crafted_failure(r.o)->remote);
    assert_int_equal(r.o->out.segments_len, 0);
    rig_end(&r);
    r = serving(4, 1048576);
    assert_int_equal(plain(&r, PS_STREAM_CANCEL), PS_OK);
    assert_int_equal(crafted_failure(r.o)->error, PS_E_CANCELLED);
    assert_true(crafted_tells(r.o, PS_E_CANCELLED));
    rig_end(&r);
    r = serving(4, 1048576);
    ps_stream_input cancel = {.type = PS_STREAM_CANCEL};
    cancel.u.cancel_error = PS_E_CHANGED;
    size_t n;
    crafted_output_reset(r.o);
    assert_int_equal(put(&r, cancel, &n), PS_OK);
    assert_int_equal(crafted_failure(r.o)->error, PS_E_CHANGED);
    assert_true(crafted_tells(r.o, PS_E_CHANGED));
    rig_end(&r);
    r = serving(4, 1048576);
    assert_int_equal(plain(&r, PS_STREAM_CLOSED), PS_OK);
    assert_int_equal(crafted_failure(r.o)->error, PS_E_CLOSED);
    assert_int_equal(r.o->out.segments_len, 0);
    rig_end(&r);
}

static void callers_bugs(void **unused)
{
    (void)unused;
    size_t n;
    rig r = rig_of(4, 1048576);
    assert_int_equal(answer(&r, PS_E_NONE, r.tree), PS_INVALID);
    assert_int_equal(answer(&r, PS_E_SLOTS, NULL), PS_INVALID);
    hello(&r, LENGTH);
    assert_int_equal(answer(&r, PS_E_NONE, NULL), PS_INVALID);
    assert_int_equal(answer(&r, 65536, NULL), PS_INVALID);
    assert_int_equal(answer(&r, PS_E_NONE, r.tree), PS_OK);
    assert_int_equal(answer(&r, PS_E_NONE, r.tree), PS_INVALID);
    assert_int_equal(put(&r, (ps_stream_input){.type = (ps_stream_input_type)99}, &n), PS_INVALID);
    ps_stream_input bytes = {.type = PS_STREAM_BYTES};
    bytes.u.bytes = (ps_span){NULL, 1};
    assert_int_equal(put(&r, bytes, &n), PS_INVALID);
    bytes.u.bytes = (ps_span){r.root, ((size_t)1 << 30) + 1};
    assert_int_equal(put(&r, bytes, &n), PS_INVALID);
    assert_int_equal(ps_upload_step(r.u, &bytes, &n, NULL), PS_INVALID);
    assert_int_equal(ps_upload_step(r.u, NULL, &n, &r.o->out), PS_INVALID);
    rig_end(&r);
}

static uint64_t time_of(rig *r)
{
    return ps_upload_deadline_us(r->u);
}

/* Bytes that dribble in are no progress; each stage has its end. */
static void deadlines(void **unused)
{
    (void)unused;
    static crafted c;
    rig r = rig_of(4, 32768);
    c.len = 0;
    craft_hello(&c, LENGTH, r.root);
    for (size_t i = 0; i < c.len - 1; i++) {
        static crafted one;
        one.len = 0;
        craft_fill(&one, c.bytes + i, 1);
        r.now_us += 500000;
        say(&r, &one);
        assert_int_equal(time_of(&r), START_US + IDLE_US);
    }
    r.now_us = START_US + IDLE_US - 1;
    assert_int_equal(plain(&r, PS_STREAM_TICK), PS_OK);
    assert_null(crafted_failure(r.o));
    r.now_us++;
    assert_int_equal(plain(&r, PS_STREAM_TICK), PS_OK);
    assert_int_equal(crafted_failure(r.o)->error, PS_E_STALLED);
    assert_true(crafted_tells(r.o, PS_E_STALLED));
    assert_true(time_of(&r) == PS_TIME_NEVER);
    rig_end(&r);

    r = rig_of(4, 32768);
    hello(&r, LENGTH);
    assert_true(time_of(&r) == PS_TIME_NEVER); /* the host's turn */
    r.now_us += 5 * IDLE_US;
    assert_int_equal(answer(&r, PS_E_NONE, r.tree), PS_OK);
    assert_int_equal(time_of(&r), r.now_us + IDLE_US);
    r.now_us += 10;
    want(&r, 2, 0, 1);
    uint64_t since = r.now_us;
    r.now_us += 10;
    want(&r, 2, 1, 1); /* asking for more is no progress while an answer waits */
    assert_int_equal(time_of(&r), since + IDLE_US);
    ps_stream_input taken = {.type = PS_STREAM_TAKEN};
    size_t n;
    taken.u.taken_bytes = 16383;
    crafted_output_reset(r.o);
    assert_int_equal(put(&r, taken, &n), PS_OK);
    assert_int_equal(time_of(&r), since + IDLE_US);
    taken.u.taken_bytes = 1;
    crafted_output_reset(r.o);
    assert_int_equal(put(&r, taken, &n), PS_OK);
    assert_int_equal(time_of(&r), r.now_us + IDLE_US);
    r.now_us += 10;
    assert_int_equal(plain(&r, PS_STREAM_SENT), PS_OK);
    assert_int_equal(time_of(&r), r.now_us + IDLE_US);
    /* A late step grants a second, once. */
    r.now_us += 3 * IDLE_US;
    assert_int_equal(plain(&r, PS_STREAM_TICK), PS_OK);
    assert_null(crafted_failure(r.o));
    assert_int_equal(time_of(&r), r.now_us + 1000000);
    r.now_us += 4000000;
    assert_int_equal(plain(&r, PS_STREAM_TICK), PS_OK);
    assert_int_equal(crafted_failure(r.o)->error, PS_E_STALLED);
    rig_end(&r);
}

/* With less than a step's room nothing changes; with exactly it the step is done. */
static void shortage(void **unused)
{
    (void)unused;
    static crafted c;
    rig r = serving(4, 1048576);
    uint8_t *before = malloc(r.size);
    memcpy(before, r.u, r.size);
    c.len = 0;
    craft_want(&c, 1, 0, 512);
    ps_stream_input in = {.type = PS_STREAM_BYTES, .now_us = r.now_us + 5};
    in.u.bytes = (ps_span){c.bytes, c.len};
    size_t n;
    for (size_t room = 0; room < PS_STREAM_STEP_BYTES; room += room < 64 ? 1 : 389) {
        crafted_output_reset(r.o);
        r.o->out.bytes_cap = room;
        r.o->out.segments_cap -= room % 2;
        n = 1;
        assert_int_equal(ps_upload_step(r.u, &in, &n, &r.o->out), PS_AGAIN);
        assert_int_equal(n, 0);
        assert_memory_equal(before, r.u, r.size);
        assert_int_equal(r.o->out.bytes_len + r.o->out.segments_len + r.o->out.events_len, 0);
    }
    for (size_t room = 0; room < 64; room++) {
        crafted_output_reset(r.o);
        r.o->out.segments_cap = room;
        assert_int_equal(ps_upload_step(r.u, &in, &n, &r.o->out), PS_AGAIN);
        crafted_output_reset(r.o);
        r.o->out.events_cap = room;
        assert_int_equal(ps_upload_step(r.u, &in, &n, &r.o->out), PS_AGAIN);
        assert_memory_equal(before, r.u, r.size);
    }
    crafted_output_reset(r.o);
    assert_int_equal(ps_upload_step(r.u, &in, &n, &r.o->out), PS_OK);
    assert_int_equal(n, c.len);
    assert_int_equal(r.o->out.segments_len, 1);
    free(before);
    rig_end(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(configurations), cmocka_unit_test(welcome_and_data),
        cmocka_unit_test(hashes),         cmocka_unit_test(hostile_while_serving),
        cmocka_unit_test(before_opened),  cmocka_unit_test(more_wants_than_told),
        cmocka_unit_test(burst),          cmocka_unit_test(ends),
        cmocka_unit_test(callers_bugs),   cmocka_unit_test(deadlines),
        cmocka_unit_test(shortage),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
