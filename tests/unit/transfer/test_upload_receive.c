/* What the uploader does not take, and when. */
#include "upload_rig.h"

#include "transfer/upload_internal.h"

/* One fault ends it, is told once, and nothing is read after it. */
static void refused_once(rig *r, crafted *c)
{
    craft_want(c, 2, 0, 1); /* ignored: the fault before it ended everything */
    say(r, c);
    const ps_stream_event *f = crafted_failure(r->o);
    assert_non_null(f);
    assert_int_equal(f->error, PS_E_PROTOCOL);
    assert_false(f->remote);
    assert_true(crafted_tells(r->o, PS_E_PROTOCOL));
    assert_int_equal(ps_upload_sent_bytes(r->u), 0);
    say(r, c);
    assert_int_equal(r->o->out.events_len + r->o->out.segments_len, 0);
    assert_int_equal(plain(r, PS_STREAM_CLOSED), PS_OK);
    assert_int_equal(r->o->out.events_len, 0);
    rig_end(r);
}

/* WANTs that the file does not have or that have no shape. */
static void hostile_wants(void **unused)
{
    (void)unused;
    static crafted c;
    static const uint32_t wants[][3] = {
        {2, PIECES, 1},     {2, 0, PIECES + 1}, {2, PIECES - 1, 2}, {2, 0, 0},
        {2, UINT32_MAX, 2}, {0, 0, 1},          {3, 0, 1},          {1, 0, 0},
        {1, 0, 3},          {1, 0, 1024},       {1, 4, 8},          {1, 1026, 2},
    };
    for (size_t i = 0; i < sizeof wants / sizeof wants[0]; i++) {
        rig r = serving(16, 1048576);
        c.len = 0;
        craft_want(&c, (uint8_t)wants[i][0], wants[i][1], wants[i][2]);
        refused_once(&r, &c);
    }
}

/* Frames that do not come from a downloader, or not now, or not so long. */
static void hostile_headers(void **unused)
{
    (void)unused;
    static crafted c;
    static const uint32_t headers[][2] = {
        {1, 36},  {5, 9}, {4, 40},         {3, 11}, {3, 13}, {10, 1},  {9, 3},
        {9, 101}, {0, 0}, {3, UINT32_MAX}, {2, 0},  {2, 32}, {2, 219}, {255, 12},
    };
    for (size_t i = 0; i < sizeof headers / sizeof headers[0]; i++) {
        rig r = serving(16, 1048576);
        c.len = 0;
        craft_header(&c, (uint8_t)headers[i][0], headers[i][1]);
        refused_once(&r, &c);
    }
}

/* Bytes that must be zero, one at a time, and an ERROR that is none. */
static void hostile_fields(void **unused)
{
    (void)unused;
    static crafted c;
    static const size_t zeros[] = {1, 2, 3, 9, 10, 11};
    for (size_t i = 0; i < sizeof zeros / sizeof zeros[0]; i++) {
        rig r = serving(16, 1048576);
        c.len = 0;
        craft_want(&c, 2, 0, 1);
        c.bytes[zeros[i]] = 1;
        refused_once(&r, &c);
    }
    rig r = serving(16, 1048576);
    c.len = 0;
    craft_error(&c, 0);
    refused_once(&r, &c);
}

