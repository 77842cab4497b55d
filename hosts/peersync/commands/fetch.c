/* One file of get: who has it, which content is meant, and the data plane gets it. */
#include "commands/fetch.h"

#include "common/format.h"
#include "data/alloc.h"
#include "jobs.h"
#include "safe.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void set_state(struct fetch *f, enum fetch_state state)
{
    struct get *g = f->all;
    g->looking -= f->state == FETCH_LOOKING ? 1u : 0u;
    g->running -= f->state == FETCH_RUNNING ? 1u : 0u;
    g->looking += state == FETCH_LOOKING ? 1u : 0u;
    g->running += state == FETCH_RUNNING ? 1u : 0u;
    f->state = state;
}

void fetch_free(struct fetch *f)
{
    struct get *g = f->all;
    if (f->prev != NULL) {
        f->prev->next = f->next;
    } else {
        g->first = f->next;
    }
    if (f->next != NULL) {
        f->next->prev = f->prev;
    } else {
        g->last = f->prev;
    }
    g->active--;
    located_free(&f->sources);
    located_free(&f->found);
    nearest_free(&f->nearest);
    free(f);
}

void fetch_end(struct fetch *f, ps_exit code)
{
    struct get *g = f->all;
    g->waiting_told -= f->told ? 1u : 0u;
    f->waiting = f->told = false;
    set_state(f, FETCH_ENDED);
    many_count(&g->many, code);
    if (!f->asked) {
        fetch_free(f);
    }
}

void fetch_hand_over(struct fetch *f)
{
    struct get *g = f->all;
    struct app *a = g->run->app;
    char size[PS_FORMAT_SIZE_BYTES];
    struct data_source *sources = NULL;
    f->source_count = located_active(&f->sources, &sources);
    f->tag = jobs_add(a, fetch_event, f);
    f->began_us = get_now_us();
    set_state(f, FETCH_RUNNING);
    if (a->interactive && many_are_few(&g->many)) {
        const bool first = g->running == 1 && !g->run->background && out_draws_progress(a->out);
        out_note(a->out, "fetching %s (%s)%s", SAFE(f->name),
                 ps_format_size(size, f->content.length),
                 first ? "; Enter gives the prompt back, Ctrl-C stops it" : "");
    }
    const struct data_get what = {
        .tag = f->tag,
        .content = f->content,
        .sources = sources,
        .source_count = f->source_count,
        .dir = g->dir,
        .name = g->file != NULL ? g->file : f->name,
        .sink = g->to_stdout ? STDOUT_FILENO : -1,
        .wait = !g->run->arguments.no_wait,
        .renew = true,
    };
    data_get(a->data, &what);
    data_free_wiped(sources, f->source_count, sizeof *sources);
    run_beside(g->run);
}

static void say_unknown(struct fetch *f, const char *best)
{
    struct out *out = f->all->run->app->out;
    if (!many_tells(&f->all->many)) {
        return;
    }
    if (best != NULL) {
        out_fail(out, "nobody publishes %s: did you mean %s?", SAFE(f->name), SAFE(best));
    } else {
        out_fail(out, "nobody publishes %s: lpf lists what there is", SAFE(f->name));
    }
}

static void on_nearest(void *ctx)
{
    struct fetch *f = ctx;
    struct get *g = f->all;
    f->asked = false;
    say_unknown(f, f->nearest.best);
    fetch_end(f, PS_EXIT_NOT_FOUND);
    get_advance(g);
}

/* The publisher of the name is the asker alone. */
static void say_own(const struct fetch *f)
{
    struct app *a = f->all->run->app;
    size_t n = 0;
    if (!many_tells(&f->all->many)) {
        return;
    }
    struct data_file *files = data_files(a->data, &n);
    const char *path = NULL;
    for (size_t i = 0; i < n && path == NULL; i++) {
        path = strcmp(files[i].name, f->name) == 0 ? files[i].path : NULL;
    }
    if (path != NULL) {
        out_fail(a->out, "%s is your own file: it is %s", SAFE(f->name), SAFE(path));
    } else {
        out_fail(a->out, "%s is your own file, and nobody else publishes it", SAFE(f->name));
    }
    data_files_free(files, n);
}

