/* The progress line of hashing and downloads: how much, how fast, how long still. */
#ifndef PEERSYNC_PROGRESS_H
#define PEERSYNC_PROGRESS_H

#include "out.h"

/* One piece of work. Start from zeros. */
struct progress {
    uint64_t began_us;
    uint64_t first; /* Bytes that were done when it was first seen. */
};

/* Draws the line: "WHAT  45 %  1.2 GiB of 3.0 GiB  850.0 MiB/s  2 s left". `what` is safe text. */
void progress_draw(struct progress *p, struct out *out, const char *what, uint64_t done,
                   uint64_t total);

#endif
