/**
 * @file transfer.h
 * Files: their BEP 52 tree, the tickets that open them, and the two machines at the ends of one
 * stream.
 *
 * The machines know no socket, no disk and no cipher. An upload says "send these header bytes, then
 * file bytes [a, b)"; a download says "the next n bytes belong at x", and asks the host to hash a
 * piece when it is whole. Payload is never copied by the core, nor even looked at.
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

/** WANTs that every uploader takes ahead of its own HELLO. */
#define PS_STREAM_WANTS_MIN 16u
/** Files that a download may have open or waiting on its stream. */
#define PS_DOWNLOAD_FILES 8u

/** A node of the tree. */
typedef struct ps_node {
    uint8_t bytes[PS_ROOT_BYTES];
} ps_node;

/** Pieces of a file of this length: ceil(length / PS_PIECE_BYTES); 0 for the empty file. */
uint32_t ps_piece_count(uint64_t length);

/** Bytes of piece `index`: PS_PIECE_BYTES but for the last one. 0 past the end. */
uint32_t ps_piece_length(uint64_t length, uint32_t index);

/**
 * The hash of one whole piece of a file of `length` bytes: its node of the piece layer, or, where
 * the file has one piece only, the root itself. Keeps nothing: any thread, any order.
 * @param data all `len` bytes of the piece.
 */
void ps_piece_hash(const ps_crypto *crypto, uint64_t length, const uint8_t *data, uint32_t len,
                   ps_node *out);

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

/**
 * Fills the layers above the piece layer: `tree` has room for ps_tree_nodes(length) nodes, of which
 * the first ps_piece_count(length) are set. Nothing to do where ps_tree_nodes() is 0.
 */
void ps_tree_build(const ps_crypto *crypto, uint64_t length, ps_node *tree);
/**
 * The root over `layer`, which has ps_piece_count(length) hashes as ps_piece_hash() gives them; the
 * zero root for the empty file.
 */
void ps_tree_root(const ps_crypto *crypto, uint64_t length, const ps_node *layer,
                  uint8_t root[PS_ROOT_BYTES]);

/** What a file ticket says. */
typedef struct ps_file_ticket {
    ps_content content;        /**< Opens this and nothing else. */
    uint64_t expires_s;        /**< By the server's clock, in seconds since 1970. */
    uint8_t key[PS_KEY_BYTES]; /**< The downloader's proof: pre-shared key of TLS and of OPEN. */
    ps_label downloader;       /**< Who asked for it. */
} ps_file_ticket;

/**
 * Opens a ticket at the uploader that it is for.
 * @param keys from PS_EVENT_FILE_KEYS.
 * @param wall_s the server's clock now; 0 (unknown) admits nothing.
 * @return false: not sealed for this uploader, altered, expired, or none at all; *out is then zero.
 */
bool ps_file_ticket_open(const ps_crypto *crypto, const ps_file_keys *keys, uint64_t wall_s,
                         ps_span sealed, ps_file_ticket *out);

/** Hashes a file front to back. Caller-allocated; fields are private. */
typedef struct ps_hasher {
    const ps_crypto *crypto;
    ps_node *tree; /**< Caller's; may be NULL. */
    uint64_t length;
    uint64_t position;
    uint64_t leaves;    /**< Complete ones of the piece under way. */
    ps_sha256 leaf;     /**< The leaf under way. */
    ps_node stack[7];   /**< Roots of its complete subtrees, one a level (a binary counter). */
    ps_node pieces[31]; /**< So, too, of complete pieces. */
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
    PS_STREAM_CANCEL,   /**< The host wants the stream ended: says so to the other side. */
    PS_STREAM_SENT,     /**< Upload: all segments handed out so far have been sent. */
    PS_STREAM_OPENED,   /**< Upload: the host's answer to PS_STREAM_EVENT_OPEN. */
    PS_STREAM_TAKEN,    /**< Upload: the stream took some more bytes but not yet all; keeps a
                             downloader on a slow line from being cut before SENT. */
    PS_STREAM_FETCH,    /**< Download: another file on this stream. After the end, which it may
                             have crossed, it is ignored: look at the step's events first. */
    PS_STREAM_HASHED,   /**< Download: the host's answer to PS_STREAM_EVENT_CHECK. */
    PS_STREAM_FINISH    /**< Download: no more files come; BYE once those under way have ended. */
} ps_stream_input_type;

