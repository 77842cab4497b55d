/* Sessions by receiver id: open addressing with linear probing. An entry holds the id's low half
 * beside the record's number, so that a probe, and its collisions, stay within one cache line and
 * records are touched only when they match. Removal shifts back (Knuth, TAOCP 6.4, algorithm R):
 * no tombstones. At most half of the entries are in use. Ids are random: their low bits choose. */
#include "server/server_internal.h"

static ps_index_entry *entries(const ps_server *s)
{
    return ps_server_at(s, s->session_index_at);
}

uint32_t ps_session_find(const ps_server *s, uint64_t id)
{
    const ps_index_entry *e = entries(s);
    const uint32_t half = (uint32_t)id;
    for (uint32_t at = half & s->session_mask; e[at].slot != 0; at = (at + 1) & s->session_mask) {
        if (e[at].half == half && ps_session_at(s, e[at].slot - 1)->id == id) {
            return e[at].slot - 1;
        }
    }
    return PS_NIL;
}

void ps_session_index_add(ps_server *s, uint32_t session)
{
    ps_index_entry *e = entries(s);
    const uint32_t half = (uint32_t)ps_session_at(s, session)->id;
    uint32_t at = half & s->session_mask;
    while (e[at].slot != 0) {
        at = (at + 1) & s->session_mask;
    }
    e[at] = (ps_index_entry){.half = half, .slot = session + 1};
}

void ps_session_index_remove(ps_server *s, uint32_t session)
{
    ps_index_entry *e = entries(s);
    const uint32_t mask = s->session_mask;
    uint32_t hole = (uint32_t)ps_session_at(s, session)->id & mask;
    while (e[hole].slot != session + 1) {
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

/* The record that a packet may belong to, judged by half of its id; PS_NIL: none. */
static uint32_t guess(const ps_server *s, uint32_t half)
{
    const ps_index_entry *e = entries(s);
    uint32_t at = half & s->session_mask;
    while (e[at].slot != 0 && e[at].half != half) {
        at = (at + 1) & s->session_mask;
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
        if (in[i].type == PS_INPUT_DATAGRAM && dg->len >= PS_PACKET_HEADER && dg->data != NULL) {
            halves[packets] = ps_load32(dg->data + 5);
            touch(&entries(s)[halves[packets++] & s->session_mask]);
        }
    }
    for (size_t i = 0; i < packets; i++) {
        const uint32_t slot = guess(s, halves[i]);
        if (slot != PS_NIL) {
            const uint8_t *record = (const uint8_t *)ps_session_at(s, slot);
            touch(record);
            touch(record + 64);
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
