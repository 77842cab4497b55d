/* The contract of ps_stream_transport. */
#include "conformance_internal.h"

#include <stdlib.h>
#include <string.h>

#define BIG (10u << 20)

static void test_listener(void **state)
{
    conformance_world *w = *state;
    for (unsigned i = 0; i < CONFORMANCE_NODES; i++) {
        const ps_stream_transport *t = w->tcp[i];
        const ps_addr at = t->listener(t->ctx);
        assert_true(at.family == PS_ADDR_V4 || at.family == PS_ADDR_V6);
        assert_true(at.port != 0);
        ps_stream s = 0;
        ps_addr from;
        assert_int_equal(t->accept(t->ctx, &s, &from), PS_AGAIN);
    }
}

static void test_both_directions(void **state)
{
    conformance_world *w = *state;
    conformance_pair p = conformance_connect(w, 1, 0);
    char buf[8];
    size_t n = 0;
    const ps_addr listener = w->tcp[1]->listener(w->tcp[1]->ctx);
    assert_int_equal(p.from.family, listener.family);
    assert_memory_equal(p.from.ip, listener.ip, sizeof p.from.ip);
    assert_int_equal(p.dialler->read(p.dialler->ctx, p.dialled, buf, 8, &n), PS_AGAIN);
    assert_int_equal(p.acceptor->read(p.acceptor->ctx, p.accepted, buf, 8, &n), PS_AGAIN);
    conformance_write(w, p.dialler, p.dialled, "there", 5);
    conformance_write(w, p.acceptor, p.accepted, "back", 4);
    conformance_read(w, p.acceptor, p.accepted, buf, 5);
    assert_memory_equal(buf, "there", 5);
    conformance_read(w, p.dialler, p.dialled, buf, 4);
    assert_memory_equal(buf, "back", 4);
}

/* Parts are one stretch of bytes, whatever prefix is taken; empty ones are nothing. */
static void test_parts(void **state)
{
    conformance_world *w = *state;
    conformance_pair p = conformance_connect(w, 0, 1);
    static const char text[] = "0123456789abcdefghijklmnopqrstuvwxyzABCD";
    const size_t len = sizeof text - 1;
    char got[sizeof text];
    for (size_t done = 0; done < len;) {
        ps_span parts[41];
        size_t count = 0;
        for (size_t at = done; at < len;) {
            const size_t part = count % 3 < len - at ? count % 3 : len - at;
            parts[count++] = (ps_span){(const uint8_t *)text + at, part};
            at += part;
        }
        size_t n = 0;
        ps_status status = p.dialler->write(p.dialler->ctx, p.dialled, parts, count, &n);
        if (status == PS_AGAIN) {
            conformance_wait(w);
            continue;
        }
        assert_int_equal(status, PS_OK);
        assert_in_range(n, 1, len - done);
        done += n;
    }
    conformance_read(w, p.acceptor, p.accepted, got, len);
    assert_memory_equal(got, text, len);
}

static void test_finish_leaves_the_other_direction(void **state)
{
    conformance_world *w = *state;
    conformance_pair p = conformance_connect(w, 1, 2);
    char buf[4];
    conformance_write(w, p.dialler, p.dialled, "ask", 3);
    assert_int_equal(p.dialler->finish(p.dialler->ctx, p.dialled), PS_OK);
    conformance_read(w, p.acceptor, p.accepted, buf, 3);
    conformance_read_end(w, p.acceptor, p.accepted);
    conformance_read_end(w, p.acceptor, p.accepted);
    size_t n = 0;
    const ps_span more = {(const uint8_t *)"x", 1};
    assert_int_equal(p.dialler->write(p.dialler->ctx, p.dialled, &more, 1, &n), PS_FAILED);
    conformance_write(w, p.acceptor, p.accepted, "back", 4);
    assert_int_equal(p.acceptor->finish(p.acceptor->ctx, p.accepted), PS_OK);
    conformance_read(w, p.dialler, p.dialled, buf, 4);
    assert_memory_equal(buf, "back", 4);
    conformance_read_end(w, p.dialler, p.dialled);
    p.dialler->close(p.dialler->ctx, p.dialled);
    p.acceptor->close(p.acceptor->ctx, p.accepted);
}

