#include "out.h"

#include "data/alloc.h"
#include "writer.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

/* Carriage return, then "erase to the end of the line" (ECMA-48). */
#define WIPE "\r\033[K"

/* What stands on the terminal's last line. */
enum line { LINE_CLEAR, LINE_PROMPT, LINE_PROGRESS };

struct out {
    struct writer *data;     /* Writes stdout, */
    struct writer *messages; /* and stderr: the same one where both are one terminal or file, so
                                that the order stays. Else neither waits for the other. */
    const char *prefix;
    bool json, quiet, progress;
    bool out_terminal, err_terminal;
    enum line line;
    char *shown; /* The prompt or the progress line. */
};

/* True when stdout and stderr are the same. */
static bool is_one_file(void)
{
    struct stat a;
    struct stat b;
    return fstat(STDOUT_FILENO, &a) == 0 && fstat(STDERR_FILENO, &b) == 0 && a.st_dev == b.st_dev &&
           a.st_ino == b.st_ino;
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
    o->progress = cfg->progress && o->err_terminal && !cfg->quiet;
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

/* Makes the last line free for a message. */
static void interrupt(struct out *o)
{
    if (o->line == LINE_CLEAR) {
        return;
    }
    put(o, o->err_terminal ? WIPE : "\n");
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

__attribute__((format(printf, 1, 0))) static char *format(const char *text, va_list args)
{
    char *out = NULL;
    if (vasprintf(&out, text, args) < 0) {
        abort();
    }
    return out;
}

void out_dataf(struct out *o, const char *text, ...)
{
    va_list args;
    va_start(args, text);
    char *line = format(text, args);
    va_end(args);
    out_data(o, line, strlen(line));
    free(line);
}

__attribute__((format(printf, 3, 0))) static void message(struct out *o, const char *prefix,
                                                          const char *text, va_list args)
{
    char *line = format(text, args);
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
    if (o->line != LINE_CLEAR && !echoed) {
        put(o, o->line == LINE_PROGRESS ? WIPE : "\n");
    }
    o->line = LINE_CLEAR;
}

/* Cuts a line of UTF-8 so that it does not wrap. */
static void cut(char *line, size_t columns)
{
    size_t at = 0;
    for (size_t column = 0; line[at] != '\0'; at++) {
        if (((unsigned char)line[at] & 0xc0u) != 0x80u && ++column > columns) {
            line[at] = '\0';
            return;
        }
    }
}

void out_progress(struct out *o, const char *text, ...)
{
    if (!o->progress || o->line == LINE_PROMPT) {
        return;
    }
    va_list args;
    va_start(args, text);
    char *line = format(text, args);
    va_end(args);
    struct winsize size;
    const bool known = ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 1;
    cut(line, known ? size.ws_col - 1u : 79u);
    put(o, WIPE);
    show(o, LINE_PROGRESS, line);
}

void out_progress_end(struct out *o)
{
    if (o->line == LINE_PROGRESS) {
        out_answered(o, false);
    }
}
