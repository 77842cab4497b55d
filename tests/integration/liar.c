/* A source that lies: publishes a file and serves it to whoever has a ticket, over TLS, but from
 * one of its pieces on with other bytes. Says "serving" on stdout, and stays until it is killed.
 * Usage: PEERSYNC_PASSWORD=... liar PORT USER NAME FILE FIRST_WRONG_PIECE */
#include "guest.h"

#include "peersync/crypto_sodium.h"
#include "peersync/posix.h"
#include "peersync/tls.h"
#include "peersync/transfer.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { WAIT_MS = 50, BUFFER = 65536 };

/* The file as it should be. */
static struct {
    uint8_t *bytes;
    ps_content content;
    ps_node *tree;
    uint64_t wrong_from;
} file;

/* The stream that is served. */
static struct {
    ps_posix_streams *streams;
    ps_stream_transport io;
    ps_tls_context *context;
    ps_stream stream;
    ps_tls *tls;
    ps_upload *upload;
    bool unsaid; /* Segments have gone out, and SENT is not said yet. */
    bool over;
} serving;

static bool find(void *ctx, ps_span ticket, uint8_t key[PS_KEY_BYTES])
{
    ps_file_ticket t;
    (void)ctx;
    if (!ps_file_ticket_open(ps_crypto_sodium(), guest_keys(), guest_wall_s(), ticket, &t)) {
        return false;
    }
    memcpy(key, t.key, PS_KEY_BYTES);
    return true;
}

static void read_file(const char *path, uint32_t first_wrong)
{
    FILE *f = fopen(path, "rb");
    ps_hasher h;
    if (f == NULL || fseek(f, 0, SEEK_END) != 0) {
        guest_die("the file cannot be read");
    }
    const size_t len = (size_t)ftell(f);
    rewind(f);
    file.bytes = malloc(len + 1);
    file.tree = calloc(ps_tree_nodes(len) + 1, sizeof *file.tree);
    if (file.bytes == NULL || file.tree == NULL || fread(file.bytes, 1, len, f) != len ||
        ps_hasher_init(&h, ps_crypto_sodium(), len, file.tree) != PS_OK ||
        ps_hasher_update(&h, file.bytes, len) != PS_OK ||
        ps_hasher_final(&h, &file.content) != PS_OK) {
        guest_die("the file cannot be hashed");
    }
    (void)fclose(f);
    file.wrong_from = (uint64_t)first_wrong * PS_PIECE_BYTES;
    for (uint64_t i = file.wrong_from; i < len; i++) {
        file.bytes[i] ^= 0x55u;
    }
}

/* Waits for the stream, and meanwhile stays logged in. */
static void wait_stream(void)
{
    const uint32_t wants = ps_tls_wants(serving.tls);
    struct pollfd fds[] = {{.fd = guest_fd(), .events = POLLIN},
                           {.fd = ps_posix_streams_fd(serving.streams, serving.stream)}};
    fds[1].events = (short)(((wants & PS_READABLE) != 0 ? POLLIN : 0) |
                            ((wants & PS_WRITABLE) != 0 ? POLLOUT : 0));
    (void)poll(fds, 2, WAIT_MS);
    guest_turn();
}

static void send_all(const uint8_t *bytes, size_t len)
{
    while (len > 0 && !serving.over) {
        size_t n = 0;
        const ps_span part = {bytes, len};
        const ps_status status = ps_tls_write(serving.tls, &part, 1, &n);
        if (status == PS_OK) {
            bytes += n;
            len -= n;
        } else if (status == PS_AGAIN) {
            wait_stream();
        } else {
            serving.over = true;
        }
    }
}

/* Sends what a step wants sent. */
static void send_segments(const ps_stream_output *out)
{
    for (size_t i = 0; i < out->segments_len; i++) {
        const ps_segment *s = &out->segments[i];
        send_all((s->from_file ? file.bytes : out->bytes) + s->offset, (size_t)s->len);
    }
    while (!serving.over && ps_tls_flush(serving.tls) == PS_AGAIN) {
        wait_stream();
    }
}

