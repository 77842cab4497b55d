/* What an announce costs a BitTorrent tracker that runs already, beside which our server's
 * heartbeat is held: another server that keeps who is alive, in C, one process. BEP 15 over
 * loopback from one socket, batched, a number of announces in flight. Every peer announces itself
 * once, which the tracker has to enter, then again and again, as a heartbeat does. The measure is
 * the processor time of the tracker's process, user and system, an announce that was answered.
 *
 *     bench_tracker --pid=N --port=N [--peers=100000] [--hashes=1000] [--rounds=5]
 * [--in-flight=200] bench_tracker --list [--hashes=1000]    prints the hashes, for a tracker's
 * whitelist
 *
 * The tracker should have a core of its own, not core 1. */
#include "fixture.h"

#include <arpa/inet.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define BATCH          64u
#define ANNOUNCE_BYTES 98u
#define ANSWER_BYTES   20u /* At least, of an announce's answer. */
#define HASH_BYTES     20u
/* Answers that stay out for so long are lost. */
#define PATIENCE_MS 200
/* No part takes longer. */
#define PART_NS UINT64_C(20000000000)

typedef struct tracker {
    int fd;
    clockid_t clock; /* Of its process. */
    uint8_t connection[8];
    uint32_t peers, hashes, in_flight;
    uint64_t answered, lost;
} tracker;

static void die(const char *what)
{
    fprintf(stderr, "bench_tracker: %s\n", what);
    exit(1);
}

static void put32(uint8_t *to, uint32_t x)
{
    x = htonl(x);
    memcpy(to, &x, 4);
}

static uint32_t get32(const uint8_t *from)
{
    uint32_t x;
    memcpy(&x, from, 4);
    return ntohl(x);
}

/* Twenty bytes that follow from a number. */
static void put_hash(uint8_t to[HASH_BYTES], uint64_t number)
{
    uint64_t state = number * 3;
    for (size_t i = 0; i < HASH_BYTES; i += 4) {
        put32(to + i, (uint32_t)bench_random(&state));
    }
}

static uint64_t spent_ns(const tracker *t)
{
    struct timespec at;
    if (clock_gettime(t->clock, &at) != 0) {
        die("the tracker is gone");
    }
    return (uint64_t)at.tv_sec * 1000000000u + (uint64_t)at.tv_nsec;
}

static bool wait_readable(int fd)
{
    struct pollfd p = {.fd = fd, .events = POLLIN};
    return poll(&p, 1, PATIENCE_MS) > 0;
}

/* BEP 15's first exchange; the tracker may not listen yet. */
static void connect_to(tracker *t)
{
    for (unsigned tries = 0; tries < 25; tries++) {
        uint8_t ask[16] = {0, 0, 0x04, 0x17, 0x27, 0x10, 0x19, 0x80};
        uint8_t answer[64];
        put32(ask + 12, tries);
        const bool sent = send(t->fd, ask, sizeof ask, 0) == (ssize_t)sizeof ask;
        if (sent && wait_readable(t->fd) && recv(t->fd, answer, sizeof answer, 0) == 16 &&
            get32(answer) == 0 && get32(answer + 4) == tries) {
            memcpy(t->connection, answer + 8, sizeof t->connection);
            return;
        }
        (void)poll(NULL, 0, 20); /* It starts. */
    }
    die("the tracker does not answer");
}

/* The announce of a peer that has its file, and wants one other's address. */
static void put_announce(const tracker *t, uint8_t to[ANNOUNCE_BYTES], uint32_t peer)
{
    memset(to, 0, ANNOUNCE_BYTES);
    memcpy(to, t->connection, 8);
    put32(to + 8, 1);
    put32(to + 12, peer);
    put_hash(to + 16, peer % t->hashes);
    put_hash(to + 36, UINT64_C(1) << 32 | peer);
    put32(to + 92, 1);
    const uint32_t port = 1024 + peer / t->hashes; /* Peers of a hash differ by it. */
    to[96] = (uint8_t)(port >> 8);
    to[97] = (uint8_t)port;
}

static unsigned send_some(const tracker *t, uint32_t first, unsigned n)
{
    static uint8_t bytes[BATCH][ANNOUNCE_BYTES];
    static struct iovec parts[BATCH];
    static struct mmsghdr messages[BATCH];
    for (unsigned i = 0; i < n; i++) {
        put_announce(t, bytes[i], first + i);
        parts[i] = (struct iovec){.iov_base = bytes[i], .iov_len = ANNOUNCE_BYTES};
        messages[i].msg_hdr = (struct msghdr){.msg_iov = &parts[i], .msg_iovlen = 1};
    }
    const int sent = sendmmsg(t->fd, messages, n, 0);
    return sent > 0 ? (unsigned)sent : 0;
}

