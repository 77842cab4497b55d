/* What is served, to how many, and what ends it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "fixture.h"
#include "peersync/posix.h"

#include "peersync/posix.h"
#include "peersync/transfer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
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
    p->up.cfg.max_uploads = 2;
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

static void assert_fails(struct pair *p, const ps_content *content, const ps_addr *from,
                         unsigned error)
{
    struct data_event *event = node_fetch(&p->down, content, from, "out");
    assert_int_equal(event->type, DATA_GET_FAILED);
    assert_int_equal(event->error, error);
    data_event_free(event);
    assert_int_equal(folder_count(p->down.downloads), 0);
}

static void unpublished_content_is_not_served(void **state)
{
    struct pair *p = *state;
    ps_content content = node_publish(&p->up, node_write(&p->up, "f", 5000, 1));
    ps_content other = content;
    other.root[31] ^= 1;
    assert_fails(p, &other, &p->up.addr, PS_E_NOT_PUBLISHED);
    other = content;
    other.length++;
    assert_fails(p, &other, &p->up.addr, PS_E_NOT_PUBLISHED);
    assert_true(data_unpublish(p->up.data, "f"));
    assert_fails(p, &content, &p->up.addr, PS_E_NOT_PUBLISHED);
}

static void changed_file_is_hashed_again(void **state)
{
    struct pair *p = *state;
    ps_content content = node_publish(&p->up, node_write(&p->up, "f", 5000, 1));
    (void)node_write(&p->up, "f", 5000, 2);
    assert_fails(p, &content, &p->up.addr, PS_E_CHANGED);
    struct data_event *event = node_event_of(&p->up, DATA_FILE_READY);
    assert_true(event->changed);
    ps_content after = event->content;
    data_event_free(event);
    event = node_fetch(&p->down, &after, &p->up.addr, "out");
    assert_int_equal(event->type, DATA_GET_DONE);
    data_event_free(event);
    assert_true(node_has(&p->down, "out", 5000, 2));
    assert_int_equal(unlink(node_write(&p->up, "f", 1, 3)), 0);
    event = node_fetch(&p->down, &after, &p->up.addr, "out2");
    assert_int_equal(event->error, PS_E_CHANGED);
    data_event_free(event);
    event = node_event_of(&p->up, DATA_FILE_GONE);
    data_event_free(event);
}

/* Starts a download through a gate that holds after a while, does something, opens the gate. */
static unsigned interrupted(struct pair *p, void (*mischief)(struct pair *p))
{
    struct relay relay;
    ps_content content = node_publish(&p->up, node_write(&p->up, "f", 8 * MIB, 1));
    relay_start(&relay, RELAY_GATE, 100000, &p->up.addr);
    data_get(p->down.data, &(struct data_get){.tag = 5,
                                              .content = content,
                                              .sources = &relay.addr,
                                              .source_count = 1,
                                              .dir = p->down.downloads,
                                              .name = "out"});
    relay_await(&relay);
    mischief(p);
    relay_release(&relay);
    struct data_event *event = node_event_of(&p->down, DATA_GET_FAILED);
    unsigned error = event->error;
    data_event_free(event);
    relay_stop(&relay);
    assert_int_equal(folder_count(p->down.downloads), 0);
    return error;
}

static void truncate_it(struct pair *p)
{
    char path[200];
    (void)snprintf(path, sizeof path, "%s/f", p->up.files);
    assert_int_equal(truncate(path, 1), 0);
}

static void rewrite_it(struct pair *p)
{
    (void)node_write(&p->up, "f", 8 * MIB, 2);
}

static void unpublish_it(struct pair *p)
{
    assert_true(data_unpublish(p->up.data, "f"));
}

/* Who asks again is told that it changed, or, when it is hashed again by then, that the content is
 * not published. */
static void assert_changed(unsigned error)
{
    assert_true(error == PS_E_CHANGED || error == PS_E_NOT_PUBLISHED);
}

static void truncation_under_an_upload_ends_it(void **state)
{
    assert_changed(interrupted(*state, truncate_it));
}

static void change_under_an_upload_ends_it(void **state)
{
    assert_changed(interrupted(*state, rewrite_it));
}

