/* What the files of this folder share. Bytes travel so:
 *
 *     stream -> in (a pooled buffer: one read, many records) -> OpenSSL -> the caller's memory
 *     the caller's memory -> OpenSSL -> out (a pooled ring: many records, one write) -> stream
 *
 * A stream holds a buffer only while bytes lie in it. */
#ifndef PS_TLS_INTERNAL_H
#define PS_TLS_INTERNAL_H

#include "peersync/tls.h"

#include <openssl/ssl.h>

/* The most that one record takes on the wire: header, text, its type and the tag. */
#define PS_TLS_TEXT_MAX   16384u
#define PS_TLS_RECORD_MAX (5u + PS_TLS_TEXT_MAX + 1u + 16u)
/* Records gathered for one system call. More no longer pay: the buffer leaves the cache. */
#define PS_TLS_RECORDS 8u
/* Kept free beside the records, so that an answer to a key update or an alert finds room. */
#define PS_TLS_SLACK  1024u
#define PS_TLS_BUFFER (PS_TLS_RECORDS * PS_TLS_RECORD_MAX + PS_TLS_SLACK)
/* Buffers that a context keeps for the next stream that needs one. */
#define PS_TLS_POOL 4u
/* Identities looked at in one handshake. A downloader names one, and once more when asked again. */
#define PS_TLS_LOOKS 4u
/* New keys of the other side that are followed. Each costs us far more than its sender, and an
 * honest one needs them after some hundred GB only. */
#define PS_TLS_UPDATES 64u
/* Records under one of our keys: half of what AES-GCM bears (RFC 8446, section 5.5). */
#define PS_TLS_KEY_RECORDS (1u << 23)
#define PS_TLS_TICKET_MAX  (PS_TLS_IDENTITY_MAX / 4u * 3u)

struct ps_tls_context {
    SSL_CTX *ssl;
    BIO_METHOD *bio;
    ps_tls_find find;
    void *find_ctx;
    unsigned pooled;
    uint8_t *pool[PS_TLS_POOL];
    uint8_t stage[PS_TLS_TEXT_MAX]; /* Small parts become one record here. */
};

struct ps_tls {
    ps_tls_context *context;
    ps_stream_transport io;
    ps_stream stream;
    SSL *ssl;

    uint8_t *in; /* NULL while empty. */
    size_t in_at;
    size_t in_len;
    uint8_t *out; /* A ring; NULL while empty. */
    size_t out_at;
    size_t out_len;

    bool established;
    bool ended;       /* The other side's close_notify has come. */
    bool finishing;   /* Ours is written. */
    bool finished;    /* And the stream below is finished. */
    bool failed;      /* For good: no call to OpenSSL but free. */
    bool told;        /* What `ended` or `failed` says has reached the caller. */
    bool wants_bytes; /* The last call could not go on without bytes of the other side. */

    bool drained;  /* In this call a read came short: what was there has been taken. */
    bool has_some; /* In this call the caller has got bytes. */
    bool eof;      /* The stream below has ended. */
    bool broken;   /* The stream below has failed. */
    bool starved;  /* No memory for a buffer. */

    unsigned updates; /* Keys that the other side has replaced. */
    uint32_t records; /* Under our present key; large writes count whole records. */

    unsigned looks;       /* Identities looked at. */
    bool refused;         /* One of them was no good. */
    const char *words;    /* Why it failed, once it has. */
    const char *error;    /* Of the last call. */
    SSL_SESSION *session; /* The downloader's, until the handshake is done. */
    size_t identity_len;
    uint8_t binding[32];
    uint8_t identity[PS_TLS_IDENTITY_MAX];
};

/* context.c: a buffer of PS_TLS_BUFFER bytes; NULL: out of memory. */
uint8_t *ps_tls_buffer_take(ps_tls_context *context);
/* Keeps or frees it; *buffer becomes NULL. Only sealed bytes lie in it: nothing to wipe. */
void ps_tls_buffer_give(ps_tls_context *context, uint8_t **buffer);

/* bio.c: what OpenSSL reads and writes through. NULL: out of memory. */
BIO_METHOD *ps_tls_bio_method(void);
/* Bytes of the ring that are free. */
size_t ps_tls_out_room(const ps_tls *t);
/* Hands the ring to the stream. @return PS_OK: it is empty; PS_AGAIN; PS_FAILED. */
ps_status ps_tls_out_send(ps_tls *t);

/* identity.c: tickets as identities. */
/* @return the length, at most PS_TLS_IDENTITY_MAX; 0: too long or empty. */
size_t ps_tls_identity_encode(ps_span ticket, uint8_t out[PS_TLS_IDENTITY_MAX]);
/* Only what ps_tls_identity_encode() makes is read. @return the length; 0: it is none. */
size_t ps_tls_identity_decode(ps_span identity, uint8_t out[PS_TLS_TICKET_MAX]);

/* psk.c: makes both sides of `ctx` ask for keys; the SSL's application data is the ps_tls. */
void ps_tls_psk_setup(SSL_CTX *ctx);
/* The session that stands for a key. NULL: out of memory. */
SSL_SESSION *ps_tls_psk_session(SSL *ssl, const uint8_t key[PS_KEY_BYTES]);

/* stream.c: */
/* Begins a call. @return false: it has failed before. */
bool ps_tls_begin(ps_tls *t);
/* Fails for good. @return PS_FAILED. */
ps_status ps_tls_fail(ps_tls *t, const char *words);
/* After a call to OpenSSL that did not succeed: sends what waits. @return PS_AGAIN or PS_FAILED. */
ps_status ps_tls_waits(ps_tls *t, int result);

/* words.c: what a downloader is told by one who does not take its ticket. */
extern const char ps_tls_refused_words[];

/* words.c: what to tell a person about the failure on top of OpenSSL's queue. */
const char *ps_tls_words(const ps_tls *t);

#endif
