/* The pre-shared keys: OpenSSL wants each as a session of TLS 1.3. */
#include "tls/tls_internal.h"

#include <openssl/crypto.h>

/* TLS_AES_128_GCM_SHA256 (RFC 8446, section B.4). It binds the key to SHA-256; the cipher itself
 * is still agreed among those of that hash. */
static const unsigned char cipher_id[2] = {0x13, 0x01};

SSL_SESSION *ps_tls_psk_session(SSL *ssl, const uint8_t key[PS_KEY_BYTES])
{
    const SSL_CIPHER *cipher = SSL_CIPHER_find(ssl, cipher_id);
    SSL_SESSION *session = SSL_SESSION_new();
    if (session && cipher && SSL_SESSION_set1_master_key(session, key, PS_KEY_BYTES) == 1 &&
        SSL_SESSION_set_cipher(session, cipher) == 1 &&
        SSL_SESSION_set_protocol_version(session, TLS1_3_VERSION) == 1) {
        return session;
    }
    SSL_SESSION_free(session);
    return NULL;
}

/* The uploader's side. No session means: go on without, which ends for want of a certificate, in
 * the same way whatever was wrong with the ticket. */
static int find_session(SSL *ssl, const unsigned char *identity, size_t len, SSL_SESSION **out)
{
    ps_tls *t = SSL_get_app_data(ssl);
    const ps_tls_context *context = t->context;
    uint8_t ticket[PS_TLS_TICKET_MAX];
    uint8_t key[PS_KEY_BYTES] = {0};
    *out = NULL;
    t->refused = true;
    if (t->looks >= PS_TLS_LOOKS || !context->find) {
        return 1;
    }
    t->looks++;
    const size_t ticket_len = ps_tls_identity_decode((ps_span){identity, len}, ticket);
    if (ticket_len > 0 && context->find(context->find_ctx, (ps_span){ticket, ticket_len}, key)) {
        *out = ps_tls_psk_session(ssl, key);
        t->refused = false;
        t->starved = *out == NULL;
    }
    OPENSSL_cleanse(key, sizeof key);
    return t->starved ? 0 : 1;
}

/* The downloader's side. Called again after a retry, then with the agreed hash. */
static int use_session(SSL *ssl, const EVP_MD *hash, const unsigned char **identity, size_t *len,
                       SSL_SESSION **out)
{
    ps_tls *t = SSL_get_app_data(ssl);
    (void)hash; /* Both ciphers have the same. */
    *out = NULL;
    if (t->session && SSL_SESSION_up_ref(t->session) == 1) {
        *identity = t->identity;
        *len = t->identity_len;
        *out = t->session;
    }
    return 1;
}

void ps_tls_psk_setup(SSL_CTX *ctx)
{
    SSL_CTX_set_psk_find_session_callback(ctx, find_session);
    SSL_CTX_set_psk_use_session_callback(ctx, use_session);
}
