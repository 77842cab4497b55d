/* A server restarts, and its whole crowd is back at once: by tickets within seconds, by passwords
 * in their turn. */
#include "attacks.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define S  ATTACK_S
#define MS ATTACK_MS

#define TICKET_LIMIT (3 * S)

typedef struct crowd {
    attacks *a;
    world *w;
    uint32_t count;
    uint64_t back_us;  /* When the server was back. */
    uint32_t returned; /* Since then. */
    uint64_t *took_us; /* Of each, in order. */
    uint32_t busy;     /* Peers that were told BUSY, and these times: */
    uint32_t least_ms, most_ms;
} crowd;

static void on_event(world *w, world_peer *p, const ps_event *e)
{
    (void)p;
    crowd *c = w->cfg.ctx;
    if (c->back_us == 0) {
        return;
    }
    if (e->type == PS_EVENT_LOGGED_IN) {
        c->took_us[c->returned++] = world_now_us(w) - c->back_us;
    } else if (e->type == PS_EVENT_PUT_OFF) {
        const uint32_t ms = e->u.account.retry_ms;
        WORLD_REQUIRE(w, e->u.account.error == PS_E_BUSY && ms > 0);
        c->busy++; /* A peer tells it once. */
        c->least_ms = c->least_ms == 0 || ms < c->least_ms ? ms : c->least_ms;
        c->most_ms = ms > c->most_ms ? ms : c->most_ms;
    }
}

static void configure(const attacks *a, world_config *cfg, uint32_t count)
{
    attack_config(a, cfg, count);
    cfg->model = false;
    cfg->lean = true;
    cfg->check_every = 1000000;
    cfg->event = on_event;
    cfg->peer.max_requests = 1;
    cfg->peer.max_publications = 1;
    cfg->peer.name_bytes = 0;
    cfg->server.max_publications = 16;
    cfg->server.max_devices = cfg->server.max_users = count + 4;
    cfg->server.max_handshakes = count + 64;
    cfg->server.max_pending_logins = count;
    cfg->server.name_bytes = 1024;
}

/* All are in, their heartbeats spread over two seconds. */
static crowd *gather(attacks *a, uint32_t count)
{
    world_config cfg;
    crowd *c = calloc(1, sizeof *c);
    WORLD_REQUIRE(NULL, c != NULL);
    *c = (crowd){.a = a, .count = count};
    c->took_us = calloc(8 * (size_t)count, sizeof *c->took_us);
    WORLD_REQUIRE(NULL, c->took_us != NULL);
    configure(a, &cfg, count);
    cfg.ctx = c;
    c->w = world_new(&cfg);
    c->w->cfg.verify_us = 1000; /* That took days, one may think. */
    for (uint32_t i = 0; i < count; i++) {
        world_login(c->w, i);
        attack_run(a, c->w, MS);
    }
    attack_run(a, c->w, 3 * S);
    WORLD_REQUIRE(c->w, world_server_stats(c->w).sessions == count);
    c->w->cfg.verify_us = 63000;
    return c;
}

static void restart(crowd *c, uint64_t away_us)
{
    world_server_crash(c->w, PS_SIM_DISK_LOST);
    attack_run(c->a, c->w, away_us);
    c->returned = 0;
    c->back_us = world_now_us(c->w);
    world_server_boot(c->w);
}

static int by_time(const void *a, const void *b)
{
    const uint64_t x = *(const uint64_t *)a;
    const uint64_t y = *(const uint64_t *)b;
    return x < y ? -1 : (x > y ? 1 : 0);
}

static void finish(crowd *c)
{
    attack_end(c->a, c->w);
    free(c->took_us);
    free(c);
}

static void by_tickets(crowd *c, uint64_t away_us, const char *how)
{
    world *w = c->w;
    ps_sim_node_load load;
    const uint64_t tickets = w->server.by_ticket;
    WORLD_REQUIRE(w, ps_sim_node_stats(w->sim, w->server.node, &load) == PS_OK);
    const uint64_t full = load.queue_full;
    restart(c, away_us);
    WORLD_WAIT(w, 20 * S, c->returned >= c->count);
    WORLD_REQUIRE(w, ps_sim_node_stats(w->sim, w->server.node, &load) == PS_OK);
    qsort(c->took_us, c->returned, sizeof *c->took_us, by_time);
    const uint64_t slowest_us = c->took_us[c->returned - 1];
    const ps_server_stats stats = world_server_stats(w);
    attack_say(c->a, "",
               "%s: half are back in %" PRIu64 ".%02" PRIu64 " s, the slowest in %" PRIu64
               ".%02" PRIu64 " s (%" PRIu64 " tickets, %" PRIu64 " cookies; %" PRIu64
               " over the rate, %" PRIu64 " met a full queue)",
               how, ATTACK_SECONDS(c->took_us[c->returned / 2]), ATTACK_SECONDS(slowest_us),
               w->server.by_ticket - tickets, stats.retries, stats.drops[PS_DROP_LIMIT],
               load.queue_full - full);
    WORLD_REQUIRE(w, stats.sessions == c->count);
    WORLD_REQUIRE(w, slowest_us <= TICKET_LIMIT);
    WORLD_REQUIRE(w, w->server.by_ticket - tickets >= c->count);
}

void attack_return(attacks *a)
{
    crowd *c = gather(a, a->crowd);
    attack_say(a, "restart", "%u peers return to a server by their tickets", (unsigned)c->count);
    by_tickets(c, 300 * MS, "after 0.3 s");
    attack_run(a, c->w, 5 * S);
    by_tickets(c, 10 * S, "after 10 s ");
    finish(c);
}

void attack_return_by_password(attacks *a)
{
    crowd *c = gather(a, a->crowd_by_password);
    world *w = c->w;
    attack_say(a, "", "%u peers whose tickets are void return by passwords", (unsigned)c->count);
    memset(w->server.realm_secret, 0x77, sizeof w->server.realm_secret);
    restart(c, 300 * MS);
    /* As fast as the pool is, and once more for those who missed their turn. */
    const uint64_t least_us = c->count * w->cfg.verify_us / w->cfg.verify_threads;
    WORLD_WAIT(w, 2 * least_us + 60 * S, world_server_stats(w).sessions == c->count);
    const uint64_t took_us = world_now_us(w) - c->back_us;
    attack_say(a, "",
               "%u of them are told BUSY (%" PRIu64 " times), for %u.%u to %u.%u s, each a "
               "turn behind the one before; all in after %" PRIu64 ".%02" PRIu64
               " s (the pool needs %" PRIu64 ".%02" PRIu64 " s); at most %u passwords at a time",
               (unsigned)c->busy, w->server.pool.turned_away, c->least_ms / 1000,
               c->least_ms % 1000 / 100, c->most_ms / 1000, c->most_ms % 1000 / 100,
               ATTACK_SECONDS(took_us), ATTACK_SECONDS(least_us), (unsigned)w->server.pool.most);
    WORLD_REQUIRE(w, w->server.pool.most <= w->cfg.verify_threads + w->cfg.verify_queue);
    finish(c);
}
