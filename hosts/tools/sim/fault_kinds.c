/* What each fault does: all that is random in it comes from its own dice. */
#include "faults.h"

#include "swarm.h"

#include <inttypes.h>
#include <stdarg.h>
#include <string.h>

#define PS_SIM_PRINTF __attribute__((format(printf, 2, 3)))

#define S UINT64_C(1000000)

/* Adds to what people are told of this fault. */
PS_SIM_PRINTF static void about(swarm *s, const char *format, ...)
{
    faults *f = &s->faults;
    const size_t len = strlen(f->about);
    va_list list;
    va_start(list, format);
    (void)vsnprintf(f->about + len, sizeof f->about - len, format, list);
    va_end(list);
}

/* For people: ", loss 12.3 %". */
static void about_ppm(swarm *s, const char *what, uint32_t ppm)
{
    if (ppm >= 1000) {
        about(s, "%s%s %u.%u %%", s->faults.about[0] ? ", " : "", what, (unsigned)(ppm / 10000),
              (unsigned)(ppm / 1000 % 10));
    }
}

/* For people: " for 1.234 s". */
static void about_us(swarm *s, const char *before, uint64_t us)
{
    about(s, "%s%" PRIu64 ".%03" PRIu64 " s", before, us / S, us % S / 1000);
}

static uint64_t draw(swarm *s, uint64_t least, uint64_t most)
{
    return least + dice_throw(&s->faults.dice, most - least + 1);
}

static uint32_t draw_ppm(swarm *s, uint32_t most)
{
    return (uint32_t)draw(s, 0, most);
}

static uint32_t any_peer(swarm *s)
{
    return (uint32_t)draw(s, 0, s->cfg->peers - 1);
}

/* ---- the network ---- */

static void set_weather(swarm *s, const ps_sim_link *link)
{
    ps_sim_set_default_link(s->w->sim, link);
    const uint64_t us = draw(s, 3 * S, 20 * S);
    about_ppm(s, "loss", link->loss_ppm);
    about_ppm(s, "doubled", link->duplicate_ppm);
    about_ppm(s, "late", link->reorder_ppm);
    about_ppm(s, "cut short", link->truncate_ppm);
    about_ppm(s, "flipped", link->corrupt_ppm);
    about_ppm(s, "bursts", link->burst_ppm);
    if (link->rate_bytes_s > 0) {
        about(s, "%" PRIu64 " bytes a second", link->rate_bytes_s);
    }
    about_us(s, ", for ", us);
    s->faults.better_us = world_now_us(s->w) + us;
}

static void weather(swarm *s)
{
    ps_sim_link link = faults_fair(s);
    link.latency_us = (uint32_t)draw(s, 1000, 150000);
    link.jitter_us = (uint32_t)draw(s, 0, 50000);
    link.loss_ppm = draw_ppm(s, 350000);
    link.duplicate_ppm = draw_ppm(s, 100000);
    link.reorder_ppm = draw_ppm(s, 100000);
    link.reorder_us = (uint32_t)draw(s, 1, 2000000);
    link.truncate_ppm = draw_ppm(s, 20000);
    set_weather(s, &link);
}

static void corruption(swarm *s)
{
    ps_sim_link link = faults_fair(s);
    link.corrupt_ppm = draw_ppm(s, 200000) + 1000;
    set_weather(s, &link);
}

static void bursts(swarm *s)
{
    ps_sim_link link = faults_fair(s);
    link.burst_ppm = draw_ppm(s, 20000) + 1000;
    link.burst_end_ppm = draw_ppm(s, 200000) + 20000;
    set_weather(s, &link);
}

static void narrow(swarm *s)
{
    ps_sim_link link = faults_fair(s);
    link.rate_bytes_s = draw(s, 500, 5000);
    link.queue_bytes = (uint32_t)draw(s, 600, 6000);
    set_weather(s, &link);
}

