/* The downloader's machine: what its files share.
 *
 * The uploader answers WANTs in their order, so the machine knows which frame comes next: before
 * the bytes of pieces 512c to 512c + 511 it asked for their hashes, which therefore arrive just
 * when those of the chunk before are used up. One chunk's room is enough and nothing stalls. */
#ifndef PS_TRANSFER_DOWNLOAD_INTERNAL_H
#define PS_TRANSFER_DOWNLOAD_INTERNAL_H

#include "transfer/emit.h"
#include "transfer/leaves.h"
#include "transfer/stall.h"

typedef enum ps_download_stage {
    PS_DOWNLOAD_START = 1, /* Nothing was said yet. */
    PS_DOWNLOAD_HELLO,     /* Awaits the uploader's HELLO. */
    PS_DOWNLOAD_RUNNING,
    PS_DOWNLOAD_ENDED
} ps_download_stage;

typedef enum ps_download_phase {
    PS_DOWNLOAD_HEADER = 1,
    PS_DOWNLOAD_HEAD, /* The part of a body that is gathered. */
    PS_DOWNLOAD_NODES,
    PS_DOWNLOAD_PAYLOAD
} ps_download_phase;

struct ps_download {
    const ps_crypto *crypto; /* The caller's. */
    ps_clock clock;
    ps_stall stall;
    ps_content content;
    uint64_t verified_bytes;
    uint32_t pieces;
    uint32_t window;       /* Pieces asked for ahead. */
    uint32_t max_wants;    /* The uploader's. */
    uint32_t asked;        /* Pieces below it were asked for. */
    uint32_t piece;        /* Pieces below it are verified; this one comes. */
    uint32_t chunks_asked; /* Chunks of hashes that were asked for. */
    uint32_t chunks_known; /* Chunks that were verified; `nodes` holds the last of them. */
    uint32_t nodes_fill;   /* NODES: bytes so far. */
    uint32_t nodes_want;
    uint32_t payload_left; /* PAYLOAD: of this frame. */
    uint8_t stage;
    uint8_t phase;
    ps_frame frame;
    ps_gather gather;
    /* The piece under way. */
    uint64_t position; /* Bytes of it that are hashed. */
    uint64_t complete; /* Leaves. */
    ps_sha256 leaf;
    ps_node stack[PS_PIECE_LEVEL + 1];
    /* Hashes of a chunk, then its proof. */
    ps_node nodes[PS_HASHES_MAX + PS_LAYERS_MAX - 9];
};

/* Where a chunk of hashes lies. */
static inline ps_subtree ps_download_chunk(const ps_download *d, uint32_t chunk)
{
    uint32_t height = ps_tree_height(d->pieces);
    return (ps_subtree){
        .pieces = d->pieces,
        .first = chunk * PS_HASHES_MAX,
        .count = height < 9 ? 1u << height : PS_HASHES_MAX,
    };
}

/* True when the current piece's hash is not known yet: HASHES come before its bytes. */
static inline bool ps_download_lacks_hash(const ps_download *d)
{
    return d->pieces > 1 && d->piece < d->pieces && d->piece / PS_HASHES_MAX == d->chunks_known;
}

/* Ends with an error. */
void ps_download_fail(ps_download *d, ps_emit *e, uint32_t error, bool remote, bool tell);
/* Ends well. */
void ps_download_finish(ps_download *d, ps_emit *e);
/* Reads what the uploader said, a bounded part; @return bytes used. */
size_t ps_download_receive(ps_download *d, ps_emit *e, const uint8_t *data, size_t len);
/* Payload arrived: hashes it in place and verifies the piece at its end. */
void ps_download_payload(ps_download *d, ps_emit *e, const uint8_t *data, uint32_t len);

#endif
