/* A machine under observation. After every step:
 *   - the machine's own invariants (ps_server_check, ps_peer_check), every check_every steps
 *   - the output's bounds (invariant 6): nothing is written beyond its capacities, nor beyond the
 *     room that the headers promise for so many inputs; datagrams lie back to back and are not
 *     longer than a datagram may be; a step that answers AGAIN has added nothing by the first
 *     unconsumed input
 *   - the server's answers against the model (model.h), input by input; now and then the same
 * inputs as one batch, in a copy of the machine, give the same output (invariant 7) */
#include "world.h"

#include <stdlib.h>
#include <string.h>

#define GUARD      64u
#define GUARD_BYTE 0x5au

/* Promises that may wait for the store. */
#define HELD       64u
#define HELD_BYTES (HELD * 256u)

/* Capacities of a pump's output: some steps' worth. */
#define SERVER_STEPS 7u
#define PEER_STEPS   4u

static bool guarded(const void *at, size_t len)
{
    const uint8_t *p = at;
    for (size_t i = 0; i < len; i++) {
        if (p[i] != GUARD_BYTE) {
            return false;
        }
    }
    return true;
}

static size_t aligned(size_t bytes)
{
    return (bytes + 63) / 64 * 64;
}

static void slab_init(world *w, world_slab *s, size_t bytes, size_t datagrams, size_t events)
{
    const size_t total = aligned(bytes + GUARD) + aligned(datagrams * sizeof(ps_datagram) + GUARD) +
                         aligned(events * sizeof(ps_event) + GUARD);
    s->memory = malloc(total);
    WORLD_REQUIRE(w, s->memory != NULL);
    memset(s->memory, GUARD_BYTE, total);
    uint8_t *at = s->memory;
    s->out = (ps_output){.bytes = at, .bytes_cap = bytes};
    at += aligned(bytes + GUARD);
    s->out.datagrams = (ps_datagram *)(void *)at;
    s->out.datagrams_cap = datagrams;
    at += aligned(datagrams * sizeof(ps_datagram) + GUARD);
    s->out.events = (ps_event *)(void *)at;
    s->out.events_cap = events;
}

static void check_ends(const world *w, const ps_output *out)
{
    WORLD_REQUIRE(w, guarded(out->bytes + out->bytes_cap, GUARD));
    WORLD_REQUIRE(w, guarded(out->datagrams + out->datagrams_cap, GUARD));
    WORLD_REQUIRE(w, guarded(out->events + out->events_cap, GUARD));
}

/* Marks what lies behind the room of one step, where the slab reaches so far. */
typedef struct promise {
    uint8_t *at[3];
} promise;

static promise mark(const ps_output *out, size_t inputs, bool server)
{
    const size_t bytes = inputs * (server ? PS_SERVER_STEP_BYTES : PS_PEER_STEP_BYTES);
    const size_t datagrams = inputs * (server ? PS_SERVER_STEP_DATAGRAMS : PS_PEER_STEP_DATAGRAMS);
    const size_t events = inputs * (server ? PS_SERVER_STEP_EVENTS : PS_PEER_STEP_EVENTS);
    promise p = {{NULL, NULL, NULL}};
    if (out->bytes_cap - out->bytes_len >= bytes + GUARD) {
        p.at[0] = out->bytes + out->bytes_len + bytes;
    }
    if (out->datagrams_cap - out->datagrams_len > datagrams + GUARD / sizeof(ps_datagram)) {
        p.at[1] = (uint8_t *)(out->datagrams + out->datagrams_len + datagrams);
    }
    if (out->events_cap - out->events_len > events + GUARD / sizeof(ps_event)) {
        p.at[2] = (uint8_t *)(out->events + out->events_len + events);
    }
    for (size_t i = 0; i < 3; i++) {
        if (p.at[i]) {
            memset(p.at[i], GUARD_BYTE, sizeof(uint64_t));
        }
    }
    return p;
}

