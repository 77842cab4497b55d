#include "raw.h"

#include "unit.h"

#include <openssl/err.h>
#include <openssl/evp.h>
#include <string.h>

static SSL_SESSION *session_of(const raw *w, SSL *ssl)
{
    static const unsigned char id[2] = {0x13, 0x01};
    SSL_SESSION *session = SSL_SESSION_new();
    assert_non_null(session);
    assert_int_equal(SSL_SESSION_set1_master_key(session, w->key, 32), 1);
    assert_int_equal(SSL_SESSION_set_cipher(session, SSL_CIPHER_find(ssl, id)), 1);
    assert_int_equal(SSL_SESSION_set_protocol_version(session, TLS1_3_VERSION), 1);
    assert_int_equal(SSL_SESSION_set_max_early_data(session, w->max_early_data), 1);
    return session;
}

static int use_session(SSL *ssl, const EVP_MD *md, const unsigned char **id, size_t *len,
                       SSL_SESSION **out)
{
    raw *w = SSL_get_app_data(ssl);
    (void)md;
    *out = NULL;
    if (w->identity[0] != '\0') {
        *id = (const unsigned char *)w->identity;
        *len = strlen(w->identity);
        *out = session_of(w, ssl);
    }
    return 1;
}

static int find_session(SSL *ssl, const unsigned char *id, size_t len, SSL_SESSION **out)
{
    const raw *w = SSL_get_app_data(ssl);
    (void)id;
    (void)len;
    *out = w->ignorant ? NULL : session_of(w, ssl);
    return 1;
}

void raw_certify(raw *w)
{
    EVP_PKEY *key = EVP_EC_gen("P-256");
    X509 *certificate = X509_new();
    assert_non_null(key);
    assert_non_null(certificate);
    assert_non_null(X509_gmtime_adj(X509_getm_notBefore(certificate), -3600));
    assert_non_null(X509_gmtime_adj(X509_getm_notAfter(certificate), 3600));
    assert_int_equal(X509_set_pubkey(certificate, key), 1);
    assert_true(X509_sign(certificate, key, EVP_sha256()) > 0);
    assert_int_equal(SSL_CTX_use_certificate(w->ctx, certificate), 1);
    assert_int_equal(SSL_CTX_use_PrivateKey(w->ctx, key), 1);
    X509_free(certificate);
    EVP_PKEY_free(key);
}

void raw_open(raw *w, const ps_stream_transport *io, ps_stream stream, const uint8_t *key)
{
    memset(w, 0, sizeof *w);
    w->io = io;
    w->stream = stream;
    w->key = key;
    w->ctx = SSL_CTX_new(TLS_method());
    assert_non_null(w->ctx);
    SSL_CTX_set_psk_use_session_callback(w->ctx, use_session);
    SSL_CTX_set_psk_find_session_callback(w->ctx, find_session);
}

void raw_start(raw *w, bool server)
{
    w->ssl = SSL_new(w->ctx);
    assert_non_null(w->ssl);
    assert_int_equal(SSL_set_app_data(w->ssl, w), 1);
    SSL_set_bio(w->ssl, BIO_new(BIO_s_mem()), BIO_new(BIO_s_mem()));
    if (server) {
        SSL_set_accept_state(w->ssl);
    } else {
        SSL_set_connect_state(w->ssl);
    }
}

void raw_close(raw *w)
{
    SSL_free(w->ssl);
    SSL_CTX_free(w->ctx);
    ERR_clear_error();
}

void raw_move(raw *w)
{
    uint8_t buf[4096];
    size_t n = 0;
    int got;
    while ((got = BIO_read(SSL_get_wbio(w->ssl), buf, sizeof buf)) > 0) {
        const ps_span part = {buf, (size_t)got};
        if (w->io->write(w->io->ctx, w->stream, &part, 1, &n) != PS_OK) {
            return; /* Nobody is there any more. */
        }
        assert_int_equal(n, got);
    }
    while (w->io->read(w->io->ctx, w->stream, buf, sizeof buf, &n) == PS_OK && n > 0) {
        assert_int_equal(BIO_write(SSL_get_rbio(w->ssl), buf, (int)n), n);
    }
}

int raw_shake(raw *w)
{
    raw_move(w);
    ERR_clear_error();
    const int result = SSL_do_handshake(w->ssl);
    const int error = SSL_get_error(w->ssl, result);
    raw_move(w);
    if (result == 1) {
        return 1;
    }
    return error == SSL_ERROR_WANT_READ ? 0 : -1;
}

void raw_identity(raw *w, ps_span ticket)
{
    unsigned char text[512];
    assert_true(ticket.len <= 200);
    int len = EVP_EncodeBlock(text, ticket.data, (int)ticket.len);
    while (len > 0 && text[len - 1] == '=') {
        len--;
    }
    for (int i = 0; i < len; i++) {
        w->identity[i] = (char)(text[i] == '+' ? '-' : text[i] == '/' ? '_' : text[i]);
    }
    w->identity[len] = '\0';
}
