/* The downloader against uploaders written by hand: what it asks, believes, refuses and cuts. */
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

static ps_status put(rig *r, ps_stream_input in, size_t *consumed)
{
    in.now_us = r->now_us;
    ps_status status = ps_download_step(r->d, &in, consumed, &r->o->out);
    assert_int_equal(ps_download_check(r->d), 0);
    return status;
}

static void plain(rig *r, ps_stream_input_type type)
{
    size_t n;
    crafted_output_reset(r->o);
    assert_int_equal(put(r, (ps_stream_input){.type = type}, &n), PS_OK);
    assert_int_equal(n, 1);
}

/* Hears bytes; the output is that of the last step. */
static void hear(rig *r, const void *bytes, size_t len)
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

static void hear_crafted(rig *r, const crafted *c)
{
    hear(r, c->bytes, c->len);
}

static rig rig_of(uint64_t length, uint32_t window)
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
    c.crypto = ps_crypto_openssl();
    c.content = r.content;
    c.window_bytes = window;
    r.size = ps_download_size(&c);
    assert_int_equal(ps_download_init(malloc(r.size), r.size, &c, r.now_us, &r.d), PS_OK);
    assert_int_equal(ps_download_deadline_us(r.d), 0);
    return r;
}

static void rig_end(rig *r)
{
    free(r->d);
    free(r->file);
    free(r->tree);
}

/* A machine that has said HELLO and heard it. */
static rig running(uint64_t length, uint32_t window, uint32_t max_wants)
{
    static crafted c;
    rig r = rig_of(length, window);
    plain(&r, PS_STREAM_TICK);
    c.len = 0;
    craft_welcome(&c, max_wants);
    hear_crafted(&r, &c);
    return r;
}

static void craft_hashes(crafted *c, const rig *r, uint32_t first, uint32_t count, uint32_t nodes)
{
    craft_header(c, 4, 8 + nodes * 32);
    craft_number(c, first, 4);
    craft_number(c, count, 4);
    craft_fill(c, r->tree, nodes * sizeof(ps_node));
}

static void configurations(void **unused)
{
    (void)unused;
    ps_download_config good;
    ps_download_config_default(&good);
    assert_int_equal(ps_download_size(&good), 0);
    good.crypto = ps_crypto_openssl();
    assert_true(ps_download_size(&good) > 0);
    assert_true(ps_download_size(&good) < 20480);
    assert_int_equal(ps_download_size(NULL), 0);
    for (int i = 0; i < 7; i++) {
        ps_download_config c = good;
        switch (i) {
        case 0:
            c.size++;
            break;
        case 1:
            c.stall_ms = 0;
            break;
        case 2:
            c.stall_ms = 86400001;
            break;
        case 3:
            c.window_bytes = 0;
            break;
        case 4:
            c.window_bytes = (1u << 30) + 1;
            break;
        case 5:
            c.content.length = PS_FILE_MAX + 1;
            break;
        default:
            c.content.root[5] = 1;
            break;
        }
        assert_int_equal(ps_download_size(&c), 0);
    }
    /* The size does not depend on the file's length. */
    size_t n = ps_download_size(&good);
    good.content.length = PS_FILE_MAX;
    assert_int_equal(ps_download_size(&good), n);
    uint8_t *m = malloc(n + 16);
    ps_download *d;
    assert_int_equal(ps_download_init(m, n - 1, &good, 0, &d), PS_INVALID);
    assert_int_equal(ps_download_init(m + 8, n, &good, 0, &d), PS_INVALID);
    assert_int_equal(ps_download_init(NULL, n, &good, 0, &d), PS_INVALID);
    assert_int_equal(ps_download_init(m, n, &good, 0, NULL), PS_INVALID);
    assert_int_equal(ps_download_init(m, n, &good, 0, &d), PS_OK);
    free(m);
}

