/* A downloader of its own: asks an uploader for a content with a ticket that show_tickets printed,
 * whether or not it is for that content, over TLS. Writes the file to stdout; ends with 1 and the
 * name of the error on stderr when it does not get it ("HANDSHAKE": not even that far). Usage:
 * use_ticket ADDR LENGTH ROOT IDENTITY KEY */
#include "guest.h"

#include "peersync/crypto_sodium.h"
#include "peersync/posix.h"
#include "peersync/tls.h"
#include "peersync/transfer.h"

#include <poll.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { WAIT_MS = 50, BUFFER = 65536 };

static struct {
    ps_posix_streams *streams;
    ps_stream_transport io;
    ps_stream stream;
    ps_tls *tls;
    ps_download *machine;
    ps_content content;
    uint8_t *file;
    bool whole;
} taking;

static void read_hex(const char *hex, uint8_t *out, size_t len)
{
    size_t n = 0;
    if (sodium_hex2bin(out, len, hex, strlen(hex), NULL, &n, NULL) != 0 || n != len) {
        guest_die("this is no hexadecimal number of that length");
    }
}

static void wait_stream(void)
{
    const uint32_t wants = ps_tls_wants(taking.tls);
    struct pollfd fd = {.fd = ps_posix_streams_fd(taking.streams, taking.stream)};
    fd.events = (short)(((wants & PS_WRITABLE) != 0 ? POLLOUT : 0) | POLLIN);
    (void)poll(&fd, 1, WAIT_MS);
}

static void send_all(const uint8_t *bytes, size_t len)
{
    while (len > 0) {
        size_t n = 0;
        const ps_span part = {bytes, len};
        const ps_status status = ps_tls_write(taking.tls, &part, 1, &n);
        if (status == PS_FAILED) {
            guest_die("CLOSED");
        }
        bytes += n;
        len -= n;
        if (status == PS_AGAIN) {
            wait_stream();
        }
    }
    ps_status status = PS_AGAIN;
    while ((status = ps_tls_flush(taking.tls)) == PS_AGAIN) {
        wait_stream();
    }
}

static void step(const ps_stream_input *what, size_t *consumed);

static void on_event(const ps_stream_event *e)
{
    ps_stream_input hashed = {.type = PS_STREAM_HASHED};
    switch (e->type) {
    case PS_STREAM_EVENT_WRITE:
        memcpy(taking.file + e->offset, e->bytes.data, e->bytes.len);
        return;
    case PS_STREAM_EVENT_CHECK:
        hashed.u.hashed.file = e->file;
        hashed.u.hashed.piece = e->piece;
        ps_piece_hash(ps_crypto_sodium(), taking.content.length,
                      taking.file + (size_t)e->piece * PS_PIECE_BYTES,
                      ps_piece_length(taking.content.length, e->piece), &hashed.u.hashed.hash);
        step(&hashed, &(size_t){0});
        return;
    case PS_STREAM_EVENT_FILE_END:
    case PS_STREAM_EVENT_FAILED:
        if (e->error != PS_E_NONE) {
            guest_die(ps_error_name(e->error));
        }
        taking.whole = true;
        return;
    case PS_STREAM_EVENT_OPEN:
    case PS_STREAM_EVENT_PIECE:
    case PS_STREAM_EVENT_DONE:
    default:
        return;
    }
}

static void step(const ps_stream_input *what, size_t *consumed)
{
    uint8_t bytes[PS_STREAM_STEP_BYTES];
    ps_segment segments[PS_STREAM_STEP_SEGMENTS];
    ps_stream_event events[PS_STREAM_STEP_EVENTS];
    ps_stream_output out = {.bytes = bytes,
                            .bytes_cap = sizeof bytes,
                            .segments = segments,
                            .segments_cap = PS_STREAM_STEP_SEGMENTS,
                            .events = events,
                            .events_cap = PS_STREAM_STEP_EVENTS};
    ps_stream_input in = *what;
    in.now_us = ps_posix_now_us();
    const ps_status status = ps_download_step(taking.machine, &in, consumed, &out);
    if (status != PS_OK && status != PS_MORE) {
        guest_die("the download takes no input");
    }
    for (size_t i = 0; i < out.segments_len; i++) {
        send_all(out.bytes + out.segments[i].offset, (size_t)out.segments[i].len);
    }
    for (size_t i = 0; i < out.events_len; i++) {
        on_event(&out.events[i]);
    }
    if (status == PS_MORE && in.type != PS_STREAM_BYTES) {
        const ps_stream_input tick = {.type = PS_STREAM_TICK};
        step(&tick, &(size_t){0});
    }
}

