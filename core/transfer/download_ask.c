/* What a downloader asks for, and how far ahead. */
#include "transfer/download_internal.h"

#include "channel/wipe.h"

/* Steps of a look for the next wanted piece: 8 pieces each where none of them is wanted. */
#define STEP_SCAN 4096u

/* The worst step: the first words, each file's OPEN, a ring of WANTs with a chunk each, BYE or
 * ERROR. */
_Static_assert(1 + PS_FRAME_HEADER_BYTES + PS_HELLO_BYTES +
                       PS_DOWNLOAD_FILES * (PS_FRAME_HEADER_BYTES + PS_OPEN_BYTES_MAX) +
                       2 * PS_DOWNLOAD_PIECES * (PS_FRAME_HEADER_BYTES + PS_WANT_BYTES) +
                       PS_FRAME_HEADER_BYTES + PS_ERROR_BYTES_MAX <=
                   PS_STREAM_STEP_BYTES,
               "a step fits the slab that it asked for");

/* Moves the cursor to the next wanted piece, or to the file's end. @return false: it takes longer
 * than a step may. */
static bool find_wanted(ps_download_file *f, uint32_t *scan)
{
    while (f->have && f->at < f->pieces) {
        const uint8_t bits = f->have[f->at / 8];
        if (((bits >> (f->at % 8)) & 1u) == 0) {
            break;
        }
        if (*scan == 0) {
            return false;
        }
        *scan -= 1;
        const uint32_t step = bits == 0xff ? 8 - f->at % 8 : 1;
        f->at = f->pieces - f->at < step ? f->pieces : f->at + step;
    }
    return true;
}

static bool needs_hashes(const ps_download_file *f)
{
    return f->pieces > 1 && f->at / PS_HASHES_MAX != f->chunk;
}

static bool may_ask(const ps_download *d, const ps_download_file *f)
{
    const uint32_t wants = needs_hashes(f) ? 2 : 1;
    return d->wants + wants <= d->max_wants &&
           d->piece_next - d->piece_first < PS_DOWNLOAD_PIECES &&
           d->asked_bytes + ps_piece_length(f->content.length, f->at) <= d->window_bytes;
}

static void write_open(const ps_download *d, ps_download_file *f, ps_writer *w)
{
    uint8_t mac[PS_OPEN_MAC_BYTES];
    const ps_span ticket = {f->ticket, f->ticket_len};
    ps_open_mac(d->crypto, f->key, d->binding.bytes, ticket, mac);
    ps_open_write(w, mac, ticket);
    ps_wipe(f->key, sizeof f->key);
    f->state = PS_FILE_OPENING;
}

/* Asks for the piece at the file's cursor. */
static void ask_piece(ps_download *d, ps_download_file *f, ps_writer *w)
{
    ps_download_piece *p = ps_download_piece_of(d, d->piece_next);
    p->file = d->file_asking;
    p->piece = f->at;
    p->state = PS_PIECE_ASKED;
    p->hashes = needs_hashes(f);
    if (f->state == PS_FILE_WAITING) {
        write_open(d, f, w);
    }
    if (p->hashes) {
        const ps_subtree s = ps_download_chunk(f, f->at);
        ps_want_write(w, &(ps_want){PS_WANT_HASHES, s.first, s.count});
        f->chunk = f->at / PS_HASHES_MAX;
        d->wants++;
    }
    ps_want_write(w, &(ps_want){PS_WANT_DATA, f->at, 1});
    d->wants++;
    d->asked_bytes += ps_piece_length(f->content.length, f->at);
    d->piece_next++;
    f->unverified++;
    f->at++;
}

void ps_download_ask(ps_download *d, ps_emit *e)
{
    uint32_t scan = STEP_SCAN;
    ps_writer w = ps_emit_writer(e);
    d->scanning = false;
    while (d->file_asking != d->file_next) {
        ps_download_file *f = ps_download_file_of(d, d->file_asking);
        if (!find_wanted(f, &scan)) {
            d->scanning = true;
            break;
        }
        if (f->at == f->pieces) {
            d->file_asking++;
            ps_download_end_file(d, e, d->file_asking - 1);
        } else if (may_ask(d, f)) {
            ask_piece(d, f, &w);
        } else {
            break;
        }
    }
    if (w.len > 0) {
        (void)ps_emit_bytes(e, &w);
    }
}
