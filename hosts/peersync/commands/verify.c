/* verify: whether a local file is a published one, or has the root that one was told. */
#include "app.h"
#include "commands/command.h"
#include "commands/located.h"
#include "common/format.h"
#include "data/alloc.h"
#include "jobs.h"
#include "json.h"
#include "progress.h"
#include "safe.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

struct verifying {
    const char *path;
    uint64_t tag; /* Of the hashing. */
    char *name;   /* That the file is looked up by; NULL with --root. */
    ps_content content;
    struct located sources;
    struct progress progress;
};

static void drop(struct run *r)
{
    struct verifying *v = r->state;
    located_free(&v->sources);
    free(v->name);
    free(v);
}

/* Length and root are data, and with --json whose they are. `owners` may be NULL. */
static void print(const struct run *r, const char *verdict, const char *owners)
{
    const struct verifying *v = r->state;
    char root[PS_FORMAT_ROOT_BYTES];
    ps_format_root(root, v->content.root);
    if (!out_is_json(r->app->out)) {
        out_dataf(r->app->out, "%" PRIu64 "\t%s\n", v->content.length, root);
        return;
    }
    struct json j = JSON_BEGIN;
    json_text(&j, "path", v->path);
    json_content(&j, &v->content);
    json_text(&j, "verdict", verdict);
    if (owners != NULL) {
        json_text(&j, "owners", owners);
    }
    json_print(&j, r->app->out);
}

static void judge_root(struct run *r)
{
    const struct verifying *v = r->state;
    const char *prefix = r->arguments.root;
    char root[PS_FORMAT_ROOT_BYTES];
    ps_format_root(root, v->content.root);
    const bool right = strncasecmp(root, prefix, strlen(prefix)) == 0;
    print(r, right ? "equal" : "different", NULL);
    if (right) {
        out_note(r->app->out, "right: the root of %s begins with %s", SAFE(v->path), SAFE(prefix));
    } else {
        out_fail(r->app->out, "wrong: the root of %s does not begin with %s", SAFE(v->path),
                 SAFE(prefix));
    }
    run_end(r, right ? PS_EXIT_DONE : PS_EXIT_DIFFERENT);
}

static void say_different(const struct run *r)
{
    const struct verifying *v = r->state;
    struct out *out = r->app->out;
    char size[PS_FORMAT_SIZE_BYTES];
    out_fail(out, "%s (%s) differs from what is published as %s:", SAFE(v->path),
             ps_format_size(size, v->content.length), SAFE(v->name));
    const size_t n = located_contents(&v->sources);
    for (size_t i = 0; i < n; i++) {
        char *line = located_describe(&v->sources, i);
        out_fail(out, "  %s", line);
        free(line);
    }
}

/* It is known what is published under the name. */
static void judge(struct run *r)
{
    const struct verifying *v = r->state;
    struct out *out = r->app->out;
    if (v->sources.count == 0) {
        print(r, "not found", NULL);
        out_fail(out, "nobody publishes %s", SAFE(v->name));
        run_end(r, PS_EXIT_NOT_FOUND);
        return;
    }
    char *owners = located_owners(&v->sources, &v->content);
    const bool equal = owners[0] != '\0';
    print(r, equal ? "equal" : "different", equal ? owners : NULL);
    if (equal) {
        out_note(out, "%s is the %s of %s", SAFE(v->path), SAFE(v->name), SAFE(owners));
    } else {
        say_different(r);
    }
    free(owners);
    run_end(r, equal ? PS_EXIT_DONE : PS_EXIT_DIFFERENT);
}

