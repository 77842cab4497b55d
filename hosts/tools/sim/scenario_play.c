/* Carries a scenario out. */
#include "scenario.h"

#include "swarm.h"

#include <stdlib.h>

#define S UINT64_C(1000000)
/* Longer than any run. */
#define FOR_GOOD_US (UINT64_MAX / 4)

bool scenario_plays(const swarm *s, uint32_t i)
{
    return s->play.until_us[i] != 0;
}

void scenario_begin(swarm *s)
{
    const scenario *sc = s->cfg->scenario;
    const size_t room = (size_t)sc->events_len + 1;
    s->play.until_us = calloc(room, sizeof *s->play.until_us);
    s->play.partitions = calloc(room, sizeof *s->play.partitions);
    s->play.capacities = calloc(room, sizeof *s->play.capacities);
    WORLD_REQUIRE(s->w, s->play.until_us != NULL && s->play.partitions != NULL &&
                            s->play.capacities != NULL);
    scenario_make_network(s);
}

void scenario_end(swarm *s)
{
    free(s->play.until_us);
    free(s->play.partitions);
    free(s->play.capacities);
}

/* ---- what happens ---- */

static void part(swarm *s, const scenario_event *e, uint32_t *id)
{
    uint32_t *sides = calloc(2 * ((size_t)s->cfg->peers + 1), sizeof *sides);
    WORLD_REQUIRE(s->w, sides != NULL);
    uint32_t *others = sides + s->cfg->peers + 1;
    size_t a = 0, b = 0;
    for (uint32_t node = 0; node <= s->cfg->peers; node++) {
        if (scenario_has(&e->nodes, node)) {
            sides[a++] = scenario_outer(s, node);
        }
        if (scenario_has(&e->others, node)) {
            others[b++] = scenario_outer(s, node);
        }
    }
    WORLD_REQUIRE(s->w, ps_sim_partition(s->w->sim, sides, a, others, b, e->one_way, id) == PS_OK);
    free(sides);
}

static bool befall_server(swarm *s, const scenario_event *e, uint64_t us)
{
    switch (e->what) {
    case SCENARIO_CRASH:
        return faults_kill_server(s, us, e->tail, e->forgets);
    case SCENARIO_PAUSE:
    case SCENARIO_WORK:
        return faults_keep_server(s, us, e->what == SCENARIO_WORK);
    case SCENARIO_CLOCK:
        faults_set_clock(s, s->w->server.node, &e->clock);
        return true;
    case SCENARIO_CUT:
    case SCENARIO_WEATHER:
    case SCENARIO_DISK:
    case SCENARIO_MOVE:
    case SCENARIO_REBOOT:
    case SCENARIO_FAULT:
    case SCENARIO_LOGIN:
    case SCENARIO_LOGOUT:
    case SCENARIO_PUBLISH:
    case SCENARIO_UNPUBLISH:
    case SCENARIO_GET:
    case SCENARIO_HEAL:
        break;
    }
    return false;
}

/* A box that was switched off and on has forgotten all that it mapped. */
static bool reboot(swarm *s, uint32_t peer)
{
    const world_peer *p = &s->w->peers[peer];
    if (p->box == WORLD_NO_BOX) {
        return false;
    }
    ps_sim_crash(s->w->sim, p->box);
    ps_sim_restart(s->w->sim, p->box);
    return true;
}

/* What a user is made to do; he cannot when his peer is down, or not where he would need it. */
static bool ask_user(swarm *s, const scenario_event *e, uint32_t peer)
{
    const bool down = s->users[peer].down_until_us != 0;
    const ps_peer_state state = down ? PS_PEER_LEAVING : world_peer_stats(s->w, peer).state;
    if (e->what == SCENARIO_GET) {
        return swarm_get(s, peer, e->owner, e->file);
    }
    if (e->what == SCENARIO_PUBLISH || e->what == SCENARIO_UNPUBLISH) {
        return swarm_change(s, peer, e->file, e->what == SCENARIO_PUBLISH);
    }
    if (state != (e->what == SCENARIO_LOGIN ? PS_PEER_IDLE : PS_PEER_ONLINE)) {
        return false;
    }
    if (e->what == SCENARIO_LOGIN) {
        world_login(s->w, peer);
    } else {
        world_logout(s->w, peer);
    }
    return true;
}

static bool befall_peer(swarm *s, const scenario_event *e, uint32_t peer, uint64_t us)
{
    switch (e->what) {
    case SCENARIO_CRASH:
        return swarm_crash(s, peer, us, e->forgets);
    case SCENARIO_PAUSE:
        return faults_pause_peer(s, peer, us);
    case SCENARIO_CLOCK:
        faults_set_clock(s, s->w->peers[peer].node, &e->clock);
        return true;
    case SCENARIO_MOVE:
        faults_move_peer(s, peer);
        return true;
    case SCENARIO_REBOOT:
        return reboot(s, peer);
    case SCENARIO_LOGIN:
    case SCENARIO_LOGOUT:
    case SCENARIO_PUBLISH:
    case SCENARIO_UNPUBLISH:
    case SCENARIO_GET:
        return ask_user(s, e, peer);
    case SCENARIO_CUT:
    case SCENARIO_WEATHER:
    case SCENARIO_WORK:
    case SCENARIO_DISK:
    case SCENARIO_FAULT:
    case SCENARIO_HEAL:
        break;
    }
    return false;
}

/* Each to whom it happens, the server first. @return false: it happened to nobody. */
static bool befall(swarm *s, const scenario_event *e, uint64_t us)
{
    bool happened = scenario_has(&e->nodes, 0) && befall_server(s, e, us);
    for (uint32_t i = 0; i < s->cfg->peers; i++) {
        if (scenario_has(&e->nodes, 1 + i)) {
            happened = befall_peer(s, e, i, us) || happened;
        }
    }
    return happened;
}

