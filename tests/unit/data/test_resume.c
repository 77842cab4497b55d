/* Downloads that go on: after other sources, later sources, a lost network, another life. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "pair.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

/* The path of the one file in the download folder that ends so. */
static const char *left_behind(struct pair *p, const char *ending)
{
    static char path[400];
    DIR *dir = opendir(p->down.downloads);
    assert_non_null(dir);
    path[0] = '\0';
    for (struct dirent *entry; (entry = readdir(dir)) != NULL;) {
        size_t len = strlen(entry->d_name);
        if (len > strlen(ending) && strcmp(entry->d_name + len - strlen(ending), ending) == 0) {
            assert_int_equal(path[0], '\0');
            (void)snprintf(path, sizeof path, "%s/%s", p->down.downloads, entry->d_name);
        }
    }
    (void)closedir(dir);
    assert_int_not_equal(path[0], '\0');
    return path;
}

/* Leaves `kept` bytes of the file "f" behind. */
static ps_content leave_part(struct pair *p, size_t length, uint64_t kept)
{
    struct relay relay;
    ps_content content = pair_publish(p, "f", length, 1);
    relay_start(&relay, RELAY_CLOSE, kept / 2 + 100000, &p->up.addr);
    struct data_source source = pair_source_at(p, &content, &relay.addr);
    struct data_event *event = node_fetch(&p->down, &content, &source, "f");
    assert_int_equal(event->type, DATA_GET_FAILED);
    assert_int_equal(event->error, PS_E_CLOSED);
    assert_int_equal(event->done, kept);
    data_event_free(event);
    relay_stop(&relay);
    return content;
}

/* Fetches the rest; `there` bytes must have been believed. */
static void finish(struct pair *p, const ps_content *content, uint64_t there)
{
    struct data_source source = node_source(&p->up, content);
    pair_start(p, 9, content, &source, 1, "f");
    struct data_event *event;
    if (there > 0) {
        event = node_event_of(&p->down, DATA_GET_RESUMED);
        assert_int_equal(event->done, there);
        assert_int_equal(event->total, content->length);
        data_event_free(event);
    }
    event = node_event_of(&p->down, DATA_GET_DONE);
    assert_int_equal(event->fetched, content->length - there);
    data_event_free(event);
    assert_true(node_has(&p->down, "f", (size_t)content->length, 1));
    assert_int_equal(folder_count(p->down.downloads), 1);
}

static void what_is_there_is_not_fetched_again(void **state)
{
    struct pair *p = *state;
    ps_content content = leave_part(p, 9 * MIB + 5, 4 * MIB);
    pair_restart_down(p);
    finish(p, &content, 4 * MIB);
}

/* As after kill -9: the word that all was well is not there. */
static void a_killed_one_is_hashed_and_believed(void **state)
{
    struct pair *p = *state;
    ps_content content = leave_part(p, 9 * MIB + 5, 4 * MIB);
    const char *path = left_behind(p, ".state");
    struct stat st;
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(truncate(path, st.st_size - 41), 0); /* And a torn record. */
    finish(p, &content, 3 * MIB);
}

/* Stopped before all was looked at: what is recorded is kept, and said to be. */
static void one_that_is_stopped_early_says_what_is_kept(void **state)
{
    struct pair *p = *state;
    struct relay relay;
    ps_content content = leave_part(p, 9 * MIB + 5, 4 * MIB);
    relay_start(&relay, RELAY_STALL, 0, &p->up.addr);
    struct data_source source = pair_source_at(p, &content, &relay.addr);
    const char *path = left_behind(p, ".state");
    struct stat st;
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(truncate(path, st.st_size - 40), 0); /* No clean end. */
    for (unsigned i = 0; i < 20; i++) {
        pair_start(p, 5, &content, &source, 1, "f");
        data_cancel(p->down.data, 5);
        struct data_event *event = node_event_of(&p->down, DATA_GET_FAILED);
        assert_int_equal(event->error, PS_E_CANCELLED);
        assert_int_equal(event->done, 4 * MIB);
        data_event_free(event);
    }
    relay_stop(&relay);
    finish(p, &content, 4 * MIB);
}

