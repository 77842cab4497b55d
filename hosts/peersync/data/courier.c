/* The connection of a courier: made, read, kept for a while, ended. */
#include "courier.h"

#include "alloc.h"
#include "couriers.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Reads of a connection before the loop's other streams have their turn. */
#define COURIER_ROUNDS 16u
/* What is read where headers come next. Payload that comes with them is copied once more: little of
 * a long file; of small ones, whole files at once. */
#define READ_HEADERS_OWN 16384u
#define READ_HEADERS     65536u
/* The same where there is room for the rest of a piece only. */
#define READ_ONE_HEADER 64u

enum fed {
    FED,
    DRY,     /* Nothing to read now. */
    STARVING /* Nowhere to put it now. */
};

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
    free(k->memory);
    free(k->stash);
    free(k);
    couriers_closed(loop);
}

/* Tells its downloads. Who is to blame depends on how it ended: for wrong bytes one file; for
 * silence, and where there was no connection at all, the source and so every file; for a cut
 * connection the file that was under way, and the others go on elsewhere. A source that has served
 * and then heard nothing for too long is not to blame: what was asked meanwhile crossed its end. */
static void tell_files(struct courier *k, ps_error error, const char *text)
{
    const bool crossed = error == PS_E_STALLED && k->remote && k->carried;
    const bool all = !k->connected || (error == PS_E_STALLED && !k->remote);
    struct courier_file files[PS_DOWNLOAD_FILES];
    unsigned count = k->count;
    memcpy(files, k->files, sizeof files);
    k->count = 0;
    for (unsigned i = 0; i < count; i++) {
        struct download *dl = files[i].download;
        bool blamed = all || (!crossed && (k->blamed != 0 ? files[i].number == k->blamed : i == 0));
        if (dl) {
            download_lost(dl, blamed ? error : PS_E_NONE, text, k->connected);
            download_go_on(dl);
        }
    }
    const bool away = !k->connected && error != PS_E_CANCELLED;
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

static void end_broken(struct courier *k)
{
    struct conn *c = &k->conn;
    char text[256];
    if (c->tls && ps_tls_refused(c->tls)) {
        courier_end(k, PS_E_FILE_TICKET, "");
        return;
    }
    uint8_t byte;
    size_t n;
    const ps_posix_error *why = ps_posix_streams_error(c->loop->streams);
    if (!c->tls) {
        (void)c->loop->io.read(c->loop->io.ctx, c->stream, &byte, 1, &n);
    }
    (void)snprintf(text, sizeof text, "cannot connect: %s",
                   why->number != 0                            ? strerror(why->number)
                   : c->tls && ps_tls_error(c->tls)[0] != '\0' ? ps_tls_error(c->tls)
                                                               : "the connection was closed");
    courier_end(k, PS_E_CLOSED, text);
}

static void end_late(struct courier *k)
{
    courier_end(k, PS_E_STALLED, k->connected ? "" : "cannot connect: no answer in time");
}

/* Before there is a machine. @return true when there is one. */
static bool dial_on(struct courier *k)
{
    ps_status status = k->conn.broken ? PS_FAILED : conn_handshake(&k->conn);
    if (status == PS_FAILED || k->conn.broken) {
        end_broken(k);
    } else if (status == PS_OK && !courier_make_machine(k)) {
        courier_end(k, PS_E_PROTOCOL, "");
    } else if (status == PS_OK) {
        k->stage = COURIER_RUNNING;
        k->connected = true;
        return true;
    } else if (k->connect_until_us <= ps_posix_now_us()) {
        end_late(k);
    } else {
        conn_alarm(&k->conn, k->connect_until_us);
    }
    return false;
}

static uint64_t deadline_us(const struct courier *k)
{
    uint64_t machine = ps_download_deadline_us(k->machine);
    return k->count == 0 && !k->finishing && k->idle_until_us < machine ? k->idle_until_us
                                                                        : machine;
}

/* The stream takes no more now, or is not made yet. */
static void wait_writable(struct courier *k)
{
    uint64_t deadline = k->connected ? deadline_us(k) : k->connect_until_us;
    if (k->done) {
        courier_end(k, k->error, ""); /* Nothing more can be said to it. */
    } else if (deadline <= ps_posix_now_us()) {
        end_late(k);
    } else {
        conn_watch(&k->conn, UV_WRITABLE);
        conn_alarm(&k->conn, deadline);
    }
}

/* A piece of which more has to come. */
static bool is_filling(const struct courier *k)
{
    for (const struct piece *p = k->pieces; p; p = p->next) {
        if (!p->busy) {
            return true;
        }
    }
    return false;
}

/* True when there is a place for what comes next. Otherwise workers have pieces, and call. */
static bool has_room(struct courier *k)
{
    bool allowed =
        k->held < COURIER_PIECES && buffers_allow(&k->data->buffers, &k->allowance, k->held == 0);
    return allowed || is_filling(k);
}

/* Reads to where the bytes belong. */
static ps_status read_on(struct courier *k)
{
    ps_download_place place;
    struct piece *p = NULL;
    uint8_t *to = k->conn.loop->buffer;
    size_t cap = k->own ? READ_HEADERS_OWN : READ_HEADERS, n = 0;
    if (ps_download_due(k->machine, &place) && (k->own || place.len >= READ_HEADERS)) {
        p = courier_piece(k, place.file, place.piece);
        p = p ? p : courier_new_piece(k, place.file, place.piece);
    }
    if (k->allowance == 0 && !p) {
        cap = READ_ONE_HEADER;
    }
    if (p) {
        to = p->bytes + (place.offset - (uint64_t)p->index * PS_PIECE_BYTES);
        cap = place.len;
    }
    ps_status status = conn_read(&k->conn, to, cap, &n);
    if (status == PS_OK && n > 0) {
        courier_feed(k, to, n);
    } else if (status != PS_AGAIN) {
        k->cut = true;
    }
    return status;
}

/* Workers look at pieces whose bytes have come. */
static bool is_checking(const struct courier *k)
{
    for (const struct piece *p = k->pieces; p; p = p->next) {
        if (p->busy && !p->verified) {
            return true;
        }
    }
    return false;
}

/* No more comes. What has come still counts: the machine learns of the end when all is hashed. */
static void end_cut(struct courier *k)
{
    ps_stream_input in = {.type = PS_STREAM_CLOSED};
    size_t consumed;
    if (is_checking(k) && !k->done) {
        conn_watch(&k->conn, 0);
        conn_alarm(&k->conn, PS_TIME_NEVER);
        return;
    }
    if (!k->done) {
        (void)courier_step(k, &in, &consumed);
    }
    k->conn.broken = true;
    courier_end(k, k->done && k->error != PS_E_NONE ? k->error : PS_E_CLOSED, "");
}

/* Ticks, feeds or reads. */
static enum fed feed(struct courier *k)
{
    ps_stream_input in = {.type = PS_STREAM_TICK};
    size_t consumed;
    uint64_t now = ps_posix_now_us();
    if (k->more || ps_download_deadline_us(k->machine) <= now) {
        if (!courier_step(k, &in, &consumed)) {
            k->done = true; /* It had room. */
            k->error = PS_E_PROTOCOL;
        }
        return FED;
    }
    if (k->count == 0 && !k->finishing && k->idle_until_us <= now) {
        courier_finish(k);
        return FED;
    }
    if (!has_room(k)) {
        return STARVING;
    }
    if (k->stash_at < k->stash_len) {
        size_t before = k->stash_at;
        courier_feed(k, k->stash + k->stash_at, k->stash_len - k->stash_at);
        return k->done || k->stash_at != before || k->stash_len == 0 ? FED : STARVING;
    }
    return read_on(k) == PS_AGAIN ? DRY : FED;
}

/* @return false: it has to wait, or has ended. */
static bool run_once(struct courier *k)
{
    if (k->cut && k->connected) {
        end_cut(k);
        return false;
    }
    courier_ask(k);
    bool pending = conn_pending(&k->conn);
    ps_status status = k->conn.broken || k->cut ? PS_FAILED : conn_flush(&k->conn);
    if (status == PS_AGAIN) {
        wait_writable(k);
        return false;
    }
    if (status != PS_OK) {
        if (k->done && k->error != PS_E_NONE) {
            courier_end(k, k->error, "");
        } else if (k->connected) {
            k->cut = true;
            end_cut(k);
        } else {
            end_broken(k);
        }
        return false;
    }
    k->connected = k->connected || pending;
    if (k->done) {
        courier_end(k, k->error, "");
        return false;
    }
    switch (feed(k)) {
    case DRY:
        if (k->count == 0) {
            buffers_disallow(&k->data->buffers, &k->allowance);
        }
        conn_watch(&k->conn, UV_READABLE);
        conn_alarm(&k->conn, deadline_us(k));
        return false;
    case STARVING:
        /* A worker has a piece of it, and calls when that is done. Until then no time runs. */
        conn_watch(&k->conn, 0);
        conn_alarm(&k->conn, PS_TIME_NEVER);
        return false;
    case FED:
    default:
        return true;
    }
}

void courier_run(struct courier *k)
{
    if (k->stage == COURIER_ENDED || (k->stage == COURIER_DIALLING && !dial_on(k))) {
        return;
    }
    for (unsigned round = 0; round < COURIER_ROUNDS; round++) {
        if (!run_once(k)) {
            return;
        }
    }
    conn_watch(&k->conn, UV_READABLE | UV_WRITABLE);
    conn_alarm(&k->conn, deadline_us(k));
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
