/* One direction of a connection: segments on their way, the window that follows, and what happens
 * when nothing passes. */
#include "sim/sim_internal.h"

#include <stdlib.h>
#include <string.h>

/* ---- the ring ---- */

/* The next piece of the ring from stream position `at`, at most len bytes, not round its end. */
static uint32_t piece(const ps_sim *sim, uint64_t at, uint32_t len, uint32_t *offset)
{
    *offset = (uint32_t)(at % sim->cfg.stream_buffer);
    const uint32_t left = sim->cfg.stream_buffer - *offset;
    return len < left ? len : left;
}

uint32_t ps_sim_flow_room(const ps_sim *sim, const ps_sim_flow *f)
{
    const uint32_t bytes = sim->cfg.stream_buffer - (uint32_t)(f->written - f->acked);
    const uint32_t most = PS_SIM_SEGMENTS - PS_SIM_SEGMENTS_KEPT;
    const uint32_t slots = f->segments_len < most ? most - f->segments_len : 0;
    return bytes < slots * PS_SIM_SEGMENT ? bytes : slots * PS_SIM_SEGMENT;
}

void ps_sim_flow_put(ps_sim *sim, ps_sim_flow *f, const uint8_t *data, uint32_t len)
{
    while (len > 0) {
        uint32_t offset;
        const uint32_t n = piece(sim, f->written, len, &offset);
        memcpy(f->ring + offset, data, n);
        f->written += n;
        data += n;
        len -= n;
    }
}

static void window_send(ps_sim *sim, uint32_t conn, uint32_t end);

uint32_t ps_sim_flow_take(ps_sim *sim, uint32_t conn, uint32_t end, uint8_t *out, uint32_t cap)
{
    ps_sim_flow *f = &sim->conns.table[conn]->flows[end];
    const uint64_t there = f->arrived - f->read;
    const uint32_t len = there < cap ? (uint32_t)there : cap;
    for (uint32_t done = 0; done < len;) {
        uint32_t offset;
        const uint32_t n = piece(sim, f->read, len - done, &offset);
        memcpy(out + done, f->ring + offset, n);
        f->read += n;
        done += n;
    }
    if (f->window_at == PS_SIM_NONE) {
        window_send(sim, conn, end);
    }
    return len;
}

/* ---- segments ---- */

void ps_sim_flow_clear(ps_sim *sim, uint32_t conn, uint32_t end)
{
    ps_sim_flow *f = &sim->conns.table[conn]->flows[end];
    ps_sim_gate_leave(sim, conn * 2 + end, PS_SIM_GATE_UP);
    ps_sim_gate_leave(sim, conn * 2 + end, PS_SIM_GATE_DOWN);
    ps_sim_queue_remove(&sim->queue, &f->segment_at);
    ps_sim_queue_remove(&sim->queue, &f->window_at);
    f->segments_len = f->departed = 0;
    f->written = f->arrived;
}

static uint32_t place_of(const ps_sim_flow *f, uint32_t i)
{
    return (f->segments_head + i) % PS_SIM_SEGMENTS;
}

static void schedule_first(ps_sim *sim, uint32_t conn, uint32_t end, uint64_t at_us)
{
    ps_sim_flow *f = &sim->conns.table[conn]->flows[end];
    ps_sim_queue_add(&sim->queue, at_us, PS_SIM_EVENT_SEGMENT, conn * 2 + end, &f->segment_at);
}

/* What the way does to a segment of bytes, beside delaying it. */
static void harm(ps_sim *sim, const ps_sim_way_sum *sum, ps_sim_segment *segment)
{
    if (segment->kind != PS_SIM_SEGMENT_BYTES) {
        return;
    }
    if (sum->sever_ppm > 0 && ps_sim_rng_chance(&sim->faults, sum->sever_ppm)) {
        sim->stats.severed++;
        segment->kind = PS_SIM_SEGMENT_SEVERED;
    }
    if (sum->corrupt_ppm > 0 && ps_sim_rng_chance(&sim->faults, sum->corrupt_ppm)) {
        const uint64_t bits = (uint64_t)segment->len * 8;
        segment->spoiled = 1 + (uint32_t)ps_sim_rng_below(&sim->faults, bits);
    }
}

