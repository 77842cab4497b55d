/* Both machines against each other: every split, every length, and every kind of damage on the
 * way. The file arrives whole or the download ends with an error; nothing else happens. */
#include "../../vectors/bep52.h"
#include "link.h"

static ps_upload_config upload_config(void)
{
    ps_upload_config c;
    ps_upload_config_default(&c);
    return c;
}

static ps_download_config download_config(ps_content content)
{
    ps_download_config c;
    ps_download_config_default(&c);
    c.content = content;
    return c;
}

static void arrives(uint64_t length, uint32_t seed, size_t split, uint32_t burst, uint32_t window,
                    uint32_t wants)
{
    ps_node *tree;
    uint8_t *file = content_make(length, seed);
    ps_content content = content_hash(file, length, 65536, &tree);
    link l = link_of(file, content, tree, split);
    ps_upload_config uc = upload_config();
    ps_download_config dc = download_config(content);
    uc.burst_bytes = burst;
    uc.max_wants = wants;
    dc.window_bytes = window;
    l.written = malloc(length > 0 ? (size_t)length : 1);
    link_open(&l, uc, dc);
    link_run(&l);
    assert_true(l.down_done && l.up_done);
    assert_int_equal(l.ends, 2);
    assert_int_equal(l.written_bytes, length);
    assert_memory_equal(l.written, file, (size_t)length);
    assert_int_equal(l.pieces, ps_piece_count(length));
    assert_int_equal(ps_download_verified_bytes(l.down), length);
    assert_int_equal(ps_upload_sent_bytes(l.up), length);
    assert_true(ps_upload_deadline_us(l.up) == PS_TIME_NEVER);
    assert_true(ps_download_deadline_us(l.down) == PS_TIME_NEVER);
    link_close(&l);
    free(file);
    free(tree);
}

static void every_length_and_split(void **unused)
{
    (void)unused;
    static const size_t splits[] = {1, 7, 16384, SIZE_MAX};
#define LENGTH(length, seed, sha, root, count, layer) {length, seed},
    static const uint64_t lengths[][2] = {{0, 1}, PS_BEP52_VECTORS(LENGTH)};
#undef LENGTH
    for (size_t i = 0; i < sizeof lengths / sizeof lengths[0]; i++) {
        for (size_t s = 0; s < sizeof splits / sizeof splits[0]; s++) {
            /* Splits below a frame's header matter at each boundary, not in each of a million. */
            if ((lengths[i][0] > 65536 && splits[s] == 1) ||
                (lengths[i][0] > 1048577 && splits[s] == 7)) {
                continue;
            }
            arrives(lengths[i][0], (uint32_t)lengths[i][1], splits[s], 1048576, 4194304, 64);
        }
    }
}