/* One that the random ones know too, with dice of its own. */
static bool a_fault(swarm *s, uint32_t i)
{
    const fault f = s->cfg->scenario->events[i].fault;
    s->faults.dice = dice_of(s->cfg->seed, DICE_SCENARIO, i);
    s->faults.about[0] = '\0';
    const bool began = faults_begin(s, f);
    s->faults.counts[f] += began ? 1u : 0u;
    return began;
}

static void begin_disk(swarm *s, uint32_t i)
{
    const uint64_t free_bytes = s->cfg->scenario->events[i].disk.capacity_bytes;
    ps_sim_disk_stats stats;
    ps_sim_disk_stats_get(s->w->server.store.disk, &stats);
    s->play.capacities[i] = free_bytes > 0 ? stats.used_bytes + free_bytes : 0;
    faults_put_disk_right(s);
}

static void begin(swarm *s, uint32_t i)
{
    const scenario_event *e = &s->cfg->scenario->events[i];
    const uint64_t now_us = world_now_us(s->w);
    const uint64_t us = e->for_us != 0 ? e->for_us : FOR_GOOD_US;
    s->play.until_us[i] = now_us + us;
    bool happened = true;
    if (e->what == SCENARIO_CUT) {
        part(s, e, &s->play.partitions[i]);
    } else if (e->what == SCENARIO_WEATHER) {
        scenario_set_links(s);
    } else if (e->what == SCENARIO_DISK) {
        begin_disk(s, i);
    } else if (e->what == SCENARIO_FAULT) {
        happened = a_fault(s, i);
    } else {
        happened = befall(s, e, us);
    }
    s->counts.events += happened ? 1u : 0u;
}

/* It runs wrong for a while; a jump is over at once. */
static bool clock_wrong(const scenario_event *e)
{
    return e->what == SCENARIO_CLOCK && (e->clock.stopped || e->clock.drift_ppm != 0);
}

static void put_clocks_right(swarm *s, const scenario_event *e)
{
    const scenario_event right = {.what = SCENARIO_CLOCK, .nodes = e->nodes};
    (void)befall(s, &right, 0);
}

static void end(swarm *s, uint32_t i)
{
    const scenario_event *e = &s->cfg->scenario->events[i];
    s->play.until_us[i] = 0;
    if (e->what == SCENARIO_CUT) {
        ps_sim_heal(s->w->sim, s->play.partitions[i]);
    } else if (e->what == SCENARIO_WEATHER) {
        scenario_set_links(s);
    } else if (e->what == SCENARIO_DISK) {
        faults_put_disk_right(s);
    } else if (clock_wrong(e)) {
        put_clocks_right(s, e);
    }
}

/* ---- when ---- */

static uint64_t due_us(const swarm *s, uint32_t i)
{
    return s->begun_us + s->cfg->scenario->events[i].at_us;
}

/* Healings part the others: what stands behind one waits for it. */
static bool comes_next(const swarm *s)
{
    const scenario *sc = s->cfg->scenario;
    const uint32_t i = s->play.next;
    return !s->quiet && i < sc->events_len && sc->events[i].what != SCENARIO_HEAL;
}

void scenario_work(swarm *s)
{
    const uint64_t now_us = world_now_us(s->w);
    for (uint32_t i = 0; i < s->play.next; i++) {
        if (scenario_plays(s, i) && s->play.until_us[i] <= now_us) {
            end(s, i);
        }
    }
    while (comes_next(s) && due_us(s, s->play.next) <= now_us) {
        begin(s, s->play.next++);
    }
}

uint64_t scenario_due_us(const swarm *s)
{
    uint64_t next_us = comes_next(s) ? due_us(s, s->play.next) : PS_TIME_NEVER;
    for (uint32_t i = 0; i < s->play.next; i++) {
        if (scenario_plays(s, i) && s->play.until_us[i] < next_us) {
            next_us = s->play.until_us[i];
        }
    }
    return next_us;
}

uint64_t scenario_left_us(const swarm *s, uint64_t end_us)
{
    const scenario *sc = s->cfg->scenario;
    const uint64_t now_us = world_now_us(s->w);
    for (uint32_t i = s->play.next; i < sc->events_len && end_us > now_us; i++) {
        if (sc->events[i].what == SCENARIO_HEAL && due_us(s, i) < end_us) {
            end_us = due_us(s, i);
            break;
        }
    }
    return end_us > now_us ? end_us - now_us : 1;
}

void scenario_restore(swarm *s)
{
    const scenario *sc = s->cfg->scenario;
    for (uint32_t i = 0; i < s->play.next; i++) {
        if (scenario_plays(s, i) && sc->events[i].what == SCENARIO_CUT) {
            part(s, &sc->events[i], &s->play.partitions[i]);
        }
    }
    scenario_set_links(s);
}

void scenario_heal(swarm *s)
{
    const scenario *sc = s->cfg->scenario;
    for (uint32_t i = 0; i < s->play.next; i++) {
        const scenario_event *e = &sc->events[i];
        if (scenario_plays(s, i) && clock_wrong(e)) {
            put_clocks_right(s, e);
        }
        s->play.until_us[i] = 0; /* faults_heal() ends the rest. */
    }
    const world_store *store = &s->w->server.store;
    if (store->syncing && store->sync.done_us > s->faults.kept_us) {
        s->faults.kept_us = store->sync.done_us; /* A good disk ends it no earlier. */
    }
    scenario_set_links(s);
    if (s->play.next < sc->events_len && sc->events[s->play.next].what == SCENARIO_HEAL &&
        due_us(s, s->play.next) <= world_now_us(s->w)) {
        s->counts.events++;
        s->play.next++;
    }
}
