/* A download ends as the exact file under its final name, or as an error and nothing. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "fixture.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#define MIB 1048576u

struct pair {
    struct node up, down;
};

static int make(void **state)
{
    struct pair *p = malloc(sizeof *p);
    node_make(&p->up);
    node_make(&p->down);
    node_start(&p->up);
    node_start(&p->down);
    *state = p;
    return 0;
}

static int end(void **state)
{
    struct pair *p = *state;
    node_end(&p->up);
    node_end(&p->down);
    free(p);
    return 0;
}

static void every_length_arrives(void **state)
{
    static const size_t lengths[] = {0,       1,   16383,   16384,   16385,
                                     MIB - 1, MIB, MIB + 1, 5 * MIB, 5 * MIB + 17};
    struct pair *p = *state;
    for (unsigned i = 0; i < sizeof lengths / sizeof lengths[0]; i++) {
        char name[16];
        (void)snprintf(name, sizeof name, "f%u", i);
        ps_content content = node_publish(&p->up, node_write(&p->up, name, lengths[i], i));
        struct data_event *event = node_fetch(&p->down, &content, &p->up.addr, name);
        assert_int_equal(event->type, DATA_GET_DONE);
        assert_false(event->already);
        data_event_free(event);
        assert_true(node_has(&p->down, name, lengths[i], i));
    }
    assert_int_equal(folder_count(p->down.downloads), sizeof lengths / sizeof lengths[0]);
}

static struct data_event *refused(struct pair *p, const ps_content *content, const char *name)
{
    struct data_event *event = node_fetch(&p->down, content, &p->up.addr, name);
    assert_int_equal(event->type, DATA_GET_FAILED);
    return event;
}

static void existing_files_are_never_overwritten(void **state)
{
    struct pair *p = *state;
    ps_content content = node_publish(&p->up, node_write(&p->up, "f", 5000, 1));
    ps_content other = node_publish(&p->up, node_write(&p->up, "g", 5000, 2));
    struct data_event *event = node_fetch(&p->down, &content, &p->up.addr, "f");
    assert_int_equal(event->type, DATA_GET_DONE);
    data_event_free(event);
    event = node_fetch(&p->down, &content, &p->up.addr, "f");
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
    ps_content content = node_publish(&p->up, node_write(&p->up, "f", 2 * MIB, 1));
    relay_start(&relay, RELAY_GATE, 100000, &p->up.addr);
    data_get(p->down.data, &(struct data_get){.tag = 5,
                                              .content = content,
                                              .sources = &relay.addr,
                                              .source_count = 1,
                                              .dir = p->down.downloads,
                                              .name = "f"});
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
    assert_int_equal(folder_count(p->down.downloads), 1);
}

static void names_stay_in_the_folder(void **state)
{
    static const char *const names[] = {"",    ".",    "..",   "../x",    "/etc/x",
                                        "a/b", "a\\b", "a\nb", "\xff\xfe"};
    struct pair *p = *state;
    ps_content content = node_publish(&p->up, node_write(&p->up, "f", 5000, 1));
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
    struct data_event *event = node_fetch(&p->down, &content, &p->up.addr, longest);
    assert_int_equal(event->type, DATA_GET_DONE);
    data_event_free(event);
}

static unsigned fetch_through(struct pair *p, enum relay_mode mode, unsigned *connections)
{
    struct relay relay;
    ps_content content = node_publish(&p->up, node_write(&p->up, "f", 3 * MIB, 1));
    relay_start(&relay, mode, 2 * MIB, &p->up.addr);
    struct data_event *event = node_fetch(&p->down, &content, &relay.addr, "out");
    assert_int_equal(event->type, DATA_GET_FAILED);
    unsigned error = event->error;
    data_event_free(event);
    relay_stop(&relay);
    *connections = relay.connections;
    assert_int_equal(folder_count(p->down.downloads), 0);
    return error;
}

static void lying_source_is_found_out(void **state)
{
    unsigned connections;
    assert_int_equal(fetch_through(*state, RELAY_FLIP, &connections), PS_E_MISMATCH);
    assert_int_equal(connections, 2);
}

static void source_that_closes_is_left(void **state)
{
    unsigned connections;
    assert_int_equal(fetch_through(*state, RELAY_CLOSE, &connections), PS_E_CLOSED);
    assert_int_equal(connections, 2);
}

static void source_that_stalls_is_left(void **state)
{
    struct pair *p = *state;
    unsigned connections;
    p->down.cfg.stall_ms = 300;
    node_stop(&p->down);
    node_start(&p->down);
    assert_int_equal(fetch_through(p, RELAY_STALL, &connections), PS_E_STALLED);
    assert_int_equal(connections, 1);
}

static void next_source_is_tried(void **state)
{
    struct pair *p = *state;
    struct relay relay;
    ps_content content = node_publish(&p->up, node_write(&p->up, "f", 3 * MIB, 1));
    relay_start(&relay, RELAY_FLIP, 2 * MIB, &p->up.addr);
    ps_addr nobody = {.ip = {127, 0, 0, 1}, .family = PS_ADDR_V4, .port = 1};
    ps_addr sources[] = {nobody, relay.addr, p->up.addr};
    data_get(p->down.data, &(struct data_get){.tag = 5,
                                              .content = content,
                                              .sources = sources,
                                              .source_count = 3,
                                              .dir = p->down.downloads,
                                              .name = "f"});
    struct data_event *event = node_event_of(&p->down, DATA_GET_SOURCE_FAILED);
    assert_non_null(strstr(event->text, "connect"));
    assert_true(ps_addr_equal(&event->peer, &nobody));
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
    ps_content content = node_publish(&p->up, node_write(&p->up, "f", 3 * MIB, 1));
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

static void cancel_and_close_leave_nothing(void **state)
{
    struct pair *p = *state;
    struct relay relay;
    ps_content content = node_publish(&p->up, node_write(&p->up, "f", 3 * MIB, 1));
    for (unsigned close = 0; close < 2; close++) {
        relay_start(&relay, RELAY_STALL, MIB, &p->up.addr);
        data_get(p->down.data, &(struct data_get){.tag = 5,
                                                  .content = content,
                                                  .sources = &relay.addr,
                                                  .source_count = 1,
                                                  .dir = p->down.downloads,
                                                  .name = "f"});
        relay_await(&relay);
        if (close) {
            node_stop(&p->down);
        } else {
            data_cancel(p->down.data, 5);
            struct data_event *event = node_event_of(&p->down, DATA_GET_FAILED);
            assert_int_equal(event->error, PS_E_CANCELLED);
            data_event_free(event);
        }
        relay_stop(&relay);
        assert_int_equal(folder_count(p->down.downloads), 0);
    }
}

static void twelve_at_once_arrive(void **state)
{
    struct pair *p = *state;
    ps_content contents[12];
    for (unsigned i = 0; i < 12; i++) {
        char name[16];
        (void)snprintf(name, sizeof name, "f%u", i);
        contents[i] = node_publish(&p->up, node_write(&p->up, name, 4 * MIB + i, i));
    }
    for (unsigned i = 0; i < 12; i++) {
        char name[16];
        (void)snprintf(name, sizeof name, "f%u", i);
        data_get(p->down.data, &(struct data_get){.tag = 1 + i,
                                                  .content = contents[i],
                                                  .sources = &p->up.addr,
                                                  .source_count = 1,
                                                  .dir = p->down.downloads,
                                                  .name = name});
    }
    for (unsigned i = 0; i < 12; i++) {
        struct data_event *event = node_event(&p->down);
        assert_int_equal(event->type, DATA_GET_DONE);
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
        cmocka_unit_test_setup_teardown(every_length_arrives, make, end),
        cmocka_unit_test_setup_teardown(existing_files_are_never_overwritten, make, end),
        cmocka_unit_test_setup_teardown(name_taken_meanwhile_is_not_overwritten, make, end),
        cmocka_unit_test_setup_teardown(names_stay_in_the_folder, make, end),
        cmocka_unit_test_setup_teardown(lying_source_is_found_out, make, end),
        cmocka_unit_test_setup_teardown(source_that_closes_is_left, make, end),
        cmocka_unit_test_setup_teardown(source_that_stalls_is_left, make, end),
        cmocka_unit_test_setup_teardown(next_source_is_tried, make, end),
        cmocka_unit_test_setup_teardown(no_room_is_said_and_nothing_left, make, end),
        cmocka_unit_test_setup_teardown(cancel_and_close_leave_nothing, make, end),
        cmocka_unit_test_setup_teardown(twelve_at_once_arrive, make, end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
