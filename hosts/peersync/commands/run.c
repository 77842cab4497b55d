#include "app.h"
#include "commands/command.h"
#include "data/alloc.h"
#include "prompt.h"
#include "safe.h"

#include <stdlib.h>

static void run_free(struct run *r)
{
    if (r->command->drop != NULL && r->state != NULL) {
        r->command->drop(r);
    }
    for (size_t i = 0; i < r->word_count; i++) {
        free(r->words[i]);
    }
    free(r->words);
    ps_words_free(&r->arguments.line);
    free(r);
}

void run_start(struct app *a, const char *const words[], size_t count, run_ended ended, void *ctx)
{
    const struct command *command = command_find(words[0]);
    if (command == NULL) {
        command_say_unknown(a, words[0]);
        ended(ctx, PS_EXIT_USAGE, false);
        return;
    }
    struct run *r = data_alloc(1, sizeof *r);
    r->app = a;
    r->command = command;
    r->ended = ended;
    r->ctx = ctx;
    r->words = data_alloc(count, sizeof *r->words);
    r->word_count = count;
    for (size_t i = 0; i < count; i++) {
        r->words[i] = data_strdup(words[i]);
    }
    r->next = a->runs;
    a->runs = r;
    const int code = command_read(a, command, (const char *const *)r->words, count, &r->arguments);
    if (code >= 0) {
        run_end(r, (ps_exit)code);
    } else {
        command->start(r);
    }
}

static bool can_stop_any(const struct app *a)
{
    const struct run *r = a->runs;
    while (r != NULL && r->command->stop == NULL) {
        r = r->next;
    }
    return r != NULL;
}

void run_end(struct run *r, ps_exit code)
{
    struct run **at = &r->app->runs;
    while (*at != r) {
        at = &(*at)->next;
    }
    *at = r->next;
    const run_ended ended = r->ended;
    void *ctx = r->ctx;
    const bool background = r->background;
    struct app *a = r->app;
    run_free(r);
    ended(ctx, code, background);
    if (a->stopping && !can_stop_any(a)) {
        app_leave(a, PS_EXIT_INTERRUPTED);
    }
}

void run_say(const struct run *r, const char *what, uint32_t error)
{
    const struct app *a = r->app;
    if (error == PS_E_TIMEOUT) {
        out_fail(a->out, "%s: no answer from %s in time", what, app_server_text(a));
    } else {
        out_fail(a->out, "%s: %s (%s)", what, ps_error_text(error), ps_error_advice(error));
    }
}

void run_fail(struct run *r, const char *what, uint32_t error)
{
    run_say(r, what, error);
    run_end(r, ps_exit_of_error(error));
}

void run_beside(struct run *r)
{
    if (r->app->interactive && !r->background) {
        prompt_beside(r->app->prompt, r);
    }
}

static void stop(struct run *r)
{
    if (!r->stopping) {
        r->stopping = true;
        r->command->stop(r);
    }
}

bool run_stop_front(struct app *a)
{
    for (struct run *r = a->runs; r != NULL && a->interactive; r = r->next) {
        if (!r->background && r->command->stop != NULL && !r->stopping) {
            stop(r);
            return true;
        }
    }
    return false;
}

bool run_stop_all(struct app *a)
{
    const bool any = can_stop_any(a);
    a->stopping = any;
    for (struct run *r = a->runs; r != NULL;) {
        struct run *next = r->next; /* A command ends itself alone. */
        if (r->command->stop != NULL) {
            stop(r);
        }
        r = next;
    }
    return any;
}

void run_returned(struct app *a)
{
    for (struct run *r = a->runs; r != NULL;) {
        struct run *next = r->next;
        if (r->command->returned != NULL) {
            r->command->returned(r);
        }
        r = next;
    }
}

void run_drop_all(struct app *a)
{
    while (a->runs != NULL) {
        struct run *r = a->runs;
        a->runs = r->next;
        run_free(r);
    }
}
