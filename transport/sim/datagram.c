/* The nodes' ps_transport: datagrams, time and randomness. */
#include "sim/sim_internal.h"

#include <string.h>

static ps_addr endpoint_addr(const ps_sim_node *node, uint32_t endpoint)
{
    ps_addr addr = node->addr;
    addr.port = (uint16_t)(addr.port + endpoint);
    return addr;
}

/* ---- sending ---- */

/* From where to where. */
typedef struct route {
    uint32_t from;
    ps_addr source;           /* What the receiver sees. */
    ps_addr dest;             /* What the sender meant. */
    uint32_t to, to_endpoint; /* The next node: the receiver or a box; PS_SIM_NONE: nowhere. */
    uint32_t to_moves;        /* How often that node had moved. */
} route;

/* From a node into a net (PS_SIM_NONE: the one outside); `inward`: never out of it. */
static route find_route(const ps_sim_node *node, uint32_t net, bool inward, const ps_addr *source,
                        const ps_addr *dest)
{
    const ps_sim *sim = node->sim;
    route r = {.from = node->id, .source = *source, .dest = *dest, .to = PS_SIM_NONE};
    const uint32_t to = ps_sim_node_find(sim, dest);
    if (to == PS_SIM_NONE || sim->nodes[to]->behind != net) {
        if (net != PS_SIM_NONE && !inward) {
            r.to = net; /* What is elsewhere is the box's business. */
            r.to_moves = sim->nodes[net]->moves;
        }
        return r;
    }
    const ps_sim_node *there = sim->nodes[to];
    const bool open =
        dest->port >= there->addr.port && dest->port - there->addr.port < (int64_t)there->endpoints;
    if (open || there->box) {
        r.to = to;
        r.to_endpoint = open ? (uint32_t)dest->port - there->addr.port : 0;
        r.to_moves = there->moves;
    }
    return r;
}

/* Counts and traces what happened to one. */
static void tell(ps_sim *sim, uint64_t *counter, ps_sim_kind kind, const route *r)
{
    (*counter)++;
    ps_sim_trace(sim, kind, r->from, r->to, NULL, 0);
}

/* A packet with this in it, or PS_SIM_NONE. */
static uint32_t copy(ps_sim *sim, const route *r, const uint8_t *data, uint32_t len)
{
    const uint32_t index = ps_sim_packet_take(sim);
    if (index == PS_SIM_NONE) {
        tell(sim, &sim->stats.exhausted, PS_SIM_EXHAUSTED, r);
        return index;
    }
    ps_sim_packet *p = ps_sim_packet_at(sim, index);
    p->from = r->from;
    p->source = r->source;
    p->dest = r->dest;
    p->to = r->to;
    p->to_endpoint = r->to_endpoint;
    p->to_moves = r->to_moves;
    p->next = PS_SIM_NONE;
    p->len = len <= PS_DATAGRAM_MAX ? len : PS_DATAGRAM_MAX + 1;
    memcpy(p->data, data, p->len);
    return index;
}

/* Puts one copy on its way. */
static void launch(ps_sim *sim, const route *r, const uint8_t *data, uint32_t len,
                   uint64_t arrive_us, ps_sim_damage damage)
{
    const uint32_t index = copy(sim, r, data, len);
    if (index == PS_SIM_NONE) {
        return;
    }
    ps_sim_packet *p = ps_sim_packet_at(sim, index);
    ps_sim_damage_do(&damage, p->data, &p->len);
    if (damage.truncated) {
        tell(sim, &sim->stats.truncated, PS_SIM_TRUNCATED, r);
    }
    if (damage.corrupted) {
        tell(sim, &sim->stats.corrupted, PS_SIM_CORRUPTED, r);
    }
    ps_sim_queue_add(&sim->queue, arrive_us, PS_SIM_EVENT_PACKET, index, NULL);
}

/* Everything that chance decides about one datagram. Always drawn in full, so that changing one
 * setting leaves what the others draw as it was; bursts and damage, which have a generator of their
 * own, only on links that have some. */
typedef struct fate {
    bool lost, duplicated, reordered;
    uint64_t delay_us, copy_delay_us, held_us;
    bool begins_burst, ends_burst;
    ps_sim_damage damage, copy_damage;
} fate;

