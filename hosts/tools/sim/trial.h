/* A swarm in a process of its own, so that its failure ends that process alone; and what it told.
 */
#ifndef PS_SIM_TRIAL_H
#define PS_SIM_TRIAL_H

#include "swarm.h"

/* A fault that began. */
typedef struct trial_fault {
    uint32_t number;
    uint64_t at_us;
    fault kind;
    char about[160];
} trial_fault;

typedef struct trial {
    bool failed;        /* By a check, or by an assertion's signal. */
    char place[256];    /* What did not hold, and where; or the signal. */
    uint64_t failed_us; /* When, in the network's time; 0: it was not said. */
    char said[4096];    /* The last that it printed on stderr. */
    size_t said_len;
    trial_fault *faults;
    size_t faults_len, faults_cap;
} trial;

/* Runs it; at most `cpu_s` seconds of work. @return false: there is no process or no memory, errno
 * says why. `t` is to be freed in any case. */
bool trial_run(const swarm_config *cfg, uint64_t cpu_s, trial *t);
void trial_free(trial *t);

#endif
