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

static void print_fetches(FILE *out, const swarm_counts *c)
{
    uint64_t died = c->fetches - c->fetched; /* With the process of who fetched. */
    fprintf(out, "  fetches      %s begun: %s whole files of %s MiB in all", COUNT(c->fetches),
            COUNT(c->fetched), COUNT(c->fetch_bytes >> 20));
    for (unsigned e = 0; e < SWARM_ERRORS; e++) {
        died -= c->fetch_errors[e];
        if (c->fetch_errors[e] > 0) {
            fprintf(out, ", %s %s", COUNT(c->fetch_errors[e]), ps_error_name(e));
        }
    }
    fprintf(out, ", %s died\n", COUNT(died));
}

/* "1.23 s". */
static const char *seconds(char text[32], uint64_t us)
{
    (void)snprintf(text, 32, "%" PRIu64 ".%02" PRIu64 " s", us / 1000000, us % 1000000 / 10000);
    return text;
}
#define SECONDS(us) seconds((char[32]){0}, (us))

static void print_worst(FILE *out, const swarm_counts *c)
{
    fprintf(out,
            "  slowest      login %s, return after a loss %s, whole file %s,\n"
            "               list of all files after a healing %s\n",
            SECONDS(c->worst_login_us), SECONDS(c->worst_return_us), SECONDS(c->worst_fetch_us),
            SECONDS(c->worst_list_us));
}

static void print_datagrams(FILE *out, const ps_sim_stats *n)
{
    fprintf(out,
            "  datagrams    %s sent, %s lost, %s in bursts, %s doubled, %s late, %s cut short,\n"
            "               %s stopped by partitions, %s by full links, %s by full queues\n",
            COUNT(n->sent), COUNT(n->lost), COUNT(n->burst_lost), COUNT(n->duplicated),
            COUNT(n->reordered), COUNT(n->truncated), COUNT(n->cut), COUNT(n->link_full),
            COUNT(n->queue_full));
    if (n->forwarded > 0) {
        fprintf(out, "  boxes        passed %s datagrams on, and stopped %s\n", COUNT(n->forwarded),
                COUNT(n->nat_blocked + n->nat_full));
    }
}

