/* Two ends of a stream in memory, as a ps_stream_transport: stream 1 writes what stream 2 reads,
 * and the other way round. It splits, stops, cuts and counts as the test says. */
#ifndef PS_TESTS_PIPE_H
#define PS_TESTS_PIPE_H

#include "peersync/transport.h"
#include "random.h"

#define TEST_PIPE_BYTES (1u << 20)

/* One direction. */
typedef struct test_pipe_way {
    uint8_t *bytes; /* A ring of TEST_PIPE_BYTES. */
    size_t at;
    size_t len;
    size_t limit;   /* Holds no more; the test may change it. */
    bool finished;  /* Its writer is done. */
    uint64_t reads; /* Calls that moved bytes. */
    uint64_t writes;
} test_pipe_way;

typedef struct test_pipe {
    test_pipe_way way[2]; /* [0] from stream 1 to stream 2, [1] back. */
    size_t most;          /* Bytes a call moves at most; 0: any number. */
    bool split;           /* Each call moves a random number of them. */
    bool broken;          /* All calls fail. */
    test_random random;
} test_pipe;

/* @return false: out of memory. */
bool test_pipe_open(test_pipe *pipe);
void test_pipe_close(test_pipe *pipe);
ps_stream_transport test_pipe_transport(test_pipe *pipe);

#endif
