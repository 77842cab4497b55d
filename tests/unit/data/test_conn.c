/* A connection in a loop, plain and under TLS. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "caller.h"
#include "conn.h"
#include "fixture.h"
#include "internal.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* More than a socket takes at once. */
#define FILE_BYTES (3u * 1048576u + 77u)
#define LINE_BYTES 1000u

/* What a connection does once it is made. */
enum play {
    PLAY_SEND,  /* Sends a head, the file and a tail, and lingers. */
    PLAY_SHORT, /* The same of a file that is shorter than that. */
    PLAY_CUT,   /* Closes at once. */
    PLAY_SIP    /* Reads a byte whenever it is called, up to LINE_BYTES, and closes. */
};

struct rig {
    struct node node; /* For folders and keys; its data plane does not run. */
    struct data data;
    struct loop loop;
    struct conn conn; /* In the loop. */
    struct caller caller;
    struct data_source source;
    enum play play;
    bool plain, made;
    int socket;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    bool closed; /* Guarded by `lock`, as are the next. */
    bool file_short, broken;
    size_t sipped;
};

static struct rig *rig_of(struct conn *c)
{
    return (struct rig *)(void *)((char *)c - offsetof(struct rig, conn));
}

static void closed(struct conn *c)
{
    struct rig *r = rig_of(c);
    pthread_mutex_lock(&r->lock);
    r->closed = true;
    r->file_short = c->file_short;
    r->broken = c->broken;
    pthread_cond_signal(&r->changed);
    pthread_mutex_unlock(&r->lock);
}

static void put_output(struct rig *r)
{
    ps_stream_output *out = &r->conn.out;
    memcpy(out->bytes, "headtail", 8);
    out->bytes_len = 8;
    out->segments[0] = (ps_segment){.offset = 0, .len = 4};
    out->segments[1] = (ps_segment){.from_file = true, .file = 1, .offset = 1, .len = 0};
    out->segments[2] = (ps_segment){.from_file = true, .file = 1, .offset = 0, .len = FILE_BYTES};
    out->segments[3] = (ps_segment){.offset = 4, .len = 4};
    out->segments_len = 4;
}

static void sip(struct rig *r)
{
    uint8_t byte;
    size_t n = 0;
    const ps_status status = conn_read(&r->conn, &byte, 1, &n);
    r->sipped += n;
    if (r->sipped == LINE_BYTES || status == PS_FAILED) {
        conn_close(&r->conn);
    } else {
        conn_watch(&r->conn, UV_READABLE);
    }
}

static void ready(struct conn *c)
{
    struct rig *r = rig_of(c);
    if (c->tls && !r->made) {
        const ps_status status = conn_handshake(c);
        if (status == PS_FAILED) {
            conn_close(c);
        }
        if (status != PS_OK) {
            return;
        }
    }
    if (!r->made && (r->play == PLAY_SEND || r->play == PLAY_SHORT)) {
        put_output(r);
    }
    r->made = true;
    const ps_status status = conn_flush(c);
    if (status == PS_AGAIN) {
        conn_watch(c, UV_WRITABLE);
    } else if (status == PS_FAILED || r->play == PLAY_CUT) {
        conn_close(c);
    } else if (r->play == PLAY_SEND) {
        assert_int_equal(c->file_sent, FILE_BYTES);
        assert_int_equal(c->taken, FILE_BYTES + 8);
        assert_false(conn_pending(c));
        conn_linger(c);
    } else {
        sip(r);
    }
}

static void begin(struct loop *loop, void *arg)
{
    struct rig *r = arg;
    ps_stream stream;
    char path[200];
    (void)snprintf(path, sizeof path, "%s/f", r->node.files);
    r->conn.ready = ready;
    r->conn.closed = closed;
    assert_int_equal(ps_posix_streams_adopt(loop->streams, r->socket, &stream), PS_OK);
    assert_true(conn_open(&r->conn, loop, stream));
    r->conn.file = open(path, O_RDONLY | O_CLOEXEC);
    assert_true(r->plain || conn_tls_serve(&r->conn));
    ready(&r->conn);
}

