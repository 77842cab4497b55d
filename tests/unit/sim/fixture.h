/* What the simulator's tests share: a network of quiet nodes, and calls without ceremony. */
#ifndef PS_TESTS_SIM_FIXTURE_H
#define PS_TESTS_SIM_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "peersync/sim.h"

#define START_US 1000000u

static inline ps_sim_config test_config(uint64_t seed, ps_sim_link link)
{
    ps_sim_config cfg;
    ps_sim_config_default(&cfg);
    cfg.seed = seed;
    cfg.link = link;
    return cfg;
}

/* Nodes 0 to n-1, which nobody wakes. */
static inline ps_sim *test_network(const ps_sim_config *cfg, uint32_t n)
{
    ps_sim *sim = NULL;
    assert_int_equal(ps_sim_create(cfg, &sim), PS_OK);
    for (uint32_t i = 0; i < n; i++) {
        uint32_t id;
        assert_int_equal(ps_sim_add_node(sim, &(ps_sim_node_config){0}, &id), PS_OK);
        assert_int_equal(id, i);
    }
    return sim;
}

static inline void test_send(ps_sim *sim, uint32_t from, uint32_t to, const void *data, size_t len)
{
    const ps_transport *t = ps_sim_transport(sim, from);
    const ps_datagram dg = {.to = ps_sim_addr(sim, to), .len = (uint32_t)len};
    size_t sent = 0;
    assert_int_equal(t->send(t->ctx, (const uint8_t *)data, &dg, 1, &sent), PS_OK);
    assert_int_equal(sent, 1);
}

/* The next datagram's first byte, or -1. */
static inline int test_receive(ps_sim *sim, uint32_t node)
{
    const ps_transport *t = ps_sim_transport(sim, node);
    ps_input in[1];
    size_t n = 0;
    if (t->receive(t->ctx, in, 1, &n) != PS_OK) {
        return -1;
    }
    assert_int_equal(n, 1);
    return in[0].u.datagram.len > 0 ? in[0].u.datagram.data[0] : 0;
}

static inline uint32_t test_receive_all(ps_sim *sim, uint32_t node)
{
    uint32_t count = 0;
    while (test_receive(sim, node) >= 0) {
        count++;
    }
    return count;
}

static inline ps_sim_stats test_stats(const ps_sim *sim)
{
    ps_sim_stats stats;
    ps_sim_stats_get(sim, &stats);
    return stats;
}

/* A stream from node a to node b, open at both. */
static inline void test_connect(ps_sim *sim, uint32_t a, uint32_t b, ps_stream *at_a,
                                ps_stream *at_b)
{
    const ps_stream_transport *ta = ps_sim_stream_transport(sim, a);
    const ps_stream_transport *tb = ps_sim_stream_transport(sim, b);
    const ps_addr to = ps_sim_addr(sim, b);
    ps_addr from;
    assert_int_equal(ta->dial(ta->ctx, &to, at_a), PS_OK);
    while (ta->ready(ta->ctx, *at_a, PS_WRITABLE) == 0) {
        assert_int_equal(ps_sim_step(sim), PS_OK);
    }
    assert_int_equal(tb->accept(tb->ctx, at_b, &from), PS_OK);
}

static inline ps_status test_write(ps_sim *sim, uint32_t node, ps_stream s, const void *data,
                                   size_t len, size_t *n)
{
    const ps_stream_transport *t = ps_sim_stream_transport(sim, node);
    const ps_span part = {(const uint8_t *)data, len};
    return t->write(t->ctx, s, &part, 1, n);
}

static inline ps_status test_read(ps_sim *sim, uint32_t node, ps_stream s, void *buf, size_t cap,
                                  size_t *n)
{
    const ps_stream_transport *t = ps_sim_stream_transport(sim, node);
    return t->read(t->ctx, s, buf, cap, n);
}

static inline uint32_t test_ready(ps_sim *sim, uint32_t node, ps_stream s)
{
    const ps_stream_transport *t = ps_sim_stream_transport(sim, node);
    return t->ready(t->ctx, s, PS_READABLE | PS_WRITABLE);
}

static inline void test_close(ps_sim *sim, uint32_t node, ps_stream s)
{
    const ps_stream_transport *t = ps_sim_stream_transport(sim, node);
    t->close(t->ctx, s);
}

#endif
