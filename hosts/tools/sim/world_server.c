/* The server's host: its process, its clocks, and what the machine asks of it. */
#include "world.h"

#include <stdlib.h>
#include <string.h>

/* What the machine makes of what it was told last. */
static uint64_t wall_of_machine(const world_server *s, uint64_t clock_us)
{
    const uint64_t passed_us = clock_us > s->wall_told_us ? clock_us - s->wall_told_us : 0;
    return s->wall_told_s + passed_us / 1000000;
}

static void tell_wall_clock(world *w)
{
    world_server *s = &w->server;
    const ps_transport *t = ps_sim_transport(w->sim, s->node);
    s->wall_told_s = t->wall_s(t->ctx);
    s->wall_told_us = t->now_us(t->ctx);
    world_server_submit(w, (ps_input){.type = PS_INPUT_WALL_CLOCK, .u.wall_s = s->wall_told_s});
}

/* A wall clock that was set shows with the next wake. */
static bool wall_clock_off(const world *w)
{
    const ps_transport *t = ps_sim_transport(w->sim, w->server.node);
    const uint64_t shown_s = t->wall_s(t->ctx);
    const uint64_t known_s = wall_of_machine(&w->server, t->now_us(t->ctx));
    return shown_s > known_s + 1 || known_s > shown_s + 1;
}

static int check(const void *self)
{
    return ps_server_check(self);
}

bool world_server_boot(world *w)
{
    world_server *s = &w->server;
    const ps_transport *t = ps_sim_transport(w->sim, s->node);
    if (w->cfg.store && !world_store_load(w)) {
        return false;
    }
    ps_sim_restart(w->sim, s->node);
    world_machine_free(&s->machine);
    free(s->memory);
    WORLD_REQUIRE(w, t->entropy(t->ctx, w->cfg.server.seed, sizeof w->cfg.server.seed) == PS_OK);
    memcpy(w->cfg.server.static_secret, s->static_secret, sizeof s->static_secret);
    memcpy(w->cfg.server.realm_secret, s->realm_secret, sizeof s->realm_secret);
    const size_t bytes = ps_server_size(&w->cfg.server);
    WORLD_REQUIRE(w, bytes > 0);
    s->memory = aligned_alloc(64, (bytes + 63) / 64 * 64);
    WORLD_REQUIRE(w, s->memory != NULL);
    memset(s->memory, 0xd5, bytes); /* Init must not rely on zeros that it was not promised. */
    ps_server *server;
    WORLD_REQUIRE(w, ps_server_init(s->memory, bytes, &w->cfg.server, &server) == PS_OK);
    world_machine_init(&s->machine, w, s->node, WORLD_SERVER, ps_machine_of_server(server), check,
                       &w->cfg.server, NULL);
    world_accounts_boot(w);
    s->handshakes = 0;
    s->lives++;
    if (w->cfg.store) {
        ps_pump_commit(&s->machine.pump, 0);
        world_store_restore(w);
    }
    tell_wall_clock(w);
    if (w->cfg.store && s->store.loaded_us > world_now_us(w)) {
        world_server_work(w, s->store.loaded_us - world_now_us(w));
    }
    world_server_settle(w);
    return true;
}

void world_server_kill(world *w)
{
    ps_sim_crash(w->sim, w->server.node);
    w->server.crashed_us = world_now_us(w);
    model_crash(&w->model);
    proof_crash(&w->proof);
    world_store_kill(w);
}

void world_server_crash(world *w, ps_sim_disk_tail tail)
{
    world_server_kill(w);
    if (w->cfg.store) {
        world_store_cut(w, tail);
    }
}

/* A clock that was set shows with the next input, and that may be a deadline away. */
#define SILENCE_US UINT64_C(5000000)
/* What waited meanwhile is still worked on a little later. */
#define AFTER_US UINT64_C(1000000)

static void away(world *w, uint64_t us)
{
    const uint64_t now_us = world_now_us(w) + AFTER_US;
    if (w->server.away_until_us < now_us) {
        w->server.away_until_us = now_us;
    }
    w->server.away_until_us += us; /* Work that a pause interrupts ends later by it. */
}

void world_server_pause(world *w, uint64_t us)
{
    ps_sim_pause(w->sim, w->server.node, us);
    away(w, us);
}

void world_server_work(world *w, uint64_t us)
{
    ps_sim_charge(w->sim, w->server.node, us * 1000);
    away(w, us);
}

void world_server_clock(world *w, const ps_sim_clock *clock)
{
    WORLD_REQUIRE(w, ps_sim_set_clock(w->sim, w->server.node, clock) == PS_OK);
    w->server.clock_wrong = clock->stopped || clock->drift_ppm != 0;
    away(w, SILENCE_US);
}

bool world_server_was_away(const world *w)
{
    return w->server.clock_wrong || world_now_us(w) <= w->server.away_until_us;
}

ps_server_stats world_server_stats(const world *w)
{
    ps_server_stats stats;
    ps_server_stats_get(w->server.machine.self, &stats);
    return stats;
}

void world_server_public_key(const world *w, uint8_t key[PS_KEY_BYTES])
{
    ps_server_public_key(w->server.machine.self, key);
}

void world_server_charge(world *w)
{
    if (w->cfg.handshake_cost_ns > 0) {
        const uint64_t handshakes = world_server_stats(w).handshakes;
        const uint64_t fresh = handshakes - w->server.handshakes;
        w->server.handshakes = handshakes;
        ps_sim_charge(w->sim, w->server.node, fresh * w->cfg.handshake_cost_ns);
    }
}

/* Sessions are the model's business. */
void world_server_read(world *w)
{
    const ps_output *out = &w->server.machine.pump.out;
    for (size_t i = 0; i < out->events_len; i++) {
        if (out->events[i].type == PS_EVENT_LOGIN_REQUEST) {
            world_accounts_ask(w, &out->events[i].u.login);
        } else if (out->events[i].type == PS_EVENT_RECORD) {
            world_store_add(w, &out->events[i].u.record);
        }
    }
    ps_pump_clear_events(&w->server.machine.pump);
}

void world_server_submit(world *w, ps_input in)
{
    ps_status status = ps_pump_submit(&w->server.machine.pump, &in);
    while (status == PS_AGAIN) {
        (void)ps_pump_run_once(&w->server.machine.pump);
        world_server_read(w);
        status = ps_pump_submit(&w->server.machine.pump, &in);
    }
    WORLD_REQUIRE(w, status == PS_OK);
    world_server_read(w);
}

/* Verdicts that are due, then the next deadline. */
void world_server_settle(world *w)
{
    world_server *s = &w->server;
    if (wall_clock_off(w)) {
        tell_wall_clock(w);
    }
    world_accounts_work(w);
    uint64_t host_us = world_accounts_due_us(w);
    if (w->cfg.store) {
        world_store_work(w);
        host_us = host_us < world_store_due_us(w) ? host_us : world_store_due_us(w);
    }
    const uint64_t machine_us = ps_pump_deadline_us(&s->machine.pump);
    host_us = world_local_us(w, s->node, host_us);
    ps_sim_set_deadline(w->sim, s->node, machine_us < host_us ? machine_us : host_us);
}
