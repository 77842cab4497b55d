/* The published name that is nearest to a mistyped one: asks the server for all names. */
#ifndef PEERSYNC_NEAREST_H
#define PEERSYNC_NEAREST_H

#include "app.h"
#include "common/suggest.h"

struct nearest {
    ps_suggest suggest;
    char *best; /* NULL: none is near enough. */
    void (*done)(void *ctx);
    void *ctx;
};

/* `word` must live until `done` is called, from the loop. */
void nearest_ask(struct nearest *n, struct app *a, const char *word, void (*done)(void *ctx),
                 void *ctx);
void nearest_free(struct nearest *n);

#endif