static void looking_at_it_is_seen(void **state)
{
    struct pair *p = *state;
    ps_content content = leave_part(p, 9 * MIB + 5, 4 * MIB);
    const char *path = left_behind(p, ".state");
    struct stat st;
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(truncate(path, st.st_size - 40), 0);
    pair_start(p, 5, &content, NULL, 0, "f");
    struct data_event *event = data_next_event(p->down.data);
    while (!event || event->type != DATA_GET_PROGRESS) {
        assert_true(!event || event->type != DATA_GET_RESUMED);
        data_event_free(event);
        event = data_next_event(p->down.data);
    }
    assert_true(event->already);
    assert_in_range(event->done, MIB, 4 * MIB);
    assert_int_equal(event->peer.family, PS_ADDR_NONE);
    data_event_free(event);
    pair_assert_failed(p, 5, PS_E_NO_ACTIVE_PEER);
}

static void an_altered_part_is_mended(void **state)
{
    struct pair *p = *state;
    ps_content content = leave_part(p, 9 * MIB + 5, 4 * MIB);
    int fd = open(left_behind(p, ".part"), O_RDWR);
    assert_int_equal(pwrite(fd, "damage", 6, MIB + 77), 6);
    assert_int_equal(close(fd), 0);
    finish(p, &content, 3 * MIB);
}

static void lost_files_cost_time_only(void **state)
{
    struct pair *p = *state;
    ps_content content = leave_part(p, 5 * MIB, 4 * MIB);
    assert_int_equal(unlink(left_behind(p, ".part")), 0);
    finish(p, &content, 0);
}

static void another_process_is_told(void **state)
{
    struct pair *p = *state;
    ps_content content = leave_part(p, 5 * MIB, 4 * MIB);
    int fd = open(left_behind(p, ".state"), O_RDWR);
    assert_int_equal(flock(fd, LOCK_EX | LOCK_NB), 0);
    struct data_source source = node_source(&p->up, &content);
    struct data_event *event = node_fetch(&p->down, &content, &source, "f");
    assert_int_equal(event->type, DATA_GET_FAILED);
    assert_non_null(strstr(event->text, "already"));
    data_event_free(event);
    assert_int_equal(close(fd), 0);
    finish(p, &content, 4 * MIB);
}

/* Without any source: enough when all is there, and said so when it is not. */
static void all_here_needs_no_source(void **state)
{
    struct pair *p = *state;
    char taken[200];
    ps_content content = pair_publish(p, "f", 3 * MIB, 1);
    struct data_source source = node_source(&p->up, &content);
    pair_start(p, 1, &content, NULL, 0, "f");
    pair_assert_failed(p, 1, PS_E_NO_ACTIVE_PEER);
    assert_int_equal(folder_count(p->down.downloads), 0);
    struct relay relay;
    relay_start(&relay, RELAY_GATE, 100000, &p->up.addr);
    source.addr = relay.addr;
    pair_start(p, 2, &content, &source, 1, "f");
    relay_await(&relay);
    (void)snprintf(taken, sizeof taken, "%s/f", p->down.downloads);
    assert_int_equal(mkdir(taken, 0700), 0);
    relay_release(&relay);
    pair_assert_failed(p, 2, PS_E_IO);
    relay_stop(&relay);
    assert_int_equal(rmdir(taken), 0);
    pair_start(p, 3, &content, NULL, 0, "f");
    pair_assert_done(p, 3);
    assert_true(node_has(&p->down, "f", 3 * MIB, 1));
    assert_int_equal(folder_count(p->down.downloads), 1);
}

static void waits_for_sources_and_goes_on(void **state)
{
    struct pair *p = *state;
    struct relay relay;
    ps_content content = pair_publish(p, "f", 9 * MIB, 1);
    relay_start(&relay, RELAY_CLOSE, 2 * MIB + 100000, &p->up.addr);
    struct data_source source = pair_source_at(p, &content, &relay.addr);
    struct data_get what = pair_get(p, 7, &content, &source, 1, "f");
    what.wait = true;
    data_get(p->down.data, &what);
    struct data_event *event = node_event_of(&p->down, DATA_GET_WAITING);
    assert_int_equal(event->tag, 7);
    assert_int_equal(event->error, PS_E_CLOSED);
    assert_int_equal(event->done, 4 * MIB);
    assert_true(ps_addr_equal(&event->peer, &relay.addr));
    data_event_free(event);
    relay_stop(&relay);
    struct data_transfer shown;
    assert_int_equal(data_transfers(p->down.data, &shown, 1), 1);
    assert_true(shown.waiting);
    assert_int_equal(shown.done, 4 * MIB);
    /* The same again is of no use; another tag is nobody's. */
    data_get_sources(p->down.data, 7, &source, 1);
    data_event_free(node_event_of(&p->down, DATA_GET_WAITING));
    source = node_source(&p->up, &content);
    data_get_sources(p->down.data, 8, &source, 1);
    data_get_sources(p->down.data, 7, &source, 1);
    event = node_event_of(&p->down, DATA_GET_DONE);
    assert_in_range(event->fetched, 9 * MIB, 10 * MIB); /* But for the ends of cut pieces. */
    assert_true(ps_addr_equal(&event->peer, &p->up.addr));
    data_event_free(event);
    assert_true(node_has(&p->down, "f", 9 * MIB, 1));
}