static void unpublishing_ends_an_upload(void **state)
{
    assert_int_equal(interrupted(*state, unpublish_it), PS_E_NOT_PUBLISHED);
}

static void unpublish_it_under_both_names(struct pair *p)
{
    (void)node_publish(&p->up, node_write(&p->up, "twin", 8 * MIB, 1));
    assert_true(data_unpublish(p->up.data, "f"));
    assert_true(data_unpublish(p->up.data, "twin"));
}

static void unpublishing_every_name_ends_an_upload(void **state)
{
    assert_int_equal(interrupted(*state, unpublish_it_under_both_names), PS_E_NOT_PUBLISHED);
}

static void talk(int peer, const uint8_t *bytes, size_t len)
{
    assert_int_equal(send(peer, bytes, len, MSG_NOSIGNAL), len);
}

static void hear(int peer, uint8_t *bytes, size_t len)
{
    assert_int_equal(recv(peer, bytes, len, MSG_WAITALL), len);
}

/* A downloader made by hand asks for the second piece when the file has changed. */
static void change_between_requests_is_not_served(void **state)
{
    struct pair *p = *state;
    static uint8_t bytes[MIB];
    ps_content content = node_publish(&p->up, node_write(&p->up, "f", 2 * MIB, 1));
    uint8_t hello[53] = {PS_STREAM_PREFACE_PLAIN, 1, 0, 0, 0, 0, 0, 0, 44, 0, 1};
    for (unsigned i = 0; i < 8; i++) {
        hello[13 + i] = (uint8_t)(content.length >> (56 - 8 * i));
    }
    memcpy(hello + 21, content.root, PS_ROOT_BYTES);
    uint8_t want[20] = {3, 0, 0, 0, 0, 0, 0, 12, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1};
    struct sockaddr_storage to;
    socklen_t len = (socklen_t)ps_addr_to_sockaddr(&p->up.addr, (struct sockaddr *)&to);
    int peer = socket(to.ss_family, SOCK_STREAM, 0);
    assert_int_equal(connect(peer, (struct sockaddr *)&to, len), 0);
    talk(peer, hello, sizeof hello);
    hear(peer, bytes, 16); /* HELLO */
    talk(peer, want, sizeof want);
    hear(peer, bytes, 16); /* The head of DATA */
    assert_int_equal(bytes[0], 5);
    hear(peer, bytes, MIB);
    (void)node_write(&p->up, "f", 2 * MIB, 2);
    want[15] = 1;
    talk(peer, want, sizeof want);
    hear(peer, bytes, 10);
    assert_int_equal(bytes[0], 9); /* ERROR */
    assert_int_equal(bytes[8] << 8 | bytes[9], PS_E_CHANGED);
    assert_int_equal(close(peer), 0);
}

static void slots_are_bounded_and_come_back(void **state)
{
    struct pair *p = *state;
    struct relay relays[2];
    ps_content content = node_publish(&p->up, node_write(&p->up, "f", 8 * MIB, 1));
    for (unsigned i = 0; i < 2; i++) {
        static const char *const names[] = {"a", "b"};
        relay_start(&relays[i], RELAY_GATE, 100000, &p->up.addr);
        data_get(p->down.data, &(struct data_get){.tag = 5 + i,
                                                  .content = content,
                                                  .sources = &relays[i].addr,
                                                  .source_count = 1,
                                                  .dir = p->down.downloads,
                                                  .name = names[i]});
        relay_await(&relays[i]);
    }
    struct data_event *event = node_fetch(&p->down, &content, &p->up.addr, "c");
    assert_int_equal(event->error, PS_E_SLOTS);
    data_event_free(event);
    struct data_stats stats;
    data_stats_get(p->up.data, &stats);
    assert_int_equal(stats.uploads, 2);
    assert_int_equal(stats.slots_refused, 1);
    struct data_transfer shown[4];
    assert_int_equal(data_transfers(p->up.data, shown, 4), 2);
    assert_true(shown[0].upload);
    assert_string_equal(shown[0].name, "f");
    for (unsigned i = 0; i < 2; i++) {
        relay_release(&relays[i]);
    }
    data_event_free(node_event_of(&p->down, DATA_GET_DONE));
    data_event_free(node_event_of(&p->down, DATA_GET_DONE));
    data_event_free(node_event_of(&p->up, DATA_UPLOAD_ENDED));
    event = node_event_of(&p->up, DATA_UPLOAD_ENDED);
    assert_int_equal(event->error, PS_E_NONE);
    assert_int_equal(event->done, 8 * MIB);
    data_event_free(event);
    event = node_fetch(&p->down, &content, &p->up.addr, "c");
    assert_int_equal(event->type, DATA_GET_DONE);
    data_event_free(event);
    for (unsigned i = 0; i < 2; i++) {
        relay_stop(&relays[i]);
    }
}

