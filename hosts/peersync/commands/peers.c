/* lap: the users that are online, a name a line. */
#include "app.h"
#include "commands/command.h"
#include "data/alloc.h"
#include "json.h"
#include "safe.h"

#include <stdlib.h>

static void on_answer(void *ctx, const ps_event *event)
{
    struct run *r = ctx;
    struct out *out = r->app->out;
    size_t *count = r->state;
    if (event->type == PS_EVENT_PEER) {
        ++*count;
        if (out_is_json(out)) {
            struct json j = JSON_BEGIN;
            json_span(&j, "user", event->u.entry.user);
            json_print(&j, out);
        } else {
            out_dataf(out, "%s\n", SAFE_SPAN(event->u.entry.user));
        }
    } else if (event->type == PS_EVENT_DONE && event->u.done.error != PS_E_NONE) {
        run_fail(r, "the active peers cannot be listed", event->u.done.error);
    } else if (event->type == PS_EVENT_DONE) {
        if (*count == 0) {
            out_note(out, "No active peers");
        }
        run_end(r, PS_EXIT_DONE);
    }
}

static void start(struct run *r)
{
    r->state = data_alloc(1, sizeof(size_t));
    session_request(r->app->session, PS_INPUT_LIST_PEERS, "", NULL, on_answer, r);
}

static void drop(struct run *r)
{
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
