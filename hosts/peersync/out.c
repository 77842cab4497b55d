#include "out.h"

#include "data/alloc.h"
#include "width.h"
#include "writer.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

/* Carriage return, then "erase to the end of the screen" (ECMA-48). */
#define WIPE "\r\033[J"
/* Up so many lines. */
#define UP "\033[%zuA"
/* Where a terminal does not tell its size. */
#define ROWS_USUAL    24u
#define COLUMNS_USUAL 80u
/* A terminal that takes nothing gets no more progress behind this. */
#define WAITING_MAX 16384u

/* What stands on the terminal's last line, or lines. */
enum line { LINE_CLEAR, LINE_PROMPT, LINE_PROGRESS };

struct out {
    struct writer *data;     /* Writes stdout, */
    struct writer *messages; /* and stderr: the same one where both are one terminal or file, so
                                that the order stays. Else neither waits for the other. */
    const char *prefix;
    bool json, quiet, progress;
    bool out_terminal, err_terminal;
    enum line line;
    char *shown; /* The prompt, or the progress: lines that are divided by '\n'. */
};

/* True when stdout and stderr are the same. */
static bool is_one_file(void)
{
    struct stat a;
    struct stat b;
    return fstat(STDOUT_FILENO, &a) == 0 && fstat(STDERR_FILENO, &b) == 0 && a.st_dev == b.st_dev &&
           a.st_ino == b.st_ino;
}

/* True where the cursor can be moved. */
static bool can_draw(void)
{
    const char *terminal = getenv("TERM");
    return terminal == NULL || strcmp(terminal, "dumb") != 0;
}

struct out *out_open(const struct out_config *cfg)
{
    struct out *o = data_alloc(1, sizeof *o);
    *o = (struct out){
        .prefix = cfg->prefix,
        .json = cfg->json,
        .quiet = cfg->quiet,
        .out_terminal = isatty(STDOUT_FILENO) == 1,
        .err_terminal = isatty(STDERR_FILENO) == 1,
    };
    o->progress = cfg->progress && o->err_terminal && !cfg->quiet && can_draw();
    o->data = writer_open(cfg->loop, cfg->closed, cfg->drained, cfg->ctx);
    if (o->data == NULL) {
        free(o);
        return NULL;
    }
    o->messages =
        is_one_file() ? o->data : writer_open(cfg->loop, cfg->closed, cfg->drained, cfg->ctx);
    if (o->messages == NULL) {
        o->messages = o->data;
    }
    return o;
}

void out_close(struct out *o, bool patient)
{
    if (o == NULL) {
        return;
    }
    if (o->line != LINE_CLEAR) {
        out_answered(o, false);
    }
    if (o->messages != o->data) {
        writer_close(o->messages, patient);
    }
    writer_close(o->data, patient);
    free(o->shown);
    free(o);
}

void out_flush(struct out *o)
{
    writer_flush(o->messages);
    writer_flush(o->data);
}

int out_error(struct out *o)
{
    return writer_error(o->data, STDOUT_FILENO);
}

size_t out_waiting(struct out *o)
{
    const size_t messages = o->messages != o->data ? writer_waiting(o->messages) : 0;
    return messages + writer_waiting(o->data);
}

bool out_is_json(const struct out *o)
{
    return o->json;
}

bool out_is_table(const struct out *o)
{
    return o->out_terminal && !o->json;
}

bool out_draws_progress(const struct out *o)
{
    return o->progress;
}

static void put(struct out *o, const char *text)
{
    writer_put(o->messages, STDERR_FILENO, text, strlen(text));
}

void out_size(const struct out *o, size_t *rows, size_t *columns)
{
    struct winsize size;
    (void)o;
    const bool known = ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0;
    *rows = known && size.ws_row > 0 ? size.ws_row : ROWS_USUAL;
    *columns = known && size.ws_col > 1 ? size.ws_col : COLUMNS_USUAL;
}

/* Rows that the progress takes above the cursor: a terminal that was made narrower since has
 * wrapped its lines. */
