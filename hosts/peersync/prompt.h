/* The prompt: commands from standard input, one after another. At a terminal `get` goes on beside
 * them; elsewhere each is finished before the next one begins. */
#ifndef PEERSYNC_PROMPT_H
#define PEERSYNC_PROMPT_H

#include "app.h"

/* Shows it and takes lines, until app_leave(). */
void prompt_open(struct app *a);
/* Ends it. NULL is allowed, here and below. */
void prompt_close(struct prompt *p);
/* Leaves after the command under way, and the downloads. */
void prompt_quit(struct prompt *p);
/* True when nothing that was asked for is under way. */
bool prompt_is_idle(const struct prompt *p);
/* All output has been written. */
void prompt_on_drained(struct prompt *p);

#endif
