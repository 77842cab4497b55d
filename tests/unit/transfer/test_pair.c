/* Both machines against each other: every split, every length, many files, and every kind of damage
 * on the way. Each file arrives whole or ends with an error; nothing else happens. */
#include "../../vectors/bep52.h"
#include "link.h"

/* A file of which both ends and the tree are made at once. */
typedef struct made {
    uint8_t *bytes, *written;
    ps_node *tree;
    link_file file;
} made;

static made make(uint64_t length, uint32_t seed)
{
    made m = {.bytes = content_make(length, seed)};
    ps_content content = content_hash(m.bytes, length, 65536, &m.tree);
    m.file = link_file_of(m.bytes, content, m.tree, seed);
    m.file.written = m.written = malloc((size_t)length);
    memset(m.written, 0xee, (size_t)length);
    return m;
}

static void unmake(made *m)
{
    free(m->bytes);
    free(m->written);
    free(m->tree);
}

static void arrives(made *m, size_t split, bool plain, uint32_t burst, uint32_t window,
                    uint32_t wants)
{
    link_file f = m->file;
    link l = link_of(&f, 1, split);
    ps_upload_config uc;
    ps_download_config dc;
    ps_upload_config_default(&uc);
    ps_download_config_default(&dc);
    uc.burst_bytes = burst;
    uc.max_wants = wants;
    dc.window_bytes = window;
    l.plain = plain;
    memset(f.written, 0xee, (size_t)f.content.length);
    link_open(&l, uc, dc);
    link_run(&l);
    assert_true(l.down_done && l.up_done);
    assert_int_equal(l.ends, 2);
    assert_true(f.ended && f.source_ended);
    assert_int_equal(f.error, PS_E_NONE);
    assert_int_equal(f.received, f.content.length);
    assert_memory_equal(f.written, f.bytes, (size_t)f.content.length);
    assert_int_equal(f.verified, ps_piece_count(f.content.length));
    assert_int_equal(ps_upload_sent_bytes(l.up), f.content.length);
    assert_true(ps_upload_deadline_us(l.up) == PS_TIME_NEVER);
    assert_true(ps_download_deadline_us(l.down) == PS_TIME_NEVER);
    link_close(&l);
}

static void every_length_and_split(void **unused)
{
    (void)unused;
    static const size_t splits[] = {1, 7, 16384, SIZE_MAX};
#define LENGTH(length, seed, sha, root, count, layer) {length, seed},
    static const uint64_t lengths[][2] = {PS_BEP52_VECTORS(LENGTH)};
#undef LENGTH
    for (size_t i = 0; i < sizeof lengths / sizeof lengths[0]; i++) {
        made m = make(lengths[i][0], (uint32_t)lengths[i][1]);
        for (size_t s = 0; s < sizeof splits / sizeof splits[0]; s++) {
            /* Splits below a frame's header matter at each boundary, not in each of a million. */
            if ((lengths[i][0] > 65536 && splits[s] == 1) ||
                (lengths[i][0] > 1048577 && splits[s] == 7)) {
                continue;
            }
            arrives(&m, splits[s], false, 1048576, 8388608, 64);
            arrives(&m, splits[s], true, 1048576, 8388608, 64);
        }
        unmake(&m);
    }
}

static void every_window_and_burst(void **unused)
{
    (void)unused;
    static const uint32_t bursts[] = {16384, 100000, 1048576, 1u << 30};
    static const uint32_t windows[] = {1048576, 2 * 1048576, 256u * 1048576};
    static const uint32_t wants[] = {16, 17, 4096};
    made m = make(3145733, 5);
    for (size_t b = 0; b < 4; b++) {
        for (size_t w = 0; w < 3; w++) {
            for (size_t k = 0; k < 3; k++) {
                arrives(&m, 50000, (b + w + k) % 2 == 0, bursts[b], windows[w], wants[k]);
            }
        }
    }
    unmake(&m);
}

