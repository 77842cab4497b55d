/* Fetches one file, from one source after another. */
#include "internal.h"

#include "alloc.h"
#include "conn.h"
#include "landing.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Reads of a connection before the loop's other streams have their turn. */
#define DOWNLOAD_ROUNDS 8u

struct download {
    struct conn conn; /* First: callbacks get a struct conn. */
    struct work work;
    struct download *next, **link;
    struct data *data;
    struct transfer transfer;
    uint64_t tag;
    ps_addr *sources;
    size_t source_count, source;
    bool second_try; /* Of this source. */
    bool connected;
    bool conn_open;    /* `conn` is not closed yet. */
    bool landing_open; /* There is something to abandon. */
    bool working;      /* A worker has the landing. */
    bool cancelled;
    bool over; /* The outcome was told; only to be cleaned up. */
    struct landing landing;
    void *memory;
    ps_download *machine; /* Of the source under way; NULL between. */
    bool more;            /* The machine has more due. */
    bool ended;           /* The machine is done or failed, with `error`. */
    ps_error error;
    char text[LANDING_TEXT]; /* Why, where the error's own text does not say it. */
    uint8_t *stash;          /* Read, but the machine's output had no room. */
    size_t stash_at, stash_len;
    uint64_t started_us, connect_until_us, progress_us;
    uint64_t counted; /* Verified bytes of this source, added to the totals. */
};

static void run(struct conn *c);
static void next_source(struct download *dl);

static void unlink_and_free(struct download *dl)
{
    struct loop *loop = dl->work.loop;
    *dl->link = dl->next;
    if (dl->next) {
        dl->next->link = dl->link;
    }
    free(dl->sources);
    free(dl->landing.folder);
    free(dl->landing.name);
    free(dl->memory);
    free(dl->stash);
    free(dl);
    (void)atomic_fetch_sub(&loop->load, 1);
    data_loop_rest(loop);
}

static void abandon_work(struct work *work)
{
    struct download *dl = (struct download *)((char *)work - offsetof(struct download, work));
    landing_abandon(&dl->landing);
}

static void abandoned(struct loop *loop, struct work *work);

/* Hands the landing to a worker. */
static void work_start(struct download *dl, void (*fn)(struct work *),
                       void (*done)(struct loop *, struct work *))
{
    dl->working = true;
    dl->work.run = fn;
    dl->work.done = done;
    workers_add(&dl->data->workers, &dl->work);
}

/* Cleans up as far as it can go now; called whenever a part has come to rest. */
static void rest(struct download *dl)
{
    if (!dl->over || dl->working || dl->conn_open) {
        return;
    }
    if (dl->landing_open) {
        dl->landing_open = false;
        work_start(dl, abandon_work, abandoned);
    } else {
        unlink_and_free(dl);
    }
}

static const ps_addr *peer_of(const struct download *dl)
{
    static const ps_addr nobody = {.family = PS_ADDR_NONE};
    return dl->source < dl->source_count ? &dl->sources[dl->source] : &nobody;
}

/* Tells the outcome, once. */
static void tell(struct download *dl, const struct data_event *outcome)
{
    if (dl->over) {
        return;
    }
    dl->over = true;
    struct data_event event = *outcome;
    event.tag = dl->tag;
    event.name = dl->landing.name;
    event.content = dl->landing.content;
    event.peer = *peer_of(dl);
    event.elapsed_us = ps_posix_now_us() - dl->started_us;
    transfers_remove(&dl->data->transfers, &dl->transfer);
    (void)atomic_fetch_sub(&dl->data->downloads, 1);
    events_post(&dl->data->events, &event);
}

static void tell_failed(struct download *dl, ps_error error, const char *text, bool exists)
{
    tell(dl, &(struct data_event){.type = DATA_GET_FAILED,
                                  .error = error,
                                  .text = text[0] ? text : ps_error_text(error),
                                  .exists = exists});
}

