/* One transfer machine at its end of a simulated stream: its steps, what waits on the way in and
 * out, and its end. After every step the machine's invariants and its output's bounds are looked
 * at. The host works it in the wake of its node, after its pump, and asks for its deadline. */
#ifndef PS_TESTS_STREAM_END_H
#define PS_TESTS_STREAM_END_H

#include "peersync/sim.h"
#include "peersync/transfer.h"

#define STREAM_END_INPUT_BYTES 40000u
/* Pieces that wait to be hashed: below this, more bytes are read first. */
#define STREAM_END_CHECKS 300u

struct world;
typedef struct stream_end stream_end;

typedef enum stream_end_state {
    STREAM_END_RUNNING = 0,
    STREAM_END_DONE,
    STREAM_END_FAILED
} stream_end_state;

/* A file to fetch. All zero but what the host sets. */
typedef struct stream_end_file {
    /* ---- the host's ---- */
    ps_content content; /* Of at least one byte. */
    ps_span ticket;
    uint8_t key[PS_KEY_BYTES];
    uint8_t *bytes;      /* Where it is received. */
    const uint8_t *have; /* What of it is there already; NULL: nothing. */
    uint8_t *got;        /* A bit a piece, set when it is verified; may be NULL. */

    /* ---- its own ---- */
    bool ended;
    uint32_t error;      /* Once it has ended. */
    uint64_t received;   /* Bytes. */
    uint64_t left_bytes; /* Not verified yet. */
} stream_end_file;

/* Begins as all zero but what the host sets; stream_end_upload() or stream_end_download() makes the
 * rest. */
struct stream_end {
    /* ---- the host's ---- */
    const struct world *w; /* Whose failures are told; may be NULL. */
    ps_sim *sim;
    uint32_t node;
    ps_stream stream; /* Dialled or accepted; 0 once it is closed. */
    void *ctx;
    const ps_crypto *crypto;
    ps_stream_binding binding;
    uint64_t cut_after; /* The stream breaks when so many bytes were read; 0: it does not. */
    /* Upload. */
    const ps_file_keys *keys;
    uint64_t wall_s; /* By the server's clock, before each work. */
    uint8_t *bytes;  /* What is served, from the answer to `asked` on. */
    uint64_t length;
    /* The other side asks for a content; @return the answer to OPEN. */
    uint32_t (*asked)(stream_end *e, const ps_content *content, const ps_node **tree);
    /* The file is done with; may be NULL. */
    void (*served)(stream_end *e);
    /* Between bursts: PS_E_NONE to go on, or why it ends; may be NULL. */
    uint32_t (*fault)(stream_end *e);
    /* Download: one after the other; then BYE. */
    stream_end_file *files;
    uint32_t count;

    /* ---- its own ---- */
    ps_upload *upload; /* One of the two. */
    ps_download *download;
    void *memory;
    stream_end_state state;
    uint32_t error;    /* FAILED: why; also of the first file that did not come. */
    bool remote;       /* FAILED: the other side said so. */
    uint64_t now_us;   /* Of the last step, in the node's clock. */
    uint64_t close_us; /* Ended: when what still waits is given up, in the simulator's time. */
    ps_stream_output out;
    size_t sent_segments;
    uint64_t sent_bytes; /* Of the segment under way. */
    uint64_t taken;      /* File bytes that the stream took, not told yet. */
    uint64_t read;       /* Bytes. */
    bool to_report;      /* Segments were handed out since the last SENT. */
    bool blocked;        /* The stream is full. */
    bool broken;         /* It takes nothing any more. */
    bool closed;         /* It has nothing more to read. */
    bool more, serving, has_question, finishing;
    ps_content question;
    uint32_t fetched; /* Files that the machine was given. */
    uint32_t checks_len;
    struct {
        uint32_t file, piece;
    } checks[STREAM_END_CHECKS];
    uint8_t input[STREAM_END_INPUT_BYTES];
    size_t input_at, input_len;
};

void stream_end_upload(stream_end *e);
void stream_end_download(stream_end *e);
/* Frees all that is its own; leaves the stream alone. */
void stream_end_free(stream_end *e);

/* Goes on as far as the stream allows. When the machine has ended, and all is sent or a second is
 * over, the stream is closed. */
void stream_end_work(stream_end *e);
/* The host wants it ended; the other side is told `error` where there still is one. */
void stream_end_cancel(stream_end *e, uint32_t error);
/* When it wants to be worked again, in the node's clock. */
uint64_t stream_end_deadline_us(const stream_end *e);

/* An instant of the simulator in a node's clock: now or later. */
uint64_t stream_end_local_us(const ps_sim *sim, uint32_t node, uint64_t at_us);

#endif