static void on_located(void *ctx, const ps_event *event)
{
    struct run *r = ctx;
    struct verifying *v = r->state;
    if (event->type == PS_EVENT_SOURCE) {
        located_add(&v->sources, NULL, &event->u.entry);
        return;
    }
    if (event->type == PS_EVENT_AGAIN) {
        located_free(&v->sources);
    }
    if (event->type != PS_EVENT_DONE) {
        return;
    }
    const uint32_t error = event->u.done.error;
    if (r->stopping) {
        run_end(r, PS_EXIT_INTERRUPTED);
    } else if (error == PS_E_NONE || error == PS_E_NOT_FOUND || error == PS_E_NO_ACTIVE_PEER) {
        judge(r);
    } else {
        print(r, "unknown", NULL);
        run_fail(r, "the published file cannot be looked up", error);
    }
}

static void on_hashed(struct run *r, const struct data_event *e)
{
    struct verifying *v = r->state;
    v->content = e->content;
    out_progress_end(r->app->out);
    if (v->name == NULL) {
        judge_root(r);
    } else {
        session_request(r->app->session, PS_INPUT_LOCATE, v->name, NULL, on_located, r);
    }
}

static void on_job(void *ctx, const struct data_event *e)
{
    struct run *r = ctx;
    struct verifying *v = r->state;
    struct out *out = r->app->out;
    if (e->type == DATA_HASH_PROGRESS) {
        char *what = data_format("verifying %s", SAFE(v->path));
        progress_draw(&v->progress, out, what, e->done, e->total);
        free(what);
    } else if (e->type == DATA_HASHED) {
        on_hashed(r, e);
    } else if (e->type == DATA_HASH_FAILED) {
        out_progress_end(out);
        if (!r->stopping) {
            out_fail(out, "%s cannot be verified: %s", SAFE(v->path),
                     e->text[0] != '\0' ? SAFE(e->text) : ps_error_text(e->error));
        }
        run_end(r, ps_exit_of_error(e->error));
    }
}

static const char *base_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash != NULL ? slash + 1 : path;
}

static const char *looked_up(const struct arguments *arguments)
{
    const ps_words *line = &arguments->line;
    return line->len > 1 ? line->items[1] : base_name(line->items[0]);
}

static void start(struct run *r)
{
    struct verifying *v = data_alloc(1, sizeof *v);
    r->state = v;
    v->path = r->arguments.line.items[0];
    v->name = r->arguments.root == NULL ? data_strdup(looked_up(&r->arguments)) : NULL;
    v->tag = jobs_add(r->app, on_job, r);
    data_hash(r->app->data, v->tag, v->path);
}

static void stop(struct run *r)
{
    const struct verifying *v = r->state;
    data_cancel(r->app->data, v->tag);
}

static bool alone(const struct arguments *arguments)
{
    return arguments->root != NULL;
}

static bool fits(struct app *a, const struct arguments *arguments)
{
    if (!command_fits_root(a, arguments)) {
        return false;
    }
    if (arguments->root != NULL) {
        if (arguments->line.len > 1) {
            out_fail(a->out, "--root and a name say two things to compare with: give one");
        }
        return arguments->line.len == 1;
    }
    const char *name = looked_up(arguments);
    const ps_name_fault fault = ps_name_check((ps_span){(const uint8_t *)name, strlen(name)});
    if (fault != PS_NAME_OK) {
        out_fail(a->out, "%s cannot be the name of a file here: %s", SAFE(name),
                 ps_name_fault_text(fault));
    }
    return fault == PS_NAME_OK;
}

static const ps_option options[] = {
    {.name = "root",
     .kind = PS_OPTION_TEXT,
     .offset = offsetof(struct arguments, root),
     .argument = "PREFIX",
     .help = "Compare with this root, or its front, instead; no server is asked."},
    {.name = NULL},
};

const struct command command_verify = {
    .name = "verify",
    .synonym = "verify",
    .usage = "FILE [--root PREFIX | NAME]",
    .summary = "Print the length and the root of a local file, and tell whose published file it\n"
               "is: that of its own name, or of NAME.",
    .options = options,
    .words_min = 1,
    .words_max = 2,
    .fits = fits,
    .alone = alone,
    .start = start,
    .drop = drop,
    .stop = stop,
};
