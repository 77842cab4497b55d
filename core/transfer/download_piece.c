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
