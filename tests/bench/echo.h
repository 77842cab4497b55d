/* A bare echo: what the system's calls cost without any protocol. */
#ifndef PS_BENCH_ECHO_H
#define PS_BENCH_ECHO_H

#include "load.h"

/* Binds a socket on loopback; @return it, with its address. */
int bench_echo_open(ps_addr *at);
/* Answers every datagram with `answer` bytes to its sender for `run_ns`. */
bench_served bench_echo_run(int fd, size_t answer, uint64_t run_ns);

#endif
