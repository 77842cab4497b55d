/* The nodes' ps_stream_transport. */
#include "sim/sim_internal.h"

#include <stdlib.h>

#define FIRST_PORT 49152u

static ps_status stream_dial(void *ctx, const ps_addr *to, ps_stream *out)
{
    ps_sim_node *node = (ps_sim_node *)ctx;
    ps_sim *sim = node->sim;
    uint32_t index;
    ps_sim_conn *c = node->up ? ps_sim_conn_new(sim, &index) : NULL;
    if (!c) {
        return PS_FAILED;
    }
    c->from = node->addr;
    c->from.port = node->next_port;
    node->next_port = node->next_port == UINT16_MAX ? FIRST_PORT : (uint16_t)(node->next_port + 1);
    c->ends[0].node = node->id;
    c->ends[1].gone = true; /* Until the dial arrives. */
    ps_sim_way_find(sim, node, to, c);
    sim->stats.streams++;
    ps_sim_flow_push(sim, index, 0, PS_SIM_SEGMENT_OPEN, 0);
    *out = ps_sim_conn_handle(c, index, 0);
    return PS_OK;
}

static ps_status stream_accept(void *ctx, ps_stream *out, ps_addr *from)
{
    ps_sim_node *node = (ps_sim_node *)ctx;
    if (node->accepting == 0) {
        return PS_AGAIN;
    }
    const uint32_t index = node->accept_head;
    ps_sim_conn *c = node->sim->conns.table[index];
    node->accept_head = c->next;
    node->accepting--;
    *from = c->from;
    *out = ps_sim_conn_handle(c, index, 1);
    return PS_OK;
}

static ps_status stream_read(void *ctx, ps_stream s, void *buf, size_t cap, size_t *n)
{
    ps_sim_node *node = (ps_sim_node *)ctx;
    uint32_t index;
    uint32_t end;
    ps_sim_conn *c = ps_sim_conn_of(node, s, &index, &end);
    *n = 0;
    if (!c) {
        return PS_FAILED;
    }
    const ps_sim_flow *in = &c->flows[1 - end];
    if (in->arrived > in->read) {
        const uint32_t most = cap < UINT32_MAX ? (uint32_t)cap : UINT32_MAX;
        *n = ps_sim_flow_take(node->sim, index, 1 - end, (uint8_t *)buf, most);
        return *n > 0 ? PS_OK : PS_AGAIN;
    }
    if (in->ended) {
        return PS_OK;
    }
    return c->ends[end].broken ? PS_FAILED : PS_AGAIN;
}

/* The ring exists once something is written. */
static bool ring_ready(const ps_sim *sim, ps_sim_flow *f)
{
    if (!f->ring) {
        f->ring = (uint8_t *)malloc(sim->cfg.stream_buffer);
    }
    return f->ring != NULL;
}

static ps_status stream_write(void *ctx, ps_stream s, const ps_span parts[], size_t count,
                              size_t *n)
{
    ps_sim_node *node = (ps_sim_node *)ctx;
    ps_sim *sim = node->sim;
    uint32_t index;
    uint32_t end;
    ps_sim_conn *c = ps_sim_conn_of(node, s, &index, &end);
    *n = 0;
    if (!c || c->ends[end].broken || c->ends[end].finished) {
        return PS_FAILED;
    }
    ps_sim_flow *f = &c->flows[end];
    const uint32_t room = c->ends[end].established ? ps_sim_flow_room(sim, f) : 0;
    f->blocked = room == 0;
    if (room == 0) {
        return PS_AGAIN;
    }
    if (!ring_ready(sim, f)) {
        return PS_FAILED;
    }
    uint32_t taken = 0;
    for (size_t i = 0; i < count && taken < room; i++) {
        const uint32_t left = room - taken;
        const uint32_t len = parts[i].len < left ? (uint32_t)parts[i].len : left;
        ps_sim_flow_put(sim, f, parts[i].data, len);
        taken += len;
    }
    for (uint32_t left = taken; left > 0;) {
        const uint32_t len = left < PS_SIM_SEGMENT ? left : PS_SIM_SEGMENT;
        ps_sim_flow_push(sim, index, end, PS_SIM_SEGMENT_BYTES, len);
        left -= len;
    }
    *n = taken;
    return PS_OK;
}

static ps_status stream_finish(void *ctx, ps_stream s)
{
    ps_sim_node *node = (ps_sim_node *)ctx;
    uint32_t index;
    uint32_t end;
    ps_sim_conn *c = ps_sim_conn_of(node, s, &index, &end);
    if (!c || c->ends[end].broken) {
        return PS_FAILED;
    }
    if (!c->ends[end].finished) {
        c->ends[end].finished = true;
        ps_sim_flow_push(node->sim, index, end, PS_SIM_SEGMENT_END, 0);
    }
    return PS_OK;
}

static void stream_close(void *ctx, ps_stream s)
{
    ps_sim_node *node = (ps_sim_node *)ctx;
    uint32_t index;
    uint32_t end;
    ps_sim_conn *c = ps_sim_conn_of(node, s, &index, &end);
    if (!c) {
        return;
    }
    ps_sim_end *e = &c->ends[end];
    const ps_sim_flow *in = &c->flows[1 - end];
    e->gone = true;
    if (e->broken) {
        ps_sim_flow_clear(node->sim, index, end);
    } else if (!e->established || in->arrived > in->read) {
        /* Bytes that nobody will read: the writer is told so. */
        ps_sim_flow_push(node->sim, index, end, PS_SIM_SEGMENT_RESET, 0);
    } else if (!e->finished) {
        ps_sim_flow_push(node->sim, index, end, PS_SIM_SEGMENT_END, 0);
    }
    ps_sim_conn_reap(node->sim, index);
}

static uint32_t stream_ready(void *ctx, ps_stream s, uint32_t interest)
{
    ps_sim_node *node = (ps_sim_node *)ctx;
    uint32_t index;
    uint32_t end;
    ps_sim_conn *c = ps_sim_conn_of(node, s, &index, &end);
    if (!c) {
        return PS_BROKEN;
    }
    const ps_sim_end *e = &c->ends[end];
    const ps_sim_flow *in = &c->flows[1 - end];
    ps_sim_flow *out = &c->flows[end];
    uint32_t ready = e->broken ? (uint32_t)PS_BROKEN : 0;
    if (in->arrived > in->read || in->ended || e->broken) {
        ready |= interest & PS_READABLE;
    }
    if (!e->broken && !e->finished && (interest & PS_WRITABLE) != 0) {
        out->blocked = !e->established || ps_sim_flow_room(node->sim, out) == 0;
        ready |= out->blocked ? 0 : (uint32_t)PS_WRITABLE;
    }
    return ready;
}

static ps_addr stream_listener(void *ctx)
{
    const ps_sim_node *node = (const ps_sim_node *)ctx;
    return node->deaf ? (ps_addr){.family = PS_ADDR_NONE} : node->addr;
}

void ps_sim_stream_attach(ps_sim_node *node)
{
    node->next_port = FIRST_PORT;
    node->streams = (ps_stream_transport){
        .ctx = node,
        .dial = stream_dial,
        .accept = stream_accept,
        .read = stream_read,
        .write = stream_write,
        .finish = stream_finish,
        .close = stream_close,
        .ready = stream_ready,
        .listener = stream_listener,
    };
}
