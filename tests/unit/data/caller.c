#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "caller.h"

#include "peersync/crypto_openssl.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define INPUT_BYTES (256u * 1024u)

static void *need(size_t count, size_t size)
{
    void *memory = calloc(count, size);
    assert_non_null(memory);
    return memory;
}

void caller_adopt(struct caller *c, int socket)
{
    memset(c, 0, sizeof *c);
    assert_int_equal(ps_posix_streams_open(NULL, 1, &c->streams, NULL), PS_OK);
    c->io = ps_posix_streams_transport(c->streams);
    assert_int_equal(ps_posix_streams_adopt(c->streams, socket, &c->stream), PS_OK);
    c->input = need(1, INPUT_BYTES);
}

void caller_dial(struct caller *c, const ps_addr *to, uint8_t from)
{
    struct sockaddr_storage name;
    socklen_t len = (socklen_t)ps_addr_to_sockaddr(to, (struct sockaddr *)&name);
    struct sockaddr_in own = {.sin_family = AF_INET,
                              .sin_addr.s_addr = htonl(INADDR_LOOPBACK - 1u + from)};
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&own, sizeof own), 0);
    assert_int_equal(connect(fd, (struct sockaddr *)&name, len), 0);
    caller_adopt(c, fd);
}

static void wait_for(struct caller *c, short events)
{
    struct pollfd p = {.fd = ps_posix_streams_fd(c->streams, c->stream), .events = events};
    assert_true(poll(&p, 1, -1) > 0);
}

bool caller_seal(struct caller *c, const struct data_source *with)
{
    c->context = ps_tls_context_new(NULL, NULL);
    assert_non_null(c->context);
    c->tls = ps_tls_fetch(c->context, &c->io, c->stream, (ps_span){with->ticket, with->ticket_len},
                          with->key);
    assert_non_null(c->tls);
    for (;;) {
        ps_status status = ps_tls_handshake(c->tls);
        if (status != PS_AGAIN) {
            return status == PS_OK;
        }
        wait_for(c, (ps_tls_wants(c->tls) & PS_WRITABLE) != 0 ? POLLIN | POLLOUT : POLLIN);
    }
}

void caller_greet(struct caller *c)
{
    ps_download_config cfg;
    ps_download_config_default(&cfg);
    cfg.crypto = ps_crypto_openssl();
    cfg.binding.plain = !c->tls;
    if (c->tls) {
        ps_tls_binding(c->tls, cfg.binding.bytes);
    } else {
        memset(cfg.binding.bytes, 0x5a, sizeof cfg.binding.bytes);
    }
    size_t size = ps_download_size(&cfg);
    c->memory = need(1, size);
    assert_int_equal(ps_download_init(c->memory, size, &cfg, ps_posix_now_us(), &c->machine),
                     PS_OK);
    c->out = (ps_stream_output){.bytes = need(1, PS_STREAM_STEP_BYTES),
                                .bytes_cap = PS_STREAM_STEP_BYTES,
                                .segments = need(PS_STREAM_STEP_SEGMENTS, sizeof(ps_segment)),
                                .segments_cap = PS_STREAM_STEP_SEGMENTS,
                                .events = need(PS_STREAM_STEP_EVENTS, sizeof(ps_stream_event)),
                                .events_cap = PS_STREAM_STEP_EVENTS};
    c->more = true;
}

void caller_say(struct caller *c, const uint8_t *bytes, size_t len)
{
    while (len > 0 && !c->closed) {
        const ps_span part = {bytes, len};
        size_t n = 0;
        ps_status status = c->tls ? ps_tls_write(c->tls, &part, 1, &n)
                                  : c->io.write(c->io.ctx, c->stream, &part, 1, &n);
        bytes += n;
        len -= n;
        c->closed = status == PS_FAILED;
        if (status == PS_AGAIN) {
            wait_for(c, POLLOUT);
        }
    }
    ps_status status = PS_AGAIN;
    while (c->tls && !c->closed && (status = ps_tls_flush(c->tls)) == PS_AGAIN) {
        wait_for(c, POLLOUT);
    }
    c->closed = c->closed || status == PS_FAILED;
}

/* Sends all that waits, however long that takes. */
static void flush(struct caller *c)
{
    for (size_t i = 0; i < c->out.segments_len; i++) {
        const ps_segment *s = &c->out.segments[i];
        caller_say(c, c->out.bytes + s->offset, (size_t)s->len);
    }
    c->out.segments_len = c->out.bytes_len = 0;
}

static bool step(struct caller *c, ps_stream_input *in, size_t *consumed);

static void check_piece(struct caller *c, const ps_stream_event *event)
{
    const struct caller_file *f = &c->files[event->file];
    ps_stream_input in = {.type = PS_STREAM_HASHED};
    size_t consumed;
    in.u.hashed.file = event->file;
    in.u.hashed.piece = event->piece;
    ps_piece_hash(ps_crypto_openssl(), f->content.length,
                  f->bytes + (uint64_t)event->piece * PS_PIECE_BYTES,
                  ps_piece_length(f->content.length, event->piece), &in.u.hashed.hash);
    assert_true(step(c, &in, &consumed));
}

