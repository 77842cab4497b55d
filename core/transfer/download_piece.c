/* Pieces: their bytes go to the host, and count when it has hashed them right. */
#include "transfer/download_internal.h"

void ps_download_release(ps_download *d, ps_download_piece *p)
{
    PS_ASSERT(p->state != PS_PIECE_NONE);
    d->asked_bytes -= ps_download_piece_bytes(d, p);
    ps_download_file_of(d, p->file)->unverified--;
    p->state = PS_PIECE_NONE;
    while (d->piece_first != d->piece_due &&
           ps_download_piece_of(d, d->piece_first)->state == PS_PIECE_NONE) {
        d->piece_first++;
    }
}

/* All bytes of the piece that is due are there. */
static void end_piece(ps_download *d, ps_emit *e)
{
    ps_download_piece *p = ps_download_piece_of(d, d->piece_due);
    const ps_download_file *f = ps_download_file_of(d, p->file);
    PS_ASSERT(!p->hashes);
    if (f->pieces > 1) {
        p->expect = d->nodes[p->piece % PS_HASHES_MAX];
    } else {
        memcpy(p->expect.bytes, f->content.root, PS_ROOT_BYTES);
    }
    p->state = PS_PIECE_CHECKING;
    d->piece_due++;
    d->position = 0;
    d->wants--;
    ps_stall_progress(&d->stall, d->clock.now_us);
    ps_stream_event *check = ps_emit_event(e, PS_STREAM_EVENT_CHECK);
    check->file = p->file;
    check->piece = p->piece;
    check->hash = p->expect;
}

void ps_download_payload(ps_download *d, ps_emit *e, const uint8_t *data, uint32_t len)
{
    const ps_download_piece *p = ps_download_awaited(d);
    PS_ASSERT(p);
    ps_stream_event *write = ps_emit_event(e, PS_STREAM_EVENT_WRITE);
    write->file = p->file;
    write->piece = p->piece;
    write->offset = (uint64_t)p->piece * PS_PIECE_BYTES + d->position;
    write->bytes = (ps_span){data, len};
    d->position += len;
    ps_stall_payload(&d->stall, len, PS_LEAF_BYTES, d->clock.now_us);
    if (d->position == ps_download_piece_bytes(d, p)) {
        end_piece(d, e);
    }
}

const ps_download_piece *ps_download_checking(const ps_download *d, uint32_t file, uint32_t piece)
{
    for (uint64_t at = d->piece_first; at != d->piece_due; at++) {
        const ps_download_piece *p = ps_download_piece_const(d, at);
        if (p->state == PS_PIECE_CHECKING && p->file == file && p->piece == piece) {
            return p;
        }
    }
    return NULL;
}

void ps_download_hashed(ps_download *d, ps_emit *e, uint32_t file, uint32_t piece,
                        const ps_node *hash)
{
    const ps_download_piece *found = ps_download_checking(d, file, piece);
    PS_ASSERT(found);
    if (!ps_node_equal(hash, found->expect.bytes) && !PS_CANARY(UNHASHED_PIECE)) {
        ps_stream_event *failed = ps_download_fail(d, e, PS_E_MISMATCH, false, true);
        failed->file = file;
        failed->piece = piece;
        return;
    }
    ps_stream_event *event = ps_emit_event(e, PS_STREAM_EVENT_PIECE);
    event->file = file;
    event->piece = piece;
    ps_stall_progress(&d->stall, d->clock.now_us);
    ps_download_release(d, &d->pieces[found - d->pieces]);
    ps_download_end_file(d, e, file);
}
