/* peersync-sim: a swarm under faults, many of them, or a story; see --help. */
#include "journals.h"
#include "minimise.h"
#include "options.h"
#include "report.h"

#include "common/exit_codes.h"
#include "common/text.h"

#include <string.h>
#include <time.h>
#include <unistd.h>

#define S UINT64_C(1000000)
/* Virtual seconds in a real one, of a swarm that is watched. */
#define SWARM_SPEED 60u
/* Nothing failed, but too little was tried. */
#define EXIT_TOO_KIND 1

static uint64_t real_us(void)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * S + (uint64_t)t.tv_nsec / 1000;
}

static uint64_t cpu_us(void)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (uint64_t)t.tv_sec * S + (uint64_t)t.tv_nsec / 1000;
}

static int finish(void)
{
    if (fflush(stdout) != 0 || ferror(stdout)) {
        perror("peersync-sim: standard output");
        return PS_EXIT_LOCAL_FILE;
    }
    return PS_EXIT_DONE;
}

static int tell_story(const sim_options *o)
{
    char repeat[SIM_REPEAT_BYTES];
    sim_options_repeat(o, o->swarm.seed, repeat);
    const story_config cfg = {
        .seed = o->swarm.seed,
        .batch = o->swarm.batch,
        .repeat = repeat,
        .show = show_new(o->watch ? show_mode_of_stdout() : SHOW_NOTHING, o->story->name, S),
        .summary = o->quiet ? NULL : stdout,
    };
    o->story->tell(&cfg);
    show_free(cfg.show);
    return finish();
}

static int run_many(const sim_options *o)
{
    static report_sum sum;
    swarm_config cfg = o->swarm;
    const bool lines = !o->quiet && !o->json;
    if (lines) {
        report_head(stdout);
    }
    for (uint64_t k = 0; k < o->seeds; k++, cfg.seed++) {
        char repeat[SIM_REPEAT_BYTES];
        sim_options_repeat(o, cfg.seed, repeat);
        cfg.repeat = repeat;
        fflush(stdout); /* A failure ends the program: what was said stays said. */
        const uint64_t begun_us = real_us();
        const swarm s = swarm_run(&cfg);
        const uint64_t took_us = real_us() - begun_us;
        report_add(&sum, cfg.seed, &s, took_us);
        if (lines) {
            report_line(stdout, cfg.seed, &s, took_us);
        } else if (o->json) {
            report_json(stdout, &cfg, o->file, cfg.seed, &s);
        }
    }
    if (o->json) {
        report_json_total(stdout, &sum);
    } else {
        report_total(stdout, &sum);
    }
    const int code = finish();
    if (!o->quiet) {
        report_speed(stderr, sum.swarms * cfg.peers * cfg.length_us, sum.sim.sent, cpu_us());
    }
    /* A run whose faults were chosen by hand can miss some. */
    const bool all = cfg.faults && !cfg.scenario && cfg.left_out.len == 0 && !cfg.left_out.rest;
    const bool enough = !all || report_cruel_enough(stderr, &sum, cfg.peers);
    return code != PS_EXIT_DONE || enough ? code : EXIT_TOO_KIND;
}

/* ---- one swarm ---- */

typedef struct watched {
    show *show;
    uint64_t begun_us;
    uint64_t faults[FAULT_COUNT]; /* That had begun when it was looked last. */
    char caption[128];
} watched;

static void on_progress(void *ctx, const swarm *s)
{
    const watched *w = ctx;
    report_progress(stderr, s, real_us() - w->begun_us);
}

static void on_ended(void *ctx, const world_command *c)
{
    show_ended(((watched *)ctx)->show, c);
}

static void on_run(void *ctx, const swarm *s, uint64_t us)
{
    watched *w = ctx;
    for (int f = 0; f < FAULT_COUNT; f++) {
        if (s->faults.counts[f] != w->faults[f]) {
            (void)snprintf(w->caption, sizeof w->caption, "The last fault: %s.",
                           fault_text((fault)f));
            show_caption(w->show, w->caption);
        }
    }
    memcpy(w->faults, s->faults.counts, sizeof w->faults);
    if (s->quiet) {
        show_caption(w->show, "All is mended: everything must come right within six seconds.");
    }
    show_run(w->show, s->w, us);
}

static bool keep_journals(const sim_options *o, swarm_config *cfg)
{
    char why[256];
    char safe[512];
    if (o->journal == NULL) {
        return true;
    }
    journals *j = journals_open(o->journal, cfg->peers, why, sizeof why);
    if (j == NULL) {
        ps_text_safe_string(safe, sizeof safe, o->journal);
        fprintf(stderr, "peersync-sim: --journal %s: %s\n", safe, why);
        return false;
    }
    cfg->born = journals_born;
    cfg->failing = journals_failing;
    cfg->host = j;
    return true;
}

static int run_one(const sim_options *o)
{
    char repeat[SIM_REPEAT_BYTES];
    watched w = {.begun_us = real_us()};
    swarm_config cfg = o->swarm;
    sim_options_repeat(o, cfg.seed, repeat);
    cfg.repeat = repeat;
    cfg.ctx = &w;
    if (!keep_journals(o, &cfg)) {
        return PS_EXIT_LOCAL_FILE;
    }
    const bool progress = !o->watch && !o->quiet && isatty(STDERR_FILENO);
    if (o->watch) {
        w.show = show_new(show_mode_of_stdout(), cfg.faults ? "swarm" : "storm", 60 * S);
        show_caption(w.show, "Everybody comes.");
        show_speed(w.show, SWARM_SPEED, 1);
        cfg.run = on_run;
        cfg.ended = on_ended;
    } else if (progress) {
        cfg.progress = on_progress;
    }
    const swarm s = swarm_run(&cfg);
    if (w.show) {
        show_free(w.show);
    } else if (progress) {
        report_progress_end(stderr);
    }
    if (o->json) {
        report_json(stdout, &cfg, o->file, cfg.seed, &s);
    } else if (!o->quiet) {
        report_swarm(stdout, &cfg, &s);
    }
    fflush(stdout);
    if (!o->quiet && !o->watch) {
        report_speed(stderr, cfg.peers * cfg.length_us, s.sim.sent, cpu_us());
    }
    return journals_close(cfg.host) ? finish() : PS_EXIT_LOCAL_FILE;
}

/* A failure found and made smaller is what was wanted: then all is well. */
static int shorten_failure(const sim_options *o)
{
    char repeat[SIM_REPEAT_BYTES];
    minimised m;
    const int found = minimise(&o->swarm, o->quiet ? NULL : stderr, &m);
    if (found < 0) {
        perror("peersync-sim: --minimise");
    } else if (found == 0) {
        printf("nothing fails: all of it held\n");
    } else {
        sim_swarm_repeat(&m.cfg, m.cfg.seed, repeat);
        minimise_report(stdout, &m, repeat);
    }
    minimised_free(&m);
    return found < 0 ? PS_EXIT_LOCAL_FILE : finish();
}

int main(int argc, char **argv)
{
    sim_options o;
    const int code = sim_options_read(argc, argv, &o);
    if (code >= 0) {
        return code;
    }
    if (o.story) {
        return tell_story(&o);
    }
    const int ended = o.minimise ? shorten_failure(&o) : o.seeds > 0 ? run_many(&o) : run_one(&o);
    sim_options_free(&o);
    return ended;
}
