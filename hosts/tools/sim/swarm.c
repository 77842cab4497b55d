#include "swarm.h"

#include <stdlib.h>
#include <string.h>

#define S      UINT64_C(1000000)
#define SHARED 4u /* Names that are everybody's. */
/* When nobody is kept from his work any more, everything is right within: a heartbeat's interval (2
 * s) until the server says that it knows nothing, the pause of a login that was refused because
 * another device has the user's place (3 s), and the time to send the difference. */
#define HEAL_US (6 * S)

void swarm_config_default(swarm_config *cfg)
{
    *cfg = (swarm_config){
        .seed = 1,
        .batch = PS_SIM_BATCH_MAX,
        .peers = 50,
        .check_every = 1,
        .length_us = 300 * S,
        .cruel_us = 240 * S,
        .faults = true,
        .model = true,
    };
}

static uint64_t draw(const swarm *s, uint64_t bound)
{
    return ps_sim_random(s->w->sim, bound);
}

/* ---- files ---- */

void swarm_file_name(uint32_t peer, uint32_t k, char out[PS_NAME_MAX + 1])
{
    if (k >= SWARM_NAMES - SHARED) {
        (void)snprintf(out, PS_NAME_MAX + 1, "Shared by many, number %u", (unsigned)k);
    } else {
        (void)snprintf(out, PS_NAME_MAX + 1, "file %u of %u.bin", (unsigned)k, (unsigned)peer);
    }
}

/* The user wants this version to be published; 0: none. */
static void set_version(swarm *s, uint32_t peer, uint32_t k, uint32_t version)
{
    s->users[peer].versions[k] = version;
    files_publish(&s->files, (file_id){peer, k, version}, world_now_us(s->w));
}

static void publish(swarm *s, uint32_t peer, uint32_t k)
{
    char name[PS_NAME_MAX + 1];
    swarm_file_name(peer, k, name);
    (void)world_issue(s->w, peer, PS_INPUT_PUBLISH, (ps_span){(const uint8_t *)name, strlen(name)},
                      &files_current(&s->files, peer, k)->content);
}

/* ---- what a person does ---- */

static void think(swarm *s, world_peer *p, uint64_t least_us, uint64_t most_us)
{
    const uint64_t grain_us = s->cfg->in_step ? 100000 : 1;
    const uint64_t at_us = world_now_us(s->w) + least_us + draw(s, most_us - least_us);
    p->script_at_us = (at_us / grain_us + 1) * grain_us;
}

static void change(swarm *s, uint32_t peer, bool wanted)
{
    const uint32_t k = (uint32_t)draw(s, SWARM_NAMES);
    if (wanted) {
        set_version(s, peer, k, ++s->users[peer].changes);
        publish(s, peer, k);
    } else {
        char name[PS_NAME_MAX + 1];
        swarm_file_name(peer, k, name);
        set_version(s, peer, k, 0);
        (void)world_unpublish(s->w, peer, name);
    }
}

static void ask(swarm *s, uint32_t peer)
{
    static const char *const texts[5] = {"file 1", "SHARED", "of 7", "nowhere", ".BIN"};
    char name[PS_NAME_MAX + 1];
    uint32_t owner; /* Drawn one after the other: arguments have no order. */
    uint32_t k;
    switch (draw(s, 6)) {
    case 0:
        (void)world_list_files(s->w, peer);
        break;
    case 1:
        (void)world_list_peers(s->w, peer);
        break;
    case 2:
        (void)world_search(s->w, peer, texts[draw(s, 5)]);
        break;
    default:
        owner = (uint32_t)draw(s, s->cfg->peers);
        k = (uint32_t)draw(s, SWARM_NAMES);
        swarm_file_name(owner, k, name);
        (void)world_locate(s->w, peer, name);
        break;
    }
}

/* One thing that a person does, then some thought. */
static void act(world *w, world_peer *p)
{
    swarm *s = w->cfg.ctx;
    const swarm_user *u = &s->users[p->index];
    const ps_peer_state state = world_peer_stats(w, p->index).state;
    const uint64_t dice = draw(s, 100);
    if (s->quiet) {
        return;
    }
    if (state == PS_PEER_IDLE) {
        if (!u->second) {
            world_login(w, p->index);
        }
    } else if (state == PS_PEER_ONLINE && dice < (u->second ? 20u : 4u)) {
        world_logout(w, p->index);
    } else if (dice < 30) {
        change(s, p->index, true);
    } else if (dice < 45) {
        change(s, p->index, false);
    } else if (state == PS_PEER_ONLINE && dice >= 90) {
        swarm_fetch(s, p->index);
    } else if (state == PS_PEER_ONLINE || state == PS_PEER_LOST) {
        ask(s, p->index);
    }
    think(s, p, 200000, 3000000);
}

