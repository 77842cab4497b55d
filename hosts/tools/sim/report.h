/* What is said about swarms: at length about one, in a line about each of many. */
#ifndef PS_SIM_REPORT_H
#define PS_SIM_REPORT_H

#include "swarm.h"

typedef struct report_fetches {
    uint64_t begun, whole, bytes;
    uint64_t errors[SWARM_ERRORS]; /* By ps_error. */
} report_fetches;

/* The sum of many. Starts as zeros. */
typedef struct report_sum {
    uint64_t swarms, commands, succeeded, healings, steps;
    uint64_t worst_heal_us, worst_heal_seed;
    uint64_t least_permille, least_seed; /* Of the commands, those that succeeded. */
    report_fetches fetches;
    uint64_t real_us;
    uint64_t faults[FAULT_COUNT];
} report_sum;

void report_swarm(FILE *out, const swarm_config *cfg, const swarm *s);

void report_head(FILE *out);
void report_line(FILE *out, uint64_t seed, const swarm *s, uint64_t real_us);
void report_add(report_sum *sum, uint64_t seed, const swarm *s, uint64_t real_us);
void report_total(FILE *out, const report_sum *sum);

/* After a healing, on a terminal, `real_us` after the beginning: replaces its own line. */
void report_progress(FILE *out, const swarm *s, uint64_t real_us);
/* Takes that line away. */
void report_progress_end(FILE *out);

#endif
