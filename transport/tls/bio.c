/* OpenSSL's view of the stream: it takes headers and records one by one, the stream sees large
 * reads and writes. */
#include "tls/tls_internal.h"

#include <openssl/bio.h>
#include <string.h>

/* Fills the empty buffer with one read of the stream. */
static bool refill(ps_tls *t)
{
    if (t->drained && t->has_some) {
        return false; /* Another read would only say that nothing is there. */
    }
    if (!t->in) {
        t->in = ps_tls_buffer_take(t->context);
    }
    if (!t->in) {
        t->starved = true;
        return false;
    }
    size_t n = 0;
    const ps_status status = t->io.read(t->io.ctx, t->stream, t->in, PS_TLS_BUFFER, &n);
    t->drained = status != PS_OK || n < PS_TLS_BUFFER;
    t->eof = status == PS_OK && n == 0;
    t->broken = t->broken || (status != PS_OK && status != PS_AGAIN);
    if (status != PS_OK || n == 0) {
        ps_tls_buffer_give(t->context, &t->in);
        return false;
    }
    t->in_at = 0;
    t->in_len = n;
    return true;
}

static int bio_read(BIO *bio, char *buf, size_t cap, size_t *n)
{
    ps_tls *t = BIO_get_data(bio);
    BIO_clear_retry_flags(bio);
    *n = 0;
    if (t->updates > PS_TLS_UPDATES) {
        return 0;
    }
    if (t->in_len == 0 && !refill(t)) {
        if (!t->eof && !t->broken && !t->starved) {
            BIO_set_retry_read(bio);
        }
        return 0;
    }
    const size_t len = cap < t->in_len ? cap : t->in_len;
    memcpy(buf, t->in + t->in_at, len);
    t->in_at += len;
    t->in_len -= len;
    if (t->in_len == 0) {
        ps_tls_buffer_give(t->context, &t->in);
    }
    *n = len;
    return 1;
}

size_t ps_tls_out_room(const ps_tls *t)
{
    return PS_TLS_BUFFER - t->out_len;
}

ps_status ps_tls_out_send(ps_tls *t)
{
    while (t->out_len > 0) {
        const size_t to_end = PS_TLS_BUFFER - t->out_at;
        const size_t first = t->out_len < to_end ? t->out_len : to_end;
        const ps_span parts[2] = {{t->out + t->out_at, first}, {t->out, t->out_len - first}};
        size_t n = 0;
        const ps_status status =
            t->io.write(t->io.ctx, t->stream, parts, first < t->out_len ? 2 : 1, &n);
        if (status != PS_OK) {
            t->broken = t->broken || status != PS_AGAIN;
            return status;
        }
        t->out_at = (t->out_at + n) % PS_TLS_BUFFER;
        t->out_len -= n;
    }
    ps_tls_buffer_give(t->context, &t->out);
    return PS_OK;
}

static void append(ps_tls *t, const char *buf, size_t len)
{
    const size_t at = (t->out_at + t->out_len) % PS_TLS_BUFFER;
    const size_t first = len < PS_TLS_BUFFER - at ? len : PS_TLS_BUFFER - at;
    memcpy(t->out + at, buf, first);
    memcpy(t->out, buf + first, len - first);
    t->out_len += len;
}

/* All or nothing: what is refused comes again as it was. */
static int bio_write(BIO *bio, const char *buf, size_t len, size_t *n)
{
    ps_tls *t = BIO_get_data(bio);
    BIO_clear_retry_flags(bio);
    *n = 0;
    if (len > ps_tls_out_room(t) && ps_tls_out_send(t) == PS_FAILED) {
        return 0;
    }
    if (len > ps_tls_out_room(t)) {
        BIO_set_retry_write(bio);
        return 0;
    }
    if (!t->out) {
        t->out = ps_tls_buffer_take(t->context);
        t->out_at = 0;
    }
    if (!t->out) {
        t->starved = true;
        return 0;
    }
    append(t, buf, len);
    *n = len;
    return 1;
}

static long bio_ctrl(BIO *bio, int command, long number, void *pointer)
{
    const ps_tls *t = BIO_get_data(bio);
    (void)number;
    (void)pointer;
    switch (command) {
    case BIO_CTRL_FLUSH: /* The ring goes when the caller's call ends. */
        return 1;
    case BIO_CTRL_EOF:
        return t->eof;
    default:
        return 0;
    }
}

BIO_METHOD *ps_tls_bio_method(void)
{
    BIO_METHOD *method = BIO_meth_new(BIO_TYPE_SOURCE_SINK, "peersync stream");
    if (method) {
        (void)BIO_meth_set_read_ex(method, bio_read);
        (void)BIO_meth_set_write_ex(method, bio_write);
        (void)BIO_meth_set_ctrl(method, bio_ctrl);
    }
    return method;
}
