#include "faults.h"

#include "swarm.h"

#define S UINT64_C(1000000)

const char *const fault_words[FAULT_COUNT + 1] = {
#define FAULT_WORD(name, word, text) word,
    FAULT_LIST(FAULT_WORD)
#undef FAULT_WORD
        NULL};

const char *fault_text(fault f)
{
    static const char *const texts[FAULT_COUNT] = {
#define FAULT_TEXT(name, word, text) text,
        FAULT_LIST(FAULT_TEXT)
#undef FAULT_TEXT
    };
    return texts[f];
}

/* From now on, somebody may be kept from his work for so long. */
static void keep(swarm *s, uint64_t us)
{
    const uint64_t until_us = world_now_us(s->w) + us;
    s->faults.kept_us = s->faults.kept_us > until_us ? s->faults.kept_us : until_us;
}

ps_sim_link faults_fair(const swarm *s)
{
    return s->cfg->scenario ? scenario_fair(&s->cfg->scenario->link)
                            : (ps_sim_link){.latency_us = 20000, .jitter_us = 5000};
}

ps_sim_disk_config faults_good_disk(void)
{
    return (ps_sim_disk_config){.size = sizeof(ps_sim_disk_config), .sync_us = SWARM_SYNC_US};
}

static ps_sim_disk_config usual_disk(const swarm *s)
{
    return s->cfg->scenario ? scenario_disk(s) : faults_good_disk();
}

void faults_put_disk_right(swarm *s)
{
    ps_sim_disk_config usual = usual_disk(s);
    usual.lies = usual.lies || s->faults.lies_us != 0;
    s->faults.disk_us = 0;
    world_store_manners(s->w, &usual);
}

/* ---- what somebody decided ---- */

bool faults_pause_peer(swarm *s, uint32_t peer, uint64_t us)
{
    if (s->users[peer].down_until_us != 0) {
        return false;
    }
    ps_sim_pause(s->w->sim, s->w->peers[peer].node, us);
    keep(s, us);
    return true;
}

bool faults_keep_server(swarm *s, uint64_t us, bool by_work)
{
    faults *f = &s->faults;
    const uint64_t now_us = world_now_us(s->w);
    if (f->server_us != 0) {
        return false;
    }
    /* Work that a pause interrupts ends later by it. */
    f->kept_us = (f->kept_us > now_us ? f->kept_us : now_us) + us;
    if (by_work) {
        world_server_work(s->w, us);
    } else {
        world_server_pause(s->w, us);
    }
    return true;
}

bool faults_kill_server(swarm *s, uint64_t us, fault_tail tail, bool wipe)
{
    if (s->faults.server_us != 0) {
        return false;
    }
    if (tail == FAULT_TAIL_KEPT) {
        world_server_kill(s->w);
    } else {
        world_server_crash(s->w, (ps_sim_disk_tail)tail);
    }
    if (wipe) {
        world_store_wipe(s->w);
    }
    s->faults.server_us = world_now_us(s->w) + us;
    return true;
}

/* A peer whose clock stood still does not know that time has passed, and learns with its next
 * heartbeat what the server thinks of that. */
#define CLOCK_US (3 * S)

void faults_set_clock(swarm *s, uint32_t node, const ps_sim_clock *clock)
{
    keep(s, CLOCK_US);
    if (node == s->w->server.node) {
        world_server_clock(s->w, clock);
    } else {
        WORLD_REQUIRE(s->w, ps_sim_set_clock(s->w->sim, node, clock) == PS_OK);
    }
}

/* Who moves while he logs in begins anew when the server does not answer. */
#define LOGIN_ANEW_US (17 * S)

void faults_move_peer(swarm *s, uint32_t peer)
{
    world_peer_move(s->w, peer);
    keep(s, LOGIN_ANEW_US);
}

/* ---- the schedule ---- */

