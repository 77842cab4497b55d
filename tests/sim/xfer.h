/* Files from a source to a downloader over one simulated stream after another, each machine at its
 * end. After every step the machine's invariants are checked; DONE means that the bytes are
 * compared, and what is verified is compared after every wake. */
#ifndef PS_TESTS_XFER_H
#define PS_TESTS_XFER_H

#include "stream_end.h"

#define XFER_FILES  32u
#define XFER_WALL_S UINT64_C(1700000000)

typedef struct xfer_file {
    uint64_t length;
    uint8_t *original; /* What was hashed and is asked for. */
    uint8_t *served;   /* What the source sends: the same, unless the story changes it. */
    uint8_t *received;
    uint8_t *have, *got; /* Before the stream, and now: a bit a piece. */
    ps_content content;
    ps_node *tree;
    uint32_t refusal; /* The source's answer to OPEN. */
    uint8_t ticket[PS_FILE_TICKET_MAX];
    size_t ticket_len;
    uint8_t key[PS_KEY_BYTES];
    bool opened; /* The source was asked for it. */
} xfer_file;

typedef struct xfer {
    ps_sim *sim;
    const ps_crypto *crypto;
    bool plain;
    ps_file_keys keys;
    xfer_file files[XFER_FILES];
    stream_end_file wanted[XFER_FILES];
    uint32_t count;
    uint64_t received; /* Bytes of payload, over all streams. */
    stream_end source, sink;
} xfer;

/* Makes both nodes and files of these lengths, none of them 0; the link is the configuration's. */
xfer *xfer_new(const ps_sim_config *cfg, const ps_crypto *crypto, const uint64_t *lengths,
               uint32_t count);
/* A new ticket for the file; the time by which it ends. */
void xfer_ticket(xfer *x, uint32_t file, uint64_t expires_s);
/* The downloader dials, for what is not verified yet. Again, when the stream before has ended. */
void xfer_start(xfer *x);
/* Runs until the downloader's end, at most `us`. */
void xfer_run(xfer *x, uint64_t us);
/* Bytes that are not verified. */
uint64_t xfer_missing(const xfer *x);
/* The source's process dies; the downloader is left alone. */
void xfer_kill_source(xfer *x);
void xfer_free(xfer *x);

#endif
