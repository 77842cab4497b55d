/* pub and share: hashes files, then publishes them under their base names. */
#include "app.h"
#include "commands/command.h"
#include "common/address.h"
#include "common/format.h"
#include "data/alloc.h"
#include "jobs.h"
#include "json.h"
#include "many.h"
#include "rounds.h"
#include "safe.h"
#include "words.h"

#include <stdlib.h>

struct publishing;

/* One file of the command. */
struct item {
    struct publishing *all;
    const char *typed; /* The path. */
    char *name;        /* Once hashed. */
    char *path;
    ps_content content;
    bool fresh; /* The command added it: what was published before is not to be lost. */
    struct progress progress;
};

struct publishing {
    struct run *run;
    struct item *items;
    struct rounds *rounds; /* Hands the files to the data plane. */
    struct many many;
    uint64_t bytes; /* Of what is published. */
    bool shares;    /* Says how to fetch, and stays. */
};

static void drop(struct run *r)
{
    struct publishing *p = r->state;
    rounds_stop(p->rounds);
    for (size_t i = 0; i < p->many.total; i++) {
        free(p->items[i].name);
        free(p->items[i].path);
    }
    free(p->items);
    free(p);
}

/* What another person types to fetch this file. free() it. */
static char *fetch_line(const struct app *a, const char *name)
{
    static const ps_addr home = {.ip = {127, 0, 0, 1}, .family = PS_ADDR_V4};
    ps_addr host = a->server;
    host.port = 0;
    char *word = words_quote(name);
    char *server = words_quote(a->options.server);
    const char *dashes = name[0] == '-' ? "-- " : "";
    char *line = ps_addr_equal(&host, &home)
                     ? data_format("peersync %u get %s%s", a->server.port, dashes, word)
                     : data_format("peersync --server %s get %s%s", server, dashes, word);
    free(word);
    free(server);
    return line;
}

static void say_published(const struct item *item)
{
    const struct publishing *p = item->all;
    struct app *a = p->run->app;
    char size[PS_FORMAT_SIZE_BYTES];
    char *line = fetch_line(a, item->name);
    if (out_is_json(a->out)) {
        struct json j = JSON_BEGIN;
        json_text(&j, "name", item->name);
        json_text(&j, "path", item->path);
        json_content(&j, &item->content);
        if (p->shares) {
            json_text(&j, "fetch", line);
        }
        json_print(&j, a->out);
    }
    if (many_are_few(&p->many)) {
        out_note(a->out, "published %s (%s)", SAFE(item->name),
                 ps_format_size(size, item->content.length));
    }
    if (p->shares && !out_is_json(a->out)) {
        out_dataf(a->out, "%s\n", SAFE(line));
    }
    free(line);
}

/* Every file is through. */
static void finish(struct publishing *p)
{
    struct run *r = p->run;
    struct app *a = r->app;
    char size[PS_FORMAT_SIZE_BYTES];
    many_end(&p->many, "not published");
    many_summary(&p->many, "published", ps_format_size(size, p->bytes));
    const bool alone = a->prompt == NULL;
    if (p->shares && alone && p->many.done > 0) {
        out_note(a->out, "serving until Ctrl-C");
        a->code = PS_EXIT_DONE; /* A signal is how this ends well. */
        return;
    }
    if (!p->shares && alone && p->many.done > 0) {
        out_note(a->out, "others can fetch %s while a prompt or a share of %s runs",
                 p->many.done == 1 ? "it" : "them", SAFE(a->user));
    }
    run_end(r, p->many.code);
}

static void item_done(struct item *item, ps_exit code)
{
    struct publishing *p = item->all;
    p->bytes += code == PS_EXIT_DONE ? item->content.length : 0;
    /* Of many, what is told is told: the words of each are not kept for the whole of a share. */
    free(item->name);
    free(item->path);
    item->name = item->path = NULL;
    if (many_step(&p->many, code)) {
        finish(p);
    }
}

/* The server will not list it as things are; else it may when it is asked again. */
static bool is_refused(uint32_t error)
{
    return error == PS_E_QUOTA || error == PS_E_FULL || error == PS_E_BAD_NAME;
}

