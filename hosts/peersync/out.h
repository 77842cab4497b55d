/* What the program says: data on stdout; messages, prompts and progress on stderr.
 *
 * A thread of its own does the writing, so that a terminal that was stopped or a reader that pauses
 * holds up neither heartbeats nor transfers. All functions belong to the control thread. Text from
 * elsewhere (names, errors) must be made safe by the caller; see safe.h.
 *
 * On a terminal a message does not tear what stands on the last line: a prompt or the progress
 * is wiped first and drawn again below it. (What was typed behind the prompt stays typed but is not
 * shown again: it is the terminal's until Return. Ctrl-R shows it.) */
#ifndef PEERSYNC_OUT_H
#define PEERSYNC_OUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <uv.h>

struct out;

struct out_config {
    uv_loop_t *loop;
    const char *prefix;         /* Before each error; "" for none. */
    bool json;                  /* Data is one JSON object a line. */
    bool quiet;                 /* No notes. */
    bool progress;              /* Progress may be drawn, if stderr is a terminal. */
    void (*closed)(void *ctx);  /* Nobody reads stdout any more. */
    void (*drained)(void *ctx); /* All is written, after out_waiting() was not 0. */
    void *ctx;
};

/* Starts the writer. NULL when the system refuses a thread. */
struct out *out_open(const struct out_config *cfg);
/* Ends it. `patient`: waits until a slow reader has taken all; else half a second. */
void out_close(struct out *o, bool patient);
/* Waits until all is written. Only where nothing else is under way. */
void out_flush(struct out *o);
/* Why stdout takes no more: an errno, or 0. */
int out_error(struct out *o);
/* Bytes that are not written yet. */
size_t out_waiting(struct out *o);

bool out_is_json(const struct out *o);
/* True where people read the data: stdout is a terminal and --json was not asked for. */
bool out_is_table(const struct out *o);
bool out_draws_progress(const struct out *o);

/* Data: bytes on stdout. */
void out_data(struct out *o, const char *bytes, size_t len);
__attribute__((format(printf, 2, 3))) void out_dataf(struct out *o, const char *format, ...);
/* A line of information on stderr; not with --quiet. */
__attribute__((format(printf, 2, 3))) void out_note(struct out *o, const char *format, ...);
/* A line that says what went wrong, on stderr. */
__attribute__((format(printf, 2, 3))) void out_fail(struct out *o, const char *format, ...);

/* Shows a prompt; it stands until out_answered(). */
void out_prompt(struct out *o, const char *text);
/* A line was entered, at the prompt or below the progress, which ends. `echoed`: the terminal has
 * moved to a new line already. */
void out_answered(struct out *o, bool echoed);
/* Rows and columns of the terminal that stderr is; usual ones where it does not tell. */
void out_size(const struct out *o, size_t *rows, size_t *columns);
/* Draws the progress anew, or for the first time: lines that are divided by '\n', each less wide
 * than the terminal and fewer than its rows. Nothing where it is not to be drawn, while a prompt
 * stands, or while the terminal takes nothing. */
void out_progress_block(struct out *o, const char *lines);
/* The same of a single line, which is cut where it is too wide. */
__attribute__((format(printf, 2, 3))) void out_progress(struct out *o, const char *format, ...);
void out_progress_end(struct out *o);

#endif