/** A file to fetch (FETCH). */
typedef struct ps_stream_fetch {
    ps_content content;        /**< Of at least one byte. */
    ps_span ticket;            /**< 1 to PS_FILE_TICKET_MAX bytes; copied. */
    uint8_t key[PS_KEY_BYTES]; /**< The ticket's. */
    const uint8_t *have;       /**< A bit a piece (bit i % 8 of byte i / 8): set, it is not wanted.
                                    The caller's, alive and unchanged until the file has ended;
                                    NULL: all are wanted. At least one piece must be. */
} ps_stream_fetch;

/** One input of a transfer machine. */
typedef struct ps_stream_input {
    uint64_t now_us;
    uint64_t wall_s; /**< Upload: the server's clock in seconds since 1970; 0: not known, and no
                          ticket is admitted. */
    ps_stream_input_type type;
    union {
        ps_span bytes; /**< Lives until the caller has used the step's events. */
        struct {
            uint32_t error;      /**< PS_E_NONE: serve it. Else what the downloader is told. */
            const ps_node *tree; /**< ps_tree_nodes() nodes, the caller's, alive until FILE_END or
                                      the end of the machine; NULL where there are none. */
        } opened;
        uint64_t taken_bytes;  /**< TAKEN: how many since the last TAKEN or SENT. */
        uint32_t cancel_error; /**< CANCEL: what the other side is told and FAILED says (CHANGED,
                                    IO); PS_E_NONE stands for PS_E_CANCELLED. */
        ps_stream_fetch fetch;
        struct {
            uint32_t file; /**< As in the event. */
            uint32_t piece;
            ps_node hash; /**< What ps_piece_hash() gave. */
        } hashed;
    } u;
} ps_stream_input;

/**
 * A part of what to send, in order. Where a file segment cannot be sent whole (the file was cut,
 * the disk failed), close the stream: the other side would take whatever came next as file bytes.
 */
typedef struct ps_segment {
    bool from_file;  /**< true: bytes of file number `file`; false: bytes of the output's slab. */
    uint32_t file;   /**< As in PS_STREAM_EVENT_OPEN. */
    uint64_t offset; /**< In the file or in the slab. */
    uint64_t len;
} ps_segment;

/** Tags of ps_stream_event. */
typedef enum ps_stream_event_type {
    PS_STREAM_EVENT_OPEN = 1, /**< Upload: `downloader` shows a good ticket for `content`; answer
                                   OPENED. No time runs here until then, but the downloader's
                                   does: answer well within its 30 s. */
    PS_STREAM_EVENT_FILE_END, /**< Upload: the file of the last OPENED with PS_E_NONE is done with:
                                   all that its OPEN admits has been sent, or the downloader has
                                   gone on to another or said BYE. Nothing more of it is asked for.
                                   Download: `file` is whole, every wanted piece verified (error
                                   PS_E_NONE), or was refused with `error`: the stream goes on with
                                   the next. */
    PS_STREAM_EVENT_WRITE,    /**< Download: `bytes` belong to `piece` of `file`, at `offset` in
                                   the file; see ps_download_due(). */
    PS_STREAM_EVENT_CHECK,    /**< Download: all bytes of `piece` of `file` are there: hash them
                                   and answer HASHED. Any order, any number of steps later; but
                                   a full window asks for nothing, and an uploader that is asked
                                   for nothing cuts after its 30 s: hash a window in less. `hash`
                                   is what it must be: where they agree, a worker may write the
                                   piece before the machine hears of it. */
    PS_STREAM_EVENT_PIECE,    /**< Download: `piece` of `file` is verified. */
    PS_STREAM_EVENT_DONE,     /**< The stream ended well: the other side said BYE (upload), or BYE
                                   is said (download), or the uploader would not wait any longer
                                   (STALLED) while no file was under way (download). Close it when
                                   all is sent. */
    PS_STREAM_EVENT_FAILED    /**< Ended with `error`, and all files with it. Close the stream when
                                   all is sent, or after a second: the other side may have stopped
                                   reading. */
} ps_stream_event_type;

