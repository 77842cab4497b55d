/* Which content of a name is meant: asks where a person is, else says how to choose. */
#include "commands/fetch.h"
#include "common/options.h"
#include "data/alloc.h"
#include "question.h"
#include "safe.h"

#include <stdlib.h>
#include <string.h>

static void ask(struct fetch *f);

/* The number that was typed; 0: none. */
static size_t number_of(const char *line, size_t most)
{
    uint64_t number = 0;
    return ps_number_parse(line, 1, most, &number) ? (size_t)number : 0;
}

static void on_answer(void *ctx, const char *line)
{
    struct get *g = ctx;
    struct fetch *f = g->choosing;
    const size_t most = located_contents(&f->sources);
    g->choosing = NULL;
    if (line == NULL || line[strspn(line, " \t")] == '\0') {
        out_fail(g->run->app->out, "%s was not fetched: no content was chosen", SAFE(f->name));
        fetch_end(f, PS_EXIT_AMBIGUOUS);
        get_advance(g);
        return;
    }
    const size_t number = number_of(line, most);
    if (number == 0) {
        out_fail(g->run->app->out, "type a number from 1 to %zu, or nothing", most);
        ask(f);
        return;
    }
    const ps_content content = *located_content(&f->sources, number - 1);
    located_keep(&f->sources, &content);
    fetch_decide(f);
    get_advance(g);
}

static void ask(struct fetch *f)
{
    struct get *g = f->all;
    const size_t most = located_contents(&f->sources);
    char *question = data_format("which one? [1-%zu, Enter: none] ", most);
    g->choosing = f;
    question_ask(g->run->app, question, on_answer, g);
    free(question);
}

static void say(const struct fetch *f, bool numbered)
{
    struct out *out = f->all->run->app->out;
    const size_t n = located_contents(&f->sources);
    for (size_t i = 0; i < n; i++) {
        char *line = located_describe(&f->sources, i);
        if (numbered) {
            out_note(out, "%3zu  %s", i + 1, line);
        } else {
            out_fail(out, "  %s", line);
        }
        free(line);
    }
}

void choice_next(struct get *g)
{
    struct fetch *f = g->first;
    while (f != NULL && f->state != FETCH_ASKING) {
        f = f->next;
    }
    if (f == NULL || g->choosing != NULL || g->run->app->question != NULL) {
        return;
    }
    run_beside(g->run);
    out_note(g->run->app->out, "%s stands for several contents:", SAFE(f->name));
    say(f, true);
    ask(f);
}

void choice_need(struct fetch *f)
{
    struct get *g = f->all;
    struct app *a = g->run->app;
    if (question_possible(a) && !g->run->background) {
        f->state = FETCH_ASKING;
        return;
    }
    if (many_tells(&g->many)) {
        out_fail(a->out, "%s stands for several contents; choose one:", SAFE(f->name));
        say(f, false);
    }
    fetch_end(f, PS_EXIT_AMBIGUOUS);
}
