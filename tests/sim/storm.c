/* storm [--peers N] [--minutes N] [--seed N] [--batch B] [--check-every N] [--in-step]
 *
 * Runs the storm and prints the trace hash and counters. Fails where something does not hold, and
 * when a live peer was evicted. */
#include "storm_run.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

static int usage(void)
{
    fprintf(stderr, "usage: storm [--peers N] [--minutes N] [--seed N] [--batch 1..64] "
                    "[--check-every N] [--in-step]\n");
    return 2;
}

static void print(const storm_config *cfg, const storm_result *r)
{
    printf("storm: %" PRIu32 " peers, %" PRIu64 " virtual seconds, seed %" PRIu64 ", batch %" PRIu32
           "%s\n",
           cfg->peers, cfg->storm_us / 1000000, cfg->seed, cfg->batch,
           cfg->in_step ? ", in step" : "");
    printf("  commands ended      %" PRIu64 " (timeouts %" PRIu64 ")\n", r->commands, r->timeouts);
    printf("  publications        %" PRIu64 "\n", r->publications);
    printf("  logins              %" PRIu64 " (refused %" PRIu64 ", takeovers %" PRIu64 ")\n",
           r->server.logins, r->server.logins_refused, r->server.takeovers);
    printf("  evictions           %" PRIu64 " (of live peers %" PRIu32 ")\n", r->server.evictions,
           r->live_evictions);
    printf("  losses noticed      %" PRIu64 "\n", r->losses);
    printf("  datagrams           %" PRIu64 " sent, %" PRIu64 " lost, %" PRIu64
           " duplicated, %" PRIu64 " reordered\n",
           r->sim.sent, r->sim.lost, r->sim.duplicated, r->sim.reordered);
    printf("  steps               %" PRIu64 " (checked %" PRIu64 ")\n", r->steps, r->checks);
    printf("  hash                %016" PRIx64 "\n", r->hash);
}

int main(int argc, char **argv)
{
    storm_config cfg;
    storm_config_default(&cfg);
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--in-step") == 0) {
            cfg.in_step = true;
            continue;
        }
        char *end = NULL;
        const unsigned long long n = i + 1 < argc ? strtoull(argv[i + 1], &end, 10) : 0;
        if (!end || end == argv[i + 1] || *end != 0 || n > 1000000000) {
            return usage();
        }
        if (strcmp(argv[i], "--seed") == 0) {
            cfg.seed = n;
        } else if (strcmp(argv[i], "--peers") == 0 && n >= 1 && n <= 1000) {
            cfg.peers = (uint32_t)n;
        } else if (strcmp(argv[i], "--minutes") == 0 && n >= 1) {
            cfg.storm_us = n * 60 * 1000000;
        } else if (strcmp(argv[i], "--batch") == 0 && n >= 1 && n <= PS_SIM_BATCH_MAX) {
            cfg.batch = (uint32_t)n;
        } else if (strcmp(argv[i], "--check-every") == 0 && n >= 1) {
            cfg.check_every = (uint32_t)n;
        } else {
            return usage();
        }
        i++;
    }
    const storm_result result = storm_run(&cfg);
    print(&cfg, &result);
    return result.live_evictions == 0 ? 0 : 1;
}
