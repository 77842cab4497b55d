/* What the uploader answers, byte by byte, and how much at a time. */
#include "upload_rig.h"

/* The answer's bytes, one by one. */
static void welcome_and_data(void **unused)
{
    (void)unused;
    static const uint8_t welcome[48] = {1, 0, 0, 0, 0, 0, 0, 40, 0, 1, 0, 64, 0, 16, 0, 0};
    static const uint8_t opened[] = {2, 0, 0, 0, 0, 0, 0, 4, 0, 0, 0, 0};
    /* 8 + (2^20 - 7) bytes from 2^30 on. */
    static const uint8_t data[] = {5, 0, 0, 0, 0, 16, 0, 1, 0, 0, 0, 0, 64, 0, 0, 0};
    rig r = rig_of(64, 1048576);
    hello(&r);
    assert_int_equal(r.o->out.bytes_len, sizeof welcome);
    assert_memory_equal(r.o->out.bytes, welcome, sizeof welcome);
    open_file(&r);
    assert_int_equal(answer(&r, PS_E_NONE, r.tree), PS_OK);
    assert_int_equal(r.o->out.segments_len, 1);
    assert_int_equal(r.o->out.bytes_len, sizeof opened);
    assert_memory_equal(r.o->out.bytes, opened, sizeof opened);
    want(&r, 2, 1024, 1);
    assert_int_equal(r.o->out.segments_len, 2);
    assert_int_equal(r.o->out.bytes_len, sizeof data);
    assert_memory_equal(r.o->out.bytes, data, sizeof data);
    assert_true(r.o->out.segments[1].from_file);
    assert_int_equal(r.o->out.segments[1].file, 1);
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
    for (size_t i = 0; i < 6; i++) {
        rig r = serving(64, 1048576);
        want(&r, 1, shapes[i][0], shapes[i][1]);
        const uint8_t *b = r.o->out.bytes;
        size_t body = 8 + (shapes[i][2] + shapes[i][3]) * 32;
        assert_int_equal(r.o->out.segments_len, 1);
        assert_int_equal(r.o->out.bytes_len, 8 + body);
        assert_int_equal(b[0], 4);
        assert_int_equal(b[6] * 256u + b[7], body);
        assert_memory_equal(b + 16, r.tree[shapes[i][0]].bytes, shapes[i][2] * 32);
        rig_end(&r);
    }
    /* The last piece's sibling does not exist: 64 leaves of zeros, whatever stands elsewhere. */
    char zeros[65];
    uint8_t node[64] = {0};
    const ps_crypto *c = ps_crypto_sodium();
    for (int level = 0; level < 6; level++) {
        ps_sha256 sha;
        c->sha256_init(&sha);
        c->sha256_update(&sha, node, 64);
        c->sha256_final(&sha, node);
        memcpy(node + 32, node, 32);
    }
    content_hex(node, 32, zeros);
    rig r = serving(64, 1048576);
    want(&r, 1, 1024, 1);
    char hex[65];
    content_hex(r.o->out.bytes + 16 + 32, 32, hex);
    assert_string_equal(hex, zeros);
    rig_end(&r);
}

/* A burst and not a byte more until SENT; TAKEN alone frees nothing. */
static void burst(void **unused)
{
    (void)unused;
    rig r = serving(16, 100000);
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(welcome_and_data),
        cmocka_unit_test(hashes),
        cmocka_unit_test(burst),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