static unsigned receive_some(const tracker *t)
{
    static uint8_t bytes[BATCH][128];
    static struct iovec parts[BATCH];
    static struct mmsghdr messages[BATCH];
    for (unsigned i = 0; i < BATCH; i++) {
        parts[i] = (struct iovec){.iov_base = bytes[i], .iov_len = sizeof bytes[i]};
        messages[i].msg_hdr = (struct msghdr){.msg_iov = &parts[i], .msg_iovlen = 1};
    }
    const int got = recvmmsg(t->fd, messages, BATCH, MSG_DONTWAIT, NULL);
    for (int i = 0; i < got; i++) {
        if (messages[i].msg_len < ANSWER_BYTES || get32(bytes[i]) != 1) {
            die("an announce was refused (has the tracker a whitelist?)");
        }
    }
    return got > 0 ? (unsigned)got : 0;
}

/* Every peer announces itself `rounds` times. @return processor time of the tracker, an answer. */
static uint64_t announce_ns(tracker *t, uint64_t rounds)
{
    const uint64_t all = rounds * t->peers;
    const uint64_t spent = spent_ns(t);
    const uint64_t start = bench_wall_ns();
    uint64_t sent = 0;
    uint64_t done = 0; /* Answered or lost. */
    t->answered = t->lost = 0;
    while (done < all && bench_wall_ns() - start < PART_NS) {
        const uint32_t first = (uint32_t)(sent % t->peers);
        uint64_t n = t->in_flight - (sent - done);
        n = n < BATCH ? n : BATCH;
        n = n < all - sent ? n : all - sent;
        n = n < t->peers - first ? n : t->peers - first;
        sent += n > 0 ? send_some(t, first, (unsigned)n) : 0;
        const unsigned got = receive_some(t);
        t->answered += got;
        done += got;
        if (got == 0 && (n == 0 || sent == all) && !wait_readable(t->fd)) {
            t->lost += sent - done;
            done = sent;
        }
    }
    if (t->answered == 0) {
        die("no announce was answered");
    }
    return (spent_ns(t) - spent) / t->answered;
}

static void list_hashes(uint32_t hashes)
{
    for (uint32_t i = 0; i < hashes; i++) {
        uint8_t hash[HASH_BYTES];
        put_hash(hash, i);
        for (size_t k = 0; k < HASH_BYTES; k++) {
            printf("%02x", hash[k]);
        }
        putchar('\n');
    }
}

static void open_socket(tracker *t, uint16_t port)
{
    struct sockaddr_in name = {.sin_family = AF_INET, .sin_port = htons(port)};
    const int room = 4 << 20;
    name.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    t->fd = socket(AF_INET, SOCK_DGRAM, 0);
    if (t->fd < 0 || connect(t->fd, (struct sockaddr *)&name, sizeof name) != 0) {
        die("no socket");
    }
    (void)setsockopt(t->fd, SOL_SOCKET, SO_RCVBUF, &room, sizeof room);
    (void)setsockopt(t->fd, SOL_SOCKET, SO_SNDBUF, &room, sizeof room);
}

int main(int argc, char **argv)
{
    tracker t = {.hashes = (uint32_t)bench_option(argc, argv, "--hashes", 1000)};
    t.peers = (uint32_t)bench_option(argc, argv, "--peers", 100000);
    t.in_flight = (uint32_t)bench_option(argc, argv, "--in-flight", 200);
    const uint64_t rounds = bench_option(argc, argv, "--rounds", 5);
    if (t.hashes == 0 || t.peers == 0 || t.in_flight == 0 || rounds == 0 ||
        t.peers / t.hashes > 60000) {
        die("numbers that make no sense");
    }
    if (argc > 1 && strcmp(argv[1], "--list") == 0) {
        list_hashes(t.hashes);
        return 0;
    }
    const pid_t pid = (pid_t)bench_option(argc, argv, "--pid", 0);
    if (pid <= 0 || clock_getcpuclockid(pid, &t.clock) != 0) {
        die("no such process");
    }
    open_socket(&t, (uint16_t)bench_option(argc, argv, "--port", 6969));
    bench_pin(1);
    connect_to(&t);
    const uint64_t first_ns = announce_ns(&t, 1);
    const uint64_t again_ns = announce_ns(&t, rounds);
    printf("tracker announce_cpu_ns=%" PRIu64 " first_announce_cpu_ns=%" PRIu64
           " announces=%" PRIu64 " lost=%" PRIu64 "\n",
           again_ns, first_ns, t.answered, t.lost);
    close(t.fd);
    return 0;
}
