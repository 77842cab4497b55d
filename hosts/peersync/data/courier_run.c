/* A courier at work: it dials to the end, reads to where things belong, waits, and notices the end.
 */
#include "courier.h"

#include <stdio.h>
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

static void end_broken(struct courier *k)
{
    struct conn *c = &k->conn;
    char text[256];
    if (c->tls && ps_tls_refused(c->tls)) {
        courier_end(k, PS_E_FILE_TICKET, "");
        return;
    }
    /* What went wrong last in the loop may be another stream's: this one is asked. */
    uint8_t byte;
    size_t n;
    const bool failed = c->loop->io.read(c->loop->io.ctx, c->stream, &byte, 1, &n) == PS_FAILED;
    const int number = failed ? ps_posix_streams_error(c->loop->streams)->number : 0;
    (void)snprintf(text, sizeof text, "cannot connect: %s",
                   number != 0                                 ? strerror(number)
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
