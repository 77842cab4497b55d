/* get: fetches files, one or thousands in a command. Each goes its own way (fetch.c); here is what
 * they share: how many are under way at a time, what is drawn, the summary. */
#include "bars.h"
#include "commands/fetch.h"
#include "common/format.h"
#include "data/alloc.h"
#include "question.h"
#include "safe.h"
#include "words.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Names that are being looked up at a time: half of the requests that the session's machine has
 * room for, less what other commands need. The files that wait look for sources beside that. */
#define LOOKING_MAX 24u
/* Downloads that the data plane has at a time, */
#define RUNNING_MAX 64u
/* and names that are under way in all. */
#define ACTIVE_MAX 128u
/* How often progress is drawn, and waiting files are looked after. */
#define TICK_MS 200u
/* Of many downloads, one is drawn when it takes longer. */
#define DRAWN_AFTER_US 1000000u

uint64_t get_now_us(void)
{
    return uv_hrtime() / 1000u;
}

bool get_tells(const struct get *g)
{
    return many_are_few(&g->many);
}

static void on_closed(uv_handle_t *handle)
{
    free(handle);
}

static void drop(struct run *r)
{
    struct get *g = r->state;
    while (g->first != NULL) {
        fetch_free(g->first);
    }
    uv_close((uv_handle_t *)g->timer, on_closed);
    free(g->dir);
    free(g->file);
    free(g);
}

static bool is_directory(const char *path)
{
    struct stat there;
    const size_t len = strlen(path);
    return (len > 0 && path[len - 1] == '/') || (stat(path, &there) == 0 && S_ISDIR(there.st_mode));
}

/* What waits for its turn on the way to standard output waits in a file that has no name for long.
 * It goes where downloads go, or, where nothing can be written there, where the system has room. */
static const char *room_of(const char *folder)
{
    const char *other = getenv("TMPDIR");
    if (access(folder, W_OK | X_OK) == 0) {
        return folder;
    }
    return other != NULL && other[0] == '/' ? other : "/tmp";
}

/* Splits -o PATH into a folder and a name; a folder alone keeps the publication's name. */
static void find_place(struct get *g)
{
    const struct options *o = &g->run->app->options;
    const char *path = g->run->arguments.output;
    g->to_stdout = path != NULL && strcmp(path, "-") == 0;
    if (path == NULL || g->to_stdout) {
        const char *folder = o->download_dir != NULL ? o->download_dir : ".";
        g->dir = data_strdup(g->to_stdout ? room_of(folder) : folder);
        return;
    }
    if (is_directory(path)) {
        g->dir = data_strdup(path);
        return;
    }
    const char *slash = strrchr(path, '/');
    if (slash == NULL) {
        g->dir = data_strdup(".");
        g->file = data_strdup(path);
    } else {
        g->dir = slash == path ? data_strdup("/") : data_format("%.*s", (int)(slash - path), path);
        g->file = data_strdup(slash + 1);
    }
}

/* "fetched 9,998 files (1.2 GiB) in 12 s; 3 were here already; 2 failed" */
static void say_summary(const struct get *g)
{
    const struct many *m = &g->many;
    char done[PS_FORMAT_COUNT_BYTES];
    char other[PS_FORMAT_COUNT_BYTES];
    char size[PS_FORMAT_SIZE_BYTES];
    char span[PS_FORMAT_SPAN_BYTES];
    char here[PS_FORMAT_COUNT_BYTES + 32] = "";
    char failed[PS_FORMAT_COUNT_BYTES + 32] = "";
    if (g->already > 0) {
        snprintf(here, sizeof here, "; %s %s here already", ps_format_count(other, g->already),
                 g->already == 1 ? "was" : "were");
    }
    if (m->failed > 0) {
        snprintf(failed, sizeof failed, "; %s failed", ps_format_count(other, m->failed));
    }
    const size_t fetched = m->done - g->already;
    out_note(m->out, "fetched %s file%s (%s) in %s%s%s", ps_format_count(done, fetched),
             fetched == 1 ? "" : "s", ps_format_size(size, g->bytes),
             ps_format_duration(span, get_now_us() - g->began_us), here, failed);
}

static void finish(struct get *g)
{
    struct run *r = g->run;
    many_end(&g->many, "not fetched");
    if (g->many.total > 1) {
        say_summary(g);
    }
    run_end(r, r->stopping ? PS_EXIT_INTERRUPTED : g->many.code);
}

