/* A question to the person at the terminal while the program goes on: heartbeats and transfers do
 * not wait for the answer. */
#ifndef PEERSYNC_QUESTION_H
#define PEERSYNC_QUESTION_H

#include "app.h"

/* True where somebody sees a question and can answer it. */
bool question_possible(const struct app *a);
/* Asks; one question at a time. `answer` is called once, from the loop, never from within this
 * call, with the line that was typed; NULL at the end of the input. */
void question_ask(struct app *a, const char *text, void (*answer)(void *ctx, const char *line),
                  void *ctx);
/* Takes the question back, if there is one. */
void question_drop(struct app *a);

#endif
