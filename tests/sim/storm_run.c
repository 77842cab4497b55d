#include "storm_run.h"

#include <stdlib.h>
#include <string.h>

#define NAMES    24u /* That one peer publishes and unpublishes; the last few are everybody's. */
#define SHARED   6u
#define QUIET_US 15000000u

/* The model: what a peer wants to be published, by its last command for each name. */
typedef struct storm_peer {
    bool wanted[NAMES];
} storm_peer;

typedef struct storm {
    const storm_config *cfg;
    storm_peer *peers;
    uint64_t end_us; /* Of the commands. */
    storm_result result;
} storm;

void storm_config_default(storm_config *cfg)
{
    *cfg = (storm_config){
        .seed = 1,
        .batch = PS_SIM_BATCH_MAX,
        .peers = 50,
        .check_every = 1,
        .storm_us = UINT64_C(300) * 1000000,
    };
}

static void name_of(uint32_t peer, uint32_t k, char out[PS_NAME_MAX + 1])
{
    if (k >= NAMES - SHARED) {
        (void)snprintf(out, PS_NAME_MAX + 1, "Shared by many, number %u", (unsigned)k);
    } else {
        (void)snprintf(out, PS_NAME_MAX + 1, "file %u of %u.bin", (unsigned)k, (unsigned)peer);
    }
}

/* ---- commands ---- */

static void think(storm *st, world *w, world_peer *p, uint64_t least_us, uint64_t most_us)
{
    const uint64_t grain_us = st->cfg->in_step ? 100000 : 1;
    uint64_t at_us = world_now_us(w) + least_us + ps_sim_random(w->sim, most_us - least_us);
    at_us = (at_us / grain_us + 1) * grain_us;
    p->script_at_us = at_us < st->end_us ? at_us : PS_TIME_NEVER;
}

static void change(storm *st, world *w, world_peer *p, bool publish)
{
    const uint32_t k = (uint32_t)ps_sim_random(w->sim, NAMES);
    char name[PS_NAME_MAX + 1];
    name_of(p->index, k, name);
    st->peers[p->index].wanted[k] = publish;
    (void)(publish ? world_publish(w, p->index, name) : world_unpublish(w, p->index, name));
}

static void ask(world *w, world_peer *p)
{
    static const char *const texts[4] = {"file 1", "SHARED", "of 7", "nowhere"};
    char name[PS_NAME_MAX + 1];
    uint32_t owner; /* Drawn one after the other: arguments have no order. */
    uint32_t k;
    switch (ps_sim_random(w->sim, 5)) {
    case 0:
        (void)world_list_files(w, p->index);
        break;
    case 1:
        (void)world_list_peers(w, p->index);
        break;
    case 2:
        (void)world_search(w, p->index, texts[ps_sim_random(w->sim, 4)]);
        break;
    default:
        owner = (uint32_t)ps_sim_random(w->sim, w->cfg.peers);
        k = (uint32_t)ps_sim_random(w->sim, NAMES);
        name_of(owner, k, name);
        (void)world_locate(w, p->index, name);
        break;
    }
}

/* One thing that a person does, then some thought. */
static void act(world *w, world_peer *p)
{
    storm *st = w->cfg.ctx;
    const ps_peer_state state = world_peer_stats(w, p->index).state;
    const uint64_t dice = ps_sim_random(w->sim, 100);
    if (state == PS_PEER_IDLE) {
        world_login(w, p->index);
    } else if (state == PS_PEER_ONLINE && dice < 4) {
        world_logout(w, p->index);
    } else if (dice < 30) {
        change(st, w, p, true);
    } else if (dice < 45) {
        change(st, w, p, false);
    } else if (state == PS_PEER_ONLINE || state == PS_PEER_LOST) {
        ask(w, p);
    }
    think(st, w, p, 200000, 3000000);
}

/* Every command ends, and only in a way that the weather explains. */
static void ended(world *w, world_peer *p, world_command *c)
{
    storm *st = w->cfg.ctx;
    const bool log = c->type == PS_INPUT_PUBLISH || c->type == PS_INPUT_UNPUBLISH;
    const uint32_t e = c->error;
    if (log) {
        WORLD_REQUIRE(w, e == PS_E_NONE || e == PS_E_SUPERSEDED || e == PS_E_CANCELLED);
    } else if (c->type == PS_INPUT_LOCATE) {
        WORLD_REQUIRE(w, e == PS_E_NONE || e == PS_E_NOT_FOUND || e == PS_E_NO_ACTIVE_PEER ||
                             e == PS_E_CANCELLED || e == PS_E_TIMEOUT);
    } else {
        WORLD_REQUIRE(w, e == PS_E_NONE || e == PS_E_CANCELLED || e == PS_E_TIMEOUT);
    }
    st->result.commands++;
    st->result.timeouts += e == PS_E_TIMEOUT ? 1u : 0u;
    world_forget(p, c);
}