static void tell_landed(struct download *dl)
{
    const struct landing *l = &dl->landing;
    if (l->error != PS_E_NONE) {
        tell_failed(dl, l->error, l->text, l->exists);
        return;
    }
    size_t len = strlen(l->folder);
    const char *slash = len > 0 && l->folder[len - 1] == '/' ? "" : "/";
    char *path = data_format("%s%s%s", l->folder, slash, l->name);
    tell(dl, &(struct data_event){.type = DATA_GET_DONE, .path = path, .already = l->already});
    free(path);
}

static struct download *download_of(struct work *work)
{
    return (struct download *)((char *)work - offsetof(struct download, work));
}

static void abandoned(struct loop *loop, struct work *work)
{
    struct download *dl = download_of(work);
    (void)loop;
    dl->working = false;
    rest(dl);
}

static void finish_work(struct work *work)
{
    landing_finish(&download_of(work)->landing);
}

static void finished(struct loop *loop, struct work *work)
{
    struct download *dl = download_of(work);
    (void)loop;
    dl->working = false;
    tell_landed(dl);
    rest(dl);
}

static void prepare_work(struct work *work)
{
    landing_prepare(&download_of(work)->landing);
}

/* Lands what is whole. */
static void land(struct download *dl)
{
    work_start(dl, finish_work, finished);
}

static void prepared(struct loop *loop, struct work *work)
{
    static const uint8_t zero[PS_ROOT_BYTES];
    struct download *dl = download_of(work);
    const ps_content *content = &dl->landing.content;
    (void)loop;
    dl->working = false;
    if (dl->cancelled) {
        tell_failed(dl, PS_E_CANCELLED, "", false);
    } else if (dl->landing.error != PS_E_NONE || dl->landing.already) {
        tell_landed(dl);
    } else if (content->length == 0 && memcmp(content->root, zero, sizeof zero) == 0) {
        land(dl); /* There is nothing to fetch. */
    } else if (dl->source_count == 0) {
        tell_failed(dl, PS_E_NO_ACTIVE_PEER, "", false);
    } else {
        next_source(dl);
    }
    rest(dl);
}

/* The connection is closed: what now? */
static void conn_closed(struct conn *c)
{
    struct download *dl = (struct download *)c;
    dl->conn_open = false;
    free(dl->stash);
    dl->stash = NULL;
    if (!dl->over && !dl->working) {
        next_source(dl);
    }
    rest(dl);
}

/* This source has failed; `dl->error` and `dl->text` say why. Chooses the next, which is dialled
 * when the connection is closed, or ends the download. */
static void source_failed(struct download *dl)
{
    const ps_addr *peer = peer_of(dl);
    const char *text = dl->text[0] ? dl->text : ps_error_text(dl->error);
    events_post(&dl->data->events, &(struct data_event){.type = DATA_GET_SOURCE_FAILED,
                                                        .tag = dl->tag,
                                                        .name = dl->landing.name,
                                                        .peer = *peer,
                                                        .error = dl->error,
                                                        .text = text});
    /* A file that changes while it is sent shows as wrong bytes or a cut connection. Who asks again
     * is told that it changed; or it was an accident, and the second time goes well. */
    bool again = dl->connected && !dl->second_try &&
                 (dl->error == PS_E_CLOSED || dl->error == PS_E_MISMATCH);
    if (again) {
        dl->second_try = true;
    } else if (dl->source + 1 < dl->source_count) {
        dl->second_try = false;
        dl->source++;
    } else {
        tell_failed(dl, dl->error, dl->text, false);
    }
}

/* Leaves the source for this reason. */
static void leave(struct download *dl, ps_error error, const char *text)
{
    dl->machine = NULL;
    dl->error = error;
    (void)snprintf(dl->text, sizeof dl->text, "%s", text);
    source_failed(dl);
    if (dl->conn_open) {
        conn_close(&dl->conn);
    }
}

static void leave_broken(struct download *dl)
{
    struct loop *loop = dl->work.loop;
    if (dl->connected) {
        leave(dl, PS_E_CLOSED, "");
        return;
    }
    uint8_t byte;
    size_t n;
    (void)loop->io.read(loop->io.ctx, dl->conn.stream, &byte, 1, &n);
    const ps_posix_error *why = ps_posix_streams_error(loop->streams);
    char text[LANDING_TEXT];
    (void)snprintf(text, sizeof text, "cannot connect: %s",
                   why->number != 0 ? strerror(why->number) : "the connection was closed");
    leave(dl, PS_E_CLOSED, text);
}

