/* Who is let in. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "uploader.h"

#include "lobby.h"

#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static void an_altered_ticket_opens_nothing(void **state)
{
    struct rig *r = *state;
    const ps_content content = rig_publish(r, "f", 5000, 1);
    const struct data_source good = node_source(&r->up, &content);
    for (unsigned at = 0; at < good.ticket_len; at += 9) {
        struct data_source bad = good;
        bad.ticket[at] ^= 1;
        rig_assert_refused(r, &content, &bad);
    }
    struct data_source bad = good;
    bad.ticket_len--;
    rig_assert_refused(r, &content, &bad);
    rig_assert_served(r, &content, &good);
}

static void a_ticket_is_of_no_use_without_its_key(void **state)
{
    struct rig *r = *state;
    const ps_content content = rig_publish(r, "f", 5000, 1);
    struct data_source bad = node_source(&r->up, &content);
    bad.key[31] ^= 0x80;
    rig_assert_refused(r, &content, &bad);
}

static void a_foreign_ticket_opens_nothing(void **state)
{
    struct rig *r = *state;
    struct node other;
    node_make(&other);
    const ps_content content = rig_publish(r, "f", 5000, 1);
    other.addr = r->up.addr;
    const struct data_source foreign = node_source(&other, &content);
    rig_assert_refused(r, &content, &foreign);
    node_end(&other);
}

static void an_expired_ticket_opens_nothing(void **state)
{
    struct rig *r = *state;
    const ps_content content = rig_publish(r, "f", 5000, 1);
    const struct data_source source = node_source(&r->up, &content);
    data_set_wall(r->up.data, NODE_WALL_S + NODE_TICKET_S - 60);
    rig_assert_served(r, &content, &source);
    data_set_wall(r->up.data, NODE_WALL_S + NODE_TICKET_S);
    rig_assert_refused(r, &content, &source);
    data_set_wall(r->up.data, NODE_WALL_S); /* The server's clock was set back. */
    rig_assert_served(r, &content, &source);
    data_set_wall(r->up.data, 0);
    rig_assert_refused(r, &content, &source);
}

static void a_ticket_lives_as_long_as_its_epochs_key(void **state)
{
    struct rig *r = *state;
    const ps_content content = rig_publish(r, "f", 5000, 1);
    const uint64_t epoch = NODE_WALL_S / PS_FILE_EPOCH_S;
    const struct data_source before =
        node_source_until(&r->up, &content, epoch - 1, NODE_WALL_S + 60);
    const struct data_source after =
        node_source_until(&r->up, &content, epoch + 1, NODE_WALL_S + 60);
    rig_assert_served(r, &content, &before);
    rig_assert_served(r, &content, &after);
    ps_file_keys later = r->up.keys;
    later.first_epoch++;
    later.count--;
    memmove(later.keys[0], later.keys[1], 2 * PS_KEY_BYTES);
    data_set_file_keys(r->up.data, &later);
    rig_assert_refused(r, &content, &before);
    rig_assert_served(r, &content, &after);
}

static void plain_is_refused_unless_asked_for(void **state)
{
    struct rig *r = *state;
    struct caller c;
    const ps_content content = rig_publish(r, "f", 5000, 1);
    const struct data_source source = node_source(&r->up, &content);
    caller_dial(&c, &source.addr, 1);
    caller_greet(&c);
    (void)caller_fetch(&c, &content, &source);
    assert_int_equal(caller_await_end(&c), PS_E_PLAIN);
    assert_int_equal(c.payload, 0);
    caller_end(&c);
    assert_int_equal(rig_stats(r).tickets_refused, 1);
}

static void sealed_is_served_where_plain_is(void **state)
{
    struct rig *r = *state;
    struct caller c;
    const ps_content content = rig_publish(r, "f", 5000, 1);
    const struct data_source source = node_source(&r->up, &content);
    caller_dial(&c, &source.addr, 1);
    assert_true(caller_seal(&c, &source));
    caller_greet(&c);
    assert_int_equal(caller_await(&c, caller_fetch(&c, &content, &source)), PS_E_NONE);
    caller_end(&c);
}

/* A connection by hand, from 127.0.0.`from`, that says nothing. */
static int dial(const struct rig *r, uint8_t from)
{
    struct caller c;
    caller_dial(&c, &r->up.addr, from);
    const int fd = ps_posix_streams_release(c.streams, c.stream);
    caller_end(&c);
    return fd;
}

static void await_end(int fd)
{
    uint8_t bytes[256];
    struct pollfd p = {.fd = fd, .events = POLLIN};
    while (poll(&p, 1, -1) > 0 && recv(fd, bytes, sizeof bytes, 0) > 0) {
    }
    assert_int_equal(close(fd), 0);
}

static void a_silent_connection_is_cut(void **state)
{
    struct rig *r = *state;
    rig_restart_impatient(r);
    await_end(dial(r, 1));
}

/* Sends a byte at a time until it is cut, never as much as `bytes` holds. */
static void dribble(int fd, const uint8_t *bytes, size_t len)
{
    struct pollfd p = {.fd = fd, .events = POLLIN};
    uint8_t heard[256];
    for (size_t i = 0; i < len; i++) {
        if (send(fd, bytes + i, 1, MSG_NOSIGNAL) != 1 ||
            (poll(&p, 1, 20) > 0 && recv(fd, heard, sizeof heard, 0) <= 0)) {
            assert_int_equal(close(fd), 0);
            return;
        }
    }
    fail_msg("it was not cut in %zu bytes", len);
}

