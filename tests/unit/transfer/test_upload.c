/* The uploader's life: configurations, ends, callers' bugs, clocks, shortages. */
#include "upload_rig.h"

static void configurations(void **unused)
{
    (void)unused;
    ps_upload_config good;
    ps_upload_config_default(&good);
    assert_int_equal(ps_upload_size(&good), 0);
    good.crypto = ps_crypto_sodium();
    assert_int_equal(ps_upload_size(&good), 0);
    const ps_file_keys keys = {.count = 0};
    good.keys = &keys;
    assert_int_equal(ps_upload_size(&good), 0); /* It is bound to nothing. */
    good.binding.plain = true;
    assert_int_equal(ps_upload_size(&good), 0);
    good.binding.plain = false;
    good.binding.bytes[31] = 1;
    assert_true(ps_upload_size(&good) > 0);
    assert_int_equal(ps_upload_size(NULL), 0);
    ps_crypto no_seals = *ps_crypto_sodium();
    no_seals.open = NULL; /* Whoever only hashes has none. */
    for (int i = 0; i < 9; i++) {
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
            c.max_wants = 15;
            break;
        case 4:
            c.max_wants = 4097;
            break;
        case 5:
            c.burst_bytes = 16383;
            break;
        case 6:
            c.burst_bytes = (1u << 30) + 1;
            break;
        case 7:
            c.keys = NULL;
            break;
        default:
            c.crypto = &no_seals;
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
    assert_int_equal(ps_upload_init(m + 4, n, &good, 0, &u), PS_INVALID);
    assert_int_equal(ps_upload_init(NULL, n, &good, 0, &u), PS_INVALID);
    assert_int_equal(ps_upload_init(m, n, &good, 0, NULL), PS_INVALID);
    ps_upload_config bad = good;
    bad.max_wants = 0;
    assert_int_equal(ps_upload_init(m, n, &bad, 0, &u), PS_INVALID);
    assert_int_equal(ps_upload_init(m, n, &good, 0, &u), PS_OK);
}

static void ends(void **unused)
{
    (void)unused;
    static crafted c;
    rig r = serving(16, 1048576);
    c.len = 0;
    craft_header(&c, 10, 0);
    say(&r, &c);
    assert_int_equal(r.o->out.events_len, 2);
    assert_int_equal(r.o->out.events[0].type, PS_STREAM_EVENT_FILE_END);
    assert_int_equal(r.o->out.events[0].file, 1);
    assert_int_equal(r.o->out.events[1].type, PS_STREAM_EVENT_DONE);
    rig_end(&r);
    /* What is handed out is sent before the file is done with. */
    r = serving(16, 2 * PS_PIECE_BYTES);
    want(&r, 2, 0, 1);
    say(&r, &c);
    assert_int_equal(r.o->out.events_len, 0);
    assert_int_equal(plain(&r, PS_STREAM_TICK), PS_OK);
    assert_int_equal(r.o->out.events_len, 0);
    assert_int_equal(plain(&r, PS_STREAM_SENT), PS_OK);
    assert_int_equal(r.o->out.events_len, 2);
    assert_int_equal(r.o->out.events[1].type, PS_STREAM_EVENT_DONE);
    rig_end(&r);
    /* Without a file. */
    r = rig_of(16, 16384);
    hello(&r);
    say(&r, &c);
    assert_int_equal(r.o->out.events_len, 1);
    assert_int_equal(r.o->out.events[0].type, PS_STREAM_EVENT_DONE);
    rig_end(&r);
    /* BYE while answers wait is a fault. */
    r = serving(16, 16384);
    want(&r, 2, 0, 1);
    say(&r, &c);
    assert_int_equal(crafted_failure(r.o)->error, PS_E_PROTOCOL);
    rig_end(&r);
    /* The other side's ERROR is not answered. */
    r = serving(16, 1048576);
    c.len = 0;
    craft_error(&c, PS_E_CANCELLED);
    say(&r, &c);
    assert_int_equal(crafted_failure(r.o)->error, PS_E_CANCELLED);
    assert_true(crafted_failure(r.o)->remote);
    assert_int_equal(r.o->out.segments_len, 0);
    rig_end(&r);
    r = serving(16, 1048576);
    assert_int_equal(plain(&r, PS_STREAM_CANCEL), PS_OK);
    assert_int_equal(crafted_failure(r.o)->error, PS_E_CANCELLED);
    assert_true(crafted_tells(r.o, PS_E_CANCELLED));
    rig_end(&r);
    r = serving(16, 1048576);
    ps_stream_input cancel = {.type = PS_STREAM_CANCEL};
    cancel.u.cancel_error = PS_E_CHANGED;
    size_t n;
    crafted_output_reset(r.o);
    assert_int_equal(put(&r, cancel, &n), PS_OK);
    assert_int_equal(crafted_failure(r.o)->error, PS_E_CHANGED);
    assert_true(crafted_tells(r.o, PS_E_CHANGED));
    rig_end(&r);
    r = serving(16, 1048576);
    assert_int_equal(plain(&r, PS_STREAM_CLOSED), PS_OK);
    assert_int_equal(crafted_failure(r.o)->error, PS_E_CLOSED);
    assert_int_equal(r.o->out.segments_len, 0);
    rig_end(&r);
}

static void callers_bugs(void **unused)
{
    (void)unused;
    size_t n;
    rig r = rig_of(16, 1048576);
    assert_int_equal(answer(&r, PS_E_NONE, r.tree), PS_INVALID);
    assert_int_equal(answer(&r, PS_E_SLOTS, NULL), PS_INVALID);
    hello(&r);
    open_file(&r);
    assert_int_equal(answer(&r, PS_E_NONE, NULL), PS_INVALID);
    assert_int_equal(answer(&r, 65536, NULL), PS_INVALID);
    assert_int_equal(answer(&r, PS_E_NONE, r.tree), PS_OK);
    assert_int_equal(answer(&r, PS_E_NONE, r.tree), PS_INVALID);
    static const int types[] = {0, PS_STREAM_FETCH, PS_STREAM_HASHED, PS_STREAM_FINISH, 99};
    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++) {
        ps_stream_input in = {.type = (ps_stream_input_type)types[i]};
        assert_int_equal(put(&r, in, &n), PS_INVALID);
    }
    ps_stream_input bytes = {.type = PS_STREAM_BYTES};
    bytes.u.bytes = (ps_span){NULL, 1};
    assert_int_equal(put(&r, bytes, &n), PS_INVALID);
    bytes.u.bytes = (ps_span){r.content.root, ((size_t)1 << 30) + 1};
    assert_int_equal(put(&r, bytes, &n), PS_INVALID);
    assert_int_equal(ps_upload_step(r.u, &bytes, &n, NULL), PS_INVALID);
    assert_int_equal(ps_upload_step(r.u, NULL, &n, &r.o->out), PS_INVALID);
    rig_end(&r);
    /* An answer that crosses the end is nobody's bug. */
    r = rig_of(16, 1048576);
    hello(&r);
    open_file(&r);
    assert_int_equal(plain(&r, PS_STREAM_CLOSED), PS_OK);
    assert_int_equal(answer(&r, PS_E_NONE, r.tree), PS_OK);
    assert_int_equal(r.o->out.events_len + r.o->out.segments_len, 0);
    rig_end(&r);
}

