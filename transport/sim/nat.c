/* Boxes: their making, what stands behind them, and how they translate datagrams. */
#include "sim/nat_table.h"

#include <stdlib.h>
#include <string.h>

/* Another number of the same seed: "nat", in ASCII. */
#define NAT_SEED UINT64_C(0x6e6174)

void ps_sim_nat_default(ps_sim_nat *cfg, ps_sim_nat_kind kind)
{
    static const ps_sim_nat_by filtering[] = {PS_SIM_NAT_BY_NOTHING, PS_SIM_NAT_BY_ADDRESS,
                                              PS_SIM_NAT_BY_PORT, PS_SIM_NAT_BY_PORT};
    *cfg = (ps_sim_nat){
        .size = sizeof *cfg,
        .mapping = kind == PS_SIM_NAT_SYMMETRIC ? PS_SIM_NAT_BY_PORT : PS_SIM_NAT_BY_NOTHING,
        .filtering = filtering[kind],
        .ports = PS_SIM_NAT_PORTS_KEPT,
        .first_port = 1024,
        .timeout_us = UINT64_C(120000000),
        .stream_timeout_us = UINT64_C(7440000000),
        .max_mappings = 65536,
        .max_sessions = 65536,
    };
}

static bool possible(const ps_sim_nat *cfg)
{
    return cfg->size == sizeof *cfg && cfg->mapping <= PS_SIM_NAT_BY_PORT &&
           cfg->filtering <= PS_SIM_NAT_BY_PORT && cfg->ports <= PS_SIM_NAT_PORTS_RANDOM &&
           cfg->first_port >= 1 && cfg->timeout_us >= 1 && cfg->stream_timeout_us >= 1;
}

ps_status ps_sim_add_nat(ps_sim *sim, const ps_sim_nat *cfg, uint32_t *id)
{
    if (!cfg || !id || !possible(cfg)) {
        return PS_INVALID;
    }
    ps_sim_box *box = (ps_sim_box *)calloc(1, sizeof *box);
    if (!box) {
        return PS_FAILED;
    }
    const ps_sim_node_config node = {.addr = cfg->addr, .deaf = true};
    const ps_status status = ps_sim_add_node(sim, &node, id);
    if (status != PS_OK) {
        free(box);
        return status;
    }
    box->cfg = *cfg;
    box->port = cfg->first_port;
    box->mappings_free = box->sessions_free = PS_SIM_NONE;
    ps_sim_rng_seed(&box->rng, sim->cfg.seed ^ ps_sim_mix(NAT_SEED + *id));
    sim->nodes[*id]->box = box;
    return PS_OK;
}

void ps_sim_nat_free(ps_sim_node *node)
{
    if (node->box) {
        free(node->box->mappings);
        free(node->box->by_inside);
        free(node->box->sessions);
        free(node->box);
    }
}

void ps_sim_nat_reset(ps_sim_node *node)
{
    if (node->box) {
        ps_sim_nat_forget(node->box);
    }
}

bool ps_sim_nat_refuses(const ps_sim_node *node)
{
    return node->box->cfg.refuses_streams;
}

static ps_sim_box *box_of(const ps_sim *sim, uint32_t id)
{
    return id < sim->nodes_len ? sim->nodes[id]->box : NULL;
}

ps_status ps_sim_put_behind(ps_sim *sim, uint32_t node, uint32_t box)
{
    if (node >= sim->nodes_len || (box != PS_SIM_OUTSIDE && !box_of(sim, box))) {
        return PS_INVALID;
    }
    uint32_t boxes = sim->nodes[node]->box ? 1 : 0;
    for (uint32_t i = box; i != PS_SIM_OUTSIDE; i = sim->nodes[i]->behind) {
        if (i == node || ++boxes > PS_SIM_BOXES_MAX) {
            return PS_INVALID;
        }
    }
    sim->nodes[node]->behind = box;
    sim->nodes[node]->moves++;
    ps_sim_trace(sim, PS_SIM_PUT_BEHIND, box, node, NULL, 0);
    return PS_OK;
}

ps_status ps_sim_nat_forward(ps_sim *sim, uint32_t id, uint16_t port, const ps_addr *inside)
{
    ps_sim_box *box = box_of(sim, id);
    if (!box || port == 0 || !inside ||
        ps_sim_mapping_at(box, sim->now_us, port, false) != PS_SIM_NONE ||
        ps_sim_mapping_at(box, sim->now_us, port, true) != PS_SIM_NONE) {
        return PS_INVALID;
    }
    const ps_addr any = {.family = PS_ADDR_NONE};
    const uint32_t m = ps_sim_mapping_add(box, sim->now_us, inside, &any, false, port);
    if (m == PS_SIM_NONE) {
        return PS_FAILED;
    }
    if (ps_sim_mapping_add(box, sim->now_us, inside, &any, true, port) == PS_SIM_NONE) {
        ps_sim_mapping_drop(box, m);
        return PS_FAILED;
    }
    return PS_OK;
}

static ps_addr outside_of(const ps_sim_node *node, uint32_t mapping)
{
    ps_addr outside = node->addr;
    outside.port = node->box->mappings[mapping].port;
    return outside;
}

ps_status ps_sim_nat_mapped(ps_sim *sim, uint32_t id, const ps_addr *inside, const ps_addr *remote,
                            ps_addr *outside)
{
    ps_sim_box *box = box_of(sim, id);
    if (!box || !inside || !remote || !outside) {
        return PS_INVALID;
    }
    const uint32_t m = ps_sim_mapping_out(box, sim->now_us, inside, remote);
    if (m == PS_SIM_NONE) {
        return PS_AGAIN;
    }
    *outside = outside_of(sim->nodes[id], m);
    return PS_OK;
}

