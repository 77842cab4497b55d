#include "report.h"

#include "common/format.h"

#include <inttypes.h>

#define COUNT(n) ps_format_count((char[PS_FORMAT_COUNT_BYTES]){0}, (n))

static uint64_t permille(const swarm_counts *c)
{
    return c->commands > 0 ? 1000 * c->succeeded / c->commands : 0;
}

static void print_faults(FILE *out, const uint64_t counts[FAULT_COUNT])
{
    for (int f = 0; f < FAULT_COUNT; f++) {
        fprintf(out, "  %6" PRIu64 "  %s\n", counts[f], fault_text((fault)f));
    }
}

static void print_fetches(FILE *out, const report_fetches *f)
{
    uint64_t died = f->begun - f->whole; /* With the process of who fetched. */
    fprintf(out, "  fetches      %s begun: %s whole files of %s MiB in all", COUNT(f->begun),
            COUNT(f->whole), COUNT(f->bytes >> 20));
    for (unsigned e = 0; e < SWARM_ERRORS; e++) {
        died -= f->errors[e];
        if (f->errors[e] > 0) {
            fprintf(out, ", %s %s", COUNT(f->errors[e]), ps_error_name(e));
        }
    }
    fprintf(out, ", %s died\n", COUNT(died));
}

static void add_fetches(report_fetches *f, const swarm_counts *c)
{
    f->begun += c->fetches;
    f->whole += c->fetched;
    f->bytes += c->fetch_bytes;
    for (unsigned e = 0; e < SWARM_ERRORS; e++) {
        f->errors[e] += c->fetch_errors[e];
    }
}

void report_swarm(FILE *out, const swarm_config *cfg, const swarm *s)
{
    const swarm_counts *c = &s->counts;
    report_fetches fetches = {.begun = 0};
    add_fetches(&fetches, c);
    fprintf(out,
            "swarm: %" PRIu32 " peers, %" PRIu64 " virtual seconds, seed %" PRIu64
            ", batch %" PRIu32 "%s\n",
            cfg->peers, cfg->length_us / 1000000, cfg->seed, cfg->batch,
            cfg->in_step ? ", in step" : "");
    fprintf(out,
            "  commands     %s ended: %s succeeded (%" PRIu64 ".%" PRIu64
            " %%), %s timed out, %s cancelled or replaced\n",
            COUNT(c->commands), COUNT(c->succeeded), permille(c) / 10, permille(c) % 10,
            COUNT(c->timeouts), COUNT(c->cancelled));
    fprintf(out,
            "  sessions     %s logins, %s refusals, %s put off, %s losses noticed, %s resets "
            "believed,\n               %s fresh keys\n",
            COUNT(c->logins), COUNT(c->refusals), COUNT(c->put_offs), COUNT(c->losses),
            COUNT(c->resets), COUNT(c->rekeys));
    fprintf(out, "  repairs      %s, of %s buckets; %s names withdrawn; %s lists begun anew\n",
            COUNT(c->repairs), COUNT(c->buckets_resent), COUNT(c->names_withdrawn),
            COUNT(c->agains));
    fprintf(out, "  healings     %s, the slowest took %" PRIu64 ".%02" PRIu64 " s\n",
            COUNT(c->healings), c->worst_heal_us / 1000000, c->worst_heal_us % 1000000 / 10000);
    print_fetches(out, &fetches);
    fprintf(out,
            "  datagrams    %s sent, %s lost, %s in bursts, %s doubled, %s late, %s cut short,\n"
            "               %s stopped by partitions, %s by full links, %s by full queues\n",
            COUNT(s->sim.sent), COUNT(s->sim.lost), COUNT(s->sim.burst_lost),
            COUNT(s->sim.duplicated), COUNT(s->sim.reordered), COUNT(s->sim.truncated),
            COUNT(s->sim.cut), COUNT(s->sim.link_full), COUNT(s->sim.queue_full));
    fprintf(out,
            "  checked      %s steps (tables %s times), %s pages and %s lists against the model,\n"
            "               %s batches against single steps\n",
            COUNT(s->steps), COUNT(s->checks), COUNT(s->pages), COUNT(s->lists),
            COUNT(s->rebatched));
    if (cfg->faults) {
        print_faults(out, s->faults.counts);
    }
    fprintf(out, "  hash         %016" PRIx64 "\n", s->hash);
}

