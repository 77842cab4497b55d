/* The prompt: commands from standard input, one after another. At a terminal a line that is
 * entered while `get` runs sends it to the background; elsewhere each is finished before the next
 * one begins. */
#ifndef PEERSYNC_PROMPT_H
#define PEERSYNC_PROMPT_H

#include "app.h"
#include "lines.h"

/* Shows it and takes lines, until app_leave(). */
void prompt_open(struct app *a);
/* Ends it. NULL is allowed, here and below. */
void prompt_close(struct prompt *p);
/* This command goes on while lines are taken: the next one sends it to the background. */
void prompt_beside(struct prompt *p, struct run *r);
/* The next line goes to `taker`; NULL: not any more. A command that asks is beside. */
void prompt_lend(struct prompt *p, void (*taker)(void *ctx, enum line_kind kind, char *text),
                 void *ctx);
/* Leaves after the command under way, and the downloads. */
void prompt_quit(struct prompt *p);
/* True when nothing that was asked for is under way. */
bool prompt_is_idle(const struct prompt *p);
/* All output has been written. */
void prompt_on_drained(struct prompt *p);

#endif