/* The first words and the questions, byte by byte. */
static void first_words(void **unused)
{
    (void)unused;
    static crafted c;
    rig r = rig_of(2500000, 2 * PS_PIECE_BYTES);
    plain(&r, PS_STREAM_TICK);
    c.len = 0;
    craft_hello(&c, 2500000, r.content.root);
    assert_int_equal(r.o->out.segments_len, 1);
    assert_int_equal(r.o->out.bytes_len, c.len);
    assert_memory_equal(r.o->out.bytes, c.bytes, c.len);
    plain(&r, PS_STREAM_TICK);
    assert_int_equal(r.o->out.bytes_len, 0);
    c.len = 0;
    craft_welcome(&c, 64);
    hear_crafted(&r, &c);
    c.len = 0;
    craft_want(&c, 1, 0, 4);
    craft_want(&c, 2, 0, 1);
    craft_want(&c, 2, 1, 1);
    assert_int_equal(r.o->out.bytes_len, c.len);
    assert_memory_equal(r.o->out.bytes, c.bytes, c.len);
    c.len = 0;
    craft_hashes(&c, &r, 0, 4, 3);
    craft_data(&c, 0, PS_PIECE_BYTES);
    hear_crafted(&r, &c);
    assert_int_equal(r.o->out.bytes_len, 0);
    hear(&r, r.file, PS_PIECE_BYTES);
    c.len = 0;
    craft_want(&c, 2, 2, 1);
    assert_int_equal(r.o->out.bytes_len, c.len);
    assert_memory_equal(r.o->out.bytes, c.bytes, c.len);
    assert_int_equal(r.o->out.events_len, 2);
    assert_int_equal(r.o->out.events[1].type, PS_STREAM_EVENT_PIECE);
    assert_int_equal(ps_download_verified_bytes(r.d), PS_PIECE_BYTES);
    rig_end(&r);
    /* One WANT at a time where the uploader admits no more. */
    r = running(2500000, 4 * PS_PIECE_BYTES, 1);
    assert_int_equal(r.o->out.bytes_len, 20);
    assert_int_equal(r.o->out.bytes[8], 1);
    rig_end(&r);
}

/* The payload's place is told before it comes, and while it comes. */
static void due(void **unused)
{
    (void)unused;
    static crafted c;
    uint64_t offset;
    uint64_t len;
    rig r = running(100, PS_PIECE_BYTES, 4);
    assert_false(ps_download_due(r.d, &offset, &len));
    c.len = 0;
    craft_data(&c, 0, 60);
    hear_crafted(&r, &c);
    assert_true(ps_download_due(r.d, &offset, &len));
    assert_int_equal(offset, 0);
    assert_int_equal(len, 60);
    hear(&r, r.file, 10);
    assert_true(ps_download_due(r.d, &offset, &len));
    assert_int_equal(offset, 10);
    assert_int_equal(len, 50);
    hear(&r, r.file + 10, 50);
    assert_false(ps_download_due(r.d, &offset, &len));
    c.len = 0;
    craft_data(&c, 60, 40);
    craft_fill(&c, r.file + 60, 40);
    hear_crafted(&r, &c);
    assert_int_equal(r.o->out.events_len, 3);
    assert_int_equal(r.o->out.events[2].type, PS_STREAM_EVENT_DONE);
    static const uint8_t bye[] = {10, 0, 0, 0, 0, 0, 0, 0};
    assert_int_equal(r.o->out.bytes_len, sizeof bye);
    assert_memory_equal(r.o->out.bytes, bye, sizeof bye);
    rig_end(&r);
}

static void fails(rig *r, const crafted *c, uint32_t expect)
{
    hear_crafted(r, c);
    assert_non_null(crafted_failure(r->o));
    assert_int_equal(crafted_failure(r->o)->error, expect);
    assert_false(crafted_failure(r->o)->remote);
    assert_true(crafted_tells(r->o, expect));
    assert_true(ps_download_deadline_us(r->d) == PS_TIME_NEVER);
    /* Told once. */
    hear_crafted(r, c);
    assert_int_equal(r->o->out.events_len + r->o->out.segments_len, 0);
    plain(r, PS_STREAM_CLOSED);
    assert_int_equal(r->o->out.events_len, 0);
}

