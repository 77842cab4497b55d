/* Payload: hashed as it comes, verified piece by piece. */
#include "transfer/download_internal.h"

static ps_leaves leaves_of(ps_download *d)
{
    return (ps_leaves){
        .crypto = d->crypto,
        .leaf = &d->leaf,
        .stack = d->stack,
        .tree = NULL,
        .pieces = 0,
        .complete = &d->complete,
        .position = &d->position,
    };
}

/* The piece is whole. A file of one piece has no piece layer: its tree is as high as its leaves
 * need, and its root is the piece's hash. */
static bool piece_matches(ps_download *d)
{
    ps_node root;
    ps_leaves leaves = leaves_of(d);
    if (d->pieces == 1) {
        uint64_t count = (d->content.length + PS_LEAF_BYTES - 1) / PS_LEAF_BYTES;
        ps_leaves_root(&leaves, ps_log2_ceil(count), &root);
        return ps_node_equal(&root, d->content.root);
    }
    ps_leaves_root(&leaves, PS_PIECE_LEVEL, &root);
    PS_ASSERT(d->chunks_known == d->piece / PS_HASHES_MAX + 1);
    return ps_node_equal(&root, d->nodes[d->piece % PS_HASHES_MAX].bytes);
}

static void end_piece(ps_download *d, ps_emit *e)
{
    if (!piece_matches(d)) {
        ps_download_fail(d, e, PS_E_MISMATCH, false, true);
        return;
    }
    d->verified_bytes += d->position;
    ps_emit_event(e, PS_STREAM_EVENT_PIECE)->index = d->piece;
    d->piece++;
    d->position = 0;
    d->complete = 0;
    ps_stall_progress(&d->stall, d->clock.now_us);
    if (d->piece == d->pieces) {
        ps_download_finish(d, e);
    }
}

void ps_download_payload(ps_download *d, ps_emit *e, const uint8_t *data, uint32_t len)
{
    ps_stream_event *write = ps_emit_event(e, PS_STREAM_EVENT_WRITE);
    write->offset = (uint64_t)d->piece * PS_PIECE_BYTES + d->position;
    write->bytes = (ps_span){data, len};
    ps_leaves leaves = leaves_of(d);
    ps_leaves_update(&leaves, data, len);
    ps_stall_payload(&d->stall, len, PS_LEAF_BYTES, d->clock.now_us);
    if (d->position == ps_piece_length(d->content.length, d->piece)) {
        end_piece(d, e);
    }
}

int ps_download_check(const ps_download *d)
{
    if (d->stage < PS_DOWNLOAD_START || d->stage > PS_DOWNLOAD_ENDED ||
        d->phase < PS_DOWNLOAD_HEADER || d->phase > PS_DOWNLOAD_PAYLOAD) {
        return __LINE__;
    }
    if (d->pieces != ps_piece_count(d->content.length) || d->piece > d->asked ||
        d->asked > d->pieces || d->asked - d->piece > d->window) {
        return __LINE__;
    }
    if (d->chunks_known > d->chunks_asked || d->chunks_asked - d->chunks_known > 1) {
        return __LINE__;
    }
    if (d->verified_bytes > d->content.length ||
        (d->piece < d->pieces && d->verified_bytes != (uint64_t)d->piece * PS_PIECE_BYTES) ||
        (d->piece == d->pieces && d->verified_bytes != d->content.length)) {
        return __LINE__;
    }
    if ((d->stage == PS_DOWNLOAD_ENDED) != (d->stall.deadline_us == PS_TIME_NEVER)) {
        return __LINE__;
    }
    if (d->stage == PS_DOWNLOAD_ENDED) {
        return 0;
    }
    if (d->gather.want > sizeof d->gather.bytes ||
        (d->phase <= PS_DOWNLOAD_HEAD && ps_gather_full(&d->gather))) {
        return __LINE__;
    }
    if (d->nodes_want > sizeof d->nodes ||
        (d->phase == PS_DOWNLOAD_NODES && d->nodes_fill >= d->nodes_want)) {
        return __LINE__;
    }
    if (d->stage == PS_DOWNLOAD_RUNNING) {
        if (d->piece >= d->pieces || d->position >= ps_piece_length(d->content.length, d->piece) ||
            d->complete != d->position / PS_LEAF_BYTES) {
            return __LINE__;
        }
        if (d->phase == PS_DOWNLOAD_PAYLOAD &&
            (d->payload_left == 0 ||
             d->payload_left > ps_piece_length(d->content.length, d->piece) - d->position)) {
            return __LINE__;
        }
        /* Bytes are taken only for a piece that was asked for and whose hash is known. */
        if (d->phase == PS_DOWNLOAD_PAYLOAD &&
            (d->piece == d->asked || ps_download_lacks_hash(d))) {
            return __LINE__;
        }
    } else if (d->asked != 0 || d->position != 0) {
        return __LINE__;
    }
    return 0;
}