/* Finished before the connection is even made: the other side still sees a stream and its end. */
static void test_finish_while_connecting(void **state)
{
    conformance_world *w = *state;
    const ps_stream_transport *a = w->tcp[0];
    const ps_stream_transport *b = w->tcp[1];
    const ps_addr at = b->listener(b->ctx);
    ps_stream dialled = 0;
    ps_stream accepted = 0;
    ps_addr from;
    assert_int_equal(a->dial(a->ctx, &at, &dialled), PS_OK);
    assert_int_equal(a->finish(a->ctx, dialled), PS_OK);
    while (b->accept(b->ctx, &accepted, &from) != PS_OK) {
        conformance_wait(w);
        (void)a->ready(a->ctx, dialled, PS_WRITABLE);
    }
    (void)a->ready(a->ctx, dialled, PS_WRITABLE);
    conformance_read_end(w, b, accepted);
    conformance_write(w, b, accepted, "late", 4);
    char buf[4];
    conformance_read(w, a, dialled, buf, 4);
    assert_memory_equal(buf, "late", 4);
}

static void test_close_delivers_what_was_written(void **state)
{
    conformance_world *w = *state;
    conformance_pair p = conformance_connect(w, 2, 0);
    char buf[5];
    conformance_write(w, p.dialler, p.dialled, "final", 5);
    assert_int_equal(p.dialler->finish(p.dialler->ctx, p.dialled), PS_OK);
    p.dialler->close(p.dialler->ctx, p.dialled);
    conformance_read(w, p.acceptor, p.accepted, buf, 5);
    assert_memory_equal(buf, "final", 5);
    conformance_read_end(w, p.acceptor, p.accepted);
}

/* One end of a busy stream: what it has written and read of the two payloads. */
typedef struct busy_end {
    const ps_stream_transport *t;
    ps_stream s;
    const uint8_t *out;
    size_t written;
    bool finished;
    uint8_t *in;
    size_t read;
    bool ended;
} busy_end;

/* Writes and reads once, in pieces of random sizes. @return true when something moved. */
static bool busy_turn(busy_end *e, test_random *r)
{
    bool moved = false;
    size_t n = 0;
    if (e->written < BIG) {
        size_t len = (size_t)test_random_range(r, 1, 200000);
        len = len < BIG - e->written ? len : BIG - e->written;
        const ps_span parts[2] = {{e->out + e->written, len / 2},
                                  {e->out + e->written + len / 2, len - len / 2}};
        ps_status status = e->t->write(e->t->ctx, e->s, parts, 2, &n);
        assert_true(status == PS_OK || status == PS_AGAIN);
        if (status == PS_OK) {
            assert_in_range(n, 1, len);
            e->written += n;
            moved = true;
        }
    } else if (!e->finished) {
        assert_int_equal(e->t->finish(e->t->ctx, e->s), PS_OK);
        e->finished = true;
    }
    if (!e->ended) {
        const size_t cap = (size_t)test_random_range(r, 1, 200000);
        ps_status status = e->t->read(e->t->ctx, e->s, e->in + e->read, cap, &n);
        assert_true(status == PS_OK || status == PS_AGAIN);
        if (status == PS_OK) {
            assert_true(n <= cap);
            e->read += n;
            assert_true(e->read <= BIG);
            e->ended = n == 0;
            moved = true;
        }
    }
    return moved;
}

static void test_big_payload_both_ways(void **state)
{
    conformance_world *w = *state;
    conformance_pair p = conformance_connect(w, 0, 1);
    test_random r = test_random_of(2);
    const size_t room = BIG + 200000;
    uint8_t *bytes = malloc(2 * (size_t)BIG + 2 * room);
    assert_non_null(bytes);
    test_random_bytes(&r, bytes, 2 * (size_t)BIG);
    uint8_t *in = bytes + 2 * (size_t)BIG;
    busy_end a = {.t = p.dialler, .s = p.dialled, .out = bytes, .in = in};
    busy_end b = {.t = p.acceptor, .s = p.accepted, .out = bytes + BIG, .in = in + room};
    while (!a.ended || !b.ended) {
        const bool a_moved = busy_turn(&a, &r);
        const bool b_moved = busy_turn(&b, &r);
        if (!a_moved && !b_moved) {
            conformance_wait(w);
        }
    }
    assert_int_equal(a.read, BIG);
    assert_int_equal(b.read, BIG);
    assert_int_equal(memcmp(a.in, b.out, BIG), 0);
    assert_int_equal(memcmp(b.in, a.out, BIG), 0);
    free(bytes);
}

