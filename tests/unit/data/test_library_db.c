/* The library's database: what it keeps, for how long, and what it makes of damage. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "shelf.h"

#include "../transfer/content.h"
#include "peersync/crypto_openssl.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

struct desk {
    char dir[32];
    char path[64];
    struct events events;
    struct library_db db;
};

static bool open_db(struct desk *d)
{
    char why[256] = "";
    return library_db_open(&d->db, d->dir, ps_crypto_sodium(), &d->events, why, sizeof why);
}

static int make(void **state)
{
    struct desk *d = calloc(1, sizeof *d);
    assert_non_null(d);
    (void)snprintf(d->dir, sizeof d->dir, "/tmp/peersync-db-XXXXXX");
    assert_non_null(mkdtemp(d->dir));
    (void)snprintf(d->path, sizeof d->path, "%s/library.db", d->dir);
    events_init(&d->events, NULL, NULL);
    assert_true(open_db(d));
    *state = d;
    return 0;
}

static int end(void **state)
{
    struct desk *d = *state;
    char command[64];
    library_db_close(&d->db);
    events_destroy(&d->events);
    (void)snprintf(command, sizeof command, "rm -r %s", d->dir);
    assert_int_equal(system(command), 0);
    free(d);
    return 0;
}

static void reopen(struct desk *d)
{
    library_db_close(&d->db);
    assert_true(open_db(d));
}

/* An entry of a file that `seed` makes up. */
static struct entry *entry_of(const char *name, const char *path, uint64_t length, uint8_t seed)
{
    const ps_posix_file file = {.size = length,
                                .device = UINT64_MAX,
                                .inode = seed + UINT64_C(1),
                                .mtime_ns = -seed,
                                .ctime_ns = INT64_MAX - seed};
    ps_content content = {.length = length};
    ps_node *tree = tree_alloc(length);
    memset(content.root, seed + 1, PS_ROOT_BYTES);
    if (tree) {
        memset(tree, seed, ps_piece_count(length) * sizeof *tree);
        ps_tree_build(ps_crypto_sodium(), length, tree);
        memcpy(content.root, tree[ps_tree_nodes(length) - 1].bytes, PS_ROOT_BYTES);
    }
    return entry_new(name, path, &file, &content, tree);
}

static enum db_status put(struct desk *d, const char *name, const char *path, uint64_t length,
                          uint8_t seed)
{
    struct entry *e = entry_of(name, path, length, seed);
    const struct change change = {.entry = e, .listed = name[0] != '\0', .hashed = true};
    const enum db_status status = library_db_write(&d->db, false, &change);
    entry_drop(e);
    return status;
}

static enum db_status take_back(struct desk *d, const char *name)
{
    char copy[16];
    (void)snprintf(copy, sizeof copy, "%s", name);
    return library_db_write(&d->db, false, &(struct change){.name = copy});
}

static bool keeps(struct desk *d, const char *path, uint64_t length, uint8_t seed)
{
    struct entry *e = entry_of("", path, length, seed);
    ps_content content;
    ps_node *tree = NULL;
    bool found = library_db_find(&d->db, path, &e->file, &content, &tree);
    if (found) {
        assert_true(ps_content_equal(&content, &e->content));
        assert_true((tree != NULL) == (e->tree != NULL));
        if (tree) {
            assert_memory_equal(tree, e->tree, ps_tree_nodes(length) * sizeof *tree);
        }
    } else {
        assert_null(tree);
    }
    free(tree);
    entry_drop(e);
    return found;
}

static void add_name(void *ctx, struct entry *e)
{
    char *names = ctx;
    (void)sprintf(names + strlen(names), "%s=%s%s ", e->name, e->path, entry_hashed(e) ? "" : "?");
    entry_drop(e);
}

static void assert_lists(struct desk *d, const char *expected)
{
    char names[512] = "";
    assert_int_equal(library_db_list(&d->db, add_name, names), DB_OK);
    assert_string_equal(names, expected);
}

