/* Files become hashes: the right ones, on all threads, in turns, until somebody ends it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "hash_run.h"
#include "shelf.h"

#include "../../vectors/bep52.h"
#include "../transfer/content.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define MIB 1048576u

/* Another implementation's roots and piece layers. */
static void files_hash_to_the_vectors(void **state)
{
    static const struct {
        size_t length;
        uint32_t seed;
        const char *sha256, *root;
        size_t layer;
        const char *layer_sha256;
    } vectors[] = {
#define VECTOR(length, seed, sha256, root, layer, layer_sha256)                                    \
    {length, seed, sha256, root, layer, layer_sha256},
        PS_BEP52_VECTORS(VECTOR)
#undef VECTOR
    };
    struct shelf *s = *state;
    for (size_t i = 0; i < sizeof vectors / sizeof vectors[0]; i++) {
        char hex[65];
        ps_content content =
            shelf_publish(s, shelf_write(s, "f", vectors[i].length, vectors[i].seed), NULL);
        assert_int_equal(content.length, vectors[i].length);
        content_hex(content.root, PS_ROOT_BYTES, hex);
        assert_string_equal(hex, vectors[i].root);
        struct entry *e = NULL;
        assert_int_equal(library_find(&s->library, &content, &e), PS_E_NONE);
        assert_int_equal(e->tree ? ps_piece_count(content.length) : 0, vectors[i].layer);
        if (e->tree) {
            content_sha256(e->tree, vectors[i].layer * sizeof(ps_node), hex);
            assert_string_equal(hex, vectors[i].layer_sha256);
        }
        entry_drop(e);
    }
}

/* Whoever hashes what pieces, the tree is the one that a single pass makes. */
static void all_threads_hash_one_file(void **state)
{
    struct shelf *s = *state;
    const size_t length = 61 * MIB + 5;
    shelf_stop(s);
    s->cfg.hashers = 4;
    shelf_start(s);
    ps_content content = shelf_publish(s, shelf_write(s, "large", length, 9), NULL);
    uint8_t *bytes = content_make(length, 9);
    ps_node *tree = NULL;
    ps_content expected = content_hash(bytes, length, length, &tree);
    struct entry *e = NULL;
    assert_true(ps_content_equal(&content, &expected));
    assert_int_equal(library_find(&s->library, &content, &e), PS_E_NONE);
    assert_memory_equal(e->tree, tree, ps_tree_nodes(length) * sizeof *tree);
    assert_true(library_lists(&s->library, e));
    entry_drop(e);
    free(tree);
    free(bytes);
    ps_content empty = shelf_publish(s, shelf_write(s, "empty", 0, 1), NULL);
    assert_true(ps_content_equal(&empty, &(ps_content){0}));
}

/* With one thread alone, the order is the order of turns. */
static void large_and_small_files_take_turns(void **state)
{
    struct shelf *s = *state;
    enum { SMALL = 60 };
    shelf_stop(s);
    s->cfg.hashers = 1;
    shelf_start(s);
    library_publish(&s->library, 1, shelf_write(s, "large", 40 * MIB, 1), NULL);
    library_publish(&s->library, 2, shelf_write(s, "larger", 44 * MIB, 2), NULL);
    for (unsigned i = 0; i < SMALL; i++) {
        char name[8];
        (void)snprintf(name, sizeof name, "s%u", i);
        library_publish(&s->library, 10 + i, shelf_write(s, name, 10, i), NULL);
    }
    unsigned before = 0, between = 0, after = 0;
    bool first = false, second = false;
    for (unsigned i = 0; i < SMALL + 2; i++) {
        struct data_event *event = shelf_event(s);
        assert_int_equal(event->type, DATA_FILE_READY);
        first = first || event->tag == 1;
        second = second || event->tag == 2;
        *(second ? &after : first ? &between : &before) += event->tag >= 10;
        data_event_free(event);
    }
    assert_true(first && second);
    assert_true(before <= 11);  /* 40 MiB are 10 turns. */
    assert_true(between <= 12); /* 44 MiB are 11. */
    assert_true(after >= 37);
}

static void cut_short(void *ctx)
{
    assert_int_equal(truncate(ctx, 10), 0);
}

static void touch(void *ctx)
{
    const int fd = open(ctx, O_WRONLY | O_APPEND);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, "x", 1), 1);
    assert_int_equal(close(fd), 0);
}