/* A hash of the length and the first 64 bytes: whole for nodes, and cheap for long files, also
 * under valgrind. The machines take any ps_crypto. */
typedef struct cheap_state {
    uint64_t words[8];
    uint64_t length;
} cheap_state;

static void cheap_init(ps_sha256 *state)
{
    memset(state, 0, sizeof *state);
}

static void cheap_update(ps_sha256 *state, const void *data, size_t len)
{
    cheap_state *s = (cheap_state *)(void *)state;
    if (s->length < sizeof s->words) {
        size_t room = sizeof s->words - (size_t)s->length;
        memcpy((uint8_t *)s->words + s->length, data, len < room ? len : room);
    }
    s->length += len;
}

static void cheap_final(ps_sha256 *state, uint8_t digest[32])
{
    const cheap_state *s = (const cheap_state *)(void *)state;
    uint64_t h = s->length;
    for (int lane = 0; lane < 4; lane++) {
        for (int i = 0; i < 8; i++) {
            h = (h ^ s->words[i]) * UINT64_C(0x9e3779b97f4a7c15);
            h ^= h >> 29;
        }
        memcpy(digest + (size_t)lane * 8, &h, 8);
    }
}

static ps_crypto cheap_crypto(void)
{
    ps_crypto c = *ps_crypto_sodium();
    c.kind = PS_CRYPTO_STAND_IN;
    c.sha256_init = cheap_init;
    c.sha256_update = cheap_update;
    c.sha256_final = cheap_final;
    return c;
}

/* More than one chunk of hashes, with proofs: a file of zeros, whose hashes need no file. `have`
 * leaves out all but every `every`th piece. */
static void many_chunks(uint64_t length, uint64_t flip_at, uint32_t every, uint32_t expect)
{
    const ps_crypto cheap = cheap_crypto();
    static uint8_t zeros[PS_PIECE_BYTES];
    static uint8_t have[256];
    ps_content content = {.length = length};
    ps_node *tree = malloc(ps_tree_nodes(length) * sizeof(ps_node));
    const uint32_t pieces = ps_piece_count(length);
    uint32_t wanted = 0;
    memset(have, 0, sizeof have);
    for (uint32_t i = 0; i < pieces; i++) {
        ps_piece_hash(&cheap, length, zeros, ps_piece_length(length, i), &tree[i]);
        have[i / 8] = (uint8_t)(have[i / 8] | (i % every != 0) << (i % 8));
        wanted += i % every == 0 ? 1 : 0;
    }
    ps_tree_root(&cheap, length, tree, content.root);
    ps_tree_build(&cheap, length, tree);
    link_file f = link_file_of(NULL, content, tree, 3);
    f.ticket = ticket_for(&cheap, LINK_UPLOADER, &content, 3);
    f.have = have;
    link l = link_of(&f, 1, 1048576);
    l.crypto = &cheap;
    l.flip_at = flip_at;
    link_open_default(&l);
    link_run(&l);
    assert_int_equal(l.down_error, expect);
    assert_int_equal(l.down_done, expect == PS_E_NONE);
    if (expect == PS_E_NONE) {
        assert_int_equal(f.verified, wanted);
    }
    link_close(&l);
    free(tree);
}

static void chunks_of_hashes(void **unused)
{
    (void)unused;
    many_chunks(512 * (uint64_t)PS_PIECE_BYTES, UINT64_MAX, 1, PS_E_NONE);
    many_chunks(512 * (uint64_t)PS_PIECE_BYTES + 1, UINT64_MAX, 1, PS_E_NONE);
    many_chunks(1025 * (uint64_t)PS_PIECE_BYTES - 5, UINT64_MAX, 1, PS_E_NONE);
    /* A chunk of which nothing is wanted is not asked for. */
    many_chunks(1025 * (uint64_t)PS_PIECE_BYTES - 5, UINT64_MAX, 1024, PS_E_NONE);
    many_chunks(1025 * (uint64_t)PS_PIECE_BYTES - 5, UINT64_MAX, 511, PS_E_NONE);
    /* In the first chunk's proof: its last node is the uncle. */
    many_chunks(513 * (uint64_t)PS_PIECE_BYTES - 5, 48 + 12 + 16 + 512 * 32 + 3, 1, PS_E_MISMATCH);
}

