/* One file from a source to a downloader, each machine at its end of a simulated stream. After
 * every step the machine's invariants are checked; DONE means that the bytes are compared. */
#ifndef PS_TESTS_XFER_H
#define PS_TESTS_XFER_H

#include "stream_end.h"

typedef struct xfer {
    ps_sim *sim;
    uint64_t length;
    uint8_t *original; /* What was hashed and is asked for. */
    uint8_t *served;   /* What the source sends: the same, unless the story changes it. */
    uint8_t *received;
    ps_content content;
    ps_node *tree;
    uint32_t refusal; /* The source's answer to OPEN. */
    stream_end source, sink;
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
