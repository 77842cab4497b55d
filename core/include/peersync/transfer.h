/**
 * @file transfer.h
 * Files: their BEP 52 tree, and the two machines at the ends of one stream.
 *
 * The machines know no socket and no disk. An upload says "send these header bytes, then file bytes
 * [a, b)"; a download says "the next n bytes belong at x". Payload is hashed where the host put it
 * and never copied by the core.
 */
#ifndef PEERSYNC_TRANSFER_H
#define PEERSYNC_TRANSFER_H

#include "peersync/base.h"
#include "peersync/crypto.h"

#ifdef __cplusplus
extern "C" {
#endif

/** Bytes of a leaf of the tree (BEP 52: 16 KiB blocks). */
#define PS_LEAF_BYTES 16384u
/** Bytes of a piece: the unit that is verified. */
#define PS_PIECE_BYTES 1048576u
/** Longest file: 2^50 bytes (1 PiB), so that every count of pieces fits 32 bits. */
#define PS_FILE_MAX (UINT64_C(1) << 50)
/** Piece hashes in one HASHES frame: a subtree over 512 MiB. */
#define PS_HASHES_MAX 512u

/** A node of the tree. */
typedef struct ps_node {
    uint8_t bytes[PS_ROOT_BYTES];
} ps_node;

/** Pieces of a file of this length: ceil(length / PS_PIECE_BYTES); 0 for the empty file. */
uint32_t ps_piece_count(uint64_t length);

/**
 * Nodes from the piece layer up to the root that an uploader keeps: less than 2 * pieces + 31, and
 * 0 where the file fits one piece (the root says it all).
 */
size_t ps_tree_nodes(uint64_t length);

/** Hashes a file front to back. Caller-allocated; fields are private. */
typedef struct ps_hasher {
    const ps_crypto *crypto;
    ps_node *tree; /**< Caller's; may be NULL. */
    uint64_t length;
    uint64_t position;
    ps_sha256 leaf;
    ps_node stack[48]; /**< Roots of complete subtrees, one a level (a binary counter). */
    uint64_t leaves;
} ps_hasher;

/**
 * Begins. `tree` has room for ps_tree_nodes(length) nodes, or is NULL when only the root is wanted;
 * it must outlive the hasher.
 * @return PS_INVALID when a pointer is null or length exceeds PS_FILE_MAX.
 */
ps_status ps_hasher_init(ps_hasher *h, const ps_crypto *crypto, uint64_t length, ps_node *tree);
/** The next bytes of the file. @return PS_INVALID when they pass the announced length. */
ps_status ps_hasher_update(ps_hasher *h, const void *data, size_t len);
/** Ends; fills `content` and the tree. @return PS_INVALID when bytes are missing. */
ps_status ps_hasher_final(ps_hasher *h, ps_content *content);

/** Tags of ps_stream_input. */
typedef enum ps_stream_input_type {
    PS_STREAM_TICK = 1, /**< Time has passed. */
    PS_STREAM_BYTES,    /**< Bytes arrived, at most 2^30; any split is as good. */
    PS_STREAM_CLOSED,   /**< The stream ended or broke. */
    PS_STREAM_CANCEL,   /**< The host wants it ended: says so to the other side. */
    PS_STREAM_SENT,     /**< All segments handed out so far have been sent (upload). */
    PS_STREAM_OPENED    /**< The host's answer to PS_STREAM_EVENT_OPEN (upload). */
} ps_stream_input_type;

/** One input of a transfer machine. */
typedef struct ps_stream_input {
    uint64_t now_us;
    ps_stream_input_type type;
    union {
        ps_span bytes; /**< Lives until the caller has used the step's events. */
        struct {
            uint32_t error;      /**< PS_E_NONE: serve it. Else what the downloader is told. */
            const ps_node *tree; /**< ps_tree_nodes() nodes, the caller's, alive until the upload
                                      ends; NULL where there are none. */
        } opened;
    } u;
} ps_stream_input;

/** A part of what to send, in order. */
typedef struct ps_segment {
    bool from_file;  /**< true: file bytes; false: bytes of the output's slab. */
    uint64_t offset; /**< In the file or in the slab. */
    uint64_t len;
} ps_segment;

/** Tags of ps_stream_event. */
typedef enum ps_stream_event_type {
    PS_STREAM_EVENT_OPEN = 1, /**< Upload: the other side asks for `content`; answer OPENED. */
    PS_STREAM_EVENT_WRITE,    /**< Download: `bytes` belong at file offset `offset`. Write them
                                   before the next step's WRITE events. */
    PS_STREAM_EVENT_PIECE,    /**< Download: piece `index` is verified. */
    PS_STREAM_EVENT_DONE,     /**< Whole: every piece verified (download), or the other side said
                                   BYE (upload). Close the stream when all is sent. */
    PS_STREAM_EVENT_FAILED    /**< Ended with `error`. Close the stream when all is sent. */
} ps_stream_event_type;

/** One event of a transfer machine. */
typedef struct ps_stream_event {
    ps_stream_event_type type;
    uint32_t index;     /**< PIECE. */
    uint32_t error;     /**< FAILED: a ps_error. */
    bool remote;        /**< FAILED: the other side said so. */
    uint64_t offset;    /**< WRITE. */
    ps_span bytes;      /**< WRITE: points into the input's bytes. */
    ps_content content; /**< OPEN. */
} ps_stream_event;

/** Output of transfer steps: the caller's memory; emptied by setting the counts to zero. */
typedef struct ps_stream_output {
    uint8_t *bytes;
    size_t bytes_cap;
    size_t bytes_len;
    ps_segment *segments;
    size_t segments_cap;
    size_t segments_len;
    ps_stream_event *events;
    size_t events_cap;
    size_t events_len;
} ps_stream_output;

/** @name Room that one step may need in the output: with less, it answers PS_AGAIN.
 *  @{ */
#define PS_STREAM_STEP_BYTES    20480u
#define PS_STREAM_STEP_SEGMENTS 64u
#define PS_STREAM_STEP_EVENTS   64u
/** @} */

/**
 * Both machines take one input a step; BYTES may be consumed in part: `*consumed` counts bytes
 * then (all of them for every other type: 0 or 1), and the caller steps again with the rest.
 */

/** The uploader's end of one stream. */
typedef struct ps_upload ps_upload;

/** Start from ps_upload_config_default(). */
typedef struct ps_upload_config {
    size_t size;             /**< sizeof(ps_upload_config). */
    const ps_crypto *crypto; /**< Must outlive the machine. */
    uint32_t idle_ms;        /**< Cut a downloader without progress after: 30000. */
    uint32_t max_wants;      /**< WANT frames it may have waiting: 64. */
    uint32_t burst_bytes;    /**< File bytes handed out before SENT must come: 1 MiB. */
} ps_upload_config;

void ps_upload_config_default(ps_upload_config *cfg);
/** Exact bytes; 0 when the configuration is impossible. */
size_t ps_upload_size(const ps_upload_config *cfg);
/** Makes it in the caller's memory (16-byte aligned). `now_us` starts the idle clock. */
ps_status ps_upload_init(void *mem, size_t len, const ps_upload_config *cfg, uint64_t now_us,
                         ps_upload **out);
/**
 * One step. Nothing is served before the host answered PS_STREAM_EVENT_OPEN with PS_E_NONE.
 * @return PS_OK; PS_AGAIN (no room; nothing changed); PS_MORE (bounded work done: drain the output
 *         and step a TICK); PS_INVALID.
 */
ps_status ps_upload_step(ps_upload *u, const ps_stream_input *in, size_t *consumed,
                         ps_stream_output *out);
uint64_t ps_upload_deadline_us(const ps_upload *u);
/** File bytes handed out so far. */
uint64_t ps_upload_sent_bytes(const ps_upload *u);
/** 0, or the line of the broken invariant. */
int ps_upload_check(const ps_upload *u);

/** The downloader's end of one stream: one file from one source. */
typedef struct ps_download ps_download;

/** Start from ps_download_config_default(). */
typedef struct ps_download_config {
    size_t size;             /**< sizeof(ps_download_config). */
    const ps_crypto *crypto; /**< Must outlive the machine. */
    ps_content content;      /**< What to fetch. */
    uint32_t stall_ms;       /**< Give up without progress after: 30000. */
    uint32_t window_bytes;   /**< File bytes asked for ahead: 4 MiB. */
} ps_download_config;

void ps_download_config_default(ps_download_config *cfg);
size_t ps_download_size(const ps_download_config *cfg);
/** Makes it; the first step (a TICK) emits the preface and HELLO. */
ps_status ps_download_init(void *mem, size_t len, const ps_download_config *cfg, uint64_t now_us,
                           ps_download **out);
/** One step; results as ps_upload_step(). */
ps_status ps_download_step(ps_download *d, const ps_stream_input *in, size_t *consumed,
                           ps_stream_output *out);
uint64_t ps_download_deadline_us(const ps_download *d);
/** File bytes that are verified. */
uint64_t ps_download_verified_bytes(const ps_download *d);
/**
 * The rest of the payload under way: the next `*len` bytes of the stream belong at `*offset`, so
 * that a host can read them to their place. @return false when a header comes next.
 */
bool ps_download_due(const ps_download *d, uint64_t *offset, uint64_t *len);
int ps_download_check(const ps_download *d);

#ifdef __cplusplus
}
#endif

#endif