/* The server has answered. */
static void on_answer(void *ctx, const ps_event *event)
{
    struct item *item = ctx;
    struct app *a = item->all->run->app;
    if (event->type != PS_EVENT_DONE) {
        return;
    }
    const uint32_t error = event->u.done.error;
    if (error != PS_E_NONE && error != PS_E_SUPERSEDED) {
        if (many_tells(&item->all->many)) {
            out_fail(a->out, "%s is not published: %s (%s)", SAFE(item->name), ps_error_text(error),
                     ps_error_advice(error));
        }
        if (item->fresh && is_refused(error)) {
            (void)data_unpublish(a->data, item->name);
        }
        item_done(item, ps_exit_of_error(error));
        return;
    }
    say_published(item);
    item_done(item, PS_EXIT_DONE);
}

static void on_hashed(struct item *item, const struct data_event *e)
{
    struct app *a = item->all->run->app;
    item->name = data_strdup(e->name);
    item->path = data_strdup(e->path);
    item->content = e->content;
    item->fresh = e->fresh;
    if (item->all->many.total == 1) {
        out_progress_end(a->out);
    }
    session_request(a->session, PS_INPUT_PUBLISH, item->name, &item->content, on_answer, item);
}

/* A file that takes long to hash: how far it is. */
static void show_hashing(struct item *item, const struct data_event *e)
{
    struct many *m = &item->all->many;
    char *what = m->total == 1 ? data_format("hashing %s", SAFE(item->typed))
                               : data_format("publishing %zu of %zu: hashing %s",
                                             m->done + m->failed, m->total, SAFE(item->typed));
    many_part(m, &item->progress, what, e->done, e->total);
    free(what);
}

static void on_job(void *ctx, const struct data_event *e)
{
    struct item *item = ctx;
    struct app *a = item->all->run->app;
    if (e->type == DATA_HASH_PROGRESS) {
        show_hashing(item, e);
    } else if (e->type == DATA_FILE_READY) {
        on_hashed(item, e);
    } else if (e->type == DATA_PUBLISH_FAILED) {
        if (many_tells(&item->all->many)) {
            out_fail(a->out, "%s is not published: %s", SAFE(item->typed),
                     e->text[0] != '\0' ? SAFE(e->text) : ps_error_text(e->error));
        }
        item_done(item, ps_exit_of_error(e->error));
    }
}

static void hash(void *ctx, size_t i)
{
    struct publishing *p = ctx;
    struct app *a = p->run->app;
    struct item *item = &p->items[i];
    item->all = p;
    item->typed = p->run->arguments.line.items[i];
    data_publish(a->data, jobs_add(a, on_job, item), item->typed, NULL);
}

static void begin(struct run *r, bool shares)
{
    struct app *a = r->app;
    struct publishing *p = data_alloc(1, sizeof *p);
    r->state = p;
    *p = (struct publishing){.run = r, .shares = shares};
    const size_t count = r->arguments.line.len;
    p->many = (struct many){.out = a->out, .doing = "publishing", .total = count};
    p->items = data_alloc(count, sizeof *p->items);
    p->rounds = rounds_start(&a->loop, count, hash, p);
}

static void start_publish(struct run *r)
{
    begin(r, false);
}

static void start_share(struct run *r)
{
    begin(r, true);
}

const struct command command_publish = {
    .name = "pub",
    .synonym = "publish",
    .usage = "PATH...",
    .summary = "Publish files under their base names. They are remembered: your next session\n"
               "announces them again.",
    .words_min = 1,
    .words_max = PS_OPTION_WORDS_MAX,
    .start = start_publish,
    .drop = drop,
};

const struct command command_share = {
    .name = "share",
    .synonym = "share",
    .usage = "PATH...",
    .summary = "Publish files, print the line that fetches each, and serve them until Ctrl-C (at\n"
               "the prompt: as long as it is open).",
    .words_min = 1,
    .words_max = PS_OPTION_WORDS_MAX,
    .start = start_share,
    .drop = drop,
};
