/* get: finds who has a file, and fetches it. */
#include "app.h"
#include "commands/command.h"
#include "commands/nearest.h"
#include "commands/sources.h"
#include "common/format.h"
#include "data/alloc.h"
#include "jobs.h"
#include "json.h"
#include "peersync/posix.h"
#include "progress.h"
#include "safe.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* A file being fetched. */
struct get {
    const char *name; /* Of the publication. */
    struct sources sources;
    struct nearest nearest;
    struct progress progress;
    char *dir;  /* Where it goes, */
    char *file; /* and how it is called there. */
};

static void drop(struct run *r)
{
    struct get *g = r->state;
    sources_free(&g->sources);
    nearest_free(&g->nearest);
    free(g->dir);
    free(g->file);
    free(g);
}

/* Splits -o PATH into a folder and a name; a folder alone keeps the publication's name. */
static bool find_place(struct run *r, struct get *g)
{
    struct app *a = r->app;
    const char *path = r->arguments.output;
    if (path == NULL) {
        const char *dir = a->options.download_dir;
        g->dir = data_strdup(dir != NULL ? dir : ".");
        g->file = data_strdup(g->name);
        return true;
    }
    struct stat there;
    const size_t len = strlen(path);
    if (len == 0 || strcmp(path, "-") == 0) {
        out_fail(a->out, "-o needs the path of a file or a directory");
        return false;
    }
    if (path[len - 1] == '/' || (stat(path, &there) == 0 && S_ISDIR(there.st_mode))) {
        g->dir = data_strdup(path);
        g->file = data_strdup(g->name);
        return true;
    }
    const char *slash = strrchr(path, '/');
    if (slash == NULL) {
        g->dir = data_strdup(".");
        g->file = data_strdup(path);
    } else {
        g->dir = slash == path ? data_strdup("/") : data_format("%.*s", (int)(slash - path), path);
        g->file = data_strdup(slash + 1);
    }
    return true;
}

static void say_done(struct run *r, const struct data_event *e)
{
    struct app *a = r->app;
    if (out_is_json(a->out)) {
        struct json j = JSON_BEGIN;
        json_text(&j, "name", ((struct get *)r->state)->name);
        json_text(&j, "path", e->path);
        json_content(&j, &e->content);
        json_bool(&j, "already", e->already);
        json_number(&j, "elapsed_us", e->elapsed_us);
        json_print(&j, a->out);
    }
    if (e->already) {
        out_note(a->out, "%s is here already: %s", SAFE(e->name), SAFE(e->path));
        return;
    }
    char size[PS_FORMAT_SIZE_BYTES];
    char span[PS_FORMAT_SPAN_BYTES];
    char addr[PS_ADDR_TEXT];
    out_note(a->out, "fetched %s (%s in %s from %s)", SAFE(e->path),
             ps_format_size(size, e->content.length), ps_format_duration(span, e->elapsed_us),
             ps_addr_format(&e->peer, addr));
}

static void on_transfer(void *ctx, const struct data_event *e)
{
    struct run *r = ctx;
    struct get *g = r->state;
    struct out *out = r->app->out;
    char addr[PS_ADDR_TEXT];
    const char *why = e->text[0] != '\0' ? SAFE(e->text) : ps_error_text(e->error);
    switch (e->type) {
    case DATA_GET_PROGRESS:
        progress_draw(&g->progress, out, SAFE(g->name), e->done, e->total);
        return;
    case DATA_GET_SOURCE_FAILED:
        out_note(out, "%s cannot deliver %s: %s", ps_addr_format(&e->peer, addr), SAFE(g->name),
                 why);
        return;
    case DATA_GET_DONE:
        out_progress_end(out);
        say_done(r, e);
        run_end(r, PS_EXIT_DONE);
        return;
    case DATA_GET_FAILED:
        out_progress_end(out);
        out_fail(out, "%s was not fetched: %s", SAFE(g->name), why);
        run_end(r, e->exists ? PS_EXIT_EXISTS : ps_exit_of_error(e->error));
        return;
    case DATA_HASH_PROGRESS:
    case DATA_FILE_READY:
    case DATA_PUBLISH_FAILED:
    case DATA_FILE_GONE:
    case DATA_UPLOAD_STARTED:
    case DATA_UPLOAD_ENDED:
    case DATA_NOTE:
    default:
        return;
    }
}

static void fetch(struct run *r, const ps_addr *addrs, size_t count)
{
    struct get *g = r->state;
    struct app *a = r->app;
    const ps_content *content = &g->sources.items[0].content;
    char size[PS_FORMAT_SIZE_BYTES];
    const struct data_get what = {
        .tag = jobs_add(a, on_transfer, r),
        .content = *content,
        .sources = addrs,
        .source_count = count,
        .dir = g->dir,
        .name = g->file,
    };
    if (a->interactive) {
        out_note(a->out, "fetching %s (%s)", SAFE(g->name), ps_format_size(size, content->length));
    }
    data_get(a->data, &what);
    run_background(r);
}

