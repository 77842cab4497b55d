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
/** The stream's first byte, from who dials: plain frames follow. */
#define PS_STREAM_PREFACE_PLAIN 0x01u

/** A node of the tree. */
typedef struct ps_node {
    uint8_t bytes[PS_ROOT_BYTES];
} ps_node;

/** Pieces of a file of this length: ceil(length / PS_PIECE_BYTES); 0 for the empty file. */
uint32_t ps_piece_count(uint64_t length);

/**
 * True when such a file can exist: at most PS_FILE_MAX bytes, and no bytes only with the zero root.
 * Ask it of what the network named before a download is made.
 */
bool ps_content_possible(const ps_content *content);

/**
 * Nodes that an uploader keeps: less than 2 * pieces + 31, and 0 where the file fits one piece (the
 * root says it all). The piece layer comes first, left to right, then each layer above, up to the
 * root, which is last. Layer k has ceil(pieces / 2^k) nodes: a missing right sibling is the padding
 * hash of its layer and is not stored.
 */
size_t ps_tree_nodes(uint64_t length);

/** Hashes a file front to back. Caller-allocated; fields are private. */
typedef struct ps_hasher {
    const ps_crypto *crypto;
    ps_node *tree; /**< Caller's; may be NULL. */
    uint64_t length;
    uint64_t position;
    uint64_t leaves;   /**< Complete ones. */
    ps_sha256 leaf;    /**< The leaf under way. */
    ps_node stack[37]; /**< Roots of complete subtrees, one a level (a binary counter). */
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
    PS_STREAM_OPENED,   /**< The host's answer to PS_STREAM_EVENT_OPEN (upload). */
    PS_STREAM_TAKEN     /**< The stream took some more bytes but not yet all (upload): keeps a
                             downloader on a slow line from being cut before SENT. */
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
        uint64_t taken_bytes;  /**< TAKEN: how many since the last TAKEN or SENT. */
        uint32_t cancel_error; /**< CANCEL: what the other side is told and FAILED says (CHANGED,
                                    IO); PS_E_NONE stands for PS_E_CANCELLED. */
    } u;
} ps_stream_input;

/**
 * A part of what to send, in order. Where a file segment cannot be sent whole (the file was cut,
 * the disk failed), close the stream: the other side would take whatever came next as file bytes.
 */
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
    PS_STREAM_EVENT_FAILED    /**< Ended with `error`. Close the stream when all is sent, or after
                                   a second: the other side may have stopped reading. */
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
 * @name Both machines
 *
 * One input a step. `*consumed` counts bytes for BYTES, which may be consumed in part (work a step
 * is bounded): step again with the rest. For every other type it is 1, or 0 with PS_AGAIN and
 * PS_INVALID. After DONE or FAILED, which come once, everything is consumed and ignored.
 *
 * Time: who makes no progress for the configured time is cut (PS_E_STALLED), however many bytes
 * dribble in. Progress is an awaited frame, a leaf's worth of payload, a verified piece. A step
 * that comes late grants one second more, so that what waits in the socket of a paused process
 * counts.
 *
 * @{
 */

/** The uploader's end of one stream. */
typedef struct ps_upload ps_upload;

/** Start from ps_upload_config_default(). */
typedef struct ps_upload_config {
    size_t size;             /**< sizeof(ps_upload_config). */
    const ps_crypto *crypto; /**< Must outlive the machine. */
    uint32_t idle_ms;        /**< Cut a downloader without progress after: 30000. */
    uint32_t max_wants;      /**< WANT frames it may have waiting: 64; 1 to 4096. */
    uint32_t burst_bytes;    /**< Bytes handed out before SENT must come: 1 MiB; 16 KiB to 2^30. */
} ps_upload_config;

/** Fills in the defaults above; `crypto` stays NULL. */
void ps_upload_config_default(ps_upload_config *cfg);
/** Exact bytes; 0 when the configuration is impossible. */
size_t ps_upload_size(const ps_upload_config *cfg);
/** Makes it in the caller's memory (16-byte aligned). `now_us` starts the idle clock. */
ps_status ps_upload_init(void *mem, size_t len, const ps_upload_config *cfg, uint64_t now_us,
                         ps_upload **out);
/**
 * One step. Nothing is served before the host answered PS_STREAM_EVENT_OPEN with PS_E_NONE; until
 * the host answers, no time runs against the downloader.
 * @return PS_OK; PS_AGAIN (no room; nothing changed); PS_MORE (bounded work done: drain the output
 *         and step the rest of the bytes or a TICK); PS_INVALID (nothing changed: OPENED that
 *         nobody asked for or without its tree, over 2^30 bytes, an unknown type).
 */
ps_status ps_upload_step(ps_upload *u, const ps_stream_input *in, size_t *consumed,
                         ps_stream_output *out);
/** When a TICK is due at the latest; PS_TIME_NEVER: nothing to wait for. */
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
    uint32_t window_bytes;   /**< File bytes asked for ahead: 4 MiB. Rounded down to pieces, at
                                  least one and at most 256, and to what the uploader admits. */
} ps_download_config;

/** Fills in the defaults above; `crypto` and `content` stay zero. */
void ps_download_config_default(ps_download_config *cfg);
/** Exact bytes, some 18 KiB whatever the file's length; 0 when the configuration is impossible. */
size_t ps_download_size(const ps_download_config *cfg);
/** Makes it (16-byte aligned); the first step (a TICK) emits the preface and HELLO. */
ps_status ps_download_init(void *mem, size_t len, const ps_download_config *cfg, uint64_t now_us,
                           ps_download **out);
/** One step; results as ps_upload_step(). */
ps_status ps_download_step(ps_download *d, const ps_stream_input *in, size_t *consumed,
                           ps_stream_output *out);
/** When a TICK is due at the latest; 0 before the first step. */
uint64_t ps_download_deadline_us(const ps_download *d);
/** File bytes that are verified. */
uint64_t ps_download_verified_bytes(const ps_download *d);
/**
 * The rest of the payload under way: the next `*len` bytes of the stream belong at `*offset`, so
 * that a host can read them to their place. @return false when a header comes next.
 */
bool ps_download_due(const ps_download *d, uint64_t *offset, uint64_t *len);
/** 0, or the line of the broken invariant. */
int ps_download_check(const ps_download *d);

/** @} */

#ifdef __cplusplus
}
#endif

#endif