static fate draw_fate(ps_sim *sim, const ps_sim_link *link)
{
    fate f = {0};
    f.lost = ps_sim_rng_chance(&sim->rng, link->loss_ppm);
    f.duplicated = ps_sim_rng_chance(&sim->rng, link->duplicate_ppm);
    f.reordered = ps_sim_rng_chance(&sim->rng, link->reorder_ppm);
    f.delay_us = ps_sim_link_delay_us(sim, link);
    f.copy_delay_us = ps_sim_link_delay_us(sim, link);
    const uint64_t reorder_us = link->reorder_us > 0 ? link->reorder_us : 1;
    f.held_us = 1 + ps_sim_rng_below(&sim->rng, reorder_us);
    if ((link->burst_ppm | link->truncate_ppm | link->corrupt_ppm) != 0) {
        f.begins_burst = ps_sim_rng_chance(&sim->faults, link->burst_ppm);
        f.ends_burst = ps_sim_rng_chance(&sim->faults, link->burst_end_ppm);
        f.damage = ps_sim_damage_draw(sim, link);
        f.copy_damage = ps_sim_damage_draw(sim, link);
    }
    return f;
}

/* Over the link to the next node. */
static void transmit(ps_sim *sim, const route *r, const uint8_t *data, uint32_t len)
{
    /* Copied: finding the memory of the pair's rate may move the table that holds it. */
    const ps_sim_link link = *ps_sim_link_of(sim, r->from, r->to);
    const fate f = draw_fate(sim, &link);
    if (r->to == PS_SIM_NONE) {
        tell(sim, &sim->stats.unreachable, PS_SIM_UNREACHABLE, r);
        return;
    }
    if (ps_sim_is_cut(sim, r->from, r->to)) {
        tell(sim, &sim->stats.cut, PS_SIM_CUT, r);
        return;
    }
    uint64_t depart_us = sim->now_us;
    if (link.rate_bytes_s > 0) {
        uint64_t *busy = ps_sim_link_busy(sim, r->from, r->to);
        if (!busy ||
            !ps_sim_link_depart(&link, sim->now_us, busy, link.queue_bytes, len, &depart_us)) {
            tell(sim, &sim->stats.link_full, PS_SIM_LINK_FULL, r);
            return;
        }
    }
    bool in_burst;
    if (!ps_sim_link_burst(sim, &link, r->from, r->to, f.begins_burst, f.ends_burst, &in_burst)) {
        tell(sim, &sim->stats.exhausted, PS_SIM_EXHAUSTED, r);
        return;
    }
    if (in_burst) {
        tell(sim, &sim->stats.burst_lost, PS_SIM_BURST_LOST, r);
        return;
    }
    if (f.lost) {
        tell(sim, &sim->stats.lost, PS_SIM_LOST, r);
        return;
    }
    sim->stats.reordered += f.reordered ? 1u : 0u;
    sim->stats.duplicated += f.duplicated ? 1u : 0u;
    launch(sim, r, data, len, depart_us + f.delay_us + (f.reordered ? f.held_us : 0), f.damage);
    if (f.duplicated) {
        launch(sim, r, data, len, depart_us + f.copy_delay_us, f.copy_damage);
    }
}

/* At once, or when the sender's rate lets it. */
static void leave(ps_sim *sim, const route *r, const uint8_t *data, uint32_t len)
{
    ps_sim_node *gate = ps_sim_gate_of(sim, r->from, r->to, PS_SIM_GATE_UP);
    if (!gate) {
        transmit(sim, r, data, len);
        return;
    }
    const uint32_t index = copy(sim, r, data, len);
    if (index != PS_SIM_NONE && !ps_sim_gate_packet(sim, gate, PS_SIM_GATE_UP, index)) {
        tell(sim, &sim->stats.link_full, PS_SIM_LINK_FULL, r);
        ps_sim_packet_give(sim, index);
    }
}

static void send_one(ps_sim *sim, const route *r, const uint8_t *data, uint32_t len)
{
    sim->stats.sent++;
    ps_sim_trace(sim, PS_SIM_SENT, r->from, r->to, data, len);
    leave(sim, r, data, len);
}

/* What a packet was made from. It is given back first: a full pool has room for what was in it
 * already. */
static route unpack(ps_sim *sim, uint32_t index, uint8_t data[PS_SIM_PACKET_BYTES], uint32_t *len)
{
    const ps_sim_packet *p = ps_sim_packet_at(sim, index);
    const route r = {p->from, p->source, p->dest, p->to, p->to_endpoint, p->to_moves};
    *len = p->len;
    memcpy(data, p->data, *len);
    ps_sim_packet_give(sim, index);
    return r;
}

/* ---- what waits until its sender is free ---- */

static void hold(ps_sim_node *node, const route *r, const uint8_t *data, uint32_t len)
{
    const uint32_t index = copy(node->sim, r, data, len);
    if (index == PS_SIM_NONE) {
        return;
    }
    if (node->held++ == 0) {
        node->held_head = index;
    } else {
        ps_sim_packet_at(node->sim, node->held_tail)->next = index;
    }
    node->held_tail = index;
}

