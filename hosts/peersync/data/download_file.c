/* What workers do for a download's file: opening, looking at what is there, landing, closing. */
#include "download.h"

#include "alloc.h"
#include "couriers.h"

#include <stdlib.h>
#include <string.h>

/* A part of the pieces to look at. */
struct recheck {
    struct work work;
    struct download *download;
    uint32_t first;
    uint64_t told_us;
};

static struct download *download_of(struct work *work)
{
    return (struct download *)(void *)((char *)work - offsetof(struct download, work));
}

static void start(struct download *dl, enum download_stage stage, void (*run)(struct work *),
                  void (*done)(struct loop *, struct work *))
{
    dl->stage = stage;
    dl->work.run = run;
    dl->work.done = done;
    workers_add(&dl->data->disk, &dl->work);
}

/* ---- opening ---- */

static void open_partial(struct download *dl)
{
    struct landing *l = &dl->landing;
    ps_posix_error error = {0};
    enum partial_result result =
        dl->out >= 0 ? partial_open_loose(&dl->partial, l->crypto, l->dir, &l->content, &error)
                     : partial_open(&dl->partial, l->crypto, l->dir, l->name, &l->content, &error);
    switch (result) {
    case PARTIAL_OK:
        break;
    case PARTIAL_BUSY:
        landing_fail(l, PS_E_BUSY, "%s is being fetched to %s already", l->name, l->folder);
        break;
    case PARTIAL_FOREIGN:
        landing_fail(l, PS_E_IO, "%s/%s or its .state is not a file that a download has left",
                     l->folder, dl->partial.part_name);
        break;
    case PARTIAL_MEMORY:
        landing_fail(l, PS_E_IO, "not enough memory for a file of this length");
        break;
    case PARTIAL_FAILED:
    default:
        landing_write_failed(l, &error, l->content.length);
        break;
    }
}

static void open_work(struct work *work)
{
    struct download *dl = download_of(work);
    struct landing *l = &dl->landing;
    if (dl->out < 0 && !landing_named(l)) {
        return;
    }
    if (!ps_content_possible(&l->content)) {
        landing_fail(l, PS_E_MISMATCH, "there can be no file of this length and root");
    } else if (landing_open(l)) {
        if (dl->out < 0) {
            landing_look(l);
        }
        if (l->error == PS_E_NONE && !l->already && !l->comparing && !dl->small) {
            open_partial(dl);
        }
    }
    if (dl->small) {
        landing_close(l); /* There may be thousands of these. */
        if (l->error == PS_E_NONE && !l->already && l->content.length == 0) {
            landing_store(l, NULL, 0);
        }
    }
}

/* All that was here is known. */
static void begin(struct download *dl)
{
    struct partial *p = &dl->partial;
    dl->stage = DOWNLOAD_BETWEEN;
    if (!dl->small) {
        /* Of one that was stopped, all that is recorded is kept: the next one looks again. */
        dl->done = p->trusted ? partial_bytes(p) : dl->recorded;
        while (dl->in_order < p->pieces && partial_has(p, dl->in_order)) {
            dl->in_order++;
        }
    }
    dl->whole = dl->done == dl->landing.content.length;
    atomic_store(&dl->transfer.done, dl->done);
    if (dl->done > 0 && !dl->outcome) {
        events_post(&dl->data->events, &(struct data_event){.type = DATA_GET_RESUMED,
                                                            .tag = dl->tag,
                                                            .name = dl->landing.name,
                                                            .done = dl->done,
                                                            .total = dl->landing.content.length});
    }
    download_go_on(dl);
    couriers_serve(dl->loop);
}

static void settle_work(struct work *work)
{
    struct download *dl = download_of(work);
    /* One that was stopped has not looked at all of it: then nothing is said about any. */
    if (!atomic_load(&dl->landing.cancelled)) {
        partial_rechecked(&dl->partial);
    }
}

static void settled(struct loop *loop, struct work *work)
{
    (void)loop;
    begin(download_of(work));
}

