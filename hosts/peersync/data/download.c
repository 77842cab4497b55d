/* The life of a download: what comes after what, and how it ends. */
#include "download.h"

#include "alloc.h"
#include "courier.h"
#include "couriers.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const ps_addr *download_peer(const struct download *dl)
{
    static const ps_addr nobody = {.family = PS_ADDR_NONE};
    const struct data_source *source = sources_current(&dl->sources);
    return source ? &source->addr : &nobody;
}

void download_show(struct download *dl, bool waiting)
{
    transfers_set_peer(&dl->data->transfers, &dl->transfer, download_peer(dl));
    transfers_set_waiting(&dl->data->transfers, &dl->transfer, waiting);
}

/* Settles the outcome; the first one counts. */
static void tell(struct download *dl, const struct data_event *outcome)
{
    if (!dl->outcome) {
        struct data_event event = *outcome;
        event.tag = dl->tag;
        event.name = dl->landing.name;
        event.content = dl->landing.content;
        event.elapsed_us = ps_posix_now_us() - dl->started_us;
        event.fetched = dl->fetched;
        event.total = dl->landing.content.length;
        dl->outcome = event_copy(&event);
    }
}

void download_fail(struct download *dl, ps_error error, const char *text, bool exists)
{
    tell(dl, &(struct data_event){.type = DATA_GET_FAILED,
                                  .error = error,
                                  .text = text[0] ? text : ps_error_text(error),
                                  .peer = *download_peer(dl),
                                  .exists = exists});
}

void download_tell_landing(struct download *dl)
{
    const struct landing *l = &dl->landing;
    if (l->error != PS_E_NONE) {
        download_fail(dl, l->error, l->text, l->exists);
        return;
    }
    if (l->unsure && !dl->outcome) {
        events_note(&dl->data->events, true, "%s", l->text);
    }
    size_t len = strlen(l->folder);
    const char *slash = len > 0 && l->folder[len - 1] == '/' ? "" : "/";
    char *path = dl->out >= 0 ? data_strdup("") : data_format("%s%s%s", l->folder, slash, l->name);
    tell(dl, &(struct data_event){.type = DATA_GET_DONE,
                                  .path = path,
                                  .peer = *download_peer(dl),
                                  .already = l->already});
    free(path);
}

void download_go_on(struct download *dl)
{
    if (dl->stage != DOWNLOAD_BETWEEN || dl->jobs > 0) {
        return;
    }
    if (dl->landing.error != PS_E_NONE) {
        download_tell_landing(dl);
    }
    if (dl->outcome && dl->sinking) {
        sink_stop(&dl->sink); /* Its end brings us back. */
    } else if (dl->outcome) {
        download_close(dl);
    } else if (dl->whole) {
        download_land(dl);
    } else {
        download_next_source(dl);
    }
}

struct download *download_new(struct data *d, const struct data_get *what)
{
    struct download *dl = data_alloc(1, sizeof *dl);
    dl->data = d;
    dl->tag = what->tag;
    dl->out = what->sink;
    dl->wait = what->wait;
    dl->renew = what->renew;
    dl->small = what->content.length <= PS_PIECE_BYTES && dl->out < 0;
    turns_init(&dl->turns);
    sources_init(&dl->sources, what->sources, what->source_count);
    dl->landing = (struct landing){.crypto = d->cfg.crypto,
                                   .content = what->content,
                                   .folder = data_strdup(what->dir),
                                   .name = data_strdup(what->name),
                                   .mode = d->file_mode,
                                   .dir = -1,
                                   .stored = -1};
    dl->partial.part = dl->partial.state = -1;
    dl->started_us = dl->progress_us = ps_posix_now_us();
    dl->transfer.shown =
        (struct data_transfer){.tag = dl->tag, .waiting = true, .total = what->content.length};
    (void)snprintf(dl->transfer.shown.name, sizeof dl->transfer.shown.name, "%s", what->name);
    (void)atomic_fetch_add(&d->downloads, 1);
    transfers_add(&d->transfers, &dl->transfer);
    return dl;
}

void download_start(struct loop *loop, struct download *dl)
{
    dl->loop = dl->work.loop = loop;
    dl->link = &loop->downloads;
    dl->next = loop->downloads;
    if (dl->next) {
        dl->next->link = &dl->next;
    }
    loop->downloads = dl;
    download_open(dl);
}

/* Ends one whose outcome is settled, from wherever it is. What a worker has comes back by itself.
 */
static void leave(struct download *dl)
{
    atomic_store(&dl->landing.cancelled, true);
    if (dl->stage == DOWNLOAD_QUEUED) {
        couriers_unqueue(dl->loop, dl);
    } else if (dl->stage == DOWNLOAD_FETCHING) {
        dl->stage = DOWNLOAD_BETWEEN;
        courier_drop(dl->courier, dl);
    } else if (dl->stage == DOWNLOAD_WAITING) {
        dl->stage = DOWNLOAD_BETWEEN;
    } else if (dl->sinking) {
        sink_stop(&dl->sink);
    }
    download_go_on(dl);
}

void download_abandon(struct download *dl)
{
    leave(dl);
    couriers_serve(dl->loop);
}

static struct download *find(struct loop *loop, uint64_t tag)
{
    struct download *dl = loop->downloads;
    while (dl && dl->tag != tag) {
        dl = dl->next;
    }
    return dl;
}

void download_stop(struct loop *loop, uint64_t tag, ps_error error, const char *text)
{
    struct download *dl = find(loop, tag);
    /* One that is being given its name has all but ended. */
    if (dl && !dl->outcome && (dl->stage != DOWNLOAD_LANDING || dl->out >= 0)) {
        dl->discard = error == PS_E_CHANGED; /* Nothing will go on from it. */
        download_fail(dl, error, text, false);
        download_abandon(dl);
    }
}

void download_renew(struct loop *loop, uint64_t tag, const struct data_source *who, size_t n)
{
    struct download *dl = find(loop, tag);
    if (!dl || dl->outcome) {
        return;
    }
    /* The lane that it waits in is its present source's: that one stays. */
    sources_renew(&dl->sources, who, n);
    if (dl->stage == DOWNLOAD_WAITING) {
        dl->stage = DOWNLOAD_BETWEEN;
        download_go_on(dl);
        couriers_serve(loop);
    }
}

void downloads_end(struct loop *loop)
{
    for (struct download *dl = loop->downloads; dl; dl = dl->next) {
        if (dl->stage != DOWNLOAD_LANDING || dl->out >= 0) {
            download_fail(dl, PS_E_CANCELLED, "", false);
        }
        leave(dl);
    }
    couriers_end(loop);
}