/* In place of the uploader's HELLO. */
static void hostile_welcome(void **unused)
{
    (void)unused;
    static crafted c;
    for (int i = 0; i < 9; i++) {
        rig r = rig_of(2500000, PS_PIECE_BYTES);
        plain(&r, PS_STREAM_TICK);
        c.len = 0;
        craft_welcome(&c, 4);
        switch (i) {
        case 0:
            c.bytes[9] = 2; /* version */
            break;
        case 1:
            c.bytes[11] = 0; /* max_wants */
            break;
        case 2:
            c.bytes[13] = 32; /* piece_bytes */
            break;
        case 3:
            c.bytes[7] = 9; /* length */
            break;
        case 4:
            c.bytes[1] = 1; /* flags */
            break;
        case 5:
            c.len = 0;
            craft_data(&c, 0, 1);
            break;
        case 6:
            c.len = 0;
            craft_header(&c, 10, 0);
            break;
        case 7:
            c.len = 0;
            craft_error(&c, 0);
            break;
        default:
            c.len = 0;
            craft_header(&c, 9, 101);
            break;
        }
        fails(&r, &c, PS_E_PROTOCOL);
        rig_end(&r);
    }
}

/* To a machine that awaits HASHES 0 + 4 of three pieces, then DATA. */
static void hostile_answers(void **unused)
{
    (void)unused;
    static crafted c;
    for (int i = 0; i < 20; i++) {
        uint32_t expect = PS_E_PROTOCOL;
        rig r = running(2500000, PS_PIECE_BYTES, 4);
        c.len = 0;
        if (i >= 8) {
            craft_hashes(&c, &r, 0, 4, 3);
            hear_crafted(&r, &c);
            c.len = 0;
        }
        switch (i) {
        case 0: /* data before its hashes */
            craft_data(&c, 0, 1);
            break;
        case 1: /* too few nodes */
            craft_hashes(&c, &r, 0, 4, 2);
            break;
        case 2: /* too many */
            craft_hashes(&c, &r, 0, 4, 4);
            break;
        case 3:
            craft_hashes(&c, &r, 4, 4, 3);
            break;
        case 4:
            craft_hashes(&c, &r, 0, 2, 3);
            break;
        case 5: /* the right shape, another tree */
            craft_hashes(&c, &r, 0, 4, 3);
            c.bytes[16 + 32] ^= 1;
            expect = PS_E_MISMATCH;
            break;
        case 6:
            craft_welcome(&c, 4);
            break;
        case 7:
            craft_header(&c, 4, UINT32_MAX);
            break;
        case 8: /* not at the piece's start */
            craft_data(&c, 1, 10);
            break;
        case 9: /* another piece, which was not asked for */
            craft_data(&c, PS_PIECE_BYTES, 10);
            break;
        case 10: /* over the piece's end */
            craft_data(&c, 0, PS_PIECE_BYTES + 1);
            break;
        case 11: /* no payload */
            craft_data(&c, 0, 0);
            break;
        case 12:
            craft_header(&c, 5, 7);
            break;
        case 13: /* hashes once more */
            craft_hashes(&c, &r, 0, 4, 3);
            break;
        case 14:
            craft_welcome(&c, 4);
            break;
        case 15:
            craft_want(&c, 2, 0, 1);
            break;
        case 16:
            craft_header(&c, 10, 0);
            break;
        case 17:
            craft_header(&c, 0, 0);
            break;
        case 18: /* a gap between frames */
            craft_data(&c, 0, 10);
            craft_fill(&c, r.file, 10);
            craft_data(&c, 11, 10);
            break;
        default: /* over the end with the second frame */
            craft_data(&c, 0, 10);
            craft_fill(&c, r.file, 10);
            craft_data(&c, 10, PS_PIECE_BYTES - 9);
            break;
        }
        fails(&r, &c, expect);
        assert_int_equal(ps_download_verified_bytes(r.d), 0);
        rig_end(&r);
    }
}

/* The empty file needs no WANT; what comes after DONE is ignored. */
static void empty_and_after(void **unused)
{
    (void)unused;
    rig r = running(0, PS_PIECE_BYTES, 4);
    assert_int_equal(r.o->out.events_len, 1);
    assert_int_equal(r.o->out.events[0].type, PS_STREAM_EVENT_DONE);
    assert_int_equal(r.o->out.bytes_len, 8);
    hear(&r, "abcdefghijkl", 12);
    assert_int_equal(r.o->out.events_len, 0);
    rig_end(&r);
}

