/**
 * @file tls.h
 * TLS 1.3 (RFC 8446) round a stream of any transport: an external pre-shared key and nothing else.
 *
 * The downloader is the client, whoever dialled. It names its file ticket as the identity, and the
 * ticket's key is the pre-shared key (psk_dhe_ke, SHA-256; AES-128-GCM or ChaCha20-Poly1305). There
 * are no certificates, no session tickets, no resumption and no early data: who has no good ticket
 * gets no handshake. OpenSSL does the work.
 *
 * Calls have the meaning of those of ps_stream_transport, and never block. A context may serve
 * streams of one thread; contexts of different threads are independent.
 */
#ifndef PEERSYNC_TLS_H
#define PEERSYNC_TLS_H

#include "peersync/transport.h"

#ifdef __cplusplus
extern "C" {
#endif

/** The first byte that a TLS client sends (a handshake record). */
#define PS_TLS_FIRST_BYTE 0x16u
/** Longest identity, in bytes: a ticket as base64url without padding (RFC 4648, section 5). */
#define PS_TLS_IDENTITY_MAX 248u

/** What all streams of one thread share; opaque. */
typedef struct ps_tls_context ps_tls_context;
/** One stream; opaque. */
typedef struct ps_tls ps_tls;

/**
 * The uploader's look at a ticket, during a handshake. It judges the ticket alone: that it is of
 * this device and of today. Whether its content is still there is said after the handshake, to who
 * has proven the ticket's key. A refused ticket fails at the same place and with the same alert as
 * one whose key the other side does not have, so that nobody who has merely seen a ticket can ask
 * whether it is still good; the work done here should therefore be much the same for both. Here is
 * also the place to count refusals.
 * @param ticket the identity, decoded; 1 to PS_FILE_TICKET_MAX bytes.
 * @param key to be filled with the ticket's key.
 * @return false: no such ticket is good here; the handshake fails.
 */
typedef bool (*ps_tls_find)(void *ctx, ps_span ticket, uint8_t key[PS_KEY_BYTES]);

/**
 * Makes a context.
 * @param find for the uploader's side; NULL where only downloads are made. Called within
 *        ps_tls_handshake(), with `find_ctx`.
 * @return NULL when the library refuses (out of memory).
 */
ps_tls_context *ps_tls_context_new(ps_tls_find find, void *find_ctx);
/** Frees it; its streams are gone before. NULL is allowed. */
void ps_tls_context_free(ps_tls_context *context);

/**
 * Begins the uploader's side over an open stream. `io` is copied; the stream stays the caller's:
 * ps_tls_free() does not close it.
 * @return NULL: out of memory.
 */
ps_tls *ps_tls_serve(ps_tls_context *context, const ps_stream_transport *io, ps_stream s);
/**
 * Begins the downloader's side; otherwise as ps_tls_serve(). The ticket and its key are copied.
 * @return NULL: out of memory, or a ticket of 0 or more than PS_FILE_TICKET_MAX bytes.
 */
ps_tls *ps_tls_fetch(ps_tls_context *context, const ps_stream_transport *io, ps_stream s,
                     ps_span ticket, const uint8_t key[PS_KEY_BYTES]);
/** Frees; keys are wiped. NULL is allowed. */
void ps_tls_free(ps_tls *t);

/**
 * Goes on with the handshake. It has no clock, and waits for ever for who says nothing: the host
 * closes the stream of who has not finished in time, some seconds for a stranger.
 * @return PS_OK: done; PS_AGAIN: call again when the stream is ready for what ps_tls_wants() says;
 *         PS_FAILED: refused or broken, see ps_tls_error(); close the stream.
 */
ps_status ps_tls_handshake(ps_tls *t);
/**
 * What only the two ends of this connection know (RFC 8446, section 7.5, label
 * "EXPORTER-peersync-open"): for ps_stream_binding. After the handshake.
 */
void ps_tls_binding(const ps_tls *t, uint8_t out[32]);

/**
 * Reads. As ps_stream_transport's read, with many records a call where they are there. A stream
 * that ends without TLS's close_notify is PS_FAILED: somebody has cut it.
 */
ps_status ps_tls_read(ps_tls *t, void *buf, size_t cap, size_t *n);
/** True when bytes wait inside that the stream's readiness does not tell of. */
bool ps_tls_holds(const ps_tls *t);
/**
 * Writes a prefix of the parts, in records as large as TLS admits. What was taken may still wait
 * inside: PS_OK with *n >= 1. Call ps_tls_flush() before waiting for an answer.
 */
ps_status ps_tls_write(ps_tls *t, const ps_span parts[], size_t count, size_t *n);
/** Sends what waits inside. @return PS_OK: nothing waits; PS_AGAIN; PS_FAILED. */
ps_status ps_tls_flush(ps_tls *t);
/** Says that nothing more will be written (close_notify), then finishes the stream. */
ps_status ps_tls_finish(ps_tls *t);
/** What the stream must become ready for: PS_READABLE, PS_WRITABLE, or both; 0: nothing waits. */
uint32_t ps_tls_wants(const ps_tls *t);
/** Why the last call failed, for people; "" when nothing did. Lives until the next call. */
const char *ps_tls_error(const ps_tls *t);
/** True when the handshake failed because the ticket is not good at the other side. */
bool ps_tls_refused(const ps_tls *t);
/** The agreed cipher ("TLS_AES_128_GCM_SHA256"). Static storage. */
const char *ps_tls_cipher(const ps_tls *t);

#ifdef __cplusplus
}
#endif

#endif
