/* One stream in a loop, plain or under TLS: readiness, a timer, and the output of its machine on
 * the way out. */
#ifndef PEERSYNC_DATA_CONN_H
#define PEERSYNC_DATA_CONN_H

#include "loop.h"
#include "peersync/transfer.h"

/* Room for the output of two steps: one on its way, one that may follow. */
#define CONN_BYTES    (2 * PS_STREAM_STEP_BYTES)
#define CONN_SEGMENTS (2 * PS_STREAM_STEP_SEGMENTS)
#define CONN_EVENTS   (2 * PS_STREAM_STEP_EVENTS)
/* After the last byte, the other side has this long to close first. */
#define CONN_LINGER_MS 2000u

/* All zero before conn_open(). */
struct conn {
    struct loop *loop;
    ps_stream stream;
    ps_tls *tls; /* NULL: plain. */
    uv_poll_t poll;
    uv_timer_t timer;
    uint64_t alarm_us;  /* When the timer is due; PS_TIME_NEVER. */
    int polled;         /* Events that are polled now. */
    unsigned handles;   /* Not closed yet. */
    bool sealed;        /* The handshake of `tls` is done. */
    bool held;          /* A read is due that no readiness will tell of: TLS has bytes inside. */
    bool lingering;     /* Finished; reads to the end. */
    bool finishing;     /* Lingering, but the stream was too full for the last word. */
    bool broken;        /* The connection is of no use any more. */
    bool troubled;      /* Polling has reported an error. */
    uint32_t linger_kb; /* Read and thrown away while lingering. */
    ps_stream_output out;
    size_t segment;                    /* First of out.segments that is not sent as a whole, */
    uint64_t segment_done;             /* and how much of it is. */
    uint64_t file_sent;                /* File bytes sent, all told. */
    uint64_t taken;                    /* Bytes sent since the owner last set it to 0. */
    int file;                          /* Where file segments come from, or -1. */
    bool file_short;                   /* The file ended before a segment did. */
    bool file_bad;                     /* The file could not be read. */
    void (*ready)(struct conn *conn);  /* The stream is ready or the timer has run out. */
    void (*closed)(struct conn *conn); /* The last callback: free it. */
};

/* Starts watching a stream, which becomes the conn's. `ready` and `closed` are set before. On
 * failure the stream is closed and no callback comes. */
bool conn_open(struct conn *c, struct loop *loop, ps_stream stream);
/* The same without room in `out`, for who may never say anything worth an answer; conn_make_room()
 * gives it later. */
bool conn_open_bare(struct conn *c, struct loop *loop, ps_stream stream);
void conn_make_room(struct conn *c);

/* The first byte that waits in the stream, without taking it. PS_FAILED: ended or broken. */
ps_status conn_peek(struct conn *c, uint8_t *first);
/* Begins TLS on a stream that has carried nothing yet; conn_handshake() follows, then conn_read()
 * and conn_flush() go through it. @return false: out of memory. */
bool conn_tls_serve(struct conn *c);
bool conn_tls_fetch(struct conn *c, ps_span ticket, const uint8_t key[PS_KEY_BYTES]);
/* Goes on with the handshake; also dials to the end. PS_OK: done; PS_AGAIN: the right readiness is
 * asked for, call it again from `ready`; PS_FAILED: broken, see ps_tls_error(). */
ps_status conn_handshake(struct conn *c);

/* Reads: PS_OK with *n >= 1, or 0 at the end; PS_AGAIN; PS_FAILED. Who has not read up to PS_AGAIN
 * may conn_watch() UV_READABLE and is called. */
ps_status conn_read(struct conn *c, void *buf, size_t cap, size_t *n);
/* Sends what waits. PS_OK: all is sent and the output is empty again; PS_AGAIN: the stream is full;
 * PS_FAILED: broken, file_short or file_bad. */
ps_status conn_flush(struct conn *c);
/* True when output waits. */
bool conn_pending(const struct conn *c);
/* Asks for UV_READABLE, UV_WRITABLE, both or none. */
void conn_watch(struct conn *c, int events);
/* Calls `ready` at this time at the latest. */
void conn_alarm(struct conn *c, uint64_t deadline_us);
/* Ends it when the other side has read all: finishes, reads to the end, then closes. */
void conn_linger(struct conn *c);
/* Ends it at once; `closed` comes later. */
void conn_close(struct conn *c);

#endif
