#include "swarm.h"

#include <stdlib.h>
#include <string.h>

#define S UINT64_C(1000000)

void swarm_config_default(swarm_config *cfg)
{
    *cfg = (swarm_config){
        .seed = 1,
        .batch = PS_SIM_BATCH_MAX,
        .peers = 50,
        .check_every = 1,
        .length_us = 300 * S,
        .cruel_us = 240 * S,
        .pace = 1,
        .faults = true,
        .model = true,
    };
}

/* Of a user who thinks for a second or two. */
#define ACT_US UINT64_C(1600000)
#define ACTS   UINT64_C(1000000)
/* A walk takes longer with the peers, and there are more steps with the peers and the time. */
#define WALKED_US (UINT64_C(25000) * 60 * S)

void swarm_config_scale(swarm_config *cfg)
{
    const uint64_t peer_us = cfg->peers * cfg->length_us;
    cfg->pace = (uint32_t)(1 + peer_us / (ACT_US * ACTS));
    cfg->check_every = (uint32_t)(1 + cfg->peers * (peer_us / WALKED_US));
}

/* What a user does comes from his own dice: it is the same whatever befalls the others. */
/* ---- processes ---- */

static void count_peer(swarm *s, uint32_t i)
{
    const ps_peer_stats stats = world_peer_stats(s->w, i);
    s->counts.repairs += stats.repairs;
    s->counts.buckets_resent += stats.buckets_resent;
    s->counts.names_withdrawn += stats.names_withdrawn;
    s->counts.resets += stats.resets;
    s->counts.rekeys += stats.rekeys;
}

bool swarm_crash(swarm *s, uint32_t peer, uint64_t away_us, bool forgets)
{
    swarm_user *u = &s->users[peer];
    if (u->down_until_us != 0) {
        return false;
    }
    count_peer(s, peer);
    world_peer_crash(s->w, peer);
    u->down_until_us = world_now_us(s->w) + away_us + 1;
    if (forgets) {
        for (uint32_t k = 0; k < SWARM_NAMES; k++) {
            swarm_want(s, peer, k, 0);
        }
        s->w->peers[peer].key_known = false;
        s->w->peers[peer].ticket_len = 0;
    }
    return true;
}

void swarm_start(swarm *s, uint32_t peer)
{
    swarm_user *u = &s->users[peer];
    u->down_until_us = 0;
    world_peer_boot(s->w, peer);
    for (uint32_t k = 0; k < SWARM_NAMES; k++) {
        if (u->versions[k] != 0) {
            swarm_publish(s, peer, k);
        }
    }
    if (!u->second) {
        world_login(s->w, peer);
    }
    swarm_think(s, &s->w->peers[peer], 0, 2000000);
    world_peer_settle(&s->w->peers[peer]);
}

static uint64_t start_peers(swarm *s)
{
    uint64_t next_us = PS_TIME_NEVER;
    for (uint32_t i = 0; i < s->cfg->peers; i++) {
        const uint64_t at_us = s->users[i].down_until_us;
        if (at_us != 0 && at_us <= world_now_us(s->w)) {
            swarm_start(s, i);
        } else if (at_us != 0 && at_us < next_us) {
            next_us = at_us;
        }
    }
    return next_us;
}

/* Does what the scenario says is due; @return when it wants to be asked again, at most stop_us. */
static uint64_t scenario_pass(swarm *s, uint64_t stop_us)
{
    if (s->cfg->scenario == NULL) {
        return stop_us;
    }
    scenario_work(s);
    const uint64_t due_us = scenario_due_us(s);
    return due_us < stop_us ? due_us : stop_us;
}

void swarm_pass(swarm *s, uint64_t us)
{
    const uint64_t end_us = world_now_us(s->w) + us;
    while (world_now_us(s->w) < end_us) {
        uint64_t stop_us = end_us;
        if (s->cfg->faults) {
            const uint64_t back_us = start_peers(s);
            faults_work(s);
            const uint64_t due_us = faults_due_us(s);
            stop_us = scenario_pass(s, stop_us);
            stop_us = back_us < stop_us ? back_us : stop_us;
            stop_us = due_us < stop_us ? due_us : stop_us;
        }
        const uint64_t now_us = world_now_us(s->w);
        const uint64_t step_us = stop_us > now_us ? stop_us - now_us : 1;
        if (s->cfg->run) {
            s->cfg->run(s->cfg->ctx, s, step_us);
        } else {
            world_run(s->w, step_us);
        }
    }
}

/* ---- a run ---- */

static void summarise(swarm *s)
{
    const world *w = s->w;
    for (uint32_t i = 0; i < s->cfg->peers; i++) {
        const world_peer *p = &w->peers[i];
        count_peer(s, i);
        s->counts.logins += p->logins;
        s->counts.refusals += p->refusals;
        s->counts.losses += p->losses;
        s->counts.put_offs += p->put_offs;
        s->counts.agains += p->agains;
        s->counts.unlisted += p->unlisted;
    }
    s->server = world_server_stats(w);
    s->live_evictions = w->live_evictions;
    s->hash = ps_sim_hash(w->sim);
    s->steps = w->steps;
    s->checks = w->checks;
    s->rebatched = w->rebatched;
    s->pages = w->model.pages;
    s->lists = w->model.lists;
    ps_sim_stats_get(w->sim, &s->sim);
}

