/* What a courier does with its machine: steps, and what comes of them. */
#include "courier.h"

#include "alloc.h"

#include <string.h>

/* Of a file: bytes asked for and not verified. */
#define COURIER_WINDOW (8u * PS_PIECE_BYTES)

bool courier_make_machine(struct courier *k)
{
    ps_download_config cfg;
    ps_download_config_default(&cfg);
    cfg.crypto = k->data->cfg.crypto;
    cfg.stall_ms = k->data->cfg.stall_ms;
    cfg.window_bytes = COURIER_WINDOW;
    cfg.binding.plain = k->conn.tls == NULL;
    if (k->conn.tls) {
        ps_tls_binding(k->conn.tls, cfg.binding.bytes);
    } else if (ps_posix_entropy(cfg.binding.bytes, sizeof cfg.binding.bytes) != PS_OK) {
        return false;
    }
    size_t size = ps_download_size(&cfg);
    k->memory = data_alloc(1, size);
    k->memory_size = size;
    k->more = true; /* The first step says HELLO. */
    return ps_download_init(k->memory, size, &cfg, ps_posix_now_us(), &k->machine) == PS_OK;
}

static struct courier_file *file_of(struct courier *k, uint32_t number)
{
    for (unsigned i = 0; i < k->count; i++) {
        if (k->files[i].number == number) {
            return &k->files[i];
        }
    }
    return NULL;
}

struct piece *courier_piece(struct courier *k, uint32_t file, uint32_t index)
{
    for (struct piece *p = k->pieces; p; p = p->next) {
        if (p->file == file && p->index == index) {
            return p;
        }
    }
    return NULL;
}

struct piece *courier_new_piece(struct courier *k, uint32_t file, uint32_t index)
{
    const struct courier_file *f = file_of(k, file);
    return f ? piece_new(k, f->download, file, index, &f->content) : NULL;
}

/* Bytes of a piece have come: to their place, or elsewhere. */
static void take_payload(struct courier *k, const ps_stream_event *event)
{
    struct piece *p = courier_piece(k, event->file, event->piece);
    p = p ? p : courier_new_piece(k, event->file, event->piece);
    if (!p) {
        return;
    }
    uint8_t *to = p->bytes + (event->offset - (uint64_t)p->index * PS_PIECE_BYTES);
    if (event->bytes.data != to) {
        memcpy(to, event->bytes.data, event->bytes.len);
    }
    if (p->download) {
        download_received(p->download, event->bytes.len);
    }
}

static void end_file(struct courier *k, const ps_stream_event *event)
{
    struct courier_file *f = file_of(k, event->file);
    if (!f) {
        return;
    }
    struct download *dl = f->download;
    k->count--;
    memmove(f, f + 1, (size_t)(&k->files[k->count] - f) * sizeof *f);
    if (k->count == 0) {
        k->own = false;
        k->idle_until_us = ps_posix_now_us() + (uint64_t)COURIER_IDLE_MS * 1000;
    }
    if (dl) {
        download_carried(dl, (ps_error)event->error);
    }
}

static void take_event(struct courier *k, const ps_stream_event *event)
{
    struct piece *p = courier_piece(k, event->file, event->piece);
    switch (event->type) {
    case PS_STREAM_EVENT_WRITE:
        take_payload(k, event);
        break;
    case PS_STREAM_EVENT_CHECK:
        if (p) {
            piece_check(p);
        }
        break;
    case PS_STREAM_EVENT_PIECE:
        if (p) {
            p->verified = true;
        }
        break;
    case PS_STREAM_EVENT_FILE_END:
        end_file(k, event);
        break;
    case PS_STREAM_EVENT_DONE:
        k->done = true;
        break;
    case PS_STREAM_EVENT_FAILED:
        k->done = true;
        k->error = event->error != PS_E_NONE ? (ps_error)event->error : PS_E_PROTOCOL;
        k->blamed = k->error == PS_E_MISMATCH ? event->file : 0;
        break;
    case PS_STREAM_EVENT_OPEN:
    default:
        break;
    }
}

/* One step and its events. @return false when the machine did not take the input. */
bool courier_step(struct courier *k, ps_stream_input *in, size_t *consumed)
{
    in->now_us = ps_posix_now_us();
    *consumed = 0;
    ps_status status = ps_download_step(k->machine, in, consumed, &k->conn.out);
    if (status == PS_AGAIN && conn_flush(&k->conn) == PS_OK) {
        status = ps_download_step(k->machine, in, consumed, &k->conn.out);
    }
    if (status != PS_OK && status != PS_MORE) {
        return false;
    }
    k->more = status == PS_MORE;
    size_t n = k->conn.out.events_len;
    ps_stream_event events[CONN_EVENTS];
    memcpy(events, k->conn.out.events, n * sizeof events[0]);
    k->conn.out.events_len = 0;
    for (size_t i = 0; i < n; i++) {
        take_event(k, &events[i]);
    }
    return true;
}

/* A snapshot: the machine's must not change under it. */
static const uint8_t *what_is_there(struct download *dl)
{
    if (dl->small) {
        return NULL;
    }
    size_t bytes = dl->partial.pieces / 8 + 1;
    dl->asked = data_grow(dl->asked, bytes, 1);
    memcpy(dl->asked, dl->partial.have, bytes);
    return dl->asked;
}

void courier_ask(struct courier *k)
{
    while (k->machine && !k->done) {
        struct courier_file *f = file_of(k, 0);
        size_t consumed;
        if (!f) {
            break;
        }
        const struct data_source *source =
            f->download ? sources_current(&f->download->sources) : NULL;
        if (!source || source->ticket_len == 0 || source->ticket_len > PS_FILE_TICKET_MAX) {
            /* Nobody wants it any more, or it cannot be asked for. */
            end_file(k, &(ps_stream_event){.file = 0, .error = PS_E_FILE_TICKET});
            continue;
        }
        if (ps_download_room(k->machine) == 0) {
            return;
        }
        ps_stream_input in = {.type = PS_STREAM_FETCH};
        in.u.fetch.content = f->content;
        in.u.fetch.ticket = (ps_span){source->ticket, source->ticket_len};
        memcpy(in.u.fetch.key, source->key, sizeof in.u.fetch.key);
        in.u.fetch.have = what_is_there(f->download);
        f->number = k->last_number + 1;
        if (!courier_step(k, &in, &consumed)) {
            f->number = 0;
            return; /* The stream is full: once more when it has taken something. */
        }
        k->last_number++;
    }
    if (k->machine && !k->done && !k->data->cfg.keep_connections && k->count > 0) {
        courier_finish(k);
    }
}

/* Keeps what the machine cannot take now. */
static void keep(struct courier *k, const uint8_t *bytes, size_t len)
{
    if (k->stash && bytes >= k->stash && bytes <= k->stash + k->stash_len) {
        k->stash_at = (size_t)(bytes - k->stash);
        return;
    }
    k->stash = data_grow(k->stash, len, 1);
    memcpy(k->stash, bytes, len);
    k->stash_at = 0;
    k->stash_len = len;
}

void courier_feed(struct courier *k, const uint8_t *bytes, size_t len)
{
    size_t at = 0;
    while (at < len && !k->done) {
        ps_stream_input in = {.type = PS_STREAM_BYTES, .u.bytes = {bytes + at, len - at}};
        size_t consumed;
        bool taken = courier_step(k, &in, &consumed);
        at += consumed;
        /* It waits for hashes, or for its words to leave. */
        if (!taken || (consumed == 0 && !k->more)) {
            keep(k, bytes + at, len - at);
            return;
        }
    }
    k->stash_at = k->stash_len = 0;
}