static void run(const struct desk *d, const char *sql)
{
    sqlite3 *db = NULL;
    assert_int_equal(sqlite3_open(d->path, &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_close(db), SQLITE_OK);
}

/* The counter of uses comes from the file, which may say anything. */
static void a_last_use_at_the_end_of_numbers_is_survived(void **state)
{
    struct desk *d = *state;
    assert_int_equal(put(d, "a", "/x/a", 100, 1), DB_OK);
    library_db_close(&d->db);
    run(d, "UPDATE hashes SET used = 9223372036854775807");
    assert_true(open_db(d));
    assert_int_equal(put(d, "b", "/x/b", 100, 2), DB_OK);
    assert_int_equal(put(d, "c", "/x/c", 100, 3), DB_OK);
    assert_true(d->db.uses == INT64_MAX); /* Not the least of all, which goes first. */
    reopen(d);
    assert_lists(d, "a=/x/a b=/x/b c=/x/c ");
    assert_true(keeps(d, "/x/c", 100, 3));
}

static void what_is_written_is_there_again(void **state)
{
    struct desk *d = *state;
    assert_int_equal(put(d, "b", "/x/b", 100, 1), DB_OK);
    assert_int_equal(put(d, "a", "/x/a\xff\n", 3 * PS_PIECE_BYTES + 1, 2), DB_OK);
    assert_int_equal(put(d, "empty", "/x/e", 0, 255), DB_OK);
    assert_int_equal(put(d, "", "/x/only", 100, 3), DB_OK);
    reopen(d);
    assert_lists(d, "a=/x/a\xff\n b=/x/b empty=/x/e ");
    assert_true(keeps(d, "/x/b", 100, 1));
    assert_true(keeps(d, "/x/a\xff\n", 3 * PS_PIECE_BYTES + 1, 2));
    assert_true(keeps(d, "/x/only", 100, 3));
    assert_false(keeps(d, "/x/b", 100, 2));
    assert_false(keeps(d, "/x/c", 100, 1));
    assert_int_equal(put(d, "a", "/y", 5, 4), DB_OK);
    assert_int_equal(take_back(d, "b"), DB_OK);
    assert_int_equal(take_back(d, "none"), DB_OK);
    reopen(d);
    assert_lists(d, "a=/y empty=/x/e ");
    assert_true(keeps(d, "/x/b", 100, 1)); /* Taken back is not forgotten. */
}

static void all_that_is_published_is_written_anew(void **state)
{
    struct desk *d = *state;
    assert_int_equal(put(d, "a", "/a", 100, 1), DB_OK);
    struct change change = {.entry = entry_of("b", "/b", 100, 2), .listed = true, .hashed = true};
    assert_int_equal(library_db_write(&d->db, true, &change), DB_OK);
    entry_drop(change.entry);
    assert_lists(d, "b=/b ");
    assert_int_equal(library_db_write(&d->db, true, NULL), DB_OK);
    assert_lists(d, "");
}

/* All or nothing. */
static void a_failure_leaves_what_was(void **state)
{
    struct desk *d = *state;
    assert_int_equal(put(d, "a", "/a", 100, 1), DB_OK);
    sqlite3 *other = NULL;
    assert_int_equal(sqlite3_open(d->path, &other), SQLITE_OK);
    assert_int_equal(sqlite3_exec(other, "BEGIN IMMEDIATE", NULL, NULL, NULL), SQLITE_OK);
    assert_int_equal(put(d, "b", "/b", 100, 2), DB_FAILED);
    assert_non_null(strstr(library_db_fault(&d->db), "locked"));
    assert_true(keeps(d, "/a", 100, 1)); /* Reading goes on. */
    assert_int_equal(sqlite3_close(other), SQLITE_OK);
    (void)sqlite3_limit(d->db.writer.db, SQLITE_LIMIT_LENGTH, 200);
    struct entry *small = entry_of("b", "/b", 100, 2);
    struct entry *large = entry_of("c", "/c", 100 * (uint64_t)PS_PIECE_BYTES, 3);
    struct change second = {.entry = large, .listed = true, .hashed = true};
    struct change first = {.next = &second, .entry = small, .listed = true, .hashed = true};
    assert_int_equal(library_db_write(&d->db, true, &first), DB_FAILED);
    assert_lists(d, "a=/a ");
    assert_int_equal(d->db.hashes, 1);
    entry_drop(small);
    entry_drop(large);
}

static void what_was_used_least_recently_goes_first(void **state)
{
    struct desk *d = *state;
    d->db.max_hashes = 4;
    assert_int_equal(put(d, "p", "/p", 100, 1), DB_OK);
    assert_int_equal(put(d, "", "/a", 100, 2), DB_OK);
    assert_int_equal(put(d, "", "/b", 100, 3), DB_OK);
    assert_int_equal(put(d, "", "/c", 100, 4), DB_OK);
    struct entry *e = entry_of("", "/a", 100, 2);
    assert_int_equal(library_db_write(&d->db, false, &(struct change){.entry = e}), DB_OK);
    entry_drop(e);
    reopen(d);
    d->db.max_hashes = 4;
    assert_int_equal(put(d, "", "/d", 100, 5), DB_OK);
    assert_true(keeps(d, "/p", 100, 1));
    assert_true(keeps(d, "/a", 100, 2));
    assert_false(keeps(d, "/b", 100, 3));
    assert_true(keeps(d, "/c", 100, 4));
    assert_int_equal(put(d, "", "/c", 100, 6), DB_OK); /* In the other's place. */
    assert_true(keeps(d, "/a", 100, 2));
    assert_int_equal(d->db.hashes, 4);
    /* Layers are counted, too. */
    d->db.max_layer_bytes = 5 * sizeof(ps_node);
    assert_int_equal(put(d, "q", "/q", 4 * PS_PIECE_BYTES, 7), DB_OK);
    assert_true(keeps(d, "/c", 100, 6));
    assert_int_equal(put(d, "", "/r", 2 * PS_PIECE_BYTES, 8), DB_OK);
    assert_false(keeps(d, "/c", 100, 6));
    assert_false(keeps(d, "/r", 2 * PS_PIECE_BYTES, 8));
    assert_true(keeps(d, "/p", 100, 1)); /* What is published stays. */
    assert_true(keeps(d, "/q", 4 * PS_PIECE_BYTES, 7));
    d->db.max_hashes = 1;
    assert_int_equal(put(d, "s", "/s", 100, 9), DB_OK);
    assert_int_equal(d->db.hashes, 3);
    assert_int_equal(d->db.layer_bytes, 4 * sizeof(ps_node));
    assert_true(keeps(d, "/p", 100, 1) && keeps(d, "/s", 100, 9));
}

static void only_its_owner_reads_it(void **state)
{
    struct desk *d = *state;
    struct stat st;
    char log[80];
    (void)snprintf(log, sizeof log, "%s-wal", d->path);
    assert_int_equal(put(d, "a", "/a", 100, 1), DB_OK);
    assert_int_equal(stat(d->path, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    assert_int_equal(stat(log, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    library_db_close(&d->db);
    assert_int_equal(chmod(d->path, 0644), 0);
    assert_true(open_db(d));
    assert_int_equal(stat(d->path, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
}

static void assert_kept_aside(struct desk *d, unsigned number)
{
    char aside[80];
    (void)snprintf(aside, sizeof aside, "%s.broken-%u", d->path, number);
    struct data_event *event = events_next(&d->events);
    assert_non_null(event);
    assert_int_equal(event->type, DATA_NOTE);
    assert_true(event->warning);
    assert_non_null(strstr(event->text, aside));
    data_event_free(event);
    assert_null(events_next(&d->events));
    assert_int_equal(access(aside, F_OK), 0);
    assert_lists(d, "");
    assert_int_equal(put(d, "a", "/a", 100, 1), DB_OK);
    reopen(d);
    assert_lists(d, "a=/a ");
    library_db_close(&d->db);
}

static void write_at(const struct desk *d, const void *bytes, size_t len, off_t at)
{
    const int fd = open(d->path, O_WRONLY);
    assert_true(fd >= 0);
    assert_int_equal(pwrite(fd, bytes, len, at), len);
    assert_int_equal(close(fd), 0);
}

static void what_cannot_be_used_is_kept_aside(void **state)
{
    struct desk *d = *state;
    static const uint8_t rubbish[8192] = {1, 2, 3};
    assert_int_equal(put(d, "x", "/x", 100, 1), DB_OK);
    library_db_close(&d->db);
    struct stat st;
    assert_int_equal(stat(d->path, &st), 0);

    assert_int_equal(truncate(d->path, st.st_size / 4096 / 2 * 4096), 0);
    assert_true(open_db(d));
    assert_kept_aside(d, 1);

    assert_int_equal(truncate(d->path, 99), 0);
    assert_true(open_db(d));
    assert_kept_aside(d, 2);

    write_at(d, rubbish, sizeof rubbish, 0);
    assert_true(open_db(d));
    assert_kept_aside(d, 3);

    write_at(d, rubbish, sizeof rubbish, 4096);
    assert_true(open_db(d));
    assert_kept_aside(d, 4);

    run(d, "PRAGMA user_version = 2");
    assert_true(open_db(d));
    assert_kept_aside(d, 5);

    run(d, "PRAGMA application_id = 7");
    assert_true(open_db(d));
    assert_kept_aside(d, 6);

    run(d, "DROP TABLE published");
    assert_true(open_db(d));
    assert_kept_aside(d, 7);

    run(d, "DROP TABLE published; DROP TABLE hashes; PRAGMA application_id = 0;"
           "PRAGMA user_version = 0; CREATE TABLE another(program);");
    assert_true(open_db(d));
    assert_kept_aside(d, 8);

    /* Nothing at all is a beginning. */
    assert_int_equal(truncate(d->path, 0), 0);
    assert_true(open_db(d));
    assert_lists(d, "");
}

/* Each byte of the file in turn is another: it is read, or kept aside; nothing else. */
static void any_byte_may_be_wrong(void **state)
{
    struct desk *d = *state;
    assert_int_equal(put(d, "x", "/x", 100, 1), DB_OK);
    assert_int_equal(put(d, "y", "/y", 3 * PS_PIECE_BYTES, 2), DB_OK);
    library_db_close(&d->db);
    uint8_t good[65536];
    const int fd = open(d->path, O_RDONLY);
    const ssize_t len = read(fd, good, sizeof good);
    assert_true(len > 4096 && len < (ssize_t)sizeof good);
    assert_int_equal(close(fd), 0);
    for (ssize_t at = 0; at < len; at += at < 128 ? 1 : 41) {
        const uint8_t bad = good[at] ^ 0x55;
        char names[512] = "", aside[80];
        (void)snprintf(aside, sizeof aside, "%s.broken-1", d->path);
        assert_int_equal(truncate(d->path, len), 0);
        write_at(d, good, (size_t)len, 0);
        write_at(d, &bad, 1, at);
        assert_true(open_db(d));
        enum db_status status = library_db_list(&d->db, add_name, names);
        (void)keeps(d, "/y", 3 * PS_PIECE_BYTES, 2);
        if (status == DB_DAMAGED) {
            assert_true(library_db_renew(&d->db, "", &d->events));
        }
        assert_int_equal(put(d, "z", "/z", 100, 3), DB_OK);
        library_db_close(&d->db);
        (void)unlink(aside);
        for (struct data_event *e; (e = events_next(&d->events)) != NULL;) {
            data_event_free(e);
        }
    }
    assert_true(open_db(d));
}

static void what_cannot_be_opened_is_told(void **state)
{
    struct desk *d = *state;
    char why[256] = "";
    char link[80];
    library_db_close(&d->db);
    (void)snprintf(link, sizeof link, "%s.link", d->path);
    assert_int_equal(rename(d->path, link), 0);
    assert_int_equal(symlink(link, d->path), 0);
    assert_false(library_db_open(&d->db, d->dir, ps_crypto_sodium(), &d->events, why, sizeof why));
    assert_non_null(strstr(why, d->path));
    library_db_close(&d->db);
    assert_int_equal(unlink(d->path), 0);
    assert_int_equal(mkfifo(d->path, 0600), 0);
    assert_false(library_db_open(&d->db, d->dir, ps_crypto_sodium(), &d->events, why, sizeof why));
    assert_non_null(strstr(why, "not a regular file"));
    library_db_close(&d->db);
    assert_int_equal(unlink(d->path), 0);
    assert_false(library_db_open(&d->db, "/nowhere/at/all", ps_crypto_sodium(), &d->events, why,
                                 sizeof why));
}

static void what_was_removed_is_made_again(void **state)
{
    struct desk *d = *state;
    assert_int_equal(put(d, "x", "/x", 100, 1), DB_OK);
    assert_int_equal(unlink(d->path), 0);
    assert_int_equal(put(d, "x", "/x", 100, 1), DB_DAMAGED);
    assert_true(library_db_renew(&d->db, "", &d->events));
    data_event_free(events_next(&d->events));
    assert_lists(d, "");
    assert_int_equal(put(d, "y", "/y", 100, 1), DB_OK);
    reopen(d);
    assert_lists(d, "y=/y ");
}

static bool scarce;

/* SQLite's open(): no descriptor is free for whoever wants to write. */
static int open_scarce(const char *path, int flags, int mode)
{
    if (scarce && (flags & O_ACCMODE) == O_RDWR) {
        errno = EMFILE;
        return -1;
    }
    return open(path, flags, mode);
}

/* SQLite falls back to reading then. That is no damage: nothing is kept aside. */
static void what_cannot_be_opened_now_stays(void **state)
{
    struct desk *d = *state;
    char why[256] = "";
    char aside[80];
    sqlite3_vfs *vfs = sqlite3_vfs_find(NULL);
    (void)snprintf(aside, sizeof aside, "%s.broken-1", d->path);
    assert_int_equal(put(d, "x", "/x", 100, 1), DB_OK);
    library_db_close(&d->db);
    assert_int_equal(
        vfs->xSetSystemCall(vfs, "open", (sqlite3_syscall_ptr)(void (*)(void))open_scarce),
        SQLITE_OK);
    scarce = true;
    assert_false(library_db_open(&d->db, d->dir, ps_crypto_sodium(), &d->events, why, sizeof why));
    library_db_close(&d->db);
    scarce = false;
    assert_int_equal(vfs->xSetSystemCall(vfs, "open", NULL), SQLITE_OK);
    assert_non_null(strstr(why, "unable to open database file"));
    assert_int_not_equal(access(aside, F_OK), 0);
    assert_true(open_db(d));
    assert_lists(d, "x=/x ");
}

static unsigned reads_until_bad;

static ssize_t read_badly(int fd, void *bytes, size_t len, off_t offset)
{
    if (reads_until_bad > 0 && --reads_until_bad == 0) {
        errno = EIO;
        return -1;
    }
    return pread(fd, bytes, len, offset);
}

/* Once. (A disk that goes on failing has lost the file: another is begun.) */
static void what_is_read_badly_once_stays(void **state)
{
    struct desk *d = *state;
    static const char *const calls[] = {"pread", "pread64"};
    sqlite3_vfs *vfs = sqlite3_vfs_find(NULL);
    assert_int_equal(put(d, "x", "/x", 100, 1), DB_OK);
    library_db_close(&d->db);
    for (size_t i = 0; i < 2; i++) {
        assert_int_equal(
            vfs->xSetSystemCall(vfs, calls[i], (sqlite3_syscall_ptr)(void (*)(void))read_badly),
            SQLITE_OK);
    }
    for (unsigned n = 1; n <= 5; n++) {
        reads_until_bad = n;
        assert_true(open_db(d));
        assert_int_equal(reads_until_bad, 0);
        assert_lists(d, "x=/x ");
        library_db_close(&d->db);
    }
    for (size_t i = 0; i < 2; i++) {
        assert_int_equal(vfs->xSetSystemCall(vfs, calls[i], NULL), SQLITE_OK);
    }
    assert_true(open_db(d));
}

/* Whatever of its files there is no descriptor for, it says so. */
static void a_lack_of_descriptors_is_told_from_a_broken_file(void **state)
{
    struct desk *d = *state;
    struct rlimit all;
    unsigned failures = 0;
    library_db_close(&d->db);
    const int lowest = dup(0);
    assert_return_code(lowest, errno);
    assert_return_code(close(lowest), errno);
    assert_return_code(getrlimit(RLIMIT_NOFILE, &all), errno);
    for (rlim_t room = 0; failures == room; room++) {
        const struct rlimit some = {.rlim_cur = (rlim_t)lowest + room, .rlim_max = all.rlim_max};
        assert_return_code(setrlimit(RLIMIT_NOFILE, &some), errno);
        if (!open_db(d)) {
            assert_int_equal(d->db.number, EMFILE);
            library_db_close(&d->db);
            failures++;
        }
    }
    assert_return_code(setrlimit(RLIMIT_NOFILE, &all), errno);
    assert_true(failures >= 3); /* The file twice, its log, ... */
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, make, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(what_is_written_is_there_again),
        TEST(all_that_is_published_is_written_anew),
        TEST(a_failure_leaves_what_was),
        TEST(what_was_used_least_recently_goes_first),
        TEST(only_its_owner_reads_it),
        TEST(what_cannot_be_used_is_kept_aside),
        TEST(any_byte_may_be_wrong),
        TEST(what_cannot_be_opened_is_told),
        TEST(what_was_removed_is_made_again),
        TEST(what_cannot_be_opened_now_stays),
        TEST(what_is_read_badly_once_stays),
        TEST(a_lack_of_descriptors_is_told_from_a_broken_file),
        TEST(a_last_use_at_the_end_of_numbers_is_survived),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
