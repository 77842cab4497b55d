/* What was told to be published is kept, whatever becomes of the process. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "shelf.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define MIB   1048576u
#define FILES 600u

/* As on a file system that has no links. */
static atomic_bool no_links;

int link(const char *from, const char *to)
{
    if (atomic_load(&no_links)) {
        errno = EPERM;
        return -1;
    }
    return linkat(AT_FDCWD, from, AT_FDCWD, to, 0);
}

static void name_of(char name[16], unsigned i)
{
    (void)snprintf(name, 16, "f%u", i);
}

/* In a process of its own: publishes all, and writes the tag of each that it is told of. It takes
 * every third back, and publishes it again. */
static void publish_all(struct shelf *s, int told)
{
    char name[16];
    shelf_start(s);
    for (unsigned i = 0; i < FILES; i++) {
        name_of(name, i);
        library_publish(&s->library, i + 1, shelf_path(s, name), NULL);
    }
    for (;;) {
        struct data_event *event = shelf_event(s);
        const unsigned tag = (unsigned)event->tag;
        if (event->type != DATA_FILE_READY || write(told, &tag, sizeof tag) != sizeof tag) {
            _exit(1);
        }
        if (tag % 3 == 0 && tag <= FILES) {
            char *again = strdup(event->name);
            (void)library_unpublish(&s->library, again);
            library_publish(&s->library, tag + FILES, shelf_path(s, again), NULL);
            free(again);
        }
        data_event_free(event);
    }
}

/* Kills the process after it has told of so many. @return how many it has told of in the end. */
static unsigned kill_after(struct shelf *s, unsigned count, bool told[FILES], bool again[FILES])
{
    int told_by[2];
    assert_int_equal(pipe(told_by), 0);
    const pid_t child = fork();
    if (child == 0) {
        (void)close(told_by[0]);
        publish_all(s, told_by[1]);
    }
    assert_true(child > 0);
    (void)close(told_by[1]);
    unsigned n = 0;
    for (unsigned tag = 0; read(told_by[0], &tag, sizeof tag) == (ssize_t)sizeof tag; n++) {
        bool *one = tag > FILES ? &again[tag - 1 - FILES] : &told[tag - 1];
        *one = true;
        if (n + 1 == count) {
            assert_int_equal(kill(child, SIGKILL), 0);
        }
    }
    int status = 0;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
    (void)close(told_by[0]);
    return n;
}

static void told_is_kept_when_the_process_is_killed(void **state)
{
    static const unsigned counts[] = {1, 2, 50, 51, 199, 300, 550, FILES};
    struct shelf *s = *state;
    for (unsigned i = 0; i < FILES; i++) {
        char name[16];
        name_of(name, i);
        (void)shelf_write(s, name, 100 + i, i);
    }
    for (size_t round = 0; round < sizeof counts / sizeof counts[0]; round++) {
        bool told[FILES] = {false}, again[FILES] = {false};
        assert_true(kill_after(s, counts[round], told, again) >= counts[round]);
        atomic_store(&shelf_hashed, 0);
        shelf_start(s);
        size_t n = 0;
        struct data_file *files = library_files(&s->library, &n);
        assert_int_equal(atomic_load(&shelf_hashed), 0);
        for (size_t i = 0; i < n; i++) {
            const unsigned index = (unsigned)strtoul(files[i].name + 1, NULL, 10);
            assert_true(files[i].ready);
            told[index] = false;
            again[index] = false;
        }
        for (unsigned i = 0; i < FILES; i++) {
            /* Every third was being taken back, until it was told again. */
            assert_false(again[i] || (told[i] && (i + 1) % 3 != 0));
        }
        for (size_t i = 0; i < n; i++) {
            assert_true(library_unpublish(&s->library, files[i].name));
        }
        data_files_free(files, n);
        shelf_quiet(s);
        shelf_stop(s);
    }
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
    bool ready = false, away = false;
    while (!ready || !away) {
        struct data_event *event = shelf_event(s);
        if (event->type == DATA_FILE_READY) {
            ready = true;
            assert_string_equal(event->name, "a");
            assert_true(event->changed);
            assert_false(ps_content_equal(&event->content, &before));
        } else {
            away = true;
            assert_int_equal(event->type, DATA_FILE_AWAY);
            assert_string_equal(event->name, "b");
        }
        data_event_free(event);
    }
    shelf_stop(s);
    (void)shelf_write(s, "b", 100, 1);
    shelf_start(s);
    data_event_free(shelf_event_of(s, DATA_FILE_READY)); /* Written anew, it has other times. */
    shelf_expect(s, "a b");
    shelf_quiet(s);
}

static void damage_and_mend(struct shelf *s, const char *name)
{
    char path[200], aside[220];
    const char *file = shelf_write(s, "a", 100, 1);
    (void)shelf_publish(s, file, NULL);
    shelf_stop(s);
    (void)snprintf(path, sizeof path, "%s/library.db", s->state);
    (void)snprintf(aside, sizeof aside, "%s.%s", path, name);
    assert_int_equal(truncate(path, 5000), 0);
    shelf_start(s);
    struct data_event *event = shelf_event(s);
    assert_int_equal(event->type, DATA_NOTE);
    assert_true(event->warning);
    assert_non_null(strstr(event->text, aside));
    assert_non_null(strstr(event->text, "publish your files again"));
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

static void a_damaged_database_is_kept_aside(void **state)
{
    damage_and_mend(*state, "broken-1");
}

static void it_is_where_there_are_no_links(void **state)
{
    atomic_store(&no_links, true);
    damage_and_mend(*state, "broken-1");
    assert_true(library_unpublish(&((struct shelf *)*state)->library, "a"));
    damage_and_mend(*state, "broken-2");
    atomic_store(&no_links, false);
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

#define TEST(function) cmocka_unit_test_setup_teardown(function, shelf_open, shelf_end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(told_is_kept_when_the_process_is_killed, shelf_make,
                                        shelf_end),
        TEST(lost_hashes_are_made_again),
        TEST(changed_and_vanished_files_are_noticed_at_load),
        TEST(a_damaged_database_is_kept_aside),
        TEST(it_is_where_there_are_no_links),
        TEST(damage_in_use_is_mended),
        TEST(a_full_disk_is_told_once),
        TEST(a_disk_that_is_full_at_first_is_lived_with),
        TEST(without_a_place_nothing_is_kept),
        TEST(published_files_return_at_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
