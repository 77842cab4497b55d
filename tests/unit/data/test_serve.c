/* The files on a connection: what is served, to how many, and what ends it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "uploader.h"

#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static void a_file_is_served_to_a_ticket(void **state)
{
    struct rig *r = *state;
    struct caller c;
    const ps_content content = rig_publish(r, "f", 12 * MIB + 5, 1); /* More than it asks ahead. */
    const struct data_source source = node_source(&r->up, &content);
    rig_reach(r, &c, &source);
    const uint32_t file = caller_fetch(&c, &content, &source);
    assert_true(caller_await_payload(&c, 1));
    struct data_event *event = node_event_of(&r->up, DATA_UPLOAD_STARTED);
    assert_string_equal(event->name, "f");
    assert_string_equal(event->user, "bob");
    assert_int_equal(event->total, content.length);
    data_event_free(event);
    struct data_transfer shown[2];
    assert_int_equal(data_transfers(r->up.data, shown, 2), 1);
    assert_string_equal(shown[0].user, "bob");
    assert_int_equal(caller_await(&c, file), PS_E_NONE);
    assert_true(rig_has(r, &c.files[file], "f"));
    /* All of it has left: its slot is free, though the connection is kept. */
    event = node_event_of(&r->up, DATA_UPLOAD_ENDED);
    assert_int_equal(event->error, PS_E_NONE);
    assert_int_equal(event->done, content.length);
    data_event_free(event);
    assert_int_equal(rig_stats(r).uploads, 0);
    caller_finish(&c);
    assert_int_equal(caller_await_end(&c), PS_E_NONE);
    assert_int_equal(rig_stats(r).uploaded_bytes, content.length);
    assert_int_equal(rig_stats(r).uploads, 0);
    assert_int_equal(rig_stats(r).tickets_refused, 0);
    caller_end(&c);
}

static void many_files_go_over_one_connection(void **state)
{
    enum { FILES = 8 };
    static const size_t lengths[FILES] = {1, 5, 16384, 16385, MIB, MIB + 1, 2 * MIB, 70000};
    struct rig *r = *state;
    struct caller c;
    ps_content contents[FILES];
    struct data_source sources[FILES];
    uint32_t files[FILES];
    char name[2] = "a";
    for (unsigned i = 0; i < FILES; i++) {
        name[0] = (char)('a' + i);
        contents[i] = rig_publish(r, name, lengths[i], i);
        sources[i] = node_source(&r->up, &contents[i]);
    }
    rig_reach(r, &c, &sources[0]);
    for (unsigned i = 0; i < FILES; i++) {
        files[i] = caller_fetch(&c, &contents[i], &sources[i]);
    }
    for (unsigned i = 0; i < FILES; i++) {
        name[0] = (char)('a' + i);
        assert_int_equal(caller_await(&c, files[i]), PS_E_NONE);
        assert_true(rig_has(r, &c.files[files[i]], name));
    }
    caller_finish(&c);
    assert_int_equal(caller_await_end(&c), PS_E_NONE);
    for (unsigned i = 0; i < FILES; i++) {
        name[0] = (char)('a' + i);
        rig_assert_ended(r, name, PS_E_NONE);
    }
    assert_int_equal(rig_stats(r).uploads, 0);
    caller_end(&c);
}

static void a_tickets_file_is_the_only_one_it_opens(void **state)
{
    struct rig *r = *state;
    struct caller c;
    const ps_content a = rig_publish(r, "a", 40000, 1);
    const ps_content b = rig_publish(r, "b", 40000, 2);
    const struct data_source for_a = node_source(&r->up, &a);
    rig_reach(r, &c, &for_a);
    const uint32_t file = caller_fetch(&c, &b, &for_a);
    assert_int_not_equal(caller_await(&c, file), PS_E_NONE);
    assert_false(rig_has(r, &c.files[file], "b"));
    caller_end(&c);
    struct data_event *event = node_event_of(&r->up, DATA_UPLOAD_STARTED);
    assert_string_equal(event->name, "a"); /* What the ticket is for, whatever was meant. */
    data_event_free(event);
}

