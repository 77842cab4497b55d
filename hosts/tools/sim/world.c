/* A world's life. */
#include "world.h"

#include <inttypes.h>
#include <stdlib.h>

/* Of a stream, one way. Small: transfers take their time, so that something can happen to them, and
 * what waits in it when a narrow link becomes wide keeps its pace. */
#define STREAM_BUFFER 4096u

_Noreturn void world_fail(const world *w, const char *what, const char *file, int line)
{
    fprintf(stderr, "%s:%d: does not hold: %s\n", file, line, what);
    if (w) {
        const uint64_t now_us = ps_sim_now_us(w->sim);
        fprintf(stderr, "  seed %" PRIu64 ", batch %" PRIu32 ", at %" PRIu64 ".%06" PRIu64 " s\n",
                w->cfg.seed, w->cfg.batch, now_us / 1000000, now_us % 1000000);
        if (w->cfg.repeat) {
            fprintf(stderr, "  repeat with: %s\n", w->cfg.repeat);
            if (w->cfg.can_shorten) {
                fprintf(stderr, "  (and shorten it with the same and --minimise)\n");
            }
        }
        if (w->cfg.failing) {
            w->cfg.failing(w->cfg.host);
        }
    }
    abort();
}

void world_config_default(world_config *cfg, uint32_t peers)
{
    *cfg = (world_config){
        .seed = 1,
        .batch = PS_SIM_BATCH_MAX,
        .peers = peers,
        .check_every = 1,
        .verify_us = 63000,
        .verify_threads = 4,
        .verify_queue = 512,
        .ask_ppm = 250000,
        .model = true,
        .proof = true,
        .link = {.latency_us = 20000, .jitter_us = 2000},
    };
    ps_server_config_default(&cfg->server);
    cfg->server.max_sessions = peers + 4;
    cfg->server.max_users = 2 * peers + 4;
    cfg->server.max_devices = 4 * peers + 4;
    cfg->server.max_publications = 2048;
    cfg->server.max_user_publications = 2048;
    cfg->server.max_pending_logins = peers + 4;
    cfg->server.max_handshakes = 4 * peers + 64;
    cfg->server.max_networks = 256;
    cfg->server.name_bytes = 65536;
    cfg->server.crypto = ps_sim_crypto();
    ps_peer_config_default(&cfg->peer);
    cfg->peer.crypto = cfg->server.crypto;
    cfg->peer.max_requests = 16;
    cfg->peer.max_publications = 256;
    cfg->peer.name_bytes = 8192;
}

static void *zeroed(size_t count, size_t bytes)
{
    void *p = calloc(count, bytes);
    WORLD_REQUIRE(NULL, p != NULL);
    return p;
}

/* Rounds that a wake may take: far more than what a full receive queue and all tables need. */
#define ROUNDS_MAX 100000u

/* Rounds of the pump until nothing is left; each round's events are read before the next. */
static void server_wake(void *ctx, uint64_t clock_us)
{
    world *w = ctx;
    ps_status status;
    uint32_t rounds = 0;
    (void)clock_us;
    do {
        WORLD_REQUIRE(w, ++rounds < ROUNDS_MAX); /* Work has an end (invariant 6). */
        status = ps_pump_run_once(&w->server.machine.pump);
        WORLD_REQUIRE(w, status == PS_OK || status == PS_MORE);
        world_server_read(w);
    } while (status == PS_MORE);
    world_server_charge(w);
    world_server_settle(w);
}

static void peer_wake(void *ctx, uint64_t clock_us)
{
    world_peer *p = ctx;
    ps_status status;
    const uint64_t now_us = world_now_us(p->w);
    uint32_t rounds = 0;
    (void)clock_us;
    do {
        WORLD_REQUIRE(p->w, ++rounds < ROUNDS_MAX);
        status = ps_pump_run_once(&p->machine.pump);
        WORLD_REQUIRE(p->w, status == PS_OK || status == PS_MORE);
        world_peer_read(p);
    } while (status == PS_MORE);
    world_streams_work(p);
    if (p->script_at_us <= now_us && p->w->cfg.script) {
        p->script_at_us = PS_TIME_NEVER;
        p->w->cfg.script(p->w, p);
    }
    world_peer_settle(p);
}

static void add_peer(world *w, uint32_t i)
{
    world_peer *p = &w->peers[i];
    p->w = w;
    p->index = p->user = i;
    p->box = WORLD_NO_BOX;
    const ps_sim_node_config node = {.wake = peer_wake,
                                     .ctx = p,
                                     .receive_cost_ns = w->cfg.peer_cost_ns,
                                     .receive_queue = w->cfg.receive_queue};
    WORLD_REQUIRE(w, ps_sim_add_node(w->sim, &node, &p->node) == PS_OK);
    p->device[0] = (uint8_t)(i >> 8);
    p->device[1] = (uint8_t)i;
    p->device[2] = 1;
    p->key_known = ps_sim_random(w->sim, PS_SIM_PPM) >= w->cfg.ask_ppm;
    world_server_public_key(w, p->server_key);
    p->next_tag = 1;
    p->script_at_us = PS_TIME_NEVER;
    world_peer_boot(w, i);
}

