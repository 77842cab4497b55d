/* What is published: hashing, keeping, looking again, refusing. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "fixture.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define MIB 1048576u

static int make(void **state)
{
    struct node *n = malloc(sizeof *n);
    node_make(n);
    node_start(n);
    *state = n;
    return 0;
}

static int end(void **state)
{
    node_end(*state);
    free(*state);
    return 0;
}

static void assert_refused(struct node *n, const char *path, const char *name, unsigned error,
                           const char *text)
{
    data_publish(n->data, 7, path, name);
    struct data_event *event = node_event(n);
    assert_int_equal(event->type, DATA_PUBLISH_FAILED);
    assert_int_equal(event->tag, 7);
    assert_int_equal(event->error, error);
    assert_non_null(strstr(event->text, text));
    data_event_free(event);
}

static void assert_listed(struct node *n, size_t count, const char *first, bool ready)
{
    size_t have = 0;
    struct data_file *files = data_files(n->data, &have);
    assert_int_equal(have, count);
    if (count > 0) {
        assert_string_equal(files[0].name, first);
        assert_int_equal(files[0].ready, ready);
    }
    data_files_free(files, have);
}

static void what_is_no_readable_file_is_refused(void **state)
{
    struct node *n = *state;
    char fifo[200];
    (void)snprintf(fifo, sizeof fifo, "%s/fifo", n->files);
    assert_int_equal(mkfifo(fifo, 0600), 0);
    assert_refused(n, fifo, NULL, PS_E_IO, "not a regular file");
    assert_refused(n, "/dev/null", NULL, PS_E_IO, "not a regular file");
    assert_refused(n, n->files, NULL, PS_E_IO, "folder");
    assert_refused(n, "/tmp/there/is/no/such/file", NULL, PS_E_IO, "no such file");
    assert_refused(n, "/etc/", NULL, PS_E_IO, "folder");
    assert_refused(n, "/etc/passwd", "../x", PS_E_BAD_NAME, "cannot be used");
    assert_refused(n, "/etc/passwd", "", PS_E_BAD_NAME, "cannot be used");
    assert_listed(n, 0, NULL, false);
}

static void published_files_return_at_once(void **state)
{
    struct node *n = *state;
    ps_content small = node_publish(n, node_write(n, "small", 1000, 1));
    ps_content large = node_publish(n, node_write(n, "large", 3 * MIB + 1, 2));
    assert_int_equal(small.length, 1000);
    assert_int_equal(large.length, 3 * MIB + 1);
    node_stop(n);
    node_start(n);
    size_t have = 0;
    struct data_file *files = data_files(n->data, &have);
    assert_int_equal(have, 2);
    assert_true(files[0].ready && files[1].ready);
    assert_string_equal(files[0].name, "large");
    assert_true(ps_content_equal(&files[0].content, &large));
    assert_true(ps_content_equal(&files[1].content, &small));
    data_files_free(files, have);
}

static void lost_tree_is_made_again(void **state)
{
    struct node *n = *state;
    ps_content large = node_publish(n, node_write(n, "large", 2 * MIB + 1, 2));
    node_stop(n);
    char command[300];
    (void)snprintf(command, sizeof command, "truncate -s 10 %s/trees/*", n->state);
    assert_int_equal(system(command), 0);
    node_start(n);
    struct data_event *event = node_event(n);
    assert_int_equal(event->type, DATA_FILE_READY);
    assert_int_equal(event->tag, 0);
    assert_false(event->changed);
    assert_true(ps_content_equal(&event->content, &large));
    data_event_free(event);
}

static void changed_and_vanished_files_are_noticed_at_load(void **state)
{
    struct node *n = *state;
    ps_content before = node_publish(n, node_write(n, "a", 100, 1));
    (void)node_publish(n, node_write(n, "b", 100, 1));
    node_stop(n);
    (void)node_write(n, "a", 100, 2);
    assert_int_equal(unlink(node_write(n, "b", 100, 2)), 0);
    node_start(n);
    bool ready = false, gone = false;
    while (!ready || !gone) {
        struct data_event *event = node_event(n);
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
    assert_listed(n, 1, "a", true);
}

static void broken_registry_is_kept_aside(void **state)
{
    struct node *n = *state;
    (void)node_publish(n, node_write(n, "a", 100, 1));
    node_stop(n);
    char path[200];
    (void)snprintf(path, sizeof path, "%s/published", n->state);
    FILE *f = fopen(path, "a");
    assert_non_null(f);
    assert_true(fputs("rubbish\n", f) >= 0);
    assert_int_equal(fclose(f), 0);
    node_start(n);
    struct data_event *event = node_event(n);
    assert_int_equal(event->type, DATA_NOTE);
    assert_true(event->warning);
    assert_non_null(strstr(event->text, "line 4"));
    data_event_free(event);
    assert_listed(n, 1, "a", true);
    node_stop(n);
    (void)strncat(path, ".broken-1", sizeof path - strlen(path) - 1);
    assert_int_equal(access(path, F_OK), 0);
    node_start(n);
    assert_listed(n, 1, "a", true);
}

static void unpublished_names_are_gone(void **state)
{
    struct node *n = *state;
    (void)node_publish(n, node_write(n, "a", 100, 1));
    assert_true(data_unpublish(n->data, "a"));
    assert_false(data_unpublish(n->data, "a"));
    assert_listed(n, 0, NULL, false);
    node_stop(n);
    node_start(n);
    assert_listed(n, 0, NULL, false);
}

static void newer_publish_of_a_name_wins(void **state)
{
    struct node *n = *state;
    const char *path = node_write(n, "large", 16 * MIB, 1);
    for (uint64_t tag = 1; tag <= 5; tag++) {
        data_publish(n->data, tag, path, NULL);
    }
    unsigned superseded = 0;
    for (;;) {
        struct data_event *event = node_event(n);
        bool ready = event->type == DATA_FILE_READY;
        superseded += !ready && event->error == PS_E_SUPERSEDED;
        bool last = ready && event->tag == 5;
        data_event_free(event);
        if (last) {
            break;
        }
    }
    assert_int_equal(superseded, 4);
    data_publish(n->data, 9, node_write(n, "other", 16 * MIB, 2), "large");
    data_cancel(n->data, 9);
    struct data_event *event = node_event(n);
    assert_int_equal(event->type, DATA_PUBLISH_FAILED);
    assert_int_equal(event->error, PS_E_CANCELLED);
    data_event_free(event);
    assert_listed(n, 1, "large", true);
}

static void failed_publish_leaves_the_older_entry_to_be_hashed(void **state)
{
    struct node *n = *state;
    (void)node_publish(n, node_write(n, "f", 64 * MIB, 1));
    node_stop(n);
    (void)node_write(n, "f", 64 * MIB, 2);
    node_start(n);
    data_publish(n->data, 7, "/nonexistent/f", NULL);
    data_event_free(node_event_of(n, DATA_PUBLISH_FAILED));
    struct data_event *event = node_event_of(n, DATA_FILE_READY);
    assert_int_equal(event->tag, 0);
    data_event_free(event);
    assert_listed(n, 1, "f", true);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(what_is_no_readable_file_is_refused, make, end),
        cmocka_unit_test_setup_teardown(published_files_return_at_once, make, end),
        cmocka_unit_test_setup_teardown(lost_tree_is_made_again, make, end),
        cmocka_unit_test_setup_teardown(changed_and_vanished_files_are_noticed_at_load, make, end),
        cmocka_unit_test_setup_teardown(broken_registry_is_kept_aside, make, end),
        cmocka_unit_test_setup_teardown(unpublished_names_are_gone, make, end),
        cmocka_unit_test_setup_teardown(newer_publish_of_a_name_wins, make, end),
        cmocka_unit_test_setup_teardown(failed_publish_leaves_the_older_entry_to_be_hashed, make,
                                        end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
