/* Nodes: their addresses, deadlines, crashes and restarts. */
#include "sim/sim_internal.h"

#include <stdlib.h>
#include <string.h>

#define DEFAULT_PORT 5000u

static bool same_ip(const ps_addr *a, const ps_addr *b)
{
    return a->family == b->family && memcmp(a->ip, b->ip, sizeof a->ip) == 0;
}

static uint32_t ip_slot(const ps_sim *sim, const ps_addr *addr)
{
    uint64_t hash = ps_sim_fnv(PS_SIM_FNV_BASIS, addr->ip, sizeof addr->ip);
    uint32_t i = (uint32_t)(hash ^ (hash >> 32)) & (sim->by_ip_cap - 1);
    while (sim->by_ip[i] != 0 && !same_ip(&sim->nodes[sim->by_ip[i] - 1]->addr, addr)) {
        i = (i + 1) & (sim->by_ip_cap - 1);
    }
    return i;
}

uint32_t ps_sim_node_find(const ps_sim *sim, const ps_addr *addr)
{
    const uint32_t entry = sim->by_ip[ip_slot(sim, addr)];
    return entry == 0 ? PS_SIM_NONE : entry - 1;
}

static ps_addr default_addr(uint32_t id)
{
    const uint32_t host = id + 1;
    ps_addr addr = {.family = PS_ADDR_V4, .port = DEFAULT_PORT};
    addr.ip[0] = 10;
    addr.ip[1] = (uint8_t)(host >> 16);
    addr.ip[2] = (uint8_t)(host >> 8);
    addr.ip[3] = (uint8_t)host;
    return addr;
}

ps_status ps_sim_add_node(ps_sim *sim, const ps_sim_node_config *cfg, uint32_t *id)
{
    if (!cfg || !id || sim->nodes_len >= sim->cfg.max_nodes) {
        return PS_INVALID;
    }
    const ps_addr addr =
        cfg->addr.family == PS_ADDR_NONE ? default_addr(sim->nodes_len) : cfg->addr;
    if (ps_sim_node_find(sim, &addr) != PS_SIM_NONE ||
        cfg->endpoints > (uint32_t)UINT16_MAX - addr.port) {
        return PS_INVALID;
    }
    ps_sim_node *node = (ps_sim_node *)calloc(1, sizeof *node);
    if (!node || !ps_sim_reserve_events(sim, 1, 0, 0)) {
        free(node);
        return PS_FAILED;
    }
    node->sim = sim;
    node->id = sim->nodes_len;
    node->up = true;
    node->deaf = cfg->deaf;
    node->addr = addr;
    node->behind = PS_SIM_NONE;
    for (size_t i = 0; i < 2; i++) {
        node->gates[i] = (ps_sim_gate){.flow = PS_SIM_NONE,
                                       .packet = PS_SIM_NONE,
                                       .flows_head = PS_SIM_NONE,
                                       .packets_head = PS_SIM_NONE,
                                       .credit = PS_SIM_SEGMENT};
    }
    node->endpoints = cfg->endpoints > 0 ? cfg->endpoints : 1;
    node->work = (ps_sim_work){.cost_ns = cfg->receive_cost_ns,
                               .costly = cfg->receive_cost_ns > 0,
                               .free_at = PS_SIM_NONE};
    node->receive_queue = cfg->receive_queue > 0 ? cfg->receive_queue : sim->cfg.receive_queue;
    node->held_head = node->held_tail = PS_SIM_NONE;
    node->deadline_us = PS_TIME_NEVER;
    node->deadline_at = PS_SIM_NONE;
    node->wake = cfg->wake;
    node->ctx = cfg->ctx;
    node->waiting_head = node->waiting_tail = PS_SIM_NONE;
    node->accept_head = node->accept_tail = PS_SIM_NONE;
    ps_sim_datagram_attach(node);
    ps_sim_stream_attach(node);
    sim->by_ip[ip_slot(sim, &addr)] = node->id + 1;
    sim->nodes[sim->nodes_len++] = node;
    *id = node->id;
    return PS_OK;
}

const ps_transport *ps_sim_transport(ps_sim *sim, uint32_t node)
{
    return node < sim->nodes_len ? &sim->nodes[node]->transport : NULL;
}

