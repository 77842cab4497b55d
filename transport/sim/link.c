/* What stands between two nodes: links, their rates, partitions. */
#include "sim/sim_internal.h"

#include <stdlib.h>
#include <string.h>

/* ---- pairs ---- */

static uint32_t pair_slot(const ps_sim_pairs *p, uint32_t from, uint32_t to)
{
    const uint64_t key = ((uint64_t)from << 32) | to;
    uint32_t i = (uint32_t)((key * UINT64_C(0x9e3779b97f4a7c15)) >> 32) & (p->cap - 1);
    while (p->table[i].used && (p->table[i].from != from || p->table[i].to != to)) {
        i = (i + 1) & (p->cap - 1);
    }
    return i;
}

static const ps_sim_pair *pair_find(const ps_sim_pairs *p, uint32_t from, uint32_t to)
{
    if (p->cap == 0) {
        return NULL;
    }
    const ps_sim_pair *pair = &p->table[pair_slot(p, from, to)];
    return pair->used ? pair : NULL;
}

static bool pairs_grow(ps_sim_pairs *p)
{
    ps_sim_pairs grown = *p;
    grown.cap = p->cap ? p->cap * 2 : 64;
    grown.table = (ps_sim_pair *)calloc(grown.cap, sizeof *grown.table);
    if (!grown.table) {
        return false;
    }
    for (uint32_t i = 0; i < p->cap; i++) {
        if (p->table[i].used) {
            grown.table[pair_slot(&grown, p->table[i].from, p->table[i].to)] = p->table[i];
        }
    }
    free(p->table);
    *p = grown;
    return true;
}

static ps_sim_pair *pair_make(ps_sim_pairs *p, uint32_t from, uint32_t to)
{
    /* At most three quarters full, so that a search ends soon. */
    if ((p->len + 1) * 4 > p->cap * 3 && !pairs_grow(p)) {
        return NULL;
    }
    ps_sim_pair *pair = &p->table[pair_slot(p, from, to)];
    if (!pair->used) {
        *pair = (ps_sim_pair){.from = from, .to = to, .used = true};
        p->len++;
    }
    return pair;
}

/* ---- links ---- */

void ps_sim_set_default_link(ps_sim *sim, const ps_sim_link *link)
{
    sim->cfg.link = *link;
}

ps_status ps_sim_set_link(ps_sim *sim, uint32_t from, uint32_t to, const ps_sim_link *link)
{
    ps_sim_pair *pair = pair_make(&sim->pairs, from, to);
    if (!pair) {
        return PS_FAILED;
    }
    sim->pairs.links += (link ? 1u : 0u);
    sim->pairs.links -= (pair->has_link ? 1u : 0u);
    pair->has_link = link != NULL;
    pair->link = link ? *link : (ps_sim_link){0};
    return PS_OK;
}

const ps_sim_link *ps_sim_link_of(const ps_sim *sim, uint32_t from, uint32_t to)
{
    const uint32_t tries[3][2] = {{from, to}, {from, PS_SIM_ANY}, {PS_SIM_ANY, to}};
    for (size_t i = 0; i < 3 && sim->pairs.links > 0; i++) {
        const ps_sim_pair *pair = pair_find(&sim->pairs, tries[i][0], tries[i][1]);
        if (pair && pair->has_link) {
            return &pair->link;
        }
    }
    return &sim->cfg.link;
}

uint64_t *ps_sim_link_busy(ps_sim *sim, uint32_t from, uint32_t to)
{
    ps_sim_pair *pair = pair_make(&sim->pairs, from, to);
    return pair ? &pair->busy_until_us : NULL;
}

bool ps_sim_link_burst(ps_sim *sim, const ps_sim_link *link, uint32_t from, uint32_t to,
                       bool begins, bool ends, bool *lost)
{
    *lost = false;
    if (link->burst_ppm == 0 && sim->pairs.bursts == 0) {
        return true;
    }
    ps_sim_pair *pair = pair_make(&sim->pairs, from, to);
    if (!pair) {
        return false;
    }
    const bool was = pair->burst;
    *lost = link->burst_ppm > 0 && (was || begins);
    pair->burst = *lost && !ends;
    sim->pairs.bursts += pair->burst ? 1u : 0u;
    sim->pairs.bursts -= was ? 1u : 0u;
    return true;
}

uint64_t ps_sim_transmit_us(uint64_t rate_bytes_s, uint64_t bytes)
{
    return (bytes * 1000000u + rate_bytes_s - 1) / rate_bytes_s;
}

