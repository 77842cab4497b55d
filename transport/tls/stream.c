/* One stream's life: made, agreed, asked about, freed. */
#include "tls/tls_internal.h"

#include <openssl/crypto.h>
#include <openssl/err.h>
#include <stdlib.h>
#include <string.h>

static const char exporter[] = "EXPORTER-peersync-open";

/* After the handshake only new keys can come: no ticket, no question for a certificate. */
static void on_message(int written, int version, int type, const void *bytes, size_t len, SSL *ssl,
                       void *arg)
{
    ps_tls *t = arg;
    (void)version;
    (void)bytes;
    (void)len;
    (void)ssl;
    t->updates += !written && type == SSL3_RT_HANDSHAKE && t->established;
}

static bool attach(ps_tls *t)
{
    t->ssl = SSL_new(t->context->ssl);
    BIO *bio = BIO_new(t->context->bio);
    if (!t->ssl || !bio) {
        BIO_free(bio);
        return false;
    }
    BIO_set_data(bio, t);
    BIO_set_init(bio, 1);
    SSL_set_bio(t->ssl, bio, bio);
    SSL_set_msg_callback(t->ssl, on_message);
    SSL_set_msg_callback_arg(t->ssl, t);
    return SSL_set_app_data(t->ssl, t) == 1;
}

static ps_tls *begin_stream(ps_tls_context *context, const ps_stream_transport *io, ps_stream s)
{
    ps_tls *t = calloc(1, sizeof *t);
    if (!t) {
        return NULL;
    }
    t->context = context;
    t->io = *io;
    t->stream = s;
    t->error = "";
    if (!attach(t)) {
        ERR_clear_error();
        ps_tls_free(t);
        return NULL;
    }
    return t;
}

ps_tls *ps_tls_serve(ps_tls_context *context, const ps_stream_transport *io, ps_stream s)
{
    ps_tls *t = begin_stream(context, io, s);
    if (t) {
        SSL_set_accept_state(t->ssl);
    }
    return t;
}

ps_tls *ps_tls_fetch(ps_tls_context *context, const ps_stream_transport *io, ps_stream s,
                     ps_span ticket, const uint8_t key[PS_KEY_BYTES])
{
    ps_tls *t = begin_stream(context, io, s);
    if (!t) {
        return NULL;
    }
    SSL_set_connect_state(t->ssl);
    SSL_set_verify(t->ssl, SSL_VERIFY_PEER, NULL); /* No certificate is good: the key must be. */
    t->identity_len = ps_tls_identity_encode(ticket, t->identity);
    t->session = ps_tls_psk_session(t->ssl, key);
    if (!t->session) {
        ERR_clear_error();
        ps_tls_free(t);
        return NULL;
    }
    return t;
}

void ps_tls_free(ps_tls *t)
{
    if (!t) {
        return;
    }
    SSL_SESSION_free(t->session);
    SSL_free(t->ssl);
    ps_tls_buffer_give(t->context, &t->in);
    ps_tls_buffer_give(t->context, &t->out);
    OPENSSL_cleanse(t, sizeof *t);
    free(t);
}

bool ps_tls_begin(ps_tls *t)
{
    t->wants_bytes = false;
    t->drained = false;
    t->has_some = false;
    t->error = "";
    if (t->failed) {
        t->told = true;
        t->error = t->words;
        return false;
    }
    ERR_clear_error();
    return true;
}

ps_status ps_tls_fail(ps_tls *t, const char *words)
{
    t->words = words;
    t->error = words;
    t->failed = true;
    t->told = true;
    ERR_clear_error();
    if (!t->broken) {
        (void)ps_tls_out_send(t); /* The alert that tells the other side, if it can go now. */
    }
    return PS_FAILED;
}

ps_status ps_tls_waits(ps_tls *t, int result)
{
    const int error = SSL_get_error(t->ssl, result);
    if (error != SSL_ERROR_WANT_READ && error != SSL_ERROR_WANT_WRITE) {
        return ps_tls_fail(t, ps_tls_words(t));
    }
    t->wants_bytes = error == SSL_ERROR_WANT_READ;
    if (ps_tls_out_send(t) == PS_FAILED) {
        return ps_tls_fail(t, ps_tls_words(t));
    }
    return PS_AGAIN;
}

/* A handshake without the key is none: OpenSSL counts the use of a key as a session reused. */
static ps_status establish(ps_tls *t)
{
    if (SSL_session_reused(t->ssl) != 1) {
        return ps_tls_fail(t, ps_tls_refused_words);
    }
    if (SSL_export_keying_material(t->ssl, t->binding, sizeof t->binding, exporter,
                                   sizeof exporter - 1, NULL, 0, 0) != 1) {
        return ps_tls_fail(t, "out of memory");
    }
    SSL_SESSION_free(t->session);
    t->session = NULL;
    t->established = true;
    return ps_tls_out_send(t) == PS_FAILED ? ps_tls_fail(t, ps_tls_words(t)) : PS_OK;
}

ps_status ps_tls_handshake(ps_tls *t)
{
    if (!ps_tls_begin(t)) {
        return PS_FAILED;
    }
    if (t->established) {
        return PS_OK;
    }
    const int result = SSL_do_handshake(t->ssl);
    return result == 1 ? establish(t) : ps_tls_waits(t, result);
}

void ps_tls_binding(const ps_tls *t, uint8_t out[32])
{
    memcpy(out, t->binding, sizeof t->binding);
}

bool ps_tls_holds(const ps_tls *t)
{
    if (t->failed || t->ended) {
        return !t->told;
    }
    return t->in_len > 0 || SSL_pending(t->ssl) > 0;
}

uint32_t ps_tls_wants(const ps_tls *t)
{
    if (t->failed) {
        return 0;
    }
    return (t->wants_bytes ? PS_READABLE : 0u) | (t->out_len > 0 ? PS_WRITABLE : 0u);
}

const char *ps_tls_error(const ps_tls *t)
{
    return t->error;
}

bool ps_tls_refused(const ps_tls *t)
{
    return t->failed && t->words == ps_tls_refused_words;
}

const char *ps_tls_cipher(const ps_tls *t)
{
    const SSL_CIPHER *cipher = t->established ? SSL_get_current_cipher(t->ssl) : NULL;
    return cipher ? SSL_CIPHER_get_name(cipher) : "";
}