/* Shows that something happens. */
static void tell_rechecked(void *ctx, uint32_t len)
{
    struct recheck *r = ctx;
    struct download *dl = r->download;
    const uint64_t done = atomic_fetch_add(&dl->rechecked, len) + len;
    const uint64_t now_us = ps_posix_now_us();
    atomic_store(&dl->transfer.done, done);
    /* One of them speaks for all. */
    if (r->first == 0 && now_us - r->told_us >= (uint64_t)dl->data->cfg.progress_ms * 1000) {
        r->told_us = now_us;
        events_post(&dl->data->events, &(struct data_event){.type = DATA_GET_PROGRESS,
                                                            .tag = dl->tag,
                                                            .name = dl->landing.name,
                                                            .done = done,
                                                            .total = dl->landing.content.length,
                                                            .already = true});
    }
}

static void recheck_work(struct work *work)
{
    struct recheck *r = (struct recheck *)(void *)work;
    struct download *dl = r->download;
    partial_recheck(&dl->partial, r->first, dl->data->workers.started, &dl->landing.cancelled,
                    tell_rechecked, r);
}

static void rechecked(struct loop *loop, struct work *work)
{
    struct download *dl = ((struct recheck *)(void *)work)->download;
    (void)loop;
    if (--dl->recheck_count == 0) {
        free(dl->rechecks);
        dl->rechecks = NULL;
        start(dl, DOWNLOAD_CHECKING, settle_work, settled);
    }
}

/* Nobody vouches for what is here: all workers look. */
static void recheck(struct download *dl)
{
    dl->stage = DOWNLOAD_CHECKING;
    dl->recorded = partial_bytes(&dl->partial);
    dl->recheck_count = dl->data->workers.started;
    dl->rechecks = data_alloc(dl->recheck_count, sizeof *dl->rechecks);
    for (unsigned i = 0; i < dl->recheck_count; i++) {
        struct recheck *r = &dl->rechecks[i];
        *r = (struct recheck){.download = dl, .first = i};
        r->work.run = recheck_work;
        r->work.done = rechecked;
        r->work.loop = dl->loop;
        workers_add(&dl->data->workers, &r->work);
    }
}

static void sink_ended(struct loop *loop, void *arg)
{
    struct download *dl = arg;
    sink_join(&dl->sink);
    dl->sinking = false;
    dl->sunk = dl->sink.whole;
    if (!dl->sunk && dl->sink.gone) {
        download_fail(dl, PS_E_IO, "nobody reads the output any more", false);
    } else if (!dl->sunk && !dl->outcome) {
        char *text = data_format("cannot write the output: %s", strerror(dl->sink.number));
        download_fail(dl, PS_E_IO, text, false);
        free(text);
    }
    if (dl->stage == DOWNLOAD_LANDING) {
        dl->stage = DOWNLOAD_BETWEEN;
    }
    if (dl->sunk) {
        download_go_on(dl);
    } else {
        download_abandon(dl);
    }
    couriers_serve(loop);
}

static void start_sink(struct download *dl)
{
    char why[160];
    dl->sink = (struct sink){.out = dl->out,
                             .from = dl->partial.part,
                             .length = dl->landing.content.length,
                             .loop = dl->loop,
                             .ended = sink_ended,
                             .arg = dl};
    dl->sinking = sink_start(&dl->sink, why, sizeof why);
    if (!dl->sinking) {
        landing_fail(&dl->landing, PS_E_IO, "%s", why);
    }
}

static void compare_work(struct work *work)
{
    landing_compare(&download_of(work)->landing);
}

static void opened(struct loop *loop, struct work *work)
{
    struct download *dl = download_of(work);
    (void)loop;
    if (dl->landing.comparing) {
        work->run = compare_work; /* And then back here. */
        workers_add(&dl->data->workers, work);
        return;
    }
    bool good = dl->landing.error == PS_E_NONE && !dl->landing.already && !dl->outcome;
    if (!good) {
        dl->stage = DOWNLOAD_BETWEEN;
        dl->done = dl->partial.have ? partial_bytes(&dl->partial) : 0; /* Kept. */
        download_tell_landing(dl);
        download_go_on(dl);
    } else if (!dl->small && !dl->partial.trusted) {
        recheck(dl);
    } else {
        if (dl->out >= 0) {
            start_sink(dl);
        }
        begin(dl);
    }
}

