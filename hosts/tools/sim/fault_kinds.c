/* What each fault does: all that is random in it comes from its own dice. */
#include "fault_kinds.h"

#include "swarm.h"

#include <inttypes.h>
#include <stdarg.h>
#include <string.h>

#define S UINT64_C(1000000)

void fault_about(swarm *s, const char *format, ...)
{
    faults *f = &s->faults;
    const size_t len = strlen(f->about);
    va_list list;
    va_start(list, format);
    (void)vsnprintf(f->about + len, sizeof f->about - len, format, list);
    va_end(list);
}

void fault_about_ppm(swarm *s, const char *what, uint32_t ppm)
{
    if (ppm >= 1000) {
        fault_about(s, "%s%s %u.%u %%", s->faults.about[0] ? ", " : "", what,
                    (unsigned)(ppm / 10000), (unsigned)(ppm / 1000 % 10));
    }
}

void fault_about_us(swarm *s, const char *before, uint64_t us)
{
    fault_about(s, "%s%" PRIu64 ".%03" PRIu64 " s", before, us / S, us % S / 1000);
}

uint64_t fault_draw(swarm *s, uint64_t least, uint64_t most)
{
    return least + dice_throw(&s->faults.dice, most - least + 1);
}

uint32_t fault_draw_ppm(swarm *s, uint32_t most)
{
    return (uint32_t)fault_draw(s, 0, most);
}

uint32_t fault_any_peer(swarm *s)
{
    return (uint32_t)fault_draw(s, 0, s->cfg->peers - 1);
}

/* ---- processes ---- */

/* (Drawn one after the other: arguments have no order.) */
static bool crash_peer(swarm *s, bool forgets)
{
    const uint32_t peer = fault_any_peer(s);
    const uint64_t us = fault_draw(s, 0, 20 * S);
    fault_about(s, "peer %" PRIu32, peer);
    fault_about_us(s, ", for ", us);
    return swarm_crash(s, peer, us, forgets);
}

static bool pause_peer(swarm *s)
{
    const uint32_t peer = fault_any_peer(s);
    const uint64_t us = fault_draw(s, S / 20, 12 * S);
    fault_about(s, "peer %" PRIu32, peer);
    fault_about_us(s, ", for ", us);
    return faults_pause_peer(s, peer, us);
}

/* These say whether it happened: what is down already cannot go down. */
static bool kill_server(swarm *s, bool wipe)
{
    static const char *const cuts[] = {"its power gone", "its power gone, the log torn",
                                       "its power gone, sectors lost", "its process only"};
    if (s->faults.server_us != 0) {
        return false;
    }
    const uint64_t us = fault_draw(s, S / 100, 10 * S);
    const fault_tail tail = (fault_tail)fault_draw(s, 0, FAULT_TAIL_KEPT);
    fault_about_us(s, "for ", us);
    fault_about(s, ", %s", cuts[tail]);
    return faults_kill_server(s, us, tail, wipe);
}

static bool lie(swarm *s)
{
    faults *f = &s->faults;
    if (f->server_us != 0 || f->lies_us != 0) {
        return false;
    }
    const uint64_t us = fault_draw(s, S / 10, 5 * S);
    f->dark_us = fault_draw(s, S / 100, 10 * S);
    f->lies_us = world_now_us(s->w) + us;
    fault_about_us(s, "for ", us);
    fault_about_us(s, ", then dark for ", f->dark_us);
    ps_sim_disk_config lying = s->w->server.store.manners;
    lying.lies = true;
    world_store_manners(s->w, &lying);
    return true;
}

static bool keep_server(swarm *s, bool by_work, uint64_t us)
{
    fault_about_us(s, "for ", us);
    return faults_keep_server(s, us, by_work);
}

static bool second_device(swarm *s)
{
    for (uint32_t i = 0; i < s->cfg->peers; i++) {
        const bool here = s->users[i].second && s->users[i].down_until_us == 0;
        if (here && world_peer_stats(s->w, i).state == PS_PEER_IDLE) {
            fault_about(s, "peer %" PRIu32, i);
            world_login(s->w, i);
            return true;
        }
    }
    return false;
}

/* ---- who listens, and who roams ---- */

