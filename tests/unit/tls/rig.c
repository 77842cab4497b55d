#include "rig.h"

#include <stdlib.h>
#include <string.h>

static bool find(void *ctx, ps_span ticket, uint8_t key[PS_KEY_BYTES])
{
    rig *r = ctx;
    r->looks++;
    if (ticket.len != r->ticket_len || memcmp(ticket.data, r->ticket, ticket.len) != 0) {
        return false;
    }
    memcpy(key, r->key, PS_KEY_BYTES);
    return true;
}

void rig_open(rig *r)
{
    memset(r, 0, sizeof *r);
    test_random random = test_random_of(7);
    test_random_bytes(&random, r->ticket, sizeof r->ticket);
    test_random_bytes(&random, r->key, sizeof r->key);
    r->ticket_len = sizeof r->ticket;
    assert_true(test_pipe_open(&r->pipe));
    r->io = test_pipe_transport(&r->pipe);
    r->up = ps_tls_context_new(find, r);
    r->down = ps_tls_context_new(NULL, NULL);
    assert_non_null(r->up);
    assert_non_null(r->down);
}

static void drop_ends(rig *r)
{
    ps_tls_free(r->server);
    ps_tls_free(r->client);
    r->server = NULL;
    r->client = NULL;
}

void rig_close(rig *r)
{
    drop_ends(r);
    ps_tls_context_free(r->up);
    ps_tls_context_free(r->down);
    test_pipe_close(&r->pipe);
}

void rig_ends(rig *r, ps_span ticket, const uint8_t key[PS_KEY_BYTES])
{
    drop_ends(r);
    for (unsigned i = 0; i < 2; i++) {
        test_pipe_way *way = &r->pipe.way[i];
        *way = (test_pipe_way){.bytes = way->bytes, .limit = way->limit};
    }
    r->pipe.broken = false;
    r->server = ps_tls_serve(r->up, &r->io, RIG_SERVER);
    r->client = ps_tls_fetch(r->down, &r->io, RIG_CLIENT, ticket, key);
    assert_non_null(r->server);
    assert_non_null(r->client);
}

bool rig_shake(rig *r)
{
    for (unsigned turn = 0; turn < 100000; turn++) {
        const ps_status client = ps_tls_handshake(r->client);
        const ps_status server = ps_tls_handshake(r->server);
        if (client == PS_OK && server == PS_OK) {
            return ps_tls_flush(r->client) == PS_OK && ps_tls_flush(r->server) == PS_OK;
        }
        if (client == PS_FAILED && server == PS_FAILED) {
            return false;
        }
        if (client == PS_OK) {
            (void)ps_tls_flush(r->client);
        }
        if (client == PS_FAILED || server == PS_FAILED) {
            /* As a host would: the failed end's stream goes. */
            (void)r->io.finish(r->io.ctx, client == PS_FAILED ? RIG_CLIENT : RIG_SERVER);
            if (client == PS_OK) { /* It learns of it when it reads. */
                return false;
            }
        }
    }
    fail_msg("the handshake does not end");
    return false;
}

ps_span rig_ticket(const rig *r)
{
    return (ps_span){r->ticket, r->ticket_len};
}

void rig_connect(rig *r)
{
    rig_ends(r, rig_ticket(r), r->key);
    assert_true(rig_shake(r));
}

void rig_send(rig *r, ps_tls *from, ps_tls *to, const void *bytes, size_t len)
{
    uint8_t *got = malloc(len + 1);
    size_t written = 0;
    size_t read = 0;
    assert_non_null(got);
    (void)r;
    while (read < len) {
        size_t n = 0;
        const ps_span part = {(const uint8_t *)bytes + written, len - written};
        if (written < len) {
            const ps_status status = ps_tls_write(from, &part, 1, &n);
            assert_true(status == PS_OK || (status == PS_AGAIN && n == 0));
            assert_true(status == PS_AGAIN || (n >= 1 && n <= part.len));
            written += n;
        }
        assert_int_not_equal(ps_tls_flush(from), PS_FAILED);
        const ps_status status = ps_tls_read(to, got + read, len + 1 - read, &n);
        assert_true(status == PS_OK || status == PS_AGAIN);
        assert_true(status == PS_AGAIN || n >= 1);
        read += n;
    }
    assert_int_equal(read, len);
    assert_memory_equal(got, bytes, len);
    free(got);
}

void rig_expect(ps_tls *t, ps_status want)
{
    uint8_t byte = 0;
    size_t n = 1;
    assert_int_equal(ps_tls_read(t, &byte, 1, &n), want);
    assert_int_equal(n, 0);
}
