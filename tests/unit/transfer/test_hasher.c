/* The hasher against trees of another implementation, at several splits, and its refusals. */
#include "unit.h"

#include "../../vectors/bep52.h"
#include "content.h"

typedef struct vector {
    uint64_t length;
    uint32_t seed;
    const char *content_sha256;
    const char *root;
    uint32_t layer_count;
    const char *layer_sha256;
} vector;

static const vector vectors[] = {
#define VECTOR(length, seed, sha, root, count, layer) {length, seed, sha, root, count, layer},
    PS_BEP52_VECTORS(VECTOR)
#undef VECTOR
};

#define VECTOR_COUNT (sizeof vectors / sizeof vectors[0])

static void agrees(const vector *v, const uint8_t *bytes, size_t split)
{
    char hex[65];
    ps_node *tree;
    ps_content content = content_hash(bytes, v->length, split, &tree);
    assert_int_equal(content.length, v->length);
    content_hex(content.root, 32, hex);
    assert_string_equal(hex, v->root);
    size_t nodes = ps_tree_nodes(v->length);
    if (v->layer_count == 0) {
        assert_int_equal(nodes, 0);
    } else {
        assert_int_equal(ps_piece_count(v->length), v->layer_count);
        content_sha256(tree, v->layer_count * sizeof(ps_node), hex);
        assert_string_equal(hex, v->layer_sha256);
        assert_memory_equal(tree[nodes - 1].bytes, content.root, PS_ROOT_BYTES);
    }
    free(tree);
}

static void vectors_at_every_split(void **unused)
{
    (void)unused;
    static const size_t splits[] = {7, 64, 16383, 16384, 16385, 65536, 1048576, SIZE_MAX};
    for (size_t i = 0; i < VECTOR_COUNT; i++) {
        const vector *v = &vectors[i];
        uint8_t *bytes = content_make(v->length, v->seed);
        char hex[65];
        content_sha256(bytes, (size_t)v->length, hex);
        assert_string_equal(hex, v->content_sha256);
        for (size_t s = 0; s < sizeof splits / sizeof splits[0]; s++) {
            if (v->length < 2000000 || s > 2) {
                agrees(v, bytes, splits[s]);
            }
        }
        if (v->length <= 65536) {
            agrees(v, bytes, 1);
        }
        free(bytes);
    }
}

/* Pieces hashed one by one, in no order, lead to the same tree. */
static void piece_by_piece(void **unused)
{
    (void)unused;
    const ps_crypto *crypto = ps_crypto_sodium();
    for (size_t i = 0; i < VECTOR_COUNT; i++) {
        const uint64_t length = vectors[i].length;
        const uint32_t pieces = ps_piece_count(length);
        uint8_t *bytes = content_make(length, vectors[i].seed);
        ps_node *tree = malloc((ps_tree_nodes(length) + 1) * sizeof *tree);
        uint8_t root[PS_ROOT_BYTES];
        char hex[65];
        for (uint32_t piece = pieces; piece-- > 0;) {
            ps_piece_hash(crypto, length, bytes + (size_t)piece * PS_PIECE_BYTES,
                          ps_piece_length(length, piece), &tree[piece]);
        }
        ps_tree_root(crypto, length, tree, root);
        content_hex(root, 32, hex);
        assert_string_equal(hex, vectors[i].root);
        if (pieces > 1) {
            content_sha256(tree, pieces * sizeof *tree, hex);
            assert_string_equal(hex, vectors[i].layer_sha256);
            ps_tree_build(crypto, length, tree);
            assert_memory_equal(tree[ps_tree_nodes(length) - 1].bytes, root, sizeof root);
        }
        free(tree);
        free(bytes);
    }
}

/* Without room for a tree the root is the same. */
static void root_alone(void **unused)
{
    (void)unused;
    for (size_t i = 0; i < VECTOR_COUNT; i++) {
        uint8_t *bytes = content_make(vectors[i].length, vectors[i].seed);
        ps_hasher h;
        ps_content content;
        char hex[65];
        assert_int_equal(ps_hasher_init(&h, ps_crypto_sodium(), vectors[i].length, NULL), PS_OK);
        assert_int_equal(ps_hasher_update(&h, bytes, (size_t)vectors[i].length), PS_OK);
        assert_int_equal(ps_hasher_final(&h, &content), PS_OK);
        content_hex(content.root, 32, hex);
        assert_string_equal(hex, vectors[i].root);
        free(bytes);
    }
}

