/* peersync-sim: see usage(). */
#include "swarm.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

static int usage(void)
{
    fprintf(
        stderr,
        "usage: peersync-sim [--seed N] [--seeds COUNT] [--peers N] [--hours H | --minutes M]\n"
        "                    [--mix cruel|storm] [--batch 1..64] [--check-every N] [--quiet]\n");
    return 2;
}

static void print_fetches(const swarm *s)
{
    const swarm_counts *c = &s->counts;
    uint64_t died = c->fetches - c->fetched; /* With the process of who fetched. */
    printf("  fetches      %" PRIu64 " begun: %" PRIu64 " files of %" PRIu64 " KiB in all",
           c->fetches, c->fetched, c->fetch_bytes / 1024);
    for (unsigned e = 0; e < SWARM_ERRORS; e++) {
        died -= c->fetch_errors[e];
        if (c->fetch_errors[e] > 0) {
            printf(", %" PRIu64 " %s", c->fetch_errors[e], ps_error_name(e));
        }
    }
    printf(", %" PRIu64 " died\n", died);
}

static void print(const swarm_config *cfg, const swarm *s)
{
    const swarm_counts *c = &s->counts;
    printf("swarm: %" PRIu32 " peers, %" PRIu64 " virtual seconds, seed %" PRIu64 ", batch %" PRIu32
           "%s\n",
           cfg->peers, cfg->length_us / 1000000, cfg->seed, cfg->batch,
           cfg->in_step ? ", in step" : "");
    printf("  commands     %" PRIu64 " ended: %" PRIu64 " succeeded (%" PRIu64 " %%), %" PRIu64
           " timed out, %" PRIu64 " cancelled or replaced\n",
           c->commands, c->succeeded, c->commands > 0 ? 100 * c->succeeded / c->commands : 0,
           c->timeouts, c->cancelled);
    printf("  sessions     %" PRIu64 " logins, %" PRIu64 " refusals, %" PRIu64 " put off, %" PRIu64
           " losses noticed, %" PRIu64 " resets believed\n",
           c->logins, c->refusals, c->put_offs, c->losses, c->resets);
    printf("  repairs      %" PRIu64 ", of %" PRIu64 " buckets; %" PRIu64
           " names withdrawn; %" PRIu64 " lists begun anew\n",
           c->repairs, c->buckets_resent, c->names_withdrawn, c->agains);
    printf("  healings     %" PRIu64 ", the slowest took %" PRIu64 ".%02" PRIu64 " s\n",
           c->healings, c->worst_heal_us / 1000000, c->worst_heal_us % 1000000 / 10000);
    print_fetches(s);
    printf("  datagrams    %" PRIu64 " sent, %" PRIu64 " lost, %" PRIu64 " in bursts, %" PRIu64
           " doubled, %" PRIu64 " late, %" PRIu64 " cut short,\n               %" PRIu64
           " stopped by partitions, %" PRIu64 " by full links, %" PRIu64 " by full queues\n",
           s->sim.sent, s->sim.lost, s->sim.burst_lost, s->sim.duplicated, s->sim.reordered,
           s->sim.truncated, s->sim.cut, s->sim.link_full, s->sim.queue_full);
    printf("  checked      %" PRIu64 " steps (tables %" PRIu64 " times), %" PRIu64
           " pages and %" PRIu64 " lists against the model,\n               %" PRIu64
           " batches against single steps\n",
           s->steps, s->checks, s->pages, s->lists, s->rebatched);
    for (int f = 0; cfg->faults && f < FAULT_COUNT; f++) {
        printf("  %6" PRIu64 "  %s\n", s->faults.counts[f], fault_text((fault)f));
    }
    printf("  hash         %016" PRIx64 "\n", s->hash);
}

int main(int argc, char **argv)
{
    swarm_config cfg;
    unsigned long long seeds = 1;
    bool quiet = false;
    swarm_config_default(&cfg);
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--quiet") == 0) {
            quiet = true;
            continue;
        }
        if (i + 1 < argc && strcmp(argv[i], "--mix") == 0) {
            cfg.faults = strcmp(argv[i + 1], "storm") != 0;
            i++;
            continue;
        }
        char *end = NULL;
        const unsigned long long n = i + 1 < argc ? strtoull(argv[i + 1], &end, 10) : 0;
        if (!end || end == argv[i + 1] || *end != 0 || n > 1000000000) {
            return usage();
        }
        if (strcmp(argv[i], "--seed") == 0) {
            cfg.seed = n;
        } else if (strcmp(argv[i], "--seeds") == 0) {
            seeds = n;
        } else if (strcmp(argv[i], "--peers") == 0 && n >= 1 && n <= 1000) {
            cfg.peers = (uint32_t)n;
        } else if (strcmp(argv[i], "--minutes") == 0 && n >= 1) {
            cfg.length_us = n * 60 * 1000000;
        } else if (strcmp(argv[i], "--hours") == 0 && n >= 1) {
            cfg.length_us = n * 3600 * 1000000;
        } else if (strcmp(argv[i], "--batch") == 0 && n >= 1 && n <= PS_SIM_BATCH_MAX) {
            cfg.batch = (uint32_t)n;
        } else if (strcmp(argv[i], "--check-every") == 0 && n >= 1) {
            cfg.check_every = (uint32_t)n;
        } else {
            return usage();
        }
        i++;
    }
    for (unsigned long long k = 0; k < seeds; k++, cfg.seed++) {
        char repeat[160];
        (void)snprintf(repeat, sizeof repeat,
                       "peersync-sim --seed %" PRIu64 " --peers %" PRIu32 " --minutes %" PRIu64
                       " --batch %" PRIu32 " --check-every %" PRIu32 "%s",
                       cfg.seed, cfg.peers, cfg.length_us / 60000000, cfg.batch, cfg.check_every,
                       cfg.faults ? "" : " --mix storm");
        cfg.repeat = repeat;
        const swarm s = swarm_run(&cfg);
        if (!quiet) {
            print(&cfg, &s);
        }
        fflush(stdout);
    }
    return 0;
}
