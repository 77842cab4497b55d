/* Serves one connection of a downloader. */
#include "internal.h"

#include "alloc.h"
#include "conn.h"
#include "files.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* Steps a connection takes before the loop's other streams have their turn. */
#define UPLOAD_ROUNDS 8u
/* Requests are small: what is read at a time. */
#define UPLOAD_INPUT_BYTES 4096u
/* What the other side is told at the end has this long to leave. */
#define UPLOAD_LAST_WORDS_US 5000000u

struct upload {
    struct conn conn; /* First: callbacks get a struct conn. */
    struct upload *next, **link;
    struct data *data;
    struct transfer transfer;
    ps_addr from;
    void *memory;
    ps_upload *machine;
    struct entry *entry; /* What is served; NULL before. */
    int file;
    bool has_slot;
    bool more;  /* The machine has more due. */
    bool ended; /* The machine is done; what waits is sent, then it ends. */
    ps_error error;
    uint64_t last_words_us; /* When what still waits at the end is given up; 0: not waiting. */
    uint64_t started_us;
    uint64_t counted; /* Of conn.file_sent, added to the totals. */
    uint8_t input[UPLOAD_INPUT_BYTES];
    size_t input_at, input_len;
};

static void free_upload(struct conn *c)
{
    struct upload *u = (struct upload *)c;
    struct loop *loop = c->loop;
    *u->link = u->next;
    if (u->next) {
        u->next->link = u->link;
    }
    free(u->memory);
    free(u);
    (void)atomic_fetch_sub(&loop->load, 1);
    (void)atomic_fetch_sub(&loop->data->connections, 1);
    data_loop_rest(loop);
}

static void count(struct upload *u)
{
    atomic_fetch_add(&u->data->uploaded_bytes, u->conn.file_sent - u->counted);
    u->counted = u->conn.file_sent;
    atomic_store(&u->transfer.done, u->counted);
}

/* Gives back what a served file takes and tells its end. */
static void release(struct upload *u)
{
    count(u);
    if (u->has_slot) {
        u->has_slot = false;
        (void)atomic_fetch_sub(&u->data->uploads, 1);
    }
    if (u->file >= 0) {
        (void)close(u->file);
        u->file = u->conn.file = -1;
    }
    if (u->entry) {
        transfers_remove(&u->data->transfers, &u->transfer);
        events_post(&u->data->events,
                    &(struct data_event){.type = DATA_UPLOAD_ENDED,
                                         .tag = u->transfer.shown.tag,
                                         .name = u->entry->name,
                                         .peer = u->from,
                                         .error = u->error,
                                         .text = u->error ? ps_error_text(u->error) : "",
                                         .done = u->conn.file_sent,
                                         .total = u->entry->content.length,
                                         .elapsed_us = ps_posix_now_us() - u->started_us});
        entry_drop(u->entry);
        u->entry = NULL;
    }
}

/* Cuts the connection now. */
static void cut(struct upload *u, ps_error error)
{
    u->error = u->error != PS_E_NONE || u->ended ? u->error : error;
    u->ended = true;
    release(u);
    conn_close(&u->conn);
}

static void begin_serving(struct upload *u, struct entry *entry, int fd)
{
    struct data *d = u->data;
    u->entry = entry;
    u->file = u->conn.file = fd;
    u->has_slot = true;
    u->started_us = ps_posix_now_us();
    u->transfer.shown = (struct data_transfer){.upload = true,
                                               .tag = atomic_fetch_add(&d->upload_serial, 1) + 1,
                                               .peer = u->from,
                                               .total = entry->content.length};
    (void)snprintf(u->transfer.shown.name, sizeof u->transfer.shown.name, "%s", entry->name);
    transfers_add(&d->transfers, &u->transfer);
    events_post(&d->events, &(struct data_event){.type = DATA_UPLOAD_STARTED,
                                                 .tag = u->transfer.shown.tag,
                                                 .name = entry->name,
                                                 .peer = u->from,
                                                 .total = entry->content.length});
}

/* Opens the file of an entry if it is what was hashed; else has it looked at again. */
static ps_error open_entry(struct data *d, struct entry *entry, int *fd)
{
    ps_posix_file now;
    ps_posix_error error;
    if (ps_posix_open_file(entry->path, fd, &now, &error) == PS_OK) {
        if (file_same(&now, &entry->file)) {
            return PS_E_NONE;
        }
        (void)close(*fd);
    }
    *fd = -1;
    library_recheck(&d->library, entry);
    return PS_E_CHANGED;
}

