/* What is published: hashing, keeping, looking again, refusing. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "shelf.h"

#include "../../vectors/bep52.h"
#include "../transfer/content.h"
#include "files.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#define MIB 1048576u

static int make(void **state)
{
    (void)shelf_make(state);
    shelf_start(*state);
    return 0;
}

static void assert_refused(struct shelf *s, const char *path, const char *name, unsigned error,
                           const char *text)
{
    library_publish(&s->library, 7, path, name);
    struct data_event *event = shelf_event(s);
    assert_int_equal(event->type, DATA_PUBLISH_FAILED);
    assert_int_equal(event->tag, 7);
    assert_int_equal(event->error, error);
    assert_non_null(strstr(event->text, text));
    data_event_free(event);
}

static void what_is_no_readable_file_is_refused(void **state)
{
    struct shelf *s = *state;
    const char *fifo = shelf_path(s, "fifo");
    assert_int_equal(mkfifo(fifo, 0600), 0);
    const char *round = shelf_path(s, "round");
    assert_int_equal(symlink(round, round), 0);
    assert_refused(s, fifo, NULL, PS_E_IO, "not a regular file");
    assert_refused(s, "/dev/null", NULL, PS_E_IO, "not a regular file");
    assert_refused(s, s->files, NULL, PS_E_IO, "folder");
    assert_refused(s, "/tmp/there/is/no/such/file", NULL, PS_E_IO, "no such file");
    assert_refused(s, round, NULL, PS_E_IO, "links");
    assert_refused(s, "/etc/", NULL, PS_E_IO, "folder");
    assert_refused(s, "/etc/passwd", "../x", PS_E_BAD_NAME, "cannot be used");
    assert_refused(s, "/etc/passwd", "", PS_E_BAD_NAME, "cannot be used");
    shelf_expect(s, "");
}

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

static void published_files_return_at_once(void **state)
{
    struct shelf *s = *state;
    ps_content small = shelf_publish(s, shelf_write(s, "small", 1000, 1), NULL);
    ps_content large = shelf_publish(s, shelf_write(s, "large", 3 * MIB + 1, 2), NULL);
    assert_int_equal(small.length, 1000);
    assert_int_equal(large.length, 3 * MIB + 1);
    shelf_stop(s);
    atomic_store(&shelf_hashed, 0);
    shelf_start(s);
    shelf_expect(s, "large small");
    struct entry *e = NULL;
    assert_int_equal(library_find(&s->library, &large, &e), PS_E_NONE);
    entry_drop(e);
    assert_int_equal(library_find(&s->library, &small, &e), PS_E_NONE);
    entry_drop(e);
    assert_true(atomic_load(&shelf_hashed) < 1000); /* The tree above the layer. */
}

/* What was hashed is known: taken back, under another name, in another process. */
static void a_known_file_is_not_hashed_again(void **state)
{
    struct shelf *s = *state;
    const char *path = shelf_write(s, "f", 12 * MIB + 1, 1);
    ps_content content = shelf_publish(s, path, NULL);
    atomic_store(&shelf_hashed, 0);
    for (unsigned i = 0; i < 3; i++) {
        char name[8];
        (void)snprintf(name, sizeof name, "g%u", i);
        assert_true(library_unpublish(&s->library, i == 0 ? "f" : i == 1 ? "g0" : "g1"));
        ps_content again = shelf_publish(s, path, name);
        assert_true(ps_content_equal(&again, &content));
        shelf_stop(s);
        shelf_start(s);
    }
    library_hash(&s->library, 9, path);
    struct data_event *event = shelf_event(s);
    assert_int_equal(event->type, DATA_HASHED);
    assert_true(ps_content_equal(&event->content, &content));
    data_event_free(event);
    assert_true(atomic_load(&shelf_hashed) < MIB);
    shelf_expect(s, "g2");
    (void)shelf_write(s, "f", 12 * MIB + 1, 2);
    ps_content changed = shelf_publish(s, path, NULL);
    assert_false(ps_content_equal(&changed, &content));
    assert_true(atomic_load(&shelf_hashed) >= 12 * MIB);
}

