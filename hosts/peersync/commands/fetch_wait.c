/* A download whose sources have gone: looks for others, now and then, until one has the same
 * content. */
#include "commands/fetch.h"
#include "data/alloc.h"
#include "safe.h"

#include <stdlib.h>

/* Between two looks: 1 s, 2 s, 4 s ... */
#define LOOK_FIRST_US 1000000u
#define LOOK_MOST_US  15000000u
/* Looks in a row that have to miss the content before it is given up: a server that has restarted
 * is told again by its peers within some seconds. */
#define MISSING_MAX 3u
/* Once is enough where a source has said the same. */
#define DENIED_MISSING_MAX 1u
/* Looks before people are told, where a source has the file but not as it was: often it was only
 * touched, and is served again within a second. */
#define DENIED_LOOKS 2u
/* Files of a command that look at a time; see LOOKING_MAX. */
#define LOOKS_MAX 24u
/* An expired ticket is nothing to bother people with, unless new ones expire as well. */
#define TICKETS_MAX 2u

static bool is_stale_ticket(const struct fetch *f, const struct data_event *e)
{
    return e->error == PS_E_FILE_TICKET && f->looks < TICKETS_MAX;
}

static void say_waiting(struct fetch *f, const struct data_event *e)
{
    struct get *g = f->all;
    struct out *out = g->run->app->out;
    const char *who = fetch_who(f, &e->peer);
    static const char rest[] = "(Ctrl-C stops; what was fetched is kept)";
    f->told = true;
    /* Of many files that one source takes with it, one is enough. */
    if (g->waiting_told++ > 0 && !many_are_few(&g->many)) {
        return;
    }
    switch (e->error) {
    case PS_E_SLOTS:
        out_note(out, "%s serves as many as it can; waiting for a source of %s %s", who,
                 SAFE(f->name), rest);
        return;
    case PS_E_NOT_PUBLISHED:
    case PS_E_CHANGED:
    case PS_E_MISMATCH:
    case PS_E_PROTOCOL:
    case PS_E_PLAIN:
    case PS_E_FILE_TICKET:
        out_note(out, "%s cannot deliver: %s; waiting for another source of %s %s", who,
                 SAFE(fetch_why(e)), SAFE(f->name), rest);
        return;
    default:
        out_note(out, "%s is gone; waiting for a source of %s %s", who, SAFE(f->name), rest);
        return;
    }
}

static uint64_t pause_of(const struct fetch *f)
{
    const uint64_t us = (uint64_t)LOOK_FIRST_US << (f->looks < 8 ? f->looks : 8);
    return us < LOOK_MOST_US ? us : LOOK_MOST_US;
}

void fetch_wait(struct fetch *f, const struct data_event *e)
{
    f->waiting = true;
    f->trying = false;
    f->denied = e->error == PS_E_CHANGED || e->error == PS_E_NOT_PUBLISHED ? e->error : PS_E_NONE;
    f->done = e->done;
    speed_reset(&f->speed);
    if (is_stale_ticket(f, e)) {
        f->look_at_us = 0;
        fetch_wait_look(f, UINT64_MAX);
        return;
    }
    if (!f->told && (f->denied == PS_E_NONE || f->looks >= DENIED_LOOKS)) {
        say_waiting(f, e);
    }
    f->look_at_us = get_now_us() + pause_of(f);
}

void fetch_wait_over(struct fetch *f, const ps_addr *peer)
{
    struct get *g = f->all;
    if (f->told) {
        g->waiting_told--;
        if (many_are_few(&g->many)) {
            out_note(g->run->app->out, "going on from %s with %s", fetch_who(f, peer),
                     SAFE(f->name));
        }
    }
    f->waiting = f->told = f->trying = false;
    f->looks = f->missing = 0;
}

/* The content is not published any more. */
static void give_up(struct fetch *f, bool other)
{
    struct data *data = f->all->run->app->data;
    f->outdated = other || f->denied == PS_E_CHANGED;
    if (f->denied == PS_E_CHANGED) {
        data_get_end(data, f->tag, PS_E_CHANGED, "");
    } else if (other) {
        data_get_end(data, f->tag, PS_E_CHANGED,
                     "what is published under that name now is another file");
    } else {
        data_get_end(data, f->tag, PS_E_NOT_FOUND, "nobody publishes it any more");
    }
    f->trying = true; /* Its end is an event. */
}

/* The sources are known. */
static void judge(struct fetch *f)
{
    struct data_source *active = NULL;
    const bool other = f->found.count > 0;
    located_keep(&f->found, &f->content);
    f->missing = f->found.count > 0 ? 0 : f->missing + 1;
    if (f->missing >= (f->denied != PS_E_NONE ? DENIED_MISSING_MAX : MISSING_MAX)) {
        give_up(f, other);
        return;
    }
    const size_t n = located_active(&f->found, &active);
    if (n > 0) {
        located_free(&f->sources);
        f->sources = f->found;
        f->found = (struct located){.items = NULL};
        f->trying = true;
        f->failed_sources = 0;
        f->source_count = n;
        data_get_sources(f->all->run->app->data, f->tag, active, n);
    }
    data_free_wiped(active, n, sizeof *active);
}

static void on_found(void *ctx, const ps_event *event)
{
    struct fetch *f = ctx;
    if (event->type == PS_EVENT_SOURCE) {
        located_add(&f->found, f->all->run->app->user, &event->u.entry);
        return;
    }
    if (event->type == PS_EVENT_AGAIN) {
        located_free(&f->found);
    }
    if (event->type != PS_EVENT_DONE) {
        return;
    }
    const uint32_t error = event->u.done.error;
    struct get *g = f->all;
    f->asked = false;
    g->waiting_looks--;
    if (f->state == FETCH_ENDED) {
        fetch_free(f);
        get_advance(g);
        return;
    }
    f->look_at_us = get_now_us() + pause_of(f);
    /* A server that does not answer says nothing about the file. */
    if (f->waiting &&
        (error == PS_E_NONE || error == PS_E_NOT_FOUND || error == PS_E_NO_ACTIVE_PEER)) {
        judge(f);
    }
    if (f->waiting && !f->trying && g->run->arguments.no_wait) {
        f->trying = true; /* No fresh ticket is to be had, and nothing else was waited for. */
        data_get_end(g->run->app->data, f->tag, PS_E_FILE_TICKET, "");
    }
    located_free(&f->found);
}

void fetch_wait_look(struct fetch *f, uint64_t now_us)
{
    struct get *g = f->all;
    if (f->waiting && !f->trying && !f->asked && now_us >= f->look_at_us &&
        g->waiting_looks < LOOKS_MAX) {
        g->waiting_looks++;
        f->looks++;
        f->asked = true;
        session_request(g->run->app->session, PS_INPUT_LOCATE, f->name, NULL, on_found, f);
    }
}