static void check_output(const world *w, const ps_output *before, const ps_output *out,
                         size_t consumed, ps_status status)
{
    WORLD_REQUIRE(w, out->bytes == before->bytes && out->datagrams == before->datagrams &&
                         out->events == before->events);
    WORLD_REQUIRE(w, out->bytes_len >= before->bytes_len && out->bytes_len <= out->bytes_cap);
    WORLD_REQUIRE(w, out->datagrams_len >= before->datagrams_len &&
                         out->datagrams_len <= out->datagrams_cap);
    WORLD_REQUIRE(w, out->events_len >= before->events_len && out->events_len <= out->events_cap);
    if (status == PS_AGAIN && consumed == 0) {
        WORLD_REQUIRE(w, out->bytes_len == before->bytes_len &&
                             out->datagrams_len == before->datagrams_len &&
                             out->events_len == before->events_len);
    }
    size_t at = before->bytes_len;
    for (size_t i = before->datagrams_len; i < out->datagrams_len; i++) {
        const ps_datagram *dg = &out->datagrams[i];
        WORLD_REQUIRE(w, dg->offset == at && dg->len >= 1 && dg->len <= PS_DATAGRAM_MAX);
        WORLD_REQUIRE(w, dg->to.family == PS_ADDR_V4 && dg->endpoint == 0 &&
                             (dg->commit_seq == 0 || w->cfg.store));
        at += dg->len;
    }
    WORLD_REQUIRE(w, at == out->bytes_len);
}

static bool is_forged(const world *w, const ps_input *in)
{
    const ps_input_datagram *dg = &in->u.datagram;
    return in->type == PS_INPUT_DATAGRAM && dg->len > 0 &&
           (dg->data[0] == READ_DATA || dg->data[0] == READ_RESPOND) &&
           !ledger_has(&w->sent_by_server, dg->data, dg->len);
}

static uint64_t drops_of(const world_machine *m)
{
    ps_peer_stats stats;
    uint64_t sum = 0;
    ps_peer_stats_get(m->self, &stats);
    for (size_t i = 0; i < PS_DROP_COUNT; i++) {
        sum += stats.drops[i];
    }
    return sum;
}

/* Steps a peer; what looks like the server's and is not has to be dropped, and counted. */
static ps_status step_peer(world_machine *m, ps_input in[], size_t n, size_t *consumed,
                           ps_output *out)
{
    size_t forged = 0;
    for (size_t i = 0; i < n; i++) {
        forged += is_forged(m->w, &in[i]) ? 1u : 0u;
    }
    const uint64_t drops = forged > 0 ? drops_of(m) : 0;
    const ps_status status = m->face.step(m->face.self, in, n, consumed, out);
    if (forged > 0 && *consumed == n) {
        WORLD_REQUIRE(m->w, drops_of(m) >= drops + forged);
    }
    return status;
}

static void capture(world *w, uint32_t node, const ps_datagram *dg, const uint8_t *data)
{
    world_capture *c = &w->captured[w->captured_len++ % w->cfg.captures];
    c->from = node == w->server.node ? ps_sim_addr(w->sim, node)
                                     : world_outer_addr(w, node - w->peers[0].node);
    c->to = dg->to;
    c->len = dg->len;
    memcpy(c->data, data, dg->len);
}

static void enter(const world_machine *m, const ps_output *before, const ps_output *out)
{
    world *w = m->w;
    const bool server = m->peer == WORLD_SERVER;
    const uint32_t node = server ? w->server.node : w->peers[m->peer].node;
    for (size_t i = before->datagrams_len; i < out->datagrams_len; i++) {
        const ps_datagram *dg = &out->datagrams[i];
        ledger_add(server ? &w->sent_by_server : &w->sent_by_peers, out->bytes + dg->offset,
                   dg->len);
        /* (What waits for the store nobody can have seen.) */
        if (w->cfg.captures > 0 && dg->commit_seq <= m->pump.committed) {
            capture(w, node, dg, out->bytes + dg->offset);
        }
    }
}

/* One call of the machine, looked at. */
static ps_status look(world_machine *m, ps_input in[], size_t n, size_t *consumed, ps_output *out)
{
    world *w = m->w;
    const bool server = m->peer == WORLD_SERVER;
    const ps_output before = *out;
    const promise p = mark(out, n, server);
    const ps_status status = server ? m->face.step(m->face.self, in, n, consumed, out)
                                    : step_peer(m, in, n, consumed, out);
    if (status == PS_INVALID && in[*consumed].type == PS_INPUT_TRUST) {
        return status;
    }
    WORLD_REQUIRE(w, status == PS_OK || status == PS_AGAIN || status == PS_MORE);
    WORLD_REQUIRE(w, *consumed <= n && (*consumed == n) == (status != PS_AGAIN));
    check_output(w, &before, out, *consumed, status);
    for (size_t i = 0; i < 3; i++) {
        WORLD_REQUIRE(w, !p.at[i] || guarded(p.at[i], sizeof(uint64_t)));
    }
    check_ends(w, out);
    enter(m, &before, out);
    w->steps++;
    if (++m->steps % w->cfg.check_every == 0) {
        w->checks++;
        const int broken = m->check(m->self);
        if (broken != 0) {
            fprintf(stderr, "the %s's check breaks at line %d\n", server ? "server" : "peer",
                    broken);
            WORLD_REQUIRE(w, broken == 0);
        }
    }
    return status;
}