static void a_file_is_hashed_without_being_published(void **state)
{
    struct shelf *s = *state;
    const char *path = shelf_write(s, "f", 2 * MIB, 1);
    library_hash(&s->library, 5, path);
    struct data_event *event = shelf_event(s);
    assert_int_equal(event->type, DATA_HASHED);
    assert_int_equal(event->tag, 5);
    assert_string_equal(event->path, path);
    ps_content content = event->content;
    data_event_free(event);
    shelf_expect(s, "");
    library_hash(&s->library, 6, shelf_path(s, "none"));
    event = shelf_event(s);
    assert_int_equal(event->type, DATA_HASH_FAILED);
    assert_int_equal(event->tag, 6);
    assert_int_equal(event->error, PS_E_IO);
    assert_string_equal(event->text, "there is no such file");
    data_event_free(event);
    shelf_stop(s);
    shelf_start(s);
    shelf_expect(s, "");
    atomic_store(&shelf_hashed, 0);
    ps_content published = shelf_publish(s, path, NULL);
    assert_true(ps_content_equal(&published, &content));
    assert_true(atomic_load(&shelf_hashed) < MIB);
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
    assert_refused(s, path, NULL, PS_E_CHANGED, "changed while");
    shelf_meddle_at(MIB, cut_short, path);
    assert_refused(s, path, NULL, PS_E_CHANGED, "changed while");
    (void)shelf_write(s, "f", 2 * MIB, 1);
    shelf_meddle_at(MIB, touch, path);
    assert_refused(s, path, NULL, PS_E_CHANGED, "changed while");
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
    assert_refused(s, path, NULL, PS_E_CANCELLED, "");
    shelf_meddle_at(5 * MIB, take_back, &s->library);
    assert_refused(s, path, NULL, PS_E_CANCELLED, "");
    shelf_meddle_at(5 * MIB, cancel, &s->library);
    library_hash(&s->library, 7, path);
    struct data_event *event = shelf_event(s);
    assert_int_equal(event->type, DATA_HASH_FAILED);
    assert_int_equal(event->error, PS_E_CANCELLED);
    data_event_free(event);
    assert_true(atomic_load(&shelf_hashed) < 30 * MIB);
    assert_false(library_cancel(&s->library, 7));
    unsigned hashing = 1;
    assert_int_equal(library_count(&s->library, &hashing), 0);
    assert_int_equal(hashing, 0);
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

static void lost_hashes_are_made_again(void **state)
{
    struct shelf *s = *state;
    ps_content large = shelf_publish(s, shelf_write(s, "large", 2 * MIB + 1, 2), NULL);
    shelf_stop(s);
    char command[300];
    (void)snprintf(command, sizeof command, "%s/library.db", s->state);
    sqlite3 *db = NULL;
    assert_int_equal(sqlite3_open(command, &db), SQLITE_OK);
    assert_int_equal(
        sqlite3_exec(db, "UPDATE hashes SET layer = zeroblob(length(layer))", NULL, NULL, NULL),
        SQLITE_OK);
    assert_int_equal(sqlite3_close(db), SQLITE_OK);
    shelf_start(s);
    struct data_event *event = shelf_event(s);
    assert_int_equal(event->type, DATA_FILE_READY);
    assert_int_equal(event->tag, 0);
    assert_true(event->changed); /* It was not known any more. */
    assert_true(ps_content_equal(&event->content, &large));
    data_event_free(event);
}

static void changed_and_vanished_files_are_noticed_at_load(void **state)
{
    struct shelf *s = *state;
    ps_content before = shelf_publish(s, shelf_write(s, "a", 100, 1), NULL);
    (void)shelf_publish(s, shelf_write(s, "b", 100, 1), NULL);
    shelf_stop(s);
    (void)shelf_write(s, "a", 100, 2);
    assert_int_equal(unlink(shelf_path(s, "b")), 0);
    shelf_start(s);
    bool ready = false, gone = false;
    while (!ready || !gone) {
        struct data_event *event = shelf_event(s);
        if (event->type == DATA_FILE_READY) {
            ready = true;
            assert_string_equal(event->name, "a");
            assert_true(event->changed);
            assert_false(ps_content_equal(&event->content, &before));
        } else {
            gone = true;
            assert_int_equal(event->type, DATA_FILE_GONE);
            assert_string_equal(event->name, "b");
        }
        data_event_free(event);
    }
    shelf_expect(s, "a");
    shelf_stop(s);
    shelf_start(s);
    shelf_expect(s, "a");
    shelf_quiet(s);
}

/* A link at publishing is resolved; one that takes a place afterwards is not followed. */
static void links_are_followed_at_publishing_only(void **state)
{
    struct shelf *s = *state;
    assert_int_equal(mkdir(shelf_path(s, "folder"), 0700), 0);
    assert_int_equal(mkdir(shelf_path(s, "elsewhere"), 0700), 0);
    (void)shelf_write(s, "elsewhere/f", 100, 2);
    char *real = strdup(shelf_write(s, "folder/f", 100, 1));
    assert_int_equal(symlink(shelf_path(s, "folder"), shelf_path(s, "way")), 0);
    assert_int_equal(symlink("way/f", shelf_path(s, "link")), 0);
    ps_content content = shelf_publish(s, shelf_path(s, "link"), NULL);
    struct entry *e = NULL;
    assert_int_equal(library_find(&s->library, &content, &e), PS_E_NONE);
    assert_string_equal(e->name, "link");
    assert_string_equal(e->path, real);
    free(real);
    assert_int_equal(unlink(shelf_path(s, "link")), 0);
    assert_int_equal(rename(shelf_path(s, "folder"), shelf_path(s, "was")), 0);
    assert_int_equal(symlink("elsewhere", shelf_path(s, "folder")), 0);
    library_recheck(&s->library, e);
    struct entry *none = NULL;
    assert_int_not_equal(library_find(&s->library, &content, &none), PS_E_NONE);
    entry_drop(e);
    struct data_event *event = shelf_event(s);
    assert_int_equal(event->type, DATA_FILE_GONE);
    assert_string_equal(event->name, "link");
    data_event_free(event);
    shelf_expect(s, "");
    assert_int_equal(library_find(&s->library, &content, &none), PS_E_NOT_PUBLISHED);
}

static void a_damaged_database_is_kept_aside(void **state)
{
    struct shelf *s = *state;
    char path[200], aside[220];
    const char *file = shelf_write(s, "a", 100, 1);
    (void)shelf_publish(s, file, NULL);
    shelf_stop(s);
    (void)snprintf(path, sizeof path, "%s/library.db", s->state);
    (void)snprintf(aside, sizeof aside, "%s.broken-1", path);
    assert_int_equal(truncate(path, 5000), 0);
    shelf_start(s);
    struct data_event *event = shelf_event(s);
    assert_int_equal(event->type, DATA_NOTE);
    assert_true(event->warning);
    assert_non_null(strstr(event->text, aside));
    data_event_free(event);
    shelf_expect(s, "");
    (void)shelf_publish(s, file, NULL);
    shelf_stop(s);
    struct stat st;
    assert_int_equal(stat(aside, &st), 0);
    assert_int_equal(st.st_size, 5000);
    shelf_start(s);
    shelf_expect(s, "a");
    shelf_quiet(s);
}

/* The database goes bad while it is in use: nothing that is published is lost. */
static void damage_in_use_is_mended(void **state)
{
    struct shelf *s = *state;
    char path[200];
    (void)snprintf(path, sizeof path, "%s/library.db", s->state);
    (void)shelf_publish(s, shelf_write(s, "a", 2 * MIB, 1), NULL);
    assert_int_equal(unlink(path), 0);
    (void)shelf_publish(s, shelf_write(s, "b", 100, 2), NULL);
    shelf_stop(s);
    shelf_start(s);
    shelf_expect(s, "a b");
}

/* Serving and publishing go on without room; what could not be saved is saved with what comes. */
static void a_full_disk_is_told_once(void **state)
{
    struct shelf *s = *state;
    struct rlimit before, none;
    (void)shelf_publish(s, shelf_write(s, "a", 100, 1), NULL);
    (void)shelf_write(s, "b", 100, 2);
    (void)shelf_write(s, "c", 100, 3);
    (void)shelf_write(s, "d", 100, 4);
    assert_true(signal(SIGXFSZ, SIG_IGN) != SIG_ERR);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
    none = before;
    none.rlim_cur = 1;
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &none), 0);
    library_publish(&s->library, 1, shelf_path(s, "b"), NULL);
    struct data_event *event = shelf_event(s);
    assert_int_equal(event->type, DATA_NOTE);
    assert_true(event->warning);
    assert_non_null(strstr(event->text, "library.db"));
    data_event_free(event);
    data_event_free(shelf_event_of(s, DATA_FILE_READY));
    (void)shelf_publish(s, shelf_path(s, "c"), NULL);
    shelf_expect(s, "a b c");
    shelf_quiet(s);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
    library_publish(&s->library, 2, shelf_path(s, "d"), NULL);
    event = shelf_event(s);
    assert_int_equal(event->type, DATA_NOTE);
    assert_false(event->warning);
    data_event_free(event);
    data_event_free(shelf_event_of(s, DATA_FILE_READY));
    shelf_stop(s);
    atomic_store(&shelf_hashed, 0);
    shelf_start(s);
    shelf_expect(s, "a b c d");
    assert_int_equal(atomic_load(&shelf_hashed), 0);
}

