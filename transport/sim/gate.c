/* A node's rate, up and down: what waits for it, and whose turn it is. */
#include "sim/sim_internal.h"

enum { UP = PS_SIM_GATE_UP, DOWN = PS_SIM_GATE_DOWN };

static ps_sim_flow *flow_of(const ps_sim *sim, uint32_t flow)
{
    return &sim->conns.table[flow / 2]->flows[flow % 2];
}

static uint32_t *next_of(const ps_sim *sim, uint32_t flow, uint32_t way)
{
    return &flow_of(sim, flow)->gates[way].next;
}

bool ps_sim_gate_is_open(const ps_sim_node *node, uint32_t way)
{
    return node->gates[way].rate_bytes_s == 0 && !node->gates[way].busy;
}

static void push_flow(ps_sim *sim, ps_sim_gate *g, uint32_t way, uint32_t flow)
{
    *next_of(sim, flow, way) = PS_SIM_NONE;
    if (g->flows_head == PS_SIM_NONE) {
        g->flows_head = flow;
    } else {
        *next_of(sim, g->flows_tail, way) = flow;
    }
    g->flows_tail = flow;
}

static uint32_t pop_flow(ps_sim *sim, ps_sim_gate *g, uint32_t way)
{
    const uint32_t flow = g->flows_head;
    g->flows_head = *next_of(sim, flow, way);
    return flow;
}

static uint32_t pop_packet(ps_sim *sim, ps_sim_gate *g)
{
    const uint32_t packet = g->packets_head;
    const ps_sim_packet *p = ps_sim_packet_at(sim, packet);
    g->packets_head = p->next;
    g->packets_bytes -= p->len;
    return packet;
}

/* Begins with the next one, if any waits. */
static void serve(ps_sim *sim, ps_sim_node *node, uint32_t way)
{
    ps_sim_gate *g = &node->gates[way];
    const bool packets = g->packets_head != PS_SIM_NONE;
    g->busy = packets || g->flows_head != PS_SIM_NONE;
    if (!g->busy) {
        g->credit = PS_SIM_SEGMENT;
        return;
    }
    uint32_t len;
    g->flow = g->packet = PS_SIM_NONE;
    if (packets && (g->credit > 0 || g->flows_head == PS_SIM_NONE)) {
        g->packet = pop_packet(sim, g);
        len = ps_sim_packet_at(sim, g->packet)->len;
        g->credit -= len < g->credit ? len : g->credit;
    } else {
        g->flow = pop_flow(sim, g, way);
        len = ps_sim_flow_waiting(flow_of(sim, g->flow), way);
        g->credit = PS_SIM_SEGMENT;
    }
    const uint64_t us = g->rate_bytes_s > 0 ? ps_sim_transmit_us(g->rate_bytes_s, len) : 0;
    ps_sim_queue_add(&sim->queue, sim->now_us + (us > 0 ? us : 1), PS_SIM_EVENT_GATE,
                     node->id * 2 + way, NULL);
}

void ps_sim_gate_flow(ps_sim *sim, ps_sim_node *node, uint32_t way, uint32_t flow)
{
    ps_sim_gate *g = &node->gates[way];
    flow_of(sim, flow)->gates[way].node = node->id;
    push_flow(sim, g, way, flow);
    if (!g->busy) {
        serve(sim, node, way);
    }
}

bool ps_sim_gate_packet(ps_sim *sim, ps_sim_node *node, uint32_t way, uint32_t packet)
{
    ps_sim_gate *g = &node->gates[way];
    ps_sim_packet *p = ps_sim_packet_at(sim, packet);
    if (g->packets_bytes > g->queue_bytes) {
        return false;
    }
    p->next = PS_SIM_NONE;
    g->packets_bytes += p->len;
    if (g->packets_head == PS_SIM_NONE) {
        g->packets_head = packet;
    } else {
        ps_sim_packet_at(sim, g->packets_tail)->next = packet;
    }
    g->packets_tail = packet;
    if (!g->busy) {
        serve(sim, node, way);
    }
    return true;
}

void ps_sim_gate_leave(ps_sim *sim, uint32_t flow, uint32_t way)
{
    ps_sim_flow *f = flow_of(sim, flow);
    if (f->gates[way].node == PS_SIM_NONE) {
        return;
    }
    ps_sim_gate *g = &sim->nodes[f->gates[way].node]->gates[way];
    f->gates[way].node = PS_SIM_NONE;
    if (g->busy && g->flow == flow) {
        g->flow = PS_SIM_NONE; /* Its time is used up all the same. */
        return;
    }
    uint32_t *at = &g->flows_head;
    uint32_t before = PS_SIM_NONE;
    while (*at != flow) {
        before = *at;
        at = next_of(sim, *at, way);
    }
    *at = f->gates[way].next;
    if (g->flows_tail == flow) {
        g->flows_tail = before;
    }
}

void ps_sim_gate_event(ps_sim *sim, uint32_t gate)
{
    ps_sim_node *node = sim->nodes[gate / 2];
    const uint32_t way = gate % 2;
    ps_sim_gate *g = &node->gates[way];
    const uint32_t flow = g->flow;
    const uint32_t packet = g->packet;
    g->flow = g->packet = PS_SIM_NONE;
    if (packet != PS_SIM_NONE) {
        ps_sim_datagram_through(sim, packet, way);
    } else if (flow != PS_SIM_NONE) {
        flow_of(sim, flow)->gates[way].node = PS_SIM_NONE;
        ps_sim_flow_through(sim, flow, way);
    }
    serve(sim, node, way);
}

ps_status ps_sim_set_rate(ps_sim *sim, uint32_t node, const ps_sim_rate *rate)
{
    if (node >= sim->nodes_len || !rate) {
        return PS_INVALID;
    }
    ps_sim_gate *gates = sim->nodes[node]->gates;
    gates[UP].rate_bytes_s = rate->up_bytes_s;
    gates[UP].queue_bytes = rate->up_queue_bytes;
    gates[DOWN].rate_bytes_s = rate->down_bytes_s;
    gates[DOWN].queue_bytes = rate->down_queue_bytes;
    sim->rates = sim->rates || rate->up_bytes_s > 0 || rate->down_bytes_s > 0;
    return PS_OK;
}

/* A box has its rate on the outer side only. */
static bool applies(const ps_sim *sim, uint32_t node, uint32_t other)
{
    return !sim->nodes[node]->box || other == PS_SIM_NONE || sim->nodes[other]->behind != node;
}

ps_sim_node *ps_sim_gate_of(const ps_sim *sim, uint32_t node, uint32_t other, uint32_t way)
{
    if (!sim->rates || node == PS_SIM_NONE || ps_sim_gate_is_open(sim->nodes[node], way) ||
        !applies(sim, node, other)) {
        return NULL;
    }
    return sim->nodes[node];
}

ps_sim_node *ps_sim_gate_of_way(const ps_sim *sim, const ps_sim_conn *c, uint32_t from_end,
                                uint32_t way)
{
    ps_sim_node *slowest = NULL;
    const uint32_t *nodes = c->way.nodes;
    for (uint32_t i = 0; sim->rates && i + 1 < c->way.len; i++) {
        const bool near = (from_end == 0) == (way == UP);
        ps_sim_node *node =
            ps_sim_gate_of(sim, nodes[near ? i : i + 1], nodes[near ? i + 1 : i], way);
        if (node && node->gates[way].rate_bytes_s > 0 &&
            (!slowest || node->gates[way].rate_bytes_s < slowest->gates[way].rate_bytes_s)) {
            slowest = node;
        }
    }
    return slowest;
}
