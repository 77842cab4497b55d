/* The downloader's life: configurations, what it asks, ends, callers' bugs, clocks, shortages. */
#include "download_rig.h"

static void configurations(void **unused)
{
    (void)unused;
    ps_download_config good;
    ps_download_config_default(&good);
    assert_int_equal(ps_download_size(&good), 0);
    good.crypto = ps_crypto_sodium();
    assert_int_equal(ps_download_size(&good), 0); /* It is bound to nothing. */
    good.binding.plain = true;
    assert_int_equal(ps_download_size(&good), 0);
    good.binding.plain = false;
    good.binding.bytes[31] = 1;
    assert_true(ps_download_size(&good) > 0);
    assert_true(ps_download_size(&good) < 36864);
    assert_int_equal(ps_download_size(NULL), 0);
    for (int i = 0; i < 5; i++) {
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
            c.window_bytes = PS_PIECE_BYTES - 1;
            break;
        default:
            c.window_bytes = (256u << 20) + 1;
            break;
        }
        assert_int_equal(ps_download_size(&c), 0);
    }
    size_t n = ps_download_size(&good);
    uint8_t *m = malloc(n + 16);
    ps_download *d;
    assert_int_equal(ps_download_init(m, n - 1, &good, 0, &d), PS_INVALID);
    assert_int_equal(ps_download_init(m + 4, n, &good, 0, &d), PS_INVALID);
    assert_int_equal(ps_download_init(NULL, n, &good, 0, &d), PS_INVALID);
    assert_int_equal(ps_download_init(m, n, &good, 0, NULL), PS_INVALID);
    ps_download_config bad = good;
    bad.window_bytes = 0;
    assert_int_equal(ps_download_init(m, n, &bad, 0, &d), PS_INVALID);
    assert_int_equal(ps_download_init(m, n, &good, 0, &d), PS_OK);
    free(m);
}

static void says(const rig *r, const crafted *c)
{
    assert_int_equal(r->o->out.segments_len, c->len > 0 ? 1 : 0);
    assert_int_equal(r->o->out.bytes_len, c->len);
    assert_memory_equal(r->o->out.bytes, c->bytes, c->len);
}

/* On TLS nothing is waited for: HELLO, OPEN and WANTs leave together. */
static void first_words(void **unused)
{
    (void)unused;
    static crafted c;
    uint8_t binding[32];
    memset(binding, BINDING, sizeof binding);
    rig r = rig_of(2500000, 2 * PS_PIECE_BYTES);
    assert_int_equal(fetch(&r, NULL), PS_OK);
    c.len = 0;
    craft_hello(&c, 0);
    craft_ticket(&c, &r.ticket, binding);
    craft_want(&c, 1, 0, 4);
    craft_want(&c, 2, 0, 1);
    craft_want(&c, 2, 1, 1);
    says(&r, &c);
    plain(&r, PS_STREAM_TICK);
    assert_int_equal(r.o->out.bytes_len, 0);
    c.len = 0;
    craft_welcome(&c, 64, 9);
    craft_opened(&c, 0);
    craft_hashes(&c, &r, 0, 4, 3);
    craft_data(&c, 0, PS_PIECE_BYTES);
    hear_crafted(&r, &c);
    assert_int_equal(r.o->out.bytes_len, 0);
    hear(&r, r.file, PS_PIECE_BYTES);
    assert_int_equal(r.o->out.bytes_len, 0); /* The window counts what is not verified. */
    assert_int_equal(event_at(&r, r.o->out.events_len - 1, PS_STREAM_EVENT_CHECK)->piece, 0);
    assert_int_equal(hashed(&r, 1, 0, true), PS_OK);
    c.len = 0;
    craft_want(&c, 2, 2, 1);
    says(&r, &c);
    (void)event_at(&r, 0, PS_STREAM_EVENT_PIECE);
    rig_end(&r);
}

