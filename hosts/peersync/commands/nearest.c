#include "commands/nearest.h"

#include "data/alloc.h"

#include <stdlib.h>
#include <string.h>

static void on_answer(void *ctx, const ps_event *event)
{
    struct nearest *n = ctx;
    if (event->type == PS_EVENT_DONE) {
        n->done(n->ctx);
        return;
    }
    if (event->type != PS_EVENT_FILE) {
        return; /* A list that begins anew offers the same again. */
    }
    const ps_span name = event->u.entry.name;
    char candidate[PS_NAME_MAX + 1];
    if (name.len > PS_NAME_MAX) {
        return;
    }
    memcpy(candidate, name.data, name.len);
    candidate[name.len] = '\0';
    ps_suggest_offer(&n->suggest, candidate);
    if (n->suggest.best == candidate) {
        free(n->best);
        n->best = data_strdup(candidate);
        n->suggest.best = n->best;
    }
}

void nearest_ask(struct nearest *n, struct app *a, const char *word, void (*done)(void *ctx),
                 void *ctx)
{
    *n = (struct nearest){.suggest = ps_suggest_begin(word), .done = done, .ctx = ctx};
    session_request(a->session, PS_INPUT_LIST_FILES, "", NULL, on_answer, n);
}

void nearest_free(struct nearest *n)
{
    free(n->best);
    n->best = NULL;
}
