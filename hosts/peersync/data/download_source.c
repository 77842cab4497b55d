/* What a download hears of its source, and whom it asks next. */
#include "download.h"

#include "alloc.h"
#include "couriers.h"
#include "piece.h"

void download_received(struct download *dl, size_t bytes)
{
    dl->fetched += bytes;
}

static void tell_progress(struct download *dl, uint64_t more)
{
    uint64_t now = ps_posix_now_us();
    dl->done += more;
    (void)atomic_fetch_add(&dl->data->downloaded_bytes, more);
    atomic_store(&dl->transfer.done, dl->done);
    if (now - dl->progress_us >= (uint64_t)dl->data->cfg.progress_ms * 1000) {
        dl->progress_us = now;
        events_post(&dl->data->events, &(struct data_event){.type = DATA_GET_PROGRESS,
                                                            .tag = dl->tag,
                                                            .name = dl->landing.name,
                                                            .peer = *download_peer(dl),
                                                            .done = dl->done,
                                                            .total = dl->landing.content.length});
    }
}

void download_stored(struct download *dl, const struct piece *p)
{
    struct partial *part = &dl->partial;
    if (!dl->small) {
        partial_mark(part, p->index, &p->hash);
        while (dl->in_order < part->pieces && partial_has(part, dl->in_order)) {
            dl->in_order++;
        }
        if (dl->sinking) {
            sink_advance(&dl->sink, dl->in_order);
        }
    }
    tell_progress(dl, p->len);
    dl->whole = dl->done == dl->landing.content.length;
}

void download_not_stored(struct download *dl, const ps_posix_error *error)
{
    if (dl->landing.error == PS_E_NONE) {
        landing_write_failed(&dl->landing, error, dl->landing.content.length - dl->done);
    }
    download_tell_landing(dl);
    download_abandon(dl);
}

static void source_failed(struct download *dl, ps_error error, const char *text, bool connected)
{
    if (!dl->outcome) {
        text = text[0] ? text : ps_error_text(error);
        events_post(&dl->data->events, &(struct data_event){.type = DATA_GET_SOURCE_FAILED,
                                                            .tag = dl->tag,
                                                            .name = dl->landing.name,
                                                            .peer = *download_peer(dl),
                                                            .error = error,
                                                            .text = text});
    }
    sources_fail(&dl->sources, error, text, connected);
}

void download_carried(struct download *dl, ps_error error)
{
    dl->courier = NULL;
    dl->stage = DOWNLOAD_BETWEEN;
    if (error != PS_E_NONE) {
        source_failed(dl, error, "", true);
    }
    download_go_on(dl);
}

void download_lost(struct download *dl, ps_error error, const char *text, bool connected)
{
    dl->courier = NULL;
    dl->stage = DOWNLOAD_BETWEEN;
    if (error != PS_E_NONE) {
        source_failed(dl, error, text, connected);
    }
}

static void wait_for_sources(struct download *dl)
{
    const struct source_failure *failed = &dl->sources.passing;
    dl->stage = DOWNLOAD_WAITING;
    download_show(dl, true);
    events_post(&dl->data->events, &(struct data_event){.type = DATA_GET_WAITING,
                                                        .tag = dl->tag,
                                                        .name = dl->landing.name,
                                                        .peer = failed->from,
                                                        .error = failed->error,
                                                        .text = failed->text,
                                                        .done = dl->done,
                                                        .total = dl->landing.content.length});
}

static bool may_wait(struct download *dl)
{
    if (dl->wait) {
        return sources_may_return(&dl->sources);
    }
    if (!dl->renew || !sources_want_tickets(&dl->sources)) {
        return false;
    }
    dl->renew = false; /* If fresh tickets are refused as well, others will be. */
    return true;
}

void download_next_source(struct download *dl)
{
    struct sources *s = &dl->sources;
    if (sources_current(s) || sources_next(s)) {
        couriers_queue(dl->loop, dl);
    } else if (s->worst.error == PS_E_NONE) {
        download_fail(dl, PS_E_NO_ACTIVE_PEER, "", false);
        download_go_on(dl);
    } else if (may_wait(dl)) {
        wait_for_sources(dl);
    } else {
        /* A disk that fails is another's here. */
        const bool theirs = s->worst.error == PS_E_IO;
        download_fail(dl, theirs ? PS_E_CLOSED : s->worst.error,
                      theirs ? "its source cannot read it" : s->worst.text, false);
        dl->outcome->peer = s->worst.from;
        download_go_on(dl);
    }
}
