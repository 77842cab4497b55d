/* A flood: a million INITIATEs in ten seconds, each from another address, beside a hundred peers.
 * Cookies keep it from the curve and from the pool; whoever receives what is sent to him gets in. */
#include "attacks.h"

#include <inttypes.h>
#include <string.h>

#define S  ATTACK_S
#define MS ATTACK_MS

#define HONEST  100u /* Are there before. */
#define NEW     10u  /* Log in while it lasts, one each second, by their passwords, */
#define BACK    10u  /* and some return, who were cut off before it, by their tickets. */
#define SECONDS 10u
#define LIMIT   (2 * S)
#define SOURCES 131072u

typedef struct flood {
    attacks *a;
    world *w;
    uint64_t random;
    uint64_t since_us[NEW + BACK]; /* When he began to try; 0: not yet. */
    uint64_t slowest_us[2];        /* By password, by ticket. */
    uint32_t in[2];
    uint32_t open_most;
} flood;

static uint32_t first_of(uint32_t k)
{
    return HONEST + k;
}

/* Each has a key of its own that is one: the server cannot tell it from an honest one. */
static void spoof(flood *f)
{
    uint8_t initiate[256] = {READ_INITIATE, 1};
    uint8_t secret[PS_KEY_BYTES] = {0};
    const ps_addr from = attack_nobody(attack_random(&f->random) % SOURCES);
    const ps_addr server = attack_server(f->w);
    const uint64_t id = attack_random(&f->random);
    for (size_t i = 0; i < 8; i++) { /* The client id; then no cookie; the key. */
        initiate[2 + i] = secret[i] = (uint8_t)(id >> (8 * i));
    }
    f->w->cfg.server.crypto->x25519_public(initiate + 26, secret);
    initiate[58] = 1; /* One version: */
    initiate[59] = 1;
    world_send_as(f->w, &from, &server, initiate, sizeof initiate);
}

/* Who is in by now. */
static void look(flood *f)
{
    const uint64_t now_us = world_now_us(f->w);
    const uint32_t open = world_server_stats(f->w).handshakes_open;
    f->open_most = open > f->open_most ? open : f->open_most;
    for (uint32_t k = 0; k < NEW + BACK; k++) {
        const bool online = f->w->peers[first_of(k)].online;
        if (f->since_us[k] == 0 || f->since_us[k] == PS_TIME_NEVER || !online) {
            continue;
        }
        const size_t how = k < NEW ? 0 : 1;
        const uint64_t took_us = now_us - f->since_us[k];
        f->since_us[k] = PS_TIME_NEVER;
        f->in[how]++;
        f->slowest_us[how] = took_us > f->slowest_us[how] ? took_us : f->slowest_us[how];
    }
}

/* In every second one comes, and one comes back. */
static void let_in(flood *f, uint32_t k, uint32_t *cuts)
{
    world_login(f->w, first_of(k));
    ps_sim_heal(f->w->sim, cuts[k]);
    f->since_us[k] = f->since_us[NEW + k] = world_now_us(f->w);
}

static void cut_off(flood *f, uint32_t *cuts)
{
    world *w = f->w;
    for (uint32_t k = 0; k < BACK; k++) {
        const uint32_t node = w->peers[first_of(NEW + k)].node;
        WORLD_REQUIRE(w, ps_sim_partition(w->sim, &node, 1, &w->server.node, 1, false, &cuts[k]) ==
                             PS_OK);
    }
    attack_run(f->a, w, 4 * S);
    for (uint32_t k = 0; k < BACK; k++) {
        WORLD_REQUIRE(w, !w->peers[first_of(NEW + k)].online);
    }
}

static void rage(flood *f, uint32_t *cuts)
{
    const uint32_t each_ms = f->a->flood / (SECONDS * 1000);
    for (uint32_t ms = 0; ms < SECONDS * 1000; ms++) {
        if (ms % 1000 == 300) {
            let_in(f, ms / 1000, cuts);
        }
        for (uint32_t k = 0; k < each_ms; k++) {
            spoof(f);
        }
        attack_run(f->a, f->w, MS);
        look(f);
    }
    for (uint32_t ms = 0; ms < LIMIT / MS; ms++) {
        attack_run(f->a, f->w, MS);
        look(f);
    }
}

static void tell(const flood *f, const ps_server_stats *before, uint64_t queue_full)
{
    const ps_server_stats now = world_server_stats(f->w);
    const attacks *a = f->a;
    attack_say(a, "flood", "%u spoofed INITIATEs in %u s beside %u peers", (unsigned)a->flood,
               SECONDS, HONEST);
    attack_say(a, "", "all %u stayed; %" PRIu64 " evictions", HONEST,
               now.evictions - before->evictions);
    attack_say(a, "", "%u logins by password, the slowest %" PRIu64 ".%02" PRIu64
               " s; %u returns by ticket, the slowest %" PRIu64 ".%02" PRIu64 " s",
               (unsigned)f->in[0], ATTACK_SECONDS(f->slowest_us[0]), (unsigned)f->in[1],
               ATTACK_SECONDS(f->slowest_us[1]));
    attack_say(a, "", "%" PRIu64 " handshakes on the curve, %" PRIu64 " cookies, %" PRIu64
               " datagrams met a full queue", now.handshakes - before->handshakes,
               now.retries - before->retries, queue_full);
    attack_say(a, "", "memory: %zu KiB, before and after; at most %u of %u handshakes in use, %u "
               "passwords at a time", ps_server_size(&f->w->cfg.server) / 1024,
               (unsigned)f->open_most, (unsigned)f->w->cfg.server.max_handshakes,
               (unsigned)f->w->server.pool.most);
}

void attack_flood(attacks *a)
{
    static flood f;
    world_config cfg;
    ps_sim_node_load load;
    uint32_t cuts[BACK];
    attack_config(a, &cfg, HONEST + NEW + BACK);
    cfg.model = false;
    cfg.check_every = 20000;
    cfg.server.max_handshakes = 2048;
    world *w = world_new(&cfg);
    f = (flood){.a = a, .w = w, .random = a->seed};
    for (uint32_t i = 0; i < cfg.peers; i++) {
        if (i < HONEST || i >= first_of(NEW)) {
            world_login(w, i);
            attack_run(a, w, 20 * MS);
        }
    }
    attack_run(a, w, S);
    cut_off(&f, cuts);
    const ps_server_stats before = world_server_stats(w);
    WORLD_REQUIRE(w, before.sessions == HONEST);
    rage(&f, cuts);
    WORLD_REQUIRE(w, ps_sim_node_stats(w->sim, w->server.node, &load) == PS_OK);
    tell(&f, &before, load.queue_full);
    const ps_server_stats after = world_server_stats(w);
    for (uint32_t i = 0; i < HONEST; i++) {
        WORLD_REQUIRE(w, w->peers[i].online && w->peers[i].losses == 0);
    }
    WORLD_REQUIRE(w, after.evictions == before.evictions && after.sessions == cfg.peers);
    WORLD_REQUIRE(w, f.in[0] == NEW && f.in[1] == BACK);
    WORLD_REQUIRE(w, f.slowest_us[0] <= LIMIT && f.slowest_us[1] <= LIMIT);
    WORLD_REQUIRE(w, w->server.by_ticket >= BACK);
    WORLD_REQUIRE(w, f.open_most <= cfg.server.max_handshakes);
    attack_end(a, w);
}
