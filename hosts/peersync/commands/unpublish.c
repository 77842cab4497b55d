/* unp: takes publications back. */
#include "app.h"
#include "commands/command.h"
#include "common/suggest.h"
#include "data/alloc.h"
#include "json.h"
#include "many.h"
#include "rounds.h"
#include "safe.h"

#include <stdlib.h>

struct unpublishing;

struct item {
    struct unpublishing *all;
    const char *name;
};

struct unpublishing {
    struct run *run;
    struct item *items;
    struct rounds *rounds; /* Takes the names from the data plane. */
    struct many many;
};

static void drop(struct run *r)
{
    struct unpublishing *u = r->state;
    rounds_stop(u->rounds);
    free(u->items);
    free(u);
}

static void item_done(struct unpublishing *u, ps_exit code)
{
    if (many_step(&u->many, code)) {
        many_end(&u->many, "not taken back");
        many_summary(&u->many, "unpublished", NULL);
        run_end(u->run, u->many.code);
    }
}

static void on_answer(void *ctx, const ps_event *event)
{
    struct item *item = ctx;
    struct app *a = item->all->run->app;
    if (event->type != PS_EVENT_DONE) {
        return;
    }
    const uint32_t error = event->u.done.error;
    /* A name that the server does not know is not published there, as was asked. */
    if (error != PS_E_NONE && error != PS_E_SUPERSEDED && error != PS_E_NOT_FOUND) {
        if (many_tells(&item->all->many)) {
            out_fail(a->out, "the server does not take %s back: %s (%s)", SAFE(item->name),
                     ps_error_text(error), ps_error_advice(error));
        }
        item_done(item->all, ps_exit_of_error(error));
        return;
    }
    if (out_is_json(a->out)) {
        struct json j = JSON_BEGIN;
        json_text(&j, "unpublished", item->name);
        json_print(&j, a->out);
    }
    if (many_are_few(&item->all->many)) {
        out_note(a->out, "unpublished %s", SAFE(item->name));
    }
    item_done(item->all, PS_EXIT_DONE);
}

static void say_unknown(struct app *a, const char *name)
{
    size_t n = 0;
    struct data_file *files = data_files(a->data, &n);
    ps_suggest nearest = ps_suggest_begin(name);
    for (size_t i = 0; i < n; i++) {
        ps_suggest_offer(&nearest, files[i].name);
    }
    if (nearest.best != NULL) {
        out_fail(a->out, "you do not publish %s: did you mean %s?", SAFE(name), SAFE(nearest.best));
    } else {
        out_fail(a->out, "you do not publish %s", SAFE(name));
    }
    data_files_free(files, n);
}

static void take_back(void *ctx, size_t i)
{
    struct unpublishing *u = ctx;
    struct app *a = u->run->app;
    struct item *item = &u->items[i];
    *item = (struct item){.all = u, .name = u->run->arguments.line.items[i]};
    if (data_unpublish(a->data, item->name)) {
        session_request(a->session, PS_INPUT_UNPUBLISH, item->name, NULL, on_answer, item);
        return;
    }
    if (many_tells(&u->many)) {
        say_unknown(a, item->name);
    }
    item_done(u, PS_EXIT_NOT_FOUND);
}

static void start(struct run *r)
{
    struct app *a = r->app;
    const size_t count = r->arguments.line.len;
    struct unpublishing *u = data_alloc(1, sizeof *u);
    r->state = u;
    *u = (struct unpublishing){.run = r};
    u->many = (struct many){.out = a->out, .doing = "unpublishing", .total = count};
    u->items = data_alloc(count, sizeof *u->items);
    u->rounds = rounds_start(&a->loop, count, take_back, u);
}

const struct command command_unpublish = {
    .name = "unp",
    .synonym = "unpublish",
    .usage = "NAME...",
    .summary = "Take publications back.",
    .words_min = 1,
    .words_max = PS_OPTION_WORDS_MAX,
    .start = start,
    .drop = drop,
};
