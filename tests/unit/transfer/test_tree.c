/* The tree's arithmetic against a slow one, and proofs of every aligned subtree. */
#include "unit.h"

#include "content.h"
#include "transfer/tree.h"

static void counts(void **unused)
{
    (void)unused;
    static const uint64_t cases[][3] = {
        /* length, pieces, nodes kept */
        {0, 0, 0},
        {1, 1, 0},
        {PS_PIECE_BYTES, 1, 0},
        {PS_PIECE_BYTES + 1, 2, 3},
        {2 * PS_PIECE_BYTES, 2, 3},
        {3 * PS_PIECE_BYTES, 3, 6},
        {4 * PS_PIECE_BYTES, 4, 7},
        {5 * PS_PIECE_BYTES, 5, 11},
        {PS_FILE_MAX, 1u << 30, (UINT64_C(1) << 31) - 1},
        {PS_FILE_MAX - PS_PIECE_BYTES + 1, 1u << 30, (UINT64_C(1) << 31) - 1},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        assert_int_equal(ps_piece_count(cases[i][0]), cases[i][1]);
        assert_int_equal(ps_tree_nodes(cases[i][0]), cases[i][2]);
    }
    for (uint32_t pieces = 2; pieces < 5000; pieces++) {
        assert_true(ps_tree_nodes((uint64_t)pieces * PS_PIECE_BYTES) < 2u * pieces + 31u);
    }
}

static void possible_contents(void **unused)
{
    (void)unused;
    ps_content c;
    memset(&c, 0, sizeof c);
    assert_true(ps_content_possible(&c));
    c.root[31] = 1;
    assert_false(ps_content_possible(&c));
    c.length = PS_FILE_MAX;
    assert_true(ps_content_possible(&c));
    c.length++;
    assert_false(ps_content_possible(&c));
    c.length = UINT64_MAX;
    assert_false(ps_content_possible(&c));
}

static void logarithms_and_pieces(void **unused)
{
    (void)unused;
    assert_int_equal(ps_log2_ceil(1), 0);
    assert_int_equal(ps_log2_ceil(2), 1);
    assert_int_equal(ps_log2_ceil(3), 2);
    assert_int_equal(ps_log2_ceil(UINT64_C(1) << 36), 36);
    assert_int_equal(ps_log2_ceil((UINT64_C(1) << 36) + 1), 37);
    assert_int_equal(ps_log2_ceil(UINT64_MAX), 63); /* The most it says. */
    assert_int_equal(ps_piece_length(PS_PIECE_BYTES + 5, 0), PS_PIECE_BYTES);
    assert_int_equal(ps_piece_length(PS_PIECE_BYTES + 5, 1), 5);
    assert_int_equal(ps_piece_length(2 * PS_PIECE_BYTES, 1), PS_PIECE_BYTES);
    assert_int_equal(ps_piece_length(2 * PS_PIECE_BYTES, 2), 0);
    assert_int_equal(ps_piece_length(PS_PIECE_BYTES + 5, UINT32_MAX), 0);
    assert_int_equal(ps_piece_length(0, 0), 0);
}

static ps_node join(ps_node a, ps_node b)
{
    ps_node out;
    ps_node_join(ps_crypto_sodium(), &a, &b, &out);
    return out;
}

/* A tree over `pieces` made-up piece hashes, padded in full: the slow way. */
static ps_node *slow_tree(uint32_t pieces, ps_node *root)
{
    uint32_t width = 1;
    while (width < pieces) {
        width *= 2;
    }
    ps_node pad;
    memset(&pad, 0, sizeof pad);
    for (int i = 0; i < 6; i++) {
        pad = join(pad, pad);
    }
    ps_node *layer = malloc(width * sizeof *layer);
    ps_node *tree = malloc(ps_tree_nodes((uint64_t)pieces * PS_PIECE_BYTES) * sizeof *tree);
    size_t at = 0;
    for (uint32_t i = 0; i < width; i++) {
        memset(&layer[i], (int)(i % 256), sizeof layer[i]);
        layer[i] = i < pieces ? layer[i] : pad;
    }
    for (uint32_t n = width, exist = pieces;; n /= 2, exist = (exist + 1) / 2) {
        memcpy(tree + at, layer, exist * sizeof *layer);
        at += exist;
        if (n == 1) {
            break;
        }
        for (uint32_t i = 0; i < n / 2; i++) {
            layer[i] = join(layer[2 * i], layer[2 * i + 1]);
        }
    }
    *root = layer[0];
    free(layer);
    return tree;
}

