/* A download ends as the exact file under its final name, or as an error and nothing. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "pair.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

static struct data_event *fetch(struct pair *p, const ps_content *content, const char *name)
{
    struct data_source source = node_source(&p->up, content);
    return node_fetch(&p->down, content, &source, name);
}

static void every_length_arrives(void **state)
{
    static const size_t lengths[] = {0,       1,   16383,   16384,   16385,
                                     MIB - 1, MIB, MIB + 1, 5 * MIB, 5 * MIB + 17};
    struct pair *p = *state;
    for (unsigned i = 0; i < sizeof lengths / sizeof lengths[0]; i++) {
        char name[16];
        (void)snprintf(name, sizeof name, "f%u", i);
        ps_content content = pair_publish(p, name, lengths[i], i);
        struct data_event *event = fetch(p, &content, name);
        assert_int_equal(event->type, DATA_GET_DONE);
        assert_false(event->already);
        data_event_free(event);
        assert_true(node_has(&p->down, name, lengths[i], i));
    }
    assert_int_equal(folder_count(p->down.downloads), sizeof lengths / sizeof lengths[0]);
}

static struct data_event *refused(struct pair *p, const ps_content *content, const char *name)
{
    struct data_event *event = fetch(p, content, name);
    assert_int_equal(event->type, DATA_GET_FAILED);
    return event;
}

static void existing_files_are_never_overwritten(void **state)
{
    struct pair *p = *state;
    ps_content content = pair_publish(p, "f", 5000, 1);
    ps_content other = pair_publish(p, "g", 5000, 2);
    struct data_event *event = fetch(p, &content, "f");
    assert_int_equal(event->type, DATA_GET_DONE);
    data_event_free(event);
    event = fetch(p, &content, "f");
    assert_int_equal(event->type, DATA_GET_DONE);
    assert_true(event->already);
    data_event_free(event);
    event = refused(p, &other, "f");
    assert_true(event->exists);
    data_event_free(event);
    assert_true(node_has(&p->down, "f", 5000, 1));

    char link[200], fifo[200];
    (void)snprintf(link, sizeof link, "%s/link", p->down.downloads);
    (void)snprintf(fifo, sizeof fifo, "%s/fifo", p->down.downloads);
    assert_int_equal(symlink("nowhere", link), 0);
    assert_int_equal(mkfifo(fifo, 0600), 0);
    event = refused(p, &content, "link");
    assert_true(event->exists);
    data_event_free(event);
    event = refused(p, &content, "fifo");
    assert_true(event->exists);
    data_event_free(event);
    assert_int_equal(folder_count(p->down.downloads), 3);
}

static void name_taken_meanwhile_is_not_overwritten(void **state)
{
    struct pair *p = *state;
    struct relay relay;
    char taken[200];
    ps_content content = pair_publish(p, "f", 2 * MIB, 1);
    relay_start(&relay, RELAY_GATE, 100000, &p->up.addr);
    struct data_source source = pair_source_at(p, &content, &relay.addr);
    pair_start(p, 5, &content, &source, 1, "f");
    relay_await(&relay);
    (void)snprintf(taken, sizeof taken, "%s/f", p->down.downloads);
    FILE *f = fopen(taken, "wx");
    assert_non_null(f);
    assert_int_equal(fclose(f), 0);
    relay_release(&relay);
    struct data_event *event = node_event_of(&p->down, DATA_GET_FAILED);
    assert_true(event->exists);
    data_event_free(event);
    relay_stop(&relay);
    assert_true(node_has(&p->down, "f", 0, 1));
    /* The whole file is kept for who makes room for its name. */
    assert_int_equal(folder_count(p->down.downloads), 3);
    assert_int_equal(unlink(taken), 0);
    event = fetch(p, &content, "f");
    assert_int_equal(event->type, DATA_GET_DONE);
    assert_int_equal(event->fetched, 0);
    data_event_free(event);
    assert_true(node_has(&p->down, "f", 2 * MIB, 1));
    assert_int_equal(folder_count(p->down.downloads), 1);
}

