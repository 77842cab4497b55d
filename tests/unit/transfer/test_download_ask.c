/* What is asked for: the pieces that lack, their hashes, and never more than window and uploader
 * admit. */
#include "download_rig.h"

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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(gaps),
        cmocka_unit_test(limits),
        cmocka_unit_test(a_long_look),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
