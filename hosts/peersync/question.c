#include "question.h"

#include "data/alloc.h"
#include "lines.h"
#include "prompt.h"

#include <stdlib.h>
#include <unistd.h>

struct question {
    void (*answer)(void *ctx, const char *line);
    void *ctx;
    struct lines *lines; /* Where no prompt reads them. */
};

bool question_possible(const struct app *a)
{
    return isatty(STDIN_FILENO) == 1 && isatty(STDERR_FILENO) == 1 && !a->options.quiet &&
           !out_is_json(a->out) && (a->prompt == NULL || a->interactive);
}

static void end(struct app *a)
{
    struct question *q = a->question;
    a->question = NULL;
    lines_close(q->lines);
    free(q);
}

static void on_line(void *ctx, enum line_kind kind, char *text)
{
    struct app *a = ctx;
    const struct question q = *a->question;
    char *line = kind == LINE_END ? NULL : data_strdup(kind == LINE_TEXT ? text : "?");
    out_answered(a->out, kind != LINE_END);
    end(a);
    q.answer(q.ctx, line);
    free(line);
}

void question_ask(struct app *a, const char *text, void (*answer)(void *ctx, const char *line),
                  void *ctx)
{
    struct question *q = data_alloc(1, sizeof *q);
    *q = (struct question){.answer = answer, .ctx = ctx};
    a->question = q;
    out_prompt(a->out, text);
    if (a->prompt != NULL) {
        prompt_lend(a->prompt, on_line, a);
    } else {
        q->lines = lines_open(&a->loop, STDIN_FILENO, on_line, a);
        lines_next(q->lines);
    }
}

void question_drop(struct app *a)
{
    if (a->question != NULL) {
        out_answered(a->out, false);
        prompt_lend(a->prompt, NULL, NULL);
        end(a);
    }
}
