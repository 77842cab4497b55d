/**
 * @file transport.h
 * The contract of a port: what carries datagrams and streams, tells the time and gives randomness.
 * tests/unit/conformance.c runs against every adapter.
 */
#ifndef PEERSYNC_TRANSPORT_H
#define PEERSYNC_TRANSPORT_H

#include "peersync/base.h"

#ifdef __cplusplus
extern "C" {
#endif

/** Datagrams, time and randomness. None of the functions blocks. */
typedef struct ps_transport {
    void *ctx; /**< Handed to every function. */
    /**
     * Receives up to `cap` datagrams: fills PS_INPUT_DATAGRAM inputs, each stamped with now. Their
     * bytes belong to the transport and live until the next receive. Longer datagrams than
     * PS_DATAGRAM_MAX arrive with their true length over the limit or PS_DATAGRAM_MAX + 1, so that
     * the machine counts them as oversized. Errors of single peers (ICMP unreachable) are skipped.
     * @return PS_OK with *n >= 1; PS_AGAIN nothing is there; PS_FAILED see the adapter.
     */
    ps_status (*receive)(void *ctx, ps_input in[], size_t cap, size_t *n);
    /**
     * Sends datagrams whose bytes lie in `slab`, in order. A datagram that the network refuses for
     * itself (unreachable, too big) counts as sent: datagrams may be lost.
     * @return PS_OK all; PS_AGAIN the socket is full: *sent were taken; PS_FAILED.
     */
    ps_status (*send)(void *ctx, const uint8_t *slab, const ps_datagram dg[], size_t n,
                      size_t *sent);
    /** Monotonic microseconds. */
    uint64_t (*now_us)(void *ctx);
    /** Seconds since 1970, or 0 where there is no such clock. */
    uint64_t (*wall_s)(void *ctx);
    /** Random bytes for keys. @return PS_FAILED when there are none: do not go on. */
    ps_status (*entropy)(void *ctx, void *buf, size_t len);
    /** The bound local addresses by endpoint id 0, 1, ...; @return how many there are. */
    size_t (*endpoints)(void *ctx, ps_addr out[], size_t cap);
} ps_transport;

/** Names a stream of a stream transport; 0 is none. Never reused while the transport lives. */
typedef uint64_t ps_stream;

/** What a stream is ready for, or is asked about. */
enum { PS_READABLE = 1u, PS_WRITABLE = 2u, PS_BROKEN = 4u };

/** Reliable byte streams. None of the functions blocks. */
typedef struct ps_stream_transport {
    void *ctx;
    /** Begins a connection. It is writable when made; a failure shows as PS_BROKEN or in write.
     *  @return PS_OK; PS_FAILED at once. */
    ps_status (*dial)(void *ctx, const ps_addr *to, ps_stream *out);
    /** The next incoming stream. @return PS_OK; PS_AGAIN none waits; PS_FAILED (out of descriptors:
     *  try later). */
    ps_status (*accept)(void *ctx, ps_stream *out, ps_addr *from);
    /** Reads what is there. @return PS_OK with *n >= 1, or *n == 0 at the end of the stream;
     *  PS_AGAIN nothing yet; PS_FAILED the stream broke. */
    ps_status (*read)(void *ctx, ps_stream s, void *buf, size_t cap, size_t *n);
    /** Writes a prefix of the parts. @return PS_OK with *n >= 1 taken; PS_AGAIN full; PS_FAILED. */
    ps_status (*write)(void *ctx, ps_stream s, const ps_span parts[], size_t count, size_t *n);
    /** Says that nothing more will be written; reading goes on. */
    ps_status (*finish)(void *ctx, ps_stream s);
    /** Ends it and forgets the name. */
    void (*close)(void *ctx, ps_stream s);
    /** Which of the asked conditions hold now (PS_BROKEN always). */
    uint32_t (*ready)(void *ctx, ps_stream s, uint32_t interest);
    /** Where incoming streams are accepted; family NONE when nowhere. */
    ps_addr (*listener)(void *ctx);
} ps_stream_transport;

#ifdef __cplusplus
}
#endif

#endif