static void remote_errors(void **unused)
{
    (void)unused;
    static crafted c;
    for (int stage = 0; stage < 2; stage++) {
        for (uint32_t text = 0; text <= 96; text += 48) {
            rig r = stage == 0 ? rig_of(100, PS_PIECE_BYTES) : running(100, PS_PIECE_BYTES, 4);
            plain(&r, PS_STREAM_TICK);
            c.len = 0;
            craft_header(&c, 9, 4 + text);
            craft_number(&c, PS_E_SLOTS, 2);
            craft_number(&c, 0, 2);
            memset(c.bytes + c.len, 'x', text);
            c.len += text;
            hear_crafted(&r, &c);
            assert_int_equal(crafted_failure(r.o)->error, PS_E_SLOTS);
            assert_true(crafted_failure(r.o)->remote);
            assert_int_equal(r.o->out.segments_len, 0);
            rig_end(&r);
        }
    }
}

static void host_ends_it(void **unused)
{
    (void)unused;
    rig r = rig_of(100, PS_PIECE_BYTES);
    plain(&r, PS_STREAM_CANCEL); /* nothing was said yet: nobody to tell */
    assert_int_equal(crafted_failure(r.o)->error, PS_E_CANCELLED);
    assert_int_equal(r.o->out.segments_len, 0);
    plain(&r, PS_STREAM_CANCEL);
    assert_int_equal(r.o->out.events_len, 0);
    rig_end(&r);
    r = running(100, PS_PIECE_BYTES, 4);
    ps_stream_input cancel = {.type = PS_STREAM_CANCEL};
    cancel.u.cancel_error = PS_E_IO;
    size_t n;
    crafted_output_reset(r.o);
    assert_int_equal(put(&r, cancel, &n), PS_OK);
    assert_int_equal(crafted_failure(r.o)->error, PS_E_IO);
    assert_true(crafted_tells(r.o, PS_E_IO));
    rig_end(&r);
    r = running(100, PS_PIECE_BYTES, 4);
    plain(&r, PS_STREAM_CLOSED);
    assert_int_equal(crafted_failure(r.o)->error, PS_E_CLOSED);
    assert_int_equal(r.o->out.segments_len, 0);
    rig_end(&r);
}

static void callers_bugs(void **unused)
{
    (void)unused;
    size_t n;
    rig r = rig_of(100, PS_PIECE_BYTES);
    crafted_output_reset(r.o);
    ps_stream_input in = {.type = PS_STREAM_OPENED};
    assert_int_equal(put(&r, in, &n), PS_INVALID);
    in.type = (ps_stream_input_type)0;
    assert_int_equal(put(&r, in, &n), PS_INVALID);
    in.type = PS_STREAM_BYTES;
    in.u.bytes = (ps_span){NULL, 1};
    assert_int_equal(put(&r, in, &n), PS_INVALID);
    in.u.bytes = (ps_span){r.file, ((size_t)1 << 30) + 1};
    assert_int_equal(put(&r, in, &n), PS_INVALID);
    in.type = PS_STREAM_TICK;
    assert_int_equal(ps_download_step(NULL, &in, &n, &r.o->out), PS_INVALID);
    assert_int_equal(ps_download_step(r.d, &in, NULL, &r.o->out), PS_INVALID);
    assert_int_equal(ps_download_step(r.d, &in, &n, NULL), PS_INVALID);
    assert_int_equal(r.o->out.events_len + r.o->out.segments_len, 0);
    rig_end(&r);
}

