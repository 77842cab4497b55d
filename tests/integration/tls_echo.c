/* An uploader's end of TLS and nothing else, for clients that are not ours: greets who has the
 * ticket, sends back what it reads, and says in a line for each how it went. Prints its port first.
 * Usage: tls_echo TICKET_HEX KEY_HEX */
#include "hex.h"
#include "peersync/posix.h"
#include "peersync/tls.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct secret {
    uint8_t ticket[186];
    size_t ticket_len;
    uint8_t key[PS_KEY_BYTES];
} secret;

static bool find(void *ctx, ps_span ticket, uint8_t key[PS_KEY_BYTES])
{
    const secret *known = ctx;
    memcpy(key, known->key, PS_KEY_BYTES);
    return ticket.len == known->ticket_len && memcmp(ticket.data, known->ticket, ticket.len) == 0;
}

static void wait_for(int fd, uint32_t wants)
{
    const short events =
        (short)((wants & PS_READABLE ? POLLIN : 0) | (wants & PS_WRITABLE ? POLLOUT : 0));
    (void)poll(&(struct pollfd){.fd = fd, .events = events}, 1, -1);
}

/* Repeats what has to wait. */
static ps_status finish(ps_tls *t, int fd)
{
    ps_status status;
    while ((status = ps_tls_finish(t)) == PS_AGAIN) {
        wait_for(fd, ps_tls_wants(t));
    }
    return status;
}

static bool write_all(ps_tls *t, int fd, const void *bytes, size_t len)
{
    size_t done = 0;
    while (done < len) {
        size_t n = 0;
        const ps_span part = {(const uint8_t *)bytes + done, len - done};
        if (ps_tls_write(t, &part, 1, &n) == PS_FAILED || ps_tls_flush(t) == PS_FAILED) {
            return false;
        }
        done += n;
        if (done < len) {
            wait_for(fd, PS_WRITABLE);
        }
    }
    return true;
}

static ps_status echo(ps_tls *t, int fd)
{
    char buf[4096];
    for (;;) {
        size_t n = 0;
        const ps_status status = ps_tls_read(t, buf, sizeof buf, &n);
        if (status == PS_AGAIN) {
            wait_for(fd, ps_tls_wants(t));
        } else if (status == PS_FAILED || n == 0) {
            return status;
        } else if (!write_all(t, fd, buf, n)) {
            return PS_FAILED;
        }
    }
}

static void serve(ps_tls *t, int fd)
{
    ps_status status;
    while ((status = ps_tls_handshake(t)) == PS_AGAIN) {
        wait_for(fd, ps_tls_wants(t));
    }
    if (status != PS_OK) {
        printf("refused: %s\n", ps_tls_error(t));
        return;
    }
    printf("agreed: %s\n", ps_tls_cipher(t));
    if (!write_all(t, fd, "welcome\n", 8) || echo(t, fd) != PS_OK || finish(t, fd) != PS_OK) {
        printf("broke: %s\n", ps_tls_error(t));
    } else {
        printf("ended\n");
    }
}

int main(int argc, char **argv)
{
    static secret known;
    ps_addr any;
    ps_posix_streams *streams = NULL;
    if (argc != 3 || hex_bytes(argv[2], known.key, PS_KEY_BYTES) != PS_KEY_BYTES) {
        return 2;
    }
    known.ticket_len = hex_bytes(argv[1], known.ticket, sizeof known.ticket);
    ps_tls_context *context = ps_tls_context_new(find, &known);
    if (!context || !ps_addr_parse("127.0.0.1:0", &any) ||
        ps_posix_streams_open(&any, 16, &streams, NULL) != PS_OK) {
        return 1;
    }
    const ps_stream_transport io = ps_posix_streams_transport(streams);
    (void)setvbuf(stdout, NULL, _IOLBF, 0);
    printf("%u\n", (unsigned)io.listener(io.ctx).port);
    for (;;) {
        ps_stream s = 0;
        ps_addr from;
        wait_for(ps_posix_streams_listener_fd(streams), PS_READABLE);
        if (io.accept(io.ctx, &s, &from) != PS_OK) {
            continue;
        }
        ps_tls *t = ps_tls_serve(context, &io, s);
        if (t) {
            serve(t, ps_posix_streams_fd(streams, s));
        }
        ps_tls_free(t);
        io.close(io.ctx, s);
    }
}