/* The inputs one by one, each put before the model with what came of it. */
static ps_status step_by_step(world_machine *m, ps_input in[], size_t n, size_t *consumed,
                              ps_output *out)
{
    uint8_t bytes[PS_DATAGRAM_MAX + 1];
    ps_status status = PS_OK;
    *consumed = 0;
    for (size_t i = 0; i < n; i++) {
        const ps_output before = *out;
        size_t one = 0;
        if (in[i].type == PS_INPUT_DATAGRAM) {
            WORLD_REQUIRE(m->w, in[i].u.datagram.len <= sizeof bytes);
            if (in[i].u.datagram.len > 0) {
                memcpy(bytes, in[i].u.datagram.data, in[i].u.datagram.len);
            }
        }
        status = look(m, &in[i], 1, &one, out);
        if (one == 0) {
            break;
        }
        ps_server_stats stats;
        ps_server_stats_get(m->self, &stats);
        if (m->w->cfg.proof) {
            proof_step(&m->w->proof, &in[i], bytes, &before, out, &stats);
        }
        if (m->w->cfg.model) {
            model_step(&m->w->model, &in[i], bytes, &before, out, &stats);
        }
        ++*consumed;
    }
    return status;
}

/* Datagrams and events of a step, apart from where they lie. */
static bool same_output(const ps_output *a, size_t bytes_at, size_t datagrams_at,
                        const ps_output *b)
{
    if (a->bytes_len - bytes_at != b->bytes_len ||
        a->datagrams_len - datagrams_at != b->datagrams_len ||
        memcmp(a->bytes + bytes_at, b->bytes, b->bytes_len) != 0) {
        return false;
    }
    for (size_t i = 0; i < b->datagrams_len; i++) {
        const ps_datagram *x = &a->datagrams[datagrams_at + i];
        const ps_datagram *y = &b->datagrams[i];
        if (x->len != y->len || x->commit_seq != y->commit_seq || !ps_addr_equal(&x->to, &y->to) ||
            x->offset - bytes_at != y->offset) {
            return false;
        }
    }
    return true;
}

/* Every so many batches, a copy of the machine takes the whole at once. */
#define REBATCH_EVERY 7u

static ps_status observed_server_step(world_machine *m, ps_input in[], size_t n, size_t *consumed,
                                      ps_output *out)
{
    world *w = m->w;
    world_slab copy = {.memory = NULL};
    void *twin = NULL;
    if (n > 1 && ++m->batches % REBATCH_EVERY == 0) {
        const size_t len = ps_server_size(&w->cfg.server);
        if (m->twin == NULL) { /* Kept: fresh pages each time cost more than all else. */
            m->twin = aligned_alloc(64, (len + 63) / 64 * 64);
            WORLD_REQUIRE(w, m->twin != NULL);
        }
        twin = m->twin;
        memcpy(twin, m->self, len);
        slab_init(w, &copy, out->bytes_cap, out->datagrams_cap, out->events_cap);
    }
    const ps_output before = *out;
    const ps_status status = step_by_step(m, in, n, consumed, out);
    if (twin != NULL) {
        size_t taken = 0;
        (void)m->inner.step(twin, in, *consumed, &taken, &copy.out);
        WORLD_REQUIRE(w, taken == *consumed);
        WORLD_REQUIRE(w, same_output(out, before.bytes_len, before.datagrams_len, &copy.out));
        WORLD_REQUIRE(w, out->events_len - before.events_len == copy.out.events_len);
        w->rebatched++;
        free(copy.memory);
    }
    return status;
}

static ps_status observed_step(void *self, ps_input in[], size_t n, size_t *consumed,
                               ps_output *out)
{
    world_machine *m = self;
    return m->peer == WORLD_SERVER && (m->w->cfg.model || m->w->cfg.proof)
               ? observed_server_step(m, in, n, consumed, out)
               : look(m, in, n, consumed, out);
}