static uint32_t next_held(ps_sim_node *node)
{
    const uint32_t index = node->held_head;
    node->held_head = ps_sim_packet_at(node->sim, index)->next;
    node->held--;
    return index;
}

void ps_sim_datagram_depart(ps_sim_node *node)
{
    while (node->held > 0) {
        uint8_t data[PS_SIM_PACKET_BYTES];
        uint32_t len;
        const route r = unpack(node->sim, next_held(node), data, &len);
        send_one(node->sim, &r, data, len);
    }
}

static ps_status sim_send(void *ctx, const uint8_t *slab, const ps_datagram dg[], size_t n,
                          size_t *sent)
{
    ps_sim_node *node = (ps_sim_node *)ctx;
    for (size_t i = 0; i < n && node->up; i++) {
        const ps_addr source = endpoint_addr(node, dg[i].endpoint);
        route r = find_route(node, node->behind, false, &source, &dg[i].to);
        r.to = dg[i].endpoint < node->endpoints ? r.to : PS_SIM_NONE;
        if (ps_sim_work_holds(node)) {
            hold(node, &r, slab + dg[i].offset, dg[i].len);
        } else {
            send_one(node->sim, &r, slab + dg[i].offset, dg[i].len);
        }
    }
    *sent = n;
    return PS_OK;
}

ps_status ps_sim_send_as(ps_sim *sim, uint32_t node, const ps_addr *from, const ps_addr *to,
                         const void *data, size_t len)
{
    if (node >= sim->nodes_len || len > PS_DATAGRAM_MAX) {
        return PS_INVALID;
    }
    if (ps_sim_is_up(sim, node)) {
        const ps_sim_node *n = sim->nodes[node];
        const route r = find_route(n, n->behind, false, from, to);
        send_one(sim, &r, data, (uint32_t)len);
    }
    return PS_OK;
}

/* ---- receiving ---- */

/* A box passes it on, or does not. */
static void pass_on(ps_sim *sim, ps_sim_node *box, uint32_t packet)
{
    uint8_t data[PS_SIM_PACKET_BYTES];
    uint32_t len;
    route r = unpack(sim, packet, data, &len);
    const ps_sim_verdict verdict = ps_sim_nat_translate(sim, box, r.from, &r.source, &r.dest);
    if (verdict == PS_SIM_VERDICT_BLOCKED) {
        tell(sim, &sim->stats.nat_blocked, PS_SIM_BLOCKED, &r);
        return;
    }
    if (verdict == PS_SIM_VERDICT_FULL) {
        tell(sim, &sim->stats.nat_full, PS_SIM_FULL, &r);
        return;
    }
    const bool inward = verdict == PS_SIM_INWARD;
    r = find_route(box, inward ? box->id : box->behind, inward, &r.source, &r.dest);
    sim->stats.forwarded++;
    ps_sim_trace(sim, PS_SIM_FORWARDED, r.from, r.to, data, len);
    leave(sim, &r, data, len);
}

static void arrive(ps_sim *sim, uint32_t packet)
{
    ps_sim_packet *p = ps_sim_packet_at(sim, packet);
    ps_sim_node *node = sim->nodes[p->to];
    uint64_t *counter = NULL;
    ps_sim_kind kind = PS_SIM_DELIVERED;
    if (ps_sim_is_cut(sim, p->from, p->to)) {
        counter = &sim->stats.cut;
        kind = PS_SIM_CUT;
    } else if (!node->up || node->moves != p->to_moves) {
        counter = &sim->stats.unreachable;
        kind = PS_SIM_UNREACHABLE;
    } else if (node->box) {
        pass_on(sim, node, packet);
        return;
    } else if (node->waiting >= node->receive_queue) {
        node->queue_full++;
        counter = &sim->stats.queue_full;
        kind = PS_SIM_QUEUE_FULL;
    }
    if (counter) {
        tell(sim, counter, kind, &(route){.from = p->from, .to = p->to});
        ps_sim_packet_give(sim, packet);
        return;
    }
    ps_sim_trace(sim, PS_SIM_DELIVERED, p->from, p->to, p->data, p->len);
    sim->stats.delivered++;
    if (node->waiting++ == 0) {
        node->waiting_head = packet;
    } else {
        ps_sim_packet_at(sim, node->waiting_tail)->next = packet;
    }
    node->waiting_tail = packet;
    ps_sim_node_mark(sim, node->id);
}

