/* The downloader's life: configurations, what it asks, ends, callers' bugs, clocks, shortages. */
#include "download_rig.h"

static void configurations(void **unused)
{
    (void)unused;
    ps_download_config good;
    ps_download_config_default(&good);
    assert_int_equal(ps_download_size(&good), 0);
    good.crypto = ps_crypto_sodium();
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
    /* A clock that runs back stands still; one that is set back goes on from there. */
    r.now_us -= 999999;
    plain(&r, PS_STREAM_TICK);
    assert_int_equal(ps_download_deadline_us(r.d), r.now_us + 999999 + STALL_US);
    r.now_us = 0;
    plain(&r, PS_STREAM_TICK);
    assert_int_equal(ps_download_deadline_us(r.d), STALL_US);
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
        cmocka_unit_test(configurations), cmocka_unit_test(first_words),
        cmocka_unit_test(host_ends_it),   cmocka_unit_test(callers_bugs),
        cmocka_unit_test(deadlines),      cmocka_unit_test(shortage),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
