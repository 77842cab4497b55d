/* The progress line of hashing and downloads: how much, how fast, how long still. */
#ifndef PEERSYNC_PROGRESS_H
#define PEERSYNC_PROGRESS_H

#include "out.h"
#include "speed.h"

/* One piece of work. Start from zeros, or from progress_begin(). */
struct progress {
    uint64_t patience_us; /* Nothing is drawn before. */
    bool yields;          /* Not drawn while others are. */
    uint64_t began_us;
    uint64_t drawn_us; /* When it was last drawn, or was to be. */
    struct speed speed;
};

/* Work in the background that begins now: drawn only once it takes longer than `patience_us`, and
 * while nothing else is. */
struct progress progress_begin(uint64_t patience_us);
/* How long ago it began. */
uint64_t progress_age_us(const struct progress *p);
/* Draws the line: "WHAT  45 %  1.2 GiB of 3.0 GiB  850.0 MiB/s  2 s left". `what` is safe text. */
void progress_draw(struct progress *p, struct out *out, const char *what, uint64_t done,
                   uint64_t total);
/* Counts, and draws now and then: "WHAT 34,120 of 100,000  34 %  5,000/s  12 s left". */
void progress_count(struct progress *p, struct out *out, const char *what, uint64_t done,
                    uint64_t total);
/* True when it was not counted on for this time. */
bool progress_rests(const struct progress *p, uint64_t span_us);

#endif