/* A connection by hand. */
static int dial(const ps_addr *to)
{
    struct sockaddr_storage name;
    socklen_t len = (socklen_t)ps_addr_to_sockaddr(to, (struct sockaddr *)&name);
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    assert_true(fd >= 0);
    assert_int_equal(connect(fd, (struct sockaddr *)&name, len), 0);
    return fd;
}

static void await_end(int fd)
{
    uint8_t bytes[256];
    while (recv(fd, bytes, sizeof bytes, 0) > 0) {
    }
    assert_int_equal(close(fd), 0);
}

static void restart_impatient(struct pair *p)
{
    p->up.cfg.upload_idle_ms = 200;
    node_stop(&p->up);
    node_start(&p->up);
}

static void silent_connection_is_cut(void **state)
{
    struct pair *p = *state;
    restart_impatient(p);
    await_end(dial(&p->up.addr));
}

static void rubbish_is_cut(void **state)
{
    struct pair *p = *state;
    int fd = dial(&p->up.addr);
    uint8_t bytes[512];
    memset(bytes, 0xee, sizeof bytes);
    assert_int_equal(send(fd, bytes, sizeof bytes, 0), sizeof bytes);
    await_end(fd);
}

static void connections_are_bounded(void **state)
{
    enum { MOST = 2 + 64 };
    struct pair *p = *state;
    int fds[MOST];
    for (unsigned i = 0; i < MOST; i++) {
        fds[i] = dial(&p->up.addr);
    }
    await_end(dial(&p->up.addr)); /* One too many: closed though nobody is impatient. */
    for (unsigned i = 0; i < MOST; i++) {
        assert_int_equal(close(fds[i]), 0);
    }
}

static void downloader_that_does_not_read_is_cut(void **state)
{
    struct pair *p = *state;
    struct relay relay;
    restart_impatient(p);
    ps_content content = node_publish(&p->up, node_write(&p->up, "f", 8 * MIB, 1));
    relay_start(&relay, RELAY_STALL, 100000, &p->up.addr);
    data_get(p->down.data, &(struct data_get){.tag = 5,
                                              .content = content,
                                              .sources = &relay.addr,
                                              .source_count = 1,
                                              .dir = p->down.downloads,
                                              .name = "out"});
    struct data_event *event = node_event_of(&p->up, DATA_UPLOAD_ENDED);
    assert_int_equal(event->error, PS_E_STALLED);
    data_event_free(event);
    data_cancel(p->down.data, 5);
    data_event_free(node_event_of(&p->down, DATA_GET_FAILED));
    relay_stop(&relay);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(unpublished_content_is_not_served, make, end),
        cmocka_unit_test_setup_teardown(changed_file_is_hashed_again, make, end),
        cmocka_unit_test_setup_teardown(truncation_under_an_upload_ends_it, make, end),
        cmocka_unit_test_setup_teardown(change_under_an_upload_ends_it, make, end),
        cmocka_unit_test_setup_teardown(unpublishing_ends_an_upload, make, end),
        cmocka_unit_test_setup_teardown(unpublishing_every_name_ends_an_upload, make, end),
        cmocka_unit_test_setup_teardown(change_between_requests_is_not_served, make, end),
        cmocka_unit_test_setup_teardown(slots_are_bounded_and_come_back, make, end),
        cmocka_unit_test_setup_teardown(silent_connection_is_cut, make, end),
        cmocka_unit_test_setup_teardown(rubbish_is_cut, make, end),
        cmocka_unit_test_setup_teardown(connections_are_bounded, make, end),
        cmocka_unit_test_setup_teardown(downloader_that_does_not_read_is_cut, make, end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