/* The next segment leaves the sender: when will it arrive? */
static void depart(ps_sim *sim, uint32_t conn, uint32_t end)
{
    const ps_sim_conn *c = sim->conns.table[conn];
    ps_sim_flow *f = &sim->conns.table[conn]->flows[end];
    ps_sim_segment *segment = &f->segments[place_of(f, f->departed)];
    const ps_sim_way_sum sum = ps_sim_way_sum_of(sim, c, end);
    ps_sim_link link = {.rate_bytes_s = sum.rate_bytes_s};
    if (sum.tcp && segment->len > 0) {
        const uint64_t pace = ps_sim_tcp_pace(f, sim->now_us, &sum);
        link.rate_bytes_s =
            link.rate_bytes_s > 0 && link.rate_bytes_s < pace ? link.rate_bytes_s : pace;
    }
    uint64_t at_us;
    (void)ps_sim_link_depart(&link, sim->now_us, &f->busy_until_us, UINT32_MAX, segment->len,
                             &at_us);
    if (sum.tcp) {
        at_us += ps_sim_way_delay_us(sim, c, end);
        at_us += ps_sim_tcp_repair_us(sim, &sum, segment->len);
    } else {
        at_us += ps_sim_way_travel_us(sim, c, end);
    }
    segment->arrive_us = at_us;
    harm(sim, &sum, segment);
    if (++f->departed == 1) {
        schedule_first(sim, conn, end, at_us);
    }
}

/* All segments that may leave do; the first one that may not waits at its gate. */
static void leave(ps_sim *sim, uint32_t conn, uint32_t end)
{
    const ps_sim_conn *c = sim->conns.table[conn];
    while (c->flows[end].departed < c->flows[end].segments_len) {
        ps_sim_node *gate = ps_sim_gate_of_way(sim, c, end, PS_SIM_GATE_UP);
        if (gate) {
            ps_sim_gate_flow(sim, gate, PS_SIM_GATE_UP, conn * 2 + end);
            break;
        }
        depart(sim, conn, end);
    }
}

void ps_sim_flow_push(ps_sim *sim, uint32_t conn, uint32_t end, ps_sim_segment_kind kind,
                      uint32_t len)
{
    ps_sim_conn *c = sim->conns.table[conn];
    ps_sim_flow *f = &c->flows[end];
    if (kind == PS_SIM_SEGMENT_RESET) {
        if (f->reset) {
            return; /* One is enough, and has the last place. */
        }
        f->reset = true;
    }
    f->segments[place_of(f, f->segments_len++)] = (ps_sim_segment){.kind = kind, .len = len};
    if (f->gates[PS_SIM_GATE_UP].node == PS_SIM_NONE) {
        leave(sim, conn, end);
    }
}

/* The end's host learns at its next call that the stream is broken. */
static void break_end(ps_sim *sim, uint32_t conn, uint32_t end)
{
    ps_sim_conn *c = sim->conns.table[conn];
    if (c->ends[end].gone || c->ends[end].broken) {
        return;
    }
    c->ends[end].broken = true;
    ps_sim_flow_clear(sim, conn, end);
    sim->stats.resets++;
    ps_sim_trace(sim, PS_SIM_STREAM_RESET, c->ends[1 - end].node, c->ends[end].node, NULL, 0);
    ps_sim_node_mark(sim, c->ends[end].node);
}

static bool passes(const ps_sim *sim, const ps_sim_conn *c, uint32_t from_end)
{
    const uint32_t to = c->ends[1 - from_end].node;
    return to != PS_SIM_NONE && sim->nodes[to]->up && ps_sim_way_passes(sim, c, from_end);
}

/* When to try again what did not pass; PS_TIME_NEVER: given up. */
static uint64_t retry_at(const ps_sim *sim, uint64_t *since_us)
{
    if (*since_us == PS_TIME_NEVER) {
        *since_us = sim->now_us;
    }
    const uint64_t end_us = *since_us + sim->cfg.stream_reset_us;
    const uint64_t next_us = sim->now_us + sim->cfg.stream_retry_us;
    if (sim->now_us >= end_us) {
        return PS_TIME_NEVER;
    }
    return next_us < end_us ? next_us : end_us;
}