/* The other side asks for a content: only what is published has a path at all. */
static ps_error answer_open(struct upload *u, const ps_content *content)
{
    struct data *d = u->data;
    if (u->entry) {
        return PS_E_PROTOCOL;
    }
    if (atomic_fetch_add(&d->uploads, 1) >= d->cfg.max_uploads) {
        (void)atomic_fetch_sub(&d->uploads, 1);
        (void)atomic_fetch_add(&d->slots_refused, 1);
        return PS_E_SLOTS;
    }
    struct entry *entry = NULL;
    int fd = -1;
    ps_error error = library_find(&d->library, content, &entry);
    if (error == PS_E_NONE) {
        error = open_entry(d, entry, &fd);
    }
    if (error == PS_E_NONE) {
        begin_serving(u, entry, fd);
    } else {
        (void)atomic_fetch_sub(&d->uploads, 1);
        entry_drop(entry);
    }
    return error;
}

static bool step(struct upload *u, ps_stream_input *in, size_t *consumed);

/* Ends it between two bursts; the other side is told why. */
static void end_with(struct upload *u, ps_error error)
{
    ps_stream_input in = {.type = PS_STREAM_CANCEL, .u.cancel_error = error};
    size_t consumed;
    u->error = error;
    (void)step(u, &in, &consumed);
    u->ended = true;
}

static void answer(struct upload *u, ps_error error)
{
    ps_stream_input in = {.type = PS_STREAM_OPENED};
    size_t consumed = 0;
    in.u.opened.error = error;
    in.u.opened.tree = u->entry ? u->entry->tree : NULL;
    if (error != PS_E_NONE) {
        u->error = error;
    }
    (void)step(u, &in, &consumed);
    u->ended = u->ended || error != PS_E_NONE;
}

static void take_event(struct upload *u, const ps_stream_event *event)
{
    switch (event->type) {
    case PS_STREAM_EVENT_OPEN:
        answer(u, answer_open(u, &event->content));
        break;
    case PS_STREAM_EVENT_DONE:
        u->ended = true;
        break;
    case PS_STREAM_EVENT_FAILED:
        u->error = u->error != PS_E_NONE ? u->error : (ps_error)event->error;
        u->ended = true;
        break;
    case PS_STREAM_EVENT_WRITE:
    case PS_STREAM_EVENT_PIECE:
    default:
        break;
    }
}

/* One step and its events. @return false when the machine did not take the input. */
static bool step(struct upload *u, ps_stream_input *in, size_t *consumed)
{
    in->now_us = ps_posix_now_us();
    *consumed = 0;
    ps_status status = ps_upload_step(u->machine, in, consumed, &u->conn.out);
    u->more = status == PS_MORE;
    ps_stream_event events[CONN_EVENTS];
    size_t n = u->conn.out.events_len;
    for (size_t i = 0; i < n; i++) {
        events[i] = u->conn.out.events[i];
    }
    u->conn.out.events_len = 0;
    for (size_t i = 0; i < n; i++) {
        take_event(u, &events[i]);
    }
    return status == PS_OK || status == PS_MORE;
}

/* Around a burst: is the file still what was published, and published? Another name that kept a
 * withdrawn one alive may have gone since. */
static ps_error burst_fault(const struct upload *u)
{
    ps_posix_file now;
    ps_posix_error error;
    if (!u->entry) {
        return PS_E_NONE;
    }
    if (atomic_load(&u->entry->withdrawn) || !library_lists(&u->data->library, u->entry)) {
        return PS_E_NOT_PUBLISHED;
    }
    if (ps_posix_stat_file(u->file, &now, &error) != PS_OK ||
        !file_unwritten(&now, &u->entry->file)) {
        library_recheck(&u->data->library, u->entry);
        return PS_E_CHANGED;
    }
    return PS_E_NONE;
}

/* All that was handed out has left: asks for more, or ends it. */
static void after_burst(struct upload *u)
{
    ps_stream_input in = {.type = PS_STREAM_SENT};
    size_t consumed;
    u->conn.taken = 0;
    count(u);
    ps_error fault = u->ended ? PS_E_NONE : burst_fault(u);
    if (fault != PS_E_NONE) {
        end_with(u, fault);
    } else if (!u->ended && !step(u, &in, &consumed)) {
        cut(u, PS_E_PROTOCOL);
    }
}

/* Feeds what was read, or a tick, or reads. @return false when there is nothing to do now. */
static bool feed(struct upload *u)
{
    struct conn *c = &u->conn;
    ps_stream_input in = {.type = PS_STREAM_TICK};
    size_t consumed;
    if (u->input_at < u->input_len) {
        /* What is wanted now may be handed out at once, long after the last burst was looked at. */
        ps_error fault = burst_fault(u);
        if (fault != PS_E_NONE) {
            end_with(u, fault);
            return true;
        }
        in.type = PS_STREAM_BYTES;
        in.u.bytes = (ps_span){u->input + u->input_at, u->input_len - u->input_at};
        bool taken = step(u, &in, &consumed);
        u->input_at += consumed;
        if (!taken && consumed == 0 && !conn_pending(c)) {
            cut(u, PS_E_PROTOCOL);
        }
        return true;
    }
    if (u->more || ps_upload_deadline_us(u->machine) <= ps_posix_now_us()) {
        if (!step(u, &in, &consumed)) {
            cut(u, PS_E_PROTOCOL); /* It had room. */
        }
        return true;
    }
    ps_status status =
        c->loop->io.read(c->loop->io.ctx, c->stream, u->input, sizeof u->input, &u->input_len);
    u->input_at = 0;
    if (status == PS_AGAIN) {
        u->input_len = 0;
        return false;
    }
    if (status != PS_OK || u->input_len == 0) {
        u->input_len = 0;
        in.type = PS_STREAM_CLOSED;
        (void)step(u, &in, &consumed);
        cut(u, PS_E_CLOSED);
    }
    return true;
}

