/* A box's mappings, by inner address and by outer port, and the sessions of their filters. */
#include "sim/nat_table.h"

#include <stdlib.h>
#include <string.h>

typedef struct ps_sim_box box_t;

ps_addr ps_sim_nat_seen(const ps_addr *addr, ps_sim_nat_by by)
{
    ps_addr seen = {0};
    if (by != PS_SIM_NAT_BY_NOTHING) {
        seen = *addr;
        seen.port = by == PS_SIM_NAT_BY_PORT ? addr->port : 0;
    }
    return seen;
}

/* ---- chains ---- */

static uint32_t inside_bucket(const box_t *box, const ps_addr *inside)
{
    uint64_t hash = ps_sim_fnv(PS_SIM_FNV_BASIS, inside->ip, sizeof inside->ip);
    hash = ps_sim_mix(hash ^ inside->port);
    return (uint32_t)hash & (box->buckets - 1);
}

static uint32_t port_bucket(const box_t *box, uint16_t port)
{
    return port & (box->buckets - 1);
}

static void chain(box_t *box, uint32_t i)
{
    ps_sim_mapping *m = &box->mappings[i];
    uint32_t *inside = &box->by_inside[inside_bucket(box, &m->inside)];
    uint32_t *port = &box->by_port[port_bucket(box, m->port)];
    m->next_inside = *inside;
    m->next_port = *port;
    *inside = *port = i;
}

static void unchain(box_t *box, uint32_t i)
{
    const ps_sim_mapping *m = &box->mappings[i];
    uint32_t *at = &box->by_inside[inside_bucket(box, &m->inside)];
    while (*at != i) {
        at = &box->mappings[*at].next_inside;
    }
    *at = m->next_inside;
    at = &box->by_port[port_bucket(box, m->port)];
    while (*at != i) {
        at = &box->mappings[*at].next_port;
    }
    *at = m->next_port;
}

/* ---- room ---- */

/* Twice the mappings, and chains for as many. */
static bool mappings_grow(box_t *box)
{
    const uint32_t cap = box->mappings_cap > 0 ? 2 * box->mappings_cap : 16;
    ps_sim_mapping *mappings =
        (ps_sim_mapping *)realloc(box->mappings, cap * sizeof *box->mappings);
    if (!mappings) {
        return false;
    }
    box->mappings = mappings;
    uint32_t *heads = (uint32_t *)malloc((size_t)2 * cap * sizeof *heads);
    if (!heads) {
        return false;
    }
    memset(heads, 0xff, (size_t)2 * cap * sizeof *heads); /* PS_SIM_NONE. */
    free(box->by_inside);
    box->by_inside = heads;
    box->by_port = heads + cap;
    box->buckets = cap;
    box->mappings_cap = cap;
    for (uint32_t i = 0; i < box->mappings_len; i++) {
        chain(box, i); /* It grows when none is free: all are in use. */
    }
    return true;
}

static bool sessions_grow(box_t *box)
{
    const uint32_t cap = box->sessions_cap > 0 ? 2 * box->sessions_cap : 16;
    ps_sim_session *sessions =
        (ps_sim_session *)realloc(box->sessions, cap * sizeof *box->sessions);
    if (!sessions) {
        return false;
    }
    box->sessions = sessions;
    box->sessions_cap = cap;
    return true;
}

/* ---- sessions ---- */

static bool old(const box_t *box, uint64_t now_us, uint64_t used_us)
{
    return now_us - used_us >= box->cfg.timeout_us;
}

/* The mapping's session with this remote; forgets those on the way that have expired. */
static ps_sim_session *session_find(box_t *box, uint64_t now_us, uint32_t mapping,
                                    const ps_addr *seen)
{
    uint32_t *at = &box->mappings[mapping].sessions;
    while (*at != PS_SIM_NONE) {
        const uint32_t i = *at;
        ps_sim_session *s = &box->sessions[i];
        if (old(box, now_us, s->used_us)) {
            *at = s->next;
            s->next = box->sessions_free;
            box->sessions_free = i;
            box->load.sessions--;
        } else if (ps_addr_equal(&s->remote, seen)) {
            return s;
        } else {
            at = &s->next;
        }
    }
    return NULL;
}