/* Layers and root over a piece layer alone, as whoever hashes pieces in any order makes them. */
static void built_from_the_piece_layer(void **unused)
{
    (void)unused;
    const ps_crypto *crypto = ps_crypto_sodium();
    for (uint32_t pieces = 2; pieces < 140; pieces++) {
        ps_node root;
        uint8_t built[PS_ROOT_BYTES];
        const uint64_t length = (uint64_t)pieces * PS_PIECE_BYTES - pieces % 3;
        const size_t nodes = ps_tree_nodes(length);
        ps_node *slow = slow_tree(pieces, &root);
        ps_node *tree = malloc(nodes * sizeof *tree);
        memcpy(tree, slow, pieces * sizeof *tree);
        ps_tree_build(crypto, length, tree);
        assert_memory_equal(tree, slow, nodes * sizeof *tree);
        ps_tree_root(crypto, length, slow, built);
        assert_memory_equal(built, root.bytes, sizeof built);
        free(tree);
        free(slow);
    }
    /* One piece is its own root, no piece the zero root; neither has a tree. */
    ps_node one;
    uint8_t root[PS_ROOT_BYTES];
    memset(&one, 0x5a, sizeof one);
    ps_tree_root(crypto, 5, &one, root);
    assert_memory_equal(root, one.bytes, sizeof root);
    ps_tree_build(crypto, 5, NULL);
    memset(&one, 0, sizeof one);
    ps_tree_root(crypto, 0, NULL, root);
    assert_memory_equal(root, one.bytes, sizeof root);
}

/* Every aligned subtree of trees of many sizes proves itself, and no flipped bit does. */
static void proofs(void **unused)
{
    (void)unused;
    static const uint32_t sizes[] = {2, 3, 4, 5, 7, 8, 9, 33, 513};
    static ps_node nodes[PS_HASHES_MAX];
    ps_node uncles[PS_LAYERS_MAX];
    const ps_crypto *crypto = ps_crypto_sodium();
    for (size_t z = 0; z < sizeof sizes / sizeof sizes[0]; z++) {
        ps_node root;
        ps_node *tree = slow_tree(sizes[z], &root);
        for (uint32_t count = 1; count <= PS_HASHES_MAX; count *= 2) {
            for (uint32_t first = 0; first < sizes[z]; first += count) {
                ps_subtree s = {sizes[z], first, count};
                if (!ps_subtree_valid(&s)) {
                    assert_true(count > 2 * sizes[z] ||
                                ps_log2_ceil(count) > ps_log2_ceil(sizes[z]));
                    continue;
                }
                uint32_t n = ps_subtree_nodes(&s);
                uint32_t u = ps_subtree_uncles(&s);
                memcpy(nodes, tree + first, n * sizeof *nodes);
                for (uint32_t i = 0; i < u; i++) {
                    ps_subtree_uncle(crypto, &s, tree, i, &uncles[i]);
                }
                assert_true(ps_subtree_verify(crypto, &s, nodes, uncles, root.bytes));
                nodes[n - 1].bytes[0] ^= 1;
                assert_false(ps_subtree_verify(crypto, &s, nodes, uncles, root.bytes));
                nodes[n - 1].bytes[0] ^= 1;
                for (uint32_t i = 0; i < u; i++) {
                    uncles[i].bytes[31] ^= 0x80;
                    assert_false(ps_subtree_verify(crypto, &s, nodes, uncles, root.bytes));
                    uncles[i].bytes[31] ^= 0x80;
                }
            }
        }
        free(tree);
    }
}

static void subtrees_refused(void **unused)
{
    (void)unused;
    static const ps_subtree bad[] = {
        {0, 0, 1}, {1, 0, 1},          {5, 0, 0},  {5, 0, 3}, {5, 0, 16},
        {5, 5, 1}, {5, 2, 4},          {5, 8, 8},  {5, 1, 2}, {5000, 0, 1024},
        {5, 6, 2}, {UINT32_MAX, 1, 2}, {5, 4, 16}, {4, 0, 8}, {5, UINT32_MAX, 1},
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        assert_false(ps_subtree_valid(&bad[i]));
    }
    const ps_subtree good[] = {{5, 4, 4}, {5, 0, 8}, {5000, 4608, 512}, {1u << 30, 0, 512}};
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        assert_true(ps_subtree_valid(&good[i]));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(counts),
        cmocka_unit_test(possible_contents),
        cmocka_unit_test(logarithms_and_pieces),
        cmocka_unit_test(built_from_the_piece_layer),
        cmocka_unit_test(proofs),
        cmocka_unit_test(subtrees_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