/* The stream takes no more now. */
static void wait_writable(struct upload *u)
{
    ps_stream_input in = {.type = PS_STREAM_TICK};
    size_t consumed;
    if (!u->ended && u->conn.taken > 0) {
        ps_stream_input taken = {.type = PS_STREAM_TAKEN, .u.taken_bytes = u->conn.taken};
        u->conn.taken = 0;
        (void)step(u, &taken, &consumed);
        count(u);
    }
    if (!u->ended && ps_upload_deadline_us(u->machine) <= ps_posix_now_us() &&
        (!step(u, &in, &consumed) || u->ended)) {
        cut(u, PS_E_STALLED);
        return;
    }
    conn_watch(&u->conn, UV_WRITABLE);
    if (!u->ended) {
        conn_alarm(&u->conn, ps_upload_deadline_us(u->machine));
        return;
    }
    if (u->last_words_us == 0) {
        u->last_words_us = ps_posix_now_us() + UPLOAD_LAST_WORDS_US;
    } else if (u->last_words_us <= ps_posix_now_us()) {
        cut(u, u->error);
        return;
    }
    conn_alarm(&u->conn, u->last_words_us);
}

/* What was handed out cannot be sent any more. */
static void flush_failed(struct upload *u)
{
    if (u->conn.file_short && u->entry) {
        library_recheck(&u->data->library, u->entry);
        cut(u, PS_E_CHANGED);
    } else {
        cut(u, PS_E_CLOSED);
    }
}

/* Goes on as far as the stream allows. */
static void run(struct conn *c)
{
    struct upload *u = (struct upload *)c;
    if (u->entry && !u->ended && atomic_load(&u->entry->withdrawn)) {
        if (conn_pending(c)) {
            cut(u, PS_E_NOT_PUBLISHED);
            return;
        }
        end_with(u, PS_E_NOT_PUBLISHED);
    }
    for (unsigned round = 0; round < UPLOAD_ROUNDS && c->stream != 0; round++) {
        bool pending = conn_pending(c);
        ps_status status = conn_flush(c);
        if (status == PS_AGAIN) {
            wait_writable(u);
            return;
        }
        if (status != PS_OK || c->broken) {
            flush_failed(u);
            return;
        }
        if (pending) {
            after_burst(u);
        } else if (u->ended) {
            release(u);
            conn_linger(c);
            return;
        } else if (!feed(u)) {
            conn_watch(c, UV_READABLE);
            conn_alarm(c, ps_upload_deadline_us(u->machine));
            return;
        }
    }
    if (c->stream != 0) {
        conn_watch(c, UV_READABLE | UV_WRITABLE);
    }
}

static bool make_machine(struct upload *u)
{
    ps_upload_config cfg;
    ps_upload_config_default(&cfg);
    cfg.crypto = u->data->cfg.crypto;
    cfg.idle_ms = u->data->cfg.upload_idle_ms;
    size_t size = ps_upload_size(&cfg);
    u->memory = data_alloc(1, size);
    return ps_upload_init(u->memory, size, &cfg, ps_posix_now_us(), &u->machine) == PS_OK;
}

void upload_start(struct loop *loop, int socket, const ps_addr *from)
{
    struct upload *u = data_alloc(1, sizeof *u);
    ps_stream stream = 0;
    u->data = loop->data;
    u->from = *from;
    u->file = -1;
    u->conn.ready = run;
    u->conn.closed = free_upload;
    u->conn.loop = loop;
    u->link = &loop->uploads;
    u->next = loop->uploads;
    if (u->next) {
        u->next->link = &u->next;
    }
    loop->uploads = u;
    if (ps_posix_streams_adopt(loop->streams, socket, &stream) != PS_OK) {
        (void)close(socket);
        free_upload(&u->conn);
    } else if (!conn_open(&u->conn, loop, stream)) {
        free_upload(&u->conn);
    } else if (!make_machine(u)) {
        cut(u, PS_E_PROTOCOL);
    } else {
        run(&u->conn);
    }
}

void uploads_end(struct loop *loop)
{
    for (struct upload *u = loop->uploads; u; u = u->next) {
        if (u->conn.stream != 0) {
            cut(u, PS_E_CANCELLED);
        }
    }
}
