/* What is asked for: the pieces that lack, their hashes, and never more than window and uploader
 * admit. */
#include "download_rig.h"

#include "transfer/download_internal.h"

typedef struct asked {
    uint32_t wants[1024][3];
    size_t len;
} asked;

/* The WANTs of an output, behind `skip` bytes of other frames. */
static void read_wants(const rig *r, size_t skip, asked *a)
{
    const uint8_t *b = r->o->out.bytes;
    for (size_t at = skip; at < r->o->out.bytes_len; at += 20) {
        assert_int_equal(b[at], 3);
        uint32_t *w = a->wants[a->len++];
        w[0] = b[at + 8];
        w[1] = (uint32_t)b[at + 12] << 24 | (uint32_t)b[at + 13] << 16 | (uint32_t)b[at + 14] << 8 |
               b[at + 15];
        w[2] = (uint32_t)b[at + 18] << 8 | b[at + 19];
    }
}

/* A long file that nobody has: what is asked for needs no bytes of it. */
static rig long_file(uint64_t length, uint32_t window)
{
    rig r = rig_of(1, window);
    r.content.length = length;
    return r;
}

static size_t first_bytes(const rig *r)
{
    return 44 + 8 + 32 + r->ticket.len;
}

static void gaps(void **unused)
{
    (void)unused;
    static uint8_t have[256];
    static asked a;
    rig r = long_file(2000 * (uint64_t)PS_PIECE_BYTES, 256 * PS_PIECE_BYTES);
    memset(have, 0xff, sizeof have);
    have[0] = 0xfe;
    have[63] = 0x7f;  /* 511 */
    have[130] = 0xef; /* 1044 */
    have[249] = 0x7f; /* 1999, the last */
    assert_int_equal(fetch(&r, have), PS_OK);
    a.len = 0;
    read_wants(&r, first_bytes(&r), &a);
    static const uint32_t expect[][3] = {{1, 0, 512},  {2, 0, 1},      {2, 511, 1}, {1, 1024, 512},
                                         {2, 1044, 1}, {1, 1536, 512}, {2, 1999, 1}};
    assert_int_equal(a.len, sizeof expect / sizeof expect[0]);
    assert_memory_equal(a.wants, expect, sizeof expect);
    rig_end(&r);
}

/* Before the uploader's HELLO no more than every uploader takes, after it no more than this one. */
static void limits(void **unused)
{
    (void)unused;
    static crafted c;
    static asked a;
    static const uint32_t max_wants[] = {16, 17, 33, 300, 65535};
    for (size_t i = 0; i < 5; i++) {
        rig r = long_file(2000 * (uint64_t)PS_PIECE_BYTES, 256 * PS_PIECE_BYTES);
        assert_int_equal(fetch(&r, NULL), PS_OK);
        a.len = 0;
        read_wants(&r, first_bytes(&r), &a);
        assert_int_equal(a.len, PS_STREAM_WANTS_MIN);
        c.len = 0;
        craft_welcome(&c, max_wants[i], 0);
        hear_crafted(&r, &c);
        read_wants(&r, 0, &a);
        assert_int_equal(a.len, max_wants[i] < 257 ? max_wants[i] : 257);
        rig_end(&r);
    }
    /* A window of one piece is a piece at a time, of all files. */
    rig r = long_file(20 * (uint64_t)PS_PIECE_BYTES, PS_PIECE_BYTES);
    assert_int_equal(fetch(&r, NULL), PS_OK);
    a.len = 0;
    read_wants(&r, first_bytes(&r), &a);
    assert_int_equal(a.len, 2);
    assert_int_equal(fetch(&r, NULL), PS_OK);
    assert_int_equal(r.o->out.bytes_len, 0);
    rig_end(&r);
}

