#include "faults.h"

#include "swarm.h"

#define S UINT64_C(1000000)

const char *fault_text(fault f)
{
    static const char *const texts[FAULT_COUNT] = {
#define FAULT_TEXT(name, text) text,
        FAULT_LIST(FAULT_TEXT)
#undef FAULT_TEXT
    };
    return texts[f];
}

void faults_clock_changed(swarm *s)
{
    const uint64_t until_us = world_now_us(s->w) + 3 * S;
    s->faults.kept_us = s->faults.kept_us > until_us ? s->faults.kept_us : until_us;
}

ps_sim_link faults_fair(void)
{
    return (ps_sim_link){.latency_us = 20000, .jitter_us = 5000};
}

void faults_put_disk_right(swarm *s)
{
    ps_sim_disk_config good = {.size = sizeof good, .sync_us = 2000};
    good.lies = s->faults.lies_us != 0;
    s->faults.disk_us = 0;
    world_store_manners(s->w, &good);
}

void faults_server_down(swarm *s, uint64_t us)
{
    s->faults.server_us = world_now_us(s->w) + us;
}

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
    if (f->server_us == 0) {
        world_server_crash(s->w, PS_SIM_DISK_LOST);
        faults_server_down(s, f->dark_us);
    }
    ps_sim_disk_config honest = s->w->server.store.manners;
    honest.lies = false;
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
        faults_clock_changed(s);
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

void faults_work(swarm *s)
{
    faults *f = &s->faults;
    const uint64_t now_us = world_now_us(s->w);
    if (f->better_us <= now_us && f->better_us != 0) {
        const ps_sim_link link = faults_fair();
        f->better_us = 0;
        ps_sim_heal_all(s->w->sim);
        ps_sim_set_default_link(s->w->sim, &link);
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
    if (!s->quiet && f->next_us <= now_us) {
        draw_next(s);
    }
}

uint64_t faults_due_us(const swarm *s)
{
    const faults *f = &s->faults;
    uint64_t due_us = s->quiet ? PS_TIME_NEVER : f->next_us;
    const uint64_t others[5] = {f->better_us, f->server_us, f->clocks_us, f->disk_us, f->lies_us};
    for (size_t i = 0; i < 5; i++) {
        due_us = others[i] != 0 && others[i] < due_us ? others[i] : due_us;
    }
    return due_us;
}

void faults_heal(swarm *s)
{
    faults *f = &s->faults;
    const ps_sim_link link = faults_fair();
    f->better_us = 0;
    ps_sim_heal_all(s->w->sim);
    ps_sim_set_default_link(s->w->sim, &link);
    f->lies_us = 0;
    faults_put_disk_right(s);
    if (f->server_us != 0) {
        start_server(s);
    }
    put_clocks_right(s);
}
