/* Bytes in and out of an agreed stream, and its end. */
#include "tls/tls_internal.h"

#include <string.h>

/* Reads, writes and the end need a handshake that has been made. */
static bool begin(ps_tls *t)
{
    if (!ps_tls_begin(t)) {
        return false;
    }
    if (!t->established) {
        (void)ps_tls_fail(t, "no handshake was made");
        return false;
    }
    return true;
}

/* What ended a read: the end, nothing more for now, or a failure. */
static ps_status read_ends(ps_tls *t, int result, size_t got)
{
    if (SSL_get_error(t->ssl, result) == SSL_ERROR_ZERO_RETURN) {
        t->ended = true;
        t->told = got == 0;
        return PS_OK;
    }
    const ps_status status = ps_tls_waits(t, result);
    if (got == 0) {
        /* An idle stream holds no buffers, OpenSSL's neither. */
        (void)(status == PS_AGAIN && SSL_free_buffers(t->ssl));
        return status;
    }
    if (status == PS_FAILED) {
        t->error = ""; /* First the bytes; the next call says it. */
        t->told = false;
    }
    return PS_OK;
}

ps_status ps_tls_read(ps_tls *t, void *buf, size_t cap, size_t *n)
{
    *n = 0;
    if (!begin(t)) {
        return PS_FAILED;
    }
    if (t->ended) {
        t->told = true;
        return PS_OK;
    }
    while (*n < cap) {
        size_t got = 0;
        const int result = SSL_read_ex(t->ssl, (uint8_t *)buf + *n, cap - *n, &got);
        if (result != 1) {
            return read_ends(t, result, *n);
        }
        *n += got;
        t->has_some = true;
    }
    return PS_OK;
}

/* Where in the caller's parts a write stands. */
typedef struct cursor {
    const ps_span *parts;
    size_t count;
    size_t at; /* Within parts[0]. */
} cursor;

static void skip_empty(cursor *c)
{
    while (c->count > 0 && c->at == c->parts[0].len) {
        c->parts++;
        c->count--;
        c->at = 0;
    }
}

static void advance(cursor *c, size_t len)
{
    for (skip_empty(c); len > 0; skip_empty(c)) {
        const size_t here = c->parts[0].len - c->at;
        const size_t step = len < here ? len : here;
        c->at += step;
        len -= step;
    }
}

/* The next bytes that make full records: whole ones from where they lie, or small parts gathered
 * to one. Empty: nothing is left. */
static ps_span next_run(ps_tls_context *context, cursor c)
{
    skip_empty(&c);
    if (c.count == 0) {
        return (ps_span){NULL, 0};
    }
    const size_t here = c.parts[0].len - c.at;
    if (here >= PS_TLS_TEXT_MAX) {
        return (ps_span){c.parts[0].data + c.at, here - here % PS_TLS_TEXT_MAX};
    }
    if (c.count == 1) {
        return (ps_span){c.parts[0].data + c.at, here};
    }
    size_t len = 0;
    for (; c.count > 0 && len < PS_TLS_TEXT_MAX; skip_empty(&c)) {
        const size_t left = c.parts[0].len - c.at;
        const size_t room = PS_TLS_TEXT_MAX - len;
        const size_t step = left < room ? left : room;
        memcpy(context->stage + len, c.parts[0].data + c.at, step);
        len += step;
        c.at += step;
    }
    return (ps_span){context->stage, len};
}

/* Full records for which the ring has room. OpenSSL never meets a full ring in the middle of a
 * record, so that no write has to be repeated as it was. */
static size_t records_fit(const ps_tls *t)
{
    const size_t room = ps_tls_out_room(t);
    return room < PS_TLS_SLACK ? 0 : (room - PS_TLS_SLACK) / PS_TLS_RECORD_MAX;
}

/* @return PS_OK: *n bytes of the run were sealed. */
static ps_status write_run(ps_tls *t, ps_span run, size_t *n)
{
    *n = 0;
    if (records_fit(t) == 0 && ps_tls_out_send(t) == PS_FAILED) {
        return ps_tls_fail(t, ps_tls_words(t));
    }
    const size_t fit = records_fit(t) * PS_TLS_TEXT_MAX;
    if (fit == 0) {
        return PS_AGAIN;
    }
    if (t->records >= PS_TLS_KEY_RECORDS) {
        t->records = 0;
        (void)SSL_key_update(t->ssl, SSL_KEY_UPDATE_NOT_REQUESTED); /* Goes before the record. */
    }
    const int result = SSL_write_ex(t->ssl, run.data, run.len < fit ? run.len : fit, n);
    t->records += 1 + (uint32_t)(*n / PS_TLS_TEXT_MAX);
    return result == 1 ? PS_OK : ps_tls_waits(t, result);
}

ps_status ps_tls_write(ps_tls *t, const ps_span parts[], size_t count, size_t *n)
{
    *n = 0;
    if (!begin(t)) {
        return PS_FAILED;
    }
    if (t->finishing) {
        t->error = "nothing more is written to it";
        return PS_FAILED;
    }
    cursor c = {parts, count, 0};
    for (;;) {
        const ps_span run = next_run(t->context, c);
        if (run.len == 0) {
            return PS_OK;
        }
        size_t sealed = 0;
        const ps_status status = write_run(t, run, &sealed);
        if (status != PS_OK) {
            return status == PS_AGAIN && *n > 0 ? PS_OK : status;
        }
        advance(&c, sealed);
        *n += sealed;
    }
}

/* Also during the handshake: a host that finds the stream writable need not know where it stands.
 */
ps_status ps_tls_flush(ps_tls *t)
{
    if (!ps_tls_begin(t)) {
        return PS_FAILED;
    }
    const ps_status status = ps_tls_out_send(t);
    return status == PS_FAILED ? ps_tls_fail(t, ps_tls_words(t)) : status;
}

ps_status ps_tls_finish(ps_tls *t)
{
    if (!begin(t)) {
        return PS_FAILED;
    }
    if (!t->finishing) {
        const int result = SSL_shutdown(t->ssl);
        if (result < 0) {
            return ps_tls_waits(t, result);
        }
        t->finishing = true;
    }
    ps_status status = ps_tls_out_send(t);
    if (status == PS_OK && !t->finished) {
        status = t->io.finish(t->io.ctx, t->stream);
        t->finished = status == PS_OK;
        t->broken = t->broken || status == PS_FAILED;
    }
    return status == PS_FAILED ? ps_tls_fail(t, ps_tls_words(t)) : status;
}
