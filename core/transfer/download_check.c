/* Every invariant of the downloader's machine. */
#include "transfer/download_internal.h"

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
