/* What the benchmarks share: a server full of sessions, prepared packets, clocks. */
#ifndef PS_BENCH_FIXTURE_H
#define PS_BENCH_FIXTURE_H

#include "peersync/server.h"

/* Bytes of a HEARTBEAT's packet and of its answer's. */
#define BENCH_HEARTBEAT    41u
#define BENCH_HEARTBEAT_OK 49u

uint64_t bench_wall_ns(void);
/* Of the calling thread. */
uint64_t bench_cpu_ns(void);

/* Pages for large tables, huge where the system has them; ends the program when there are none. */
void *bench_pages(size_t bytes);

typedef struct bench_server {
    ps_server *server;
    size_t bytes;
    uint64_t now_us;
    uint32_t sessions;
    uint64_t *ids; /* Receiver ids by session. */
} bench_server;

/* A server with `sessions` logged in from one address; nobody is ever found silent. */
bench_server bench_server_make(uint32_t sessions, const ps_addr *from);

/* Writes a HEARTBEAT's packet: BENCH_HEARTBEAT bytes. */
void bench_heartbeat(uint8_t *to, uint64_t id, uint64_t counter);

/* Pins the calling thread to a core, where there is one of that number. */
void bench_pin(unsigned core);

/* The value of "--name=N" among the arguments, or `otherwise`. */
uint64_t bench_option(int argc, char **argv, const char *name, uint64_t otherwise);

/* A small generator for orders (splitmix64). */
uint64_t bench_random(uint64_t *state);

#endif
