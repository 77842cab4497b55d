/* lap: the users that are online, a name a line. */
#include "app.h"
#include "commands/command.h"
#include "data/alloc.h"
#include "json.h"
#include "safe.h"

#include <stdlib.h>
#include <string.h>

static void add(struct kept *lines, const struct out *out, ps_span user)
{
    if (out_is_json(out)) {
        struct json j = JSON_BEGIN;
        json_span(&j, "user", user);
        json_keep(&j, lines);
    } else {
        const char *text = SAFE_SPAN(user);
        kept_add(lines, text, strlen(text));
        kept_add(lines, "\n", 1);
    }
}

static void on_answer(void *ctx, const ps_event *event)
{
    struct run *r = ctx;
    struct out *out = r->app->out;
    struct kept *lines = r->state;
    if (event->type == PS_EVENT_PEER) {
        add(lines, out, event->u.entry.user);
    } else if (event->type == PS_EVENT_AGAIN) {
        kept_clear(lines);
    } else if (event->type == PS_EVENT_DONE) {
        if (event->u.done.error != PS_E_NONE) {
            run_fail(r, "the active peers cannot be listed", event->u.done.error);
            return; /* Part of a list is none. */
        }
        if (lines->len == 0) {
            out_note(out, "No active peers");
        }
        kept_print(lines, out);
        run_end(r, PS_EXIT_DONE);
    }
}

static void start(struct run *r)
{
    r->state = data_alloc(1, sizeof(struct kept));
    session_request(r->app->session, PS_INPUT_LIST_PEERS, "", NULL, on_answer, r);
}

static void drop(struct run *r)
{
    kept_clear(r->state);
    free(r->state);
}

const struct command command_peers = {
    .name = "lap",
    .synonym = "peers",
    .usage = "",
    .summary = "List the users that are online now, yourself left out.",
    .start = start,
    .drop = drop,
};
