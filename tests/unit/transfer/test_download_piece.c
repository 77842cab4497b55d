/* Payload: where it belongs, when a piece counts, what becomes of a wrong one. */
#include "download_rig.h"

/* The payload's place is told before it comes, and while it comes. */
static void due(void **unused)
{
    (void)unused;
    static crafted c;
    ps_download_place place;
    const uint32_t leaf = PS_LEAF_BYTES;
    rig r = running(PS_PIECE_BYTES + leaf + 40, 2 * PS_PIECE_BYTES, 16);
    assert_false(ps_download_due(r.d, &place));
    c.len = 0;
    craft_hashes(&c, &r, 0, 2, 2);
    craft_data(&c, 0, PS_PIECE_BYTES);
    hear_crafted(&r, &c);
    hear(&r, r.file, PS_PIECE_BYTES);
    c.len = 0;
    craft_data(&c, PS_PIECE_BYTES, leaf);
    hear_crafted(&r, &c);
    for (uint32_t at = 0; at < leaf; at += leaf / 4) {
        assert_true(ps_download_due(r.d, &place));
        assert_int_equal(place.file, 1);
        assert_int_equal(place.piece, 1);
        assert_int_equal(place.offset, PS_PIECE_BYTES + at);
        assert_int_equal(place.len, leaf - at);
        hear(&r, r.file + PS_PIECE_BYTES + at, leaf / 4);
        const ps_stream_event *e = event_at(&r, 0, PS_STREAM_EVENT_WRITE);
        assert_int_equal(e->file, 1);
        assert_int_equal(e->piece, 1);
        assert_int_equal(e->offset, PS_PIECE_BYTES + at);
        assert_int_equal(e->bytes.len, leaf / 4);
        assert_int_equal(r.o->out.events_len, 1);
    }
    assert_false(ps_download_due(r.d, &place));
    c.len = 0;
    craft_data(&c, PS_PIECE_BYTES + leaf, 40);
    craft_fill(&c, r.file + PS_PIECE_BYTES + leaf, 40);
    hear_crafted(&r, &c);
    assert_int_equal(r.o->out.events_len, 2);
    const ps_stream_event *check = event_at(&r, 1, PS_STREAM_EVENT_CHECK);
    assert_int_equal(check->file, 1);
    assert_int_equal(check->piece, 1);
    rig_end(&r);
}

/* A machine that has got four pieces, none of them hashed yet. */
static rig received(void)
{
    static crafted c;
    rig r = running(3 * PS_PIECE_BYTES + 5, 8 * PS_PIECE_BYTES, 16);
    c.len = 0;
    craft_hashes(&c, &r, 0, 4, 4);
    hear_crafted(&r, &c);
    for (uint32_t i = 0; i < 4; i++) {
        const uint32_t n = ps_piece_length(r.content.length, i);
        c.len = 0;
        craft_data(&c, (uint64_t)i * PS_PIECE_BYTES, n);
        hear_crafted(&r, &c);
        hear(&r, r.file + (size_t)i * PS_PIECE_BYTES, n);
        const ps_stream_event *check = event_at(&r, 1, PS_STREAM_EVENT_CHECK);
        assert_int_equal(check->piece, i);
        ps_node hash;
        ps_piece_hash(ps_crypto_sodium(), r.content.length, r.file + (size_t)i * PS_PIECE_BYTES, n,
                      &hash);
        assert_memory_equal(&check->hash, &hash, sizeof hash);
    }
    return r;
}

static void hashed_in_any_order(void **unused)
{
    (void)unused;
    static const uint32_t orders[][4] = {{0, 1, 2, 3}, {3, 2, 1, 0}, {2, 0, 3, 1}, {1, 3, 0, 2}};
    for (size_t k = 0; k < 4; k++) {
        rig r = received();
        for (size_t i = 0; i < 4; i++) {
            const uint32_t piece = orders[k][i];
            assert_int_equal(hashed(&r, 2, piece, true), PS_INVALID);
            assert_int_equal(hashed(&r, 1, piece, true), PS_OK);
            assert_int_equal(event_at(&r, 0, PS_STREAM_EVENT_PIECE)->piece, piece);
            assert_int_equal(r.o->out.events_len, i == 3 ? 2 : 1);
            if (i == 3) {
                const ps_stream_event *e = event_at(&r, 1, PS_STREAM_EVENT_FILE_END);
                assert_int_equal(e->error, PS_E_NONE);
                assert_false(e->remote);
            }
            assert_int_equal(hashed(&r, 1, piece, true), PS_INVALID);
        }
        assert_int_equal(ps_download_room(r.d), PS_DOWNLOAD_FILES);
        rig_end(&r);
    }
}

static void a_wrong_piece_is_named(void **unused)
{
    (void)unused;
    for (uint32_t wrong = 0; wrong < 4; wrong++) {
        rig r = received();
        assert_int_equal(hashed(&r, 1, wrong ^ 1, true), PS_OK);
        assert_int_equal(hashed(&r, 1, wrong, false), PS_OK);
        const ps_stream_event *e = event_at(&r, 0, PS_STREAM_EVENT_FAILED);
        assert_int_equal(e->error, PS_E_MISMATCH);
        assert_int_equal(e->file, 1);
        assert_int_equal(e->piece, wrong);
        assert_false(e->remote);
        assert_true(crafted_tells(r.o, PS_E_MISMATCH));
        /* Hashes that cross the end are nobody's bug. */
        assert_int_equal(hashed(&r, 1, wrong ^ 2, true), PS_OK);
        assert_int_equal(r.o->out.events_len, 0);
        rig_end(&r);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(due),
        cmocka_unit_test(hashed_in_any_order),
        cmocka_unit_test(a_wrong_piece_is_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