static world *make_world(swarm *s)
{
    const swarm_config *cfg = s->cfg;
    world_config wc;
    world_config_default(&wc, cfg->peers);
    wc.seed = cfg->seed;
    wc.batch = cfg->batch;
    wc.check_every = cfg->check_every;
    wc.model = cfg->model;
    wc.repeat = cfg->repeat;
    wc.can_shorten = cfg->scenario == NULL;
    wc.link = (ps_sim_link){.latency_us = 20000,
                            .jitter_us = cfg->in_step ? 0 : 10000,
                            .loss_ppm = 200000,
                            .duplicate_ppm = 50000,
                            .reorder_ppm = 50000,
                            .reorder_us = cfg->in_step ? 1 : 100000};
    wc.server.max_publications = cfg->peers * SWARM_NAMES + 64;
    wc.script = swarm_act;
    wc.event = swarm_event;
    wc.ended = swarm_ended;
    wc.serve = swarm_serve;
    wc.serving = swarm_serving;
    wc.fetched = swarm_fetched;
    wc.crypto = ps_sim_crypto();
    wc.ctx = s;
    wc.born = cfg->born;
    wc.failing = cfg->failing;
    wc.host = cfg->host;
    /* Keys are replaced again and again, and some tickets do not live to see it. */
    wc.peer.rekey_ms = 30000 + (uint32_t)(cfg->seed % 7) * 15000;
    wc.server.ticket_s = cfg->seed % 3 == 0 ? 45 : 86400;
    wc.proof = cfg->model;
    wc.boxes = cfg->scenario ? cfg->peers : 0;
    if (cfg->faults) {
        wc.link = faults_fair(s);
        wc.store = true;
        wc.server.max_user_publications = SWARM_NAMES - 4; /* Some want more. */
        wc.server.records = true;
        wc.server_cost_ns = 1500;
        wc.peer_cost_ns = 5000;
        wc.handshake_cost_ns = 100000;
        wc.receive_queue = 256;
        wc.server.open_per_s = 4; /* Cookies are in use. */
        /* A server made for so many: all of them can need their passwords verified at once. */
        const uint32_t pools = 1 + (cfg->peers - 1) / 50;
        wc.verify_threads = 2 * pools < WORLD_THREADS_MAX ? 2 * pools : WORLD_THREADS_MAX;
        wc.verify_queue = 8 * pools;
        wc.captures = 512;
    }
    return world_new(&wc);
}

/* How long it is until all is mended. */
static uint64_t cruel_us(const swarm *s, uint64_t end_us)
{
    const uint64_t left_us = end_us - world_now_us(s->w);
    if (s->cfg->scenario) {
        return scenario_left_us(s, end_us);
    }
    return s->cfg->cruel_us < left_us ? s->cfg->cruel_us : left_us;
}

swarm swarm_run(const swarm_config *cfg)
{
    swarm s = {.cfg = cfg, .users = calloc(cfg->peers, sizeof *s.users)};
    WORLD_REQUIRE(NULL, s.users != NULL && cfg->peers >= 1);
    WORLD_REQUIRE(NULL, files_init(&s.files, cfg->peers, SWARM_NAMES));
    s.w = make_world(&s);
    faults_put_disk_right(&s);
    s.begun_us = world_now_us(s.w);
    const uint64_t end_us = s.begun_us + cfg->length_us;
    const bool calm = cfg->scenario && !cfg->scenario->cruel;
    for (uint32_t i = 0; i < cfg->peers; i++) {
        /* Each tenth peer is a second device of the user before it. */
        s.users[i].second =
            cfg->faults && !calm && i % SWARM_SECOND_DEVICES == SWARM_SECOND_DEVICES - 1;
        s.users[i].dice = dice_of(cfg->seed, DICE_USER, i);
        s.w->peers[i].user = s.users[i].second ? i - 1 : i;
        swarm_think(&s, &s.w->peers[i], 0, 2000000);
        world_peer_settle(&s.w->peers[i]);
    }
    s.faults.next_us = world_now_us(s.w) + 3 * S;
    if (cfg->scenario) {
        scenario_begin(&s);
    }
    while (world_now_us(s.w) < end_us) {
        swarm_pass(&s, cruel_us(&s, end_us));
        swarm_heal(&s);
        if (cfg->progress) {
            cfg->progress(cfg->ctx, &s);
        }
        s.faults.next_us = world_now_us(s.w) + S;
        for (uint32_t i = 0; i < cfg->peers; i++) {
            swarm_think(&s, &s.w->peers[i], 0, 2000000);
            world_peer_settle(&s.w->peers[i]);
        }
    }
    summarise(&s);
    scenario_end(&s);
    world_free(s.w);
    free(s.users);
    files_free(&s.files);
    s.w = NULL;
    s.users = NULL;
    return s;
}
