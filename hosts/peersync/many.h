/* Many files in one go: one progress line for all, lines for the first failures, a summary. */
#ifndef PEERSYNC_MANY_H
#define PEERSYNC_MANY_H

#include "common/exit_codes.h"
#include "out.h"
#include "progress.h"

/* Most files that are told of one by one, and most failures. */
#define MANY_TOLD 20u

struct many {
    struct out *out;
    const char *doing; /* "publishing" */
    size_t total;
    size_t done;
    size_t failed;
    ps_exit code; /* Of the first that failed. */
    struct progress progress;
};

/* True when each file is told of, not their number. */
bool many_are_few(const struct many *m);
/* True when the next failure deserves a line. */
bool many_tells(const struct many *m);
/* One is through; nothing is drawn. */
void many_count(struct many *m, ps_exit code);
/* One is through: draws how far all are, where there are several. @return true: it was the last. */
bool many_step(struct many *m, ps_exit code);
/* The line of one that takes long; nothing while others get through. `what` is safe text. */
void many_part(struct many *m, struct progress *part, const char *what, uint64_t done,
               uint64_t total);
/* All are through: wipes the progress and says how many failures had no line. `what` says what
 * those are: "not published". */
void many_end(struct many *m, const char *what);
/* "published 99,998 files (1.2 GiB); 2 failed", where they are not few; `size` may be NULL. */
void many_summary(const struct many *m, const char *did, const char *size);

#endif
