/* As many peers as one server holds: each a machine of its own on a node of its own, and the server
 * is the real one. They log in, and then nothing happens but heartbeats: what that costs. */
#ifndef PS_SIM_MILLION_H
#define PS_SIM_MILLION_H

#include <stdint.h>
#include <stdio.h>

typedef struct million_config {
    uint32_t peers; /* 1 to 1,000,000. */
    uint64_t seed;
    uint32_t batch;     /* Datagrams at a time, in the network and in the pumps. */
    const char *repeat; /* As in world_config. */
    FILE *out;          /* Gets the figures; NULL: nobody reads them. */
} million_config;

/* Ends the program where something does not hold. @return the trace's hash. */
uint64_t million_run(const million_config *cfg);

#endif
