/* What two cores could do at most with a file that goes from one process over TCP of loopback into
 * a file, with its bytes hashed: the processor time of the parts that nobody can leave out. One
 * process gives sendfile(), one recv() and pwrite(); then the hash tree over 16 KiB leaves, as the
 * peers hash it, from memory.
 *
 *     bench_bound SOURCE TARGET [RUNS]
 *
 * Prints the medians: seconds of both processes' time a GB (10^9 bytes), and two cores' bound. */
#include "peersync/crypto_openssl.h"
#include "peersync/transfer.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { BUFFER = 1 << 20, RUNS_MAX = 25 };

static void die(const char *what)
{
    perror(what);
    exit(1);
}

static double seconds(struct timeval t)
{
    return (double)t.tv_sec + (double)t.tv_usec / 1e6;
}

static double cpu_of(int who)
{
    struct rusage use;
    (void)getrusage(who, &use);
    return seconds(use.ru_utime) + seconds(use.ru_stime);
}

static double wall(void)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* Gives all of the file to whoever comes. */
static void give(int listener, const char *path)
{
    const int to = accept(listener, NULL, NULL);
    const int from = open(path, O_RDONLY | O_CLOEXEC);
    if (to < 0 || from < 0) {
        die("accept");
    }
    for (ssize_t n = 1; n > 0;) {
        n = sendfile(to, from, NULL, BUFFER);
        if (n < 0) {
            die("sendfile");
        }
    }
    _exit(0);
}

static void take(const struct sockaddr_in *from, const char *path, uint8_t *buffer)
{
    const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const int to = open(path, O_CREAT | O_TRUNC | O_WRONLY | O_CLOEXEC, 0600);
    off_t at = 0;
    if (fd < 0 || to < 0 || connect(fd, (const struct sockaddr *)from, sizeof *from) != 0) {
        die("connect");
    }
    for (ssize_t n = 1; n > 0;) {
        n = recv(fd, buffer, BUFFER, MSG_WAITALL);
        if (n < 0 || pwrite(to, buffer, (size_t)n, at) != n) {
            die("pwrite");
        }
        at += n;
    }
    (void)close(to);
    (void)close(fd);
}

/* Processor time of moving the file, of both sides. */
static double move(const char *source, const char *target, uint8_t *buffer, double *wall_s)
{
    struct sockaddr_in addr = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof addr;
    const int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (listener < 0 || bind(listener, (struct sockaddr *)&addr, sizeof addr) != 0 ||
        listen(listener, 1) != 0 || getsockname(listener, (struct sockaddr *)&addr, &len) != 0) {
        die("listen");
    }
    const double before = cpu_of(RUSAGE_SELF) + cpu_of(RUSAGE_CHILDREN), began = wall();
    if (fork() == 0) {
        give(listener, source);
    }
    take(&addr, target, buffer);
    int status = 0;
    if (wait(&status) < 0 || status != 0) {
        die("the other process");
    }
    *wall_s = wall() - began;
    (void)close(listener);
    return cpu_of(RUSAGE_SELF) + cpu_of(RUSAGE_CHILDREN) - before;
}

/* Processor time of hashing so many bytes, the leaves of a piece side by side where that is faster,
 * out of a buffer in the cache. */
static double hash(uint64_t len, const uint8_t *buffer)
{
    ps_node root;
    const ps_crypto *crypto = ps_crypto_openssl();
    const double before = cpu_of(RUSAGE_SELF);
    for (uint64_t at = 0; at < len; at += BUFFER) {
        ps_piece_hash(crypto, len, buffer, BUFFER, &root);
    }
    return cpu_of(RUSAGE_SELF) - before;
}

static int by_size(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double median(double values[], int n)
{
    qsort(values, (size_t)n, sizeof *values, by_size);
    return values[n / 2];
}

int main(int argc, char **argv)
{
    static uint8_t buffer[BUFFER];
    double moved[RUNS_MAX], hashed[RUNS_MAX], walls[RUNS_MAX];
    struct stat st;
    const int runs = argc > 3 ? atoi(argv[3]) : 5;
    if (argc < 3 || argc > 4 || runs < 1 || runs > RUNS_MAX) {
        return 2;
    }
    if (stat(argv[1], &st) != 0) {
        die(argv[1]);
    }
    const double gb = (double)st.st_size / 1e9;
    for (int i = 0; i < runs; i++) {
        moved[i] = move(argv[1], argv[2], buffer, &walls[i]) / gb;
        (void)unlink(argv[2]);
        hashed[i] = hash((uint64_t)st.st_size, buffer) / gb;
    }
    const double a = median(moved, runs), b = median(hashed, runs);
    printf("move_cpu_s_per_gb=%.3f hash_cpu_s_per_gb=%.3f bound_gb_per_s=%.3f move_gb_per_s=%.3f\n",
           a, b, 2 / (a + b), gb / median(walls, runs));
    return 0;
}
