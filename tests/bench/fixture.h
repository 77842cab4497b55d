/* What the benchmarks share: a server full of sessions, prepared packets, clocks. */
#ifndef PS_BENCH_FIXTURE_H
#define PS_BENCH_FIXTURE_H

#include "peersync/server.h"

/* Bytes of a HEARTBEAT's packet and of its answer's, seals included. */
#define BENCH_HEARTBEAT    57u
#define BENCH_HEARTBEAT_OK 65u

uint64_t bench_wall_ns(void);
/* Of the calling thread. */
uint64_t bench_cpu_ns(void);

/* Pages for large tables, huge where the system has them; ends the program when there are none. */
void *bench_pages(size_t bytes);

/* What a session's client needs. */
typedef struct bench_session {
    uint64_t id; /* Receiver id of what it sends. */
    uint8_t key[32];
} bench_session;

typedef struct bench_server {
    ps_server *server;
    const ps_crypto *crypto;
    size_t bytes;
    uint64_t now_us;
    uint32_t sessions;
    bench_session *clients; /* By session. */
} bench_server;

/* The real one's seal behind handshakes of the stand-in, so that a million of them take no hour. */
const ps_crypto *bench_crypto_sealed(void);
/* Neither costs anything: what is left is the machine. */
const ps_crypto *bench_crypto_unsealed(void);

/* A server with `sessions` logged in from one address; nobody is ever found silent. */
bench_server bench_server_make(uint32_t sessions, const ps_addr *from, const ps_crypto *crypto);

/* Writes a HEARTBEAT's packet, sealed: BENCH_HEARTBEAT bytes. */
void bench_heartbeat(const ps_crypto *crypto, uint8_t *to, const bench_session *from,
                     uint64_t counter);

/* Pins the calling thread to a core, where there is one of that number. */
void bench_pin(unsigned core);

/* The value of "--name=N" among the arguments, or `otherwise`. */
uint64_t bench_option(int argc, char **argv, const char *name, uint64_t otherwise);

/* A small generator for orders (splitmix64). */
uint64_t bench_random(uint64_t *state);

#endif