static void a_replaced_content_leaves_nothing(void **state)
{
    struct pair *p = *state;
    struct relay relay;
    ps_content content = pair_publish(p, "f", 9 * MIB, 1);
    relay_start(&relay, RELAY_CLOSE, 2 * MIB + 100000, &p->up.addr);
    struct data_source source = pair_source_at(p, &content, &relay.addr);
    for (uint64_t tag = 7; tag <= 8; tag++) {
        const bool replaced = tag == 8;
        struct data_get what = pair_get(p, tag, &content, &source, 1, "f");
        what.wait = true;
        data_get(p->down.data, &what);
        data_event_free(node_event_of(&p->down, DATA_GET_WAITING));
        data_get_end(p->down.data, tag, replaced ? PS_E_CHANGED : PS_E_NOT_FOUND, "");
        struct data_event *event = node_event_of(&p->down, DATA_GET_FAILED);
        assert_int_equal(event->done > 0, !replaced);
        assert_int_equal(folder_count(p->down.downloads), replaced ? 0 : 2);
        data_event_free(event);
    }
    relay_stop(&relay);
}

static void one_that_waits_can_be_ended(void **state)
{
    struct pair *p = *state;
    ps_addr nobody = {.ip = {127, 0, 0, 1}, .family = PS_ADDR_V4, .port = 1};
    ps_content content = pair_publish(p, "f", 3 * MIB, 1);
    struct data_source source = pair_source_at(p, &content, &nobody);
    struct data_get what = pair_get(p, 7, &content, &source, 1, "f");
    what.wait = true;
    data_get(p->down.data, &what);
    data_event_free(node_event_of(&p->down, DATA_GET_WAITING));
    data_get_end(p->down.data, 7, PS_E_NOT_FOUND, "its owner has taken it back");
    struct data_event *event = node_event_of(&p->down, DATA_GET_FAILED);
    assert_int_equal(event->error, PS_E_NOT_FOUND);
    assert_string_equal(event->text, "its owner has taken it back");
    data_event_free(event);
    what.tag = 8;
    data_get(p->down.data, &what);
    data_event_free(node_event_of(&p->down, DATA_GET_WAITING));
    data_cancel(p->down.data, 8);
    pair_assert_failed(p, 8, PS_E_CANCELLED);
    assert_int_equal(folder_count(p->down.downloads), 0);
}

/* Waiting is of no use where nobody may come back. */
static void does_not_wait_for_liars(void **state)
{
    struct pair *p = *state;
    struct relay relay;
    ps_content content = pair_publish(p, "f", 3 * MIB, 1);
    relay_start(&relay, RELAY_FLIP, 2 * MIB + 100000, &p->up.addr);
    struct data_source source = pair_source_at(p, &content, &relay.addr);
    struct data_get what = pair_get(p, 7, &content, &source, 1, "f");
    what.wait = true;
    data_get(p->down.data, &what);
    pair_assert_failed(p, 7, PS_E_MISMATCH);
    relay_stop(&relay);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        PAIR_BOTH(what_is_there_is_not_fetched_again),
        PAIR_BOTH(a_killed_one_is_hashed_and_believed),
        PAIR_SEALED(one_that_is_stopped_early_says_what_is_kept),
        PAIR_SEALED(looking_at_it_is_seen),
        PAIR_SEALED(an_altered_part_is_mended),
        PAIR_SEALED(lost_files_cost_time_only),
        PAIR_SEALED(another_process_is_told),
        PAIR_SEALED(all_here_needs_no_source),
        PAIR_BOTH(waits_for_sources_and_goes_on),
        PAIR_SEALED(one_that_waits_can_be_ended),
        PAIR_SEALED(a_replaced_content_leaves_nothing),
        cmocka_unit_test_setup_teardown(does_not_wait_for_liars, pair_make_plain, pair_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
