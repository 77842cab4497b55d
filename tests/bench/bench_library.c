/* What a peer's library does with files: one that all cores hash, or many small ones published.
 *
 *     bench_library --hash=FILE [--hashers=0]
 *     bench_library --publish=FOLDER [--files=10000] [--bytes=4096]
 *
 * The first says how fast one file is hashed, and its root. The second makes files below FOLDER,
 * and a state directory there, and says how long it takes until all are told to be published,
 * durably; until they are again after they were taken back; and until another process has them. */
#include "library.h"

#include "fixture.h"
#include "peersync/crypto_openssl.h"

#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

static struct events events;
static struct library library;
static int woken[2];

static void require(bool condition, const char *what)
{
    if (!condition) {
        fprintf(stderr, "bench_library: %s\n", what);
        exit(1);
    }
}

static const char *text_option(int argc, char **argv, const char *name)
{
    const size_t len = strlen(name);
    for (int i = 1; i < argc; i++) {
        if (strncmp(argv[i], name, len) == 0 && argv[i][len] == '=') {
            return argv[i] + len + 1;
        }
    }
    return NULL;
}

static void wake(void *ctx)
{
    (void)ctx;
    (void)!write(woken[1], "", 1);
}

static void start(const char *state_dir, unsigned hashers)
{
    char why[256] = "";
    const struct data_config cfg = {.crypto = ps_crypto_openssl(),
                                    .state_dir = state_dir,
                                    .hashers = hashers,
                                    .progress_ms = 200};
    events_init(&events, wake, NULL);
    require(library_open(&library, &cfg, &events, why, sizeof why), why);
}

static void stop(void)
{
    library_close(&library);
    events_destroy(&events);
}

/* The next event that tells an end. */
static struct data_event *next_event(void)
{
    for (;;) {
        struct data_event *event = events_next(&events);
        if (event && event->type != DATA_HASH_PROGRESS) {
            return event;
        }
        if (event) {
            data_event_free(event);
            continue;
        }
        char bytes[64];
        struct pollfd p = {.fd = woken[0], .events = POLLIN};
        (void)poll(&p, 1, -1);
        (void)!read(woken[0], bytes, sizeof bytes);
    }
}

static double cpu_s(void)
{
    struct rusage used;
    (void)getrusage(RUSAGE_SELF, &used);
    return (double)(used.ru_utime.tv_sec + used.ru_stime.tv_sec) +
           (double)(used.ru_utime.tv_usec + used.ru_stime.tv_usec) / 1e6;
}

static void hash_file(const char *path, unsigned hashers)
{
    start(NULL, hashers);
    const uint64_t began = bench_wall_ns();
    const double cpu = cpu_s();
    library_hash(&library, 1, path);
    struct data_event *event = next_event();
    const double took = (double)(bench_wall_ns() - began) / 1e9;
    require(event->type == DATA_HASHED, event->text);
    printf("hash MB_per_s=%.0f seconds=%.3f cpu_s=%.3f root=",
           (double)event->content.length / 1e6 / took, took, cpu_s() - cpu);
    for (size_t i = 0; i < PS_ROOT_BYTES; i++) {
        printf("%02x", event->content.root[i]);
    }
    printf("\n");
    data_event_free(event);
    stop();
}

static void path_of(char *path, size_t cap, const char *folder, uint64_t i)
{
    (void)snprintf(path, cap, "%s/files/file-%" PRIu64, folder, i);
}

static void make_files(const char *folder, uint64_t files, uint64_t bytes)
{
    char path[4200];
    uint8_t *content = calloc(1, bytes + 8);
    require(content != NULL, "memory");
    (void)snprintf(path, sizeof path, "%s/files", folder);
    (void)mkdir(path, 0700);
    (void)snprintf(path, sizeof path, "%s/state", folder);
    (void)mkdir(path, 0700);
    for (uint64_t i = 0; i < files; i++) {
        path_of(path, sizeof path, folder, i);
        memcpy(content, &i, sizeof i);
        FILE *f = fopen(path, "w");
        require(f && fwrite(content, 1, bytes, f) == bytes && fclose(f) == 0, "a file");
    }
    free(content);
}

static void publish_all(const char *what, const char *folder, uint64_t files)
{
    char path[4200];
    const uint64_t began = bench_wall_ns();
    const double cpu = cpu_s();
    for (uint64_t i = 0; i < files; i++) {
        path_of(path, sizeof path, folder, i);
        library_publish(&library, i + 1, path, NULL);
    }
    for (uint64_t i = 0; i < files; i++) {
        struct data_event *event = next_event();
        require(event->type == DATA_FILE_READY, event->text);
        data_event_free(event);
    }
    const double took = (double)(bench_wall_ns() - began) / 1e9;
    printf("%s files=%" PRIu64 " seconds=%.3f files_per_s=%.0f cpu_s=%.3f\n", what, files, took,
           (double)files / took, cpu_s() - cpu);
}

static void publish_files(const char *folder, uint64_t files, uint64_t bytes, unsigned hashers)
{
    char state[4200], name[64];
    make_files(folder, files, bytes);
    (void)snprintf(state, sizeof state, "%s/state", folder);
    start(state, hashers);
    publish_all("publish", folder, files);
    for (uint64_t i = 0; i < files; i++) {
        (void)snprintf(name, sizeof name, "file-%" PRIu64, i);
        require(library_unpublish(&library, name), "a name is missing");
    }
    publish_all("publish_again", folder, files);
    stop();
    const uint64_t began = bench_wall_ns();
    start(state, hashers);
    unsigned hashing = 0;
    unsigned away = 0;
    require(library_count(&library, &hashing, &away) == files && hashing == 0, "not all are there");
    printf("load files=%" PRIu64 " seconds=%.3f\n", files, (double)(bench_wall_ns() - began) / 1e9);
    stop();
}

int main(int argc, char **argv)
{
    const char *file = text_option(argc, argv, "--hash");
    const char *folder = text_option(argc, argv, "--publish");
    const unsigned hashers = (unsigned)bench_option(argc, argv, "--hashers", 0);
    require(pipe(woken) == 0 && (file || folder), "usage: --hash=FILE or --publish=FOLDER");
    if (file) {
        hash_file(file, hashers);
    }
    if (folder) {
        publish_files(folder, bench_option(argc, argv, "--files", 10000),
                      bench_option(argc, argv, "--bytes", 4096), hashers);
    }
    return 0;
}