/* ---- arrivals ---- */

static void arrive_open(ps_sim *sim, uint32_t conn)
{
    ps_sim_conn *c = sim->conns.table[conn];
    ps_sim_node *node = sim->nodes[c->ends[1].node];
    if (c->refused || node->accepting >= sim->cfg.accept_queue) {
        ps_sim_flow_push(sim, conn, 1, PS_SIM_SEGMENT_RESET, 0);
        return;
    }
    c->ends[1].gone = false;
    c->ends[1].established = true;
    c->next = PS_SIM_NONE;
    if (node->accepting++ == 0) {
        node->accept_head = conn;
    } else {
        sim->conns.table[node->accept_tail]->next = conn;
    }
    node->accept_tail = conn;
    ps_sim_flow_push(sim, conn, 1, PS_SIM_SEGMENT_OPENED, 0);
    ps_sim_trace(sim, PS_SIM_STREAM_OPENED, c->ends[0].node, c->ends[1].node, NULL, 0);
    ps_sim_node_mark(sim, node->id);
}

static void arrive_bytes(ps_sim *sim, uint32_t conn, uint32_t end, const ps_sim_segment *segment)
{
    const uint32_t len = segment->len;
    ps_sim_conn *c = sim->conns.table[conn];
    ps_sim_flow *f = &c->flows[end];
    const ps_sim_end *to = &c->ends[1 - end];
    if (to->gone || to->broken) {
        f->arrived += len;
        f->read = f->arrived;
        ps_sim_flow_push(sim, conn, 1 - end, PS_SIM_SEGMENT_RESET, 0);
        return;
    }
    if (segment->spoiled > 0) {
        const uint32_t bit = segment->spoiled - 1;
        uint32_t offset;
        (void)piece(sim, f->arrived + bit / 8, 1, &offset);
        f->ring[offset] ^= (uint8_t)(1u << bit % 8);
        sim->stats.spoiled++;
    }
    ps_sim_trace_head(sim, PS_SIM_STREAM_BYTES, c->ends[end].node, to->node, len);
    for (uint32_t left = len; left > 0;) {
        uint32_t offset;
        const uint32_t n = piece(sim, f->arrived, left, &offset);
        ps_sim_trace_bytes(sim, f->ring + offset, n);
        f->arrived += n;
        left -= n;
    }
    sim->stats.stream_bytes += len;
    ps_sim_node_mark(sim, to->node);
}

static void arrive(ps_sim *sim, uint32_t conn, uint32_t end, const ps_sim_segment *segment)
{
    ps_sim_conn *c = sim->conns.table[conn];
    const ps_sim_end *to = &c->ends[1 - end];
    switch (segment->kind) {
    case PS_SIM_SEGMENT_OPEN:
        arrive_open(sim, conn);
        break;
    case PS_SIM_SEGMENT_OPENED:
        c->ends[0].established = true;
        ps_sim_node_mark(sim, to->node);
        break;
    case PS_SIM_SEGMENT_BYTES:
        arrive_bytes(sim, conn, end, segment);
        break;
    case PS_SIM_SEGMENT_END:
        if (!to->gone && !to->broken) {
            c->flows[end].ended = true;
            ps_sim_trace(sim, PS_SIM_STREAM_ENDED, c->ends[end].node, to->node, NULL, 0);
            ps_sim_node_mark(sim, to->node);
        }
        break;
    case PS_SIM_SEGMENT_RESET:
        break_end(sim, conn, 1 - end);
        break;
    case PS_SIM_SEGMENT_SEVERED:
        break_end(sim, conn, 1 - end);
        break_end(sim, conn, end);
        ps_sim_flow_clear(sim, conn, end);
        break;
    }
}

/* Something left the flow: who was refused may try again. */
static void wake_writer(ps_sim *sim, const ps_sim_conn *c, uint32_t end)
{
    if (c->flows[end].blocked && !c->ends[end].gone) {
        ps_sim_node_mark(sim, c->ends[end].node);
    }
}

