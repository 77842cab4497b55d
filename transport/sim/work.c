/* When a node is away: busy with work that it was charged, or paused. */
#include "sim/sim_internal.h"

#define PAUSE_MAX_US (UINT64_C(1) << 63)

/* Before this, the node's work does not go on. */
static uint64_t work_from_us(const ps_sim_node *node)
{
    const uint64_t now_us = node->sim->now_us;
    return node->work.paused_until_us > now_us ? node->work.paused_until_us : now_us;
}

static uint64_t left_ns(const ps_sim_node *node)
{
    const ps_sim_work *w = &node->work;
    const uint64_t from_us = work_from_us(node);
    return w->done_us >= from_us ? (w->done_us - from_us) * 1000u + w->done_ns : 0;
}

/* When the node is free: a part of a microsecond takes all of it. */
static uint64_t free_us(const ps_sim_node *node)
{
    const ps_sim_work *w = &node->work;
    const uint64_t done_us = w->done_us + (w->done_ns > 0 ? 1u : 0u);
    return done_us > w->paused_until_us ? done_us : w->paused_until_us;
}

bool ps_sim_work_away(const ps_sim_node *node)
{
    return free_us(node) > node->sim->now_us;
}

bool ps_sim_work_holds(const ps_sim_node *node)
{
    return (node->work.waking && node->work.costly) || ps_sim_work_away(node);
}

/* In a wake the end is not yet known: ps_sim_work_woken() does it. */
static void schedule(ps_sim_node *node)
{
    if (node->work.waking) {
        return;
    }
    ps_sim_queue_remove(&node->sim->queue, &node->work.free_at);
    if (ps_sim_work_away(node)) {
        ps_sim_queue_add_free(&node->sim->queue, free_us(node), node->id, &node->work.free_at);
    }
}

static void charge(ps_sim_node *node, uint64_t ns)
{
    ps_sim_work *w = &node->work;
    if (left_ns(node) == 0) {
        w->done_us = work_from_us(node);
        w->done_ns = 0;
    }
    const uint32_t part_ns = w->done_ns + (uint32_t)(ns % 1000u);
    w->done_us += ns / 1000u + part_ns / 1000u;
    w->done_ns = part_ns % 1000u;
    w->charged_ns += ns;
    w->costly = true;
    schedule(node);
}

void ps_sim_charge(ps_sim *sim, uint32_t node, uint64_t ns)
{
    if (ps_sim_is_up(sim, node)) {
        charge(sim->nodes[node], ns);
    }
}

uint32_t ps_sim_work_room(const ps_sim_node *node)
{
    const ps_sim_work *w = &node->work;
    return w->waking && w->cost_ns > 0 ? PS_SIM_BATCH_MAX - w->taken : PS_SIM_BATCH_MAX;
}

void ps_sim_work_received(ps_sim_node *node, uint32_t count)
{
    if (node->work.cost_ns > 0 && count > 0) {
        node->work.taken += count;
        charge(node, (uint64_t)node->work.cost_ns * count);
    }
}

void ps_sim_pause(ps_sim *sim, uint32_t node, uint64_t us)
{
    if (!ps_sim_is_up(sim, node)) {
        return;
    }
    ps_sim_node *n = sim->nodes[node];
    ps_sim_trace_head(sim, PS_SIM_PAUSED, node, node, 8);
    ps_sim_trace_number(sim, us, 8);
    const uint64_t most_us = sim->now_us < PAUSE_MAX_US ? PAUSE_MAX_US - sim->now_us : 0;
    const uint64_t until_us = sim->now_us + (us < most_us ? us : most_us);
    const uint64_t from_us = work_from_us(n);
    if (until_us <= from_us) {
        return;
    }
    if (left_ns(n) > 0) {
        n->work.done_us += until_us - from_us;
    }
    n->work.paused_until_us = until_us;
    schedule(n);
}

void ps_sim_work_wake(ps_sim_node *node)
{
    ps_sim_work *w = &node->work;
    if (ps_sim_work_away(node)) {
        w->owed = true;
        return;
    }
    node->sim->stats.wakes++;
    node->wakes++;
    w->taken = 0;
    w->waking = true;
    node->wake(node->ctx, ps_sim_clock_us(node));
    w->owed = w->owed || (ps_sim_work_room(node) == 0 && node->waiting > 0);
    w->waking = false;
    schedule(node);
    if (!ps_sim_work_away(node)) {
        ps_sim_datagram_depart(node);
    }
}

void ps_sim_work_free(ps_sim_node *node)
{
    ps_sim_datagram_depart(node);
    if (node->work.owed) {
        node->work.owed = false;
        ps_sim_node_mark(node->sim, node->id);
    }
}

void ps_sim_work_forget(ps_sim_node *node)
{
    ps_sim_work *w = &node->work;
    w->charged_ns -= left_ns(node);
    w->done_us = 0;
    w->done_ns = 0;
    w->paused_until_us = 0;
    w->owed = false;
    ps_sim_queue_remove(&node->sim->queue, &w->free_at);
}

ps_status ps_sim_node_stats(const ps_sim *sim, uint32_t node, ps_sim_node_load *load)
{
    if (node >= sim->nodes_len || !load) {
        return PS_INVALID;
    }
    const ps_sim_node *n = sim->nodes[node];
    *load = (ps_sim_node_load){
        .busy_us = (n->work.charged_ns - left_ns(n)) / 1000u,
        .queue_full = n->queue_full,
        .wakes = n->wakes,
        .waiting = n->waiting,
    };
    return PS_OK;
}