/* Whoever looks after the server tries again while its disk does not let it start. */
static void start_server(swarm *s)
{
    faults *f = &s->faults;
    const uint64_t now_us = world_now_us(s->w);
    if (!world_server_boot(s->w)) {
        f->server_us = now_us + S;
        return;
    }
    const uint64_t loaded_us = s->w->server.store.loaded_us;
    f->server_us = 0;
    f->kept_us = f->kept_us > loaded_us ? f->kept_us : loaded_us;
}

/* The power goes: what the disk has said that it wrote is not there. */
static void end_lies(swarm *s)
{
    faults *f = &s->faults;
    f->lies_us = 0;
    (void)faults_kill_server(s, f->dark_us, FAULT_TAIL_LOST, false);
    ps_sim_disk_config honest = s->w->server.store.manners;
    honest.lies = usual_disk(s).lies;
    world_store_manners(s->w, &honest);
}

/* Wall clocks stay where they are: what they show means nothing to anybody. */
static void put_clocks_right(swarm *s)
{
    static const ps_sim_clock right = {.jump_us = 0};
    world_server_clock(s->w, &right);
    for (uint32_t i = 0; i < s->cfg->peers; i++) {
        (void)ps_sim_set_clock(s->w->sim, s->w->peers[i].node, &right);
    }
    if (s->faults.clocks_us != 0) {
        keep(s, CLOCK_US);
    }
    s->faults.clocks_us = 0;
}

/* Numbers go on whether a fault is left out or not, and so does the time. */
static void draw_next(swarm *s)
{
    faults *f = &s->faults;
    f->dice = dice_of(s->cfg->seed, DICE_FAULT, ++f->number);
    f->next_us = world_now_us(s->w) + S / 2 + dice_throw(&f->dice, 12 * S - S / 2 + 1);
    const fault next = (fault)dice_throw(&f->dice, FAULT_COUNT);
    if (selection_has(&s->cfg->left_out, f->number)) {
        return;
    }
    f->about[0] = '\0';
    const bool begun = faults_begin(s, next);
    f->counts[next] += begun ? 1u : 0u;
    if (begun && s->cfg->fault) {
        s->cfg->fault(s->cfg->ctx, s, next);
    }
}

/* Faults come by chance now. */
static bool draws(const swarm *s)
{
    return !s->quiet && (s->cfg->scenario == NULL || s->cfg->scenario->cruel);
}

static void mend_network(swarm *s)
{
    const ps_sim_link link = faults_fair(s);
    s->faults.better_us = 0;
    ps_sim_heal_all(s->w->sim);
    ps_sim_set_default_link(s->w->sim, &link);
}

void faults_work(swarm *s)
{
    faults *f = &s->faults;
    const uint64_t now_us = world_now_us(s->w);
    if (f->better_us <= now_us && f->better_us != 0) {
        mend_network(s);
        if (s->cfg->scenario) {
            scenario_restore(s);
        }
    }
    if (f->disk_us != 0 && f->disk_us <= now_us) {
        faults_put_disk_right(s);
    }
    if (f->lies_us != 0 && f->lies_us <= now_us) {
        end_lies(s);
    }
    if (f->server_us != 0 && f->server_us <= now_us) {
        start_server(s);
    }
    if (f->clocks_us != 0 && f->clocks_us <= now_us) {
        put_clocks_right(s);
    }
    if (draws(s) && f->next_us <= now_us) {
        draw_next(s);
    }
}

uint64_t faults_due_us(const swarm *s)
{
    const faults *f = &s->faults;
    uint64_t due_us = draws(s) ? f->next_us : PS_TIME_NEVER;
    const uint64_t others[5] = {f->better_us, f->server_us, f->clocks_us, f->disk_us, f->lies_us};
    for (size_t i = 0; i < 5; i++) {
        due_us = others[i] != 0 && others[i] < due_us ? others[i] : due_us;
    }
    return due_us;
}

void faults_heal(swarm *s)
{
    faults *f = &s->faults;
    mend_network(s);
    if (s->cfg->scenario) {
        scenario_heal(s);
    }
    f->lies_us = 0;
    faults_put_disk_right(s);
    if (f->server_us != 0) {
        start_server(s);
    }
    put_clocks_right(s);
}