void report_swarm(FILE *out, const swarm_config *cfg, const swarm *s)
{
    const swarm_counts *c = &s->counts;
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
    print_worst(out, c);
    print_fetches(out, c);
    print_datagrams(out, &s->sim);
    fprintf(out,
            "  checked      %s steps (tables %s times), %s pages and %s lists against the model,\n"
            "               %s batches against single steps\n",
            COUNT(s->steps), COUNT(s->checks), COUNT(s->pages), COUNT(s->lists),
            COUNT(s->rebatched));
    if (cfg->scenario) {
        fprintf(out, "  scenario     %s of %s events happened\n", COUNT(c->events),
                COUNT(cfg->scenario->events_len));
    }
    if (cfg->faults && (cfg->scenario == NULL || cfg->scenario->cruel)) {
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

static void add_counts(swarm_counts *sum, const swarm_counts *c)
{
    sum->commands += c->commands;
    sum->succeeded += c->succeeded;
    sum->timeouts += c->timeouts;
    sum->cancelled += c->cancelled;
    sum->logins += c->logins;
    sum->refusals += c->refusals;
    sum->put_offs += c->put_offs;
    sum->losses += c->losses;
    sum->resets += c->resets;
    sum->rekeys += c->rekeys;
    sum->repairs += c->repairs;
    sum->fetches += c->fetches;
    sum->fetched += c->fetched;
    sum->fetch_bytes += c->fetch_bytes;
    for (unsigned e = 0; e < SWARM_ERRORS; e++) {
        sum->fetch_errors[e] += c->fetch_errors[e];
    }
    sum->events += c->events;
    sum->healings += c->healings;
    swarm_worst(&sum->worst_heal_us, c->worst_heal_us);
    swarm_worst(&sum->worst_login_us, c->worst_login_us);
    swarm_worst(&sum->worst_return_us, c->worst_return_us);
    swarm_worst(&sum->worst_fetch_us, c->worst_fetch_us);
    swarm_worst(&sum->worst_list_us, c->worst_list_us);
}

static void add_datagrams(ps_sim_stats *sum, const ps_sim_stats *n)
{
    sum->sent += n->sent;
    sum->delivered += n->delivered;
    sum->lost += n->lost;
    sum->burst_lost += n->burst_lost;
    sum->cut += n->cut;
    sum->unreachable += n->unreachable;
    sum->link_full += n->link_full;
    sum->queue_full += n->queue_full;
    sum->forwarded += n->forwarded;
    sum->nat_blocked += n->nat_blocked;
    sum->nat_full += n->nat_full;
    sum->duplicated += n->duplicated;
    sum->reordered += n->reordered;
    sum->truncated += n->truncated;
    sum->corrupted += n->corrupted;
    sum->streams += n->streams;
    sum->resets += n->resets;
    sum->stream_bytes += n->stream_bytes;
}

void report_add(report_sum *sum, uint64_t seed, const swarm *s, uint64_t real_us)
{
    const swarm_counts *c = &s->counts;
    if (sum->swarms == 0 || permille(c) < sum->least_permille) {
        sum->least_permille = permille(c);
        sum->least_seed = seed;
    }
    if (sum->swarms == 0 || c->worst_heal_us > sum->counts.worst_heal_us) {
        sum->worst_heal_seed = seed;
    }
    sum->swarms++;
    add_counts(&sum->counts, c);
    add_datagrams(&sum->sim, &s->sim);
    sum->steps += s->steps;
    sum->real_us += real_us;
    for (int f = 0; f < FAULT_COUNT; f++) {
        sum->faults[f] += s->faults.counts[f];
    }
}

void report_total(FILE *out, const report_sum *sum)
{
    char took[PS_FORMAT_SPAN_BYTES];
    const swarm_counts *c = &sum->counts;
    const uint64_t mean = permille(c);
    fprintf(out, "%s swarms: %s commands, %s steps checked, in %s\n", COUNT(sum->swarms),
            COUNT(c->commands), COUNT(sum->steps), ps_format_duration(took, sum->real_us));
    fprintf(out,
            "  succeeded    %" PRIu64 ".%" PRIu64 " %%; the fewest %" PRIu64 ".%" PRIu64
            " %%, of seed %" PRIu64 "\n",
            mean / 10, mean % 10, sum->least_permille / 10, sum->least_permille % 10,
            sum->least_seed);
    fprintf(out, "  healings     %s, the slowest took %s, of seed %" PRIu64 "\n",
            COUNT(c->healings), SECONDS(c->worst_heal_us), sum->worst_heal_seed);
    print_worst(out, c);
    print_fetches(out, c);
    print_datagrams(out, &sum->sim);
    print_faults(out, sum->faults);
}

/* So many that one kind of them can hardly have been left out by chance: (1 - 1 / 27)^(27 * 40) is
 * one in 10^17. Some cannot begin when they are drawn. */
#define FAULTS_ENOUGH   (UINT64_C(40) * FAULT_COUNT)
#define COMMANDS_ENOUGH 1000u
#define LEAST_PERMILLE  300u

bool report_cruel_enough(FILE *out, const report_sum *sum, uint32_t peers)
{
    uint64_t all = 0;
    bool good = true;
    for (int f = 0; f < FAULT_COUNT; f++) {
        all += sum->faults[f];
    }
    for (int f = 0; f < FAULT_COUNT && all >= FAULTS_ENOUGH; f++) {
        const bool possible = f != FAULT_SECOND_DEVICE || peers >= SWARM_SECOND_DEVICES;
        if (sum->faults[f] == 0 && possible) {
            fprintf(out, "peersync-sim: not cruel enough: of %s faults none was: %s\n", COUNT(all),
                    fault_text((fault)f));
            good = false;
        }
    }
    if (sum->counts.commands >= COMMANDS_ENOUGH && permille(&sum->counts) < LEAST_PERMILLE) {
        fprintf(out,
                "peersync-sim: nothing got through: fewer than %u %% of the commands "
                "succeeded\n",
                LEAST_PERMILLE / 10);
        good = false;
    }
    return good;
}

/* (In milliseconds: an hour's work of a thousand peers would overflow otherwise.) */
void report_speed(FILE *out, uint64_t peer_us, uint64_t packets, uint64_t cpu_us)
{
    const uint64_t cpu_ms = cpu_us / 1000 + 1;
    const uint64_t tenths = peer_us / 360000 / cpu_ms; /* Of peer-hours a second. */
    fprintf(out, "%" PRIu64 ".%" PRIu64 " peer-hours and %s datagrams a second of the processor\n",
            tenths / 10, tenths % 10, COUNT(packets * 1000 / cpu_ms));
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
