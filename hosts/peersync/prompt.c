#include "prompt.h"

#include "commands/command.h"
#include "data/alloc.h"
#include "words.h"

#include <stdlib.h>
#include <unistd.h>

/* Unwritten output that holds the next command back: a reader that pauses must not make this
 * program gather lists without end. */
#define OUTPUT_MAX 1048576u

struct prompt {
    struct app *app;
    struct lines *lines;
    struct run *front; /* A command that is under way while lines are taken. */
    void (*taker)(void *ctx, enum line_kind kind, char *text); /* Of the next line; or NULL. */
    void *taker_ctx;
    bool busy;     /* A command is under way that the next line waits for. */
    bool quitting; /* No further lines. */
    bool held;     /* Waits for output to be written. */
    bool waiting;  /* It was said that downloads are waited for. */
    ps_exit code;  /* The first failure, where the input is no terminal. */
};

static void next(struct prompt *p);

/* A command has ended, or goes on in the background, or has ended there. */
static void on_ended(void *ctx, ps_exit code, bool background)
{
    struct prompt *p = ctx;
    if (p->code == PS_EXIT_DONE && !p->app->interactive) {
        p->code = code;
    }
    if (!background) {
        p->busy = false;
        p->front = NULL;
        next(p);
    } else if (p->quitting && !p->busy) {
        next(p);
    }
}

static void execute(struct prompt *p, char *line)
{
    const char *why = NULL;
    size_t count = 0;
    char **words = words_split(line, &count, &why);
    if (words == NULL) {
        out_fail(p->app->out, "%s", why);
        on_ended(p, PS_EXIT_USAGE, false);
    } else if (count == 0) {
        on_ended(p, PS_EXIT_DONE, false);
    } else {
        run_start(p->app, (const char *const *)words, count, on_ended, p);
    }
    free(words);
}

/* Somebody else waits for this line; the one behind it is the prompt's again. */
static void lend_line(struct prompt *p, enum line_kind kind, char *text)
{
    void (*const taker)(void *ctx, enum line_kind kind, char *text) = p->taker;
    p->taker = NULL;
    taker(p->taker_ctx, kind, text);
    if (p->front != NULL) {
        lines_next(p->lines);
    }
}

static void on_line(void *ctx, enum line_kind kind, char *text)
{
    struct prompt *p = ctx;
    struct out *out = p->app->out;
    if (p->taker != NULL) {
        lend_line(p, kind, text);
        return;
    }
    if (p->front != NULL) {
        p->front->background = true;
        p->front = NULL;
    }
    p->busy = true;
    out_answered(out, p->app->interactive && kind != LINE_END);
    switch (kind) {
    case LINE_TEXT:
        execute(p, text);
        break;
    case LINE_TOO_LONG:
        out_fail(out, "the line is longer than %u bytes", LINE_MAX_BYTES);
        on_ended(p, PS_EXIT_USAGE, false);
        break;
    case LINE_HAS_NUL:
        out_fail(out, "the line holds a NUL byte and is not text");
        on_ended(p, PS_EXIT_USAGE, false);
        break;
    case LINE_END:
    default:
        p->quitting = true;
        on_ended(p, PS_EXIT_DONE, false);
        break;
    }
}

static void leave(struct prompt *p)
{
    struct app *a = p->app;
    size_t running = 0;
    for (const struct run *r = a->runs; r != NULL; r = r->next) {
        running++;
    }
    if (running == 0) {
        app_leave(a, p->code);
        return;
    }
    if (p->waiting) {
        return;
    }
    p->waiting = true;
    out_note(a->out, "waiting for %zu download%s; Ctrl-C stops %s", running,
             running == 1 ? "" : "s", running == 1 ? "it" : "them");
}

static void next(struct prompt *p)
{
    if (p->app->stopping) {
        return; /* It ends with the last command. */
    }
    if (p->quitting) {
        leave(p);
        return;
    }
    p->held = out_waiting(p->app->out) > OUTPUT_MAX;
    if (!p->held) {
        out_prompt(p->app->out, "> ");
        lines_next(p->lines);
    }
}

void prompt_open(struct app *a)
{
    struct prompt *p = data_alloc(1, sizeof *p);
    *p = (struct prompt){.app = a};
    p->lines = lines_open(&a->loop, STDIN_FILENO, on_line, p);
    a->prompt = p;
    if (a->interactive) {
        out_note(a->out,
                 "Welcome, %s. Commands: lap lpf sch get pub unp status xit; help explains "
                 "them.",
                 a->user);
    }
    next(p);
}

void prompt_close(struct prompt *p)
{
    if (p != NULL) {
        lines_close(p->lines);
        free(p);
    }
}

void prompt_quit(struct prompt *p)
{
    if (p != NULL) {
        p->quitting = true;
    }
}

void prompt_beside(struct prompt *p, struct run *r)
{
    if (p != NULL && p->front != r) {
        p->front = r;
        lines_next(p->lines);
    }
}

void prompt_lend(struct prompt *p, void (*taker)(void *ctx, enum line_kind kind, char *text),
                 void *ctx)
{
    if (p != NULL) {
        p->taker = taker;
        p->taker_ctx = ctx;
        lines_next(p->lines);
    }
}

bool prompt_is_idle(const struct prompt *p)
{
    return p != NULL && !p->busy && p->app->runs == NULL;
}

void prompt_on_drained(struct prompt *p)
{
    if (p != NULL && p->held) {
        next(p);
    }
}
