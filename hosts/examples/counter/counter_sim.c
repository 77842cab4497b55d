/* Tests the counter in the simulator: a minute of faults for each seed, in which nothing may be
 * counted twice or lost, then a healed network, on which everything must be done within a second.
 *
 *     counter_sim [SEEDS [FIRST]] [--bug]
 */
#include "counter.h"

#include <peersync/sim.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define S UINT64_C(1000000)

typedef struct trial trial;

typedef struct node {
    trial *t;
    uint32_t id;
    uint64_t add_us; /* Clients: when it adds the next time. */
    counter_client client;
} node;

struct trial {
    uint64_t seed;
    ps_sim *sim;
    counter_book book; /* The server's disk. */
    counter_server server;
    node nodes[1 + COUNTER_CLIENTS];
    bool quiet; /* Nobody adds any more. */
};

static void require(const trial *t, bool holds, const char *what)
{
    if (!holds) {
        fprintf(stderr, "seed %llu, at %llu us: %s\nrepeat with: counter_sim 1 %llu%s\n",
                (unsigned long long)t->seed, (unsigned long long)ps_sim_now_us(t->sim), what,
                (unsigned long long)t->seed, t->server.forgetful ? " --bug" : "");
        exit(1);
    }
}

/* What must hold at every instant: what a client was told is counted, and nothing else is but what
 * a client has asked for and does not know of yet. */
static void check(const trial *t)
{
    uint64_t asked = 0, answered = 0;
    for (uint32_t i = 1; i <= COUNTER_CLIENTS; i++) {
        asked += t->nodes[i].client.asked;
        answered += t->nodes[i].client.answered;
    }
    require(t, t->book.total >= answered, "an addition was confirmed and is not counted");
    require(t, t->book.total <= asked, "an addition was counted twice");
}

static void wake_server(void *ctx, uint64_t now_us)
{
    trial *t = ctx;
    (void)now_us;
    counter_server_run(&t->server);
    check(t);
}

static void wake_client(void *ctx, uint64_t now_us)
{
    node *n = ctx;
    trial *t = n->t;
    if (!t->quiet && now_us >= n->add_us) {
        counter_client_add(&n->client);
        n->add_us = now_us + ps_sim_random(t->sim, S);
    }
    uint64_t next_us = counter_client_run(&n->client);
    if (!t->quiet && n->add_us < next_us) {
        next_us = n->add_us;
    }
    ps_sim_set_deadline(t->sim, n->id, next_us);
    check(t);
}

static void make_nodes(trial *t)
{
    for (uint32_t i = 0; i <= COUNTER_CLIENTS; i++) {
        node *n = &t->nodes[i];
        const ps_sim_node_config cfg = {.wake = i == 0 ? wake_server : wake_client,
                                        .ctx = i == 0 ? (void *)t : (void *)n};
        n->t = t;
        require(t, ps_sim_add_node(t->sim, &cfg, &n->id) == PS_OK, "no memory");
        if (i > 0) {
            n->client = (counter_client){.net = ps_sim_transport(t->sim, n->id),
                                         .server = ps_sim_addr(t->sim, 0),
                                         .id = i - 1};
            ps_sim_set_deadline(t->sim, n->id, 0);
        }
    }
    t->server.net = ps_sim_transport(t->sim, 0);
    t->server.book = &t->book;
}

/* Something happens to somebody. */
static void hurt(trial *t)
{
    const uint32_t server = 0;
    const uint32_t client = 1 + (uint32_t)ps_sim_random(t->sim, COUNTER_CLIENTS);
    switch (ps_sim_random(t->sim, 4)) {
    case 0: /* The server's process dies, and begins again with what is on its disk. */
        ps_sim_crash(t->sim, server);
        ps_sim_run_until(t->sim, ps_sim_now_us(t->sim) + ps_sim_random(t->sim, 2 * S));
        ps_sim_restart(t->sim, server);
        break;
    case 1:
        ps_sim_pause(t->sim, client, ps_sim_random(t->sim, 3 * S));
        break;
    case 2: /* One way only: requests pass, and answers do not. */
        (void)ps_sim_partition(t->sim, &server, 1, &client, 1, true, NULL);
        break;
    default:
        ps_sim_heal_all(t->sim);
        break;
    }
}

static uint64_t run(uint64_t seed, bool bug)
{
    trial t = {.seed = seed, .server.forgetful = bug};
    ps_sim_config cfg;
    ps_sim_config_default(&cfg);
    cfg.seed = seed;
    cfg.link = (ps_sim_link){.latency_us = 20000,
                             .jitter_us = 20000,
                             .loss_ppm = 200000,
                             .duplicate_ppm = 100000,
                             .reorder_ppm = 100000,
                             .reorder_us = 500000};
    require(&t, ps_sim_create(&cfg, &t.sim) == PS_OK, "no memory");
    make_nodes(&t);
    while (ps_sim_now_us(t.sim) < 60 * S) {
        hurt(&t);
        ps_sim_run_until(t.sim, ps_sim_now_us(t.sim) + ps_sim_random(t.sim, S));
    }
    t.quiet = true;
    ps_sim_heal_all(t.sim);
    ps_sim_set_default_link(t.sim, &(ps_sim_link){.latency_us = 20000});
    ps_sim_run_until(t.sim, ps_sim_now_us(t.sim) + 4 * S); /* The longest pause, and a second. */
    for (uint32_t i = 1; i <= COUNTER_CLIENTS; i++) {
        const counter_client *c = &t.nodes[i].client;
        require(&t, c->answered == c->asked, "the network is healed, and an addition stays open");
    }
    const uint64_t total = t.book.total;
    ps_sim_destroy(t.sim);
    return total;
}

int main(int argc, char **argv)
{
    uint64_t number[2] = {100, 1}, total = 0;
    bool bug = false;
    for (int i = 1, n = 0; i < argc; i++) {
        char *end = argv[i];
        if (strcmp(argv[i], "--bug") == 0) {
            bug = true;
            continue;
        }
        if (n < 2) {
            number[n++] = strtoull(argv[i], &end, 10);
        }
        if (end == argv[i] || *end != '\0') {
            fputs("usage: counter_sim [SEEDS [FIRST]] [--bug]\n", stderr);
            return 2;
        }
    }
    for (uint64_t k = 0; k < number[0]; k++) {
        total += run(number[1] + k, bug);
    }
    printf("%llu seeds, %llu additions: each was counted once\n", (unsigned long long)number[0],
           (unsigned long long)total);
    return 0;
}