static uint64_t observed_deadline_us(const void *self)
{
    const world_machine *m = self;
    return m->face.deadline_us(m->face.self);
}

/* Sends one by one what is let through. */
static ps_status tampering_send(void *ctx, const uint8_t *slab, const ps_datagram dg[], size_t n,
                                size_t *sent)
{
    world_machine *m = ctx;
    const uint32_t node = m->peer == WORLD_SERVER ? m->w->server.node : m->w->peers[m->peer].node;
    for (size_t i = 0; i < n; i++) {
        uint8_t data[PS_DATAGRAM_MAX];
        ps_datagram one = dg[i];
        size_t gone;
        memcpy(data, slab + one.offset, one.len);
        one.offset = 0;
        if (m->w->cfg.tamper(m->w, node, &one, data)) {
            (void)m->network->send(m->network->ctx, data, &one, 1, &gone);
        }
    }
    *sent = n;
    return PS_OK;
}

static ps_status network_receive(void *ctx, ps_input in[], size_t cap, size_t *n)
{
    const world_machine *m = ctx;
    return m->network->receive(m->network->ctx, in, cap, n);
}

static uint64_t network_now_us(void *ctx)
{
    const world_machine *m = ctx;
    return m->network->now_us(m->network->ctx);
}

/* What a pump needs of a transport. */
static const ps_transport *network_of(world_machine *m, uint32_t node)
{
    m->network = ps_sim_transport(m->w->sim, node);
    m->tampered = (ps_transport){
        .ctx = m, .receive = network_receive, .send = tampering_send, .now_us = network_now_us};
    return m->w->cfg.tamper ? &m->tampered : m->network;
}

/* Peers work one after the other, and none leaves anything behind. */
static void lend(world *w, world_slab *s)
{
    if (w->shared.memory == NULL) {
        slab_init(w, &w->shared, PEER_STEPS * PS_PEER_STEP_BYTES,
                  PEER_STEPS * PS_PEER_STEP_DATAGRAMS, PEER_STEPS * PS_PEER_STEP_EVENTS);
    }
    *s = (world_slab){.out = w->shared.out};
}

void world_machine_init(world_machine *m, world *w, uint32_t node, uint32_t peer, ps_machine face,
                        int (*check)(const void *self), const ps_server_config *server_cfg,
                        const ps_peer_config *peer_cfg)
{
    const size_t steps = peer == WORLD_SERVER ? SERVER_STEPS : PEER_STEPS;
    const bool server = peer == WORLD_SERVER;
    m->w = w;
    m->self = face.self;
    m->peer = peer;
    m->inner = face;
    m->face = face;
    m->check = check;
    m->steps = 0;
    if (w->cfg.born) {
        m->face = w->cfg.born(w->cfg.host, peer, face, server_cfg, peer_cfg);
    }
    if (!server && w->cfg.lean) {
        lend(w, &m->slab);
    } else {
        slab_init(w, &m->slab, steps * (server ? PS_SERVER_STEP_BYTES : PS_PEER_STEP_BYTES),
                  steps * (server ? PS_SERVER_STEP_DATAGRAMS : PS_PEER_STEP_DATAGRAMS),
                  steps * (server ? PS_SERVER_STEP_EVENTS : PS_PEER_STEP_EVENTS));
    }
    const ps_machine observed = {
        .self = m, .step = observed_step, .deadline_us = observed_deadline_us};
    WORLD_REQUIRE(w, ps_pump_init(&m->pump, network_of(m, node), observed, m->slab.out) == PS_OK);
    m->pump.batch = w->cfg.batch;
    if (server && w->cfg.store) {
        m->held = malloc(HELD_BYTES);
        m->held_datagrams = malloc(HELD * sizeof *m->held_datagrams);
        WORLD_REQUIRE(w, m->held != NULL && m->held_datagrams != NULL);
        WORLD_REQUIRE(w, ps_pump_hold(&m->pump, m->held, HELD_BYTES, m->held_datagrams, HELD) ==
                             PS_OK);
    }
}

void world_machine_free(world_machine *m)
{
    free(m->slab.memory);
    free(m->held);
    free(m->held_datagrams);
    free(m->twin);
    m->slab.memory = m->held = NULL;
    m->held_datagrams = NULL;
    m->twin = NULL;
}