static int make(void **state, bool plain)
{
    struct rig *r = calloc(1, sizeof *r);
    const ps_content content = {.length = FILE_BYTES};
    char why[256];
    int pair[2];
    assert_non_null(r);
    r->plain = plain;
    node_make(&r->node);
    (void)node_write(&r->node, "f", FILE_BYTES, 1);
    r->source = node_source(&r->node, &content);
    r->data.cfg = r->node.cfg;
    data_set_wall(&r->data, NODE_WALL_S);
    assert_true(loop_open(&r->loop, &r->data, why, sizeof why));
    r->loop.keys = r->node.keys;
    pthread_mutex_init(&r->lock, NULL);
    pthread_cond_init(&r->changed, NULL);
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
    r->socket = pair[0];
    caller_adopt(&r->caller, pair[1]);
    *state = r;
    return 0;
}

static int make_sealed(void **state)
{
    return make(state, false);
}

static int make_plain(void **state)
{
    return make(state, true);
}

static void stop(struct loop *loop, void *arg)
{
    (void)arg;
    uv_close((uv_handle_t *)&loop->wake, NULL);
}

static int end(void **state)
{
    struct rig *r = *state;
    loop_post(&r->loop, stop, NULL);
    loop_join(&r->loop);
    if (r->conn.file >= 0) {
        (void)close(r->conn.file);
    }
    caller_end(&r->caller);
    pthread_cond_destroy(&r->changed);
    pthread_mutex_destroy(&r->lock);
    node_end(&r->node);
    free(r);
    return 0;
}

static void start(struct rig *r, enum play play)
{
    r->play = play;
    loop_post(&r->loop, begin, r);
    assert_true(r->plain || caller_seal(&r->caller, &r->source));
}

static void await_closed(struct rig *r)
{
    pthread_mutex_lock(&r->lock);
    while (!r->closed) {
        pthread_cond_wait(&r->changed, &r->lock);
    }
    pthread_mutex_unlock(&r->lock);
}

static void output_arrives_in_order_and_ends_well(void **state)
{
    struct rig *r = *state;
    start(r, PLAY_SEND);
    uint8_t *bytes = malloc(FILE_BYTES + 9);
    assert_non_null(bytes);
    assert_int_equal(caller_read_all(&r->caller, bytes, FILE_BYTES + 9), FILE_BYTES + 8);
    assert_false(r->caller.closed); /* The end was said, not cut. */
    assert_memory_equal(bytes, "head", 4);
    assert_memory_equal(bytes + 4 + FILE_BYTES, "tail", 4);
    assert_true(node_wrote(bytes + 4, FILE_BYTES, 1));
    free(bytes);
    caller_hang_up(&r->caller);
    await_closed(r);
    assert_false(r->broken);
}

static void a_file_that_ends_early_is_told_of(void **state)
{
    struct rig *r = *state;
    (void)node_write(&r->node, "f", FILE_BYTES / 2, 1);
    start(r, PLAY_SHORT);
    uint8_t *bytes = malloc(FILE_BYTES);
    assert_non_null(bytes);
    assert_true(caller_read_all(&r->caller, bytes, FILE_BYTES) <= 4 + FILE_BYTES / 2);
    free(bytes);
    await_closed(r);
    assert_true(r->file_short);
    assert_false(r->broken);
}

/* Who cuts a connection cannot make it look like an end. */
static void a_cut_is_no_end(void **state)
{
    struct rig *r = *state;
    uint8_t byte;
    start(r, PLAY_CUT);
    assert_int_equal(caller_read_all(&r->caller, &byte, 1), 0);
    assert_true(r->caller.closed);
    await_closed(r);
}

/* All of it comes in one record, and nothing after it: no readiness tells of the rest. */
static void what_is_held_is_read(void **state)
{
    struct rig *r = *state;
    static const uint8_t line[LINE_BYTES];
    start(r, PLAY_SIP);
    caller_say(&r->caller, line, sizeof line);
    await_closed(r);
    assert_int_equal(r->sipped, LINE_BYTES);
}

#define SEALED(test)                                                                               \
    {                                                                                              \
#test, test, make_sealed, end, NULL                                                        \
    }
#define PLAIN(test)                                                                                \
    {                                                                                              \
#test "_plain", test, make_plain, end, NULL                                                \
    }

int main(void)
{
    const struct CMUnitTest tests[] = {
        SEALED(output_arrives_in_order_and_ends_well),
        PLAIN(output_arrives_in_order_and_ends_well),
        SEALED(a_file_that_ends_early_is_told_of),
        PLAIN(a_file_that_ends_early_is_told_of),
        SEALED(a_cut_is_no_end),
        SEALED(what_is_held_is_read),
        PLAIN(what_is_held_is_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
