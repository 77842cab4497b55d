/* The life of a download: its file, its sources, its outcome. */
#include "download_internal.h"

#include "alloc.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct download *download_of(struct work *work)
{
    return (struct download *)(void *)((char *)work - offsetof(struct download, work));
}

/* Hands the landing to a worker. */
static void work_start(struct download *dl, void (*fn)(struct work *),
                       void (*done)(struct loop *, struct work *))
{
    dl->working = true;
    dl->work.run = fn;
    dl->work.done = done;
    workers_add(&dl->data->workers, &dl->work);
}

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
    landing_abandon(&download_of(work)->landing);
}

/* Nothing is left behind: people may know. */
static void abandoned(struct loop *loop, struct work *work)
{
    struct download *dl = download_of(work);
    (void)loop;
    dl->working = false;
    dl->landing_open = false;
    transfers_remove(&dl->data->transfers, &dl->transfer);
    (void)atomic_fetch_sub(&dl->data->downloads, 1);
    events_put(&dl->data->events, dl->outcome);
    download_rest(dl);
}

void download_rest(struct download *dl)
{
    if (!dl->outcome || dl->working) {
        return;
    }
    if (dl->landing_open) {
        work_start(dl, abandon_work, abandoned);
    } else if (!dl->conn_open) {
        unlink_and_free(dl);
    }
}

const ps_addr *download_peer(const struct download *dl)
{
    static const ps_addr nobody = {.family = PS_ADDR_NONE};
    return dl->source < dl->source_count ? &dl->sources[dl->source] : &nobody;
}

/* Settles the outcome; the first one counts. */
static void tell(struct download *dl, const struct data_event *outcome)
{
    if (!dl->outcome) {
        struct data_event event = *outcome;
        event.tag = dl->tag;
        event.name = dl->landing.name;
        event.content = dl->landing.content;
        event.peer = *download_peer(dl);
        event.elapsed_us = ps_posix_now_us() - dl->started_us;
        dl->outcome = event_copy(&event);
    }
}

static void tell_failed(struct download *dl, ps_error error, const char *text, bool exists)
{
    tell(dl, &(struct data_event){.type = DATA_GET_FAILED,
                                  .error = error,
                                  .text = text[0] ? text : ps_error_text(error),
                                  .exists = exists});
}

void download_tell_landed(struct download *dl)
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

static void finish_work(struct work *work)
{
    landing_finish(&download_of(work)->landing);
}

static void finished(struct loop *loop, struct work *work)
{
    struct download *dl = download_of(work);
    (void)loop;
    dl->working = false;
    download_tell_landed(dl);
    download_rest(dl);
}

void download_land(struct download *dl)
{
    work_start(dl, finish_work, finished);
}

/* This source has failed. Chooses the next, or ends the download. */
static void source_failed(struct download *dl, ps_error error, const char *text)
{
    /* A file that changes while it is sent shows as wrong bytes or a cut connection. Who asks again
     * is told that it changed; or it was an accident, and the second time goes well. */
    bool again =
        dl->connected && !dl->second_try && (error == PS_E_CLOSED || error == PS_E_MISMATCH);
    events_post(&dl->data->events,
                &(struct data_event){.type = DATA_GET_SOURCE_FAILED,
                                     .tag = dl->tag,
                                     .name = dl->landing.name,
                                     .peer = *download_peer(dl),
                                     .error = error,
                                     .text = text[0] ? text : ps_error_text(error)});
    if (again) {
        dl->second_try = true;
    } else if (dl->source + 1 < dl->source_count) {
        dl->second_try = false;
        dl->source++;
    } else {
        tell_failed(dl, error, text, false);
    }
}

void download_leave(struct download *dl, ps_error error, const char *text)
{
    dl->machine = NULL;
    if (!dl->outcome) {
        source_failed(dl, error, text);
    }
    if (dl->conn_open) {
        conn_close(&dl->conn);
    }
    download_rest(dl);
}

/* Dials the source that is next. What fails at once leads to the one after it. */
static void next_source(struct download *dl)
{
    while (!dl->outcome && !dl->conn_open) {
        ps_error error = PS_E_NONE;
        const char *why = "";
        transfers_set_peer(&dl->data->transfers, &dl->transfer, download_peer(dl));
        if (!fetch_start(dl, &error, &why)) {
            download_leave(dl, error, why);
        }
    }
}

static void conn_closed(struct conn *c)
{
    struct download *dl = (struct download *)c;
    dl->conn_open = false;
    free(dl->stash);
    dl->stash = NULL;
    dl->stash_at = dl->stash_len = 0;
    if (!dl->outcome && !dl->working) {
        next_source(dl);
    } else {
        download_rest(dl);
    }
}

static void prepare_work(struct work *work)
{
    landing_prepare(&download_of(work)->landing);
}

static void prepared(struct loop *loop, struct work *work)
{
    struct download *dl = download_of(work);
    (void)loop;
    dl->working = false;
    if (dl->cancelled) {
        tell_failed(dl, PS_E_CANCELLED, "", false);
    } else if (dl->landing.error != PS_E_NONE || dl->landing.already) {
        download_tell_landed(dl);
    } else if (!ps_content_possible(&dl->landing.content)) {
        tell_failed(dl, PS_E_MISMATCH, "there can be no file of this length and root", false);
    } else if (dl->landing.content.length == 0) {
        download_land(dl); /* There is nothing to fetch. */
    } else if (dl->source_count == 0) {
        tell_failed(dl, PS_E_NO_ACTIVE_PEER, "", false);
    } else {
        next_source(dl);
        return;
    }
    download_rest(dl);
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
    dl->closed = conn_closed;
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

/* Ends one whose outcome is open. A worker that has it comes back by itself. */
static void cancel(struct download *dl)
{
    dl->cancelled = true;
    atomic_store(&dl->landing.cancelled, true);
    if (dl->working) {
        return;
    }
    tell_failed(dl, PS_E_CANCELLED, "", false);
    fetch_cancel(dl);
    download_leave(dl, PS_E_CANCELLED, "");
}

void download_cancel(struct loop *loop, uint64_t tag)
{
    for (struct download *dl = loop->downloads; dl; dl = dl->next) {
        if (dl->tag == tag && !dl->outcome) {
            cancel(dl);
            return;
        }
    }
}

void downloads_end(struct loop *loop)
{
    for (struct download *dl = loop->downloads, *next; dl; dl = next) {
        next = dl->next;
        if (!dl->outcome) {
            cancel(dl);
        }
        if (dl->conn_open) {
            conn_close(&dl->conn); /* It may linger. */
        }
    }
}