static void names_stay_in_the_folder(void **state)
{
    static const char *const names[] = {"",    ".",    "..",   "../x",    "/etc/x",
                                        "a/b", "a\\b", "a\nb", "\xff\xfe"};
    struct pair *p = *state;
    ps_content content = pair_publish(p, "f", 5000, 1);
    for (unsigned i = 0; i < sizeof names / sizeof names[0]; i++) {
        struct data_event *event = refused(p, &content, names[i]);
        assert_int_equal(event->error, PS_E_BAD_NAME);
        data_event_free(event);
    }
    assert_int_equal(folder_count(p->down.downloads), 0);
    assert_int_equal(folder_count(p->down.base), 3);
    char longest[256];
    memset(longest, 'n', 255);
    longest[255] = '\0';
    struct data_event *event = fetch(p, &content, longest);
    assert_int_equal(event->type, DATA_GET_DONE);
    data_event_free(event);
}

/* Through a relay that does its mischief past 2 MiB of a stream. @return the connections made. */
static unsigned fail_through(struct pair *p, enum relay_mode mode, size_t length, unsigned error,
                             uint64_t kept)
{
    struct relay relay;
    ps_content content = pair_publish(p, "f", length, 1);
    relay_start(&relay, mode, 2 * MIB + 100000, &p->up.addr);
    struct data_source source = pair_source_at(p, &content, &relay.addr);
    struct data_event *event = node_fetch(&p->down, &content, &source, "out");
    assert_int_equal(event->type, DATA_GET_FAILED);
    assert_true(ps_addr_equal(&event->peer, &relay.addr));
    assert_int_equal(event->error, error);
    /* Workers hash side by side: a wrong piece may be found out before those ahead of it count. */
    assert_in_range(event->done, error == PS_E_MISMATCH ? 0 : kept, kept);
    kept = event->done;
    data_event_free(event);
    relay_stop(&relay);
    assert_int_equal(folder_count(p->down.downloads), kept > 0 ? 2 : 0);
    event = fetch(p, &content, "out");
    assert_int_equal(event->type, DATA_GET_DONE);
    assert_int_equal(event->fetched, length - kept);
    data_event_free(event);
    assert_true(node_has(&p->down, "out", length, 1));
    assert_int_equal(folder_count(p->down.downloads), 1);
    return relay.connections;
}

static void lying_source_is_found_out(void **state)
{
    assert_int_equal(fail_through(*state, RELAY_FLIP, 3 * MIB, PS_E_MISMATCH, 2 * MIB), 1);
}

/* Asked again, it gets as far once more. */
static void source_that_closes_is_left(void **state)
{
    assert_int_equal(fail_through(*state, RELAY_CLOSE, 6 * MIB, PS_E_CLOSED, 4 * MIB), 2);
}

static void source_that_stalls_is_left(void **state)
{
    struct pair *p = *state;
    p->down.cfg.stall_ms = 300;
    pair_restart_down(p);
    assert_int_equal(fail_through(p, RELAY_STALL, 3 * MIB, PS_E_STALLED, 2 * MIB), 1);
}

static void next_source_is_tried(void **state)
{
    struct pair *p = *state;
    struct relay relay;
    ps_content content = pair_publish(p, "f", 3 * MIB, 1);
    relay_start(&relay, RELAY_FLIP, 2 * MIB + 100000, &p->up.addr);
    ps_addr nobody = {.ip = {127, 0, 0, 1}, .family = PS_ADDR_V4, .port = 1};
    struct data_source sources[] = {pair_source_at(p, &content, &nobody),
                                    pair_source_at(p, &content, &relay.addr),
                                    node_source(&p->up, &content)};
    pair_start(p, 5, &content, sources, 3, "f");
    struct data_event *event = node_event_of(&p->down, DATA_GET_SOURCE_FAILED);
    assert_non_null(strstr(event->text, "connect"));
    assert_true(ps_addr_equal(&event->peer, &nobody));
    data_event_free(event);
    event = node_event_of(&p->down, DATA_GET_SOURCE_FAILED);
    assert_int_equal(event->error, PS_E_MISMATCH);
    assert_true(ps_addr_equal(&event->peer, &relay.addr));
    data_event_free(event);
    event = node_event_of(&p->down, DATA_GET_DONE);
    assert_true(ps_addr_equal(&event->peer, &p->up.addr));
    data_event_free(event);
    relay_stop(&relay);
    assert_true(node_has(&p->down, "f", 3 * MIB, 1));
}