static bool make_machine(struct download *dl)
{
    ps_download_config cfg;
    ps_download_config_default(&cfg);
    cfg.crypto = dl->data->cfg.crypto;
    cfg.content = dl->landing.content;
    cfg.stall_ms = dl->data->cfg.stall_ms;
    size_t size = ps_download_size(&cfg);
    free(dl->memory);
    dl->memory = data_alloc(1, size);
    return size > 0 &&
           ps_download_init(dl->memory, size, &cfg, ps_posix_now_us(), &dl->machine) == PS_OK;
}

/* Dials the source that is next. What fails at once leads to the one after it. */
static void next_source(struct download *dl)
{
    struct loop *loop = dl->work.loop;
    ps_stream stream = 0;
    while (!dl->over && !dl->conn_open) {
        dl->connected = dl->ended = false;
        dl->error = PS_E_NONE;
        dl->text[0] = '\0';
        dl->counted = 0;
        atomic_store(&dl->transfer.done, 0);
        transfers_set_peer(&dl->data->transfers, &dl->transfer, peer_of(dl));
        memset(&dl->conn, 0, sizeof dl->conn);
        dl->conn.ready = run;
        dl->conn.closed = conn_closed;
        if (!make_machine(dl)) {
            leave(dl, PS_E_PROTOCOL, "there can be no file of this length");
        } else if (loop->io.dial(loop->io.ctx, peer_of(dl), &stream) != PS_OK) {
            const ps_posix_error *why = ps_posix_streams_error(loop->streams);
            leave(dl, PS_E_CLOSED, why->text);
        } else if (!conn_open(&dl->conn, loop, stream)) {
            leave(dl, PS_E_CLOSED, "cannot watch the connection");
        } else {
            dl->conn_open = true;
            dl->more = true;
            dl->connect_until_us = ps_posix_now_us() + (uint64_t)dl->data->cfg.connect_ms * 1000;
            run(&dl->conn);
        }
    }
}

static void tell_progress(struct download *dl)
{
    uint64_t done = ps_download_verified_bytes(dl->machine);
    uint64_t now = ps_posix_now_us();
    (void)atomic_fetch_add(&dl->data->downloaded_bytes, done - dl->counted);
    dl->counted = done;
    atomic_store(&dl->transfer.done, done);
    if (now - dl->progress_us >= (uint64_t)dl->data->cfg.progress_ms * 1000) {
        dl->progress_us = now;
        events_post(&dl->data->events, &(struct data_event){.type = DATA_GET_PROGRESS,
                                                            .tag = dl->tag,
                                                            .name = dl->landing.name,
                                                            .peer = *peer_of(dl),
                                                            .done = done,
                                                            .total = dl->landing.content.length});
    }
}

static bool step(struct download *dl, ps_stream_input *in, size_t *consumed);

/* Our disk failed: no other source can help. */
static void write_failed(struct download *dl, const ps_posix_error *error)
{
    ps_stream_input in = {.type = PS_STREAM_CANCEL};
    size_t consumed;
    uint64_t verified = ps_download_verified_bytes(dl->machine);
    landing_write_failed(&dl->landing, error, dl->landing.content.length - verified);
    tell_landed(dl);
    (void)step(dl, &in, &consumed);
    dl->ended = true;
}

static void take_event(struct download *dl, const ps_stream_event *event)
{
    ps_posix_error error = {0};
    switch (event->type) {
    case PS_STREAM_EVENT_WRITE:
        if (!dl->over && ps_posix_write_at(dl->landing.fd, event->bytes.data, event->bytes.len,
                                           event->offset, &error) != PS_OK) {
            write_failed(dl, &error);
        }
        break;
    case PS_STREAM_EVENT_PIECE:
        tell_progress(dl);
        break;
    case PS_STREAM_EVENT_DONE:
        dl->ended = true;
        break;
    case PS_STREAM_EVENT_FAILED:
        dl->ended = true;
        dl->error = (ps_error)event->error;
        dl->error = dl->error == PS_E_NONE ? PS_E_PROTOCOL : dl->error;
        break;
    case PS_STREAM_EVENT_OPEN:
    default:
        break;
    }
}