/* Before OPENED nothing is served, and a WANT is a fault. */
static void before_opened(void **unused)
{
    (void)unused;
    static crafted c;
    for (int i = 0; i < 11; i++) {
        rig r = rig_bound(16, 1048576, i == 0);
        uint32_t expect = PS_E_PROTOCOL;
        c.len = 0;
        if (i >= 7) {
            hello(&r);
        }
        switch (i) {
        case 0: /* the first byte */
            craft_number(&c, 0x16, 1);
            break;
        case 1: /* the reserved field */
            craft_hello(&c, 0);
            c.bytes[11] = 1;
            break;
        case 2:
            craft_header(&c, 1, 1);
            break;
        case 3: /* another version, whatever follows */
            craft_header(&c, 1, 3);
            craft_number(&c, 2, 2);
            craft_number(&c, 0, 1);
            expect = PS_E_UNSUPPORTED;
            break;
        case 4:
            craft_header(&c, 1, 257);
            break;
        case 5: /* a ticket before HELLO */
            craft_ticket(&c, &r.ticket, BINDING);
            break;
        case 6:
            craft_header(&c, 10, 0);
            break;
        case 7:
            craft_want(&c, 2, 0, 1);
            break;
        case 8:
            craft_hello(&c, 0);
            break;
        case 9:
            craft_header(&c, 2, 32);
            break;
        default:
            craft_opened(&c, 0);
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
    rig r = serving(16, 16384);
    c.len = 0;
    for (int i = 0; i < 16; i++) {
        craft_want(&c, 2, 0, 1);
    }
    say(&r, &c);
    assert_null(crafted_failure(r.o));
    want(&r, 2, 0, 1);
    assert_int_equal(crafted_failure(r.o)->error, PS_E_PROTOCOL);
    rig_end(&r);
}

/* Its file is of this length; OPENED has left. */
static rig serving_length(uint64_t length)
{
    rig r = rig_of(64, 2 * PS_PIECE_BYTES);
    r.content.length = length;
    r.ticket = ticket_for(ps_crypto_sodium(), UPLOADER, &r.content, 4);
    hello(&r);
    open_file(&r);
    assert_int_equal(answer(&r, PS_E_NONE, r.tree), PS_OK);
    assert_int_equal(plain(&r, PS_STREAM_SENT), PS_OK);
    return r;
}

/* One OPEN admits as many pieces' bytes as the file has, and as many hashes: not one more, the same
 * ones or others. */
static void one_pass(void **unused)
{
    (void)unused;
    for (uint8_t kind = 1; kind <= 2; kind++) {
        rig r = serving_length(3 * PS_PIECE_BYTES);
        for (int i = 0; i < 3; i++) {
            want(&r, kind, 0, 1);
            assert_null(crafted_failure(r.o));
        }
        want(&r, kind, 1, 1);
        assert_int_equal(crafted_failure(r.o)->error, PS_E_PROTOCOL);
        rig_end(&r);
    }
    /* Of a subtree only what exists is counted. */
    rig r = serving_length(3 * PS_PIECE_BYTES);
    want(&r, 1, 0, 4);
    assert_null(crafted_failure(r.o));
    want(&r, 1, 2, 1);
    assert_int_equal(crafted_failure(r.o)->error, PS_E_PROTOCOL);
    rig_end(&r);
}

/* All pieces were sent: the file has ended, and only another OPEN gives more of it. */
static void ends_when_all_is_sent(void **unused)
{
    (void)unused;
    rig r = serving_length(2 * PS_PIECE_BYTES);
    want(&r, 2, 0, 1);
    assert_int_equal(plain(&r, PS_STREAM_SENT), PS_OK);
    assert_int_equal(r.o->out.events_len, 0);
    want(&r, 2, 1, 1);
    assert_int_equal(r.o->out.events_len, 0);
    assert_int_equal(plain(&r, PS_STREAM_SENT), PS_OK);
    assert_int_equal(r.o->out.events_len, 1);
    assert_int_equal(r.o->out.events[0].type, PS_STREAM_EVENT_FILE_END);
    assert_int_equal(r.o->out.events[0].file, 1);
    open_file(&r);
    assert_int_equal(answer(&r, PS_E_NONE, r.tree), PS_OK);
    want(&r, 2, 0, 2);
    assert_int_equal(plain(&r, PS_STREAM_SENT), PS_OK);
    want(&r, 2, 0, 1);
    assert_int_equal(crafted_failure(r.o)->error, PS_E_PROTOCOL);
    rig_end(&r);
}

/* A slot is not held by the smallest questions, one shortly before each end of the time. */
static void asking_holds_no_slot(void **unused)
{
    (void)unused;
    for (uint8_t kind = 1; kind <= 2; kind++) {
        rig r = serving_length(UINT64_C(1024) * PS_PIECE_BYTES + 20);
        const uint64_t end_us = r.now_us + IDLE_US;
        r.now_us += IDLE_US - 1000000;
        want(&r, kind, 1024, 1);
        assert_int_equal(plain(&r, PS_STREAM_SENT), PS_OK);
        assert_int_equal(ps_upload_deadline_us(r.u), end_us);
        r.now_us = end_us;
        want(&r, kind, 1024, 1);
        assert_int_equal(crafted_failure(r.o)->error, PS_E_STALLED);
        rig_end(&r);
    }
}

/* An ERROR before HELLO is none. */
static void an_error_before_hello(void **unused)
{
    (void)unused;
    static crafted c;
    rig r = rig_of(16, 1048576);
    c.len = 0;
    craft_error(&c, PS_E_IO);
    refused_once(&r, &c);
}

/* Nobody opens four billion files on one stream. */
static void no_number_for_another_file(void **unused)
{
    (void)unused;
    static crafted c;
    rig r = serving(16, 1048576);
    r.u->file = UINT32_MAX;
    c.len = 0;
    craft_ticket(&c, &r.ticket, BINDING);
    refused_once(&r, &c);
}

static ps_stream_input all_at_once(const crafted *c)
{
    ps_stream_input in = {.type = PS_STREAM_BYTES};
    in.u.bytes = (ps_span){c->bytes, c->len};
    return in;
}

/* What comes at once is read and answered in bounded parts. */
static void many_wants_at_once(void **unused)
{
    (void)unused;
    static crafted c;
    size_t n;
    rig r = serving(64, 1u << 30);
    c.len = 0;
    for (uint32_t i = 0; i < 40; i++) {
        craft_want(&c, PS_WANT_DATA, i, 1);
    }
    crafted_output_reset(r.o);
    assert_int_equal(put(&r, all_at_once(&c), &n), PS_MORE);
    assert_int_equal(n, 32 * 20);
    uint32_t answers = (uint32_t)r.o->out.segments_len / 2;
    assert_int_equal(answers, 16);
    static crafted rest;
    rest.len = 0;
    craft_fill(&rest, c.bytes + n, c.len - n);
    say(&r, &rest);
    answers += (uint32_t)r.o->out.segments_len / 2;
    while (ps_upload_deadline_us(r.u) == r.now_us) {
        (void)plain(&r, PS_STREAM_TICK);
        answers += (uint32_t)r.o->out.segments_len / 2;
    }
    assert_int_equal(answers, 40);
    rig_end(&r);
}

/* Who asks for much at the last moment is cut all the same; the rest of it is not read. */
static void too_late_with_much(void **unused)
{
    (void)unused;
    static crafted c;
    size_t n;
    rig r = serving(64, PS_PIECE_BYTES);
    c.len = 0;
    for (uint32_t i = 0; i < 40; i++) {
        craft_want(&c, PS_WANT_DATA, i, 1);
    }
    r.now_us += IDLE_US;
    crafted_output_reset(r.o);
    assert_int_equal(put(&r, all_at_once(&c), &n), PS_MORE);
    assert_int_equal(crafted_failure(r.o)->error, PS_E_STALLED);
    assert_true(n < c.len);
    static crafted rest;
    rest.len = 0;
    craft_fill(&rest, c.bytes + n, c.len - n);
    say(&r, &rest);
    assert_int_equal(r.o->out.events_len + r.o->out.segments_len, 0);
    rig_end(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(hostile_wants),         cmocka_unit_test(hostile_headers),
        cmocka_unit_test(hostile_fields),        cmocka_unit_test(before_opened),
        cmocka_unit_test(more_wants_than_told),  cmocka_unit_test(one_pass),
        cmocka_unit_test(ends_when_all_is_sent), cmocka_unit_test(asking_holds_no_slot),
        cmocka_unit_test(an_error_before_hello), cmocka_unit_test(no_number_for_another_file),
        cmocka_unit_test(many_wants_at_once),    cmocka_unit_test(too_late_with_much),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
