/* The command line of peersync-sim. */
#ifndef PS_SIM_OPTIONS_H
#define PS_SIM_OPTIONS_H

#include "stories.h"
#include "swarm.h"

/* Room for the line that repeats a run. */
#define SIM_REPEAT_BYTES 4096u

typedef struct sim_options {
    swarm_config swarm; /* Of the first seed. */
    uint64_t seeds;     /* 0: --seeds was not given: one, told at length. */
    const story *story; /* NULL: a swarm. */
    bool watch;
    bool quiet;
    const char *journal; /* A directory, or NULL. */
    bool minimise;
    bool json;
    const char *file;   /* A scenario's, or NULL; */
    scenario *scenario; /* and what it says. */
} sim_options;

/* Reads argv[1 .. argc). @return -1 to go on; else the exit code: help, version or the error was
 * printed. */
int sim_options_read(int argc, char *const argv[], sim_options *o);

/* The command that repeats the run of this configuration exactly. */
void sim_options_repeat(const sim_options *o, uint64_t seed, char out[SIM_REPEAT_BYTES]);
void sim_swarm_repeat(const swarm_config *s, uint64_t seed, char out[SIM_REPEAT_BYTES]);
/* What sim_options_read() has allocated. */
void sim_options_free(sim_options *o);

#endif