/* Opening for writing takes room, too: without it, what was published is read and served. */
static void a_disk_that_is_full_at_first_is_lived_with(void **state)
{
    struct shelf *s = *state;
    struct rlimit before, none;
    (void)shelf_publish(s, shelf_write(s, "a", 100, 1), NULL);
    (void)shelf_publish(s, shelf_write(s, "b", 2 * MIB, 2), NULL);
    shelf_stop(s);
    assert_true(signal(SIGXFSZ, SIG_IGN) != SIG_ERR);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
    none = before;
    none.rlim_cur = 1;
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &none), 0);
    shelf_start(s);
    shelf_expect(s, "a b");
    struct data_event *event = shelf_event(s);
    assert_int_equal(event->type, DATA_NOTE);
    assert_true(event->warning);
    data_event_free(event);
    assert_true(library_unpublish(&s->library, "a"));
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
    (void)shelf_publish(s, shelf_write(s, "c", 100, 3), NULL);
    shelf_expect(s, "b c");
    shelf_stop(s);
    shelf_start(s);
    shelf_expect(s, "b c");
}

static void unpublished_names_are_gone(void **state)
{
    struct shelf *s = *state;
    (void)shelf_publish(s, shelf_write(s, "a", 100, 1), NULL);
    assert_true(library_unpublish(&s->library, "a"));
    assert_false(library_unpublish(&s->library, "a"));
    shelf_expect(s, "");
    shelf_stop(s);
    shelf_start(s);
    shelf_expect(s, "");
}

