/* What the downloader believes of an uploader, and what it does not. */
#include "download_rig.h"

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
    for (int i = 0; i < 11; i++) {
        uint32_t expect = PS_E_PROTOCOL;
        rig r = rig_of(2500000, PS_PIECE_BYTES);
        assert_int_equal(fetch(&r, NULL), PS_OK);
        c.len = 0;
        craft_welcome(&c, 16, 0);
        switch (i) {
        case 0:
            c.bytes[9] = 2; /* version */
            expect = PS_E_UNSUPPORTED;
            break;
        case 1:
            c.bytes[11] = 15; /* max_wants */
            break;
        case 9: /* another version, whatever follows */
            c.len = 0;
            craft_header(&c, 1, 2);
            craft_number(&c, 7, 2);
            expect = PS_E_UNSUPPORTED;
            break;
        case 10:
            c.len = 0;
            craft_opened(&c, 0);
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
        fails(&r, &c, expect);
        rig_end(&r);
    }
}

/* In place of OPENED. */
static void hostile_opened(void **unused)
{
    (void)unused;
    static crafted c;
    for (int i = 0; i < 6; i++) {
        rig r = rig_of(2500000, PS_PIECE_BYTES);
        assert_int_equal(fetch(&r, NULL), PS_OK);
        c.len = 0;
        craft_welcome(&c, 16, 0);
        hear_crafted(&r, &c);
        c.len = 0;
        switch (i) {
        case 0:
            craft_hashes(&c, &r, 0, 4, 3);
            break;
        case 1:
            craft_data(&c, 0, 1);
            break;
        case 2:
            craft_opened(&c, 0);
            c.bytes[10] = 1;
            break;
        case 3:
            craft_header(&c, 2, 5);
            break;
        case 4:
            craft_welcome(&c, 16, 0);
            break;
        default: /* twice */
            craft_opened(&c, 0);
            craft_opened(&c, 0);
            break;
        }
        fails(&r, &c, PS_E_PROTOCOL);
        rig_end(&r);
    }
}

/* To a machine that awaits HASHES 0 + 4 of three pieces. */
static void hostile_hashes(void **unused)
{
    (void)unused;
    static crafted c;
    for (int i = 0; i < 8; i++) {
        uint32_t expect = PS_E_PROTOCOL;
        rig r = running(2500000, PS_PIECE_BYTES, 16);
        c.len = 0;
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
            craft_welcome(&c, 16, 0);
            break;
        default:
            craft_header(&c, 4, UINT32_MAX);
            break;
        }
        fails(&r, &c, expect);
        rig_end(&r);
    }
}

/* To a machine that awaits DATA of its first piece. */
static void hostile_data(void **unused)
{
    (void)unused;
    static crafted c;
    for (int i = 0; i < 14; i++) {
        rig r = running(2500000, PS_PIECE_BYTES, 16);
        c.len = 0;
        craft_hashes(&c, &r, 0, 4, 3);
        hear_crafted(&r, &c);
        c.len = 0;
        switch (i) {
        case 0: /* not at the piece's start */
            craft_data(&c, 1, PS_LEAF_BYTES);
            break;
        case 1: /* another piece, which was not asked for */
            craft_data(&c, PS_PIECE_BYTES, PS_LEAF_BYTES);
            break;
        case 2: /* over the piece's end */
            craft_data(&c, 0, PS_PIECE_BYTES + 1);
            break;
        case 3: /* no payload */
            craft_data(&c, 0, 0);
            break;
        case 4:
            craft_header(&c, 5, 7);
            break;
        case 5: /* hashes once more */
            craft_hashes(&c, &r, 0, 4, 3);
            break;
        case 6:
            craft_welcome(&c, 16, 0);
            break;
        case 7:
            craft_want(&c, 2, 0, 1);
            break;
        case 8:
            craft_header(&c, 10, 0);
            break;
        case 9:
            craft_header(&c, 0, 0);
            break;
        case 10: /* a gap between frames */
            craft_data(&c, 0, PS_LEAF_BYTES);
            craft_fill(&c, r.file, PS_LEAF_BYTES);
            craft_data(&c, 2 * PS_LEAF_BYTES, PS_LEAF_BYTES);
            break;
        case 11: /* over the end with the second frame */
            craft_data(&c, 0, PS_LEAF_BYTES);
            craft_fill(&c, r.file, PS_LEAF_BYTES);
            craft_data(&c, PS_LEAF_BYTES, PS_PIECE_BYTES);
            break;
        case 12: /* neither whole leaves nor up to the piece's end */
            craft_data(&c, 0, 1);
            break;
        default:
            craft_data(&c, 0, PS_PIECE_BYTES - 1);
            break;
        }
        fails(&r, &c, PS_E_PROTOCOL);
        rig_end(&r);
    }
}