/* What a server makes at its first start, and keeps. */
static void make_secrets(world *w)
{
    const ps_transport *t = ps_sim_transport(w->sim, w->server.node);
    world_server *s = &w->server;
    WORLD_REQUIRE(w, t->entropy(t->ctx, s->static_secret, sizeof s->static_secret) == PS_OK);
    WORLD_REQUIRE(w, t->entropy(t->ctx, s->realm_secret, sizeof s->realm_secret) == PS_OK);
}

world *world_new(const world_config *cfg)
{
    world *w = zeroed(1, sizeof *w);
    w->cfg = *cfg;
    w->peers = zeroed(cfg->peers, sizeof *w->peers);
    w->accounts = zeroed(cfg->peers, sizeof *w->accounts);
    WORLD_REQUIRE(NULL, cfg->verify_threads >= 1 && cfg->verify_threads <= WORLD_THREADS_MAX);
    model_init(&w->model, w);
    proof_init(&w->proof, w);
    w->captured = zeroed(cfg->captures + 1, sizeof *w->captured);
    WORLD_REQUIRE(NULL, ledger_init(&w->sent_by_peers) && ledger_init(&w->sent_by_server));
    ps_sim_config sim;
    ps_sim_config_default(&sim);
    sim.seed = cfg->seed;
    sim.batch = cfg->batch;
    sim.link = cfg->link;
    sim.max_nodes = cfg->peers + 16 + cfg->boxes;
    sim.start_wall_s = 1700000000;
    sim.stream_buffer = STREAM_BUFFER;
    WORLD_REQUIRE(NULL, ps_sim_create(&sim, &w->sim) == PS_OK);
    const ps_sim_node_config node = {.wake = server_wake,
                                     .ctx = w,
                                     .receive_cost_ns = cfg->server_cost_ns,
                                     .receive_queue = cfg->receive_queue};
    WORLD_REQUIRE(w, ps_sim_add_node(w->sim, &node, &w->server.node) == PS_OK);
    w->server.w = w;
    make_secrets(w);
    world_store_init(w);
    WORLD_REQUIRE(w, world_server_boot(w));
    for (uint32_t i = 0; i < cfg->peers; i++) {
        add_peer(w, i);
    }
    const ps_sim_node_config attacker = {.deaf = true};
    WORLD_REQUIRE(w, ps_sim_add_node(w->sim, &attacker, &w->attacker) == PS_OK);
    return w;
}

void world_free(world *w)
{
    ps_sim_stats stats;
    for (uint32_t i = 0; i < w->cfg.peers; i++) {
        world_peer *p = &w->peers[i];
        while (p->commands) {
            world_forget(p, p->commands);
        }
        world_streams_drop(p);
        world_machine_free(&p->machine);
        free(p->memory);
    }
    ps_sim_stats_get(w->sim, &stats);
    WORLD_REQUIRE(w, stats.overruns == 0); /* Nobody wrote behind a datagram's end. */
    world_machine_free(&w->server.machine);
    free(w->server.memory);
    world_accounts_free(w);
    free(w->shared.memory);
    free(w->accounts);
    free(w->peers);
    world_store_free(w);
    model_free(&w->model);
    proof_free(&w->proof);
    free(w->captured);
    ledger_free(&w->sent_by_peers);
    ledger_free(&w->sent_by_server);
    ps_sim_destroy(w->sim);
    free(w);
}

void world_send_as(world *w, const ps_addr *from, const ps_addr *to, const void *data, size_t len)
{
    WORLD_REQUIRE(w, ps_sim_send_as(w->sim, w->attacker, from, to, data, len) == PS_OK);
}

void world_replay(world *w, const world_capture *c)
{
    world_send_as(w, &c->from, &c->to, c->data, c->len);
}

uint64_t world_now_us(const world *w)
{
    return ps_sim_now_us(w->sim);
}

uint64_t world_local_us(const world *w, uint32_t node, uint64_t at_us)
{
    return stream_end_local_us(w->sim, node, at_us);
}

void world_evicted(world *w, uint32_t user, uint32_t node)
{
    const world_peer *p = &w->peers[node - 1];
    /* Who lost the server and tries to return is alive too: a peer always notices first. */
    if (p->user == user && !p->leaving && (p->online || p->lost_us != 0)) {
        w->live_evictions++;
        w->held_evictions += p->online ? 1u : 0u;
    }
}

void world_run(world *w, uint64_t us)
{
    ps_sim_run_until(w->sim, world_now_us(w) + us);
}
