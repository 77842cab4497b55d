/* A network's life: configuration, instants, wakes. */
#include "sim/sim_internal.h"

#include <stdlib.h>
#include <string.h>

#define NODES_LIMIT (UINT32_C(1) << 20)
/* Another number of the same seed: "faults", in ASCII. */
#define FAULTS_SEED UINT64_C(0x6661756c7473)

void ps_sim_config_default(ps_sim_config *cfg)
{
    *cfg = (ps_sim_config){
        .size = sizeof *cfg,
        .start_us = 1000000,
        .batch = PS_SIM_BATCH_MAX,
        .max_nodes = 4096,
        .max_packets = 262144,
        .max_streams = 4096,
        .receive_queue = 1024,
        .accept_queue = 128,
        .stream_buffer = 262144,
        .stream_retry_us = 200000,
        .stream_reset_us = 30000000,
        .link = {.latency_us = 1000},
    };
}

static bool possible(const ps_sim_config *cfg)
{
    return cfg->size == sizeof *cfg && cfg->batch >= 1 && cfg->batch <= PS_SIM_BATCH_MAX &&
           cfg->max_nodes >= 1 && cfg->max_nodes <= NODES_LIMIT && cfg->max_packets >= 1 &&
           cfg->max_packets <= UINT32_C(1) << 30 && cfg->max_streams <= UINT32_C(1) << 24 &&
           cfg->receive_queue >= 1 && cfg->accept_queue >= 1 && cfg->stream_buffer >= 1 &&
           cfg->stream_buffer <= UINT32_C(1) << 30 && cfg->stream_retry_us >= 1;
}

/* A power of two of at least twice n. */
static uint32_t table_cap(uint32_t n)
{
    uint32_t cap = 2;
    while (cap < 2 * n) {
        cap *= 2;
    }
    return cap;
}

ps_status ps_sim_create(const ps_sim_config *cfg, ps_sim **out)
{
    if (!cfg || !out || !possible(cfg)) {
        return PS_INVALID;
    }
    ps_sim *sim = (ps_sim *)calloc(1, sizeof *sim);
    if (!sim) {
        return PS_FAILED;
    }
    sim->cfg = *cfg;
    /* Whole chunks: what is over a multiple of the chunk would never be used. */
    sim->cfg.max_packets = (cfg->max_packets + PS_SIM_CHUNK - 1) / PS_SIM_CHUNK * PS_SIM_CHUNK;
    sim->now_us = cfg->start_us;
    sim->hash = PS_SIM_FNV_BASIS;
    ps_sim_rng_seed(&sim->rng, cfg->seed);
    ps_sim_rng_seed(&sim->faults, cfg->seed ^ FAULTS_SEED);
    sim->packets.free = PS_SIM_NONE;
    sim->conns.free = PS_SIM_NONE;
    sim->by_ip_cap = table_cap(cfg->max_nodes);
    sim->by_ip = (uint32_t *)calloc(sim->by_ip_cap, sizeof *sim->by_ip);
    sim->nodes = (ps_sim_node **)calloc(cfg->max_nodes, sizeof(ps_sim_node *));
    sim->marked = (uint64_t *)calloc(cfg->max_nodes / 64 + 1, sizeof *sim->marked);
    sim->packets.chunks =
        (ps_sim_packet **)calloc(sim->cfg.max_packets / PS_SIM_CHUNK, sizeof(ps_sim_packet *));
    if (!sim->by_ip || !sim->nodes || !sim->marked || !sim->packets.chunks) {
        ps_sim_destroy(sim);
        return PS_FAILED;
    }
    *out = sim;
    return PS_OK;
}

void ps_sim_destroy(ps_sim *sim)
{
    if (!sim) {
        return;
    }
    ps_sim_nodes_free(sim);
    ps_sim_conns_free(sim);
    ps_sim_links_free(sim);
    ps_sim_disks_free(sim);
    ps_sim_packets_free(&sim->packets);
    ps_sim_queue_free(&sim->queue);
    free(sim);
}

bool ps_sim_reserve_events(ps_sim *sim, uint32_t nodes, uint32_t packets, uint32_t conns)
{
    /* A node has a deadline, an end of work and two gates, a packet an arrival, a connection's flow
     * a segment and a window. */
    return ps_sim_queue_reserve(&sim->queue, 4 * (sim->nodes_len + nodes) + sim->packets.cap +
                                                 packets + 4 * (sim->conns.len + conns));
}

static void carry_out(ps_sim *sim, const ps_sim_event *event)
{
    switch (event->kind) {
    case PS_SIM_EVENT_PACKET:
        ps_sim_datagram_arrive(sim, event->index);
        break;
    case PS_SIM_EVENT_SEGMENT:
        ps_sim_flow_segment(sim, event->index);
        break;
    case PS_SIM_EVENT_WINDOW:
        ps_sim_flow_window(sim, event->index);
        break;
    case PS_SIM_EVENT_GATE:
        ps_sim_gate_event(sim, event->index);
        break;
    case PS_SIM_EVENT_FREE:
        ps_sim_work_free(sim->nodes[event->index]);
        break;
    case PS_SIM_EVENT_DEADLINE:
        sim->nodes[event->index]->deadline_us = PS_TIME_NEVER;
        ps_sim_trace(sim, PS_SIM_DEADLINE, event->index, event->index, NULL, 0);
        ps_sim_node_mark(sim, event->index);
        break;
    }
}

static void wake_marked(ps_sim *sim)
{
    const uint32_t words = sim->nodes_len / 64 + 1;
    for (uint32_t w = 0; w < words; w++) {
        for (uint32_t b = 0; sim->marked[w] != 0; b++) {
            const uint64_t bit = UINT64_C(1) << b;
            if ((sim->marked[w] & bit) == 0) {
                continue;
            }
            sim->marked[w] &= ~bit;
            ps_sim_node *node = sim->nodes[w * 64 + b];
            if (node->up && node->wake) {
                ps_sim_work_wake(node);
            }
        }
    }
}

uint64_t ps_sim_now_us(const ps_sim *sim)
{
    return sim->now_us;
}

uint64_t ps_sim_next_us(const ps_sim *sim)
{
    return sim->queue.len > 0 ? sim->queue.heap[0].at_us : PS_TIME_NEVER;
}

ps_status ps_sim_step(ps_sim *sim)
{
    const uint64_t next_us = ps_sim_next_us(sim);
    if (next_us == PS_TIME_NEVER) {
        return PS_AGAIN;
    }
    sim->now_us = next_us;
    sim->stats.instants++;
    ps_sim_event event;
    while (ps_sim_queue_pop(&sim->queue, sim->now_us, &event)) {
        carry_out(sim, &event);
    }
    wake_marked(sim);
    return PS_OK;
}

void ps_sim_run_until(ps_sim *sim, uint64_t until_us)
{
    while (ps_sim_next_us(sim) <= until_us && ps_sim_step(sim) == PS_OK) {
    }
    if (until_us > sim->now_us) {
        sim->now_us = until_us;
    }
}

uint64_t ps_sim_random(ps_sim *sim, uint64_t bound)
{
    return ps_sim_rng_below(&sim->rng, bound);
}

void ps_sim_stats_get(const ps_sim *sim, ps_sim_stats *stats)
{
    *stats = sim->stats;
    stats->packets = sim->packets.used;
    stats->streams_now = sim->conns.used;
}
