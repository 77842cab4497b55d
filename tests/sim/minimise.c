/* A failing swarm is made smaller: with a bug of core/util/canary.h awake, a schedule of dozens of
 * faults becomes one of a few, which still fails in the same place. Built with PEERSYNC_CANARIES.
 */
#include "minimise.h"
#include "util/canary.h"

#include <stdlib.h>
#include <string.h>

#define S UINT64_C(1000000)

static void require(bool holds, const char *what)
{
    if (!holds) {
        printf("does not hold: %s\n", what);
        exit(1);
    }
}

static void shortens(ps_canary_name bug, const char *name, size_t faults_most)
{
    swarm_config cfg;
    minimised m;
    trial again;
    swarm_config_default(&cfg);
    cfg.peers = 20;
    cfg.check_every = 8;
    cfg.length_us = 1200 * S;
    cfg.cruel_us = 200 * S;
    ps_canary = bug;
    do {
        require(cfg.seed <= 24, "some seed fails with it");
        require(trial_run(&cfg, 600, &again), "there is a process");
        cfg.seed += again.failed ? 0 : 1;
        if (!again.failed) {
            trial_free(&again);
        }
    } while (!again.failed);
    require(minimise(&cfg, NULL, &m) == 1, "it fails again");
    printf("%s, seed %u: of %zu faults %zu are left, of %u peers %u, of %u s %u\n", name,
           (unsigned)cfg.seed, m.faults_at_first, m.trial.faults_len, (unsigned)cfg.peers,
           (unsigned)m.cfg.peers, (unsigned)(cfg.length_us / S), (unsigned)(m.cfg.length_us / S));
    minimise_report(stdout, &m, "(not said)");
    require(strcmp(m.trial.place, again.place) == 0, "in the same place");
    require(m.trial.faults_len <= faults_most, "with few faults");
    require(m.trial.faults_len < m.faults_at_first, "with fewer than before");
    trial_free(&again);
    require(trial_run(&m.cfg, 600, &again) && again.failed, "the smallest fails on its own");
    require(strcmp(m.trial.place, again.place) == 0, "as it did before");
    trial_free(&again);
    minimised_free(&m);
    ps_canary = PS_CANARY_NONE;
}

int main(void)
{
    shortens(PS_CANARY_EARLY_PROMISE, "early promise", 3);
    shortens(PS_CANARY_NO_GRACE, "no grace", 3);
    return 0;
}