/* The server refuses a name: its user is told, and gives it up unless he has changed it since. */
static void unwant(swarm *s, uint32_t peer, ps_span name, const ps_content *content)
{
    for (uint32_t k = 0; k < SWARM_NAMES; k++) {
        char known[PS_NAME_MAX + 1];
        const file_version *now = files_current(&s->files, peer, k);
        swarm_file_name(peer, k, known);
        if (now && strlen(known) == name.len && memcmp(known, name.data, name.len) == 0 &&
            (content == NULL || ps_content_equal(&now->content, content))) {
            set_version(s, peer, k, 0);
        }
    }
}

static void on_event(world *w, world_peer *p, const ps_event *e)
{
    if (e->type == PS_EVENT_UNLISTED) {
        const ps_event_unlisted *u = &e->u.unlisted;
        WORLD_REQUIRE(w, u->error == PS_E_QUOTA);
        unwant(w->cfg.ctx, p->index, (ps_span){u->name, u->len}, NULL);
    }
}

/* Every command ends, and only in a way that can be explained. */
static void ended(world *w, world_peer *p, world_command *c)
{
    swarm *s = w->cfg.ctx;
    const bool log = c->type == PS_INPUT_PUBLISH || c->type == PS_INPUT_UNPUBLISH;
    const uint32_t e = c->error;
    bool good = e == PS_E_NONE;
    bool expected = e == PS_E_CANCELLED;
    if (log) {
        expected = expected || e == PS_E_SUPERSEDED || e == PS_E_QUOTA;
        if (e == PS_E_QUOTA) {
            s->counts.refused++;
            unwant(s, p->index, (ps_span){(const uint8_t *)c->text, strlen(c->text)}, &c->content);
        }
    } else {
        expected = expected || e == PS_E_TIMEOUT || e == PS_E_NOT_LOGGED_IN;
        good = good ||
               (c->type == PS_INPUT_LOCATE && (e == PS_E_NOT_FOUND || e == PS_E_NO_ACTIVE_PEER));
    }
    WORLD_REQUIRE(w, good || expected);
    s->counts.commands++;
    s->counts.succeeded += good ? 1u : 0u;
    s->counts.timeouts += e == PS_E_TIMEOUT ? 1u : 0u;
    s->counts.cancelled += e == PS_E_CANCELLED || e == PS_E_SUPERSEDED ? 1u : 0u;
    if (s->cfg->ended) {
        s->cfg->ended(s->cfg->ctx, c);
    }
    swarm_located(s, p, c);
    world_forget(p, c);
}

/* ---- processes ---- */

static void count_peer(swarm *s, uint32_t i)
{
    const ps_peer_stats stats = world_peer_stats(s->w, i);
    s->counts.repairs += stats.repairs;
    s->counts.buckets_resent += stats.buckets_resent;
    s->counts.names_withdrawn += stats.names_withdrawn;
    s->counts.resets += stats.resets;
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
            set_version(s, peer, k, 0);
        }
        s->w->peers[peer].key_known = false;
        s->w->peers[peer].ticket_len = 0;
    }
    return true;
}

/* The program starts again, announces what it remembers, and logs in. */
static void start_peer(swarm *s, uint32_t peer)
{
    swarm_user *u = &s->users[peer];
    u->down_until_us = 0;
    world_peer_boot(s->w, peer);
    for (uint32_t k = 0; k < SWARM_NAMES; k++) {
        if (u->versions[k] != 0) {
            publish(s, peer, k);
        }
    }
    if (!u->second) {
        world_login(s->w, peer);
    }
    think(s, &s->w->peers[peer], 0, 2000000);
    world_peer_settle(&s->w->peers[peer]);
}

