/* Whom a download may ask: in turn, each until it fails. What a failure says about its source
 * decides whether it may be asked again: one that is away, busy, wants a fresh ticket or does not
 * have the content just now (a mere touch has its file hashed again) may be asked when it is listed
 * anew; one that sent wrong bytes or broke the protocol is ruled out for the rest of the job. No
 * locking. */
#ifndef PEERSYNC_DATA_SOURCES_H
#define PEERSYNC_DATA_SOURCES_H

#include "data.h"

enum source_state {
    SOURCE_UNTRIED,
    SOURCE_FAILED,   /* May come back, with a fresh ticket: remembered, so that it is awaited. */
    SOURCE_RULED_OUT /* Remembered, so that it is not taken again. */
};

/* `error` PS_E_NONE: none. */
struct source_failure {
    ps_error error;
    ps_addr from;
    char *text;
};

struct source {
    struct data_source who;
    enum source_state state;
    ps_error error;  /* Why it failed last. */
    bool second_try; /* It was cut off once and is being asked again. */
};

struct sources {
    struct source *list;
    size_t count;
    size_t current;                /* Being asked; `count`: nobody. */
    struct source_failure worst;   /* The most telling one so far. */
    struct source_failure passing; /* The last one that may pass. */
};

/* Copies `n` of them. */
void sources_init(struct sources *s, const struct data_source *who, size_t n);
void sources_free(struct sources *s);
/* Puts these in the place of those that were not tried yet or failed; the one being asked stays,
 * and so does the memory of all that failed. */
void sources_renew(struct sources *s, const struct data_source *who, size_t n);
/* The next to ask becomes the current one. @return false: there is none. */
bool sources_next(struct sources *s);
/* The one being asked, or NULL. */
const struct data_source *sources_current(const struct sources *s);
/* The current one has failed. `connected`: it had answered. It may stay the next to be asked, once:
 * a file that changes while it is sent shows as a cut connection, and who asks again learns that it
 * has changed. */
void sources_fail(struct sources *s, ps_error error, const char *text, bool connected);
/* Some have failed in a way that may pass. */
bool sources_may_return(const struct sources *s);
/* Some have failed for their ticket only. */
bool sources_want_tickets(const struct sources *s);

#endif
