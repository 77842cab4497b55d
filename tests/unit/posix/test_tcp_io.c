/* Bytes over connections: what the conformance suite cannot ask of every adapter. */
#include "loopback.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>

static void write_all(const ps_stream_transport *t, ps_stream s, const char *text)
{
    const ps_span part = {(const uint8_t *)text, strlen(text)};
    size_t n = 0;
    assert_int_equal(t->write(t->ctx, s, &part, 1, &n), PS_OK);
    assert_int_equal(n, part.len);
}

/* A refusal that arrived before the connection broke can still be read after a write found out. */
static void test_last_words_survive_a_broken_write(void **state)
{
    (void)state;
    loopback l = loopback_open(1, 1);
    const ps_stream dialled = loopback_dial(&l);
    const ps_stream accepted = loopback_accept(&l);
    write_all(&l.ta, dialled, "ask");
    loopback_wait(ps_posix_streams_fd(l.b, accepted), POLLIN);
    write_all(&l.tb, accepted, "no");
    loopback_wait(ps_posix_streams_fd(l.a, dialled), POLLIN);
    l.tb.close(l.tb.ctx, accepted); /* "ask" is unread: this resets the connection. */
    const int fd = ps_posix_streams_fd(l.a, dialled);
    loopback_wait(fd, POLLERR);
    const ps_span more = {(const uint8_t *)"more", 4};
    size_t n = 0;
    assert_int_equal(l.ta.write(l.ta.ctx, dialled, &more, 1, &n), PS_FAILED);
    assert_true(ps_posix_streams_error(l.a)->number != 0);
    const uint32_t now = l.ta.ready(l.ta.ctx, dialled, PS_READABLE | PS_WRITABLE);
    assert_true((now & PS_BROKEN) != 0 && (now & PS_WRITABLE) == 0);
    char buf[4];
    assert_int_equal(l.ta.read(l.ta.ctx, dialled, buf, sizeof buf, &n), PS_OK);
    assert_int_equal(n, 2);
    assert_memory_equal(buf, "no", 2);
    assert_int_equal(l.ta.read(l.ta.ctx, dialled, buf, sizeof buf, &n), PS_FAILED);
    assert_int_equal(l.ta.finish(l.ta.ctx, dialled), PS_FAILED);
    loopback_close(&l);
}

/* More parts than the system takes at a time: the first ones go. */
static void test_very_many_parts(void **state)
{
    (void)state;
    loopback l = loopback_open(1, 1);
    const ps_stream dialled = loopback_dial(&l);
    const ps_stream accepted = loopback_accept(&l);
    ps_span parts[40];
    char text[40];
    char got[40];
    for (size_t i = 0; i < 40; i++) {
        text[i] = (char)('A' + i);
        parts[i] = (ps_span){(const uint8_t *)&text[i], 1};
    }
    size_t done = 0;
    while (done < 40) {
        size_t n = 0;
        assert_int_equal(l.ta.write(l.ta.ctx, dialled, parts + done, 40 - done, &n), PS_OK);
        assert_in_range(n, 1, 40 - done);
        done += n;
    }
    for (size_t at = 0; at < 40;) {
        size_t n = 0;
        loopback_wait(ps_posix_streams_fd(l.b, accepted), POLLIN);
        assert_int_equal(l.tb.read(l.tb.ctx, accepted, got + at, 40 - at, &n), PS_OK);
        at += n;
    }
    assert_memory_equal(got, text, 40);
    loopback_close(&l);
}

static void test_nothing_to_write(void **state)
{
    (void)state;
    loopback l = loopback_open(1, 1);
    const ps_stream dialled = loopback_dial(&l);
    (void)loopback_accept(&l);
    loopback_wait(ps_posix_streams_fd(l.a, dialled), POLLOUT);
    const ps_span empty = {(const uint8_t *)"", 0};
    size_t n = 9;
    assert_int_equal(l.ta.write(l.ta.ctx, dialled, &empty, 1, &n), PS_OK);
    assert_int_equal(n, 0);
    assert_int_equal(l.ta.write(l.ta.ctx, dialled, NULL, 0, &n), PS_OK);
    loopback_close(&l);
}

/* While its connection is being made a stream is not ready, nor broken. */
static void test_connecting(void **state)
{
    (void)state;
    loopback l = loopback_open(1, 1);
    /* A listener whose queue is full answers nobody: RFC 5737's network is as silent, but routed.
     */
    const ps_addr silent = {.ip = {192, 0, 2, 1}, .port = 9, .family = PS_ADDR_V4};
    ps_stream s = 0;
    if (l.ta.dial(l.ta.ctx, &silent, &s) != PS_OK ||
        (l.ta.ready(l.ta.ctx, s, PS_WRITABLE) & PS_BROKEN) != 0) {
        loopback_close(&l);
        skip(); /* A machine without a route knows at once. */
    }
    const ps_span part = {(const uint8_t *)"x", 1};
    char byte = 0;
    size_t n = 0;
    const ps_status wrote = l.ta.write(l.ta.ctx, s, &part, 1, &n);
    const ps_status read = l.ta.read(l.ta.ctx, s, &byte, 1, &n);
    assert_true(wrote == PS_AGAIN || wrote == PS_FAILED); /* The network may say no meanwhile. */
    assert_true(read == PS_AGAIN || read == PS_FAILED);
    loopback_close(&l);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_last_words_survive_a_broken_write),
        cmocka_unit_test(test_very_many_parts),
        cmocka_unit_test(test_nothing_to_write),
        cmocka_unit_test(test_connecting),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