/* A flipped byte of the file at many places: told as MISMATCH, to the source too, and the piece is
 * named. */
static void damaged_payload(void **unused)
{
    (void)unused;
    static const uint64_t lengths[] = {1, 64, 16385, 1048576, 2097153};
    for (size_t i = 0; i < 5; i++) {
        made m = make(lengths[i], 9);
        for (uint64_t part = 0; part < 8; part++) {
            link_file f = m.file;
            link l = link_of(&f, 1, 10000);
            f.corrupt_offset = (lengths[i] - 1) * part / 7;
            l.plain = part % 2 == 0;
            link_open_default(&l);
            link_run(&l);
            assert_int_equal(l.down_error, PS_E_MISMATCH);
            assert_int_equal(l.bad_file, 1);
            assert_int_equal(l.bad_piece, f.corrupt_offset / PS_PIECE_BYTES);
            assert_false(l.down_remote);
            assert_int_equal(l.up_error, PS_E_MISMATCH);
            assert_true(l.up_remote);
            assert_int_equal(f.verified, f.corrupt_offset / PS_PIECE_BYTES);
            assert_false(l.down_done || l.up_done || f.ended);
            assert_int_equal(l.ends, 2);
            link_close(&l);
        }
        unmake(&m);
    }
}

/* Any byte of the stream that arrives flipped before the first payload: never DONE, never a crash.
 * Nodes are MISMATCH; headers and fields are PROTOCOL, a stall, or an error of the source. */
static void damaged_frames(void **unused)
{
    (void)unused;
    made m = make(2097153, 3);
    const uint64_t opened = 48;
    const uint64_t nodes = opened + 12 + 16;
    for (uint64_t at = 0; at < nodes + 3 * 32 + 16; at++) {
        for (int plain = 0; plain < 2; plain++) {
            link_file f = m.file;
            link l = link_of(&f, 1, 64);
            l.flip_at = at;
            l.plain = plain != 0;
            link_open_default(&l);
            link_run(&l);
            /* A raised or lowered max_wants is no harm, nor a nonce where nothing is bound to it.
             */
            const bool nonce = at >= 16 && at < 48;
            const bool harmless = at == 10 || at == 11 || (nonce && !l.plain);
            const bool refused = nonce && l.plain;
            /* Where it seems refused, what is sent of it comes too late or is a fault. */
            const bool seems_refused = at == opened + 8 || at == opened + 9;
            assert_true(seems_refused || l.down_done == (harmless || refused));
            assert_int_equal(f.ended && f.error == PS_E_NONE, harmless);
            if (nonce && l.plain) {
                assert_int_equal(f.error, PS_E_FILE_TICKET);
                assert_int_equal(l.asked_files, 0);
            }
            if (at >= nodes && at < nodes + 3 * 32) {
                assert_int_equal(l.down_error, PS_E_MISMATCH);
                assert_int_equal(f.received, 0);
            }
            link_close(&l);
        }
    }
    unmake(&m);
}

/* The stream ends after every number of bytes up to the payload, and within it. */
static void cut_streams(void **unused)
{
    (void)unused;
    const uint64_t length = 40000;
    made m = make(length, 4);
    for (uint64_t at = 0; at < 48 + 12 + 16 + length; at += at < 100 ? 1 : 997) {
        link_file f = m.file;
        link l = link_of(&f, 1, 1000);
        l.cut_at = at;
        l.plain = at % 2 == 0;
        link_open_default(&l);
        link_run(&l);
        assert_int_equal(l.down_error, PS_E_CLOSED);
        assert_false(l.down_done || l.down_remote || f.ended);
        assert_int_equal(f.verified, 0);
        link_close(&l);
    }
    unmake(&m);
}