void get_advance(struct get *g)
{
    struct run *r = g->run;
    const struct arguments *arguments = &r->arguments;
    if (g->inside) {
        return;
    }
    g->inside = true;
    while (!r->stopping && g->begun < g->many.total && g->looking < LOOKING_MAX &&
           g->active < ACTIVE_MAX) {
        fetch_begin(g, arguments->line.items[g->begun++]);
    }
    for (struct fetch *f = g->first; f != NULL && g->running < RUNNING_MAX; f = f->next) {
        if (f->state == FETCH_READY) {
            fetch_hand_over(f);
        }
    }
    choice_next(g);
    g->inside = false;
    if (g->active == 0) {
        finish(g);
    }
}

static bool draws(const struct get *g)
{
    const struct out *out = g->run->app->out;
    return out_draws_progress(out) && !g->run->background && !g->run->stopping &&
           !(g->to_stdout && out_is_table(out));
}

static bool is_drawn(const struct get *g, const struct fetch *f, uint64_t now_us)
{
    return f->state == FETCH_RUNNING &&
           (many_are_few(&g->many) || f->waiting || now_us - f->began_us >= DRAWN_AFTER_US);
}

static struct bar bar_of(const struct fetch *f, const char *name, uint64_t now_us)
{
    const uint64_t total = f->content.length;
    enum bar_state state = BAR_RUNNING;
    if (f->waiting) {
        state = BAR_WAITING;
    } else if (f->done >= total && total > 0) {
        state = BAR_FINISHING;
    } else if (f->speed.count == 0) {
        state = BAR_STARTING;
    }
    return (struct bar){.name = name,
                        .state = state,
                        .done = f->done,
                        .total = total,
                        .rate = speed_of(&f->speed, now_us)};
}

/* "120 of 10,000 files  1.2 GiB  85.0 MiB/s  3 failed". free() it. */
static char *sum_of(const struct get *g, uint64_t now_us)
{
    const struct many *m = &g->many;
    char through[PS_FORMAT_COUNT_BYTES];
    char total[PS_FORMAT_COUNT_BYTES];
    char failed[PS_FORMAT_COUNT_BYTES];
    char size[PS_FORMAT_SIZE_BYTES];
    char speed[PS_FORMAT_SIZE_BYTES] = "";
    const double rate = speed_of(&g->speed, now_us);
    if (rate >= 0) {
        ps_format_size(speed, (uint64_t)rate);
    }
    return data_format(
        "%s of %s files  %s%s%s%s%s%s%s", ps_format_count(through, m->done + m->failed),
        ps_format_count(total, m->total), ps_format_size(size, g->moved), rate >= 0 ? "  " : "",
        speed, rate >= 0 ? "/s" : "", m->failed > 0 ? "  " : "",
        m->failed > 0 ? ps_format_count(failed, m->failed) : "", m->failed > 0 ? " failed" : "");
}

static void draw(struct get *g, uint64_t now_us)
{
    struct bar bars[RUNNING_MAX];
    char *names[RUNNING_MAX];
    struct out *out = g->run->app->out;
    size_t rows = 0;
    size_t columns = 0;
    size_t n = 0;
    for (const struct fetch *f = g->first; f != NULL && n < RUNNING_MAX; f = f->next) {
        if (is_drawn(g, f, now_us)) {
            names[n] = data_strdup(SAFE(f->name));
            bars[n] = bar_of(f, names[n], now_us);
            n++;
        }
    }
    char *sum = g->many.total > 1 ? sum_of(g, now_us) : NULL;
    if (n > 0 || sum != NULL) {
        out_size(out, &rows, &columns);
        char *block = bars_block(bars, n, sum, rows - 1, columns - 1);
        out_progress_block(out, block);
        free(block);
    }
    free(sum);
    while (n > 0) {
        free(names[--n]);
    }
}

static void on_tick(uv_timer_t *timer)
{
    struct get *g = timer->data;
    const uint64_t now_us = get_now_us();
    for (struct fetch *f = g->first; f != NULL; f = f->next) {
        fetch_wait_look(f, now_us);
    }
    speed_note(&g->speed, now_us, g->moved);
    if (draws(g)) {
        draw(g, now_us);
    }
}

