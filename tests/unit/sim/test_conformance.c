/* The simulator keeps the transports' contract. */
#include "conformance.h"
#include "peersync/sim_nat.h"

#include <stdlib.h>

static ps_sim *make_world(const ps_sim_link *link)
{
    ps_sim_config cfg;
    ps_sim_config_default(&cfg);
    cfg.seed = 1;
    cfg.link = *link;
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

static void *open_world(void)
{
    return make_world(&(ps_sim_link){.latency_us = 1000});
}

/* The same with an access of 10 Mbit/s for each, and streams that lose as TCP's do. */
static void *open_slow_world(void)
{
    const ps_sim_link link = {
        .latency_us = 1000, .jitter_us = 500, .stream_model = PS_SIM_STREAM_TCP};
    const ps_sim_rate rate = {1250000, 1250000, 1000000, 1000000};
    ps_sim *sim = make_world(&link);
    for (uint32_t i = 0; sim && i < CONFORMANCE_NODES; i++) {
        (void)ps_sim_set_rate(sim, i, &rate);
    }
    return sim;
}

static ps_addr outer(uint32_t node)
{
    return (ps_addr){.ip = {10, 1, 0, (uint8_t)node}, .port = 5000, .family = PS_ADDR_V4};
}

static ps_addr inner(uint32_t node)
{
    return (ps_addr){.ip = {192, 168, (uint8_t)node, 1}, .port = 5000, .family = PS_ADDR_V4};
}

/* The same with each node but the first one behind a box that forwards its port. */
static void *open_boxed_world(void)
{
    ps_sim *sim = make_world(&(ps_sim_link){.latency_us = 1000});
    for (uint32_t i = 1; sim && i < CONFORMANCE_NODES; i++) {
        const ps_addr inside = inner(i);
        ps_sim_nat nat;
        uint32_t box;
        ps_sim_nat_default(&nat, PS_SIM_NAT_PORT_RESTRICTED);
        nat.refuses_streams = true;
        nat.addr = outer(i);
        if (ps_sim_move(sim, i, &inside) != PS_OK || ps_sim_add_nat(sim, &nat, &box) != PS_OK ||
            ps_sim_put_behind(sim, i, box) != PS_OK ||
            ps_sim_nat_forward(sim, box, 5000, &inside) != PS_OK) {
            ps_sim_destroy(sim);
            return NULL;
        }
    }
    return sim;
}

/* Where the others reach the nodes behind boxes: what they would be told by who forwards. */
static ps_transport boxed[CONFORMANCE_NODES];
static ps_stream_transport boxed_streams[CONFORMANCE_NODES];

static size_t boxed_endpoints(void *ctx, ps_addr out[], size_t cap)
{
    for (uint32_t i = 1; i < CONFORMANCE_NODES && cap > 0; i++) {
        out[0] = boxed[i].ctx == ctx ? outer(i) : out[0];
    }
    return 1;
}

static ps_addr boxed_listener(void *ctx)
{
    return outer(boxed_streams[1].ctx == ctx ? 1 : 2);
}

static const ps_transport *boxed_datagrams_of(void *world, unsigned node)
{
    boxed[node] = *ps_sim_transport((ps_sim *)world, node);
    boxed[node].endpoints = node > 0 ? boxed_endpoints : boxed[node].endpoints;
    return &boxed[node];
}

static const ps_stream_transport *boxed_streams_of(void *world, unsigned node)
{
    boxed_streams[node] = *ps_sim_stream_transport((ps_sim *)world, node);
    boxed_streams[node].listener = node > 0 ? boxed_listener : boxed_streams[node].listener;
    return &boxed_streams[node];
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
    conformance_adapter adapter = {
        .name = "sim",
        .ordered = true,
        .open = open_world,
        .close = close_world,
        .datagrams = datagrams,
        .streams = streams,
        .nobody = nobody,
        .wait = wait_world,
    };
    int failed = conformance_run(&adapter);
    adapter.name = "sim, behind boxes";
    adapter.open = open_boxed_world;
    adapter.datagrams = boxed_datagrams_of;
    adapter.streams = boxed_streams_of;
    failed += conformance_run(&adapter);
    adapter.name = "sim, slow";
    adapter.ordered = false;
    adapter.open = open_slow_world;
    adapter.datagrams = datagrams;
    adapter.streams = streams;
    return failed + conformance_run(&adapter);
}