void report_head(FILE *out)
{
    fprintf(out, "%10s  %-16s  %12s  %9s  %8s  %8s  %7s\n", "seed", "hash", "commands", "succeeded",
            "healings", "slowest", "took");
}

void report_line(FILE *out, uint64_t seed, const swarm *s, uint64_t real_us)
{
    const swarm_counts *c = &s->counts;
    fprintf(out,
            "%10" PRIu64 "  %016" PRIx64 "  %12s  %5" PRIu64 ".%" PRIu64 " %%  %8s  %3" PRIu64
            ".%02" PRIu64 " s  %3" PRIu64 ".%" PRIu64 " s\n",
            seed, s->hash, COUNT(c->commands), permille(c) / 10, permille(c) % 10,
            COUNT(c->healings), c->worst_heal_us / 1000000, c->worst_heal_us % 1000000 / 10000,
            real_us / 1000000, real_us % 1000000 / 100000);
}

void report_add(report_sum *sum, uint64_t seed, const swarm *s, uint64_t real_us)
{
    const swarm_counts *c = &s->counts;
    if (sum->swarms == 0 || permille(c) < sum->least_permille) {
        sum->least_permille = permille(c);
        sum->least_seed = seed;
    }
    if (sum->swarms == 0 || c->worst_heal_us > sum->worst_heal_us) {
        sum->worst_heal_us = c->worst_heal_us;
        sum->worst_heal_seed = seed;
    }
    sum->swarms++;
    sum->commands += c->commands;
    sum->succeeded += c->succeeded;
    sum->healings += c->healings;
    add_fetches(&sum->fetches, c);
    sum->steps += s->steps;
    sum->real_us += real_us;
    for (int f = 0; f < FAULT_COUNT; f++) {
        sum->faults[f] += s->faults.counts[f];
    }
}

void report_total(FILE *out, const report_sum *sum)
{
    char took[PS_FORMAT_SPAN_BYTES];
    const uint64_t mean = sum->commands > 0 ? 1000 * sum->succeeded / sum->commands : 0;
    fprintf(out, "%s swarms: %s commands, %s steps checked, in %s\n", COUNT(sum->swarms),
            COUNT(sum->commands), COUNT(sum->steps), ps_format_duration(took, sum->real_us));
    fprintf(out,
            "  succeeded    %" PRIu64 ".%" PRIu64 " %%; the fewest %" PRIu64 ".%" PRIu64
            " %%, of seed %" PRIu64 "\n",
            mean / 10, mean % 10, sum->least_permille / 10, sum->least_permille % 10,
            sum->least_seed);
    fprintf(out,
            "  healings     %s, the slowest took %" PRIu64 ".%02" PRIu64 " s, of seed %" PRIu64
            "\n",
            COUNT(sum->healings), sum->worst_heal_us / 1000000,
            sum->worst_heal_us % 1000000 / 10000, sum->worst_heal_seed);
    print_fetches(out, &sum->fetches);
    print_faults(out, sum->faults);
}

void report_progress(FILE *out, const swarm *s, uint64_t real_us)
{
    char lived[PS_FORMAT_SPAN_BYTES];
    char all[PS_FORMAT_SPAN_BYTES];
    char left[PS_FORMAT_SPAN_BYTES];
    const uint64_t lived_us = world_now_us(s->w);
    const uint64_t length_us = s->cfg->length_us;
    const uint64_t left_us = length_us > lived_us ? length_us - lived_us : 0;
    /* In milliseconds: hours times hours of microseconds would overflow. */
    const uint64_t left_real_us =
        (real_us / 1000) * (left_us / 1000) / (lived_us / 1000 + 1) * 1000;
    fprintf(out, "\r\033[K%s of %s: %s healings, %s commands, %s left",
            ps_format_duration(lived, lived_us < length_us ? lived_us : length_us),
            ps_format_duration(all, length_us), COUNT(s->counts.healings),
            COUNT(s->counts.commands), ps_format_duration(left, left_real_us));
    fflush(out);
}

void report_progress_end(FILE *out)
{
    fprintf(out, "\r\033[K");
    fflush(out);
}