static void take_bytes(void)
{
    static uint8_t buffer[BUFFER];
    size_t n = 0;
    const ps_status status = ps_tls_read(taking.tls, buffer, sizeof buffer, &n);
    const ps_stream_input closed = {.type = PS_STREAM_CLOSED};
    if (status == PS_AGAIN) {
        wait_stream();
    } else if (status != PS_OK || n == 0) {
        step(&closed, &(size_t){0});
        guest_die("CLOSED");
    }
    for (size_t at = 0; at < n && !taking.whole;) {
        size_t consumed = 0;
        const ps_stream_input in = {.type = PS_STREAM_BYTES, .u.bytes = {buffer + at, n - at}};
        step(&in, &consumed);
        at += consumed;
    }
}

static void dial(const char *address, ps_span ticket, const uint8_t key[PS_KEY_BYTES])
{
    ps_addr to;
    ps_posix_error why;
    ps_status status = PS_AGAIN;
    ps_tls_context *context = ps_tls_context_new(NULL, NULL);
    if (context == NULL || !ps_addr_parse(address, &to) ||
        ps_posix_streams_open(NULL, 1, &taking.streams, &why) != PS_OK) {
        guest_die("no stream");
    }
    taking.io = ps_posix_streams_transport(taking.streams);
    if (taking.io.dial(taking.io.ctx, &to, &taking.stream) != PS_OK) {
        guest_die("nobody listens there");
    }
    while (taking.io.ready(taking.io.ctx, taking.stream, PS_WRITABLE) == 0) {
        struct pollfd fd = {.fd = ps_posix_streams_fd(taking.streams, taking.stream),
                            .events = POLLOUT};
        (void)poll(&fd, 1, WAIT_MS);
    }
    taking.tls = ps_tls_fetch(context, &taking.io, taking.stream, ticket, key);
    while (taking.tls != NULL && (status = ps_tls_handshake(taking.tls)) == PS_AGAIN) {
        wait_stream();
    }
    if (status != PS_OK) {
        guest_die("HANDSHAKE");
    }
}

static void ask(ps_span ticket, const uint8_t key[PS_KEY_BYTES])
{
    ps_download_config cfg;
    ps_download_config_default(&cfg);
    cfg.crypto = ps_crypto_sodium();
    ps_tls_binding(taking.tls, cfg.binding.bytes);
    const size_t size = (ps_download_size(&cfg) + 63) / 64 * 64;
    void *memory = aligned_alloc(64, size);
    if (ps_download_init(memory, size, &cfg, ps_posix_now_us(), &taking.machine) != PS_OK) {
        guest_die("no download");
    }
    ps_stream_input in = {.type = PS_STREAM_FETCH,
                          .u.fetch = {.content = taking.content, .ticket = ticket}};
    memcpy(in.u.fetch.key, key, PS_KEY_BYTES);
    step(&in, &(size_t){0});
}

int main(int argc, char **argv)
{
    uint8_t bytes[PS_FILE_TICKET_MAX], key[PS_KEY_BYTES];
    ps_span ticket = {bytes, 0};
    if (argc != 6) {
        return 2;
    }
    taking.content.length = strtoull(argv[2], NULL, 10);
    taking.file = malloc(taking.content.length);
    read_hex(argv[3], taking.content.root, PS_ROOT_BYTES);
    read_hex(argv[5], key, sizeof key);
    if (taking.file == NULL ||
        sodium_base642bin(bytes, sizeof bytes, argv[4], strlen(argv[4]), NULL, &ticket.len, NULL,
                          sodium_base64_VARIANT_URLSAFE_NO_PADDING) != 0) {
        guest_die("this is no ticket");
    }
    dial(argv[1], ticket, key);
    ask(ticket, key);
    while (!taking.whole) {
        take_bytes();
    }
    return fwrite(taking.file, 1, taking.content.length, stdout) == taking.content.length ? 0 : 1;
}