/* A reader that does not read stops the writer, who goes on when it does; nothing is lost. */
static void test_full_stream_blocks_and_resumes(void **state)
{
    conformance_world *w = *state;
    conformance_pair p = conformance_connect(w, 1, 0);
    static uint8_t chunk[65536];
    uint64_t written = 0;
    unsigned idle = 0;
    while (idle < 20) { /* Full, and still so after the network had time to carry on. */
        size_t n = 0;
        const ps_span part = {chunk, sizeof chunk};
        memset(chunk, 0x5a, sizeof chunk);
        ps_status status = p.dialler->write(p.dialler->ctx, p.dialled, &part, 1, &n);
        if (status == PS_OK) {
            written += n;
            idle = 0;
            assert_true(written < UINT64_C(1) << 30);
            continue;
        }
        assert_int_equal(status, PS_AGAIN);
        idle++;
        conformance_wait(w);
    }
    assert_int_equal(p.dialler->ready(p.dialler->ctx, p.dialled, PS_WRITABLE), 0);
    uint64_t got = 0;
    while (got < written) {
        size_t n = 0;
        ps_status status = p.acceptor->read(p.acceptor->ctx, p.accepted, chunk, sizeof chunk, &n);
        if (status == PS_AGAIN) {
            conformance_wait(w);
            continue;
        }
        assert_int_equal(status, PS_OK);
        assert_true(n > 0 && chunk[0] == 0x5a && chunk[n - 1] == 0x5a);
        got += n;
    }
    assert_int_equal(got, written);
    while (p.dialler->ready(p.dialler->ctx, p.dialled, PS_WRITABLE) == 0) {
        conformance_wait(w);
    }
}

static void test_close_breaks_the_writer(void **state)
{
    conformance_world *w = *state;
    conformance_pair p = conformance_connect(w, 0, 2);
    conformance_write(w, p.dialler, p.dialled, "unread", 6);
    while (p.acceptor->ready(p.acceptor->ctx, p.accepted, PS_READABLE) == 0) {
        conformance_wait(w);
    }
    p.acceptor->close(p.acceptor->ctx, p.accepted);
    static const uint8_t chunk[4096];
    const ps_span part = {chunk, sizeof chunk};
    for (;;) {
        size_t n = 0;
        ps_status status = p.dialler->write(p.dialler->ctx, p.dialled, &part, 1, &n);
        if (status == PS_FAILED) {
            break;
        }
        conformance_wait(w);
    }
    assert_true((p.dialler->ready(p.dialler->ctx, p.dialled, 0) & PS_BROKEN) != 0);
    p.dialler->close(p.dialler->ctx, p.dialled);
}

static void test_dial_to_nobody(void **state)
{
    conformance_world *w = *state;
    const ps_stream_transport *t = w->tcp[0];
    const ps_addr nobody = w->adapter->nobody(w->ctx);
    ps_stream s = 0;
    ps_status status = t->dial(t->ctx, &nobody, &s);
    if (status == PS_FAILED) {
        return; /* Known at once. */
    }
    assert_int_equal(status, PS_OK);
    while ((t->ready(t->ctx, s, PS_READABLE | PS_WRITABLE) & PS_BROKEN) == 0) {
        conformance_wait(w);
    }
    size_t n = 0;
    uint8_t byte = 0;
    const ps_span part = {&byte, 1};
    assert_int_equal(t->write(t->ctx, s, &part, 1, &n), PS_FAILED);
    assert_int_equal(t->read(t->ctx, s, &byte, 1, &n), PS_FAILED);
    t->close(t->ctx, s);
}

static void test_readiness(void **state)
{
    conformance_world *w = *state;
    conformance_pair p = conformance_connect(w, 1, 2);
    const ps_stream_transport *t = p.acceptor;
    const uint32_t both = PS_READABLE | PS_WRITABLE;
    assert_int_equal(t->ready(t->ctx, p.accepted, both), PS_WRITABLE);
    assert_int_equal(t->ready(t->ctx, p.accepted, PS_READABLE), 0);
    assert_int_equal(t->ready(t->ctx, p.accepted, 0), 0);
    conformance_write(w, p.dialler, p.dialled, "x", 1);
    while (t->ready(t->ctx, p.accepted, PS_READABLE) == 0) {
        conformance_wait(w);
    }
    assert_int_equal(t->ready(t->ctx, p.accepted, both), both);
    assert_int_equal(t->ready(t->ctx, p.accepted, PS_WRITABLE), PS_WRITABLE);
    char byte = 0;
    conformance_read(w, t, p.accepted, &byte, 1);
    assert_int_equal(t->ready(t->ctx, p.accepted, PS_READABLE), 0);
    assert_int_equal(p.dialler->finish(p.dialler->ctx, p.dialled), PS_OK);
    while (t->ready(t->ctx, p.accepted, PS_READABLE) == 0) {
        conformance_wait(w);
    }
    conformance_read_end(w, t, p.accepted);
}