/* Those of all mappings that have expired are forgotten. */
static void sessions_sweep(box_t *box, uint64_t now_us)
{
    const ps_addr nobody = {.family = PS_ADDR_NONE};
    for (uint32_t i = 0; i < box->mappings_len; i++) {
        if (box->mappings[i].port != 0) {
            (void)session_find(box, now_us, i, &nobody);
        }
    }
}

static uint32_t session_place(box_t *box, uint64_t now_us)
{
    if (box->load.sessions >= box->cfg.max_sessions) {
        sessions_sweep(box, now_us);
    }
    const uint32_t i = box->sessions_free;
    if (i != PS_SIM_NONE) {
        box->sessions_free = box->sessions[i].next;
        return i;
    }
    if (box->sessions_len >= box->cfg.max_sessions ||
        (box->sessions_len == box->sessions_cap && !sessions_grow(box))) {
        return PS_SIM_NONE;
    }
    return box->sessions_len++;
}

bool ps_sim_session_touch(box_t *box, uint64_t now_us, uint32_t mapping, const ps_addr *remote)
{
    ps_sim_mapping *m = &box->mappings[mapping];
    if (box->cfg.filtering != PS_SIM_NAT_BY_NOTHING && !m->fixed) {
        const ps_addr seen = ps_sim_nat_seen(remote, box->cfg.filtering);
        ps_sim_session *s = session_find(box, now_us, mapping, &seen);
        if (!s) {
            const uint32_t place = session_place(box, now_us);
            if (place == PS_SIM_NONE) {
                return false;
            }
            s = &box->sessions[place];
            *s = (ps_sim_session){.remote = seen, .next = m->sessions};
            m->sessions = place;
            box->load.sessions++;
        }
        s->used_us = now_us;
    }
    m->used_us = now_us;
    return true;
}

bool ps_sim_session_admits(box_t *box, uint64_t now_us, uint32_t mapping, const ps_addr *remote)
{
    ps_sim_mapping *m = &box->mappings[mapping];
    if (m->fixed) {
        return true;
    }
    ps_sim_session *s = NULL;
    if (box->cfg.filtering != PS_SIM_NAT_BY_NOTHING) {
        const ps_addr seen = ps_sim_nat_seen(remote, box->cfg.filtering);
        s = session_find(box, now_us, mapping, &seen);
        if (!s) {
            return false;
        }
    }
    if (box->cfg.refreshed_inward) {
        m->used_us = now_us;
        if (s) {
            s->used_us = now_us;
        }
    }
    return true;
}

/* ---- mappings ---- */

static bool expired(const box_t *box, uint64_t now_us, const ps_sim_mapping *m)
{
    const uint64_t timeout_us = m->stream ? box->cfg.stream_timeout_us : box->cfg.timeout_us;
    return !m->fixed && now_us - m->used_us >= timeout_us;
}

void ps_sim_mapping_drop(box_t *box, uint32_t mapping)
{
    ps_sim_mapping *m = &box->mappings[mapping];
    while (m->sessions != PS_SIM_NONE) {
        const uint32_t i = m->sessions;
        m->sessions = box->sessions[i].next;
        box->sessions[i].next = box->sessions_free;
        box->sessions_free = i;
        box->load.sessions--;
    }
    unchain(box, mapping);
    m->generation++;
    m->port = 0; /* Free. */
    m->next_inside = box->mappings_free;
    box->mappings_free = mapping;
    box->load.mappings--;
}

/* True when it has expired: then it is gone. */
static bool expire(box_t *box, uint64_t now_us, uint32_t mapping)
{
    const ps_sim_mapping *m = &box->mappings[mapping];
    if (m->port == 0 || !expired(box, now_us, m)) {
        return false;
    }
    ps_sim_mapping_drop(box, mapping);
    box->load.expired++;
    return true;
}

bool ps_sim_mapping_lives(box_t *box, uint64_t now_us, uint32_t mapping, uint32_t generation)
{
    return box->mappings[mapping].generation == generation && !expire(box, now_us, mapping);
}

