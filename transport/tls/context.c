/* What all streams of a thread share: OpenSSL's settings and a few buffers. */
#include "tls/tls_internal.h"

#include <openssl/crypto.h>
#include <openssl/err.h>
#include <stdlib.h>
#include <string.h>

/* OpenSSL tells which instructions it uses, after its own look and OPENSSL_ia32cap's word.
 * AES-NI is bit 57 of the first word (OPENSSL_ia32cap(3)); on ARMv8 AES is bit 2. */
static bool has_aes(void)
{
    const char *settings = OPENSSL_info(OPENSSL_INFO_CPU_SETTINGS);
    const char *x86 = settings ? strstr(settings, "OPENSSL_ia32cap=") : NULL;
    if (x86) {
        return (strtoull(x86 + strlen("OPENSSL_ia32cap="), NULL, 16) >> 57 & 1) != 0;
    }
    const char *arm = settings ? strstr(settings, "OPENSSL_armcap=") : NULL;
    if (arm) {
        return (strtoull(arm + strlen("OPENSSL_armcap="), NULL, 16) >> 2 & 1) != 0;
    }
    return false;
}

/* Where either side lacks AES instructions, ChaCha20 is the faster for both. */
static bool set_ciphers(SSL_CTX *ctx)
{
    SSL_CTX_set_options(ctx, SSL_OP_CIPHER_SERVER_PREFERENCE | SSL_OP_PRIORITIZE_CHACHA);
    return SSL_CTX_set_ciphersuites(
               ctx, has_aes() ? "TLS_AES_128_GCM_SHA256:TLS_CHACHA20_POLY1305_SHA256"
                              : "TLS_CHACHA20_POLY1305_SHA256:TLS_AES_128_GCM_SHA256") == 1;
}

static bool configure(SSL_CTX *ctx)
{
    char groups[] = "X25519:P-256"; /* OpenSSL's macro casts a const away. */
    SSL_CTX_set_options(ctx, SSL_OP_NO_TICKET | SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION);
    SSL_CTX_clear_options(ctx, SSL_OP_ALLOW_NO_DHE_KEX); /* Whatever openssl.cnf says. */
    SSL_CTX_set_mode(ctx, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF | SSL_SESS_CACHE_NO_INTERNAL);
    ps_tls_psk_setup(ctx);
    return SSL_CTX_set_min_proto_version(ctx, TLS1_3_VERSION) == 1 &&
           SSL_CTX_set_max_proto_version(ctx, TLS1_3_VERSION) == 1 && set_ciphers(ctx) &&
           SSL_CTX_set1_groups_list(ctx, groups) == 1 && SSL_CTX_set_num_tickets(ctx, 0) == 1 &&
           SSL_CTX_set_max_early_data(ctx, 0) == 1;
}

ps_tls_context *ps_tls_context_new(ps_tls_find find, void *find_ctx)
{
    ps_tls_context *context = calloc(1, sizeof *context);
    if (!context) {
        return NULL;
    }
    context->find = find;
    context->find_ctx = find_ctx;
    context->bio = ps_tls_bio_method();
    context->ssl = SSL_CTX_new(TLS_method());
    if (!context->bio || !context->ssl || !configure(context->ssl)) {
        ERR_clear_error();
        ps_tls_context_free(context);
        return NULL;
    }
    return context;
}

void ps_tls_context_free(ps_tls_context *context)
{
    if (!context) {
        return;
    }
    while (context->pooled > 0) {
        free(context->pool[--context->pooled]);
    }
    SSL_CTX_free(context->ssl);
    BIO_meth_free(context->bio);
    OPENSSL_cleanse(context->stage, sizeof context->stage);
    free(context);
}

uint8_t *ps_tls_buffer_take(ps_tls_context *context)
{
    if (context->pooled > 0) {
        return context->pool[--context->pooled];
    }
    return malloc(PS_TLS_BUFFER);
}

void ps_tls_buffer_give(ps_tls_context *context, uint8_t **buffer)
{
    if (*buffer && context->pooled < PS_TLS_POOL) {
        context->pool[context->pooled++] = *buffer;
    } else {
        free(*buffer);
    }
    *buffer = NULL;
}