/* Dribbling is no progress: not in frames of a byte, not in bytes of a frame. */
static void deadlines(void **unused)
{
    (void)unused;
    static crafted c;
    rig r = rig_of(100000, PS_PIECE_BYTES);
    r.now_us += 77;
    plain(&r, PS_STREAM_TICK);
    assert_int_equal(ps_download_deadline_us(r.d), r.now_us + STALL_US);
    r.now_us += 10;
    c.len = 0;
    craft_welcome(&c, 4);
    hear_crafted(&r, &c);
    uint64_t since = r.now_us;
    assert_int_equal(ps_download_deadline_us(r.d), since + STALL_US);
    for (uint32_t at = 0; at < 16383; at++) {
        r.now_us += 1000;
        c.len = 0;
        craft_data(&c, at, 1);
        craft_fill(&c, r.file + at, 1);
        hear_crafted(&r, &c);
    }
    assert_int_equal(ps_download_deadline_us(r.d), since + STALL_US);
    c.len = 0;
    craft_data(&c, 16383, 1);
    craft_fill(&c, r.file + 16383, 1);
    hear_crafted(&r, &c);
    assert_int_equal(ps_download_deadline_us(r.d), r.now_us + STALL_US);
    r.now_us += STALL_US - 1;
    plain(&r, PS_STREAM_TICK);
    assert_null(crafted_failure(r.o));
    r.now_us++;
    plain(&r, PS_STREAM_TICK);
    assert_int_equal(crafted_failure(r.o)->error, PS_E_STALLED);
    assert_true(crafted_tells(r.o, PS_E_STALLED));
    rig_end(&r);

    /* After a pause what waits in the socket counts first. */
    r = running(100000, PS_PIECE_BYTES, 4);
    r.now_us += 4 * STALL_US;
    plain(&r, PS_STREAM_TICK);
    assert_null(crafted_failure(r.o));
    r.now_us += 999999;
    c.len = 0;
    craft_data(&c, 0, 16384);
    craft_fill(&c, r.file, 16384);
    hear_crafted(&r, &c);
    assert_int_equal(ps_download_deadline_us(r.d), r.now_us + STALL_US);
    /* A clock that runs back changes nothing. */
    uint64_t deadline = ps_download_deadline_us(r.d);
    r.now_us = 0;
    plain(&r, PS_STREAM_TICK);
    assert_int_equal(ps_download_deadline_us(r.d), deadline);
    rig_end(&r);
}

static void shortage(void **unused)
{
    (void)unused;
    static crafted c;
    rig r = running(100, PS_PIECE_BYTES, 4);
    uint8_t *before = malloc(r.size);
    memcpy(before, r.d, r.size);
    c.len = 0;
    craft_data(&c, 0, 100);
    craft_fill(&c, r.file, 100);
    ps_stream_input in = {.type = PS_STREAM_BYTES, .now_us = r.now_us + 9};
    in.u.bytes = (ps_span){c.bytes, c.len};
    size_t n;
    for (size_t room = 0; room < PS_STREAM_STEP_BYTES; room += room < 200 ? 1 : 311) {
        crafted_output_reset(r.o);
        r.o->out.bytes_cap = room;
        n = 1;
        assert_int_equal(ps_download_step(r.d, &in, &n, &r.o->out), PS_AGAIN);
        assert_int_equal(n, 0);
        assert_memory_equal(before, r.d, r.size);
        assert_int_equal(r.o->out.bytes_len + r.o->out.segments_len + r.o->out.events_len, 0);
    }
    for (size_t room = 0; room < 64; room++) {
        crafted_output_reset(r.o);
        r.o->out.segments_cap = room;
        assert_int_equal(ps_download_step(r.d, &in, &n, &r.o->out), PS_AGAIN);
        crafted_output_reset(r.o);
        r.o->out.events_cap = room;
        assert_int_equal(ps_download_step(r.d, &in, &n, &r.o->out), PS_AGAIN);
        assert_memory_equal(before, r.d, r.size);
    }
    crafted_output_reset(r.o);
    assert_int_equal(ps_download_step(r.d, &in, &n, &r.o->out), PS_OK);
    assert_int_equal(n, c.len);
    assert_int_equal(r.o->out.events_len, 3);
    free(before);
    rig_end(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(configurations),
        cmocka_unit_test(first_words),
        cmocka_unit_test(due),
        cmocka_unit_test(hostile_welcome),
        cmocka_unit_test(hostile_answers),

        cmocka_unit_test(empty_and_after),
        cmocka_unit_test(remote_errors),
        cmocka_unit_test(host_ends_it),
        cmocka_unit_test(callers_bugs),
        cmocka_unit_test(deadlines),
        cmocka_unit_test(shortage),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