/* Some peers, or the server, apart from all others. */
static void part(swarm *s, bool one_way)
{
    uint32_t some[64], others[64];
    size_t some_len = 0, others_len = 0;
    const uint64_t chance = draw(s, 1, 6);
    for (uint32_t node = 0; node <= s->cfg->peers && some_len < 64 && others_len < 64; node++) {
        if (draw(s, 0, 6) < chance) {
            some[some_len++] = node;
        } else {
            others[others_len++] = node;
        }
    }
    WORLD_REQUIRE(s->w, ps_sim_partition(s->w->sim, some, some_len, others, others_len, one_way,
                                         NULL) == PS_OK);
    const uint64_t us = draw(s, S / 2, 15 * S);
    about(s, "%s node %" PRIu32 " and %zu more from %zu others", one_way ? "what goes from" : "",
          some_len > 0 ? some[0] : 0, some_len > 0 ? some_len - 1 : 0, others_len);
    about_us(s, ", for ", us);
    s->faults.better_us = world_now_us(s->w) + us;
}

/* ---- processes ---- */

/* (Drawn one after the other: arguments have no order.) */
static bool crash_peer(swarm *s, bool forgets)
{
    const uint32_t peer = any_peer(s);
    const uint64_t us = draw(s, 0, 20 * S);
    about(s, "peer %" PRIu32, peer);
    about_us(s, ", for ", us);
    return swarm_crash(s, peer, us, forgets);
}

static bool pause_peer(swarm *s)
{
    const uint32_t peer = any_peer(s);
    const uint64_t us = draw(s, S / 20, 12 * S);
    about(s, "peer %" PRIu32, peer);
    about_us(s, ", for ", us);
    return faults_pause_peer(s, peer, us);
}

/* These say whether it happened: what is down already cannot go down. */
static bool kill_server(swarm *s, size_t lies)
{
    if (s->faults.server_us != 0) {
        return false;
    }
    const uint64_t us = draw(s, S / 100, 10 * S);
    if (lies > 0 && lies != SIZE_MAX) {
        about(s, "%zu records, ", lies);
    }
    about_us(s, "for ", us);
    return faults_kill_server(s, us, lies);
}

static bool keep_server(swarm *s, bool by_work, uint64_t us)
{
    about_us(s, "for ", us);
    return faults_keep_server(s, us, by_work);
}