static void take_event(struct caller *c, const ps_stream_event *event)
{
    struct caller_file *f = &c->files[event->file <= CALLER_FILES ? event->file : 0];
    switch (event->type) {
    case PS_STREAM_EVENT_WRITE:
        assert_true(event->offset + event->bytes.len <= f->content.length);
        memcpy(f->bytes + event->offset, event->bytes.data, event->bytes.len);
        c->payload += event->bytes.len;
        break;
    case PS_STREAM_EVENT_CHECK:
        check_piece(c, event);
        break;
    case PS_STREAM_EVENT_FILE_END:
        f->ended = true;
        f->error = event->error;
        break;
    case PS_STREAM_EVENT_DONE:
        c->done = true;
        break;
    case PS_STREAM_EVENT_FAILED:
        c->failed = true;
        c->error = event->error;
        break;
    case PS_STREAM_EVENT_PIECE:
    case PS_STREAM_EVENT_OPEN:
    default:
        break;
    }
}

/* One step, its events, and all its output sent. */
static bool step(struct caller *c, ps_stream_input *in, size_t *consumed)
{
    ps_stream_event events[PS_STREAM_STEP_EVENTS];
    in->now_us = ps_posix_now_us();
    *consumed = 0;
    ps_status status = ps_download_step(c->machine, in, consumed, &c->out);
    c->more = status == PS_MORE;
    const size_t n = c->out.events_len;
    memcpy(events, c->out.events, n * sizeof events[0]);
    c->out.events_len = 0;
    flush(c);
    for (size_t i = 0; i < n; i++) {
        take_event(c, &events[i]);
    }
    return status == PS_OK || status == PS_MORE;
}

/* Reads, waiting for something to read. @return 0: at the end, or `closed`. */
static size_t read_some(struct caller *c, uint8_t *bytes, size_t cap)
{
    for (;;) {
        size_t n = 0;
        ps_status status = c->tls ? ps_tls_read(c->tls, bytes, cap, &n)
                                  : c->io.read(c->io.ctx, c->stream, bytes, cap, &n);
        if (status == PS_OK) {
            return n;
        }
        c->closed = status == PS_FAILED;
        if (c->closed) {
            return 0;
        }
        wait_for(c, POLLIN);
    }
}

size_t caller_read_all(struct caller *c, uint8_t *bytes, size_t cap)
{
    size_t len = 0, n = 1;
    while (len < cap && n > 0) {
        n = read_some(c, bytes + len, cap - len);
        len += n;
    }
    return len;
}

void caller_hang_up(struct caller *c)
{
    const ps_status status = c->tls ? ps_tls_finish(c->tls) : c->io.finish(c->io.ctx, c->stream);
    assert_int_equal(status, PS_OK);
}

/* One thing more: a tick that is due, bytes that wait, or new ones. */
static void go_on(struct caller *c)
{
    ps_stream_input in = {.type = PS_STREAM_TICK};
    size_t consumed;
    if (c->more) {
        (void)step(c, &in, &consumed);
        return;
    }
    if (c->input_at == c->input_len) {
        c->input_at = 0;
        c->input_len = read_some(c, c->input, INPUT_BYTES);
        c->closed = c->input_len == 0;
    }
    in.type = c->closed ? PS_STREAM_CLOSED : PS_STREAM_BYTES;
    in.u.bytes = (ps_span){c->input + c->input_at, c->input_len - c->input_at};
    assert_true(step(c, &in, &consumed));
    if (!c->closed) {
        c->input_at += consumed;
    }
}

uint32_t caller_fetch(struct caller *c, const ps_content *content, const struct data_source *with)
{
    ps_stream_input in = {.type = PS_STREAM_FETCH};
    size_t consumed;
    const uint32_t file = ++c->file_count;
    assert_true(file <= CALLER_FILES);
    c->files[file] = (struct caller_file){.content = *content, .bytes = need(1, content->length)};
    in.u.fetch.content = *content;
    in.u.fetch.ticket = (ps_span){with->ticket, with->ticket_len};
    memcpy(in.u.fetch.key, with->key, PS_KEY_BYTES);
    assert_true(step(c, &in, &consumed));
    return file;
}

static bool is_over(const struct caller *c)
{
    return c->closed || c->done || c->failed;
}

uint32_t caller_await(struct caller *c, uint32_t file)
{
    while (!c->files[file].ended && !is_over(c)) {
        go_on(c);
    }
    if (c->files[file].ended) {
        return c->files[file].error;
    }
    return c->failed ? c->error : (uint32_t)PS_E_CLOSED;
}

bool caller_await_payload(struct caller *c, uint64_t bytes)
{
    while (c->payload < bytes && !is_over(c)) {
        go_on(c);
    }
    return c->payload >= bytes;
}

uint32_t caller_await_end(struct caller *c)
{
    while (!is_over(c)) {
        go_on(c);
    }
    return c->failed ? c->error : c->done ? (uint32_t)PS_E_NONE : (uint32_t)PS_E_CLOSED;
}

void caller_await_close(struct caller *c)
{
    ps_status status = PS_OK;
    size_t n = 1;
    while (status == PS_AGAIN || (status == PS_OK && n > 0)) {
        wait_for(c, POLLIN);
        status = c->io.read(c->io.ctx, c->stream, c->input, INPUT_BYTES, &n);
    }
}

void caller_finish(struct caller *c)
{
    ps_stream_input in = {.type = PS_STREAM_FINISH};
    size_t consumed;
    assert_true(step(c, &in, &consumed));
}

void caller_end(struct caller *c)
{
    ps_tls_free(c->tls);
    ps_tls_context_free(c->context);
    ps_posix_streams_close(c->streams);
    for (uint32_t i = 0; i <= CALLER_FILES; i++) {
        free(c->files[i].bytes);
    }
    free(c->memory);
    free(c->out.bytes);
    free(c->out.segments);
    free(c->out.events);
    free(c->input);
    memset(c, 0, sizeof *c);
}