/* One step, and what the machine is to be told next: in `next`, of type 0 when nothing. */
static void step(const ps_stream_input *what, size_t *consumed, ps_stream_input *next)
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
    bool open = false;
    in.now_us = ps_posix_now_us();
    in.wall_s = guest_wall_s();
    const ps_status status = ps_upload_step(serving.upload, &in, consumed, &out);
    if (status != PS_OK && status != PS_MORE) {
        guest_die("the upload takes no input");
    }
    for (size_t i = 0; i < out.events_len; i++) {
        open = open || events[i].type == PS_STREAM_EVENT_OPEN;
        serving.over = serving.over || events[i].type == PS_STREAM_EVENT_DONE ||
                       events[i].type == PS_STREAM_EVENT_FAILED;
    }
    send_segments(&out);
    serving.unsaid = serving.unsaid || out.segments_len > 0;
    *next = (ps_stream_input){0};
    if (open) {
        next->type = PS_STREAM_OPENED;
        next->u.opened.tree = file.tree;
    } else if (serving.unsaid) {
        next->type = PS_STREAM_SENT;
        serving.unsaid = false;
    } else if (status == PS_MORE) {
        next->type = PS_STREAM_TICK;
    }
}

static void give(const ps_stream_input *what, size_t *consumed)
{
    ps_stream_input next;
    step(what, consumed, &next);
    while (next.type != 0 && !serving.over) {
        const ps_stream_input in = next;
        step(&in, &(size_t){0}, &next);
    }
}

static void serve_bytes(void)
{
    static uint8_t buffer[BUFFER];
    size_t n = 0;
    const ps_status status = ps_tls_read(serving.tls, buffer, sizeof buffer, &n);
    if (status == PS_AGAIN) {
        wait_stream();
        return;
    }
    serving.over = serving.over || status != PS_OK || n == 0;
    for (size_t at = 0; at < n && !serving.over;) {
        size_t consumed = 0;
        const ps_stream_input in = {.type = PS_STREAM_BYTES, .u.bytes = {buffer + at, n - at}};
        give(&in, &consumed);
        at += consumed;
    }
}

static void serve(void)
{
    ps_upload_config cfg;
    ps_status status = PS_AGAIN;
    serving.over = serving.unsaid = false;
    serving.tls = ps_tls_serve(serving.context, &serving.io, serving.stream);
    if (serving.tls == NULL) {
        guest_die("no TLS");
    }
    while ((status = ps_tls_handshake(serving.tls)) == PS_AGAIN) {
        wait_stream();
    }
    if (status == PS_OK) {
        ps_upload_config_default(&cfg);
        cfg.crypto = ps_crypto_sodium();
        cfg.keys = guest_keys();
        ps_tls_binding(serving.tls, cfg.binding.bytes);
        const size_t size = (ps_upload_size(&cfg) + 63) / 64 * 64;
        void *memory = aligned_alloc(64, size);
        if (ps_upload_init(memory, size, &cfg, ps_posix_now_us(), &serving.upload) != PS_OK) {
            guest_die("no upload");
        }
        while (!serving.over) {
            serve_bytes();
        }
        free(memory);
        (void)ps_tls_finish(serving.tls);
    }
    ps_tls_free(serving.tls);
    serving.io.close(serving.io.ctx, serving.stream);
}

int main(int argc, char **argv)
{
    const ps_addr any = {.ip = {127, 0, 0, 1}, .family = PS_ADDR_V4};
    ps_posix_error why;
    ps_addr from;
    if (argc != 6) {
        return 2;
    }
    read_file(argv[4], (uint32_t)atoi(argv[5]));
    if (ps_posix_streams_open(&any, 16, &serving.streams, &why) != PS_OK) {
        guest_die(why.text);
    }
    serving.io = ps_posix_streams_transport(serving.streams);
    serving.context = ps_tls_context_new(find, NULL);
    guest_login(argv[1], argv[2], serving.io.listener(serving.io.ctx).port, NULL, NULL);
    if (guest_command(PS_INPUT_PUBLISH, argv[3], &file.content) != PS_E_NONE) {
        guest_die("the server takes no publication");
    }
    (void)puts("serving");
    (void)fflush(stdout);
    for (;;) {
        struct pollfd fds[] = {
            {.fd = guest_fd(), .events = POLLIN},
            {.fd = ps_posix_streams_listener_fd(serving.streams), .events = POLLIN}};
        (void)poll(fds, 2, WAIT_MS);
        guest_turn();
        if (serving.io.accept(serving.io.ctx, &serving.stream, &from) == PS_OK) {
            serve();
        }
    }
}
