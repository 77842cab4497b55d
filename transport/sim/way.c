/* The way of a stream: found when it is dialled, through the boxes that stand between. */
#include "sim/sim_internal.h"

/* Nobody is there, or nobody who answers. */
static void nowhere(ps_sim_conn *c)
{
    c->way.nodes[1] = PS_SIM_NONE;
    c->way.len = 2;
    c->ends[1].node = PS_SIM_NONE;
}

static void arrives(const ps_sim *sim, ps_sim_conn *c, uint32_t node, const ps_addr *dest)
{
    const ps_sim_node *there = sim->nodes[node];
    c->way.nodes[c->way.len++] = node;
    c->ends[1].node = node;
    c->refused = there->deaf || there->addr.port != dest->port;
}

/* Into the net of a box; false: it does not let it. */
static bool enter(ps_sim *sim, ps_sim_conn *c, ps_sim_node *box, ps_addr *dest)
{
    if (!box->up) {
        nowhere(c);
        return false;
    }
    if (ps_sim_nat_dial_in(sim, box, dest, &c->way) == PS_SIM_INWARD) {
        return true;
    }
    if (ps_sim_nat_refuses(box)) {
        c->ends[1].node = box->id;
        c->refused = true;
    } else {
        nowhere(c);
    }
    return false;
}

void ps_sim_way_find(ps_sim *sim, const ps_sim_node *node, const ps_addr *to, ps_sim_conn *c)
{
    ps_sim_way *way = &c->way;
    ps_addr dest = *to;
    uint32_t net = node->behind;
    bool inward = false;
    way->nodes[0] = node->id;
    way->len = 1;
    while (way->len < PS_SIM_WAY_BOXES + 2) {
        const uint32_t there = ps_sim_node_find(sim, &dest);
        if (there != PS_SIM_NONE && sim->nodes[there]->behind == net) {
            if (!sim->nodes[there]->box) {
                arrives(sim, c, there, &dest);
                return;
            }
            way->nodes[way->len++] = there;
            if (!enter(sim, c, sim->nodes[there], &dest)) {
                return;
            }
            inward = true;
            net = there;
            continue;
        }
        if (net == PS_SIM_NONE || inward) {
            break;
        }
        ps_sim_node *box = sim->nodes[net];
        way->nodes[way->len++] = net;
        const ps_sim_verdict verdict =
            box->up ? ps_sim_nat_dial_out(sim, box, &c->from, &dest, way) : PS_SIM_VERDICT_BLOCKED;
        if (verdict == PS_SIM_INWARD) { /* It turns round here. */
            if (!enter(sim, c, box, &dest)) {
                return;
            }
            inward = true;
        } else if (verdict == PS_SIM_OUTWARD) {
            net = box->behind;
        } else {
            break;
        }
    }
    nowhere(c);
}

bool ps_sim_way_passes(const ps_sim *sim, const ps_sim_conn *c, uint32_t from_end)
{
    const ps_sim_way *way = &c->way;
    for (uint32_t i = 0; i + 1 < way->len; i++) {
        const uint32_t a = way->nodes[i];
        const uint32_t b = way->nodes[i + 1];
        if (from_end == 0 ? ps_sim_is_cut(sim, a, b) : ps_sim_is_cut(sim, b, a)) {
            return false;
        }
    }
    for (uint32_t i = 0; i < way->keys_len; i++) {
        if (!ps_sim_nat_keeps(sim, &way->keys[i])) {
            return false;
        }
    }
    return true;
}

void ps_sim_way_release(const ps_sim *sim, ps_sim_conn *c)
{
    for (uint32_t i = 0; i < c->way.keys_len; i++) {
        ps_sim_nat_release(sim, &c->way.keys[i]);
    }
    c->way.keys_len = 0;
}

static const ps_sim_link *way_link(const ps_sim *sim, const ps_sim_conn *c, uint32_t from_end,
                                   uint32_t hop)
{
    const ps_sim_way *way = &c->way;
    const uint32_t at = from_end == 0 ? hop : way->len - 1 - hop;
    const uint32_t next = from_end == 0 ? at + 1 : at - 1;
    return ps_sim_link_of(sim, way->nodes[at], way->nodes[next]);
}

/* The chance that one of two things happens. */
static uint32_t either_ppm(uint64_t a, uint64_t b)
{
    a = a < PS_SIM_PPM ? a : PS_SIM_PPM;
    b = b < PS_SIM_PPM ? b : PS_SIM_PPM;
    return (uint32_t)(a + b - a * b / PS_SIM_PPM);
}

static uint64_t mean_us(const ps_sim_link *link)
{
    const uint64_t us = (uint64_t)link->latency_us + link->jitter_us / 2;
    return us > 0 ? us : 1;
}

ps_sim_way_sum ps_sim_way_sum_of(const ps_sim *sim, const ps_sim_conn *c, uint32_t from_end)
{
    ps_sim_way_sum sum = {0};
    for (uint32_t i = 0; i + 1 < c->way.len; i++) {
        const ps_sim_link *link = way_link(sim, c, from_end, i);
        if (link->rate_bytes_s > 0 &&
            (sum.rate_bytes_s == 0 || link->rate_bytes_s < sum.rate_bytes_s)) {
            sum.rate_bytes_s = link->rate_bytes_s;
        }
        sum.sever_ppm = either_ppm(sum.sever_ppm, link->stream_sever_ppm);
        sum.corrupt_ppm = either_ppm(sum.corrupt_ppm, link->stream_corrupt_ppm);
        sum.tcp = sum.tcp || link->stream_model == PS_SIM_STREAM_TCP;
        sum.loss_ppm = either_ppm(sum.loss_ppm, link->loss_ppm);
    }
    if (sum.tcp) {
        for (uint32_t i = 0; i + 1 < c->way.len; i++) {
            sum.rtt_us +=
                mean_us(way_link(sim, c, from_end, i)) + mean_us(way_link(sim, c, 1 - from_end, i));
        }
        sum.rto_us = sum.rtt_us + sim->cfg.stream_retry_us;
    }
    return sum;
}

uint64_t ps_sim_way_delay_us(ps_sim *sim, const ps_sim_conn *c, uint32_t from_end)
{
    uint64_t us = 0;
    for (uint32_t i = 0; i + 1 < c->way.len; i++) {
        us += ps_sim_link_delay_us(sim, way_link(sim, c, from_end, i));
    }
    return us;
}

uint64_t ps_sim_way_travel_us(ps_sim *sim, const ps_sim_conn *c, uint32_t from_end)
{
    uint64_t us = 0;
    for (uint32_t i = 0; i + 1 < c->way.len; i++) {
        const ps_sim_link *link = way_link(sim, c, from_end, i);
        us += ps_sim_link_delay_us(sim, link);
        for (int k = 0; k < PS_SIM_RETRIES_MAX && ps_sim_rng_chance(&sim->rng, link->loss_ppm);
             k++) {
            us += sim->cfg.stream_retry_us;
        }
    }
    return us;
}