static void a_refused_file_leaves_the_connection_as_it_was(void **state)
{
    struct rig *r = *state;
    struct caller c;
    const ps_content a = rig_publish(r, "a", 40000, 1);
    const ps_content b = rig_publish(r, "b", 50000, 2);
    const ps_content gone = rig_publish(r, "gone", 60000, 3);
    const struct data_source for_a = node_source(&r->up, &a);
    struct data_source for_b = node_source(&r->up, &b);
    const struct data_source for_gone = node_source(&r->up, &gone);
    assert_true(data_unpublish(r->up.data, "gone"));
    rig_reach(r, &c, &for_a);
    const uint32_t first = caller_fetch(&c, &gone, &for_gone);
    const uint32_t second = caller_fetch(&c, &a, &for_a);
    for_b.ticket[40] ^= 1;
    const uint32_t third = caller_fetch(&c, &b, &for_b);
    for_b.ticket[40] ^= 1;
    const uint32_t fourth = caller_fetch(&c, &b, &for_b);
    assert_int_equal(caller_await(&c, first), PS_E_NOT_PUBLISHED);
    assert_int_equal(caller_await(&c, second), PS_E_NONE);
    assert_int_equal(caller_await(&c, third), PS_E_FILE_TICKET);
    assert_int_equal(caller_await(&c, fourth), PS_E_NONE);
    assert_true(rig_has(r, &c.files[fourth], "b"));
    assert_int_equal(rig_stats(r).tickets_refused, 1);
    caller_end(&c);
}

static void a_file_of_another_content_is_hashed_again(void **state)
{
    struct rig *r = *state;
    struct caller c;
    const ps_content content = rig_publish(r, "f", 5000, 1);
    const struct data_source source = node_source(&r->up, &content);
    (void)node_write(&r->up, "f", 5000, 2);
    rig_reach(r, &c, &source);
    assert_int_equal(caller_await(&c, caller_fetch(&c, &content, &source)), PS_E_CHANGED);
    struct data_event *event = node_event_of(&r->up, DATA_FILE_READY);
    assert_true(event->changed);
    const ps_content after = event->content;
    data_event_free(event);
    const struct data_source fresh = node_source(&r->up, &after);
    const uint32_t file = caller_fetch(&c, &after, &fresh);
    assert_int_equal(caller_await(&c, file), PS_E_NONE);
    assert_true(rig_has(r, &c.files[file], "f"));
    caller_end(&c);
}

/* The uploader knows, too, that all of the file has been sent. */
static void await_sent(struct rig *r)
{
    struct data_transfer shown;
    while (data_transfers(r->up.data, &shown, 1) > 0) {
        (void)sched_yield();
    }
}

/* A connection that has fetched a file goes on with what it has become. */
static void a_fetched_file_may_be_published_anew(void **state)
{
    struct rig *r = *state;
    struct caller c;
    const ps_content first = rig_publish(r, "f", 50000, 1);
    struct data_source source = node_source(&r->up, &first);
    rig_reach(r, &c, &source);
    assert_int_equal(caller_await(&c, caller_fetch(&c, &first, &source)), PS_E_NONE);
    for (uint32_t seed = 1; seed <= 2; seed++) { /* The same, then another one. */
        await_sent(r);
        const ps_content content = rig_publish(r, "f", 50000, seed);
        source = node_source(&r->up, &content);
        const uint32_t file = caller_fetch(&c, &content, &source);
        assert_int_equal(caller_await(&c, file), PS_E_NONE);
        assert_true(rig_has(r, &c.files[file], "f"));
    }
    caller_end(&c);
}

/* Fetches half of "f", does something, goes on. @return what came of it. */
static uint32_t interrupted(struct rig *r, void (*mischief)(struct rig *r))
{
    struct caller c;
    const ps_content content = rig_publish(r, "f", 24 * MIB, 1);
    const struct data_source source = node_source(&r->up, &content);
    rig_reach(r, &c, &source);
    const uint32_t file = caller_fetch(&c, &content, &source);
    assert_true(caller_await_payload(&c, MIB));
    mischief(r);
    const uint32_t error = caller_await(&c, file);
    assert_true(c.payload < content.length);
    caller_end(&c);
    struct data_event *event = node_event_of(&r->up, DATA_UPLOAD_ENDED);
    assert_true(event->error == PS_E_CHANGED || event->error == PS_E_NOT_PUBLISHED);
    data_event_free(event);
    assert_int_equal(rig_stats(r).uploads, 0);
    return error;
}

/* Told so, or cut where a burst was under way. On a plain stream the kernel sends what the file
 * holds when it goes: what has changed by then does not verify. */
static void assert_changed(const struct rig *r, uint32_t error)
{
    assert_true(error == PS_E_CHANGED || error == PS_E_CLOSED ||
                (r->plain && error == PS_E_MISMATCH));
}

static const char *path_of(const struct rig *r)
{
    static char path[200];
    (void)snprintf(path, sizeof path, "%s/f", r->up.files);
    return path;
}

static void truncate_it(struct rig *r)
{
    assert_int_equal(truncate(path_of(r), 1), 0);
}

static void grow_it(struct rig *r)
{
    FILE *f = fopen(path_of(r), "a");
    assert_non_null(f);
    assert_int_equal(fputc('x', f), 'x');
    assert_int_equal(fclose(f), 0);
}

static void rewrite_it(struct rig *r)
{
    (void)node_write(&r->up, "f", 24 * MIB, 2);
}