ps_status ps_sim_nat_stats(const ps_sim *sim, uint32_t id, ps_sim_nat_load *load)
{
    const ps_sim_box *box = box_of(sim, id);
    if (!box || !load) {
        return PS_INVALID;
    }
    *load = box->load;
    return PS_OK;
}

static bool is_inside(const ps_sim *sim, const ps_addr *addr, uint32_t box)
{
    const uint32_t node = ps_sim_node_find(sim, addr);
    return node != PS_SIM_NONE && sim->nodes[node]->behind == box;
}

/* ---- datagrams ---- */

static ps_sim_verdict blocked(ps_sim_box *box)
{
    box->load.blocked++;
    return PS_SIM_VERDICT_BLOCKED;
}

static ps_sim_verdict full(ps_sim_box *box)
{
    box->load.full++;
    return PS_SIM_VERDICT_FULL;
}

static ps_sim_verdict outward(ps_sim *sim, ps_sim_node *node, ps_addr *source, const ps_addr *dest)
{
    ps_sim_box *box = node->box;
    uint32_t m = ps_sim_mapping_out(box, sim->now_us, source, dest);
    if (m == PS_SIM_NONE) {
        m = ps_sim_mapping_add(box, sim->now_us, source, dest, false, 0);
    }
    if (m == PS_SIM_NONE || !ps_sim_session_touch(box, sim->now_us, m, dest)) {
        return full(box);
    }
    *source = outside_of(node, m);
    return PS_SIM_OUTWARD;
}

static ps_sim_verdict inward(ps_sim *sim, ps_sim_node *node, const ps_addr *source, ps_addr *dest)
{
    ps_sim_box *box = node->box;
    const uint32_t m = ps_sim_mapping_at(box, sim->now_us, dest->port, false);
    if (m == PS_SIM_NONE || !ps_sim_session_admits(box, sim->now_us, m, source)) {
        return blocked(box);
    }
    *dest = box->mappings[m].inside;
    box->load.passed_in++;
    return PS_SIM_INWARD;
}

ps_sim_verdict ps_sim_nat_translate(ps_sim *sim, ps_sim_node *node, uint32_t from, ps_addr *source,
                                    ps_addr *dest)
{
    ps_sim_box *box = node->box;
    if (sim->nodes[from]->behind != node->id) {
        return inward(sim, node, source, dest);
    }
    const bool turns = ps_sim_node_find(sim, dest) == node->id;
    if (!is_inside(sim, source, node->id) || (turns && !box->cfg.hairpin)) {
        return blocked(box);
    }
    const ps_sim_verdict verdict = outward(sim, node, source, dest);
    if (verdict == PS_SIM_OUTWARD && turns) {
        return inward(sim, node, source, dest);
    }
    box->load.passed_out += verdict == PS_SIM_OUTWARD ? 1u : 0u;
    return verdict;
}

/* ---- streams ---- */

static bool way_key(ps_sim_way *way, const ps_sim_node *node, uint32_t mapping)
{
    if (mapping == PS_SIM_NONE || way->keys_len == PS_SIM_WAY_BOXES) {
        return false;
    }
    const uint32_t generation = node->box->mappings[mapping].generation;
    way->keys[way->keys_len++] = (ps_sim_way_key){node->id, mapping, generation, node->moves};
    return true;
}

ps_sim_verdict ps_sim_nat_dial_out(ps_sim *sim, ps_sim_node *node, ps_addr *source,
                                   const ps_addr *dest, ps_sim_way *way)
{
    const bool turns = ps_sim_node_find(sim, dest) == node->id;
    if (turns && !node->box->cfg.hairpin) {
        return blocked(node->box);
    }
    const uint32_t m = ps_sim_mapping_add(node->box, sim->now_us, source, dest, true, 0);
    if (!way_key(way, node, m)) {
        return full(node->box);
    }
    *source = outside_of(node, m);
    return turns ? PS_SIM_INWARD : PS_SIM_OUTWARD;
}

ps_sim_verdict ps_sim_nat_dial_in(ps_sim *sim, ps_sim_node *node, ps_addr *dest, ps_sim_way *way)
{
    const uint32_t m = ps_sim_mapping_at(node->box, sim->now_us, dest->port, true);
    /* Only what is forwarded for good: a stream's own mapping is of that stream, and nobody listens
     * at the port that it was dialled from. */
    if (m == PS_SIM_NONE || !node->box->mappings[m].fixed || !way_key(way, node, m)) {
        return blocked(node->box);
    }
    *dest = node->box->mappings[m].inside;
    return PS_SIM_INWARD;
}

bool ps_sim_nat_keeps(const ps_sim *sim, const ps_sim_way_key *key)
{
    const ps_sim_node *node = sim->nodes[key->box];
    ps_sim_box *box = node->box;
    if (!node->up || node->moves != key->moves ||
        !ps_sim_mapping_lives(box, sim->now_us, key->mapping, key->generation)) {
        return false;
    }
    box->mappings[key->mapping].used_us = sim->now_us;
    return true;
}

void ps_sim_nat_release(const ps_sim *sim, const ps_sim_way_key *key)
{
    ps_sim_box *box = sim->nodes[key->box]->box;
    const ps_sim_mapping *m = &box->mappings[key->mapping];
    if (m->generation == key->generation && !m->fixed) {
        ps_sim_mapping_drop(box, key->mapping);
    }
}