/* On a plain stream OPEN needs the uploader's nonce. */
static void first_words_on_a_plain_stream(void **unused)
{
    (void)unused;
    static crafted c;
    const ps_crypto *crypto = ps_crypto_sodium();
    uint8_t bytes[14 + 64] = "peersync plain";
    uint8_t binding[32];
    memset(bytes + 14, BINDING, 32);
    memset(bytes + 46, 9, 32);
    ps_sha256 sha;
    crypto->sha256_init(&sha);
    crypto->sha256_update(&sha, bytes, sizeof bytes);
    crypto->sha256_final(&sha, binding);
    rig r = rig_bound(2500000, 2 * PS_PIECE_BYTES, true);
    assert_int_equal(fetch(&r, NULL), PS_OK);
    c.len = 0;
    craft_number(&c, 1, 1);
    craft_hello(&c, BINDING);
    says(&r, &c);
    c.len = 0;
    craft_welcome(&c, 64, 9);
    hear_crafted(&r, &c);
    c.len = 0;
    craft_ticket(&c, &r.ticket, binding);
    craft_want(&c, 1, 0, 4);
    craft_want(&c, 2, 0, 1);
    craft_want(&c, 2, 1, 1);
    says(&r, &c);
    rig_end(&r);
}

/* BYE when all files have ended, and not before the uploader's HELLO. */
static void finishes(void **unused)
{
    (void)unused;
    static crafted c;
    static crafted bye;
    bye.len = 0;
    craft_header(&bye, 10, 0);
    rig r = rig_of(100, PS_PIECE_BYTES);
    plain(&r, PS_STREAM_FINISH);
    assert_int_equal(r.o->out.events_len, 0);
    assert_int_equal(ps_download_deadline_us(r.d), r.now_us + STALL_US);
    c.len = 0;
    craft_welcome(&c, 64, 0);
    hear_crafted(&r, &c);
    says(&r, &bye);
    (void)event_at(&r, 0, PS_STREAM_EVENT_DONE);
    hear(&r, "abcdefghijkl", 12);
    assert_int_equal(r.o->out.events_len, 0);
    rig_end(&r);

    r = running(100, PS_PIECE_BYTES, 64);
    plain(&r, PS_STREAM_FINISH);
    plain(&r, PS_STREAM_FINISH);
    assert_int_equal(ps_download_room(r.d), 0);
    assert_int_equal(fetch(&r, NULL), PS_INVALID);
    c.len = 0;
    craft_data(&c, 0, 100);
    craft_fill(&c, r.file, 100);
    hear_crafted(&r, &c);
    assert_int_equal(r.o->out.bytes_len, 0);
    assert_int_equal(hashed(&r, 1, 0, true), PS_OK);
    (void)event_at(&r, 0, PS_STREAM_EVENT_PIECE);
    assert_int_equal(event_at(&r, 1, PS_STREAM_EVENT_FILE_END)->error, PS_E_NONE);
    (void)event_at(&r, 2, PS_STREAM_EVENT_DONE);
    says(&r, &bye);
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
    assert_int_equal(ps_download_room(r.d), 0);
    assert_int_equal(fetch(&r, NULL), PS_OK); /* It crossed the end. */
    assert_int_equal(r.o->out.events_len + r.o->out.segments_len, 0);
    rig_end(&r);
    r = running(100, PS_PIECE_BYTES, 16);
    ps_stream_input cancel = {.type = PS_STREAM_CANCEL};
    cancel.u.cancel_error = PS_E_IO;
    size_t n;
    crafted_output_reset(r.o);
    assert_int_equal(put(&r, cancel, &n), PS_OK);
    assert_int_equal(crafted_failure(r.o)->error, PS_E_IO);
    assert_true(crafted_tells(r.o, PS_E_IO));
    rig_end(&r);
    r = running(100, PS_PIECE_BYTES, 16);
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
    in.type = PS_STREAM_HASHED;
    in.u.hashed.file = 1;
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

/* What an uploader's host says is nothing to a downloader. */
static void an_uploaders_inputs(void **unused)
{
    (void)unused;
    rig r = running(100, PS_PIECE_BYTES, 16);
    const uint64_t deadline_us = ps_download_deadline_us(r.d);
    r.now_us++;
    plain(&r, PS_STREAM_SENT);
    plain(&r, PS_STREAM_TAKEN);
    assert_int_equal(r.o->out.events_len + r.o->out.segments_len, 0);
    assert_int_equal(ps_download_deadline_us(r.d), deadline_us);
    rig_end(&r);
}

/* Dribbling is no progress. */
static void deadlines(void **unused)
{
    (void)unused;
    static crafted c;
    rig r = rig_of(100000, PS_PIECE_BYTES);
    r.now_us += 77;
    plain(&r, PS_STREAM_TICK);
    assert_true(ps_download_deadline_us(r.d) == PS_TIME_NEVER); /* Nothing is fetched yet. */
    r.now_us += 5 * STALL_US;
    assert_int_equal(fetch(&r, NULL), PS_OK);
    assert_int_equal(ps_download_deadline_us(r.d), r.now_us + STALL_US);
    r.now_us += 10;
    c.len = 0;
    craft_welcome(&c, 16, 0);
    craft_opened(&c, 0);
    hear_crafted(&r, &c);
    uint64_t since = r.now_us;
    assert_int_equal(ps_download_deadline_us(r.d), since + STALL_US);
    c.len = 0;
    craft_data(&c, 0, 16384);
    hear_crafted(&r, &c);
    for (uint32_t at = 0; at < 16383; at++) {
        r.now_us += 1000;
        hear(&r, r.file + at, 1);
    }
    assert_int_equal(ps_download_deadline_us(r.d), since + STALL_US);
    hear(&r, r.file + 16383, 1);
    assert_int_equal(ps_download_deadline_us(r.d), r.now_us + STALL_US);
    r.now_us += STALL_US - 1;
    plain(&r, PS_STREAM_TICK);
    assert_null(crafted_failure(r.o));
    r.now_us++;
    plain(&r, PS_STREAM_TICK);
    assert_int_equal(crafted_failure(r.o)->error, PS_E_STALLED);
    assert_true(crafted_tells(r.o, PS_E_STALLED));
    rig_end(&r);
}

static void pauses(void **unused)
{
    (void)unused;
    static crafted c;
    /* While the host hashes, nobody is blamed; nor while no file is there. */
    rig r = running(100, PS_PIECE_BYTES, 16);
    c.len = 0;
    craft_data(&c, 0, 100);
    craft_fill(&c, r.file, 100);
    hear_crafted(&r, &c);
    assert_true(ps_download_deadline_us(r.d) == PS_TIME_NEVER);
    r.now_us += 9 * STALL_US;
    assert_int_equal(hashed(&r, 1, 0, true), PS_OK);
    assert_true(ps_download_deadline_us(r.d) == PS_TIME_NEVER);
    r.now_us += 9 * STALL_US;
    assert_int_equal(fetch(&r, NULL), PS_OK);
    assert_int_equal(ps_download_deadline_us(r.d), r.now_us + STALL_US);
    rig_end(&r);

    /* After a pause what waits in the socket counts first. */
    r = running(100000, PS_PIECE_BYTES, 16);
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
    rig r = running(100, PS_PIECE_BYTES, 16);
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
    assert_int_equal(r.o->out.events_len, 2);
    free(before);
    rig_end(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(configurations),
        cmocka_unit_test(first_words),
        cmocka_unit_test(first_words_on_a_plain_stream),
        cmocka_unit_test(finishes),
        cmocka_unit_test(host_ends_it),
        cmocka_unit_test(an_uploaders_inputs),
        cmocka_unit_test(callers_bugs),
        cmocka_unit_test(deadlines),
        cmocka_unit_test(pauses),
        cmocka_unit_test(shortage),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
