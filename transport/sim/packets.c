/* The pool of datagrams under way, waiting at nodes and handed out. */
#include "sim/sim_internal.h"

#include <stdlib.h>
#include <string.h>

#if defined(PS_SIM_WITH_ASAN)
#include <sanitizer/asan_interface.h>
#endif

#define GUARD_BYTE  0xa5u
#define GUARD_BYTES 64u

ps_sim_packet *ps_sim_packet_at(const ps_sim *sim, uint32_t index)
{
    return &sim->packets.chunks[index / PS_SIM_CHUNK][index % PS_SIM_CHUNK];
}

/* Another chunk of packets, and room for their events. */
static bool grow(ps_sim *sim)
{
    ps_sim_packets *p = &sim->packets;
    if (sim->cfg.max_packets - p->cap < PS_SIM_CHUNK ||
        !ps_sim_reserve_events(sim, 0, PS_SIM_CHUNK, 0)) {
        return false;
    }
    ps_sim_packet *chunk = (ps_sim_packet *)malloc(PS_SIM_CHUNK * sizeof *chunk);
    if (!chunk) {
        return false;
    }
    p->chunks[p->cap / PS_SIM_CHUNK] = chunk;
    for (uint32_t i = PS_SIM_CHUNK; i-- > 0;) {
        chunk[i].next = p->free;
        p->free = p->cap + i;
    }
    p->cap += PS_SIM_CHUNK;
    return true;
}

uint32_t ps_sim_packet_take(ps_sim *sim)
{
    ps_sim_packets *p = &sim->packets;
    if (p->free == PS_SIM_NONE && !grow(sim)) {
        return PS_SIM_NONE;
    }
    const uint32_t index = p->free;
    p->free = ps_sim_packet_at(sim, index)->next;
    p->used++;
    return index;
}

void ps_sim_packet_give(ps_sim *sim, uint32_t index)
{
    ps_sim_packets *p = &sim->packets;
    ps_sim_packet_at(sim, index)->next = p->free;
    p->free = index;
    p->used--;
}

static uint32_t guard_len(const ps_sim_packet *p)
{
    const uint32_t tail = PS_SIM_PACKET_BYTES - p->len;
    return tail < GUARD_BYTES ? tail : GUARD_BYTES;
}

void ps_sim_packet_guard(ps_sim_packet *p)
{
    memset(p->data + p->len, GUARD_BYTE, guard_len(p));
#if defined(PS_SIM_WITH_ASAN)
    ASAN_POISON_MEMORY_REGION(p->data + p->len, PS_SIM_PACKET_BYTES - p->len);
#endif
}

bool ps_sim_packet_unguard(ps_sim_packet *p)
{
#if defined(PS_SIM_WITH_ASAN)
    ASAN_UNPOISON_MEMORY_REGION(p->data + p->len, PS_SIM_PACKET_BYTES - p->len);
#endif
    const uint32_t len = guard_len(p);
    for (uint32_t i = 0; i < len; i++) {
        if (p->data[p->len + i] != GUARD_BYTE) {
            return false;
        }
    }
    return true;
}

void ps_sim_packets_free(ps_sim_packets *p)
{
    for (uint32_t i = 0; i < p->cap / PS_SIM_CHUNK; i++) {
        free(p->chunks[i]);
    }
    free(p->chunks);
}