static size_t rows_above(const struct out *o)
{
    size_t rows = 0;
    size_t columns = 0;
    size_t above = 0;
    out_size(o, &rows, &columns);
    char *lines = data_strdup(o->shown);
    char *rest = lines;
    for (char *line; (line = strsep(&rest, "\n")) != NULL;) {
        const size_t width = width_of(line);
        above += width == 0 ? 1u : (width + columns - 1) / columns;
    }
    free(lines);
    above--; /* The cursor's own. */
    return above < rows ? above : rows - 1;
}

/* Takes away what is shown, on a terminal; `below`: so many lines further down by now. */
static void wipe(struct out *o, size_t below)
{
    const size_t up = below + (o->line == LINE_PROGRESS ? rows_above(o) : 0);
    if (up > 0) {
        char *sequence = data_format("\r" UP, up);
        put(o, sequence);
        free(sequence);
    }
    put(o, WIPE);
}

/* Makes the last line free for a message. */
static void interrupt(struct out *o)
{
    if (o->line == LINE_CLEAR) {
        return;
    }
    if (o->err_terminal) {
        wipe(o, 0);
    } else {
        put(o, "\n");
    }
}

/* Draws again what stood there. */
static void restore(struct out *o)
{
    if (o->line == LINE_CLEAR) {
        return;
    }
    if (o->err_terminal) {
        put(o, o->shown);
    } else {
        o->line = LINE_CLEAR;
    }
}

void out_data(struct out *o, const char *bytes, size_t len)
{
    const bool shares = o->out_terminal && o->line != LINE_CLEAR;
    if (shares) {
        interrupt(o);
    }
    writer_put(o->data, STDOUT_FILENO, bytes, len);
    if (shares) {
        restore(o);
    }
}

void out_dataf(struct out *o, const char *text, ...)
{
    va_list args;
    va_start(args, text);
    char *line = data_vformat(text, args);
    va_end(args);
    out_data(o, line, strlen(line));
    free(line);
}

__attribute__((format(printf, 3, 0))) static void message(struct out *o, const char *prefix,
                                                          const char *text, va_list args)
{
    char *line = data_vformat(text, args);
    interrupt(o);
    put(o, prefix);
    put(o, line);
    put(o, "\n");
    restore(o);
    free(line);
}

void out_note(struct out *o, const char *text, ...)
{
    if (o->quiet) {
        return;
    }
    va_list args;
    va_start(args, text);
    message(o, "", text, args);
    va_end(args);
}

void out_fail(struct out *o, const char *text, ...)
{
    va_list args;
    va_start(args, text);
    message(o, o->prefix, text, args);
    va_end(args);
}

static void show(struct out *o, enum line line, char *text)
{
    free(o->shown);
    o->shown = text;
    o->line = line;
    put(o, text);
}

void out_prompt(struct out *o, const char *text)
{
    out_progress_end(o);
    if (o->quiet && !o->err_terminal) {
        return;
    }
    show(o, LINE_PROMPT, data_strdup(text));
}

void out_answered(struct out *o, bool echoed)
{
    if (o->line == LINE_PROGRESS) {
        wipe(o, echoed ? 1 : 0);
    } else if (o->line == LINE_PROMPT && !echoed) {
        put(o, "\n");
    }
    o->line = LINE_CLEAR;
}

void out_progress_block(struct out *o, const char *lines)
{
    if (!o->progress || o->line == LINE_PROMPT || writer_waiting(o->messages) > WAITING_MAX) {
        return;
    }
    if (o->line == LINE_PROGRESS) {
        wipe(o, 0);
    }
    show(o, LINE_PROGRESS, data_strdup(lines));
}

void out_progress(struct out *o, const char *text, ...)
{
    if (!o->progress || o->line == LINE_PROMPT) {
        return;
    }
    size_t rows = 0;
    size_t columns = 0;
    va_list args;
    va_start(args, text);
    char *line = data_vformat(text, args);
    va_end(args);
    out_size(o, &rows, &columns);
    width_cut(line, columns - 1);
    out_progress_block(o, line);
    free(line);
}

void out_progress_end(struct out *o)
{
    if (o->line == LINE_PROGRESS) {
        out_answered(o, false);
    }
}