static uint64_t time_of(rig *r)
{
    return ps_upload_deadline_us(r->u);
}

/* While there is something to serve the next step is due now, in the host's clock: also after that
 * was set back. */
static void a_clock_that_is_set_back_does_not_stop_it(void **unused)
{
    (void)unused;
    static crafted c;
    rig r = rig_of(16, 32768);
    r.now_us += UINT64_C(7200000000);
    hello(&r);
    open_file(&r);
    assert_int_equal(answer(&r, PS_E_NONE, r.tree), PS_OK);
    c.len = 0;
    for (uint32_t k = 0; k < 3; k++) { /* One answer with hashes a step. */
        craft_want(&c, 1, k, 1);
    }
    say(&r, &c);
    assert_int_equal(time_of(&r), r.now_us);
    r.now_us -= UINT64_C(3600000000);
    assert_int_equal(plain(&r, PS_STREAM_TICK), PS_MORE);
    assert_int_equal(time_of(&r), r.now_us);
    assert_int_equal(plain(&r, PS_STREAM_TICK), PS_OK);
    assert_int_equal(time_of(&r), r.now_us + IDLE_US);
    rig_end(&r);
}

/* Bytes that dribble in are no progress; each stage has its end. */
static void deadlines(void **unused)
{
    (void)unused;
    static crafted c;
    rig r = rig_of(16, 32768);
    c.len = 0;
    craft_hello(&c, 0);
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

    r = rig_of(16, 32768);
    hello(&r);
    open_file(&r);
    assert_true(time_of(&r) == PS_TIME_NEVER); /* the host's turn */
    r.now_us += 5 * IDLE_US;
    assert_int_equal(answer(&r, PS_E_NONE, r.tree), PS_OK);
    const uint64_t since = r.now_us;
    assert_int_equal(time_of(&r), since + IDLE_US);
    r.now_us += 10;
    want(&r, 2, 0, 1); /* asking is no progress */
    r.now_us += 10;
    want(&r, 2, 1, 1);
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
    /* Each byte counts once: of 32768 another 16384 are left, however often they are told of. */
    const uint64_t again = r.now_us;
    r.now_us += 10;
    taken.u.taken_bytes = 16383;
    crafted_output_reset(r.o);
    assert_int_equal(put(&r, taken, &n), PS_OK);
    assert_int_equal(time_of(&r), again + IDLE_US);
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
    rig r = serving(16, 1048576);
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
        cmocka_unit_test(configurations),
        cmocka_unit_test(ends),
        cmocka_unit_test(callers_bugs),
        cmocka_unit_test(deadlines),
        cmocka_unit_test(a_clock_that_is_set_back_does_not_stop_it),
        cmocka_unit_test(shortage),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