/* A file of one piece has no tree: where there is room for one, it is left alone. */
static void one_piece_needs_no_tree(void **unused)
{
    (void)unused;
    ps_hasher h;
    ps_content with, without;
    ps_node tree, before;
    memset(&tree, 0x5a, sizeof tree);
    before = tree;
    assert_int_equal(ps_hasher_init(&h, ps_crypto_sodium(), 5, &tree), PS_OK);
    assert_int_equal(ps_hasher_update(&h, "bytes", 5), PS_OK);
    assert_int_equal(ps_hasher_final(&h, &with), PS_OK);
    assert_int_equal(ps_hasher_init(&h, ps_crypto_sodium(), 5, NULL), PS_OK);
    assert_int_equal(ps_hasher_update(&h, "bytes", 5), PS_OK);
    assert_int_equal(ps_hasher_final(&h, &without), PS_OK);
    assert_memory_equal(&with, &without, sizeof with);
    assert_memory_equal(&tree, &before, sizeof tree);
}

static void empty_file(void **unused)
{
    (void)unused;
    static const uint8_t zero[PS_ROOT_BYTES];
    ps_hasher h;
    ps_content content;
    memset(&content, 0xff, sizeof content);
    assert_int_equal(ps_hasher_init(&h, ps_crypto_sodium(), 0, NULL), PS_OK);
    assert_int_equal(ps_hasher_update(&h, NULL, 0), PS_OK);
    assert_int_equal(ps_hasher_final(&h, &content), PS_OK);
    assert_int_equal(content.length, 0);
    assert_memory_equal(content.root, zero, sizeof zero);
}

static void refusals(void **unused)
{
    (void)unused;
    const ps_crypto *crypto = ps_crypto_sodium();
    ps_crypto other = *crypto;
    ps_hasher h;
    ps_content content;
    uint8_t bytes[11] = {0};
    other.size--;
    assert_int_equal(ps_hasher_init(NULL, crypto, 1, NULL), PS_INVALID);
    assert_int_equal(ps_hasher_init(&h, NULL, 1, NULL), PS_INVALID);
    assert_int_equal(ps_hasher_init(&h, &other, 1, NULL), PS_INVALID);
    assert_int_equal(ps_hasher_init(&h, crypto, PS_FILE_MAX + 1, NULL), PS_INVALID);
    assert_int_equal(ps_hasher_init(&h, crypto, PS_FILE_MAX, NULL), PS_OK);
    assert_int_equal(ps_hasher_init(&h, crypto, 10, NULL), PS_OK);
    assert_int_equal(ps_hasher_update(NULL, bytes, 1), PS_INVALID);
    assert_int_equal(ps_hasher_final(NULL, &content), PS_INVALID);
    assert_int_equal(ps_hasher_update(&h, NULL, 1), PS_INVALID);
    assert_int_equal(ps_hasher_update(&h, bytes, 11), PS_INVALID);
    assert_int_equal(ps_hasher_update(&h, bytes, 9), PS_OK);
    assert_int_equal(ps_hasher_final(&h, &content), PS_INVALID);
    assert_int_equal(ps_hasher_update(&h, bytes, 2), PS_INVALID);
    assert_int_equal(ps_hasher_update(&h, bytes, 1), PS_OK);
    assert_int_equal(ps_hasher_update(&h, bytes, 1), PS_INVALID);
    assert_int_equal(ps_hasher_final(&h, NULL), PS_INVALID);
    assert_int_equal(ps_hasher_final(&h, &content), PS_OK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(vectors_at_every_split),
        cmocka_unit_test(piece_by_piece),
        cmocka_unit_test(root_alone),
        cmocka_unit_test(one_piece_needs_no_tree),
        cmocka_unit_test(empty_file),
        cmocka_unit_test(refusals),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