static void newer_publish_of_a_name_wins(void **state)
{
    struct shelf *s = *state;
    const char *path = shelf_write(s, "large", 16 * MIB, 1);
    for (uint64_t tag = 1; tag <= 5; tag++) {
        library_publish(&s->library, tag, path, NULL);
    }
    unsigned superseded = 0;
    for (;;) {
        struct data_event *event = shelf_event(s);
        bool ready = event->type == DATA_FILE_READY;
        superseded += !ready && event->error == PS_E_SUPERSEDED;
        bool last = ready && event->tag == 5;
        data_event_free(event);
        if (last) {
            break;
        }
    }
    assert_int_equal(superseded, 4);
    library_publish(&s->library, 9, shelf_write(s, "other", 16 * MIB, 2), "large");
    assert_true(library_cancel(&s->library, 9));
    struct data_event *event = shelf_event(s);
    assert_int_equal(event->type, DATA_PUBLISH_FAILED);
    assert_int_equal(event->error, PS_E_CANCELLED);
    data_event_free(event);
    shelf_expect(s, "large");
}

static void failed_publish_leaves_the_older_entry_to_be_hashed(void **state)
{
    struct shelf *s = *state;
    (void)shelf_publish(s, shelf_write(s, "f", 64 * MIB, 1), NULL);
    shelf_stop(s);
    (void)shelf_write(s, "f", 64 * MIB, 2);
    shelf_start(s);
    library_publish(&s->library, 7, "/nonexistent/f", NULL);
    data_event_free(shelf_event_of(s, DATA_PUBLISH_FAILED));
    struct data_event *event = shelf_event_of(s, DATA_FILE_READY);
    assert_int_equal(event->tag, 0);
    data_event_free(event);
    shelf_expect(s, "f");
}

static void without_a_place_nothing_is_kept(void **state)
{
    struct shelf *s = *state;
    shelf_stop(s);
    s->cfg.state_dir = NULL;
    shelf_start(s);
    const char *path = shelf_write(s, "f", 2 * MIB, 1);
    (void)shelf_publish(s, path, NULL);
    library_hash(&s->library, 1, path);
    data_event_free(shelf_event_of(s, DATA_HASHED));
    shelf_expect(s, "f");
    shelf_stop(s);
    shelf_start(s);
    shelf_expect(s, "");
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, make, shelf_end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(what_is_no_readable_file_is_refused),
        TEST(files_hash_to_the_vectors),
        TEST(all_threads_hash_one_file),
        TEST(large_and_small_files_take_turns),
        TEST(published_files_return_at_once),
        TEST(a_known_file_is_not_hashed_again),
        TEST(a_file_is_hashed_without_being_published),
        TEST(a_file_that_changes_meanwhile_is_refused),
        TEST(hashing_ends_at_once_when_it_is_cancelled),
        TEST(closing_ends_what_is_being_hashed),
        TEST(lost_hashes_are_made_again),
        TEST(changed_and_vanished_files_are_noticed_at_load),
        TEST(links_are_followed_at_publishing_only),
        TEST(a_damaged_database_is_kept_aside),
        TEST(damage_in_use_is_mended),
        TEST(a_full_disk_is_told_once),
        TEST(a_disk_that_is_full_at_first_is_lived_with),
        TEST(unpublished_names_are_gone),
        TEST(newer_publish_of_a_name_wins),
        TEST(failed_publish_leaves_the_older_entry_to_be_hashed),
        TEST(without_a_place_nothing_is_kept),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
