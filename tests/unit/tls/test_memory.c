/* Each thing that can be refused for want of memory is refused in turn: the call says so, nothing
 * is lost, and the next try is good. OpenSSL's makers stand for what it allocates behind them. */
#include "peersync/tls.h"
#include "pipe.h"
#include "unit.h"

#include <openssl/ssl.h>
#include <stdlib.h>
#include <string.h>

static bool armed;
static unsigned before; /* So many more are granted, then one is not. */
static unsigned fired;

static bool refuses(void)
{
    if (!armed || before-- > 0) {
        return false;
    }
    armed = false;
    fired++;
    return true;
}

#define REFUSABLE(type, name, arguments, values)                                                   \
    type __real_##name arguments;                                                                  \
    type __wrap_##name arguments;                                                                  \
    type __wrap_##name arguments                                                                   \
    {                                                                                              \
        return refuses() ? NULL : __real_##name values;                                            \
    }

REFUSABLE(void *, malloc, (size_t len), (len))
REFUSABLE(void *, calloc, (size_t count, size_t len), (count, len))
REFUSABLE(SSL_CTX *, SSL_CTX_new, (const SSL_METHOD *method), (method))
REFUSABLE(SSL *, SSL_new, (SSL_CTX * ctx), (ctx))
REFUSABLE(SSL_SESSION *, SSL_SESSION_new, (void), ())
REFUSABLE(BIO *, BIO_new, (const BIO_METHOD *method), (method))
REFUSABLE(BIO_METHOD *, BIO_meth_new, (int type, const char *name), (type, name))

static bool find(void *ctx, ps_span ticket, uint8_t key[PS_KEY_BYTES])
{
    (void)ctx;
    (void)ticket;
    memset(key, 3, PS_KEY_BYTES);
    return true;
}

/* All that two ends do. */
typedef struct story {
    test_pipe pipe;
    ps_tls_context *up;
    ps_tls_context *down;
    ps_tls *server;
    ps_tls *client;
} story;

static bool make(story *s)
{
    uint8_t key[PS_KEY_BYTES];
    const ps_stream_transport io = test_pipe_transport(&s->pipe);
    memset(key, 3, sizeof key);
    s->up = ps_tls_context_new(find, NULL);
    s->down = s->up ? ps_tls_context_new(NULL, NULL) : NULL;
    s->server = s->down ? ps_tls_serve(s->up, &io, 2) : NULL;
    s->client =
        s->server ? ps_tls_fetch(s->down, &io, 1, (ps_span){(const uint8_t *)"t", 1}, key) : NULL;
    return s->client != NULL;
}

static bool talk(story *s)
{
    char got[4];
    size_t n = 0;
    const ps_span part = {(const uint8_t *)"text", 4};
    for (unsigned i = 0; i < 3; i++) {
        if (ps_tls_handshake(s->client) == PS_FAILED || ps_tls_handshake(s->server) == PS_FAILED) {
            return false;
        }
    }
    return ps_tls_write(s->server, &part, 1, &n) == PS_OK && ps_tls_flush(s->server) == PS_OK &&
           ps_tls_read(s->client, got, 4, &n) == PS_OK && n == 4;
}

/* @return true when all went well. */
static bool play(void)
{
    story s = {.up = NULL};
    const bool granted = armed;
    armed = false;
    assert_true(test_pipe_open(&s.pipe));
    armed = granted;
    const bool made = make(&s);
    const bool well = made && talk(&s);
    armed = false;
    if (made && !well) {
        const char *client = ps_tls_error(s.client);
        const char *server = ps_tls_error(s.server);
        assert_string_equal(client[0] != '\0' ? client : server, "out of memory");
    }
    ps_tls_free(s.client);
    ps_tls_free(s.server);
    ps_tls_context_free(s.down);
    ps_tls_context_free(s.up);
    test_pipe_close(&s.pipe);
    return well;
}

static void test_each_refusal(void **state)
{
    (void)state;
    assert_true(play());
    for (unsigned k = 0;; k++) {
        fired = 0;
        before = k;
        armed = true;
        const bool well = play();
        assert_int_equal(well, fired == 0);
        if (fired == 0) {
            assert_true(k > 12); /* The wrappers are in use. */
            return;
        }
        assert_true(play());
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_each_refusal)};
    return cmocka_run_group_tests_name("tls memory", tests, NULL, NULL);
}
