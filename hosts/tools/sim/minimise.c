#include "minimise.h"

#include "shorten.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#define S UINT64_C(1000000)
/* Of the first trial. The others take no longer than that, or they do not fail. */
#define FIRST_CPU_S UINT64_C(86400)

typedef struct hunt {
    minimised *best;
    FILE *progress;
    uint64_t begin_us; /* The network's time at which a swarm begins. */
    uint64_t cpu_s;
    bool broken;
} hunt;

/* Work of the children that have ended. */
static uint64_t children_cpu_s(void)
{
    struct rusage used;
    (void)getrusage(RUSAGE_CHILDREN, &used);
    return (uint64_t)used.ru_utime.tv_sec + (uint64_t)used.ru_stime.tv_sec;
}

static void tell(const hunt *h, const swarm_config *cfg, size_t faults_len, bool failed)
{
    if (h->progress) {
        fprintf(h->progress, "%4" PRIu32 "  %4" PRIu32 " peers  %6" PRIu64 " s  %4zu faults  %s\n",
                h->best->trials, cfg->peers, cfg->length_us / S, faults_len,
                failed ? "fails" : "does not fail so");
        fflush(h->progress);
    }
}

/* Not past the second of the failure: nothing behind it can matter. */
static void cut_time(const hunt *h, swarm_config *cfg, const trial *t)
{
    const uint64_t us = ((t->failed_us - h->begin_us) / S + 1) * S;
    if (t->failed_us > h->begin_us && us < cfg->length_us) {
        cfg->length_us = us;
    }
}

/* One swarm. When it fails as the best does, it becomes the best. */
static bool attempt(hunt *h, const swarm_config *cfg, size_t faults_len)
{
    trial t;
    minimised *best = h->best;
    if (h->broken) {
        return false;
    }
    h->broken = !trial_run(cfg, h->cpu_s, &t);
    best->trials++;
    const bool same = !h->broken && t.failed && strcmp(t.place, best->trial.place) == 0;
    tell(h, cfg, faults_len, same);
    selection left_out;
    if (!same || !selection_copy(&left_out, &cfg->left_out)) {
        trial_free(&t);
        return false;
    }
    trial_free(&best->trial);
    selection_free(&best->cfg.left_out);
    best->cfg = *cfg;
    best->cfg.left_out = left_out;
    best->trial = t;
    cut_time(h, &best->cfg, &best->trial);
    return true;
}

static bool with_only(void *ctx, const uint32_t numbers[], size_t len)
{
    hunt *h = ctx;
    swarm_config cfg = h->best->cfg;
    cfg.left_out = (selection){.rest = true};
    bool good = true;
    for (size_t i = 0; i < len; i++) {
        good = good && selection_set(&cfg.left_out, numbers[i], false);
    }
    const bool failed = good && attempt(h, &cfg, len);
    selection_free(&cfg.left_out);
    return failed;
}

/* Of the faults that began, those that matter. */
static void fewer_faults(hunt *h)
{
    const size_t len = h->best->trial.faults_len;
    uint32_t *numbers = calloc(len + 1, sizeof *numbers);
    if (numbers == NULL) {
        h->broken = true;
        return;
    }
    for (size_t i = 0; i < len; i++) {
        numbers[i] = h->best->trial.faults[i].number;
    }
    if (h->best->cfg.faults) {
        (void)shorten(numbers, len, with_only, h);
    }
    free(numbers);
}

/* Half of it, again and again; then a quarter less. */
static void less_time(hunt *h)
{
    for (uint64_t part = 2; part <= 4; part += 2) {
        swarm_config cfg = h->best->cfg;
        cfg.length_us = (cfg.length_us - cfg.length_us / part) / S * S;
        while (cfg.length_us >= S && cfg.length_us < h->best->cfg.length_us &&
               attempt(h, &cfg, h->best->trial.faults_len)) {
            cfg = h->best->cfg;
            cfg.length_us = (cfg.length_us - cfg.length_us / part) / S * S;
        }
    }
}

static bool fewer_peers(hunt *h)
{
    bool any = false;
    for (uint32_t part = 2; part <= 8; part *= 2) {
        swarm_config cfg = h->best->cfg;
        cfg.peers -= (cfg.peers + part - 1) / part;
        while (cfg.peers >= 1 && attempt(h, &cfg, h->best->trial.faults_len)) {
            any = true;
            cfg = h->best->cfg;
            cfg.peers -= (cfg.peers + part - 1) / part;
        }
    }
    return any;
}

int minimise(const swarm_config *cfg, FILE *progress, minimised *out)
{
    hunt h = {.best = out, .progress = progress, .begin_us = S, .cpu_s = FIRST_CPU_S};
    const uint64_t before_s = children_cpu_s();
    *out = (minimised){.cfg = *cfg, .trials = 1};
    if (!selection_copy(&out->cfg.left_out, &cfg->left_out) ||
        !trial_run(cfg, FIRST_CPU_S, &out->trial)) {
        return -1;
    }
    out->faults_at_first = out->trial.faults_len;
    tell(&h, cfg, out->faults_at_first, out->trial.failed);
    if (!out->trial.failed) {
        return 0;
    }
    h.cpu_s = 10 + 4 * (children_cpu_s() - before_s);
    swarm_config shorter = out->cfg;
    cut_time(&h, &shorter, &out->trial);
    (void)attempt(&h, &shorter, out->faults_at_first);
    fewer_faults(&h);
    less_time(&h);
    if (fewer_peers(&h)) {
        fewer_faults(&h);
        less_time(&h);
    }
    return h.broken ? -1 : 1;
}

void minimised_free(minimised *m)
{
    selection_free(&m->cfg.left_out);
    trial_free(&m->trial);
}

void minimise_report(FILE *out, const minimised *m, const char *repeat)
{
    const trial *t = &m->trial;
    fprintf(out, "%" PRIu32 " swarms were run. What is left of %zu faults:\n", m->trials,
            m->faults_at_first);
    fprintf(out, "%12s  %5s  %s\n", "at", "fault", "what");
    for (size_t i = 0; i < t->faults_len; i++) {
        const trial_fault *f = &t->faults[i];
        fprintf(out, "%4" PRIu64 ".%06" PRIu64 " s  %5" PRIu32 "  %s%s%s\n", f->at_us / S,
                f->at_us % S, f->number, fault_text(f->kind), f->about[0] ? ": " : "", f->about);
    }
    if (t->faults_len == 0) {
        fprintf(out, "%12s  it fails without any\n", "");
    }
    if (t->failed_us > 0) {
        fprintf(out, "%4" PRIu64 ".%06" PRIu64 " s  %5s  ", t->failed_us / S, t->failed_us % S, "");
    }
    fprintf(out, "%s\nrepeat with: %s\n", t->place, repeat);
}
