/* OpenSSL's own end of a pipe, with whatever settings a test wants: it speaks what ps_tls would
 * not. */
#ifndef PS_TESTS_TLS_RAW_H
#define PS_TESTS_TLS_RAW_H

#include "peersync/transport.h"

#include <openssl/ssl.h>

typedef struct raw {
    SSL_CTX *ctx;
    SSL *ssl;
    const ps_stream_transport *io;
    ps_stream stream;
    char identity[512]; /* Of the client; empty: it offers no key. */
    const uint8_t *key;
    uint32_t max_early_data; /* Of the session that stands for the key. */
    bool ignorant;           /* As a server it knows no identity. */
} raw;

/* A context with TLS 1.2 and 1.3; the test changes it before raw_start(). */
void raw_open(raw *w, const ps_stream_transport *io, ps_stream stream, const uint8_t *key);
void raw_start(raw *w, bool server);
/* Gives a server a certificate of its own making. */
void raw_certify(raw *w);
void raw_close(raw *w);
/* Moves bytes between OpenSSL and the pipe. */
void raw_move(raw *w);
/* Goes on. @return 1 done; 0 call again; -1 failed. */
int raw_shake(raw *w);
/* base64url, by another way than the product's. */
void raw_identity(raw *w, ps_span ticket);

#endif