static void every_window_and_burst(void **unused)
{
    (void)unused;
    static const uint32_t bursts[] = {16384, 100000, 1048576, 1u << 30};
    static const uint32_t windows[] = {1, 2 * 1048576, 1u << 30};
    static const uint32_t wants[] = {1, 2, 4096};
    for (size_t b = 0; b < 4; b++) {
        for (size_t w = 0; w < 3; w++) {
            for (size_t m = 0; m < 3; m++) {
                arrives(3145733, 5, 50000, bursts[b], windows[w], wants[m]);
            }
        }
    }
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

static const ps_crypto cheap = {.size = sizeof(ps_crypto),
                                .kind = PS_CRYPTO_STAND_IN,
                                .sha256_init = cheap_init,
                                .sha256_update = cheap_update,
                                .sha256_final = cheap_final};

/* More than one chunk of hashes, with proofs: a file of zeros, whose hashes need no file. */
static void many_chunks(uint64_t length, uint64_t flip_at, uint32_t expect)
{
    static uint8_t zeros[PS_PIECE_BYTES];
    ps_hasher h;
    ps_content content;
    ps_node *tree = malloc(ps_tree_nodes(length) * sizeof(ps_node));
    assert_int_equal(ps_hasher_init(&h, &cheap, length, tree), PS_OK);
    for (uint64_t at = 0; at < length;) {
        size_t n = length - at < sizeof zeros ? (size_t)(length - at) : sizeof zeros;
        assert_int_equal(ps_hasher_update(&h, zeros, n), PS_OK);
        at += n;
    }
    assert_int_equal(ps_hasher_final(&h, &content), PS_OK);
    link l = link_of(NULL, content, tree, 1048576);
    l.crypto = &cheap;
    l.flip_at = flip_at;
    link_open(&l, upload_config(), download_config(content));
    link_run(&l);
    assert_int_equal(l.down_error, expect);
    assert_int_equal(l.down_done, expect == PS_E_NONE);
    if (expect == PS_E_NONE) {
        assert_int_equal(l.pieces, ps_piece_count(length));
        assert_int_equal(l.written_bytes, length);
    }
    link_close(&l);
    free(tree);
}

static void chunks_of_hashes(void **unused)
{
    (void)unused;
    many_chunks(512 * (uint64_t)PS_PIECE_BYTES, UINT64_MAX, PS_E_NONE);
    many_chunks(512 * (uint64_t)PS_PIECE_BYTES + 1, UINT64_MAX, PS_E_NONE);
    many_chunks(1025 * (uint64_t)PS_PIECE_BYTES - 5, UINT64_MAX, PS_E_NONE);
    /* In the first chunk's proof: its last node is the uncle. */
    many_chunks(513 * (uint64_t)PS_PIECE_BYTES - 5, 16 + 16 + 512 * 32 + 3, PS_E_MISMATCH);
}

/* A flipped byte of the file at many places: told as MISMATCH, to the source too. */
static void damaged_payload(void **unused)
{
    (void)unused;
    static const uint64_t lengths[] = {1, 64, 16385, 1048576, 2097153};
    for (size_t i = 0; i < 5; i++) {
        ps_node *tree;
        uint8_t *file = content_make(lengths[i], 9);
        ps_content content = content_hash(file, lengths[i], 65536, &tree);
        for (uint64_t part = 0; part < 8; part++) {
            link l = link_of(file, content, tree, 10000);
            l.corrupt_offset = (lengths[i] - 1) * part / 7;
            link_open(&l, upload_config(), download_config(content));
            link_run(&l);
            assert_int_equal(l.down_error, PS_E_MISMATCH);
            assert_false(l.down_remote);
            assert_int_equal(l.up_error, PS_E_MISMATCH);
            assert_true(l.up_remote);
            assert_int_equal(l.pieces, l.corrupt_offset / PS_PIECE_BYTES);
            assert_false(l.down_done || l.up_done);
            assert_int_equal(l.ends, 2);
            link_close(&l);
        }
        free(file);
        free(tree);
    }
}

/* Any byte of the stream that arrives flipped before the first payload: never DONE, never a crash.
 * Nodes are MISMATCH; headers and fields are PROTOCOL, a stall, or an error of the source. */
static void damaged_frames(void **unused)
{
    (void)unused;
    const uint64_t length = 2097153;
    ps_node *tree;
    uint8_t *file = content_make(length, 3);
    ps_content content = content_hash(file, length, 65536, &tree);
    const uint64_t nodes = 16 + 16;
    for (uint64_t at = 0; at < nodes + 3 * 32 + 16; at++) {
        link l = link_of(file, content, tree, 64);
        l.flip_at = at;
        link_open(&l, upload_config(), download_config(content));
        link_run(&l);
        /* A raised or lowered max_wants is no harm. */
        const bool harmless = at == 10 || at == 11;
        assert_int_equal(l.down_done, harmless);
        if (at >= nodes && at < nodes + 3 * 32) {
            assert_int_equal(l.down_error, PS_E_MISMATCH);
            assert_int_equal(l.written_bytes, 0);
        } else if (!harmless) {
            assert_true(l.down_error == PS_E_PROTOCOL || l.down_error == PS_E_MISMATCH ||
                        l.down_error == PS_E_NONE);
        }
        link_close(&l);
    }
    free(file);
    free(tree);
}

/* The stream ends after every number of bytes up to the payload, and within it. */
static void cut_streams(void **unused)
{
    (void)unused;
    const uint64_t length = 40000;
    ps_node *tree;
    uint8_t *file = content_make(length, 4);
    ps_content content = content_hash(file, length, 65536, &tree);
    for (uint64_t at = 0; at < 16 + 16 + length; at += at < 100 ? 1 : 997) {
        link l = link_of(file, content, tree, 1000);
        l.cut_at = at;
        link_open(&l, upload_config(), download_config(content));
        link_run(&l);
        assert_int_equal(l.down_error, PS_E_CLOSED);
        assert_false(l.down_done || l.down_remote);
        assert_int_equal(l.pieces, 0);
        link_close(&l);
    }
    free(file);
    free(tree);
}

/* The source serves other bytes, another length or another tree than were asked for. */
static void wrong_identity(void **unused)
{
    (void)unused;
    const uint64_t length = 3000000;
    ps_node *tree;
    uint8_t *file = content_make(length, 4);
    ps_content content = content_hash(file, length, 65536, &tree);
    for (int kind = 0; kind < 3; kind++) {
        ps_content asked = content;
        if (kind == 0) {
            asked.root[31] ^= 1;
        } else {
            asked.length = kind == 1 ? length - 1 : 64;
        }
        link l = link_of(file, content, tree, SIZE_MAX);
        link_open(&l, upload_config(), download_config(asked));
        link_run(&l);
        assert_int_equal(l.down_error, PS_E_MISMATCH);
        assert_int_equal(l.up_error, PS_E_MISMATCH);
        assert_int_equal(l.pieces, kind == 1 ? 2 : 0);
        link_close(&l);
    }
    free(file);
    free(tree);
}

static void refused(void **unused)
{
    (void)unused;
    static const uint32_t errors[] = {PS_E_NOT_PUBLISHED, PS_E_SLOTS, PS_E_CHANGED, 65535};
    for (size_t i = 0; i < 4; i++) {
        ps_node *tree;
        uint8_t *file = content_make(10, 4);
        ps_content content = content_hash(file, 10, 65536, &tree);
        link l = link_of(file, content, NULL, 5);
        l.refuse = errors[i];
        link_open(&l, upload_config(), download_config(content));
        link_run(&l);
        assert_int_equal(l.down_error, errors[i]);
        assert_true(l.down_remote);
        assert_int_equal(l.up_error, errors[i]);
        assert_false(l.up_remote);
        assert_int_equal(l.written_bytes, 0);
        assert_int_equal(l.ends, 2);
        link_close(&l);
        free(file);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_length_and_split), cmocka_unit_test(every_window_and_burst),
        cmocka_unit_test(chunks_of_hashes),       cmocka_unit_test(damaged_payload),
        cmocka_unit_test(damaged_frames),         cmocka_unit_test(cut_streams),
        cmocka_unit_test(wrong_identity),         cmocka_unit_test(refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
