/* The simulator keeps the transports' contract. */
#include "conformance.h"
#include "peersync/sim.h"

#include <stdlib.h>

static void *open_world(void)
{
    ps_sim_config cfg;
    ps_sim_config_default(&cfg);
    cfg.seed = 1;
    cfg.start_wall_s = 1700000000;
    cfg.stream_reset_us = 5000000;
    ps_sim *sim = NULL;
    if (ps_sim_create(&cfg, &sim) != PS_OK) {
        return NULL;
    }
    for (unsigned i = 0; i < CONFORMANCE_NODES; i++) {
        uint32_t id;
        const ps_sim_node_config node = {.endpoints = i == 0 ? 2 : 1};
        if (ps_sim_add_node(sim, &node, &id) != PS_OK) {
            ps_sim_destroy(sim);
            return NULL;
        }
    }
    return sim;
}

static void close_world(void *world)
{
    ps_sim_destroy((ps_sim *)world);
}

static const ps_transport *datagrams(void *world, unsigned node)
{
    return ps_sim_transport((ps_sim *)world, node);
}

static const ps_stream_transport *streams(void *world, unsigned node)
{
    return ps_sim_stream_transport((ps_sim *)world, node);
}

static ps_addr nobody(void *world)
{
    (void)world;
    return (ps_addr){.ip = {10, 255, 255, 255}, .port = 5000, .family = PS_ADDR_V4};
}

/* The next instant, or 10 ms without one. */
static void wait_world(void *world)
{
    ps_sim *sim = (ps_sim *)world;
    const uint64_t latest = ps_sim_now_us(sim) + 10000;
    if (ps_sim_next_us(sim) <= latest) {
        (void)ps_sim_step(sim);
    } else {
        ps_sim_run_until(sim, latest);
    }
}

int main(void)
{
    static const conformance_adapter adapter = {
        .name = "sim",
        .ordered = true,
        .open = open_world,
        .close = close_world,
        .datagrams = datagrams,
        .streams = streams,
        .nobody = nobody,
        .wait = wait_world,
    };
    return conformance_run(&adapter);
}
