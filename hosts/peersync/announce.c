#include "announce.h"

#include "common/format.h"
#include "data/alloc.h"
#include "safe.h"

#include <stdlib.h>
#include <string.h>

/* When to say that announcing takes long. */
#define PATIENCE_US 1000000u

/* A file that the server is told of. */
struct announcement {
    struct announcement *next;
    struct app *app;
    char name[];
};

/* Where a prompt stands, there is no progress line: says once that announcing takes long. */
static void tell_person(struct app *a)
{
    struct many *m = &a->announced;
    char total[PS_FORMAT_COUNT_BYTES];
    if (!a->interactive || a->announced_shown || many_are_few(m) ||
        progress_age_us(&m->progress) < PATIENCE_US) {
        return;
    }
    a->announced_shown = true;
    out_note(a->out, "announcing %s files published before; status tells how many are through",
             ps_format_count(total, m->total));
}

void announce_forget(struct app *a)
{
    while (a->announcements != NULL) {
        struct announcement *first = a->announcements;
        a->announcements = first->next;
        free(first);
    }
    a->announced = (struct many){.total = 0};
    a->announced_shown = false;
}

static void all_announced(struct app *a)
{
    struct many *m = &a->announced;
    char total[PS_FORMAT_COUNT_BYTES];
    many_end(m, "not listed");
    if (a->announced_shown && m->failed == 0) {
        out_note(a->out, "all %s files published before are announced",
                 ps_format_count(total, m->total));
    }
    announce_forget(a);
}

/* An announcement that nobody waits for was answered. */
static void on_announced(void *ctx, const ps_event *event)
{
    const struct announcement *one = ctx;
    struct app *a = one->app;
    struct many *m = &a->announced;
    if (event->type != PS_EVENT_DONE || a->phase == PHASE_LEAVING) {
        return;
    }
    const uint32_t error = event->u.done.error;
    const bool failed = error != PS_E_NONE && error != PS_E_SUPERSEDED;
    if (failed && many_tells(m)) {
        out_fail(a->out, "%s, published before, is not listed: %s (%s)", SAFE(one->name),
                 ps_error_text(error), ps_error_advice(error));
    }
    if (many_step(m, failed ? ps_exit_of_error(error) : PS_EXIT_DONE)) {
        all_announced(a);
    } else {
        tell_person(a);
    }
}

void announce(struct app *a, const char *name, const ps_content *content)
{
    struct many *m = &a->announced;
    if (m->total == 0) {
        *m = (struct many){.out = a->out, .doing = "announcing"};
        m->progress = progress_begin(PATIENCE_US);
    }
    m->total++;
    const size_t bytes = strlen(name) + 1;
    struct announcement *one = data_alloc(1, sizeof *one + bytes);
    *one = (struct announcement){.next = a->announcements, .app = a};
    memcpy(one->name, name, bytes);
    a->announcements = one;
    session_request(a->session, PS_INPUT_PUBLISH, name, content, on_announced, one);
}
