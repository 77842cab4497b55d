/* An uploader's end of TLS, fed with a stranger's bytes in pieces; and, where the input begins with
 * an odd byte, both ends of a good connection, with the rest of the input put between them. Nothing
 * of it may come out as text. */
#include "peersync/tls.h"

#include <stdlib.h>
#include <string.h>

#include "pipe.h"

#define REQUIRE(condition) ((condition) ? (void)0 : __builtin_trap())

static bool find(void *ctx, ps_span ticket, uint8_t key[PS_KEY_BYTES])
{
    (void)ctx;
    memset(key, 'k', PS_KEY_BYTES);
    return ticket.len > 0 && ticket.data[0] == 't';
}

static void put(const ps_stream_transport *io, const uint8_t *data, size_t len)
{
    size_t n = 0;
    const ps_span part = {data, len};
    if (len > 0) {
        REQUIRE(io->write(io->ctx, 1, &part, 1, &n) == PS_OK && n == len);
    }
}

/* The stranger does not know the key: no handshake is ever done. */
static void stranger(ps_tls *server, const ps_stream_transport *io, const uint8_t *data, size_t len)
{
    const size_t half = len / 2;
    put(io, data, half);
    REQUIRE(ps_tls_handshake(server) != PS_OK);
    put(io, data + half, len - half);
    REQUIRE(ps_tls_handshake(server) != PS_OK);
    (void)io->finish(io->ctx, 1);
    REQUIRE(ps_tls_handshake(server) == PS_FAILED);
    REQUIRE(ps_tls_error(server)[0] != '\0');
}

/* Whoever sits on the way of a good connection: his bytes are an end or an error. */
static void intruder(ps_tls *server, ps_tls *client, const ps_stream_transport *io,
                     const uint8_t *data, size_t len)
{
    uint8_t got[64];
    size_t n = 0;
    while (ps_tls_handshake(client) != PS_OK || ps_tls_handshake(server) != PS_OK) {
        (void)ps_tls_handshake(server);
    }
    put(io, data, len);
    (void)io->finish(io->ctx, 1);
    REQUIRE(ps_tls_read(server, got, sizeof got, &n) == PS_FAILED && n == 0);
    REQUIRE(ps_tls_flush(server) == PS_FAILED);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    static ps_tls_context *up;
    static ps_tls_context *down;
    test_pipe pipe;
    uint8_t key[PS_KEY_BYTES];
    if (!up) {
        up = ps_tls_context_new(find, NULL);
        down = ps_tls_context_new(NULL, NULL);
    }
    if (len == 0 || len > TEST_PIPE_BYTES / 2) {
        return 0;
    }
    REQUIRE(up && down && test_pipe_open(&pipe));
    const ps_stream_transport io = test_pipe_transport(&pipe);
    ps_tls *server = ps_tls_serve(up, &io, 2);
    memset(key, 'k', sizeof key);
    ps_tls *client = ps_tls_fetch(down, &io, 1, (ps_span){(const uint8_t *)"ticket", 6}, key);
    REQUIRE(server && client);
    if (data[0] % 2 == 0) {
        stranger(server, &io, data + 1, len - 1);
    } else {
        intruder(server, client, &io, data + 1, len - 1);
    }
    ps_tls_free(client);
    ps_tls_free(server);
    test_pipe_close(&pipe);
    return 0;
}
