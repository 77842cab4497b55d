/* The server's host: verifies passwords against the accounts of the world, after a while. */
#include "world.h"

#include <stdlib.h>
#include <string.h>

static int check(const void *self)
{
    return ps_server_check(self);
}

void world_server_boot(world *w)
{
    world_server *s = &w->server;
    const ps_transport *t = ps_sim_transport(w->sim, s->node);
    ps_sim_restart(w->sim, s->node);
    world_machine_free(&s->machine);
    free(s->memory);
    WORLD_REQUIRE(w, t->entropy(t->ctx, w->cfg.server.seed, sizeof w->cfg.server.seed) == PS_OK);
    const size_t bytes = ps_server_size(&w->cfg.server);
    WORLD_REQUIRE(w, bytes > 0);
    s->memory = aligned_alloc(64, (bytes + 63) / 64 * 64);
    WORLD_REQUIRE(w, s->memory != NULL);
    memset(s->memory, 0xd5, bytes); /* Init must not rely on zeros that it was not promised. */
    ps_server *server;
    WORLD_REQUIRE(w, ps_server_init(s->memory, bytes, &w->cfg.server, &server) == PS_OK);
    world_machine_init(&s->machine, w, s->node, WORLD_SERVER, ps_machine_of_server(server), check);
    s->verdicts_at = s->verdicts_len = 0;
    s->lives++;
    if (w->cfg.store) {
        ps_pump_commit(&s->machine.pump, 0);
        world_store_restore(w);
    }
    world_server_submit(w, (ps_input){.type = PS_INPUT_WALL_CLOCK, .u.wall_s = t->wall_s(t->ctx)});
    world_server_settle(w);
}

void world_server_crash(world *w, size_t lies)
{
    ps_sim_crash(w->sim, w->server.node);
    w->server.crashed_us = world_now_us(w);
    model_crash(&w->model);
    world_store_crash(w, lies);
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

static bool right(const world *w, const ps_event_login *e)
{
    const uint32_t i = world_user_index(w, e->user);
    char password[WORLD_NAME_BYTES];
    if (i == UINT32_MAX) {
        return false;
    }
    world_user_password(i, password);
    return e->password.len == strlen(password) &&
           memcmp(e->password.data, password, e->password.len) == 0;
}

static void verify_later(world *w, const ps_event_login *e)
{
    world_server *s = &w->server;
    if (s->verdicts_len == s->verdicts_cap) {
        s->verdicts_cap = s->verdicts_cap ? 2 * s->verdicts_cap : 64;
        s->verdicts = realloc(s->verdicts, s->verdicts_cap * sizeof *s->verdicts);
        WORLD_REQUIRE(w, s->verdicts != NULL);
    }
    const uint32_t error =
        s->busy_ms > 0 ? PS_E_BUSY : (right(w, e) ? PS_E_NONE : PS_E_CREDENTIALS);
    s->requests++;
    if (w->cfg.server_cost_ns > 0) {
        ps_sim_charge(w->sim, s->node, w->cfg.verify_cost_ns);
    }
    s->verdicts[s->verdicts_len++] = (world_verdict){
        .due_us = world_now_us(w) + w->cfg.verify_us,
        .pending = e->pending,
        .error = error,
        .retry_ms = s->busy_ms,
    };
}

/* Sessions are the model's business. */
void world_server_read(world *w)
{
    const ps_output *out = &w->server.machine.pump.out;
    for (size_t i = 0; i < out->events_len; i++) {
        if (out->events[i].type == PS_EVENT_LOGIN_REQUEST) {
            verify_later(w, &out->events[i].u.login);
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
    const uint64_t now_us = world_now_us(w);
    while (s->verdicts_at < s->verdicts_len && s->verdicts[s->verdicts_at].due_us <= now_us) {
        const world_verdict v = s->verdicts[s->verdicts_at++];
        world_server_submit(
            w, (ps_input){
                   .type = PS_INPUT_VERDICT,
                   .u.verdict = {.pending = v.pending, .error = v.error, .retry_ms = v.retry_ms}});
    }
    uint64_t host_us = PS_TIME_NEVER;
    if (s->verdicts_at == s->verdicts_len) {
        s->verdicts_at = s->verdicts_len = 0;
    } else {
        host_us = s->verdicts[s->verdicts_at].due_us;
    }
    if (w->cfg.store) {
        world_store_work(w);
        host_us = host_us < world_store_due_us(w) ? host_us : world_store_due_us(w);
    }
    const uint64_t machine_us = ps_pump_deadline_us(&s->machine.pump);
    host_us = world_local_us(w, s->node, host_us);
    ps_sim_set_deadline(w->sim, s->node, machine_us < host_us ? machine_us : host_us);
}
