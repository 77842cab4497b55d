/* The life of a courier: made, given files, ended. */
#include "courier.h"

#include "alloc.h"
#include "couriers.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void courier_add_piece(struct courier *k, struct piece *p)
{
    p->link = &k->pieces;
    p->next = k->pieces;
    if (p->next) {
        p->next->link = &p->next;
    }
    k->pieces = p;
    k->held++;
}

void courier_remove_piece(struct courier *k, struct piece *p)
{
    *p->link = p->next;
    if (p->next) {
        p->next->link = p->link;
    }
    p->link = NULL;
    k->held--;
}

static void closed(struct conn *c)
{
    struct courier *k = (struct courier *)c;
    struct loop *loop = c->loop;
    *k->link = k->next;
    if (k->next) {
        k->next->link = k->link;
    }
    if (k->memory) {
        explicit_bzero(k->memory, k->memory_size);
    }
    explicit_bzero(&k->to, sizeof k->to);
    free(k->memory);
    free(k->stash);
    free(k);
    couriers_closed(loop);
}

/* Tells its downloads. Who is to blame depends on how it ended: for wrong bytes one file; for
 * silence, and where there was no connection at all, the source and so every file; for a ticket
 * that TLS refused the first file, whose it was, and the others dial with theirs; for a cut
 * connection the file that was under way, and the others go on elsewhere. */
static void tell_files(struct courier *k, ps_error error, const char *text)
{
    const bool ticket = !k->connected && error == PS_E_FILE_TICKET;
    const bool all = (!k->connected && !ticket) || error == PS_E_STALLED;
    struct courier_file files[PS_DOWNLOAD_FILES];
    unsigned count = k->count;
    memcpy(files, k->files, sizeof files);
    k->count = 0;
    for (unsigned i = 0; i < count; i++) {
        struct download *dl = files[i].download;
        bool blamed = all || (k->blamed != 0 ? files[i].number == k->blamed : i == 0);
        if (dl) {
            download_lost(dl, blamed ? error : PS_E_NONE, text, k->connected);
            download_go_on(dl);
        }
    }
    const bool away = !k->connected && !ticket && error != PS_E_CANCELLED;
    for (struct download *dl; away && (dl = couriers_next(k->conn.loop, &k->to.addr)) != NULL;) {
        download_lost(dl, error, text, false);
        download_go_on(dl);
    }
}

void courier_end(struct courier *k, ps_error error, const char *text)
{
    if (k->stage == COURIER_ENDED) {
        return;
    }
    bool running = k->stage == COURIER_RUNNING;
    k->stage = COURIER_ENDED;
    buffers_disallow(&k->data->buffers, &k->allowance);
    while (k->pieces) {
        piece_leave(k->pieces);
    }
    if (running && k->done) {
        conn_linger(&k->conn);
    } else {
        conn_close(&k->conn);
    }
    tell_files(k, error, text);
}

static void ready(struct conn *c)
{
    struct loop *loop = c->loop;
    courier_run((struct courier *)c);
    couriers_serve(loop);
}

static bool begin(struct courier *k)
{
    if (k->data->cfg.plain_transfers) {
        k->stage = COURIER_RUNNING;
        return courier_make_machine(k);
    }
    return conn_tls_fetch(&k->conn, (ps_span){k->to.ticket, k->to.ticket_len}, k->to.key);
}

struct courier *courier_new(struct loop *loop, const struct data_source *to, char *why,
                            size_t why_cap)
{
    ps_stream stream = 0;
    if (loop->io.dial(loop->io.ctx, &to->addr, &stream) != PS_OK) {
        (void)snprintf(why, why_cap, "%s", ps_posix_streams_error(loop->streams)->text);
        return NULL;
    }
    struct courier *k = data_alloc(1, sizeof *k);
    k->data = loop->data;
    k->to = *to;
    k->conn.ready = ready;
    k->conn.closed = closed;
    k->connect_until_us = ps_posix_now_us() + (uint64_t)k->data->cfg.connect_ms * 1000;
    if (!conn_open(&k->conn, loop, stream)) {
        (void)snprintf(why, why_cap, "cannot watch the connection");
        free(k);
        return NULL;
    }
    k->link = &loop->couriers;
    k->next = loop->couriers;
    if (k->next) {
        k->next->link = &k->next;
    }
    loop->couriers = k;
    if (!begin(k)) {
        k->conn.broken = true;
    }
    return k;
}

bool courier_fits(const struct courier *k, bool own)
{
    const bool open = k->stage != COURIER_ENDED && !k->done && !k->finishing && !k->conn.broken;
    if (!open || k->own) {
        return false;
    }
    return k->count == 0 ||
           (!own && k->data->cfg.keep_connections && k->count < PS_DOWNLOAD_FILES &&
            (!k->machine || ps_download_room(k->machine) > 0));
}

void courier_take(struct courier *k, struct download *dl)
{
    k->own = !dl->small;
    k->files[k->count++] = (struct courier_file){.content = dl->landing.content, .download = dl};
    dl->courier = k;
    dl->stage = DOWNLOAD_FETCHING;
    download_show(dl, false);
}

void courier_drop(struct courier *k, struct download *dl)
{
    ps_stream_input in = {.type = PS_STREAM_CANCEL};
    size_t consumed;
    for (unsigned i = 0; i < k->count; i++) {
        k->files[i].download = k->files[i].download == dl ? NULL : k->files[i].download;
    }
    for (struct piece *p = k->pieces; p; p = p->next) {
        if (p->download == dl && !p->busy) {
            p->download = NULL;
        }
    }
    dl->courier = NULL;
    if (!k->own) {
        return;
    }
    if (k->machine && k->connected) {
        (void)courier_step(k, &in, &consumed);
        (void)conn_flush(&k->conn);
    }
    courier_end(k, PS_E_CANCELLED, "");
}

void courier_finish(struct courier *k)
{
    ps_stream_input in = {.type = PS_STREAM_FINISH};
    size_t consumed;
    if (k->machine && !k->finishing && courier_step(k, &in, &consumed)) {
        k->finishing = true;
    }
}

void courier_hashed(struct courier *k, struct piece *p)
{
    ps_stream_input in = {.type = PS_STREAM_HASHED};
    size_t consumed;
    in.u.hashed.file = p->file;
    in.u.hashed.piece = p->index;
    in.u.hashed.hash = p->hash;
    if (k->stage == COURIER_RUNNING && !k->done && !courier_step(k, &in, &consumed)) {
        /* No room for what comes of it: the stream is full of our own words, and broken. */
        k->conn.broken = true;
    }
}