/* Nobody else publishes the name. */
static void decide_without(struct fetch *f)
{
    struct get *g = f->all;
    if (f->sources.own) {
        say_own(f);
        fetch_end(f, PS_EXIT_NO_ACTIVE_PEER);
    } else if (many_are_few(&g->many)) {
        f->asked = true;
        nearest_ask(&f->nearest, g->run->app, f->name, on_nearest, f);
    } else {
        say_unknown(f, NULL);
        fetch_end(f, PS_EXIT_NOT_FOUND);
    }
}

/* One content is left. */
static void decide_one(struct fetch *f)
{
    struct get *g = f->all;
    struct out *out = g->run->app->out;
    f->content = f->sources.items[0].content;
    if (located_served(&f->sources)) {
        set_state(f, FETCH_READY);
    } else if (located_lack_tickets(&f->sources)) {
        if (many_tells(&g->many)) {
            out_fail(out, "%s cannot be fetched: the server is too old to give tickets",
                     SAFE(f->name));
        }
        fetch_end(f, PS_EXIT_PROTOCOL);
    } else {
        if (many_tells(&g->many)) {
            out_fail(out, "no active peer has this file: %s (try again when %s is back)",
                     SAFE(f->name), SAFE(f->sources.items[0].user));
        }
        fetch_end(f, PS_EXIT_NO_ACTIVE_PEER);
    }
}

void fetch_decide(struct fetch *f)
{
    struct get *g = f->all;
    const char *root = g->run->arguments.root;
    if (f->sources.count == 0) {
        decide_without(f);
        return;
    }
    if (root != NULL) {
        located_keep_root(&f->sources, root);
    }
    if (f->sources.count == 0) {
        if (many_tells(&g->many)) {
            out_fail(g->run->app->out, "no %s has a root that begins with %s", SAFE(f->name),
                     SAFE(root));
        }
        fetch_end(f, PS_EXIT_NOT_FOUND);
        return;
    }
    if (located_contents(&f->sources) > 1) {
        set_state(f, FETCH_READY); /* It is known who has it. */
        choice_need(f);
        return;
    }
    decide_one(f);
}

static void on_located(void *ctx, const ps_event *event)
{
    struct fetch *f = ctx;
    struct get *g = f->all;
    struct app *a = g->run->app;
    if (event->type == PS_EVENT_SOURCE) {
        located_add(&f->sources, a->user, &event->u.entry);
        return;
    }
    if (event->type == PS_EVENT_AGAIN) {
        located_free(&f->sources);
    }
    if (event->type != PS_EVENT_DONE) {
        return;
    }
    const uint32_t error = event->u.done.error;
    f->asked = false;
    if (g->run->stopping) {
        fetch_end(f, PS_EXIT_INTERRUPTED);
    } else if (error == PS_E_NONE || error == PS_E_NOT_FOUND || error == PS_E_NO_ACTIVE_PEER) {
        fetch_decide(f);
    } else {
        if (many_tells(&g->many)) {
            run_say(g->run, "the file cannot be looked up", error);
        }
        fetch_end(f, ps_exit_of_error(error));
    }
    get_advance(g);
}

void fetch_begin(struct get *g, const char *name)
{
    struct fetch *f = data_alloc(1, sizeof *f);
    *f = (struct fetch){.all = g, .name = name, .prev = g->last, .state = FETCH_LOOKING};
    if (g->last != NULL) {
        g->last->next = f;
    } else {
        g->first = f;
    }
    g->last = f;
    g->active++;
    g->looking++;
    f->asked = true;
    session_request(g->run->app->session, PS_INPUT_LOCATE, name, NULL, on_located, f);
}

void fetch_stop(struct fetch *f)
{
    switch (f->state) {
    case FETCH_RUNNING:
        data_cancel(f->all->run->app->data, f->tag);
        break;
    case FETCH_ASKING:
    case FETCH_READY:
        fetch_end(f, PS_EXIT_INTERRUPTED);
        break;
    case FETCH_LOOKING:
    case FETCH_ENDED:
    default:
        break; /* Until the answer is here. */
    }
}
