/* Failures in words for people. */
#include "tls/tls_internal.h"

#include <openssl/err.h>
#include <openssl/sslerr.h>

const char ps_tls_refused_words[] = "the other side refused the ticket";

/* What OpenSSL's reason means here; NULL: nothing of its own. */
static const char *words_of(int reason)
{
    switch (reason) {
    case SSL_R_UNSUPPORTED_PROTOCOL:
    case SSL_R_WRONG_SSL_VERSION:
    case SSL_R_TLSV1_ALERT_PROTOCOL_VERSION:
        return "it speaks no TLS 1.3";
    case SSL_R_NO_SHARED_CIPHER:
        return "it has none of our ciphers";
    case SSL_R_NO_SUITABLE_SIGNATURE_ALGORITHM:
        return "it offered no ticket"; /* And we have no certificate instead. */
    case SSL_R_WRONG_VERSION_NUMBER:
    case SSL_R_HTTP_REQUEST:
    case SSL_R_HTTPS_PROXY_REQUEST:
    case SSL_R_RECORD_TOO_SMALL:
        return "it speaks no TLS";
    case SSL_R_BINDER_DOES_NOT_VERIFY:
        return "it does not know the ticket's key";
    case SSL_R_SSLV3_ALERT_HANDSHAKE_FAILURE:
    case SSL_R_SSLV3_ALERT_ILLEGAL_PARAMETER:
    case SSL_R_TLSV1_ALERT_DECRYPT_ERROR:
    case SSL_R_TLSV1_ALERT_UNKNOWN_PSK_IDENTITY:
    case SSL_R_CERTIFICATE_VERIFY_FAILED:
        return ps_tls_refused_words;
    case SSL_R_UNEXPECTED_EOF_WHILE_READING:
        return "the other side hung up in the middle";
    case SSL_R_DECRYPTION_FAILED_OR_BAD_RECORD_MAC:
    case SSL_R_SSLV3_ALERT_BAD_RECORD_MAC:
    case SSL_R_BAD_RECORD_TYPE:
    case SSL_R_DIGEST_CHECK_FAILED:
        return "bytes were altered on the way";
    default:
        return NULL;
    }
}

const char *ps_tls_words(const ps_tls *t)
{
    if (t->starved) {
        return "out of memory";
    }
    if (t->broken) {
        return "the connection broke";
    }
    if (t->refused && !t->established) {
        return "its ticket is not good here";
    }
    const unsigned long code = ERR_peek_error();
    const char *words = ERR_GET_LIB(code) == ERR_LIB_SSL ? words_of(ERR_GET_REASON(code)) : NULL;
    if (words && !(words == ps_tls_refused_words && t->established)) {
        return words;
    }
    if (ERR_GET_REASON(code) == ERR_R_MALLOC_FAILURE) {
        return "out of memory";
    }
    return t->established ? "the other side broke the rules of TLS" : "the handshake failed";
}
