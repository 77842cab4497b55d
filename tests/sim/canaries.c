/* Every canary (core/util/canary.h) is caught: swarms of growing seeds run with one bug awake, each
 * in a process of its own, until one ends. Prints which net caught it, and how soon. Without a bug
 * the same swarms must not end so. Built with PEERSYNC_CANARIES. */
#define _POSIX_C_SOURCE 200809L

#include "liars.h"
#include "swarm.h"
#include "util/canary.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define SEEDS 24u
#define S     UINT64_C(1000000)

static void config(swarm_config *cfg, uint64_t seed)
{
    swarm_config_default(cfg);
    cfg->seed = seed;
    cfg->peers = 20;
    cfg->check_every = 8;
    cfg->length_us = 1200 * S;
    cfg->cruel_us = 200 * S;
}

/* One swarm in a child. @return true when it ended itself; `said` has what it told. */
static bool caught(int bug, uint64_t seed, char *said, size_t cap)
{
    int ends[2];
    if (pipe(ends) != 0) {
        abort();
    }
    fflush(NULL);
    const pid_t child = fork();
    if (child == 0) {
        swarm_config cfg;
        dup2(ends[1], STDERR_FILENO);
        close(ends[0]);
        close(ends[1]);
        config(&cfg, seed);
        ps_canary = (ps_canary_name)bug;
        alarm(120);
        liars_run(seed);
        (void)swarm_run(&cfg);
        _exit(0);
    }
    close(ends[1]);
    size_t len = 0;
    ssize_t n;
    while ((n = read(ends[0], said + len, cap - 1 - len)) > 0) {
        len += (size_t)n;
    }
    said[len] = '\0';
    close(ends[0]);
    int status = 0;
    waitpid(child, &status, 0);
    /* By a check of ours, or an assertion of the core's; what ran out of time was not caught. */
    return WIFSIGNALED(status) && (WTERMSIG(status) == SIGABRT || WTERMSIG(status) == SIGILL ||
                                   WTERMSIG(status) == SIGTRAP);
}

/* Without the bug, the same swarm ends well: it was the bug that was caught. */
static bool sound_without(uint64_t seed)
{
    static char said[65536];
    static bool known[SEEDS + 1];
    known[seed] = known[seed] || !caught(PS_CANARY_NONE, seed, said, sizeof said);
    return known[seed];
}

/* Which net it was, from the file that speaks. */
static const char *net_of(const char *said)
{
    if (strstr(said, "check breaks") != NULL) {
        return "invariants of the tables";
    }
    if (strstr(said, "same_output") != NULL || strstr(said, "copy.out") != NULL) {
        return "batch against single steps";
    }
    if (strstr(said, "proof.c") != NULL) {
        return "no amplifier";
    }
    if (strstr(said, "model_lists") != NULL) {
        return "model: lists";
    }
    if (strstr(said, "model_tickets") != NULL) {
        return "model: tickets";
    }
    if (strstr(said, "model") != NULL) {
        return "model: answers";
    }
    if (strstr(said, "ROUNDS_MAX") != NULL) {
        return "work without end";
    }
    if (strstr(said, "last->published") != NULL) {
        return "durability";
    }
    if (strstr(said, "liars.c") != NULL || strstr(said, "xfer.c") != NULL) {
        return "liars";
    }
    if (strstr(said, "world_streams") != NULL || strstr(said, "swarm_fetch") != NULL) {
        return "downloads";
    }
    if (strstr(said, "world_peer") != NULL) {
        return "a peer's events";
    }
    if (strstr(said, "swarm.c") != NULL || strstr(said, "swarm_heal.c") != NULL) {
        return "liveness after healing";
    }
    return said[0] == '\0' ? "assertion in the core" : "bounds of a step";
}

/* "at 123.456789 s" of the failure's lines, or "". */
static void time_of(const char *said, char *out, size_t cap)
{
    const char *at = strstr(said, ", at ");
    const char *end = at != NULL ? strstr(at, " s\n") : NULL;
    (void)snprintf(out, cap, "%.*s", at != NULL && end != NULL ? (int)(end - at - 5) : 0,
                   at != NULL ? at + 5 : "");
}

static double now_s(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

int main(void)
{
    static const char *const names[] = {"",
#define NAME(name, what) #name,
                                        PS_CANARY_LIST(NAME)
#undef NAME
    };
    static char said[65536];
    int survivors = 0;
    printf("%-22s %-28s %5s %14s %8s\n", "canary", "caught by", "seed", "virtual s", "real s");
    for (size_t bug = 1; bug < sizeof names / sizeof names[0]; bug++) {
        const double from_s = now_s();
        uint64_t seed = 1;
        char at[32];
        while (seed <= SEEDS && !caught((int)bug, seed, said, sizeof said)) {
            seed++;
        }
        if (seed > SEEDS) {
            printf("%-22s survived %u seeds\n", names[bug], SEEDS);
            survivors++;
            continue;
        }
        if (!sound_without(seed)) {
            printf("seed %u fails without a canary:\n%s", (unsigned)seed, said);
            return 1;
        }
        time_of(said, at, sizeof at);
        printf("%-22s %-28s %5u %14s %8.1f\n", names[bug], net_of(said), (unsigned)seed, at,
               now_s() - from_s);
        fflush(stdout);
    }
    printf("%zu canaries, %d survived\n", sizeof names / sizeof names[0] - 1, survivors);
    return survivors == 0 ? 0 : 1;
}
