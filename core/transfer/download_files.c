/* The files of a stream: taken, opened or refused, ended. */
#include "transfer/download_internal.h"

#include "channel/wipe.h"

bool ps_download_fetch_valid(const ps_download *d, const ps_stream_fetch *fetch)
{
    return ps_download_room(d) > 0 && fetch->content.length > 0 &&
           ps_content_possible(&fetch->content) && fetch->ticket.data && fetch->ticket.len > 0 &&
           fetch->ticket.len <= PS_FILE_TICKET_MAX;
}

void ps_download_fetch(ps_download *d, const ps_stream_fetch *fetch)
{
    ps_download_file *f = ps_download_file_of(d, d->file_next);
    PS_ASSERT(f->state == PS_FILE_NONE);
    memset(f, 0, sizeof *f);
    f->content = fetch->content;
    f->have = fetch->have;
    f->pieces = ps_piece_count(fetch->content.length);
    f->chunk = PS_DOWNLOAD_NO_CHUNK;
    f->state = PS_FILE_WAITING;
    f->ticket_len = (uint8_t)fetch->ticket.len;
    memcpy(f->ticket, fetch->ticket.data, fetch->ticket.len);
    memcpy(f->key, fetch->key, sizeof f->key);
    d->file_next++;
}

/* Frees the slot, and those before it that waited for it. */
static void end(ps_download *d, ps_emit *e, uint32_t file, uint32_t error)
{
    ps_download_file *f = ps_download_file_of(d, file);
    ps_wipe(f->key, sizeof f->key);
    f->state = PS_FILE_NONE;
    f->have = NULL;
    while (d->file_first != d->file_next &&
           ps_download_file_of(d, d->file_first)->state == PS_FILE_NONE) {
        d->file_first++;
    }
    ps_stream_event *event = ps_emit_event(e, PS_STREAM_EVENT_FILE_END);
    event->file = file;
    event->error = error;
    event->remote = error != PS_E_NONE;
}

void ps_download_end_file(ps_download *d, ps_emit *e, uint32_t file)
{
    const ps_download_file *f = ps_download_file_of(d, file);
    if (f->at == f->pieces && f->unverified == 0) {
        end(d, e, file, PS_E_NONE);
    }
}

/* Its pieces are the next ones in the ring: none of them comes. */
static void drop_pieces(ps_download *d, uint32_t file)
{
    while (d->piece_due != d->piece_next) {
        ps_download_piece *p = ps_download_piece_of(d, d->piece_due);
        if (p->file != file) {
            break;
        }
        d->wants -= p->hashes ? 2 : 1;
        d->piece_due++;
        ps_download_release(d, p);
    }
}

void ps_download_opened(ps_download *d, ps_emit *e, uint32_t error)
{
    const ps_download_piece *p = ps_download_awaited(d);
    PS_ASSERT(p);
    const uint32_t file = p->file;
    ps_download_file *f = ps_download_file_of(d, file);
    PS_ASSERT(f->state == PS_FILE_OPENING);
    f->state = PS_FILE_OPEN;
    ps_stall_progress(&d->stall, d->clock.now_us);
    if (error != PS_E_NONE) {
        drop_pieces(d, file);
        if (d->file_asking == file) {
            d->file_asking++;
        }
        end(d, e, file, error);
    }
}
