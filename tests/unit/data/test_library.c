/* What is published: publishing, taking back, refusing, finding. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "shelf.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define MIB 1048576u

static void what_is_no_readable_file_is_refused(void **state)
{
    struct shelf *s = *state;
    const char *fifo = shelf_path(s, "fifo");
    assert_int_equal(mkfifo(fifo, 0600), 0);
    const char *round = shelf_path(s, "round");
    assert_int_equal(symlink(round, round), 0);
    shelf_refused(s, fifo, NULL, PS_E_IO, "not a regular file");
    shelf_refused(s, "/dev/null", NULL, PS_E_IO, "not a regular file");
    shelf_refused(s, s->files, NULL, PS_E_IO, "folder");
    shelf_refused(s, "/tmp/there/is/no/such/file", NULL, PS_E_IO, "no such file");
    shelf_refused(s, round, NULL, PS_E_IO, "links");
    shelf_refused(s, "/etc/", NULL, PS_E_IO, "folder");
    shelf_refused(s, "/etc/passwd", "../x", PS_E_BAD_NAME, "cannot be used");
    shelf_refused(s, "/etc/passwd", "", PS_E_BAD_NAME, "cannot be used");
    shelf_expect(s, "");
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
    assert_int_equal(event->type, DATA_FILE_AWAY);
    assert_string_equal(event->name, "link");
    data_event_free(event);
    assert_int_not_equal(library_find(&s->library, &content, &none), PS_E_NONE);
}

/* Has a published file looked at again. */
static void doubt(struct shelf *s, const ps_content *content)
{
    struct entry *e = NULL;
    assert_int_equal(library_find(&s->library, content, &e), PS_E_NONE);
    library_recheck(&s->library, e);
    entry_drop(e);
}

static void a_file_removed_from_its_folder_is_not_published_any_more(void **state)
{
    struct shelf *s = *state;
    assert_int_equal(mkdir(shelf_path(s, "folder"), 0700), 0);
    const char *path = shelf_write(s, "folder/f", 100, 1);
    ps_content content = shelf_publish(s, path, NULL);
    shelf_stop(s);
    shelf_start(s); /* It is seen at the start as well. */
    assert_int_equal(unlink(path), 0);
    doubt(s, &content);
    struct data_event *event = shelf_event(s);
    assert_int_equal(event->type, DATA_FILE_GONE);
    assert_string_equal(event->name, "f");
    data_event_free(event);
    shelf_expect(s, "");
}

/* The names in the registry, whose file is away. */
static size_t count_away(struct shelf *s)
{
    unsigned hashing = 0;
    unsigned away = 0;
    const size_t n = library_count(&s->library, &hashing, &away);
    assert_int_equal(hashing, 0);
    assert_int_equal(n, away);
    return n;
}

static void expect_away(struct shelf *s)
{
    struct data_event *event = shelf_event(s);
    assert_int_equal(event->type, DATA_FILE_AWAY);
    assert_string_equal(event->name, "f");
    assert_int_equal(event->error, PS_E_IO);
    data_event_free(event);
    assert_int_equal(count_away(s), 1);
}

/* As when a disk is not mounted, or a path cannot be opened for another reason. */
static void a_file_that_may_come_back_stays_published(void **state)
{
    struct shelf *s = *state;
    assert_int_equal(mkdir(shelf_path(s, "folder"), 0700), 0);
    const char *path = shelf_write(s, "folder/f", 100, 1);
    ps_content content = shelf_publish(s, path, NULL);
    assert_int_equal(rename(shelf_path(s, "folder"), shelf_path(s, "was")), 0);
    assert_int_equal(mkdir(shelf_path(s, "folder"), 0700), 0);
    doubt(s, &content);
    expect_away(s);
    shelf_stop(s);
    shelf_start(s);
    expect_away(s);
    assert_int_equal(symlink("f", path), 0); /* ELOOP. */
    shelf_stop(s);
    shelf_start(s);
    expect_away(s);
    shelf_stop(s);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(rmdir(shelf_path(s, "folder")), 0);
    assert_int_equal(rename(shelf_path(s, "was"), shelf_path(s, "folder")), 0);
    shelf_start(s);
    shelf_expect(s, "f");
    doubt(s, &content);
    data_event_free(shelf_event_of(s, DATA_FILE_READY));
    shelf_expect(s, "f");
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

#define TEST(function) cmocka_unit_test_setup_teardown(function, shelf_open, shelf_end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(what_is_no_readable_file_is_refused),
        TEST(a_known_file_is_not_hashed_again),
        TEST(a_file_is_hashed_without_being_published),
        TEST(links_are_followed_at_publishing_only),
        TEST(a_file_removed_from_its_folder_is_not_published_any_more),
        TEST(a_file_that_may_come_back_stays_published),
        TEST(unpublished_names_are_gone),
        TEST(newer_publish_of_a_name_wins),
        TEST(failed_publish_leaves_the_older_entry_to_be_hashed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