static uint64_t start_peers(swarm *s)
{
    uint64_t next_us = PS_TIME_NEVER;
    for (uint32_t i = 0; i < s->cfg->peers; i++) {
        const uint64_t at_us = s->users[i].down_until_us;
        if (at_us != 0 && at_us <= world_now_us(s->w)) {
            start_peer(s, i);
        } else if (at_us != 0 && at_us < next_us) {
            next_us = at_us;
        }
    }
    return next_us;
}

/* Runs for so long, with faults and returns as they come due. */
static void run(swarm *s, uint64_t us)
{
    const uint64_t end_us = world_now_us(s->w) + us;
    while (world_now_us(s->w) < end_us) {
        uint64_t stop_us = end_us;
        if (s->cfg->faults) {
            const uint64_t back_us = start_peers(s);
            faults_work(s);
            const uint64_t due_us = faults_due_us(s);
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

/* ---- healing, and what must then be true ---- */

/* What the server knows of a peer is what its user wants, and it is online. */
static bool known_well(const swarm *s, uint32_t peer)
{
    const world_peer *p = &s->w->peers[peer];
    const model *m = &s->w->model;
    uint32_t wanted = 0;
    for (uint32_t k = 0; k < SWARM_NAMES; k++) {
        const file_version *now = files_current(&s->files, peer, k);
        char name[PS_NAME_MAX + 1];
        swarm_file_name(peer, k, name);
        wanted += now ? 1u : 0u;
        if (now && !model_lists(m, p->user, p->device,
                                (ps_span){(const uint8_t *)name, strlen(name)}, &now->content)) {
            return false;
        }
    }
    return model_on_device(m, p->user, p->device) &&
           model_device_names(m, p->user, p->device) == wanted;
}

/* Who knows a password of the past only will be refused when he returns. */
static bool knows_password(const swarm *s, uint32_t peer)
{
    const world_peer *p = &s->w->peers[peer];
    return p->password_known == s->w->accounts[p->user].changes;
}

/* The user's wishes: listed, and nothing else is. */
static bool wishes_hold(swarm *s)
{
    uint32_t wanted = 0;
    for (uint32_t i = 0; i < s->cfg->peers; i++) {
        const ps_peer_stats stats = world_peer_stats(s->w, i);
        if (!s->users[i].second &&
            (stats.state != PS_PEER_ONLINE || !knows_password(s, i) || !s->w->peers[i].online || s->w->peers[i].open != 0 ||
             stats.unacknowledged != 0 || stats.requests != 0)) {
            return false;
        }
        /* (What they want to change waits for their next login.) */
        if (s->users[i].second && (stats.state != PS_PEER_IDLE || stats.requests != 0)) {
            return false;
        }
        if (s->cfg->model && !s->users[i].second && !known_well(s, i)) {
            return false;
        }
        for (uint32_t k = 0; k < SWARM_NAMES && !s->users[i].second; k++) {
            wanted += s->users[i].versions[k] != 0 ? 1u : 0u;
        }
    }
    s->counts.publications = wanted;
    return true;
}

/* For people: who is not where he should be. */
static void tell_late(const swarm *s)
{
    static const char *const states[] = {"idle", "logging in", "online", "lost", "leaving"};
    for (uint32_t i = 0; i < s->cfg->peers; i++) {
        const world_peer *p = &s->w->peers[i];
        const ps_peer_stats stats = world_peer_stats(s->w, i);
        if (stats.state != (s->users[i].second ? PS_PEER_IDLE : PS_PEER_ONLINE) || p->open != 0 ||
            stats.unacknowledged != 0) {
            fprintf(
                stderr,
                "  peer %u is %s; %u commands open, %u of %u names unacknowledged; last refusal "
                "%s, put off %u times\n",
                (unsigned)i, states[stats.state], (unsigned)p->open, (unsigned)stats.unacknowledged,
                (unsigned)stats.publications, ps_error_name(p->error), (unsigned)p->put_offs);
        }
    }
}

/* Who was sent away, or has left, comes back; second devices make room. */
static void gather(swarm *s)
{
    for (uint32_t i = 0; i < s->cfg->peers; i++) {
        const ps_peer_state state = world_peer_stats(s->w, i).state;
        const bool leaves = s->users[i].second || !knows_password(s, i);
        if (leaves && state != PS_PEER_IDLE && state != PS_PEER_LEAVING) {
            world_logout(s->w, i);
        } else if (!s->users[i].second && state == PS_PEER_IDLE) {
            world_login(s->w, i);
        }
    }
}

static void compare_files(swarm *s, uint32_t asker)
{
    world *w = s->w;
    world_command *c = world_list_files(w, asker);
    WORLD_REQUIRE(w, world_finish(w, c) == PS_E_NONE);
    for (uint32_t i = 0; i < s->cfg->peers; i++) {
        char user[WORLD_NAME_BYTES];
        world_user_name(i, user);
        for (uint32_t k = 0; k < SWARM_NAMES && !s->users[i].second; k++) {
            char name[PS_NAME_MAX + 1];
            const file_version *now = files_current(&s->files, i, k);
            size_t found = 0;
            swarm_file_name(i, k, name);
            for (size_t l = 0; l < c->lines_len && now; l++) {
                found += strcmp(c->lines[l].name, name) == 0 &&
                                 strcmp(c->lines[l].user, user) == 0 &&
                                 ps_content_equal(&c->lines[l].content, &now->content)
                             ? 1u
                             : 0u;
            }
            WORLD_REQUIRE(w, !now || found == 1);
        }
    }
    world_forget(&w->peers[asker], c);
}

static void compare_peers(swarm *s, uint32_t asker)
{
    world *w = s->w;
    world_command *c = world_list_peers(w, asker);
    WORLD_REQUIRE(w, world_finish(w, c) == PS_E_NONE);
    for (uint32_t i = 0; i < s->cfg->peers; i++) {
        char user[WORLD_NAME_BYTES];
        world_user_name(i, user);
        const size_t expected = i == asker || s->users[i].second ? 0 : 1;
        WORLD_REQUIRE(w, world_count(c, user, NULL) == expected);
    }
    world_forget(&w->peers[asker], c);
}

/* What only second devices publish stays listed for them; all else is what primary users want. */
static void compare(swarm *s)
{
    world *w = s->w;
    w->cfg.ended = NULL; /* What is asked from here on is looked at here. */
    uint32_t asked = 0;
    for (uint32_t i = 0; i < s->cfg->peers && asked < 4; i += s->cfg->peers / 4 + 1) {
        if (!s->users[i].second) {
            compare_files(s, i);
            compare_peers(s, i);
            asked++;
        }
    }
    swarm_fetch_listed(s);
    w->cfg.ended = ended;
    if (s->cfg->model) {
        for (uint32_t i = 0; i < s->cfg->peers; i++) {
            for (uint32_t k = 0; k < SWARM_NAMES - SHARED && !s->users[i].second; k++) {
                char name[PS_NAME_MAX + 1];
                swarm_file_name(i, k, name);
                const uint32_t listed =
                    model_listed(&w->model, i, (ps_span){(const uint8_t *)name, strlen(name)});
                WORLD_REQUIRE(w, listed == (s->users[i].versions[k] != 0 ? 1u : 0u));
            }
        }
    }
}

/* A server that was stopped for a while, or whose clock says so, evicts nobody who is there, and
 * nobody loses what he had. (A clock that is set on by less than a session's time looks as if time
 * had passed.) */
static void drill(swarm *s)
{
    world *w = s->w;
    const uint64_t evictions = w->held_evictions;
    const ps_sim_clock ahead = {.jump_us = (int64_t)(4 * S + draw(s, 3600 * S))};
    world_server_clock(w, &ahead);
    run(s, 4 * S);
    world_server_pause(w, S + draw(s, 9 * S));
    run(s, 14 * S);
    WORLD_REQUIRE(w, w->held_evictions == evictions);
    /* (Who has just got fresh keys asks first whether the server lists what he publishes.) */
    for (uint32_t k = 0; k < 20 && !wishes_hold(s); k++) {
        run(s, S / 20);
    }
    WORLD_REQUIRE(w, wishes_hold(s));
}

static void heal(swarm *s)
{
    world *w = s->w;
    const uint64_t quiet_us = world_now_us(w);
    s->quiet = true;
    if (s->cfg->faults) {
        faults_heal(s);
        for (uint32_t i = 0; i < s->cfg->peers; i++) {
            if (s->users[i].down_until_us != 0) {
                start_peer(s, i);
            }
        }
        run(s, 1); /* Who was down is up. */
        if (s->faults.kept_us > world_now_us(w)) {
            run(s, s->faults.kept_us - world_now_us(w));
        }
    } else {
        const ps_sim_link good = {.latency_us = 20000};
        ps_sim_set_default_link(w->sim, &good);
        run(s, 3 * S);
    }
    const uint64_t from_us = world_now_us(w);
    for (;;) {
        gather(s);
        if (wishes_hold(s)) {
            break;
        }
        if (world_now_us(w) - from_us >= HEAL_US) {
            tell_late(s);
            WORLD_REQUIRE(w, world_now_us(w) - from_us < HEAL_US);
        }
        run(s, S / 20);
    }
    const uint64_t took_us = world_now_us(w) - from_us;
    s->counts.worst_heal_us = took_us > s->counts.worst_heal_us ? took_us : s->counts.worst_heal_us;
    s->counts.healings++;
    while (!swarm_fetches_ended(s, quiet_us)) {
        run(s, S / 20);
    }
    compare(s);
    drill(s);
    s->quiet = false;
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
    wc.link = (ps_sim_link){.latency_us = 20000,
                            .jitter_us = cfg->in_step ? 0 : 10000,
                            .loss_ppm = 200000,
                            .duplicate_ppm = 50000,
                            .reorder_ppm = 50000,
                            .reorder_us = cfg->in_step ? 1 : 100000};
    wc.server.max_publications = cfg->peers * SWARM_NAMES + 64;
    wc.script = act;
    wc.event = on_event;
    wc.ended = ended;
    wc.serve = swarm_serve;
    wc.serving = swarm_serving;
    wc.fetched = swarm_fetched;
    wc.crypto = ps_sim_crypto();
    wc.ctx = s;
    /* Keys are replaced again and again, and some tickets do not live to see it. */
    wc.peer.rekey_ms = 60000 + (uint32_t)(cfg->seed % 7) * 20000;
    wc.server.ticket_s = cfg->seed % 3 == 0 ? 45 : 86400;
    wc.proof = cfg->model;
    if (cfg->faults) {
        wc.link = (ps_sim_link){.latency_us = 20000, .jitter_us = 5000};
        wc.store = true;
        wc.server.max_user_publications = SWARM_NAMES - 4; /* Some want more. */
        wc.server.records = true;
        wc.server_cost_ns = 1500;
        wc.peer_cost_ns = 5000;
        wc.handshake_cost_ns = 100000;
        wc.receive_queue = 256;
        wc.server.open_per_s = 4; /* Cookies are in use. */
        wc.verify_threads = 2;
        wc.verify_queue = 8;
        wc.captures = 512;
    }
    return world_new(&wc);
}

swarm swarm_run(const swarm_config *cfg)
{
    swarm s = {.cfg = cfg, .users = calloc(cfg->peers, sizeof *s.users)};
    WORLD_REQUIRE(NULL, s.users != NULL && cfg->peers >= 1);
    WORLD_REQUIRE(NULL, files_init(&s.files, cfg->peers, SWARM_NAMES));
    s.w = make_world(&s);
    s.w->server.store.delay_us = 2000;
    const uint64_t end_us = world_now_us(s.w) + cfg->length_us;
    for (uint32_t i = 0; i < cfg->peers; i++) {
        /* Each tenth peer is a second device of the user before it. */
        s.users[i].second = cfg->faults && i % 10 == 9;
        s.w->peers[i].user = s.users[i].second ? i - 1 : i;
        think(&s, &s.w->peers[i], 0, 2000000);
        world_peer_settle(&s.w->peers[i]);
    }
    s.faults.next_us = world_now_us(s.w) + 3 * S;
    while (world_now_us(s.w) < end_us) {
        const uint64_t left_us = end_us - world_now_us(s.w);
        run(&s, cfg->cruel_us < left_us ? cfg->cruel_us : left_us);
        heal(&s);
        if (cfg->progress) {
            cfg->progress(cfg->ctx, &s);
        }
        s.faults.next_us = world_now_us(s.w) + S;
        for (uint32_t i = 0; i < cfg->peers; i++) {
            think(&s, &s.w->peers[i], 0, 2000000);
            world_peer_settle(&s.w->peers[i]);
        }
    }
    summarise(&s);
    world_free(s.w);
    free(s.users);
    files_free(&s.files);
    s.w = NULL;
    s.users = NULL;
    return s;
}
