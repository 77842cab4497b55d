#include "trial.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

/* How a fault's line begins, among all that a swarm says: no text does. */
#define FAULT_LINE '\001'

/* ---- in the child ---- */

static void on_fault(void *ctx, const swarm *s, fault f)
{
    (void)ctx;
    fprintf(stderr, "%c%" PRIu32 " %" PRIu64 " %d %s\n", FAULT_LINE, s->faults.number,
            world_now_us(s->w), (int)f, s->faults.about);
}

_Noreturn static void child(const swarm_config *cfg, uint64_t cpu_s, const int ends[2])
{
    const struct rlimit none = {0, 0};
    const struct rlimit cpu = {cpu_s, cpu_s};
    swarm_config own = *cfg;
    own.progress = NULL;
    own.ended = NULL;
    own.run = NULL;
    own.born = NULL;
    own.failing = NULL;
    own.repeat = NULL;
    own.fault = on_fault;
    (void)dup2(ends[1], STDERR_FILENO);
    (void)close(ends[0]);
    (void)close(ends[1]);
    (void)setrlimit(RLIMIT_CORE, &none);
    (void)setrlimit(RLIMIT_CPU, &cpu);
    (void)swarm_run(&own);
    _exit(0);
}

/* ---- in the parent ---- */

/* A number, and where it ends. */
static bool take_number(const char **text, uint64_t *to)
{
    char *end;
    *to = strtoull(*text, &end, 10);
    const bool any = end != *text;
    *text = end;
    return any;
}

static bool add_fault(trial *t, const char *line)
{
    trial_fault f = {.number = 0};
    uint64_t number, kind;
    if (!take_number(&line, &number) || !take_number(&line, &f.at_us) ||
        !take_number(&line, &kind) || kind >= FAULT_COUNT) {
        return true;
    }
    line += strspn(line, " ");
    f.number = (uint32_t)number;
    if (t->faults_len == t->faults_cap) {
        const size_t cap = t->faults_cap > 0 ? 2 * t->faults_cap : 64;
        trial_fault *more = realloc(t->faults, cap * sizeof *more);
        if (more == NULL) {
            return false;
        }
        t->faults = more;
        t->faults_cap = cap;
    }
    f.kind = (fault)kind;
    (void)snprintf(f.about, sizeof f.about, "%.*s", (int)strcspn(line, "\n"), line);
    t->faults[t->faults_len++] = f;
    return true;
}

/* "12.345678 s". */
static void take_time(trial *t, const char *at)
{
    uint64_t seconds, micros;
    if (!take_number(&at, &seconds) || *at != '.') {
        return;
    }
    at++;
    if (take_number(&at, &micros)) {
        t->failed_us = seconds * 1000000 + micros;
    }
}

/* "file.c:12: does not hold: what", without the folders; "at 12.345678 s". */
static void read_words(trial *t, const char *line)
{
    const char *what = strstr(line, ": does not hold: ");
    const char *at = strstr(line, ", at ");
    if (what != NULL && t->place[0] == '\0') {
        const char *from = what;
        while (from > line && from[-1] != '/') {
            from--;
        }
        (void)snprintf(t->place, sizeof t->place, "%.*s", (int)strcspn(from, "\n"), from);
    }
    if (at != NULL) {
        take_time(t, at + strlen(", at "));
    }
    const size_t len = strlen(line);
    const size_t room = sizeof t->said - 1 - t->said_len;
    const size_t n = len < room ? len : room;
    memcpy(t->said + t->said_len, line, n);
    t->said_len += n;
    t->said[t->said_len] = '\0';
}

static bool listen_to(int fd, trial *t)
{
    FILE *in = fdopen(fd, "r");
    char *line = NULL;
    size_t cap = 0;
    bool good = in != NULL;
    if (in == NULL) {
        (void)close(fd);
        return false;
    }
    while (getline(&line, &cap, in) > 0) {
        if (line[0] == FAULT_LINE) {
            good = add_fault(t, line + 1) && good;
        } else {
            read_words(t, line);
        }
    }
    free(line);
    (void)fclose(in);
    return good;
}

bool trial_run(const swarm_config *cfg, uint64_t cpu_s, trial *t)
{
    int ends[2];
    int status = 0;
    *t = (trial){.failed = false};
    if (pipe(ends) != 0) {
        return false;
    }
    fflush(NULL);
    const pid_t pid = fork();
    if (pid == 0) {
        child(cfg, cpu_s, ends);
    }
    (void)close(ends[1]);
    if (pid < 0) {
        (void)close(ends[0]);
        return false;
    }
    const bool good = listen_to(ends[0], t);
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR) {
    }
    /* Who ran out of time, or was killed, has not failed. */
    const int sig = WIFSIGNALED(status) ? WTERMSIG(status) : 0;
    t->failed = sig != 0 && sig != SIGXCPU && sig != SIGKILL && sig != SIGTERM && sig != SIGINT;
    if (t->failed && t->place[0] == '\0') {
        (void)snprintf(t->place, sizeof t->place, "an assertion of the core, or a crash (%s)",
                       strsignal(sig));
    }
    return good;
}

void trial_free(trial *t)
{
    free(t->faults);
    *t = (trial){.failed = false};
}
