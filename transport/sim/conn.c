/* The table of connections and the names of their ends. */
#include "sim/sim_internal.h"

#include <stdlib.h>

static bool grow(ps_sim *sim)
{
    ps_sim_conns *t = &sim->conns;
    if (t->len >= sim->cfg.max_streams || !ps_sim_reserve_events(sim, 0, 0, 1)) {
        return false;
    }
    if (t->len == t->cap) {
        const uint32_t cap = t->cap ? t->cap * 2 : 16;
        ps_sim_conn **table = (ps_sim_conn **)realloc(t->table, cap * sizeof *table);
        if (!table) {
            return false;
        }
        t->table = table;
        t->cap = cap;
    }
    ps_sim_conn *c = (ps_sim_conn *)calloc(1, sizeof *c);
    if (!c) {
        return false;
    }
    c->next = t->free;
    t->free = t->len;
    t->table[t->len++] = c;
    return true;
}

ps_sim_conn *ps_sim_conn_new(ps_sim *sim, uint32_t *index)
{
    ps_sim_conns *t = &sim->conns;
    if (t->free == PS_SIM_NONE && !grow(sim)) {
        return NULL;
    }
    *index = t->free;
    ps_sim_conn *c = t->table[*index];
    t->free = c->next;
    t->used++;
    /* Generations start at 1, so that no handle is 0. */
    *c = (ps_sim_conn){.used = true, .generation = c->generation + 1, .next = PS_SIM_NONE};
    for (size_t i = 0; i < 2; i++) {
        c->flows[i].gates[PS_SIM_GATE_UP].node = PS_SIM_NONE;
        c->flows[i].gates[PS_SIM_GATE_DOWN].node = PS_SIM_NONE;
        c->flows[i].segment_at = c->flows[i].window_at = PS_SIM_NONE;
        c->flows[i].stalled_since_us = c->flows[i].mute_since_us = PS_TIME_NEVER;
    }
    return c;
}

void ps_sim_conn_reap(ps_sim *sim, uint32_t index)
{
    ps_sim_conns *t = &sim->conns;
    ps_sim_conn *c = t->table[index];
    if (!c->used || !c->ends[0].gone || !c->ends[1].gone) {
        return;
    }
    for (uint32_t i = 0; i < 2; i++) {
        ps_sim_flow_clear(sim, index, i);
        free(c->flows[i].ring);
        c->flows[i].ring = NULL;
    }
    ps_sim_way_release(sim, c);
    c->used = false;
    c->next = t->free;
    t->free = index;
    t->used--;
}

/* Never the same twice: the place's generation, then the place and the end. */
ps_stream ps_sim_conn_handle(const ps_sim_conn *c, uint32_t index, uint32_t end)
{
    return ((uint64_t)c->generation << 32) | (index * 2u + end);
}

ps_sim_conn *ps_sim_conn_of(const ps_sim_node *node, ps_stream s, uint32_t *index, uint32_t *end)
{
    const ps_sim_conns *t = &node->sim->conns;
    *index = (uint32_t)s / 2u;
    *end = (uint32_t)s % 2u;
    if (*index >= t->len) {
        return NULL;
    }
    ps_sim_conn *c = t->table[*index];
    const bool named = c->used && c->generation == (uint32_t)(s >> 32);
    return named && !c->ends[*end].gone && c->ends[*end].node == node->id ? c : NULL;
}

void ps_sim_conns_crash(ps_sim *sim, ps_sim_node *node)
{
    node->accept_head = node->accept_tail = PS_SIM_NONE;
    node->accepting = 0;
    for (uint32_t i = 0; i < sim->conns.len; i++) {
        ps_sim_conn *c = sim->conns.table[i];
        for (uint32_t end = 0; end < 2 && c->used; end++) {
            if (c->ends[end].node != node->id || c->ends[end].gone) {
                continue;
            }
            c->ends[end].gone = true;
            ps_sim_flow_clear(sim, i, end);
            if (!c->ends[1 - end].gone) {
                ps_sim_flow_push(sim, i, end, PS_SIM_SEGMENT_RESET, 0);
            }
            ps_sim_conn_reap(sim, i);
        }
    }
}

void ps_sim_sever(ps_sim *sim, uint32_t node)
{
    for (uint32_t i = 0; i < sim->conns.len; i++) {
        ps_sim_conn *c = sim->conns.table[i];
        if (!c->used || (c->ends[0].node != node && c->ends[1].node != node)) {
            continue;
        }
        ps_sim_flow_clear(sim, i, 0);
        ps_sim_flow_clear(sim, i, 1);
        if (c->ends[1].established) {
            ps_sim_flow_push(sim, i, 0, PS_SIM_SEGMENT_SEVERED, 0);
        } else {
            c->flows[1].reset = false; /* One that was under way is gone. */
            ps_sim_flow_push(sim, i, 1, PS_SIM_SEGMENT_RESET, 0); /* As if refused. */
        }
    }
}

void ps_sim_conns_free(ps_sim *sim)
{
    for (uint32_t i = 0; i < sim->conns.len; i++) {
        free(sim->conns.table[i]->flows[0].ring);
        free(sim->conns.table[i]->flows[1].ring);
        free(sim->conns.table[i]);
    }
    free(sim->conns.table);
}