static void touch_it(struct rig *r)
{
    const struct timespec times[2] = {{.tv_nsec = UTIME_NOW}, {.tv_sec = 1000}};
    assert_int_equal(utimensat(AT_FDCWD, path_of(r), times, 0), 0);
}

static void delete_it(struct rig *r)
{
    assert_int_equal(unlink(path_of(r)), 0);
}

static void unpublish_it(struct rig *r)
{
    assert_true(data_unpublish(r->up.data, "f"));
}

static void unpublish_it_under_both_names(struct rig *r)
{
    (void)rig_publish(r, "twin", 24 * MIB, 1);
    assert_true(data_unpublish(r->up.data, "f"));
    assert_true(data_unpublish(r->up.data, "twin"));
}

static void truncating_ends_an_upload(void **state)
{
    assert_changed(*state, interrupted(*state, truncate_it));
}

static void growing_ends_an_upload(void **state)
{
    assert_changed(*state, interrupted(*state, grow_it));
}

static void rewriting_ends_an_upload(void **state)
{
    assert_changed(*state, interrupted(*state, rewrite_it));
}

static void touching_ends_an_upload(void **state)
{
    assert_changed(*state, interrupted(*state, touch_it));
}

static void deleting_ends_an_upload(void **state)
{
    assert_changed(*state, interrupted(*state, delete_it));
}

static void assert_taken_back(uint32_t error)
{
    assert_true(error == PS_E_NOT_PUBLISHED || error == PS_E_CLOSED);
}

static void unpublishing_ends_an_upload(void **state)
{
    assert_taken_back(interrupted(*state, unpublish_it));
}

static void unpublishing_every_name_ends_an_upload(void **state)
{
    assert_taken_back(interrupted(*state, unpublish_it_under_both_names));
}

static void after_unpublishing_a_ticket_opens_nothing(void **state)
{
    struct rig *r = *state;
    struct caller c;
    const ps_content content = rig_publish(r, "f", 5000, 1);
    const struct data_source source = node_source(&r->up, &content);
    rig_reach(r, &c, &source);
    assert_int_equal(caller_await(&c, caller_fetch(&c, &content, &source)), PS_E_NONE);
    unpublish_it(r);
    /* Whether the old connection or a new one. */
    const uint32_t error = caller_await(&c, caller_fetch(&c, &content, &source));
    assert_true(error == PS_E_NOT_PUBLISHED || error == PS_E_CLOSED);
    caller_end(&c);
    rig_reach(r, &c, &source);
    assert_int_equal(caller_await(&c, caller_fetch(&c, &content, &source)), PS_E_NOT_PUBLISHED);
    assert_int_equal(c.payload, 0);
    caller_end(&c);
}

static void slots_are_bounded_and_come_back(void **state)
{
    struct rig *r = *state;
    struct caller busy[2], c;
    const ps_content content = rig_publish(r, "f", 24 * MIB, 1);
    const struct data_source source = node_source(&r->up, &content);
    uint32_t files[2];
    for (unsigned i = 0; i < 2; i++) {
        rig_reach(r, &busy[i], &source);
        files[i] = caller_fetch(&busy[i], &content, &source);
        assert_true(caller_await_payload(&busy[i], MIB));
    }
    rig_reach(r, &c, &source);
    assert_int_equal(caller_await(&c, caller_fetch(&c, &content, &source)), PS_E_SLOTS);
    assert_int_equal(rig_stats(r).uploads, 2);
    assert_int_equal(rig_stats(r).slots_refused, 1);
    assert_int_equal(caller_await(&busy[0], files[0]), PS_E_NONE);
    caller_finish(&busy[0]);
    rig_assert_ended(r, "f", PS_E_NONE);
    /* The connection that was refused holds no slot, and gets one now. */
    assert_int_equal(caller_await(&c, caller_fetch(&c, &content, &source)), PS_E_NONE);
    caller_end(&c);
    for (unsigned i = 0; i < 2; i++) {
        caller_end(&busy[i]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        BOTH(a_file_is_served_to_a_ticket),
        BOTH(many_files_go_over_one_connection),
        BOTH(a_tickets_file_is_the_only_one_it_opens),
        BOTH(a_refused_file_leaves_the_connection_as_it_was),
        BOTH(a_file_of_another_content_is_hashed_again),
        BOTH(a_fetched_file_may_be_published_anew),
        BOTH(truncating_ends_an_upload),
        BOTH(growing_ends_an_upload),
        BOTH(rewriting_ends_an_upload),
        BOTH(touching_ends_an_upload),
        BOTH(deleting_ends_an_upload),
        BOTH(unpublishing_ends_an_upload),
        BOTH(unpublishing_every_name_ends_an_upload),
        BOTH(after_unpublishing_a_ticket_opens_nothing),
        BOTH(slots_are_bounded_and_come_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