/* One step and its events. @return false when the machine did not take the input. */
static bool step(struct download *dl, ps_stream_input *in, size_t *consumed)
{
    in->now_us = ps_posix_now_us();
    *consumed = 0;
    ps_status status = ps_download_step(dl->machine, in, consumed, &dl->conn.out);
    dl->more = status == PS_MORE;
    size_t n = dl->conn.out.events_len;
    ps_stream_event events[CONN_EVENTS];
    memcpy(events, dl->conn.out.events, n * sizeof events[0]);
    dl->conn.out.events_len = 0;
    for (size_t i = 0; i < n; i++) {
        take_event(dl, &events[i]);
    }
    return status == PS_OK || status == PS_MORE;
}

/* Keeps what the machine cannot take before its output has left. */
static void keep(struct download *dl, const uint8_t *bytes, size_t len)
{
    if (dl->stash && bytes >= dl->stash && bytes <= dl->stash + dl->stash_len) {
        dl->stash_at = (size_t)(bytes - dl->stash);
        return;
    }
    dl->stash = data_grow(dl->stash, len, 1);
    memcpy(dl->stash, bytes, len);
    dl->stash_at = 0;
    dl->stash_len = len;
}

static void feed_bytes(struct download *dl, const uint8_t *bytes, size_t len)
{
    size_t at = 0;
    while (at < len && !dl->ended) {
        ps_stream_input in = {.type = PS_STREAM_BYTES, .u.bytes = {bytes + at, len - at}};
        size_t consumed;
        bool taken = step(dl, &in, &consumed);
        at += consumed;
        if (taken || dl->ended) {
            continue;
        }
        if (conn_pending(&dl->conn) && conn_flush(&dl->conn) == PS_OK) {
            continue;
        }
        if (!conn_pending(&dl->conn)) {
            dl->ended = true; /* It takes nothing though it has room. */
            dl->error = PS_E_PROTOCOL;
            return;
        }
        keep(dl, bytes + at, len - at);
        return;
    }
    dl->stash_at = dl->stash_len = 0;
}

/* The machine is done and all is said. */
static void end_source(struct download *dl)
{
    if (dl->over || dl->error == PS_E_NONE) {
        dl->machine = NULL;
        if (!dl->over) {
            land(dl);
        }
        conn_linger(&dl->conn);
    } else {
        leave(dl, dl->error, dl->text);
    }
}

/* Ticks, feeds or reads. @return false when there is nothing to do now. */
static bool feed(struct download *dl)
{
    struct loop *loop = dl->work.loop;
    ps_stream_input in = {.type = PS_STREAM_TICK};
    size_t consumed;
    if (dl->more || ps_download_deadline_us(dl->machine) <= ps_posix_now_us()) {
        (void)step(dl, &in, &consumed);
        return true;
    }
    if (dl->stash_at < dl->stash_len) {
        feed_bytes(dl, dl->stash + dl->stash_at, dl->stash_len - dl->stash_at);
        return true;
    }
    size_t n = 0;
    ps_status status =
        loop->io.read(loop->io.ctx, dl->conn.stream, loop->buffer, LOOP_BUFFER_BYTES, &n);
    if (status == PS_AGAIN) {
        return false;
    }
    if (status != PS_OK) {
        leave_broken(dl);
    } else if (n == 0) {
        in.type = PS_STREAM_CLOSED;
        (void)step(dl, &in, &consumed);
        if (!dl->ended) {
            leave(dl, PS_E_CLOSED, "");
        }
    } else {
        feed_bytes(dl, loop->buffer, n);
    }
    return true;
}

