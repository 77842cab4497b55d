/* A bounded flood of INITIATEs with random keys and client ids from many addresses of loopback
 * (127.2.0.0/16), to a server on this machine: none of them ever goes on.
 *
 *     bench_flood --port=P [--per-s=30000] [--seconds=5]
 */
#include "wire/packet.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { SOURCES = 256, AT_ONCE = 30 };

static uint64_t now_us(void)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000u + (uint64_t)t.tv_nsec / 1000u;
}

static int source(unsigned i, const struct sockaddr_in *server)
{
    struct sockaddr_in own = {.sin_family = AF_INET};
    own.sin_addr.s_addr = htonl(0x7f020000u + i + 1);
    const int fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0);
    if (fd < 0 || bind(fd, (struct sockaddr *)&own, sizeof own) != 0 ||
        connect(fd, (const struct sockaddr *)server, sizeof *server) != 0) {
        perror("socket");
        exit(1);
    }
    return fd;
}

/* Pseudo-random bytes: the server cannot tell them from keys. */
static void fill(uint8_t *p, size_t len, uint64_t *x)
{
    for (size_t i = 0; i < len; i++) {
        *x = *x * UINT64_C(6364136223846793005) + 1442695040888963407u;
        p[i] = (uint8_t)(*x >> 56);
    }
}

static void send_one(int fd, uint64_t *x)
{
    uint8_t packet[PS_INITIATE_BYTES];
    uint8_t id[8];
    ps_writer w = {.base = packet, .cap = sizeof packet};
    fill(id, sizeof id, x);
    uint8_t *message = ps_initiate_encode(&w, ps_load64(id) | 1, NULL);
    fill(message, PS_KEY_BYTES, x);
    ps_offer_encode(message + PS_KEY_BYTES);
    (void)send(fd, packet, sizeof packet, MSG_DONTWAIT);
}

int main(int argc, char **argv)
{
    unsigned port = 0, per_s = 30000, seconds = 5;
    int fds[SOURCES];
    for (int i = 1; i < argc; i++) {
        if (sscanf(argv[i], "--port=%u", &port) != 1 &&
            sscanf(argv[i], "--per-s=%u", &per_s) != 1 &&
            sscanf(argv[i], "--seconds=%u", &seconds) != 1) {
            port = 0;
            break;
        }
    }
    if (port == 0 || per_s == 0 || per_s > 200000 || seconds > 60) {
        (void)fprintf(stderr, "usage: bench_flood --port=P [--per-s=N] [--seconds=N]\n");
        return 2;
    }
    struct sockaddr_in server = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    server.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    for (unsigned i = 0; i < SOURCES; i++) {
        fds[i] = source(i, &server);
    }
    uint64_t x = 0;
    if (getrandom(&x, sizeof x, 0) != (ssize_t)sizeof x) {
        return 1;
    }
    uint64_t sent = 0;
    const uint64_t began_us = now_us();
    for (uint64_t passed_us = 0; passed_us < seconds * UINT64_C(1000000);
         passed_us = now_us() - began_us) {
        for (unsigned n = 0; n < AT_ONCE && sent < passed_us * per_s / 1000000; n++) {
            send_one(fds[sent % SOURCES], &x);
            sent++;
        }
        const struct timespec pause = {.tv_nsec = 200000};
        (void)nanosleep(&pause, NULL);
    }
    printf("sent=%llu per_s=%.0f\n", (unsigned long long)sent,
           (double)sent * 1e6 / (double)(now_us() - began_us));
    return 0;
}
