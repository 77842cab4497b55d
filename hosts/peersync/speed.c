#include "speed.h"

/* Before this a speed says nothing. */
#define KNOWN_AFTER_US 500000u

void speed_reset(struct speed *s)
{
    *s = (struct speed){.count = 0};
}

void speed_note(struct speed *s, uint64_t now_us, uint64_t done)
{
    if (s->count > 0 && done < s->samples[s->newest].done) {
        speed_reset(s);
    }
    const unsigned before = (s->newest + SPEED_SAMPLES - 1u) % SPEED_SAMPLES;
    /* The newest one moves along until it is a step away from the one before it. */
    if (s->count < 2 || now_us - s->samples[before].at_us >= SPEED_STEP_US) {
        s->newest = s->count == 0 ? 0 : (s->newest + 1u) % SPEED_SAMPLES;
        s->count += s->count < SPEED_SAMPLES ? 1u : 0u;
    }
    s->samples[s->newest].at_us = now_us;
    s->samples[s->newest].done = done;
}

double speed_of(const struct speed *s, uint64_t now_us)
{
    if (s->count == 0) {
        return -1;
    }
    /* Back to the first sample that is as old as the span, or to the oldest one. */
    unsigned at = s->newest;
    for (unsigned i = 1; i < s->count && now_us - s->samples[at].at_us < SPEED_SPAN_US; i++) {
        at = (at + SPEED_SAMPLES - 1u) % SPEED_SAMPLES;
    }
    const uint64_t span_us = now_us - s->samples[at].at_us;
    if (span_us < KNOWN_AFTER_US) {
        return -1;
    }
    return (double)(s->samples[s->newest].done - s->samples[at].done) * 1e6 / (double)span_us;
}
