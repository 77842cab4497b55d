#define _POSIX_C_SOURCE 200809L

#include "canary_nets.h"

#include "exhaustive.h"
#include "liars.h"
#include "swarm.h"
#include "util/canary.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define SEEDS 24u
#define S     UINT64_C(1000000)
/* Of a trial: what takes longer was not caught. */
#define TRIAL_S 120u
/* Choices on a path, and one more where files come and go: other nets find what lies deeper. */
#define DEPTH 4u

double canary_seconds(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* ---- trials ---- */

typedef struct trial {
    int bug;
    uint64_t seed;
    const char *program, *name; /* Of a unit test. */
} trial;

/* Runs it in a child. @return how that ended; `said` has what it told on stderr. */
static int try_it(void (*run)(const trial *t), const trial *t, char *said, size_t cap)
{
    int ends[2];
    if (pipe(ends) != 0) {
        abort();
    }
    fflush(NULL);
    const pid_t child = fork();
    if (child == 0) {
        dup2(ends[1], STDERR_FILENO);
        close(ends[0]);
        close(ends[1]);
        alarm(TRIAL_S);
        run(t);
        _exit(0);
    }
    close(ends[1]);
    size_t len = 0;
    char rest[4096];
    ssize_t n;
    while ((n = read(ends[0], rest, sizeof rest)) > 0) {
        const size_t taken = (size_t)n < cap - 1 - len ? (size_t)n : cap - 1 - len;
        memcpy(said + len, rest, taken);
        len += taken;
    }
    said[len] = '\0';
    close(ends[0]);
    int status = 0;
    waitpid(child, &status, 0);
    return status;
}

/* By a check of ours, or an assertion of the core's; what ran out of time was not caught. */
static bool ended_itself(int status)
{
    return WIFSIGNALED(status) && (WTERMSIG(status) == SIGABRT || WTERMSIG(status) == SIGILL ||
                                   WTERMSIG(status) == SIGTRAP);
}

static char said[65536];

/* ---- unit tests ---- */

static void run_unit(const trial *t)
{
    const int null = open("/dev/null", O_WRONLY);
    setenv("PEERSYNC_CANARY", t->name, 1);
    dup2(null, STDOUT_FILENO);
    dup2(null, STDERR_FILENO);
    execl(t->program, t->program, (char *)NULL);
    _exit(0); /* What cannot be run catches nothing. */
}

static bool unit_fails(const char *program, const char *name)
{
    const trial t = {.program = program, .name = name};
    const int status = try_it(run_unit, &t, said, sizeof said);
    return ended_itself(status) || (WIFSIGNALED(status) && WTERMSIG(status) == SIGSEGV) ||
           (WIFEXITED(status) && WEXITSTATUS(status) != 0);
}

void canary_units(const char *folder, const char *name, char *const programs[], size_t len,
                  canary_catch *c)
{
    char prefix[64];
    (void)snprintf(prefix, sizeof prefix, "test_%s", folder);
    for (size_t i = 0; i < len && !c->caught; i++) {
        const char *slash = strrchr(programs[i], '/');
        const char *base = slash != NULL ? slash + 1 : programs[i];
        if (strncmp(base, prefix, strlen(prefix)) != 0) {
            continue;
        }
        const double from_s = canary_seconds();
        if (unit_fails(programs[i], name) && !unit_fails(programs[i], "NONE")) {
            c->caught = true;
            (void)snprintf(c->by, sizeof c->by, "%s", base + strlen("test_"));
            (void)snprintf(c->soon, sizeof c->soon, "%.2f s", canary_seconds() - from_s);
        }
    }
}

/* ---- the exhaustive search ---- */

static void search(const ex_scene *scene, uint32_t depth)
{
    ex x;
    const ex_limits limits = {
        .depth = depth, .faults = 2, .heal_every = 96, .memory = (size_t)4 << 20};
    ex_init(&x, scene, 6);
    (void)ex_search(&x, &limits);
    ex_free(&x);
}

static void run_exhaustive(const trial *t)
{
    ps_canary = (ps_canary_name)t->bug;
    for (uint32_t depth = 1; depth <= DEPTH; depth++) {
        for (size_t i = 0; i < ex_scenes_len; i++) {
            search(&ex_scenes[i], depth);
        }
    }
    search(ex_scene_of("log"), DEPTH + 1);
}

void canary_exhaustive(int bug, canary_catch *c)
{
    const trial t = {.bug = bug};
    const int status = try_it(run_exhaustive, &t, said, sizeof said);
    c->caught = ended_itself(status);
    const char *scene = strstr(said, ", scene ");
    const char *after = scene != NULL ? strstr(scene, ", after ") : NULL;
    if (c->caught && after != NULL) {
        scene += strlen(", scene ");
        (void)snprintf(c->by, sizeof c->by, "%.*s", (int)(after - scene), scene);
        (void)snprintf(c->soon, sizeof c->soon, "%.*s", (int)strcspn(after + 8, "\n"), after + 8);
    } else if (c->caught) {
        (void)snprintf(c->by, sizeof c->by, "assertion in the core");
    }
}

/* ---- liars ---- */

static void run_liars(const trial *t)
{
    ps_canary = (ps_canary_name)t->bug;
    liars_run(t->seed);
}

void canary_liars(int bug, canary_catch *c)
{
    const trial t = {.bug = bug, .seed = 1};
    const double from_s = canary_seconds();
    c->caught = ended_itself(try_it(run_liars, &t, said, sizeof said));
    if (c->caught) {
        (void)snprintf(c->by, sizeof c->by, "liars");
        (void)snprintf(c->soon, sizeof c->soon, "%.2f s", canary_seconds() - from_s);
    }
}

/* ---- swarms ---- */

static void run_swarm(const trial *t)
{
    swarm_config cfg;
    swarm_config_default(&cfg);
    cfg.seed = t->seed;
    cfg.peers = 20;
    cfg.check_every = 8;
    cfg.length_us = 1200 * S;
    cfg.cruel_us = 200 * S;
    ps_canary = (ps_canary_name)t->bug;
    (void)swarm_run(&cfg);
}

static bool swarm_fails(int bug, uint64_t seed)
{
    const trial t = {.bug = bug, .seed = seed};
    return ended_itself(try_it(run_swarm, &t, said, sizeof said));
}

/* Without the bug, the same swarm ends well: it was the bug that was caught. */
static bool sound_without(uint64_t seed)
{
    static bool known[SEEDS + 1];
    known[seed] = known[seed] || !swarm_fails(PS_CANARY_NONE, seed);
    return known[seed];
}

/* Which net it was, from the file that speaks. */
static const char *net_of(void)
{
    static const struct {
        const char *word, *net;
    } nets[] = {
        {"check breaks", "invariants of the tables"},
        {"same_output", "batch against single steps"},
        {"copy.out", "batch against single steps"},
        {"proof.c", "no amplifier"},
        {"model_lists", "model: lists"},
        {"model_tickets", "model: tickets"},
        {"model", "model: answers"},
        {"ROUNDS_MAX", "work without end"},
        {"last->published", "durability"},
        {"world_streams", "downloads"},
        {"swarm_fetch", "downloads"},
        {"world_peer", "a peer's events"},
        {"swarm.c", "liveness after healing"},
        {"swarm_heal.c", "liveness after healing"},
    };
    for (size_t i = 0; i < sizeof nets / sizeof nets[0]; i++) {
        if (strstr(said, nets[i].word) != NULL) {
            return nets[i].net;
        }
    }
    return said[0] == '\0' ? "assertion in the core" : "bounds of a step";
}

bool canary_swarms(int bug, canary_catch *c, const char **told)
{
    uint64_t seed = 1;
    while (seed <= SEEDS && !swarm_fails(bug, seed)) {
        seed++;
    }
    if (seed > SEEDS) {
        return true;
    }
    c->caught = true;
    /* "at 123.456789 s" of the failure's lines. */
    const char *at = strstr(said, ", at ");
    const char *end = at != NULL ? strstr(at, " s\n") : NULL;
    (void)snprintf(c->by, sizeof c->by, "%s", net_of());
    (void)snprintf(c->soon, sizeof c->soon, "%u: %.*s s", (unsigned)seed,
                   end != NULL ? (int)(end - at - 5) : 1, end != NULL ? at + 5 : "?");
    *told = said;
    return sound_without(seed);
}
