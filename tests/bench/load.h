/* A generator of requests over loopback: keeps a number of them in flight towards one address from
 * one socket, on a core of its own, and counts the answers. It sends its batches as one segmented
 * buffer where the system can, so that it is cheaper than the server it drives. */
#ifndef PS_BENCH_LOAD_H
#define PS_BENCH_LOAD_H

#include "fixture.h"

#include <pthread.h>
#include <stdatomic.h>

typedef struct bench_load {
    int fd;
    ps_addr local;  /* Filled by bench_load_open(). */
    ps_addr target; /* The server's. */
    uint32_t in_flight;
    const bench_session *clients; /* To go round; every request is a HEARTBEAT. */
    uint32_t clients_len;
    const ps_crypto *crypto;
    uint64_t counter; /* Of the next round. */
    atomic_bool stop;
    uint64_t sent;
    uint64_t answered;
    pthread_t thread;
} bench_load;

/* Binds the socket, so that the server can be told who asks. */
void bench_load_open(bench_load *load);
void bench_load_close(bench_load *load);
/* Runs the generator in a thread until bench_load_stop(). */
void bench_load_start(bench_load *load);
void bench_load_stop(bench_load *load);

/* What a serving thread did. A loop without any datagram is idle time. */
typedef struct bench_served {
    uint64_t requests;
    uint64_t wall_ns;
    uint64_t cpu_ns;
    uint64_t idle_ns;
    uint64_t loops;
} bench_served;

/* Adds the loop that just ended; `requests` 0: it was idle. */
void bench_served_loop(bench_served *s, uint64_t start_ns, uint64_t end_ns, size_t requests);

#endif