/* What somebody has seen, the newest or older; half of it from elsewhere. */
static bool replay(swarm *s)
{
    world *w = s->w;
    const uint64_t seen = w->captured_len < w->cfg.captures ? w->captured_len : w->cfg.captures;
    const ps_addr nobody = {.ip = {192, 0, 2, 7}, .port = 9, .family = PS_ADDR_V4};
    const bool newest = fault_draw(s, 0, 1) == 0;
    const uint64_t count = fault_draw(s, 1, 64);
    fault_about(s, "%" PRIu64 " of the %s ones", count, newest ? "newest" : "older");
    for (uint64_t k = 0; k < count && seen > 0; k++) {
        const uint64_t back = newest ? k % seen : fault_draw(s, 0, seen - 1);
        const world_capture *c = &w->captured[(w->captured_len - 1 - back) % w->cfg.captures];
        const uint64_t whose = fault_draw(s, 0, 3);
        const ps_addr peer = ps_sim_addr(w->sim, w->peers[fault_any_peer(s)].node);
        world_send_as(w, whose == 0 ? &nobody : (whose == 1 ? &peer : &c->from), &c->to, c->data,
                      c->len);
    }
    return seen > 0;
}

#define FLOOD 300u

/* Good keys, and cookies that nobody has given out. */
static void flood(swarm *s)
{
    world *w = s->w;
    const ps_addr server = ps_sim_addr(w->sim, w->server.node);
    for (uint32_t k = 0; k < FLOOD; k++) {
        uint8_t initiate[256] = {READ_INITIATE, 1};
        uint8_t secret[PS_KEY_BYTES] = {0};
        for (size_t i = 0; i < 24; i++) { /* Client id and cookie. */
            initiate[2 + i] = secret[i] = (uint8_t)fault_draw(s, 0, 255);
        }
        const ps_addr from = {.ip = {192, 0, 2, secret[0]}, .port = 9, .family = PS_ADDR_V4};
        w->cfg.server.crypto->x25519_public(initiate + 26, secret);
        initiate[58] = 1; /* One version: */
        initiate[59] = 1;
        world_send_as(w, &from, &server, initiate, sizeof initiate);
    }
}

static void move_peer(swarm *s)
{
    const uint32_t peer = fault_any_peer(s);
    fault_about(s, "peer %" PRIu32, peer);
    faults_move_peer(s, peer);
}

/* ---- clocks: the server's, or a peer's ---- */

static void set_clock(swarm *s, const ps_sim_clock *clock)
{
    if (clock->jump_us != 0) {
        fault_about_us(s, "by ", (uint64_t)(clock->jump_us < 0 ? -clock->jump_us : clock->jump_us));
        fault_about(s, ", ");
    } else if (clock->drift_ppm != 0) {
        fault_about(s, "%+d ppm, ", (int)clock->drift_ppm);
    }
    if (fault_draw(s, 0, 2) == 0) {
        fault_about(s, "the server");
        faults_set_clock(s, s->w->server.node, clock);
    } else {
        const uint32_t peer = fault_any_peer(s);
        fault_about(s, "peer %" PRIu32, peer);
        faults_set_clock(s, s->w->peers[peer].node, clock);
    }
}

static void clock_wrong(swarm *s, const ps_sim_clock *clock)
{
    set_clock(s, clock);
    const uint64_t us = fault_draw(s, S, clock->stopped ? 6 * S : 60 * S);
    fault_about_us(s, ", for ", us);
    s->faults.clocks_us = world_now_us(s->w) + us;
}

static void wall_clock(swarm *s)
{
    const int64_t by_s = (int64_t)fault_draw(s, 0, 400000) - 200000;
    fault_about(s, "by %+" PRId64 " s", by_s);
    world_server_clock(s->w, &(ps_sim_clock){.wall_jump_s = by_s});
    if (fault_draw(s, 0, 1) == 0) { /* Nobody can tell the peers before they return. */
        fault_about(s, ", server killed ");
        (void)kill_server(s, false);
    }
}