uint32_t ps_sim_mapping_out(box_t *box, uint64_t now_us, const ps_addr *inside,
                            const ps_addr *remote)
{
    const ps_addr seen = ps_sim_nat_seen(remote, box->cfg.mapping);
    uint32_t found = PS_SIM_NONE;
    uint32_t next = box->buckets > 0 ? box->by_inside[inside_bucket(box, inside)] : PS_SIM_NONE;
    while (next != PS_SIM_NONE) {
        const uint32_t i = next;
        const ps_sim_mapping *m = &box->mappings[i];
        next = m->next_inside;
        if (m->stream || !ps_addr_equal(&m->inside, inside)) {
            continue;
        }
        if (m->fixed) {
            return i;
        }
        if (ps_addr_equal(&m->remote, &seen) && !expire(box, now_us, i)) {
            found = i;
        }
    }
    return found;
}

uint32_t ps_sim_mapping_at(box_t *box, uint64_t now_us, uint16_t port, bool stream)
{
    uint32_t next = box->buckets > 0 ? box->by_port[port_bucket(box, port)] : PS_SIM_NONE;
    while (next != PS_SIM_NONE) {
        const uint32_t i = next;
        next = box->mappings[i].next_port;
        if (box->mappings[i].port == port && box->mappings[i].stream == stream) {
            return expire(box, now_us, i) ? PS_SIM_NONE : i;
        }
    }
    return PS_SIM_NONE;
}

/* A free outer port, or 0. */
static uint16_t find_port(box_t *box, uint64_t now_us, uint16_t inner, bool stream)
{
    const uint32_t first = box->cfg.first_port;
    const uint32_t count = 65536 - first;
    uint32_t port = box->port;
    if (box->cfg.ports == PS_SIM_NAT_PORTS_RANDOM) {
        port = first + (uint32_t)ps_sim_rng_below(&box->rng, count);
    } else if (box->cfg.ports == PS_SIM_NAT_PORTS_KEPT) {
        port = inner >= first ? inner : first;
    }
    for (uint32_t tries = 0; tries < count; tries++) {
        if (ps_sim_mapping_at(box, now_us, (uint16_t)port, stream) == PS_SIM_NONE) {
            if (box->cfg.ports == PS_SIM_NAT_PORTS_COUNTED) {
                box->port = (uint16_t)(port < UINT16_MAX ? port + 1 : first);
            }
            return (uint16_t)port;
        }
        port = port < UINT16_MAX ? port + 1 : first;
    }
    return 0;
}

static uint32_t mapping_place(box_t *box, uint64_t now_us)
{
    if (box->load.mappings >= box->cfg.max_mappings) {
        for (uint32_t i = 0; i < box->mappings_len; i++) {
            (void)expire(box, now_us, i);
        }
    }
    if (box->load.mappings >= box->cfg.max_mappings) {
        return PS_SIM_NONE;
    }
    const uint32_t i = box->mappings_free;
    if (i != PS_SIM_NONE) {
        box->mappings_free = box->mappings[i].next_inside;
        return i;
    }
    if (box->mappings_len == box->mappings_cap && !mappings_grow(box)) {
        return PS_SIM_NONE;
    }
    box->mappings[box->mappings_len] = (ps_sim_mapping){0};
    return box->mappings_len++;
}

uint32_t ps_sim_mapping_add(box_t *box, uint64_t now_us, const ps_addr *inside,
                            const ps_addr *remote, bool stream, uint16_t port)
{
    const bool fixed = port != 0;
    const uint32_t place = mapping_place(box, now_us);
    if (place == PS_SIM_NONE) {
        return place;
    }
    if (!fixed) {
        port = find_port(box, now_us, inside->port, stream);
    }
    ps_sim_mapping *m = &box->mappings[place];
    if (port == 0) {
        m->port = 0;
        m->next_inside = box->mappings_free;
        box->mappings_free = place;
        return PS_SIM_NONE;
    }
    *m = (ps_sim_mapping){.inside = *inside,
                          .remote = ps_sim_nat_seen(remote, box->cfg.mapping),
                          .port = port,
                          .stream = stream,
                          .fixed = fixed,
                          .generation = m->generation,
                          .used_us = now_us,
                          .sessions = PS_SIM_NONE};
    chain(box, place);
    box->load.mappings++;
    box->load.mapped += fixed ? 0 : 1u;
    return place;
}

void ps_sim_nat_forget(box_t *box)
{
    for (uint32_t i = 0; i < box->mappings_len; i++) {
        if (box->mappings[i].port != 0 && !box->mappings[i].fixed) {
            ps_sim_mapping_drop(box, i);
        }
    }
}