/* The stream takes no more now, or is not made yet. */
static void wait_writable(struct download *dl)
{
    uint64_t now = ps_posix_now_us();
    uint64_t deadline = dl->connected ? ps_download_deadline_us(dl->machine) : dl->connect_until_us;
    if (deadline <= now || dl->ended) {
        /* Nothing more can be said to it either. */
        bool told = dl->ended && dl->error != PS_E_NONE;
        leave(dl, told ? dl->error : PS_E_STALLED,
              dl->connected ? "" : "cannot connect: no answer in time");
        return;
    }
    conn_watch(&dl->conn, UV_WRITABLE);
    conn_alarm(&dl->conn, deadline);
}

/* Goes on as far as the stream allows. */
static void run(struct conn *c)
{
    struct download *dl = (struct download *)c;
    for (unsigned round = 0; round < DOWNLOAD_ROUNDS && dl->machine; round++) {
        bool pending = conn_pending(c);
        ps_status status = conn_flush(c);
        if (status == PS_AGAIN) {
            wait_writable(dl);
            return;
        }
        if (status != PS_OK || c->broken) {
            leave_broken(dl);
            return;
        }
        dl->connected = dl->connected || pending;
        if (dl->ended) {
            end_source(dl);
            return;
        }
        if (!feed(dl)) {
            conn_watch(c, UV_READABLE);
            conn_alarm(c, ps_download_deadline_us(dl->machine));
            return;
        }
    }
    if (dl->machine) {
        conn_watch(c, UV_READABLE | UV_WRITABLE);
    }
}

struct download *download_new(struct data *d, const struct data_get *what)
{
    struct download *dl = data_alloc(1, sizeof *dl);
    dl->data = d;
    dl->tag = what->tag;
    dl->sources = data_alloc(what->source_count, sizeof *dl->sources);
    dl->source_count = what->source_count;
    if (what->source_count > 0) {
        memcpy(dl->sources, what->sources, what->source_count * sizeof *dl->sources);
    }
    dl->landing = (struct landing){.crypto = d->cfg.crypto,
                                   .content = what->content,
                                   .folder = data_strdup(what->dir),
                                   .name = data_strdup(what->name),
                                   .mode = d->file_mode,
                                   .dir = -1,
                                   .fd = -1};
    dl->started_us = dl->progress_us = ps_posix_now_us();
    dl->transfer.shown = (struct data_transfer){.tag = dl->tag, .total = what->content.length};
    (void)snprintf(dl->transfer.shown.name, sizeof dl->transfer.shown.name, "%s", what->name);
    (void)atomic_fetch_add(&d->downloads, 1);
    transfers_add(&d->transfers, &dl->transfer);
    return dl;
}

void download_start(struct loop *loop, struct download *dl)
{
    dl->work.loop = loop;
    dl->link = &loop->downloads;
    dl->next = loop->downloads;
    if (dl->next) {
        dl->next->link = &dl->next;
    }
    loop->downloads = dl;
    dl->landing_open = true;
    work_start(dl, prepare_work, prepared);
}

/* Ends one that is not over. A worker that has it comes back by itself. */
static void cancel(struct download *dl)
{
    ps_stream_input in = {.type = PS_STREAM_CANCEL};
    size_t consumed;
    dl->cancelled = true;
    atomic_store(&dl->landing.cancelled, true);
    if (dl->working) {
        return;
    }
    tell_failed(dl, PS_E_CANCELLED, "", false);
    if (dl->machine && dl->connected) {
        (void)step(dl, &in, &consumed);
        (void)conn_flush(&dl->conn);
    }
    dl->machine = NULL;
    if (dl->conn_open) {
        conn_close(&dl->conn);
    }
    rest(dl);
}

void download_cancel(struct loop *loop, uint64_t tag)
{
    for (struct download *dl = loop->downloads; dl; dl = dl->next) {
        if (dl->tag == tag && !dl->over) {
            cancel(dl);
            return;
        }
    }
}

void downloads_end(struct loop *loop)
{
    for (struct download *dl = loop->downloads, *next; dl; dl = next) {
        next = dl->next;
        if (!dl->over) {
            cancel(dl);
        } else if (dl->conn_open) {
            conn_close(&dl->conn); /* It lingers. */
        }
    }
}