static void on_nearest(void *ctx)
{
    struct run *r = ctx;
    struct get *g = r->state;
    const char *best = g->nearest.best;
    if (best != NULL) {
        out_fail(r->app->out, "nobody publishes %s: did you mean %s?", SAFE(g->name), SAFE(best));
    } else {
        out_fail(r->app->out, "nobody publishes %s: lpf lists what there is", SAFE(g->name));
    }
    run_end(r, PS_EXIT_NOT_FOUND);
}

/* The publisher of the name is the asker alone. */
static void say_own(struct run *r)
{
    struct get *g = r->state;
    struct app *a = r->app;
    size_t n = 0;
    struct data_file *files = data_files(a->data, &n);
    const char *path = NULL;
    for (size_t i = 0; i < n && path == NULL; i++) {
        path = strcmp(files[i].name, g->name) == 0 ? files[i].path : NULL;
    }
    if (path != NULL) {
        out_fail(a->out, "%s is your own file: it is %s", SAFE(g->name), SAFE(path));
    } else {
        out_fail(a->out, "%s is your own file, and nobody else publishes it", SAFE(g->name));
    }
    data_files_free(files, n);
    run_end(r, PS_EXIT_NO_ACTIVE_PEER);
}

/* All sources are known: decides. */
static void choose(struct run *r)
{
    struct get *g = r->state;
    struct app *a = r->app;
    if (g->sources.count == 0 && g->sources.own) {
        say_own(r);
        return;
    }
    if (g->sources.count > 0 && r->arguments.root != NULL) {
        sources_keep_root(&g->sources, r->arguments.root);
        if (g->sources.count == 0) {
            out_fail(a->out, "no %s has a root that begins with %s", SAFE(g->name),
                     SAFE(r->arguments.root));
            run_end(r, PS_EXIT_NOT_FOUND);
            return;
        }
    }
    if (g->sources.count == 0) {
        nearest_ask(&g->nearest, a, g->name, on_nearest, r);
        return;
    }
    if (!sources_agree(&g->sources)) {
        sources_say_choice(&g->sources, a->out, g->name);
        run_end(r, PS_EXIT_AMBIGUOUS);
        return;
    }
    ps_addr *addrs = NULL;
    const size_t count = sources_active(&g->sources, &addrs);
    if (count == 0) {
        out_fail(a->out, "no active peer has this file: %s (try again when %s is back)",
                 SAFE(g->name), SAFE(g->sources.items[0].user));
        run_end(r, PS_EXIT_NO_ACTIVE_PEER);
    } else {
        fetch(r, addrs, count);
    }
    free(addrs);
}

static void on_located(void *ctx, const ps_event *event)
{
    struct run *r = ctx;
    struct get *g = r->state;
    if (event->type == PS_EVENT_SOURCE) {
        sources_add(&g->sources, r->app->user, &event->u.entry);
        return;
    }
    if (event->type == PS_EVENT_AGAIN) {
        sources_free(&g->sources);
    }
    if (event->type != PS_EVENT_DONE) {
        return;
    }
    const uint32_t error = event->u.done.error;
    if (error == PS_E_NONE || error == PS_E_NOT_FOUND || error == PS_E_NO_ACTIVE_PEER) {
        choose(r);
    } else {
        run_fail(r, "the file cannot be looked up", error);
    }
}

static void start(struct run *r)
{
    struct get *g = data_alloc(1, sizeof *g);
    r->state = g;
    g->name = r->arguments.line.items[0];
    const ps_name_fault fault = ps_name_check((ps_span){(const uint8_t *)g->name, strlen(g->name)});
    if (fault != PS_NAME_OK) {
        out_fail(r->app->out, "%s cannot be the name of a file here: %s", SAFE(g->name),
                 ps_name_fault_text(fault));
        run_end(r, PS_EXIT_USAGE);
        return;
    }
    const char *root = r->arguments.root;
    if (root != NULL &&
        (root[0] == '\0' || strspn(root, "0123456789abcdefABCDEF") != strlen(root))) {
        out_fail(r->app->out, "--root needs hexadecimal digits, as lpf shows them");
        run_end(r, PS_EXIT_USAGE);
        return;
    }
    if (!find_place(r, g)) {
        run_end(r, PS_EXIT_USAGE);
        return;
    }
    session_request(r->app->session, PS_INPUT_LOCATE, g->name, NULL, on_located, r);
}

static const ps_option options[] = {
    {.name = "output",
     .letter = 'o',
     .kind = PS_OPTION_TEXT,
     .offset = offsetof(struct arguments, output),
     .argument = "PATH",
     .help = "Put it there; a directory keeps the file's name."},
    {.name = "root",
     .kind = PS_OPTION_TEXT,
     .offset = offsetof(struct arguments, root),
     .argument = "PREFIX",
     .help = "The content whose root begins so, where one name stands for several."},
    {.name = NULL},
};

const struct command command_get = {
    .name = "get",
    .synonym = "get",
    .usage = "NAME [-o PATH] [--root PREFIX]",
    .summary =
        "Fetch a file from whoever has it. What arrives is verified; a different file of the\n"
        "same name is never overwritten.",
    .options = options,
    .words_min = 1,
    .words_max = 1,
    .start = start,
    .drop = drop,
};