/* Slow, full, or failing, which may be all the time. */
static void disk(swarm *s, fault f)
{
    ps_sim_disk_config bad = s->w->server.store.manners;
    ps_sim_disk_stats stats;
    ps_sim_disk_stats_get(s->w->server.store.disk, &stats);
    if (f == FAULT_SLOW_DISK) {
        bad.sync_us = (uint32_t)fault_draw(s, 1000, 3 * S);
        bad.rate_bytes_s = fault_draw(s, 20000, 2000000);
        fault_about_us(s, "a sync takes ", bad.sync_us);
    } else if (f == FAULT_FULL_DISK) {
        bad.capacity_bytes = stats.used_bytes + fault_draw(s, 1, 1000);
    } else {
        bad.forgets = fault_draw(s, 0, 1) == 0;
        const uint32_t ppm = fault_draw(s, 0, 1) == 0 ? 1000000 : fault_draw_ppm(s, 900000) + 1000;
        for (size_t i = 0; i < PS_SIM_DISK_OPS; i++) {
            bad.fail_ppm[i] = ppm;
        }
        fault_about_ppm(s, bad.forgets ? "forgets what fails" : "fails", ppm);
    }
    const uint64_t us = fault_draw(s, S, 15 * S);
    fault_about_us(s, " for ", us);
    s->faults.disk_us = world_now_us(s->w) + us;
    world_store_manners(s->w, &bad);
}

static void password(swarm *s)
{
    const uint32_t user = s->w->peers[fault_any_peer(s)].user;
    fault_about(s, "user %" PRIu32, user);
    world_account_passwd(s->w, user);
}

static void a_clock(swarm *s, fault f)
{
    if (f == FAULT_CLOCK_AHEAD) {
        set_clock(s, &(ps_sim_clock){.jump_us = (int64_t)fault_draw(s, 1000, 3600 * S)});
    } else if (f == FAULT_CLOCK_BACK) {
        set_clock(s, &(ps_sim_clock){.jump_us = -(int64_t)fault_draw(s, 1, 3600 * S)});
    } else if (f == FAULT_CLOCK_DRIFT) {
        clock_wrong(s, &(ps_sim_clock){.drift_ppm = (int32_t)fault_draw(s, 0, 100000) - 50000});
    } else {
        clock_wrong(s, &(ps_sim_clock){.stopped = true});
    }
}

/* ---- all of them ---- */

bool faults_begin(swarm *s, fault f)
{
    switch (f) {
    case FAULT_WEATHER:
        fault_weather(s);
        break;
    case FAULT_BURSTS:
        fault_bursts(s);
        break;
    case FAULT_NARROW:
        fault_narrow(s);
        break;
    case FAULT_PARTITION:
    case FAULT_ONE_WAY:
        fault_part(s, f == FAULT_ONE_WAY);
        break;
    case FAULT_PEER_CRASH:
    case FAULT_PEER_AMNESIA:
        return crash_peer(s, f == FAULT_PEER_AMNESIA);
    case FAULT_SERVER_KILL:
    case FAULT_SERVER_WIPED:
        return kill_server(s, f == FAULT_SERVER_WIPED);
    case FAULT_SERVER_LIES:
        return lie(s);
    case FAULT_SERVER_PAUSE:
        return keep_server(s, false, fault_draw(s, S / 20, 12 * S));
    case FAULT_PEER_PAUSE:
        return pause_peer(s);
    case FAULT_CLOCK_AHEAD:
    case FAULT_CLOCK_BACK:
    case FAULT_CLOCK_DRIFT:
    case FAULT_CLOCK_STOPPED:
        a_clock(s, f);
        break;
    case FAULT_SLOW_DISK:
    case FAULT_FULL_DISK:
    case FAULT_FAILING_DISK:
        disk(s, f);
        break;
    case FAULT_BUSY_SERVER:
        return keep_server(s, true, fault_draw(s, 1000, 2 * S));
    case FAULT_SECOND_DEVICE:
        return second_device(s);
    case FAULT_CORRUPTION:
        fault_corruption(s);
        break;
    case FAULT_MOVE:
        move_peer(s);
        break;
    case FAULT_REPLAY:
        return replay(s);
    case FAULT_FLOOD:
        flood(s);
        break;
    case FAULT_WALL_CLOCK:
        wall_clock(s);
        break;
    case FAULT_PASSWORD:
        password(s);
        break;
    case FAULT_COUNT:
    default:
        break;
    }
    return true;
}
