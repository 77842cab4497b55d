/* One file from a source to a downloader, each machine at its end of a simulated stream. After
 * every step the machine's invariants are checked; DONE means that the bytes are compared. */
#ifndef PS_TESTS_XFER_H
#define PS_TESTS_XFER_H

#include "peersync/sim.h"
#include "peersync/transfer.h"

#define XFER_INPUT_BYTES 40000u

typedef enum xfer_end_state {
    XFER_WAITING = 0, /* No stream yet. */
    XFER_RUNNING,
    XFER_DONE,
    XFER_FAILED
} xfer_end_state;

/* One machine, its stream, and what waits on the way in and out. */
typedef struct xfer_end {
    struct xfer *x;
    uint32_t node;
    ps_stream stream;
    ps_upload *upload; /* One of the two. */
    ps_download *download;
    void *memory;
    ps_stream_output out;
    size_t sent_segments;
    uint64_t sent_bytes; /* Of the segment under way. */
    bool to_report;      /* Segments were handed out since the last SENT. */
    uint8_t input[XFER_INPUT_BYTES];
    size_t input_at, input_len;
    bool more, asked, closed;
    xfer_end_state state;
    uint32_t error; /* FAILED. */
} xfer_end;

typedef struct xfer {
    ps_sim *sim;
    const ps_crypto *crypto;
    uint64_t length;
    uint8_t *original; /* What was hashed and is asked for. */
    uint8_t *served;   /* What the source sends: the same, unless the story changes it. */
    uint8_t *received;
    ps_content content;
    ps_node *tree;
    uint32_t refusal; /* The source's answer to OPEN. */
    xfer_end source, sink;
} xfer;

/* Makes both nodes and a file of `length` bytes; the link is the configuration's. */
xfer *xfer_new(const ps_sim_config *cfg, const ps_crypto *crypto, uint64_t length);
/* The downloader dials. */
void xfer_start(xfer *x);
/* Runs until the downloader's end, at most `us`. */
void xfer_run(xfer *x, uint64_t us);
/* The source's process dies; the downloader is left alone. */
void xfer_kill_source(xfer *x);
void xfer_free(xfer *x);

#endif