/* ---- the end: a quiet network, and the model ---- */

static void quiet(storm *st, world *w)
{
    const ps_sim_link good = {.latency_us = 20000};
    ps_sim_set_default_link(w->sim, &good);
    world_run(w, 3000000);
    for (uint32_t i = 0; i < w->cfg.peers; i++) {
        if (world_peer_stats(w, i).state == PS_PEER_IDLE) {
            world_login(w, i);
        }
    }
    world_run(w, QUIET_US);
    for (uint32_t i = 0; i < w->cfg.peers; i++) {
        const ps_peer_stats stats = world_peer_stats(w, i);
        WORLD_REQUIRE(w, w->peers[i].online && w->peers[i].open == 0);
        WORLD_REQUIRE(w, stats.unacknowledged == 0 && stats.requests == 0);
        st->result.losses += w->peers[i].losses;
        st->result.refusals += w->peers[i].refusals;
    }
}

/* Every file of the model, and no other, once. */
static void compare_files(storm *st, world *w, const world_command *c)
{
    size_t expected = 0;
    for (uint32_t i = 0; i < w->cfg.peers; i++) {
        char user[WORLD_NAME_BYTES];
        world_user_name(i, user);
        for (uint32_t k = 0; k < NAMES; k++) {
            char name[PS_NAME_MAX + 1];
            name_of(i, k, name);
            const size_t want = st->peers[i].wanted[k] ? 1 : 0;
            WORLD_REQUIRE(w, world_count(c, user, name) == want);
            expected += want;
        }
    }
    WORLD_REQUIRE(w, c->lines_len == expected);
    for (size_t i = 0; i < c->lines_len; i++) {
        const ps_content content = world_content(c->lines[i].name);
        WORLD_REQUIRE(w, c->lines[i].active);
        WORLD_REQUIRE(w, ps_content_equal(&c->lines[i].content, &content));
    }
    st->result.publications = expected;
    WORLD_REQUIRE(w, world_server_stats(w).publications == expected);
}

static void compare(storm *st, world *w)
{
    w->cfg.ended = NULL; /* What is asked from here on is looked at here. */
    for (uint32_t i = 0; i<w->cfg.peers; i += w->cfg.peers> 5 ? w->cfg.peers / 5 : 1) {
        world_command *files = world_list_files(w, i);
        world_command *peers = world_list_peers(w, i);
        WORLD_REQUIRE(w, world_finish(w, files) == PS_E_NONE);
        WORLD_REQUIRE(w, world_finish(w, peers) == PS_E_NONE);
        compare_files(st, w, files);
        WORLD_REQUIRE(w, peers->lines_len == w->cfg.peers - 1);
        for (uint32_t j = 0; j < w->cfg.peers; j++) {
            char user[WORLD_NAME_BYTES];
            world_user_name(j, user);
            WORLD_REQUIRE(w, world_count(peers, user, NULL) == (i == j ? 0 : 1));
        }
    }
}

storm_result storm_run(const storm_config *cfg)
{
    storm st = {.cfg = cfg, .peers = calloc(cfg->peers, sizeof *st.peers)};
    WORLD_REQUIRE(NULL, st.peers != NULL);
    world_config wc;
    world_config_default(&wc, cfg->peers);
    wc.seed = cfg->seed;
    wc.batch = cfg->batch;
    wc.check_every = cfg->check_every;
    wc.link = (ps_sim_link){.latency_us = 20000,
                            .jitter_us = cfg->in_step ? 0 : 10000,
                            .loss_ppm = 200000,
                            .duplicate_ppm = 50000,
                            .reorder_ppm = 50000,
                            .reorder_us = cfg->in_step ? 1 : 100000};
    wc.server.max_publications = cfg->peers * NAMES + 64;
    wc.script = act;
    wc.ended = ended;
    wc.ctx = &st;
    world *w = world_new(&wc);
    st.end_us = world_now_us(w) + cfg->storm_us;
    for (uint32_t i = 0; i < cfg->peers; i++) {
        think(&st, w, &w->peers[i], 0, 2000000);
        world_peer_settle(&w->peers[i]);
    }
    world_run(w, cfg->storm_us);
    quiet(&st, w);
    compare(&st, w);
    st.result.hash = ps_sim_hash(w->sim);
    st.result.steps = w->steps;
    st.result.checks = w->checks;
    st.result.live_evictions = w->live_evictions;
    st.result.server = world_server_stats(w);
    ps_sim_stats_get(w->sim, &st.result.sim);
    world_free(w);
    free(st.peers);
    return st.result;
}
