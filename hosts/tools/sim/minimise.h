/* A failing swarm made smaller: a shorter time, fewer faults, fewer peers, as long as the same
 * thing does not hold. */
#ifndef PS_SIM_MINIMISE_H
#define PS_SIM_MINIMISE_H

#include "trial.h"

typedef struct minimised {
    swarm_config cfg; /* The smallest that fails; its `left_out` is to be freed. */
    trial trial;      /* What it told; to be freed. */
    uint32_t trials;  /* Swarms that were run. */
    size_t faults_at_first;
} minimised;

/* Says on `progress` (NULL: nowhere) what it tries. @return 1: done; 0: nothing fails; -1: a
 * process could not be made, errno says why. */
int minimise(const swarm_config *cfg, FILE *progress, minimised *out);
void minimised_free(minimised *m);
/* The schedule that is left and what came of it, for people. */
void minimise_report(FILE *out, const minimised *m, const char *repeat);

#endif