/** One event of a transfer machine. */
typedef struct ps_stream_event {
    ps_stream_event_type type;
    uint32_t file; /**< Counts the stream's files: OPENs (upload), FETCHes (download), from 1. 0 for
                        DONE, and for FAILED but with PS_E_MISMATCH of this side. */
    uint32_t piece; /**< WRITE, CHECK, PIECE. FAILED with PS_E_MISMATCH of this side: the wrong one,
                         or, where hashes were wrong, the one that they were asked for with. */
    uint32_t error; /**< FAILED, FILE_END: a ps_error. */
    bool remote;    /**< FAILED, FILE_END: the other side said so. */
    uint64_t offset;     /**< WRITE. */
    ps_span bytes;       /**< WRITE: points into the input's bytes. */
    ps_node hash;        /**< CHECK: proven to be the piece's under the content's root. */
    ps_content content;  /**< OPEN. */
    ps_label downloader; /**< OPEN. */
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
 * One input a step. `*consumed` counts bytes for BYTES. For every other type it is 1, or 0 with
 * PS_AGAIN and PS_INVALID. BYTES may be consumed in part: with PS_MORE because work a step is
 * bounded (drain the output and step the rest), and by an upload with PS_OK because it waits for
 * its own side, for OPENED or SENT. Offer the rest again after that; until then the stream need not
 * be read. After DONE or FAILED, which come once, every input of this machine is consumed and
 * ignored.
 *
 * Time: who makes no progress for the configured time is cut (PS_E_STALLED), however many bytes
 * dribble in. At a download, progress is an awaited frame, a leaf's worth of payload, a verified
 * piece; no time runs while it awaits nothing: its host hashes, or it has no file. At an upload,
 * progress is HELLO and each leaf's worth of answers that the stream has taken. While a file is
 * open its time runs, and the next file goes on with what was left of it, where each file that was
 * sent whole counts as 1 KiB more; so tiny files hold a slot no longer than a large one. Between
 * files the time counts anew, as nothing is held then. A step that comes late grants one second
 * more, so that what waits in the socket of a paused process counts.
 *
 * Who may open what: OPEN carries a ticket, and a MAC under the ticket's key over what only this
 * stream has: the TLS exporter, or, on a plain stream, the nonces of both HELLOs. So who only
 * listens can use no ticket that goes by. On a plain stream who sits between the two can pass it on
 * and read all.
 *
 * For how long: the ticket is judged at OPEN, and one OPEN admits one pass: at most as many pieces'
 * bytes, and as many pieces' hashes, as the file has. So a file that is open outlives its ticket by
 * that pass, at a leaf per configured time or faster, and by nothing else.
 *
 * @{
 */

/** What both ends know of their stream before its first frame. */
typedef struct ps_stream_binding {
    bool plain; /**< A plain stream: `bytes` is this side's nonce, 32 random bytes drawn for this
                     stream alone, or a proof of another stream may open this one; the downloader's
                     first byte is PS_STREAM_PREFACE_PLAIN. Else `bytes` is the stream's TLS
                     exporter (see tls.h), the same at both ends. */
    uint8_t bytes[32]; /**< All zero: forgotten, and refused. */
} ps_stream_binding;

/** The uploader's end of one stream. */
typedef struct ps_upload ps_upload;

/** Start from ps_upload_config_default(). */
typedef struct ps_upload_config {
    size_t size;              /**< sizeof(ps_upload_config). */
    const ps_crypto *crypto;  /**< With `open`: tickets are sealed. Must outlive the machine. */
    const ps_file_keys *keys; /**< What tickets are opened with. The caller's, outlives the machine;
                                   may be changed between steps. */
    ps_stream_binding binding;
    uint32_t idle_ms;     /**< Cut a downloader without progress after: 30000. */
    uint32_t max_wants;   /**< WANT frames it may have waiting: 64; PS_STREAM_WANTS_MIN to 4096. */
    uint32_t burst_bytes; /**< Bytes handed out before SENT must come: 1 MiB; 16 KiB to 2^30. */
} ps_upload_config;

/** Fills in the defaults above; `crypto`, `keys` and `binding` stay zero. */
void ps_upload_config_default(ps_upload_config *cfg);
/** Exact bytes; 0 when the configuration is impossible, as with a binding of zeros. */
size_t ps_upload_size(const ps_upload_config *cfg);
/** Makes it in the caller's memory (aligned as by malloc()). `now_us` starts the idle clock. */
ps_status ps_upload_init(void *mem, size_t len, const ps_upload_config *cfg, uint64_t now_us,
                         ps_upload **out);
/**
 * One step. A file is served only after a good ticket and MAC for it and the host's OPENED with
 * PS_E_NONE. Files are served one after the other, in the order of their OPENs.
 * @return PS_OK; PS_AGAIN (no room; nothing changed); PS_MORE (bounded work done: drain the output
 *         and step the rest of the bytes or a TICK); PS_INVALID (nothing changed: OPENED that
 *         nobody asked for or without its tree, over 2^30 bytes, an unknown type).
 */
ps_status ps_upload_step(ps_upload *u, const ps_stream_input *in, size_t *consumed,
                         ps_stream_output *out);
/** When a TICK is due at the latest; PS_TIME_NEVER: nothing to wait for. */
uint64_t ps_upload_deadline_us(const ps_upload *u);
/** File bytes handed out so far, of all files. */
uint64_t ps_upload_sent_bytes(const ps_upload *u);
/** OPENs so far without a good ticket, or without the proof that it is the downloader's. */
uint32_t ps_upload_refused(const ps_upload *u);
/** 0, or the line of the broken invariant. */
int ps_upload_check(const ps_upload *u);

/** The downloader's end of one stream: files from one source, one after the other. */
typedef struct ps_download ps_download;

/** Start from ps_download_config_default(). */
typedef struct ps_download_config {
    size_t size;             /**< sizeof(ps_download_config). */
    const ps_crypto *crypto; /**< Must outlive the machine. */
    ps_stream_binding binding;
    uint32_t stall_ms;     /**< Give up without progress after: 30000. */
    uint32_t window_bytes; /**< File bytes asked for and not verified yet, of all files: 8 MiB;
                                1 MiB to 256 MiB. Bounds what the host must hold. */
} ps_download_config;

/** Fills in the defaults above; `crypto` and `binding` stay zero. */
void ps_download_config_default(ps_download_config *cfg);
/** Exact bytes, some 32 KiB whatever the files' lengths; 0 when the configuration is impossible, as
 *  with a binding of zeros. */
size_t ps_download_size(const ps_download_config *cfg);
/** Makes it (aligned as by malloc()); the first step emits HELLO, unless it is CANCEL or CLOSED. */
ps_status ps_download_init(void *mem, size_t len, const ps_download_config *cfg, uint64_t now_us,
                           ps_download **out);
/**
 * One step; results as ps_upload_step(). FETCH is PS_INVALID while ps_download_room() is 0, after
 * FINISH, or for a content or ticket that cannot be; HASHED when nothing asked for it; both are
 * ignored after the end.
 */
ps_status ps_download_step(ps_download *d, const ps_stream_input *in, size_t *consumed,
                           ps_stream_output *out);
/** When a TICK is due at the latest; 0 before the first step; PS_TIME_NEVER. */
uint64_t ps_download_deadline_us(const ps_download *d);
/** How many more FETCHes it takes now: up to PS_DOWNLOAD_FILES may be under way. */
uint32_t ps_download_room(const ps_download *d);
/** Where the payload under way belongs. */
typedef struct ps_download_place {
    uint32_t file;
    uint32_t piece;
    uint64_t offset; /**< In the file. */
    uint32_t len;    /**< Of this frame: the next `len` bytes of the stream. */
} ps_download_place;
/**
 * Where the next bytes of the stream belong, so that a host can read them to their place and hand
 * them in as BYTES from there. @return false when a header comes next.
 */
bool ps_download_due(const ps_download *d, ps_download_place *place);
/** 0, or the line of the broken invariant. */
int ps_download_check(const ps_download *d);

/** @} */

#ifdef __cplusplus
}
#endif

#endif