void ps_sim_datagram_arrive(ps_sim *sim, uint32_t packet)
{
    const ps_sim_packet *p = ps_sim_packet_at(sim, packet);
    ps_sim_node *gate = ps_sim_gate_of(sim, p->to, p->from, PS_SIM_GATE_DOWN);
    if (!gate) {
        arrive(sim, packet);
    } else if (!ps_sim_gate_packet(sim, gate, PS_SIM_GATE_DOWN, packet)) {
        tell(sim, &sim->stats.link_full, PS_SIM_LINK_FULL, &(route){.from = p->from, .to = p->to});
        ps_sim_packet_give(sim, packet);
    }
}

void ps_sim_datagram_through(ps_sim *sim, uint32_t packet, uint32_t way)
{
    if (way == PS_SIM_GATE_DOWN) {
        arrive(sim, packet);
        return;
    }
    uint8_t data[PS_SIM_PACKET_BYTES];
    uint32_t len;
    const route r = unpack(sim, packet, data, &len);
    transmit(sim, &r, data, len);
}

/* What the last receive handed out comes back. */
static void take_back(ps_sim *sim, ps_sim_node *node)
{
    for (uint32_t i = 0; i < node->lent_len; i++) {
        if (!ps_sim_packet_unguard(ps_sim_packet_at(sim, node->lent[i]))) {
            sim->stats.overruns++;
        }
        ps_sim_packet_give(sim, node->lent[i]);
    }
    node->lent_len = 0;
}

static uint32_t next_waiting(ps_sim *sim, ps_sim_node *node)
{
    const uint32_t packet = node->waiting_head;
    node->waiting_head = ps_sim_packet_at(sim, packet)->next;
    node->waiting--;
    return packet;
}

static ps_status sim_receive(void *ctx, ps_input in[], size_t cap, size_t *n)
{
    ps_sim_node *node = (ps_sim_node *)ctx;
    ps_sim *sim = node->sim;
    take_back(sim, node);
    const uint64_t now_us = ps_sim_clock_us(node);
    const uint32_t room = ps_sim_work_room(node);
    const uint32_t batch = room < sim->cfg.batch ? room : sim->cfg.batch;
    const size_t most = cap < batch ? cap : batch;
    size_t i = 0;
    for (; i < most && node->waiting > 0; i++) {
        const uint32_t packet = next_waiting(sim, node);
        ps_sim_packet *p = ps_sim_packet_at(sim, packet);
        ps_sim_packet_guard(p);
        node->lent[node->lent_len++] = packet;
        in[i] = (ps_input){.now_us = now_us, .type = PS_INPUT_DATAGRAM};
        in[i].u.datagram.from = p->source;
        in[i].u.datagram.endpoint = p->to_endpoint;
        in[i].u.datagram.data = p->data;
        in[i].u.datagram.len = p->len;
    }
    ps_sim_work_received(node, (uint32_t)i);
    *n = i;
    return i > 0 ? PS_OK : PS_AGAIN;
}

void ps_sim_datagram_drop_all(ps_sim *sim, ps_sim_node *node)
{
    take_back(sim, node);
    while (node->waiting > 0) {
        ps_sim_packet_give(sim, next_waiting(sim, node));
    }
    while (node->held > 0) {
        ps_sim_packet_give(sim, next_held(node));
    }
}

/* ---- time, randomness, addresses ---- */

static uint64_t sim_now_us(void *ctx)
{
    return ps_sim_clock_us((const ps_sim_node *)ctx);
}

static uint64_t sim_wall_s(void *ctx)
{
    return ps_sim_clock_wall_s((const ps_sim_node *)ctx);
}

static ps_status sim_entropy(void *ctx, void *buf, size_t len)
{
    ps_sim *sim = ((ps_sim_node *)ctx)->sim;
    uint8_t *out = (uint8_t *)buf;
    for (size_t i = 0; i < len; i++) {
        out[i] = (uint8_t)ps_sim_rng_below(&sim->rng, 256);
    }
    return PS_OK;
}

static size_t sim_endpoints(void *ctx, ps_addr out[], size_t cap)
{
    const ps_sim_node *node = (const ps_sim_node *)ctx;
    for (uint32_t i = 0; i < node->endpoints && i < cap; i++) {
        out[i] = endpoint_addr(node, i);
    }
    return node->endpoints;
}

void ps_sim_datagram_attach(ps_sim_node *node)
{
    node->transport = (ps_transport){
        .ctx = node,
        .receive = sim_receive,
        .send = sim_send,
        .now_us = sim_now_us,
        .wall_s = sim_wall_s,
        .entropy = sim_entropy,
        .endpoints = sim_endpoints,
    };
}
