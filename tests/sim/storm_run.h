/* The storm: many peers, a bad network, random commands for a long time; then quiet, and everything
 * must agree with a naive model. */
#ifndef PS_TESTS_STORM_RUN_H
#define PS_TESTS_STORM_RUN_H

#include "world.h"

typedef struct storm_config {
    uint64_t seed;
    uint32_t batch;
    uint32_t peers;
    uint32_t check_every;
    uint64_t storm_us; /* How long commands are given. */
    bool in_step;      /* No jitter, and commands in instants 100 ms apart: many datagrams arrive
                          at the same time. */
} storm_config;

typedef struct storm_result {
    uint64_t hash;
    uint64_t commands, timeouts, refusals, losses;
    uint64_t steps, checks, publications;
    uint32_t live_evictions;
    ps_server_stats server;
    ps_sim_stats sim;
} storm_result;

/* 50 peers, five minutes, seed 1, batch 64, every step checked. */
void storm_config_default(storm_config *cfg);
/* Ends the program where something does not hold. */
storm_result storm_run(const storm_config *cfg);

#endif