const ps_stream_transport *ps_sim_stream_transport(ps_sim *sim, uint32_t node)
{
    return node < sim->nodes_len ? &sim->nodes[node]->streams : NULL;
}

ps_addr ps_sim_addr(const ps_sim *sim, uint32_t node)
{
    return node < sim->nodes_len ? sim->nodes[node]->addr : (ps_addr){.family = PS_ADDR_NONE};
}

ps_status ps_sim_move(ps_sim *sim, uint32_t node, const ps_addr *addr)
{
    if (node >= sim->nodes_len || !addr || addr->family == PS_ADDR_NONE) {
        return PS_INVALID;
    }
    ps_sim_node *n = sim->nodes[node];
    const uint32_t there = ps_sim_node_find(sim, addr);
    if ((there != PS_SIM_NONE && there != node) ||
        n->endpoints > (uint32_t)UINT16_MAX - addr->port) {
        return PS_INVALID;
    }
    n->addr = *addr;
    n->moves++;
    ps_sim_nat_reset(n);
    /* Open addressing: what was found beyond the old entry must be found still. */
    memset(sim->by_ip, 0, sim->by_ip_cap * sizeof *sim->by_ip);
    for (uint32_t i = 0; i < sim->nodes_len; i++) {
        sim->by_ip[ip_slot(sim, &sim->nodes[i]->addr)] = i + 1;
    }
    ps_sim_trace_head(sim, PS_SIM_MOVED, node, node, sizeof addr->ip + 2);
    ps_sim_trace_bytes(sim, addr->ip, sizeof addr->ip);
    ps_sim_trace_number(sim, addr->port, 2);
    return PS_OK;
}

void ps_sim_node_schedule(ps_sim_node *node)
{
    ps_sim_queue *q = &node->sim->queue;
    ps_sim_queue_remove(q, &node->deadline_at);
    if (node->deadline_us == PS_TIME_NEVER) {
        return;
    }
    const uint64_t at_us = ps_sim_clock_when(node, node->deadline_us);
    if (at_us != PS_TIME_NEVER) {
        ps_sim_queue_add_deadline(q, at_us, node->id, &node->deadline_at);
    }
}

void ps_sim_set_deadline(ps_sim *sim, uint32_t node, uint64_t at_us)
{
    if (node < sim->nodes_len && sim->nodes[node]->up) {
        sim->nodes[node]->deadline_us = at_us;
        ps_sim_node_schedule(sim->nodes[node]);
    }
}

void ps_sim_crash(ps_sim *sim, uint32_t node)
{
    if (node >= sim->nodes_len || !sim->nodes[node]->up) {
        return;
    }
    ps_sim_node *n = sim->nodes[node];
    ps_sim_trace(sim, PS_SIM_CRASHED, node, node, NULL, 0);
    n->deadline_us = PS_TIME_NEVER;
    ps_sim_node_schedule(n);
    ps_sim_work_forget(n);
    ps_sim_datagram_drop_all(sim, n);
    ps_sim_conns_crash(sim, n);
    ps_sim_nat_reset(n);
    n->up = false;
}

void ps_sim_restart(ps_sim *sim, uint32_t node)
{
    if (node >= sim->nodes_len || sim->nodes[node]->up) {
        return;
    }
    ps_sim_trace(sim, PS_SIM_RESTARTED, node, node, NULL, 0);
    sim->nodes[node]->up = true;
}

bool ps_sim_is_up(const ps_sim *sim, uint32_t node)
{
    return node < sim->nodes_len && sim->nodes[node]->up;
}

void ps_sim_node_mark(ps_sim *sim, uint32_t node)
{
    sim->marked[node / 64] |= UINT64_C(1) << (node % 64);
}

void ps_sim_nodes_free(ps_sim *sim)
{
    for (uint32_t i = 0; sim->nodes && i < sim->nodes_len; i++) {
        ps_sim_datagram_drop_all(sim, sim->nodes[i]);
        ps_sim_nat_free(sim->nodes[i]);
        free(sim->nodes[i]);
    }
    free(sim->nodes);
    free(sim->by_ip);
    free(sim->marked);
}