/* Where the next wanted piece lies far off, the look for it is divided among steps. */
static void a_long_look(void **unused)
{
    (void)unused;
    const uint32_t pieces = 1u << 20;
    uint8_t *have = malloc(pieces / 8);
    memset(have, 0xff, pieces / 8);
    have[pieces / 8 - 1] = 0x7f;
    rig r = long_file((uint64_t)pieces * PS_PIECE_BYTES, PS_PIECE_BYTES);
    uint32_t steps = 1;
    ps_status status = fetch(&r, have);
    for (; status == PS_MORE; steps++) {
        size_t n;
        assert_int_equal(ps_download_deadline_us(r.d), r.now_us);
        crafted_output_reset(r.o);
        status = put(&r, (ps_stream_input){.type = PS_STREAM_TICK}, &n);
    }
    assert_int_equal(status, PS_OK);
    assert_true(steps > 30 && steps < 40);
    static asked a;
    a.len = 0;
    read_wants(&r, first_bytes(&r) - 44, &a);
    assert_int_equal(a.len, 2);
    assert_int_equal(a.wants[1][1], pieces - 1);
    rig_end(&r);
    free(have);
}

/* Spare bits behind the last piece mean nothing, set or not. */
static void spare_bits(void **unused)
{
    (void)unused;
    static const uint8_t all[1] = {0xff};
    rig r = long_file(6 * (uint64_t)PS_PIECE_BYTES, PS_PIECE_BYTES);
    assert_int_equal(fetch(&r, all), PS_OK);
    assert_int_equal(event_at(&r, 0, PS_STREAM_EVENT_FILE_END)->file, 1);
    rig_end(&r);
}

/* The ring holds so many pieces, also when all but the first are verified long since: the host owes
 * that one's hash, and nothing more is asked for until it says it. */
static void a_ring_that_the_host_holds_up(void **unused)
{
    (void)unused;
    rig r = running(2, 2 * PS_PIECE_BYTES, 64);
    ps_download *d = r.d;
    ps_download_file *f = &d->files[0];
    const uint64_t pieces = PS_DOWNLOAD_PIECES + 3;
    /* As if the file were long, its first piece were with the host and the rest had been verified
     * as far as the ring reaches: a quarter of a gigabyte to send otherwise. */
    f->content.length = pieces * PS_PIECE_BYTES;
    f->pieces = (uint32_t)pieces;
    f->at = PS_DOWNLOAD_PIECES;
    f->chunk = 0;
    f->state = PS_FILE_OPEN;
    d->pieces[0].state = PS_PIECE_CHECKING;
    d->file_asking = 1;
    d->piece_due = d->piece_next = PS_DOWNLOAD_PIECES;
    d->asked_bytes = PS_PIECE_BYTES;
    d->wants = 0;
    d->stall.deadline_us = PS_TIME_NEVER;
    assert_int_equal(ps_download_check(d), 0);
    plain(&r, PS_STREAM_TICK);
    assert_int_equal(r.o->out.bytes_len, 0);
    size_t n;
    ps_stream_input in = {.type = PS_STREAM_HASHED};
    in.u.hashed.file = 1;
    in.u.hashed.hash = d->pieces[0].expect;
    crafted_output_reset(r.o);
    assert_int_equal(put(&r, in, &n), PS_OK);
    static asked a;
    a.len = 0;
    read_wants(&r, 0, &a);
    assert_int_equal(a.len, 2);
    assert_int_equal(a.wants[0][1], PS_DOWNLOAD_PIECES);
    rig_end(&r);
}

/* The last number that a file can have is never given away. */
static void the_last_file(void **unused)
{
    (void)unused;
    rig r = rig_of(5, PS_PIECE_BYTES);
    r.d->file_first = r.d->file_next = r.d->file_asking = UINT32_MAX - 1;
    assert_int_equal(ps_download_room(r.d), PS_DOWNLOAD_FILES);
    assert_int_equal(fetch(&r, NULL), PS_OK);
    assert_int_equal(ps_download_room(r.d), 0);
    assert_int_equal(fetch(&r, NULL), PS_INVALID);
    rig_end(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(gaps),
        cmocka_unit_test(limits),
        cmocka_unit_test(a_long_look),
        cmocka_unit_test(spare_bits),
        cmocka_unit_test(a_ring_that_the_host_holds_up),
        cmocka_unit_test(the_last_file),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
