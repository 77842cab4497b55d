/* The nodes' clocks: what they show, how they are put wrong, and when they will show a time. */
#include "sim/sim_internal.h"

#define DRIFT_MAX 100000
#define SHOWN_MAX (UINT64_C(1) << 63)

/* Microseconds of the clock in a million of the simulator's. */
static uint64_t rate(const ps_sim_node_clock *c)
{
    return (uint64_t)((int64_t)PS_SIM_PPM + c->drift_ppm);
}

/* What the clock has counted, jumps apart. */
static uint64_t counted_us(const ps_sim_node *node)
{
    const ps_sim_node_clock *c = &node->clock;
    if (c->stopped) {
        return c->counted_us;
    }
    const uint64_t passed_us = node->sim->now_us - c->since_us;
    return c->counted_us + passed_us / PS_SIM_PPM * rate(c) +
           passed_us % PS_SIM_PPM * rate(c) / PS_SIM_PPM;
}

uint64_t ps_sim_clock_us(const ps_sim_node *node)
{
    return counted_us(node) + node->clock.ahead_us;
}

uint64_t ps_sim_clock_wall_s(const ps_sim_node *node)
{
    const ps_sim_config *cfg = &node->sim->cfg;
    if (cfg->start_wall_s == 0) {
        return 0;
    }
    const uint64_t counted_s = (counted_us(node) - cfg->start_us) / 1000000u;
    return cfg->start_wall_s + counted_s + node->clock.wall_ahead_s;
}

uint64_t ps_sim_clock_when(const ps_sim_node *node, uint64_t shown_us)
{
    const ps_sim_node_clock *c = &node->clock;
    if (shown_us <= ps_sim_clock_us(node)) {
        return node->sim->now_us + 1;
    }
    const uint64_t missing_us = shown_us - (c->counted_us + c->ahead_us);
    const uint64_t millions = missing_us / rate(c);
    if (c->stopped || millions >= (PS_TIME_NEVER - c->since_us) / PS_SIM_PPM) {
        return PS_TIME_NEVER;
    }
    const uint64_t rest_us = (missing_us % rate(c) * PS_SIM_PPM + rate(c) - 1) / rate(c);
    return c->since_us + millions * PS_SIM_PPM + rest_us;
}

/* What a jump adds to `shown`, modulo 2^64; it ends at `lowest` or at SHOWN_MAX. */
static uint64_t jump(uint64_t shown, int64_t by, uint64_t lowest)
{
    if (by < 0) {
        const uint64_t back = UINT64_C(0) - (uint64_t)by;
        const uint64_t most = shown - lowest;
        return UINT64_C(0) - (back < most ? back : most);
    }
    const uint64_t most = shown < SHOWN_MAX ? SHOWN_MAX - shown : 0;
    return (uint64_t)by < most ? (uint64_t)by : most;
}

static void trace(ps_sim *sim, uint32_t node, const ps_sim_clock *clock)
{
    ps_sim_trace_head(sim, PS_SIM_CLOCK_SET, node, node, 21);
    ps_sim_trace_number(sim, (uint64_t)clock->jump_us, 8);
    ps_sim_trace_number(sim, (uint64_t)clock->drift_ppm, 4);
    ps_sim_trace_number(sim, clock->stopped ? 1 : 0, 1);
    ps_sim_trace_number(sim, (uint64_t)clock->wall_jump_s, 8);
}

ps_status ps_sim_set_clock(ps_sim *sim, uint32_t node, const ps_sim_clock *clock)
{
    if (node >= sim->nodes_len || !clock || clock->drift_ppm < -DRIFT_MAX ||
        clock->drift_ppm > DRIFT_MAX) {
        return PS_INVALID;
    }
    trace(sim, node, clock);
    ps_sim_node *n = sim->nodes[node];
    ps_sim_node_clock *c = &n->clock;
    c->counted_us = counted_us(n);
    c->since_us = sim->now_us;
    c->drift_ppm = clock->drift_ppm;
    c->stopped = clock->stopped;
    const uint64_t jumped_us = jump(ps_sim_clock_us(n), clock->jump_us, 0);
    c->ahead_us += jumped_us;
    if (n->deadline_us < SHOWN_MAX) { /* A timer that runs is a length of time. */
        const uint64_t moved_us = n->deadline_us + jumped_us;
        n->deadline_us = moved_us < PS_TIME_NEVER - SHOWN_MAX ? moved_us : 0;
    }
    if (sim->cfg.start_wall_s > 0) {
        /* A wall clock that shows 0 would be none. */
        c->wall_ahead_s += jump(ps_sim_clock_wall_s(n), clock->wall_jump_s, 1);
    }
    ps_sim_node_schedule(n);
    return PS_OK;
}

uint64_t ps_sim_node_now_us(const ps_sim *sim, uint32_t node)
{
    return node < sim->nodes_len ? ps_sim_clock_us(sim->nodes[node]) : 0;
}
