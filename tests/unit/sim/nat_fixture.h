/* What the tests of boxes share: two nodes behind a box, two outside, and who sees what. */
#ifndef PS_TESTS_SIM_NAT_FIXTURE_H
#define PS_TESTS_SIM_NAT_FIXTURE_H

#include "fixture.h"

#include "peersync/sim_nat.h"

#define MINUTE UINT64_C(60000000)

enum { INSIDE, SISTER, OUTSIDE, OTHER, BOX };

static inline ps_sim *nat_network(const ps_sim_nat *nat)
{
    ps_sim_config cfg = test_config(4, (ps_sim_link){.latency_us = 100});
    cfg.stream_reset_us = 1000000;
    ps_sim *sim = test_network(&cfg, 2);
    uint32_t id;
    const ps_sim_node_config two = {.endpoints = 2};
    assert_int_equal(ps_sim_add_node(sim, &two, &id), PS_OK);
    assert_int_equal(ps_sim_add_node(sim, &two, &id), PS_OK);
    assert_int_equal(ps_sim_add_nat(sim, nat, &id), PS_OK);
    assert_int_equal(id, BOX);
    assert_int_equal(ps_sim_put_behind(sim, INSIDE, BOX), PS_OK);
    assert_int_equal(ps_sim_put_behind(sim, SISTER, BOX), PS_OK);
    return sim;
}

static inline ps_sim *nat_kind(ps_sim_nat_kind kind)
{
    ps_sim_nat nat;
    ps_sim_nat_default(&nat, kind);
    return nat_network(&nat);
}

static inline void nat_send(ps_sim *sim, uint32_t from, uint32_t endpoint, ps_addr to)
{
    const ps_transport *t = ps_sim_transport(sim, from);
    const ps_datagram dg = {.to = to, .endpoint = endpoint, .len = 1};
    size_t sent = 0;
    assert_int_equal(t->send(t->ctx, (const uint8_t *)"x", &dg, 1, &sent), PS_OK);
    ps_sim_run_until(sim, ps_sim_now_us(sim) + 1000);
}

/* Whether exactly one datagram is there, and whom it comes from. */
static inline bool nat_receive(ps_sim *sim, uint32_t node, ps_addr *from)
{
    const ps_transport *t = ps_sim_transport(sim, node);
    ps_input in[2];
    size_t n = 0;
    if (t->receive(t->ctx, in, 2, &n) != PS_OK) {
        return false;
    }
    assert_int_equal(n, 1);
    *from = in[0].u.datagram.from;
    return true;
}

/* Whether it arrives. */
static inline bool nat_passes(ps_sim *sim, uint32_t from, uint32_t endpoint, ps_addr to,
                              uint32_t node)
{
    ps_addr seen;
    nat_send(sim, from, endpoint, to);
    return nat_receive(sim, node, &seen);
}

/* Sends from inside and says where the datagram seemed to come from. */
static inline ps_addr nat_seen(ps_sim *sim, uint32_t from, uint32_t to, uint32_t port)
{
    ps_addr dest = ps_sim_addr(sim, to);
    dest.port = (uint16_t)(dest.port + port);
    ps_addr seen = {0};
    nat_send(sim, from, 0, dest);
    assert_true(nat_receive(sim, to, &seen));
    return seen;
}

static inline ps_sim_nat_load nat_load(const ps_sim *sim)
{
    ps_sim_nat_load load;
    assert_int_equal(ps_sim_nat_stats(sim, BOX, &load), PS_OK);
    return load;
}

#endif
