/* How fast something is now: over the last seconds, not since it began. */
#ifndef PEERSYNC_SPEED_H
#define PEERSYNC_SPEED_H

#include <stdint.h>

/* What the speed is taken over. */
#define SPEED_SPAN_US 4000000u
/* One sample in this time. */
#define SPEED_STEP_US 250000u
#define SPEED_SAMPLES (SPEED_SPAN_US / SPEED_STEP_US + 4u)

/* Starts from zeros. */
struct speed {
    struct {
        uint64_t at_us;
        uint64_t done;
    } samples[SPEED_SAMPLES];
    unsigned newest, count;
};

/* `done` of the work is done now. Less than before begins anew: so does what is not new work. */
void speed_note(struct speed *s, uint64_t now_us, uint64_t done);
/* Forgets what was noted. */
void speed_reset(struct speed *s);
/* Units a second; 0 when nothing moves, less than 0 when it is not known yet. */
double speed_of(const struct speed *s, uint64_t now_us);

#endif
