/* Two stream instances on loopback and a connection between them, for tests. */
#ifndef PS_TESTS_POSIX_LOOPBACK_H
#define PS_TESTS_POSIX_LOOPBACK_H

#include "peersync/posix.h"
#include "unit.h"

#include <poll.h>

typedef struct loopback {
    ps_posix_streams *a;
    ps_posix_streams *b; /* Listens. */
    ps_stream_transport ta;
    ps_stream_transport tb;
} loopback;

static inline loopback loopback_open(uint32_t max_a, uint32_t max_b)
{
    loopback l;
    ps_addr any;
    assert_true(ps_addr_parse("127.0.0.1:0", &any));
    assert_int_equal(ps_posix_streams_open(NULL, max_a, &l.a, NULL), PS_OK);
    assert_int_equal(ps_posix_streams_open(&any, max_b, &l.b, NULL), PS_OK);
    l.ta = ps_posix_streams_transport(l.a);
    l.tb = ps_posix_streams_transport(l.b);
    return l;
}

static inline void loopback_close(loopback *l)
{
    ps_posix_streams_close(l->a);
    ps_posix_streams_close(l->b);
}

/* Waits for a condition of a socket; ten seconds without it fail the test. */
static inline void loopback_wait(int fd, short events)
{
    struct pollfd p = {.fd = fd, .events = events};
    assert_int_equal(poll(&p, 1, 10000), 1);
}

static inline ps_stream loopback_dial(loopback *l)
{
    const ps_addr at = l->tb.listener(l->tb.ctx);
    ps_stream s = 0;
    assert_int_equal(l->ta.dial(l->ta.ctx, &at, &s), PS_OK);
    return s;
}

static inline ps_stream loopback_accept(loopback *l)
{
    ps_stream s = 0;
    ps_addr from;
    loopback_wait(ps_posix_streams_listener_fd(l->b), POLLIN);
    assert_int_equal(l->tb.accept(l->tb.ctx, &s, &from), PS_OK);
    return s;
}

#endif