/* The server answers again: it may know more by now. */
static void returned(struct run *r)
{
    struct get *g = r->state;
    for (struct fetch *f = g->first; f != NULL; f = f->next) {
        f->looks = 0;
        f->missing = 0;
        f->look_at_us = 0; /* Those that find no room now look at the next tick. */
        fetch_wait_look(f, UINT64_MAX);
    }
}

static void stop(struct run *r)
{
    struct get *g = r->state;
    struct app *a = r->app;
    out_progress_end(a->out);
    if (g->running > 0) {
        out_note(a->out, "stopping; what was fetched is kept (Ctrl-C again ends at once)");
    }
    if (g->choosing != NULL) {
        question_drop(a);
        g->choosing = NULL;
    }
    for (struct fetch *f = g->first; f != NULL;) {
        struct fetch *next = f->next;
        fetch_stop(f);
        f = next;
    }
    get_advance(g);
}

static void start(struct run *r)
{
    struct app *a = r->app;
    struct get *g = data_alloc(1, sizeof *g);
    r->state = g;
    g->run = r;
    r->arguments.line.len = words_once(r->arguments.line.items, r->arguments.line.len);
    g->many = (struct many){.out = a->out, .doing = "fetching", .total = r->arguments.line.len};
    g->began_us = get_now_us();
    g->timer = data_alloc(1, sizeof *g->timer);
    uv_timer_init(&a->loop, g->timer);
    g->timer->data = g;
    uv_timer_start(g->timer, on_tick, TICK_MS, TICK_MS);
    find_place(g);
    get_advance(g);
}

/* What -o cannot mean; NULL: it can be meant. */
static const char *refuse_output(const struct app *a, const struct arguments *arguments)
{
    const char *path = arguments->output;
    if (path == NULL) {
        return NULL;
    }
    if (path[0] == '\0') {
        return "-o needs the path of a file or a directory, or - for standard output";
    }
    if (strcmp(path, "-") != 0) {
        return arguments->line.len > 1 && !is_directory(path)
                   ? "-o needs a directory where there are several files"
                   : NULL;
    }
    if (arguments->line.len > 1) {
        return "-o - gives the bytes of one file: name one";
    }
    if (a->options.json) {
        return "-o - gives the bytes themselves: leave out --json";
    }
    return a->options.word_count == 0 ? "-o - is for the command line: a prompt writes there, too"
                                      : NULL;
}

static bool fits(struct app *a, const struct arguments *arguments)
{
    for (size_t i = 0; i < arguments->line.len; i++) {
        const char *name = arguments->line.items[i];
        const ps_name_fault fault = ps_name_check((ps_span){(const uint8_t *)name, strlen(name)});
        if (fault != PS_NAME_OK) {
            out_fail(a->out, "%s cannot be the name of a file here: %s", SAFE(name),
                     ps_name_fault_text(fault));
            return false;
        }
    }
    if (!command_fits_root(a, arguments)) {
        return false;
    }
    const char *why = refuse_output(a, arguments);
    if (why != NULL) {
        out_fail(a->out, "%s", why);
    }
    return why == NULL;
}

static const ps_option options[] = {
    {.name = "output",
     .letter = 'o',
     .kind = PS_OPTION_TEXT,
     .offset = offsetof(struct arguments, output),
     .argument = "PATH",
     .help = "Put it there; a directory keeps the file's name. -: write the verified bytes\n"
             "to standard output, in their order; that needs room for the file, too, in the\n"
             "download folder or, where nothing can be written there, in $TMPDIR or /tmp."},
    {.name = "root",
     .kind = PS_OPTION_TEXT,
     .offset = offsetof(struct arguments, root),
     .argument = "PREFIX",
     .help = "The content whose root begins so, where one name stands for several."},
    {.name = "no-wait",
     .kind = PS_OPTION_FLAG,
     .offset = offsetof(struct arguments, no_wait),
     .help = "End when the last source has gone. Without it: wait until one is back."},
    {.name = NULL},
};

const struct command command_get = {
    .name = "get",
    .synonym = "get",
    .usage = "NAME... [-o PATH|-] [--root PREFIX] [--no-wait]",
    .summary =
        "Fetch files from whoever has them. What arrives is verified; a different file of the\n"
        "same name is never overwritten. What was cut off goes on from where it was.",
    .options = options,
    .words_min = 1,
    .words_max = PS_OPTION_WORDS_MAX,
    .fits = fits,
    .start = start,
    .drop = drop,
    .stop = stop,
    .returned = returned,
};
