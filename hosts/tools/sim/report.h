/* What is said about swarms: at length about one, in a line about each of many. */
#ifndef PS_SIM_REPORT_H
#define PS_SIM_REPORT_H

#include "swarm.h"

/* The sum of many. Starts as zeros. */
typedef struct report_sum {
    uint64_t swarms, steps;
    swarm_counts counts; /* Sums; of worst times the worst. */
    ps_sim_stats sim;    /* Its 64-bit counters. */
    uint64_t worst_heal_seed;
    uint64_t least_permille, least_seed; /* Of the commands, those that succeeded. */
    uint64_t real_us;
    uint64_t faults[FAULT_COUNT];
} report_sum;

void report_swarm(FILE *out, const swarm_config *cfg, const swarm *s);

void report_head(FILE *out);
void report_line(FILE *out, uint64_t seed, const swarm *s, uint64_t real_us);
void report_add(report_sum *sum, uint64_t seed, const swarm *s, uint64_t real_us);
void report_total(FILE *out, const report_sum *sum);
/* Of all faults, by chance, in swarms of so many peers: true when each kind began and 30 % of the
 * commands succeeded, or when there were too few to tell. Else what is missing is printed. */
bool report_cruel_enough(FILE *out, const report_sum *sum, uint32_t peers);

/* `file`: of the scenario, or NULL. */
void report_json(FILE *out, const swarm_config *cfg, const char *file, uint64_t seed,
                 const swarm *s);
void report_json_total(FILE *out, const report_sum *sum);

/* How fast it went, which is never twice the same. */
void report_speed(FILE *out, uint64_t peer_us, uint64_t packets, uint64_t cpu_us);

/* After a healing, on a terminal, `real_us` after the beginning: replaces its own line. */
void report_progress(FILE *out, const swarm *s, uint64_t real_us);
/* Takes that line away. */
void report_progress_end(FILE *out);

#endif
