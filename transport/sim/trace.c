/* The trace: one hash over everything that happens, the same on every machine. */
#include "sim/sim_internal.h"

uint64_t ps_sim_fnv(uint64_t hash, const void *data, size_t len)
{
    const uint8_t *p = (const uint8_t *)data;
    for (size_t i = 0; i < len; i++) {
        hash = (hash ^ p[i]) * UINT64_C(0x100000001b3);
    }
    return hash;
}

/* Numbers go in as little-endian bytes whatever the machine's order. */
static uint64_t fnv_number(uint64_t hash, uint64_t number, size_t bytes)
{
    for (size_t i = 0; i < bytes; i++) {
        const uint8_t byte = (uint8_t)(number >> (8u * i));
        hash = ps_sim_fnv(hash, &byte, 1);
    }
    return hash;
}

void ps_sim_trace_head(ps_sim *sim, ps_sim_kind kind, uint32_t from, uint32_t to, size_t len)
{
    uint64_t hash = fnv_number(sim->hash, sim->now_us, 8);
    hash = fnv_number(hash, (uint64_t)kind, 1);
    hash = fnv_number(hash, from, 4);
    hash = fnv_number(hash, to, 4);
    sim->hash = fnv_number(hash, len, 4);
}

void ps_sim_trace_bytes(ps_sim *sim, const void *data, size_t len)
{
    sim->hash = ps_sim_fnv(sim->hash, data, len);
}

void ps_sim_trace_number(ps_sim *sim, uint64_t number, size_t bytes)
{
    sim->hash = fnv_number(sim->hash, number, bytes);
}

void ps_sim_trace(ps_sim *sim, ps_sim_kind kind, uint32_t from, uint32_t to, const void *data,
                  size_t len)
{
    ps_sim_trace_head(sim, kind, from, to, len);
    ps_sim_trace_bytes(sim, data, len);
}

uint64_t ps_sim_hash(const ps_sim *sim)
{
    return sim->hash;
}

void ps_sim_note(ps_sim *sim, uint32_t node, const void *data, size_t len)
{
    ps_sim_trace(sim, PS_SIM_NOTE, node, node, data, len);
}
