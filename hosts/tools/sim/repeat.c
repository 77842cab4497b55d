/* The command that repeats a run. */
#include "options.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* " --skip-faults 3,7-12", or the shorter of the two ways to say it; "" when all happen. */
static void print_faults(const selection *left_out, char *out, size_t cap)
{
    char skip[SIM_REPEAT_BYTES / 2];
    char only[SIM_REPEAT_BYTES / 2];
    selection kept;
    selection_print(left_out, skip, sizeof skip);
    out[0] = '\0';
    if (skip[0] == '\0' || !selection_copy(&kept, left_out)) {
        return;
    }
    selection_invert(&kept);
    selection_print(&kept, only, sizeof only);
    selection_free(&kept);
    const bool shorter = only[0] != '\0' && strlen(only) < strlen(skip);
    (void)snprintf(out, cap, " --%s-faults %s", shorter ? "only" : "skip", shorter ? only : skip);
}

void sim_swarm_repeat(const swarm_config *s, uint64_t seed, char out[SIM_REPEAT_BYTES])
{
    char which[SIM_REPEAT_BYTES / 2 + 32];
    const uint64_t seconds = s->length_us / 1000000;
    const bool minutes = seconds % 60 == 0;
    print_faults(&s->left_out, which, sizeof which);
    (void)snprintf(out, SIM_REPEAT_BYTES,
                   "peersync-sim --seed %" PRIu64 " --peers %" PRIu32 " --%s %" PRIu64
                   " --batch %" PRIu32 " --check-every %" PRIu32 " --pace %" PRIu32 "%s%s",
                   seed, s->peers, minutes ? "minutes" : "seconds",
                   minutes ? seconds / 60 : seconds, s->batch, s->check_every, s->pace,
                   s->faults ? "" : " --mix storm", which);
}

/* As a shell takes it, between quotes, and without what steers a terminal; cut where it is long. */
static void quoted(const char *text, char *out, size_t cap)
{
    size_t len = 0;
    out[len++] = '\'';
    for (; *text != '\0' && len + sizeof "'\\''" + 1 < cap; text++) {
        if (*text == '\'') {
            memcpy(out + len, "'\\''", 4);
            len += 4;
        } else {
            out[len++] = (unsigned char)*text < 32 || *text == 127 ? '?' : *text;
        }
    }
    out[len++] = '\'';
    out[len] = '\0';
}

void sim_options_repeat(const sim_options *o, uint64_t seed, char out[SIM_REPEAT_BYTES])
{
    const swarm_config *s = &o->swarm;
    if (o->story) {
        (void)snprintf(out, SIM_REPEAT_BYTES,
                       "peersync-sim --story %s --seed %" PRIu64 " --batch %" PRIu32,
                       o->story->name, seed, s->batch);
        return;
    }
    if (o->scenario) {
        char file[SIM_REPEAT_BYTES / 2];
        quoted(o->file, file, sizeof file);
        (void)snprintf(out, SIM_REPEAT_BYTES,
                       "peersync-sim --scenario %s --seed %" PRIu64 " --batch %" PRIu32
                       " --check-every %" PRIu32,
                       file, seed, s->batch, s->check_every);
        return;
    }
    sim_swarm_repeat(s, seed, out);
}
