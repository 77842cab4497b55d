/* Every invariant of the downloader's machine. */
#include "transfer/download_internal.h"

static int check_file(const ps_download *d, uint32_t file)
{
    const ps_download_file *f = ps_download_file_const(d, file);
    uint32_t unverified = 0;
    for (uint64_t at = d->piece_first; at != d->piece_next; at++) {
        const ps_download_piece *p = ps_download_piece_const(d, at);
        if (p->state != PS_PIECE_NONE && p->file == file) {
            unverified++;
            if (p->piece >= f->at || f->state == PS_FILE_NONE || f->state == PS_FILE_WAITING ||
                (p->state == PS_PIECE_CHECKING && f->state != PS_FILE_OPEN)) {
                return __LINE__;
            }
        }
    }
    if (f->state == PS_FILE_NONE) {
        return !f->have && file != d->file_first ? 0 : __LINE__;
    }
    if (unverified != f->unverified || f->pieces != ps_piece_count(f->content.length) ||
        f->content.length == 0 || !ps_content_possible(&f->content) || f->at > f->pieces ||
        f->state > PS_FILE_OPEN || f->ticket_len == 0 || f->ticket_len > PS_FILE_TICKET_MAX) {
        return __LINE__;
    }
    /* What was passed by the cursor was asked for whole, and has something left. */
    if (file < d->file_asking && (f->at != f->pieces || unverified == 0)) {
        return __LINE__;
    }
    if (file == d->file_asking && f->at == f->pieces) {
        return __LINE__;
    }
    if (file > d->file_asking && (f->at != 0 || f->state != PS_FILE_WAITING)) {
        return __LINE__;
    }
    if (f->chunk != PS_DOWNLOAD_NO_CHUNK && f->pieces < 2) {
        return __LINE__;
    }
    return 0;
}

static int check_files(const ps_download *d)
{
    if (d->file_first == 0 || d->file_next - d->file_first > PS_DOWNLOAD_FILES ||
        d->file_asking < d->file_first || d->file_asking > d->file_next) {
        return __LINE__;
    }
    for (uint32_t file = d->file_first; file != d->file_next; file++) {
        int line = check_file(d, file);
        if (line != 0) {
            return line;
        }
    }
    return 0;
}

static int check_ring(const ps_download *d)
{
    if (d->piece_first > d->piece_due || d->piece_due > d->piece_next ||
        d->piece_next - d->piece_first > PS_DOWNLOAD_PIECES) {
        return __LINE__;
    }
    uint64_t bytes = 0;
    uint32_t wants = 0;
    uint32_t last_file = d->file_first;
    for (uint64_t at = d->piece_first; at != d->piece_next; at++) {
        const ps_download_piece *p = ps_download_piece_const(d, at);
        if (p->state == PS_PIECE_NONE) {
            if (at == d->piece_first || at >= d->piece_due) {
                return __LINE__;
            }
            continue;
        }
        if ((p->state == PS_PIECE_ASKED) != (at >= d->piece_due) || p->file < last_file ||
            p->file >= d->file_next || p->file > d->file_asking) {
            return __LINE__;
        }
        if (p->hashes && (at < d->piece_due || ps_download_file_const(d, p->file)->pieces < 2)) {
            return __LINE__;
        }
        last_file = p->file;
        bytes += ps_download_piece_bytes(d, p);
        wants += at >= d->piece_due ? (p->hashes ? 2 : 1) : 0;
    }
    if (bytes != d->asked_bytes || bytes > d->window_bytes || wants != d->wants ||
        wants > d->max_wants) {
        return __LINE__;
    }
    return 0;
}

static int check_reading(const ps_download *d)
{
    if (d->gather.want > sizeof d->gather.bytes ||
        (d->phase <= PS_DOWNLOAD_HEAD && ps_gather_full(&d->gather))) {
        return __LINE__;
    }
    if (d->nodes_want > sizeof d->nodes ||
        (d->phase == PS_DOWNLOAD_NODES && d->nodes_fill >= d->nodes_want)) {
        return __LINE__;
    }
    const ps_download_piece *p = ps_download_awaited(d);
    if (d->position != 0 && (!p || d->position >= ps_download_piece_bytes(d, p))) {
        return __LINE__;
    }
    if (d->phase < PS_DOWNLOAD_NODES && d->position == 0) {
        return 0;
    }
    /* Hashes and bytes are taken only of an open file, bytes only when their hash is known. */
    if (d->stage != PS_DOWNLOAD_RUNNING || !p ||
        ps_download_file_const(d, p->file)->state != PS_FILE_OPEN ||
        p->hashes != (d->phase == PS_DOWNLOAD_NODES)) {
        return __LINE__;
    }
    if (d->phase == PS_DOWNLOAD_PAYLOAD &&
        (d->payload_left == 0 || d->payload_left > ps_download_piece_bytes(d, p) - d->position)) {
        return __LINE__;
    }
    return 0;
}

int ps_download_check(const ps_download *d)
{
    if (d->stage < PS_DOWNLOAD_START || d->stage > PS_DOWNLOAD_ENDED ||
        d->phase < PS_DOWNLOAD_HEADER || d->phase > PS_DOWNLOAD_PAYLOAD) {
        return __LINE__;
    }
    if (d->stage == PS_DOWNLOAD_ENDED) {
        return d->stall.deadline_us == PS_TIME_NEVER && !d->scanning ? 0 : __LINE__;
    }
    const bool asks = d->file_first != d->file_next || d->finishing;
    const bool awaits = d->wants > 0 || (d->stage == PS_DOWNLOAD_HELLO && asks);
    if (awaits != (d->stall.deadline_us != PS_TIME_NEVER)) {
        return __LINE__;
    }
    if (d->stage == PS_DOWNLOAD_START && (asks || d->piece_next != 0)) {
        return __LINE__;
    }
    /* Nothing is opened on a plain stream before its binding is known. */
    if (d->binding.plain && d->stage != PS_DOWNLOAD_RUNNING && d->piece_next != 0) {
        return __LINE__;
    }
    int line = check_ring(d);
    line = line == 0 ? check_files(d) : line;
    return line == 0 ? check_reading(d) : line;
}