bool ps_sim_link_depart(const ps_sim_link *link, uint64_t now_us, uint64_t *busy_until_us,
                        uint32_t queue_bytes, uint32_t len, uint64_t *depart_us)
{
    *depart_us = now_us;
    if (link->rate_bytes_s == 0) {
        return true;
    }
    const uint64_t begin = *busy_until_us > now_us ? *busy_until_us : now_us;
    if (queue_bytes != UINT32_MAX &&
        begin - now_us > ps_sim_transmit_us(link->rate_bytes_s, queue_bytes)) {
        return false;
    }
    *busy_until_us = begin + ps_sim_transmit_us(link->rate_bytes_s, len);
    *depart_us = *busy_until_us;
    return true;
}

uint64_t ps_sim_link_delay_us(ps_sim *sim, const ps_sim_link *link)
{
    const uint64_t jitter = ps_sim_rng_below(&sim->rng, (uint64_t)link->jitter_us + 1);
    const uint64_t delay = link->latency_us + jitter;
    return delay > 0 ? delay : 1;
}

/* ---- partitions ---- */

static bool bit(const uint8_t *bits, uint32_t i)
{
    return i != PS_SIM_NONE && (bits[i / 8] >> (i % 8) & 1u) != 0;
}

bool ps_sim_is_cut(const ps_sim *sim, uint32_t from, uint32_t to)
{
    for (uint32_t i = 0; i < sim->cuts_len; i++) {
        const ps_sim_cut *cut = &sim->cuts[i];
        if ((bit(cut->a, from) && bit(cut->b, to)) ||
            (!cut->one_way && bit(cut->b, from) && bit(cut->a, to))) {
            return true;
        }
    }
    return false;
}

static bool bits_of(const ps_sim *sim, const uint32_t nodes[], size_t len, uint8_t *bits)
{
    for (size_t i = 0; i < len; i++) {
        if (nodes[i] >= sim->nodes_len) {
            return false;
        }
        bits[nodes[i] / 8] |= (uint8_t)(1u << (nodes[i] % 8));
    }
    return true;
}

/* Room for one cut more. */
static bool cuts_grow(ps_sim *sim)
{
    if (sim->cuts_len < sim->cuts_cap) {
        return true;
    }
    const uint32_t cap = sim->cuts_cap ? sim->cuts_cap * 2 : 8;
    ps_sim_cut *cuts = (ps_sim_cut *)realloc(sim->cuts, cap * sizeof *cuts);
    if (!cuts) {
        return false;
    }
    sim->cuts = cuts;
    sim->cuts_cap = cap;
    return true;
}

ps_status ps_sim_partition(ps_sim *sim, const uint32_t a[], size_t a_len, const uint32_t b[],
                           size_t b_len, bool one_way, uint32_t *id)
{
    const size_t bytes = (size_t)sim->cfg.max_nodes / 8 + 1;
    uint8_t *bits = cuts_grow(sim) ? (uint8_t *)calloc(2, bytes) : NULL;
    if (!bits) {
        return PS_FAILED;
    }
    if (!bits_of(sim, a, a_len, bits) || !bits_of(sim, b, b_len, bits + bytes)) {
        free(bits);
        return PS_INVALID;
    }
    ps_sim_trace_head(sim, PS_SIM_PARTITIONED, one_way ? 1 : 0, sim->cut_ids, 2 * bytes);
    for (uint32_t i = 0; i < sim->nodes_len; i++) {
        const uint8_t sides[2] = {bit(bits, i), bit(bits + bytes, i)};
        ps_sim_trace_bytes(sim, sides, sizeof sides);
    }
    const ps_sim_cut cut = {.id = sim->cut_ids++, .one_way = one_way, .a = bits, .b = bits + bytes};
    sim->cuts[sim->cuts_len++] = cut;
    if (id) {
        *id = cut.id;
    }
    return PS_OK;
}

void ps_sim_heal(ps_sim *sim, uint32_t id)
{
    for (uint32_t i = 0; i < sim->cuts_len; i++) {
        if (sim->cuts[i].id == id) {
            ps_sim_trace(sim, PS_SIM_HEALED, id, id, NULL, 0);
            free(sim->cuts[i].a);
            sim->cuts[i] = sim->cuts[--sim->cuts_len];
            return;
        }
    }
}

void ps_sim_heal_all(ps_sim *sim)
{
    while (sim->cuts_len > 0) {
        ps_sim_heal(sim, sim->cuts[0].id);
    }
}

void ps_sim_links_free(ps_sim *sim)
{
    for (uint32_t i = 0; i < sim->cuts_len; i++) {
        free(sim->cuts[i].a);
    }
    free(sim->cuts);
    free(sim->pairs.table);
}
