/* The same for programs: one object a line, of keys that stay. */
#include "report.h"

#include "common/text.h"

#include <inttypes.h>
#include <string.h>

/* X(key, value): of a swarm, in the order in which they are printed. Times in microseconds. */
#define COUNTS(X)                                                                                  \
    X("commands", c->commands)                                                                     \
    X("commands_succeeded", c->succeeded)                                                          \
    X("commands_timed_out", c->timeouts)                                                           \
    X("commands_cancelled", c->cancelled)                                                          \
    X("logins", c->logins)                                                                         \
    X("refusals", c->refusals)                                                                     \
    X("put_off", c->put_offs)                                                                      \
    X("losses", c->losses)                                                                         \
    X("resets", c->resets)                                                                         \
    X("rekeys", c->rekeys)                                                                         \
    X("repairs", c->repairs)                                                                       \
    X("downloads", c->fetches)                                                                     \
    X("downloads_whole", c->fetched)                                                               \
    X("downloaded_bytes", c->fetch_bytes)                                                          \
    X("events", c->events)                                                                         \
    X("healings", c->healings)                                                                     \
    X("worst_heal_us", c->worst_heal_us)                                                           \
    X("worst_login_us", c->worst_login_us)                                                         \
    X("worst_return_us", c->worst_return_us)                                                       \
    X("worst_download_us", c->worst_fetch_us)                                                      \
    X("worst_list_us", c->worst_list_us)

#define PACKETS(X)                                                                                 \
    X("sent", n->sent)                                                                             \
    X("delivered", n->delivered)                                                                   \
    X("lost", n->lost)                                                                             \
    X("burst_lost", n->burst_lost)                                                                 \
    X("cut", n->cut)                                                                               \
    X("unreachable", n->unreachable)                                                               \
    X("link_full", n->link_full)                                                                   \
    X("queue_full", n->queue_full)                                                                 \
    X("nat_blocked", n->nat_blocked)                                                               \
    X("nat_full", n->nat_full)                                                                     \
    X("duplicated", n->duplicated)                                                                 \
    X("reordered", n->reordered)                                                                   \
    X("truncated", n->truncated)                                                                   \
    X("corrupted", n->corrupted)                                                                   \
    X("streams", n->streams)                                                                       \
    X("stream_resets", n->resets)                                                                  \
    X("stream_bytes", n->stream_bytes)

static void print_number(FILE *out, const char *key, uint64_t value)
{
    fprintf(out, ",\"%s\":%" PRIu64, key, value);
}

static void print_counts(FILE *out, const swarm_counts *c)
{
#define PRINT(key, value) print_number(out, (key), (value));
    COUNTS(PRINT)
#undef PRINT
}

static void print_packets(FILE *out, const ps_sim_stats *n)
{
    char begin = '{';
    fprintf(out, ",\"packets\":");
#define PRINT(key, value)                                                                          \
    fprintf(out, "%c\"%s\":%" PRIu64, begin, (key), (value));                                      \
    begin = ',';
    PACKETS(PRINT)
#undef PRINT
    fputc('}', out);
}

static void print_faults(FILE *out, const uint64_t counts[FAULT_COUNT])
{
    fprintf(out, ",\"faults\":");
    for (int f = 0; f < FAULT_COUNT; f++) {
        fprintf(out, "%c\"%s\":%" PRIu64, f == 0 ? '{' : ',', fault_words[f], counts[f]);
    }
    fputc('}', out);
}

static void print_errors(FILE *out, const uint64_t errors[SWARM_ERRORS])
{
    char begin = '{';
    fprintf(out, ",\"download_errors\":");
    for (unsigned e = 0; e < SWARM_ERRORS; e++) {
        if (errors[e] > 0) {
            fprintf(out, "%c\"%s\":%" PRIu64, begin, ps_error_name(e), errors[e]);
            begin = ',';
        }
    }
    fprintf(out, "%s", begin == '{' ? "{}" : "}");
}

void report_json(FILE *out, const swarm_config *cfg, const char *file, uint64_t seed,
                 const swarm *s)
{
    char name[1024];
    const char *mix = !cfg->faults                             ? "storm"
                      : cfg->scenario && !cfg->scenario->cruel ? "none"
                                                               : "cruel";
    fprintf(out, "{\"type\":\"swarm\",\"seed\":%" PRIu64, seed);
    if (file != NULL) {
        ps_text_json(name, sizeof name, (ps_span){(const uint8_t *)file, strlen(file)});
        fprintf(out, ",\"scenario\":\"%s\"", name);
    }
    fprintf(out, ",\"mix\":\"%s\"", mix);
    print_number(out, "peers", cfg->peers);
    print_number(out, "length_us", cfg->length_us);
    print_number(out, "batch", cfg->batch);
    print_counts(out, &s->counts);
    print_errors(out, s->counts.fetch_errors);
    print_packets(out, &s->sim);
    print_faults(out, s->faults.counts);
    print_number(out, "steps", s->steps);
    print_number(out, "table_walks", s->checks);
    print_number(out, "pages", s->pages);
    print_number(out, "lists", s->lists);
    print_number(out, "rebatched", s->rebatched);
    fprintf(out, ",\"hash\":\"%016" PRIx64 "\"}\n", s->hash);
}

void report_json_total(FILE *out, const report_sum *sum)
{
    fprintf(out, "{\"type\":\"sum\"");
    print_number(out, "swarms", sum->swarms);
    print_counts(out, &sum->counts);
    print_errors(out, sum->counts.fetch_errors);
    print_packets(out, &sum->sim);
    print_faults(out, sum->faults);
    print_number(out, "steps", sum->steps);
    print_number(out, "least_succeeded_permille", sum->least_permille);
    print_number(out, "least_succeeded_seed", sum->least_seed);
    print_number(out, "worst_heal_seed", sum->worst_heal_seed);
    fprintf(out, "}\n");
}
