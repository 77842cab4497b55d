/* lpf and sch: published files. */
#include "app.h"
#include "commands/command.h"
#include "common/format.h"
#include "data/alloc.h"
#include "json.h"
#include "safe.h"
#include "table.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Hexadecimal digits of a root that people and --root work with. */
#define SHORT_ROOT 12

struct listing {
    struct table *table; /* NULL with --json: */
    struct kept lines;
    size_t count;
    const char *none; /* What to say where there is nothing. */
    const char *what; /* What could not be done. */
};

static const struct column columns[] = {
    {"NAME", false}, {"SIZE", true}, {"OWNER", false}, {"STATE", false}, {"ROOT", false},
};
#define COLUMNS (sizeof columns / sizeof columns[0])

static void add_json(struct listing *l, const ps_event_entry *e)
{
    struct json j = JSON_BEGIN;
    json_span(&j, "name", e->name);
    json_content(&j, &e->content);
    json_span(&j, "owner", e->user);
    json_bool(&j, "active", e->active);
    json_keep(&j, &l->lines);
}

static void add_row(struct listing *l, const struct out *out, const ps_event_entry *e)
{
    char name[PS_TEXT_SAFE_BYTES(PS_NAME_MAX)];
    char user[PS_TEXT_SAFE_BYTES(PS_USER_MAX)];
    char size[24];
    char root[PS_FORMAT_ROOT_BYTES];
    ps_text_safe(name, sizeof name, e->name);
    ps_text_safe(user, sizeof user, e->user);
    if (out_is_table(out)) {
        ps_format_size(size, e->content.length);
    } else {
        snprintf(size, sizeof size, "%" PRIu64, e->content.length);
    }
    ps_format_root(root, e->content.root);
    root[SHORT_ROOT] = '\0';
    const char *const cells[COLUMNS] = {name, size, user, e->active ? "active" : "away", root};
    table_row(l->table, cells);
}

/* The server has restarted: the list begins anew. */
static void forget(struct listing *l)
{
    l->count = 0;
    kept_clear(&l->lines);
    if (l->table != NULL) {
        table_clear(l->table);
    }
}

static void on_answer(void *ctx, const ps_event *event)
{
    struct run *r = ctx;
    struct listing *l = r->state;
    struct out *out = r->app->out;
    if (event->type == PS_EVENT_FILE) {
        l->count++;
        if (l->table == NULL) {
            add_json(l, &event->u.entry);
        } else {
            add_row(l, out, &event->u.entry);
        }
        return;
    }
    if (event->type == PS_EVENT_AGAIN) {
        forget(l);
    }
    if (event->type != PS_EVENT_DONE) {
        return;
    }
    if (event->u.done.error != PS_E_NONE) {
        run_fail(r, l->what, event->u.done.error); /* Part of a list is none. */
        return;
    }
    kept_print(&l->lines, out);
    if (l->table != NULL) {
        table_close(l->table);
        l->table = NULL;
    }
    if (l->count == 0) {
        out_note(out, "%s", l->none);
    }
    run_end(r, PS_EXIT_DONE);
}

static struct listing *begin(struct run *r)
{
    struct listing *l = data_alloc(1, sizeof *l);
    r->state = l;
    if (!out_is_json(r->app->out)) {
        l->table = table_open(r->app->out, columns, COLUMNS);
    }
    return l;
}

static void start_files(struct run *r)
{
    struct listing *l = begin(r);
    l->none = "No published files";
    l->what = "the published files cannot be listed";
    session_request(r->app->session, PS_INPUT_LIST_FILES, "", NULL, on_answer, r);
}

static void start_search(struct run *r)
{
    const char *text = r->arguments.line.items[0];
    if (text[0] == '\0' || strlen(text) > PS_SEARCH_MAX) {
        out_fail(r->app->out, "the text to search for must have 1 to %u bytes", PS_SEARCH_MAX);
        run_end(r, PS_EXIT_USAGE);
        return;
    }
    struct listing *l = begin(r);
    l->none = "No files found";
    l->what = "the search cannot be done";
    session_request(r->app->session, PS_INPUT_SEARCH, text, NULL, on_answer, r);
}

static void drop(struct run *r)
{
    struct listing *l = r->state;
    if (l->table != NULL) {
        table_drop(l->table);
    }
    kept_clear(&l->lines);
    free(l);
}

const struct command command_files = {
    .name = "lpf",
    .synonym = "files",
    .usage = "",
    .summary = "List all published files: name, size, owner, whether the owner is online, and the\n"
               "first digits of the content's root.",
    .start = start_files,
    .drop = drop,
};

const struct command command_search = {
    .name = "sch",
    .synonym = "search",
    .usage = "TEXT",
    .summary =
        "List the files of others whose name holds TEXT; letters A to Z match in either case.",
    .words_min = 1,
    .words_max = 1,
    .start = start_search,
    .drop = drop,
};