static void a_file_that_changes_meanwhile_is_refused(void **state)
{
    struct shelf *s = *state;
    char *path = strdup(shelf_write(s, "f", 64 * MIB, 1));
    shelf_meddle_at(MIB, touch, path);
    shelf_refused(s, path, NULL, PS_E_CHANGED, "changed while");
    shelf_meddle_at(MIB, cut_short, path);
    shelf_refused(s, path, NULL, PS_E_CHANGED, "changed while");
    (void)shelf_write(s, "f", 2 * MIB, 1);
    shelf_meddle_at(MIB, touch, path);
    shelf_refused(s, path, NULL, PS_E_CHANGED, "changed while");
    shelf_expect(s, "");
    (void)shelf_publish(s, path, NULL);
    free(path);
}

static void cancel(void *ctx)
{
    assert_true(library_cancel(ctx, 7));
}

static void take_back(void *ctx)
{
    assert_true(library_unpublish(ctx, "f"));
}

static void hashing_ends_at_once_when_it_is_cancelled(void **state)
{
    struct shelf *s = *state;
    const char *path = shelf_write(s, "f", 100 * MIB, 1);
    atomic_store(&shelf_hashed, 0);
    shelf_meddle_at(5 * MIB, cancel, &s->library);
    shelf_refused(s, path, NULL, PS_E_CANCELLED, "");
    shelf_meddle_at(5 * MIB, take_back, &s->library);
    shelf_refused(s, path, NULL, PS_E_CANCELLED, "");
    shelf_meddle_at(5 * MIB, cancel, &s->library);
    library_hash(&s->library, 7, path);
    struct data_event *event = shelf_event(s);
    assert_int_equal(event->type, DATA_HASH_FAILED);
    assert_int_equal(event->error, PS_E_CANCELLED);
    data_event_free(event);
    assert_true(atomic_load(&shelf_hashed) < 30 * MIB);
    assert_false(library_cancel(&s->library, 7));
    unsigned hashing = 1;
    unsigned away = 1;
    assert_int_equal(library_count(&s->library, &hashing, &away), 0);
    assert_int_equal(hashing, 0);
    assert_int_equal(away, 0);
}

static void closing_ends_what_is_being_hashed(void **state)
{
    struct shelf *s = *state;
    shelf_stop(s);
    s->cfg.progress_ms = 0;
    shelf_start(s);
    library_publish(&s->library, 1, shelf_write(s, "a", 100 * MIB, 1), NULL);
    library_publish(&s->library, 2, shelf_write(s, "b", 100 * MIB, 2), NULL);
    library_publish(&s->library, 3, shelf_write(s, "c", 100, 2), NULL);
    data_event_free(shelf_event_of(s, DATA_HASH_PROGRESS));
    shelf_stop(s);
    shelf_start(s);
    size_t n = 9;
    struct data_file *files = library_files(&s->library, &n);
    assert_true(n <= 1);
    data_files_free(files, n);
}

static void coarse_times_are_waited_for_longer(void **state)
{
    const int64_t second = INT64_C(1000000000);
    const ps_posix_file fine = {.ctime_ns = 7 * second + 1, .mtime_ns = 5 * second};
    const ps_posix_file coarse = {.ctime_ns = 7 * second, .mtime_ns = 7 * second};
    (void)state;
    assert_int_equal(hash_run_unsettled_ns(&fine, 7 * second + 1), second / 50);
    assert_int_equal(hash_run_unsettled_ns(&fine, 7 * second + second / 50 + 1), 0);
    assert_int_equal(hash_run_unsettled_ns(&coarse, 7 * second), 2 * second);
    assert_int_equal(hash_run_unsettled_ns(&coarse, 9 * second - 1), 1);
    assert_int_equal(hash_run_unsettled_ns(&coarse, 9 * second), 0);
    assert_int_equal(hash_run_unsettled_ns(&coarse, 6 * second), 0); /* The clock was set. */
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, shelf_open, shelf_end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(files_hash_to_the_vectors),
        cmocka_unit_test(coarse_times_are_waited_for_longer),
        TEST(all_threads_hash_one_file),
        TEST(large_and_small_files_take_turns),
        TEST(a_file_that_changes_meanwhile_is_refused),
        TEST(hashing_ends_at_once_when_it_is_cancelled),
        TEST(closing_ends_what_is_being_hashed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
