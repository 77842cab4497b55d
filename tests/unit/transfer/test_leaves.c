/* The binary counter of leaves: a piece's root at every split and at the edges of its height, and
 * a machine's stall clock beside it. */
#include "unit.h"

#include "content.h"
#include "exact.h"
#include "transfer/leaves.h"
#include "transfer/stall.h"

/* The root over exactly 2^height leaves, the slow way. */
static ps_node slow_root(const uint8_t *bytes, size_t len, uint32_t height)
{
    static ps_node layer[64];
    const ps_crypto *c = ps_crypto_sodium();
    memset(layer, 0, sizeof layer);
    for (size_t at = 0, i = 0; at < len; at += PS_LEAF_BYTES, i++) {
        ps_sha256 sha;
        c->sha256_init(&sha);
        c->sha256_update(&sha, bytes + at, len - at < PS_LEAF_BYTES ? len - at : PS_LEAF_BYTES);
        c->sha256_final(&sha, layer[i].bytes);
    }
    for (uint32_t n = 1u << height; n > 1; n /= 2) {
        for (uint32_t i = 0; i < n / 2; i++) {
            ps_node_join(c, &layer[2 * i], &layer[2 * i + 1], &layer[i]);
        }
    }
    return layer[0];
}

static ps_node fast_root(const uint8_t *bytes, size_t len, uint32_t height, size_t split)
{
    ps_sha256 leaf;
    ps_node stack[PS_PIECE_LEVEL + 1];
    uint64_t complete = 0;
    uint64_t position = 0;
    ps_node root;
    ps_leaves l = {
        .crypto = ps_crypto_sodium(),
        .leaf = &leaf,
        .stack = stack,
        .complete = &complete,
        .position = &position,
    };
    for (size_t at = 0; at < len; at += split) {
        size_t n = len - at < split ? len - at : split;
        uint8_t *copy = exact_copy(bytes + at, n);
        ps_leaves_update(&l, copy, n);
        free(copy);
    }
    assert_int_equal(position, len);
    assert_int_equal(complete, len / PS_LEAF_BYTES);
    ps_leaves_root(&l, height, &root);
    return root;
}

static void every_count_of_leaves(void **unused)
{
    (void)unused;
    uint8_t *bytes = content_make(PS_PIECE_BYTES, 77);
    for (uint32_t leaves = 1; leaves <= 64; leaves++) {
        for (int edge = -1; edge <= 0; edge++) {
            size_t len = (size_t)leaves * PS_LEAF_BYTES + (size_t)(ptrdiff_t)edge;
            /* As a file of its own, and as a piece of a longer one. */
            const uint32_t heights[2] = {ps_log2_ceil(leaves), PS_PIECE_LEVEL};
            for (int i = 0; i < 2; i++) {
                ps_node expect = slow_root(bytes, len, heights[i]);
                ps_node root = fast_root(bytes, len, heights[i], 16000);
                assert_memory_equal(&root, &expect, sizeof root);
            }
        }
    }
    free(bytes);
}

static void every_split(void **unused)
{
    (void)unused;
    static const size_t splits[] = {1, 13, 16383, 16384, 16385, 40000, 100000};
    uint8_t *bytes = content_make(100000, 78);
    ps_node expect = slow_root(bytes, 100000, 3);
    for (size_t i = 0; i < sizeof splits / sizeof splits[0]; i++) {
        ps_node root = fast_root(bytes, 100000, 3, splits[i]);
        assert_memory_equal(&root, &expect, sizeof root);
    }
    free(bytes);
}

static uint32_t calls;

static void one_by_one(const uint8_t *data, size_t len, size_t count, uint8_t *digests)
{
    const ps_crypto *c = ps_crypto_sodium();
    calls++;
    for (size_t i = 0; i < count; i++) {
        ps_sha256 sha;
        c->sha256_init(&sha);
        c->sha256_update(&sha, data + i * len, len);
        c->sha256_final(&sha, digests + i * 32);
    }
}

/* Whole leaves may go to the crypto side by side, in one call; the root is the same. */
static void leaves_side_by_side(void **unused)
{
    (void)unused;
    ps_crypto blocks = *ps_crypto_sodium();
    ps_crypto none = blocks;
    blocks.sha256_blocks = one_by_one;
    none.sha256_blocks = NULL;
    uint8_t *bytes = content_make(PS_PIECE_BYTES, 79);
    static const uint32_t lengths[] = {
        1,     PS_LEAF_BYTES - 1,      PS_LEAF_BYTES, PS_LEAF_BYTES + 1,
        70000, 5u * PS_LEAF_BYTES + 7, PS_PIECE_BYTES};
    for (size_t i = 0; i < sizeof lengths / sizeof lengths[0]; i++) {
        ps_node there, here;
        calls = 0;
        ps_piece_hash(&blocks, lengths[i], bytes, lengths[i], &there);
        ps_piece_hash(&none, lengths[i], bytes, lengths[i], &here);
        assert_memory_equal(&there, &here, sizeof here);
        assert_int_equal(calls, lengths[i] >= PS_LEAF_BYTES ? 1 : 0);
    }
    free(bytes);
}

/* What is no piece has no hash, and is not read. */
static void no_piece(void **unused)
{
    (void)unused;
    static const ps_node zero;
    ps_node node;
    memset(&node, 1, sizeof node);
    ps_piece_hash(ps_crypto_sodium(), 5, NULL, 0, &node);
    assert_memory_equal(&node, &zero, sizeof node);
    memset(&node, 1, sizeof node);
    ps_piece_hash(ps_crypto_sodium(), PS_FILE_MAX, NULL, PS_PIECE_BYTES + 1, &node);
    assert_memory_equal(&node, &zero, sizeof node);
}

static void stall_clock(void **unused)
{
    (void)unused;
    ps_stall s = {.length_us = 1000};
    ps_stall_progress(&s, 50);
    assert_false(ps_stall_over(&s, 1049));
    assert_true(ps_stall_over(&s, 1050));
    assert_true(ps_stall_over(&s, 1050 + PS_STALL_LATE_US - 1));
    /* Late: a second more, once. */
    uint64_t late = 1050 + PS_STALL_LATE_US;
    assert_false(ps_stall_over(&s, late));
    assert_false(ps_stall_over(&s, late + PS_STALL_GRACE_US - 1));
    assert_true(ps_stall_over(&s, late + 5u * PS_STALL_GRACE_US));
    /* Payload is worth something by the portion. */
    ps_stall_progress(&s, 0);
    ps_stall_payload(&s, 9, 10, 500);
    assert_int_equal(s.deadline_us, 1000);
    ps_stall_payload(&s, 1, 10, 600);
    assert_int_equal(s.deadline_us, 1600);
    ps_stall_payload(&s, UINT64_MAX, 10, 700);
    assert_int_equal(s.deadline_us, 1700);
    ps_stall_stop(&s);
    assert_false(ps_stall_over(&s, UINT64_MAX));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_count_of_leaves), cmocka_unit_test(every_split),
        cmocka_unit_test(leaves_side_by_side),   cmocka_unit_test(no_piece),
        cmocka_unit_test(stall_clock),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
