#include "journals.h"

#include "common/exit_codes.h"
#include "common/journal_file.h"
#include "common/text.h"
#include "world.h"

#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>

typedef struct journal {
    ps_journal_file *file; /* Of the life it has; NULL: none yet. */
    uint32_t lives;
} journal;

struct journals {
    char dir[PATH_MAX];
    uint32_t peers;
    bool failed;
    journal list[]; /* The server's, then the peers'. */
};

/* For the signals by which assertions end a program. */
static journals *open_now;
static const int deadly[] = {SIGABRT, SIGILL, SIGTRAP, SIGSEGV, SIGBUS, SIGFPE};
#define DEADLY (sizeof deadly / sizeof deadly[0])

static void tell(const char *name, const char *why)
{
    char safe[512];
    ps_text_safe_string(safe, sizeof safe, name);
    fprintf(stderr, "peersync-sim: %s: %s\n", safe, why);
}

static void flush_all(journals *j)
{
    for (uint32_t i = 0; i <= j->peers; i++) {
        (void)ps_journal_file_flush(j->list[i].file);
    }
}

/* The handler is gone by then: the program ends as it would have without it. (Flushing only writes;
 * a step that has not ended is in no buffer yet.) */
static void on_deadly(int signal_number)
{
    if (open_now) {
        flush_all(open_now);
    }
    (void)raise(signal_number);
}

/* A file a peer stays open. */
static void allow_files(uint32_t peers)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < peers + 64) {
        limit.rlim_cur = limit.rlim_max < peers + 64 ? limit.rlim_max : peers + 64;
        (void)setrlimit(RLIMIT_NOFILE, &limit);
    }
}

journals *journals_open(const char *dir, uint32_t peers, char *why, size_t why_cap)
{
    journals *j = calloc(1, sizeof *j + (peers + 1) * sizeof(journal));
    if (j == NULL || strlen(dir) + 32 >= sizeof j->dir) {
        (void)snprintf(why, why_cap, "%s", strerror(j ? ENAMETOOLONG : errno));
        free(j);
        return NULL;
    }
    (void)snprintf(j->dir, sizeof j->dir, "%s", dir);
    j->peers = peers;
    if (mkdir(dir, S_IRWXU) != 0 && errno != EEXIST) {
        (void)snprintf(why, why_cap, "%s", strerror(errno));
        free(j);
        return NULL;
    }
    allow_files(peers);
    open_now = j;
    for (size_t i = 0; i < DEADLY; i++) {
        struct sigaction once = {.sa_handler = on_deadly, .sa_flags = (int)SA_RESETHAND};
        (void)sigaction(deadly[i], &once, NULL);
    }
    return j;
}

static void close_one(journals *j, journal *one, const char *name)
{
    const char *fault = ps_journal_file_close(one->file);
    one->file = NULL;
    if (fault != NULL) {
        tell(name, fault);
        j->failed = true;
    }
}

bool journals_close(journals *j)
{
    if (j == NULL) {
        return true;
    }
    open_now = NULL;
    for (uint32_t i = 0; i <= j->peers; i++) {
        close_one(j, &j->list[i], j->dir);
    }
    const bool whole = !j->failed;
    free(j);
    return whole;
}

static void path_of(const journals *j, uint32_t peer, uint32_t life, char *path, size_t cap)
{
    char who[24] = "server";
    char which[16] = "";
    if (peer != WORLD_SERVER) {
        (void)snprintf(who, sizeof who, "peer-%u", (unsigned)peer);
    }
    if (life > 1) {
        (void)snprintf(which, sizeof which, ".%u", (unsigned)life);
    }
    (void)snprintf(path, cap, "%s/%s%s.journal", j->dir, who, which);
}

ps_machine journals_born(void *ctx, uint32_t peer, ps_machine inner, const ps_server_config *server,
                         const ps_peer_config *peer_cfg)
{
    journals *j = ctx;
    journal *one = &j->list[peer == WORLD_SERVER ? 0 : peer + 1];
    ps_journal_head head = {.kind = server ? PS_JOURNAL_SERVER : PS_JOURNAL_PEER};
    char path[PATH_MAX + 64];
    char why[256];
    close_one(j, one, j->dir);
    path_of(j, peer, ++one->lives, path, sizeof path);
    if (server) {
        head.server = *server;
    } else {
        head.peer = *peer_cfg;
    }
    one->file = ps_journal_file_open(path, &head, why, sizeof why);
    if (one->file == NULL) {
        tell(path, why);
        exit(PS_EXIT_LOCAL_FILE);
    }
    return ps_journal_file_machine(one->file, inner);
}

void journals_failing(void *ctx)
{
    journals *j = ctx;
    flush_all(j);
    fprintf(stderr, "  journals, for peersync-replay: %s\n", j->dir);
}