static void who_dribbles_is_cut(void **state)
{
    struct rig *r = *state;
    /* The beginning of a TLS client's HELLO of 1 KiB; a HELLO, and an OPEN of 200 bytes. */
    static const uint8_t sealed[1024] = {PS_TLS_FIRST_BYTE, 3, 1, 4, 0, 1, 0, 3, 252, 3, 3};
    static const uint8_t plain[253] = {
        PS_STREAM_PREFACE_PLAIN, 1, 0, 0, 0, 0, 0, 0, 36, 0, 1, [45] = 2, [52] = 200};
    rig_restart_impatient(r);
    const int fd = dial(r, 1);
    if (r->plain) {
        assert_int_equal(send(fd, plain, 53, MSG_NOSIGNAL), 53);
        dribble(fd, plain + 53, sizeof plain - 53);
    } else {
        dribble(fd, sealed, sizeof sealed);
    }
}

static void who_shakes_hands_and_asks_for_nothing_is_cut(void **state)
{
    struct rig *r = *state;
    struct caller c;
    rig_restart_impatient(r);
    const ps_content content = rig_publish(r, "f", 5000, 1);
    const struct data_source source = node_source(&r->up, &content);
    rig_reach(r, &c, &source);
    caller_await_close(&c);
    caller_end(&c);
}

static void rubbish_is_cut(void **state)
{
    struct rig *r = *state;
    int fd = dial(r, 1);
    uint8_t bytes[512];
    memset(bytes, 0xee, sizeof bytes);
    assert_int_equal(send(fd, bytes, sizeof bytes, 0), sizeof bytes);
    await_end(fd);
    fd = dial(r, 1);
    bytes[0] = PS_TLS_FIRST_BYTE;
    assert_int_equal(send(fd, bytes, sizeof bytes, 0), sizeof bytes);
    await_end(fd);
    assert_int_equal(rig_stats(r).tickets_refused, 2);
}

static bool is_open(int fd)
{
    uint8_t byte;
    return recv(fd, &byte, 1, MSG_DONTWAIT | MSG_PEEK) < 0;
}

static void strangers_do_not_keep_a_ticket_out(void **state)
{
    struct rig *r = *state;
    struct caller known, late;
    int fds[LOBBY_MAX];
    const ps_content content = rig_publish(r, "f", 5000, 1);
    const struct data_source source = node_source(&r->up, &content);
    struct data_source spoilt = source;
    spoilt.ticket[40] ^= 1;
    rig_reach(r, &known, &source);
    const uint32_t refused = caller_fetch(&known, &content, &spoilt);
    const uint32_t served = caller_fetch(&known, &content, &source);
    assert_int_equal(caller_await(&known, refused), PS_E_FILE_TICKET);
    assert_int_equal(caller_await(&known, served), PS_E_NONE);
    /* Refused once more, it holds no file. */
    (void)caller_await(&known, caller_fetch(&known, &content, &spoilt));
    for (unsigned i = 0; i < LOBBY_MAX; i++) {
        fds[i] = dial(r, (uint8_t)(2 + i));
    }
    /* They and the one that is known are one too many: the first of them went. */
    await_end(fds[0]);
    caller_dial(&late, &source.addr, 1);
    await_end(fds[1]);
    assert_true(r->plain || caller_seal(&late, &source));
    caller_greet(&late);
    assert_int_equal(caller_await(&late, caller_fetch(&late, &content, &source)), PS_E_NONE);
    assert_int_equal(caller_await(&known, caller_fetch(&known, &content, &source)), PS_E_NONE);
    caller_end(&late);
    caller_end(&known);
    for (unsigned i = 2; i < LOBBY_MAX; i++) {
        assert_true(is_open(fds[i]));
        assert_int_equal(close(fds[i]), 0);
    }
}

static void one_network_pushes_out_its_own(void **state)
{
    struct rig *r = *state;
    int fds[LOBBY_NETWORK_MAX + 1];
    const int other = dial(r, 9);
    for (unsigned i = 0; i <= LOBBY_NETWORK_MAX; i++) {
        fds[i] = dial(r, 2);
    }
    await_end(fds[0]);
    assert_true(is_open(other));
    assert_int_equal(close(other), 0);
    for (unsigned i = 1; i <= LOBBY_NETWORK_MAX; i++) {
        assert_true(is_open(fds[i]));
        assert_int_equal(close(fds[i]), 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        BOTH(an_altered_ticket_opens_nothing),
        BOTH(a_ticket_is_of_no_use_without_its_key),
        BOTH(a_foreign_ticket_opens_nothing),
        BOTH(an_expired_ticket_opens_nothing),
        BOTH(a_ticket_lives_as_long_as_its_epochs_key),
        SEALED(plain_is_refused_unless_asked_for),
        PLAIN(sealed_is_served_where_plain_is),
        SEALED(a_silent_connection_is_cut),
        BOTH(who_dribbles_is_cut),
        BOTH(who_shakes_hands_and_asks_for_nothing_is_cut),
        SEALED(rubbish_is_cut),
        BOTH(strangers_do_not_keep_a_ticket_out),
        SEALED(one_network_pushes_out_its_own),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
