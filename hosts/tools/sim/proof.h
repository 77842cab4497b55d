/* No amplifier: until an address is proven, the server sends it no more bytes than came from it.
 * Looked at in every step, for every address; and a table of what answers what before the proof.
 * Proven is an address from which a packet came that a peer has sealed, and that the server has
 * opened for a session or a login of this address. */
#ifndef PS_SIM_PROOF_H
#define PS_SIM_PROOF_H

#include "peersync/server.h"

#include <stdio.h>

struct world;

/* X(NAME, for people). */
#define PROOF_IN_LIST(X)                                                                           \
    X(INITIATE, "INITIATE")                                                                        \
    X(VERSION, "INITIATE of another version")                                                      \
    X(UNKNOWN, "DATA that cannot be opened")                                                       \
    X(MOVED, "DATA of a session, moved")                                                           \
    X(NOISE, "anything else")

#define PROOF_OUT_LIST(X)                                                                          \
    X(NOTHING, "nothing")                                                                          \
    X(RESPOND, "RESPOND")                                                                          \
    X(RETRY, "RETRY")                                                                              \
    X(RESET, "RESET")                                                                              \
    X(VERSIONS, "VERSIONS")                                                                        \
    X(CHALLENGE, "CHALLENGE, sealed")                                                              \
    X(DATA, "DATA")

typedef enum proof_in {
#define PROOF_ENUM(name, text) PROOF_IN_##name,
    PROOF_IN_LIST(PROOF_ENUM)
#undef PROOF_ENUM
        PROOF_IN_COUNT
} proof_in;

typedef enum proof_out {
#define PROOF_ENUM(name, text) PROOF_OUT_##name,
    PROOF_OUT_LIST(PROOF_ENUM)
#undef PROOF_ENUM
        PROOF_OUT_COUNT
} proof_out;

/* What of this kind has come from, and gone to, addresses that were not proven. */
typedef struct proof_pair {
    uint64_t count, in, out;
    size_t worst_in, worst_out; /* The most bytes out a byte in. */
} proof_pair;

typedef struct proof_addr {
    ps_addr addr; /* Family NONE: free. */
    bool proven;
    uint64_t in, out; /* Bytes, before the proof. */
} proof_addr;

typedef struct proof {
    struct world *w;
    proof_addr *addrs; /* Open addressing. */
    size_t len, cap;
    proof_pair pairs[PROOF_IN_COUNT][PROOF_OUT_COUNT];
    ps_server_stats before;
    uint64_t steps;
} proof;

void proof_init(proof *p, struct world *w);
void proof_free(proof *p);
/* The server has stepped this one input, as in model_step(). */
void proof_step(proof *p, const ps_input *in, const uint8_t *bytes, const ps_output *before,
                const ps_output *out, const ps_server_stats *stats);
/* A server that has died knows of no proof. */
void proof_crash(proof *p);
/* What has come from an address and gone there so far; NULL: nothing. */
const proof_addr *proof_of(const proof *p, const ps_addr *addr);
/* Adds another world's table to this one. */
void proof_add(proof *sum, const proof *p);
void proof_print(FILE *out, const proof *p);

#endif
