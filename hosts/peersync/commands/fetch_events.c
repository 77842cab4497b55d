/* What the data plane tells of a download, and what a person is told of it. */
#include "commands/fetch.h"
#include "common/format.h"
#include "json.h"
#include "peersync/posix.h"
#include "safe.h"
#include "words.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

const char *fetch_why(const struct data_event *e)
{
    return e->text[0] != '\0' ? e->text : ps_error_text(e->error);
}

const char *fetch_who(const struct fetch *f, const ps_addr *addr)
{
    static char text[PS_TEXT_SAFE_BYTES(PS_USER_MAX) + PS_ADDR_TEXT];
    const char *user = located_user(&f->sources, addr);
    if (user != NULL) {
        ps_text_safe_string(text, sizeof text, user);
    } else if (addr->family != PS_ADDR_NONE) {
        ps_addr_format(addr, text);
    } else {
        snprintf(text, sizeof text, "its source");
    }
    return text;
}

static void say_done(struct fetch *f, const struct data_event *e)
{
    struct get *g = f->all;
    struct app *a = g->run->app;
    if (out_is_json(a->out)) {
        struct json j = JSON_BEGIN;
        json_text(&j, "name", f->name);
        json_text(&j, "path", e->path);
        json_content(&j, &e->content);
        json_bool(&j, "already", e->already);
        json_number(&j, "elapsed_us", e->elapsed_us);
        json_number(&j, "fetched", e->fetched);
        json_print(&j, a->out);
    }
    if (!get_tells(g)) {
        return;
    }
    if (e->already) {
        out_note(a->out, "%s is here already: %s", SAFE(e->name), SAFE(e->path));
        return;
    }
    char size[PS_FORMAT_SIZE_BYTES];
    char span[PS_FORMAT_SPAN_BYTES];
    out_note(a->out, "fetched %s (%s in %s from %s)", SAFE(g->to_stdout ? f->name : e->path),
             ps_format_size(size, e->content.length), ps_format_duration(span, e->elapsed_us),
             fetch_who(f, &e->peer));
}

static void on_done(struct fetch *f, const struct data_event *e)
{
    struct get *g = f->all;
    g->bytes += e->already ? 0 : e->content.length;
    g->already += e->already ? 1u : 0u;
    g->moved += !e->already && e->content.length > f->done ? e->content.length - f->done : 0;
    if (g->many.total == 1) {
        out_progress_end(g->run->app->out);
    }
    if (f->waiting) {
        fetch_wait_over(f, &e->peer);
    }
    say_done(f, e);
    fetch_end(f, PS_EXIT_DONE);
}

/* What a later get goes on from. */
static void say_kept(const struct fetch *f, uint64_t bytes, bool published)
{
    char size[PS_FORMAT_SIZE_BYTES];
    char *name = words_quote(f->name);
    out_note(f->all->run->app->out, "%s %s kept: %sget %s%s goes on from there",
             ps_format_size(size, bytes), bytes == 1 ? "is" : "are",
             published ? "" : "should it be published again, ", f->name[0] == '-' ? "-- " : "",
             SAFE(name));
    free(name);
}

/* True when whoever read standard output has had enough (`| head`): that is no error. */
static bool reader_left(const struct get *g)
{
    struct pollfd out = {.fd = STDOUT_FILENO, .events = POLLOUT};
    return g->to_stdout && poll(&out, 1, 0) == 1 && (out.revents & POLLERR) != 0;
}

static void on_failed(struct fetch *f, const struct data_event *e)
{
    struct get *g = f->all;
    struct out *out = g->run->app->out;
    if (g->many.total == 1) {
        out_progress_end(out);
    }
    if (e->error == PS_E_IO && reader_left(g)) {
        fetch_end(f, PS_EXIT_DONE);
        return;
    }
    if (many_tells(&g->many)) {
        if (e->error != PS_E_CANCELLED) {
            out_fail(out, "%s was not fetched: %s", SAFE(f->name), SAFE(fetch_why(e)));
        }
        if (e->done > 0) {
            say_kept(f, e->done, e->error != PS_E_NOT_FOUND);
        } else if (f->outdated && f->done > 0) {
            out_note(out, "what was fetched of it is of no use any more: it is removed");
        }
    }
    fetch_end(f, e->exists ? PS_EXIT_EXISTS : ps_exit_of_error(e->error));
}

static void on_progress(struct fetch *f, const struct data_event *e)
{
    struct get *g = f->all;
    if (e->already) {
        f->done = e->done; /* Nothing that came: no speed. */
        return;
    }
    if (f->waiting && e->peer.family != PS_ADDR_NONE) {
        fetch_wait_over(f, &e->peer);
    }
    g->moved += e->done > f->done ? e->done - f->done : 0;
    f->done = e->done;
    speed_note(&f->speed, get_now_us(), e->done);
}

static void on_source_failed(struct fetch *f, const struct data_event *e)
{
    struct get *g = f->all;
    /* The last one's failure is told of by what follows: waiting, or the end. */
    if (++f->failed_sources >= f->source_count || e->error == PS_E_FILE_TICKET || f->waiting ||
        !get_tells(g)) {
        return;
    }
    out_note(g->run->app->out, "%s cannot deliver %s: %s", fetch_who(f, &e->peer), SAFE(f->name),
             SAFE(fetch_why(e)));
}

static void on_resumed(struct fetch *f, const struct data_event *e)
{
    char part[PS_FORMAT_SIZE_BYTES];
    char whole[PS_FORMAT_SIZE_BYTES];
    f->done = e->done;
    speed_reset(&f->speed);
    if (get_tells(f->all)) {
        out_note(f->all->run->app->out, "going on with %s at %s of %s", SAFE(f->name),
                 ps_format_size(part, e->done), ps_format_size(whole, e->total));
    }
}

void fetch_event(void *ctx, const struct data_event *e)
{
    struct fetch *f = ctx;
    struct get *g = f->all;
    switch (e->type) {
    case DATA_GET_RESUMED:
        on_resumed(f, e);
        return;
    case DATA_GET_PROGRESS:
        on_progress(f, e);
        return;
    case DATA_GET_SOURCE_FAILED:
        on_source_failed(f, e);
        return;
    case DATA_GET_WAITING:
        fetch_wait(f, e);
        return;
    case DATA_GET_DONE:
        on_done(f, e);
        break;
    case DATA_GET_FAILED:
        on_failed(f, e);
        break;
    case DATA_HASH_PROGRESS:
    case DATA_FILE_READY:
    case DATA_PUBLISH_FAILED:
    case DATA_FILE_GONE:
    case DATA_FILE_AWAY:
    case DATA_HASHED:
    case DATA_HASH_FAILED:
    case DATA_UPLOAD_STARTED:
    case DATA_UPLOAD_ENDED:
    case DATA_NOTE:
    default:
        return;
    }
    get_advance(g);
}