/* The ticket is for what is asked for, but the source has other bytes or another tree. */
static void wrong_identity(void **unused)
{
    (void)unused;
    for (int kind = 0; kind < 3; kind++) {
        made m = make(3000000, 4);
        ps_content asked = m.file.content;
        if (kind == 0) {
            asked.root[31] ^= 1;
        } else {
            asked.length = kind == 1 ? 2999999 : 64;
        }
        link_file f = link_file_of(m.bytes, asked, m.tree, 1);
        f.written = m.written;
        link l = link_of(&f, 1, SIZE_MAX);
        link_open_default(&l);
        link_run(&l);
        assert_int_equal(l.down_error, PS_E_MISMATCH);
        assert_int_equal(l.up_error, PS_E_MISMATCH);
        assert_int_equal(f.verified, kind == 1 ? 2 : 0);
        link_close(&l);
        unmake(&m);
    }
}

/* Many small files over one stream, some of them refused by the host or by their ticket. */
static void many_files(uint32_t count, bool plain, bool shuffled, size_t split)
{
    static made m[200];
    static link_file files[200];
    for (uint32_t i = 0; i < count; i++) {
        m[i] = make(i % 11 == 5 ? 1048576 + i : 1 + (uint64_t)i * 97 % 5000, i + 1);
        files[i] = m[i].file;
        files[i].refuse = i % 7 == 3 ? (uint32_t)PS_E_NOT_PUBLISHED : (uint32_t)PS_E_NONE;
        if (i % 13 == 6) {
            files[i].ticket.bytes[files[i].ticket.len - 1] ^= 1;
        } else if (i % 13 == 9) {
            files[i].ticket.key[0] ^= 1; /* The MAC is wrong. */
        }
    }
    link l = link_of(files, count, split);
    l.plain = plain;
    l.shuffled = shuffled;
    l.random = test_random_of(count);
    link_open_default(&l);
    link_run(&l);
    assert_true(l.down_done && l.up_done);
    for (uint32_t i = 0; i < count; i++) {
        const link_file *f = &files[i];
        const bool bad = i % 13 == 6 || i % 13 == 9;
        const uint32_t expect = bad ? (uint32_t)PS_E_FILE_TICKET : f->refuse;
        assert_true(f->ended);
        assert_int_equal(f->error, expect);
        assert_int_equal(f->remote, expect != PS_E_NONE);
        assert_int_equal(f->opened, !bad);
        assert_int_equal(f->source_ended, expect == PS_E_NONE);
        assert_int_equal(f->received, expect == PS_E_NONE ? f->content.length : 0);
        if (expect == PS_E_NONE) {
            assert_memory_equal(f->written, f->bytes, (size_t)f->content.length);
        }
        unmake(&m[i]);
    }
    link_close(&l);
}

static void pipelined_files(void **unused)
{
    (void)unused;
    static const uint32_t counts[] = {1, 2, 7, 8, 9, 16, 50, 200};
    for (size_t i = 0; i < sizeof counts / sizeof counts[0]; i++) {
        many_files(counts[i], i % 2 == 0, false, SIZE_MAX);
        many_files(counts[i], i % 2 == 1, true, 5000);
    }
    many_files(20, false, false, 1);
    many_files(20, true, true, 3);
}