static void test_names_are_never_reused(void **state)
{
    conformance_world *w = *state;
    enum { ROUNDS = 50 };
    ps_stream names[ROUNDS];
    for (unsigned i = 0; i < ROUNDS; i++) {
        conformance_pair p = conformance_connect(w, 1, 0);
        names[i] = p.accepted;
        for (unsigned j = 0; j < i; j++) {
            assert_true(names[i] != names[j]);
        }
        p.acceptor->close(p.acceptor->ctx, p.accepted);
        p.dialler->close(p.dialler->ctx, p.dialled);
    }
    conformance_pair live = conformance_connect(w, 1, 0);
    const ps_stream_transport *t = live.acceptor;
    uint8_t byte = 0;
    const ps_span part = {&byte, 1};
    size_t n = 0;
    const ps_stream strange[] = {0, names[0], names[ROUNDS - 1], UINT64_MAX};
    for (size_t i = 0; i < 4; i++) {
        assert_int_equal(t->read(t->ctx, strange[i], &byte, 1, &n), PS_FAILED);
        assert_int_equal(t->write(t->ctx, strange[i], &part, 1, &n), PS_FAILED);
        assert_int_equal(t->finish(t->ctx, strange[i]), PS_FAILED);
        assert_int_equal(t->ready(t->ctx, strange[i], PS_READABLE), PS_BROKEN);
        t->close(t->ctx, strange[i]);
    }
    conformance_write(w, live.dialler, live.dialled, "y", 1);
    conformance_read(w, t, live.accepted, &byte, 1);
    assert_int_equal(byte, 'y');
}

/* Many at once from two nodes: each stream's bytes stay its own. */
static void test_many_streams(void **state)
{
    conformance_world *w = *state;
    enum { STREAMS = 24 };
    conformance_pair p[STREAMS];
    for (unsigned i = 0; i < STREAMS; i++) {
        p[i] = conformance_connect(w, 1 + i % 2, 0);
    }
    for (unsigned i = 0; i < STREAMS; i++) {
        const uint8_t id[2] = {(uint8_t)i, (uint8_t)(i + 100)};
        conformance_write(w, p[i].dialler, p[i].dialled, &id[0], 1);
        conformance_write(w, p[i].acceptor, p[i].accepted, &id[1], 1);
    }
    for (unsigned i = STREAMS; i-- > 0;) {
        uint8_t got[2] = {0, 0};
        conformance_read(w, p[i].acceptor, p[i].accepted, &got[0], 1);
        conformance_read(w, p[i].dialler, p[i].dialled, &got[1], 1);
        assert_int_equal(got[0], i);
        assert_int_equal(got[1], i + 100);
    }
}

int conformance_run_streams(const conformance_adapter *adapter)
{
    const struct CMUnitTest tests[] = {
        CONFORMANCE_TEST(test_listener),
        CONFORMANCE_TEST(test_both_directions),
        CONFORMANCE_TEST(test_parts),
        CONFORMANCE_TEST(test_finish_leaves_the_other_direction),
        CONFORMANCE_TEST(test_finish_while_connecting),
        CONFORMANCE_TEST(test_close_delivers_what_was_written),
        CONFORMANCE_TEST(test_big_payload_both_ways),
        CONFORMANCE_TEST(test_full_stream_blocks_and_resumes),
        CONFORMANCE_TEST(test_close_breaks_the_writer),
        CONFORMANCE_TEST(test_dial_to_nobody),
        CONFORMANCE_TEST(test_readiness),
        CONFORMANCE_TEST(test_names_are_never_reused),
        CONFORMANCE_TEST(test_many_streams),
    };
    return cmocka_run_group_tests_name(adapter->name, tests, NULL, NULL);
}
