/* What the parts of the conformance suite share. */
#ifndef PS_TESTS_CONFORMANCE_INTERNAL_H
#define PS_TESTS_CONFORMANCE_INTERNAL_H

#include "conformance.h"
#include "random.h"
#include "unit.h"

#define CONFORMANCE_DEADLINE_US 30000000u

/* One test's world. */
typedef struct conformance_world {
    const conformance_adapter *adapter;
    void *ctx;
    const ps_transport *udp[CONFORMANCE_NODES];
    const ps_stream_transport *tcp[CONFORMANCE_NODES];
    uint64_t deadline_us;
} conformance_world;

/* Lets the world go on; fails the test at the deadline. */
void conformance_wait(conformance_world *w);

/* A stream from node `from` to node `to`, made and accepted. */
typedef struct conformance_pair {
    const ps_stream_transport *dialler;
    const ps_stream_transport *acceptor;
    ps_stream dialled;
    ps_stream accepted;
    ps_addr from;
} conformance_pair;

conformance_pair conformance_connect(conformance_world *w, unsigned from, unsigned to);
/* Writes all, waiting where the stream is full. */
void conformance_write(conformance_world *w, const ps_stream_transport *t, ps_stream s,
                       const void *bytes, size_t len);
/* Reads exactly `len` bytes, or fails. */
void conformance_read(conformance_world *w, const ps_stream_transport *t, ps_stream s, void *bytes,
                      size_t len);
/* Reads the end of the stream: anything else fails. */
void conformance_read_end(conformance_world *w, const ps_stream_transport *t, ps_stream s);

int conformance_setup(void **state);
int conformance_teardown(void **state);

/* The two halves; each returns its failures. */
int conformance_run_datagrams(const conformance_adapter *adapter);
int conformance_run_streams(const conformance_adapter *adapter);

#define CONFORMANCE_TEST(function)                                                                 \
    {                                                                                              \
        .name = #function, .test_func = (function), .setup_func = conformance_setup,               \
        .teardown_func = conformance_teardown,                                                     \
    }

/* cmocka's runner is a macro that counts its array; adapters come in through here. */
extern const conformance_adapter *conformance_under_test;

#endif
