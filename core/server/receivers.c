/* Who has a receiver id: sessions and handshakes in one table. Open addressing with linear probing.
 * An entry holds the id's low half beside the slot's number, so that a probe, and its collisions,
 * stay within one cache line and records are touched only when they match. Removal shifts back
 * (Knuth, TAOCP 6.4, algorithm R): no tombstones. At most three quarters of the entries are in use.
 * Ids are random: their low bits choose. */
#include "server/server_internal.h"

/* Ids are numbers under a keyed permutation of 64 bits (a four-round Feistel network over SipHash:
 * Luby, Rackoff 1988). Unpredictable, and never the same twice. */
static uint64_t permuted(const ps_server *s, uint64_t number)
{
    uint32_t left = (uint32_t)(number >> 32);
    uint32_t right = (uint32_t)number;
    for (uint64_t round = 0; round < 4; round++) {
        uint32_t mixed = left ^ (uint32_t)ps_siphash_u64(&s->id_key, (round << 32) | right);
        left = right;
        right = mixed;
    }
    return ((uint64_t)left << 32) | right;
}

uint64_t ps_receiver_new(ps_server *s)
{
    uint64_t id;
    do { /* 0 means "nobody". */
        id = permuted(s, ++s->last_receiver);
    } while (id == 0);
    return id;
}

static ps_index_entry *entries(const ps_server *s)
{
    return ps_server_at(s, s->index_at);
}

static uint64_t id_of(const ps_server *s, uint32_t slot)
{
    const uint32_t sessions = s->cfg.max_sessions;
    return slot < sessions ? ps_session_at(s, slot)->id : ps_handshake_at(s, slot - sessions)->id;
}

uint32_t ps_receiver_find(const ps_server *s, uint64_t id)
{
    const ps_index_entry *e = entries(s);
    const uint32_t half = (uint32_t)id;
    for (uint32_t at = half & s->index_mask; e[at].slot != 0; at = (at + 1) & s->index_mask) {
        if (e[at].half == half && id_of(s, e[at].slot - 1) == id) {
            return e[at].slot - 1;
        }
    }
    return PS_NIL;
}

uint32_t ps_session_find(const ps_server *s, uint64_t id)
{
    const uint32_t slot = ps_receiver_find(s, id);
    return slot < s->cfg.max_sessions ? slot : PS_NIL;
}

void ps_receiver_add(ps_server *s, uint32_t slot)
{
    ps_index_entry *e = entries(s);
    const uint32_t half = (uint32_t)id_of(s, slot);
    uint32_t at = half & s->index_mask;
    while (e[at].slot != 0) {
        at = (at + 1) & s->index_mask;
    }
    e[at] = (ps_index_entry){.half = half, .slot = slot + 1};
}

void ps_receiver_remove(ps_server *s, uint32_t slot)
{
    ps_index_entry *e = entries(s);
    const uint32_t mask = s->index_mask;
    uint32_t hole = (uint32_t)id_of(s, slot) & mask;
    while (e[hole].slot != slot + 1) {
        hole = (hole + 1) & mask;
    }
    for (uint32_t at = (hole + 1) & mask; e[at].slot != 0; at = (at + 1) & mask) {
        /* Entries whose home lies behind the hole may not move before it. */
        if (((at - (e[at].half & mask)) & mask) >= ((at - hole) & mask)) {
            e[hole] = e[at];
            hole = at;
        }
    }
    e[hole] = (ps_index_entry){0};
}

/* A load whose value nobody waits for. Not a prefetch hint: processors drop hints when many misses
 * are under way, which is just when they matter (measured: 180 ns a heartbeat with, 115 without).
 */
static void touch(const void *p)
{
    (void)*(const volatile uint8_t *)p;
}

/* The slot that a packet may belong to, judged by half of its id; PS_NIL: none. */
static uint32_t guess(const ps_server *s, uint32_t half)
{
    const ps_index_entry *e = entries(s);
    uint32_t at = half & s->index_mask;
    while (e[at].slot != 0 && e[at].half != half) {
        at = (at + 1) & s->index_mask;
    }
    return e[at].slot != 0 ? e[at].slot - 1 : PS_NIL;
}

void ps_session_look_ahead(const ps_server *s, const ps_input in[], size_t n)
{
    const ps_timeout_node *times = ps_session_times(s);
    uint32_t halves[PS_LOOK_AHEAD];
    uint32_t slots[PS_LOOK_AHEAD];
    size_t packets = 0;
    size_t found = 0;
    for (size_t i = 0; i < n; i++) {
        const ps_input_datagram *dg = &in[i].u.datagram;
        if (in[i].type == PS_INPUT_DATAGRAM && dg->data != NULL && dg->len >= PS_PACKET_HEADER &&
            dg->data[0] == PS_PACKET_DATA) {
            halves[packets] = ps_load32(dg->data + 5);
            touch(&entries(s)[halves[packets++] & s->index_mask]);
        }
    }
    for (size_t i = 0; i < packets; i++) {
        const uint32_t slot = guess(s, halves[i]);
        if (slot < s->cfg.max_sessions) {
            const uint8_t *record = (const uint8_t *)ps_session_at(s, slot);
            touch(record);
            touch(record + 64);
            touch(record + 128);
            touch(&times[slot]);
            slots[found++] = slot;
        }
    }
    for (size_t i = 0; i < found; i++) {
        const ps_timeout_node *node = &times[slots[i]];
        if (node->prev < s->sessions.fresh) {
            touch(&times[node->prev]);
        }
        if (node->next < s->sessions.fresh) {
            touch(&times[node->next]);
        }
    }
}