static void no_room_is_said_and_nothing_left(void **state)
{
    struct pair *p = *state;
    ps_content content = pair_publish(p, "f", 3 * MIB, 1);
    struct rlimit before, small;
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
    small = before;
    small.rlim_cur = MIB;
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
    struct data_event *event = refused(p, &content, "f");
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
    assert_int_equal(event->error, PS_E_IO);
    assert_non_null(strstr(event->text, "longer than is allowed"));
    data_event_free(event);
    assert_int_equal(folder_count(p->down.downloads), 0);
    content.length = (uint64_t)1 << 49;
    event = refused(p, &content, "f");
    assert_int_equal(event->error, PS_E_IO);
    data_event_free(event);
    assert_int_equal(folder_count(p->down.downloads), 0);
}

static void await_progress(struct pair *p, uint64_t done)
{
    for (uint64_t seen = 0; seen < done;) {
        struct data_event *event = node_event_of(&p->down, DATA_GET_PROGRESS);
        seen = event->done;
        data_event_free(event);
    }
}

static void cancel_and_close_leave_only_what_is_verified(void **state)
{
    struct pair *p = *state;
    struct relay relay;
    p->down.cfg.progress_ms = 0;
    pair_restart_down(p);
    ps_content content = pair_publish(p, "f", 3 * MIB, 1);
    for (unsigned close = 0; close < 2; close++) {
        relay_start(&relay, RELAY_STALL, 2 * MIB + 100000, &p->up.addr);
        struct data_source source = pair_source_at(p, &content, &relay.addr);
        pair_start(p, 5, &content, &source, 1, "f");
        await_progress(p, MIB);
        if (close) {
            node_stop(&p->down);
        } else {
            data_cancel(p->down.data, 5);
            struct data_event *event = node_event_of(&p->down, DATA_GET_FAILED);
            assert_int_equal(event->error, PS_E_CANCELLED);
            assert_true(event->done >= MIB);
            data_event_free(event);
        }
        relay_stop(&relay);
        assert_int_equal(folder_count(p->down.downloads), 2);
        if (close) {
            node_start(&p->down);
        }
        struct data_event *event = fetch(p, &content, "f");
        assert_int_equal(event->type, DATA_GET_DONE);
        assert_true(event->fetched <= 2 * MIB);
        data_event_free(event);
        assert_int_equal(folder_count(p->down.downloads), 1);
        char path[200];
        (void)snprintf(path, sizeof path, "%s/f", p->down.downloads);
        assert_int_equal(unlink(path), 0);
    }
}

static void twelve_at_once_arrive(void **state)
{
    struct pair *p = *state;
    ps_content contents[12];
    for (unsigned i = 0; i < 12; i++) {
        char name[16];
        (void)snprintf(name, sizeof name, "f%u", i);
        contents[i] = pair_publish(p, name, 4 * MIB + i, i);
    }
    for (unsigned i = 0; i < 12; i++) {
        char name[16];
        (void)snprintf(name, sizeof name, "f%u", i);
        struct data_source source = node_source(&p->up, &contents[i]);
        pair_start(p, 1 + i, &contents[i], &source, 1, name);
    }
    for (unsigned i = 0; i < 12; i++) {
        struct data_event *event = node_event_of(&p->down, DATA_GET_DONE);
        data_event_free(event);
    }
    for (unsigned i = 0; i < 12; i++) {
        char name[16];
        (void)snprintf(name, sizeof name, "f%u", i);
        assert_true(node_has(&p->down, name, 4 * MIB + i, i));
    }
    assert_int_equal(folder_count(p->down.downloads), 12);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        PAIR_BOTH(every_length_arrives),
        PAIR_SEALED(existing_files_are_never_overwritten),
        PAIR_SEALED(name_taken_meanwhile_is_not_overwritten),
        PAIR_SEALED(names_stay_in_the_folder),
        cmocka_unit_test_setup_teardown(lying_source_is_found_out, pair_make_plain, pair_end),
        PAIR_BOTH(source_that_closes_is_left),
        PAIR_BOTH(source_that_stalls_is_left),
        cmocka_unit_test_setup_teardown(next_source_is_tried, pair_make_plain, pair_end),
        PAIR_SEALED(no_room_is_said_and_nothing_left),
        PAIR_BOTH(cancel_and_close_leave_only_what_is_verified),
        PAIR_BOTH(twelve_at_once_arrive),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