static bool second_device(swarm *s)
{
    for (uint32_t i = 0; i < s->cfg->peers; i++) {
        const bool here = s->users[i].second && s->users[i].down_until_us == 0;
        if (here && world_peer_stats(s->w, i).state == PS_PEER_IDLE) {
            about(s, "peer %" PRIu32, i);
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
    const bool newest = draw(s, 0, 1) == 0;
    const uint64_t count = draw(s, 1, 64);
    about(s, "%" PRIu64 " of the %s ones", count, newest ? "newest" : "older");
    for (uint64_t k = 0; k < count && seen > 0; k++) {
        const uint64_t back = newest ? k % seen : draw(s, 0, seen - 1);
        const world_capture *c = &w->captured[(w->captured_len - 1 - back) % w->cfg.captures];
        const uint64_t whose = draw(s, 0, 3);
        const ps_addr peer = ps_sim_addr(w->sim, w->peers[any_peer(s)].node);
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
            initiate[2 + i] = secret[i] = (uint8_t)draw(s, 0, 255);
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
    const uint32_t peer = any_peer(s);
    about(s, "peer %" PRIu32, peer);
    faults_move_peer(s, peer);
}

/* ---- clocks: the server's, or a peer's ---- */

static void set_clock(swarm *s, const ps_sim_clock *clock)
{
    if (clock->jump_us != 0) {
        about_us(s, "by ", (uint64_t)(clock->jump_us < 0 ? -clock->jump_us : clock->jump_us));
        about(s, ", ");
    } else if (clock->drift_ppm != 0) {
        about(s, "%+d ppm, ", (int)clock->drift_ppm);
    }
    if (draw(s, 0, 2) == 0) {
        about(s, "the server");
        faults_set_clock(s, s->w->server.node, clock);
    } else {
        const uint32_t peer = any_peer(s);
        about(s, "peer %" PRIu32, peer);
        faults_set_clock(s, s->w->peers[peer].node, clock);
    }
}

static void clock_wrong(swarm *s, const ps_sim_clock *clock)
{
    set_clock(s, clock);
    const uint64_t us = draw(s, S, clock->stopped ? 6 * S : 60 * S);
    about_us(s, ", for ", us);
    s->faults.clocks_us = world_now_us(s->w) + us;
}

static void wall_clock(swarm *s)
{
    const int64_t by_s = (int64_t)draw(s, 0, 400000) - 200000;
    about(s, "by %+" PRId64 " s", by_s);
    world_server_clock(s->w, &(ps_sim_clock){.wall_jump_s = by_s});
    if (draw(s, 0, 1) == 0) { /* Nobody can tell the peers before they return. */
        about(s, ", server killed ");
        (void)kill_server(s, 0);
    }
}

static void full_disk(swarm *s)
{
    const uint64_t us = draw(s, S, 15 * S);
    about_us(s, "for ", us);
    s->w->server.store.fails_until_us = world_now_us(s->w) + us;
}

static void password(swarm *s)
{
    const uint32_t user = s->w->peers[any_peer(s)].user;
    about(s, "user %" PRIu32, user);
    world_account_passwd(s->w, user);
}

static void a_clock(swarm *s, fault f)
{
    if (f == FAULT_CLOCK_AHEAD) {
        set_clock(s, &(ps_sim_clock){.jump_us = (int64_t)draw(s, 1000, 3600 * S)});
    } else if (f == FAULT_CLOCK_BACK) {
        set_clock(s, &(ps_sim_clock){.jump_us = -(int64_t)draw(s, 1, 3600 * S)});
    } else if (f == FAULT_CLOCK_DRIFT) {
        clock_wrong(s, &(ps_sim_clock){.drift_ppm = (int32_t)draw(s, 0, 100000) - 50000});
    } else {
        clock_wrong(s, &(ps_sim_clock){.stopped = true});
    }
}

/* ---- all of them ---- */

bool faults_begin(swarm *s, fault f)
{
    world *w = s->w;
    switch (f) {
    case FAULT_WEATHER:
        weather(s);
        break;
    case FAULT_BURSTS:
        bursts(s);
        break;
    case FAULT_NARROW:
        narrow(s);
        break;
    case FAULT_PARTITION:
    case FAULT_ONE_WAY:
        part(s, f == FAULT_ONE_WAY);
        break;
    case FAULT_PEER_CRASH:
    case FAULT_PEER_AMNESIA:
        return crash_peer(s, f == FAULT_PEER_AMNESIA);
    case FAULT_SERVER_KILL:
        return kill_server(s, 0);
    case FAULT_SERVER_LIES:
        return kill_server(s, (size_t)draw(s, 1, 60));
    case FAULT_SERVER_WIPED:
        return kill_server(s, SIZE_MAX);
    case FAULT_SERVER_PAUSE:
        return keep_server(s, false, draw(s, S / 20, 12 * S));
    case FAULT_PEER_PAUSE:
        return pause_peer(s);
    case FAULT_CLOCK_AHEAD:
    case FAULT_CLOCK_BACK:
    case FAULT_CLOCK_DRIFT:
    case FAULT_CLOCK_STOPPED:
        a_clock(s, f);
        break;
    case FAULT_SLOW_DISK:
        w->server.store.delay_us = (uint32_t)draw(s, 1000, 3 * S);
        about_us(s, "a sync takes ", w->server.store.delay_us);
        break;
    case FAULT_FULL_DISK:
        full_disk(s);
        break;
    case FAULT_BUSY_SERVER:
        return keep_server(s, true, draw(s, 1000, 2 * S));
    case FAULT_SECOND_DEVICE:
        return second_device(s);
    case FAULT_CORRUPTION:
        corruption(s);
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