static void remote_errors(void **unused)
{
    (void)unused;
    static crafted c;
    for (int stage = 0; stage < 2; stage++) {
        for (uint32_t text = 0; text <= 96; text += 48) {
            rig r = stage == 0 ? rig_of(100, PS_PIECE_BYTES) : running(100, PS_PIECE_BYTES, 16);
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

/* Answers to nothing: no file was asked for. */
static void answers_to_nothing(void **unused)
{
    (void)unused;
    static crafted c;
    for (int i = 0; i < 3; i++) {
        rig r = rig_of(100, PS_PIECE_BYTES);
        plain(&r, PS_STREAM_TICK);
        c.len = 0;
        craft_welcome(&c, 16, 0);
        hear_crafted(&r, &c);
        c.len = 0;
        if (i == 0) {
            craft_opened(&c, 0);
        } else if (i == 1) {
            craft_header(&c, 4, 8 + 32);
        } else {
            craft_data(&c, 0, 100);
        }
        fails(&r, &c, PS_E_PROTOCOL);
        rig_end(&r);
    }
}

/* Before the uploader's HELLO nothing but that and an ERROR can come, and neither too short. */
static void before_welcome(void **unused)
{
    (void)unused;
    static crafted c;
    static const uint32_t headers[][2] = {{1, 1}, {1, 257}, {2, 4}, {4, 40},
                                          {5, 9}, {9, 3},   {10, 0}};
    for (size_t i = 0; i < sizeof headers / sizeof headers[0]; i++) {
        rig r = rig_of(100, PS_PIECE_BYTES);
        assert_int_equal(fetch(&r, NULL), PS_OK);
        c.len = 0;
        craft_header(&c, (uint8_t)headers[i][0], headers[i][1]);
        fails(&r, &c, PS_E_PROTOCOL);
        rig_end(&r);
    }
}

/* An uploader that was bored is at fault while it owes something, and before it has greeted. */
static void stalled_by_the_other_side(void **unused)
{
    (void)unused;
    static crafted c;
    c.len = 0;
    craft_error(&c, PS_E_STALLED);
    rig r = running(100, PS_PIECE_BYTES, 16);
    hear_crafted(&r, &c);
    assert_int_equal(crafted_failure(r.o)->error, PS_E_STALLED);
    assert_true(crafted_failure(r.o)->remote);
    rig_end(&r);
    r = rig_of(100, PS_PIECE_BYTES);
    plain(&r, PS_STREAM_TICK);
    hear_crafted(&r, &c);
    assert_int_equal(crafted_failure(r.o)->error, PS_E_STALLED);
    rig_end(&r);
}

/* What comes at once is read in bounded parts: the step says that more is due. */
static void many_frames_at_once(void **unused)
{
    (void)unused;
    static crafted c;
    rig r = rig_of(5, PS_DOWNLOAD_FILES * PS_PIECE_BYTES);
    c.len = 0;
    craft_welcome(&c, 64, 0);
    for (uint32_t i = 0; i < PS_DOWNLOAD_FILES; i++) {
        assert_int_equal(fetch(&r, NULL), PS_OK);
        craft_opened(&c, 0);
        craft_data(&c, 0, 5);
        craft_fill(&c, r.file, 5);
    }
    size_t n;
    ps_stream_input in = {.type = PS_STREAM_BYTES};
    in.u.bytes = (ps_span){c.bytes, c.len};
    crafted_output_reset(r.o);
    assert_int_equal(put(&r, in, &n), PS_MORE);
    assert_true(n > 0 && n < c.len);
    hear(&r, c.bytes + n, c.len - n);
    for (uint32_t i = 1; i <= PS_DOWNLOAD_FILES; i++) {
        assert_int_equal(hashed(&r, i, 0, true), PS_OK);
        assert_int_equal(event_at(&r, 1, PS_STREAM_EVENT_FILE_END)->file, i);
    }
    rig_end(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(hostile_welcome),     cmocka_unit_test(hostile_opened),
        cmocka_unit_test(hostile_hashes),      cmocka_unit_test(hostile_data),
        cmocka_unit_test(remote_errors),       cmocka_unit_test(answers_to_nothing),
        cmocka_unit_test(before_welcome),      cmocka_unit_test(stalled_by_the_other_side),
        cmocka_unit_test(many_frames_at_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