/* A reset is sent once and may be lost; as a dial's answer it is asked for again. */
static bool must_pass(const ps_sim_conn *c, const ps_sim_segment *segment)
{
    return segment->kind != PS_SIM_SEGMENT_RESET || !c->ends[0].established;
}

static void give_up(ps_sim *sim, uint32_t conn, uint32_t end)
{
    ps_sim_conn *c = sim->conns.table[conn];
    break_end(sim, conn, end);
    if (!c->ends[0].established) {
        break_end(sim, conn, 0);
    }
    ps_sim_flow_clear(sim, conn, end);
}

/* What is due arrives; `through` says that the first segment has passed the receiver's gate. */
static void arrivals(ps_sim *sim, uint32_t conn, uint32_t end, bool through)
{
    ps_sim_conn *c = sim->conns.table[conn];
    ps_sim_flow *f = &c->flows[end];
    while (f->departed > 0) {
        const ps_sim_segment first = f->segments[f->segments_head];
        if (first.arrive_us > sim->now_us) {
            schedule_first(sim, conn, end, first.arrive_us);
            break;
        }
        if (!passes(sim, c, end) && must_pass(c, &first)) {
            const uint64_t at_us = retry_at(sim, &f->stalled_since_us);
            if (at_us != PS_TIME_NEVER) {
                schedule_first(sim, conn, end, at_us);
            } else {
                give_up(sim, conn, end);
            }
            break;
        }
        ps_sim_node *gate = through ? NULL : ps_sim_gate_of_way(sim, c, end, PS_SIM_GATE_DOWN);
        if (gate) {
            ps_sim_gate_flow(sim, gate, PS_SIM_GATE_DOWN, conn * 2 + end);
            break;
        }
        through = false;
        f->stalled_since_us = PS_TIME_NEVER;
        f->segments_head = (f->segments_head + 1) % PS_SIM_SEGMENTS;
        f->segments_len--;
        f->departed--;
        if (passes(sim, c, end)) {
            arrive(sim, conn, end, &first);
        }
        wake_writer(sim, c, end);
    }
}

void ps_sim_flow_segment(ps_sim *sim, uint32_t flow)
{
    arrivals(sim, flow / 2, flow % 2, false);
}

uint32_t ps_sim_flow_waiting(const ps_sim_flow *f, uint32_t way)
{
    return f->segments[place_of(f, way == PS_SIM_GATE_UP ? f->departed : 0)].len;
}

void ps_sim_flow_through(ps_sim *sim, uint32_t flow, uint32_t way)
{
    if (way == PS_SIM_GATE_UP) {
        depart(sim, flow / 2, flow % 2);
        leave(sim, flow / 2, flow % 2);
    } else {
        arrivals(sim, flow / 2, flow % 2, true);
    }
}

/* ---- windows: one at a time travels back and says what was read when it left ---- */

static void window_send(ps_sim *sim, uint32_t conn, uint32_t end)
{
    ps_sim_conn *c = sim->conns.table[conn];
    ps_sim_flow *f = &c->flows[end];
    if (c->ends[end].gone || c->ends[end].broken) {
        return;
    }
    f->acking = f->read;
    const uint64_t at_us = sim->now_us + ps_sim_way_delay_us(sim, c, 1 - end);
    ps_sim_queue_add(&sim->queue, at_us, PS_SIM_EVENT_WINDOW, conn * 2 + end, &f->window_at);
}

void ps_sim_flow_window(ps_sim *sim, uint32_t flow)
{
    const uint32_t conn = flow / 2;
    const uint32_t end = flow % 2;
    ps_sim_conn *c = sim->conns.table[conn];
    ps_sim_flow *f = &c->flows[end];
    if (!passes(sim, c, 1 - end)) {
        const uint64_t at_us = retry_at(sim, &f->mute_since_us);
        if (at_us == PS_TIME_NEVER) {
            break_end(sim, conn, end);
        } else {
            ps_sim_queue_add(&sim->queue, at_us, PS_SIM_EVENT_WINDOW, flow, &f->window_at);
        }
        return;
    }
    f->mute_since_us = PS_TIME_NEVER;
    f->acked = f->acking;
    if (f->read > f->acked) {
        window_send(sim, conn, end);
    }
    wake_writer(sim, c, end);
}