/* Only what the downloader lacks is fetched, whichever pieces that is. */
static void resumed(void **unused)
{
    (void)unused;
    test_random r = test_random_of(99);
    made m = make(12 * (uint64_t)PS_PIECE_BYTES + 12345, 31);
    for (int round = 0; round < 40; round++) {
        uint8_t have[2];
        uint64_t missing = 0;
        uint32_t pieces = 0;
        test_random_bytes(&r, have, sizeof have);
        const uint32_t sure = (uint32_t)test_random_below(&r, 13);
        have[sure / 8] = (uint8_t)(have[sure / 8] & ~(1u << (sure % 8)));
        memset(m.written, 0, (size_t)m.file.content.length);
        for (uint32_t i = 0; i < 13; i++) {
            const uint32_t n = ps_piece_length(m.file.content.length, i);
            if ((have[i / 8] >> (i % 8) & 1) == 0) {
                missing += n;
                pieces++;
            } else {
                memcpy(m.written + (size_t)i * PS_PIECE_BYTES, m.bytes + (size_t)i * PS_PIECE_BYTES,
                       n);
            }
        }
        link_file f = m.file;
        f.have = exact_copy(have, sizeof have);
        link l = link_of(&f, 1, 300000);
        l.plain = round % 2 == 0;
        l.shuffled = round % 3 != 0;
        l.random = test_random_of((uint64_t)round);
        link_open_default(&l);
        link_run(&l);
        assert_true(l.down_done && l.up_done && f.ended);
        assert_int_equal(f.received, missing);
        assert_int_equal(f.verified, pieces);
        assert_memory_equal(f.written, f.bytes, (size_t)f.content.length);
        link_close(&l);
        free(f.have);
    }
    unmake(&m);
}

/* A kept connection: nothing to fetch for a while, then a file more. */
static void kept_connection(void **unused)
{
    (void)unused;
    made m[2] = {make(3000, 1), make(2000000, 2)};
    link_file files[2] = {m[0].file, m[1].file};
    link l = link_of(files, 1, 4096);
    l.finish = false;
    link_open_default(&l);
    link_run(&l);
    assert_true(files[0].ended && !l.down_done);
    assert_true(ps_download_deadline_us(l.down) == PS_TIME_NEVER);
    l.now_us += 29000000;
    l.count = 2;
    l.finish = true;
    link_run(&l);
    assert_true(l.down_done && l.up_done && files[1].ended);
    assert_memory_equal(files[1].written, files[1].bytes, 2000000);
    link_close(&l);
    unmake(&m[0]);
    unmake(&m[1]);
}

/* Nothing to fetch for so long that the uploader ends it: a plain end to both. */
static void kept_too_long(void **unused)
{
    (void)unused;
    made m = make(3000, 1);
    link_file f = m.file;
    link l = link_of(&f, 1, 4096);
    l.finish = false;
    link_open_default(&l);
    link_run(&l);
    assert_true(f.ended && f.source_ended);
    l.now_us += 30000000;
    link_run(&l);
    assert_int_equal(l.up_error, PS_E_STALLED);
    assert_true(l.down_done);
    assert_int_equal(l.down_error, PS_E_NONE);
    assert_int_equal(l.to_up.at, l.to_up.len);
    link_close(&l);
    unmake(&m);
}

static void refused(void **unused)
{
    (void)unused;
    static const uint32_t errors[] = {PS_E_NOT_PUBLISHED, PS_E_SLOTS, PS_E_CHANGED, 65535};
    for (size_t i = 0; i < 4; i++) {
        made m = make(10, 4);
        link_file f = m.file;
        link l = link_of(&f, 1, 5);
        f.refuse = errors[i];
        link_open_default(&l);
        link_run(&l);
        assert_int_equal(f.error, errors[i]);
        assert_true(f.remote && l.down_done && l.up_done);
        assert_int_equal(f.received, 0);
        assert_int_equal(l.ends, 2);
        link_close(&l);
        unmake(&m);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_length_and_split),
        cmocka_unit_test(every_window_and_burst),
        cmocka_unit_test(chunks_of_hashes),
        cmocka_unit_test(damaged_payload),
        cmocka_unit_test(damaged_frames),
        cmocka_unit_test(cut_streams),
        cmocka_unit_test(wrong_identity),
        cmocka_unit_test(pipelined_files),
        cmocka_unit_test(resumed),
        cmocka_unit_test(kept_connection),
        cmocka_unit_test(kept_too_long),
        cmocka_unit_test(refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