void download_open(struct download *dl)
{
    start(dl, DOWNLOAD_OPENING, open_work, opened);
}

/* ---- landing ---- */

static void land_work(struct work *work)
{
    struct download *dl = download_of(work);
    struct landing *l = &dl->landing;
    struct partial *p = &dl->partial;
    ps_posix_error error = {0};
    if (!partial_whole(p)) {
        /* Only what the state said can be wrong: what came in this job was verified. */
        dl->whole = false;
        if (dl->restarted) {
            landing_fail(l, PS_E_MISMATCH, "%s", ps_error_text(PS_E_MISMATCH));
        } else if (partial_restart(p, &error) != PS_OK) {
            landing_write_failed(l, &error, l->content.length);
        }
        dl->restarted = true;
    } else if (partial_sync(p, l->mode, &error) != PS_OK) {
        landing_write_failed(l, &error, 0);
    } else if (partial_name(p, &error) != PS_OK) {
        landing_name_failed(l, &error);
    } else {
        landing_sync_names(l);
    }
}

static void landed(struct loop *loop, struct work *work)
{
    struct download *dl = download_of(work);
    dl->stage = DOWNLOAD_BETWEEN;
    if (dl->whole || dl->landing.error != PS_E_NONE) {
        download_tell_landing(dl);
    } else {
        if (atomic_load(&dl->landing.cancelled)) {
            /* Asked to end while it looked whole. */
            download_fail(dl, PS_E_CANCELLED, "", false);
        }
        dl->done = dl->in_order = 0;
        atomic_store(&dl->transfer.done, 0);
    }
    download_go_on(dl);
    couriers_serve(loop);
}

static void small_landed(struct loop *loop, void *item)
{
    struct download *dl =
        (struct download *)(void *)((char *)item - offsetof(struct download, item));
    (void)loop;
    dl->stage = DOWNLOAD_BETWEEN;
    download_tell_landing(dl);
    download_go_on(dl);
}

void download_land(struct download *dl)
{
    if (dl->out >= 0) {
        dl->stage = DOWNLOAD_LANDING;
        if (dl->sunk) {
            dl->stage = DOWNLOAD_BETWEEN;
            download_tell_landing(dl);
            download_go_on(dl);
        }
    } else if (dl->small) {
        dl->stage = DOWNLOAD_LANDING;
        dl->item =
            (struct batch_item){.landing = &dl->landing, .loop = dl->loop, .landed = small_landed};
        batch_add(&dl->data->batch, &dl->item);
    } else {
        start(dl, DOWNLOAD_LANDING, land_work, landed);
    }
}

/* ---- closing ---- */

static void close_work(struct work *work)
{
    struct download *dl = download_of(work);
    if (dl->partial.state >= 0 || dl->partial.part >= 0) {
        partial_close(&dl->partial, dl->discard);
    }
    landing_abandon(&dl->landing);
}

/* Nothing is left behind but what is meant to be: people may know. */
static void closed(struct loop *loop, struct work *work)
{
    struct download *dl = download_of(work);
    transfers_remove(&dl->data->transfers, &dl->transfer);
    (void)atomic_fetch_sub(&dl->data->downloads, 1);
    dl->outcome->fetched = dl->fetched;
    dl->outcome->done = dl->small || dl->out >= 0 || dl->discard ? 0 : dl->done;
    events_put(&dl->data->events, dl->outcome);
    *dl->link = dl->next;
    if (dl->next) {
        dl->next->link = dl->link;
    }
    sources_free(&dl->sources);
    free(dl->landing.folder);
    free(dl->landing.name);
    free(dl->asked);
    turns_free(&dl->turns);
    free(dl);
    (void)atomic_fetch_sub(&loop->load, 1);
    data_loop_rest(loop);
}

void download_close(struct download *dl)
{
    start(dl, DOWNLOAD_CLOSING, close_work, closed);
}
