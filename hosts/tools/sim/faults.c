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

static uint64_t draw(const swarm *s, uint64_t least, uint64_t most)
{
    return least + ps_sim_random(s->w->sim, most - least + 1);
}

static uint32_t draw_ppm(const swarm *s, uint32_t most)
{
    return (uint32_t)ps_sim_random(s->w->sim, most + 1u);
}

static uint32_t any_peer(const swarm *s)
{
    return (uint32_t)ps_sim_random(s->w->sim, s->cfg->peers);
}

/* ---- the network ---- */

static ps_sim_link fair(void)
{
    return (ps_sim_link){.latency_us = 20000, .jitter_us = 5000};
}

static void set_weather(swarm *s, const ps_sim_link *link)
{
    ps_sim_set_default_link(s->w->sim, link);
    s->faults.better_us = world_now_us(s->w) + draw(s, 3 * S, 20 * S);
}

static void weather(swarm *s)
{
    ps_sim_link link = fair();
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
    ps_sim_link link = fair();
    link.corrupt_ppm = draw_ppm(s, 200000) + 1000;
    set_weather(s, &link);
}

static void bursts(swarm *s)
{
    ps_sim_link link = fair();
    link.burst_ppm = draw_ppm(s, 20000) + 1000;
    link.burst_end_ppm = draw_ppm(s, 200000) + 20000;
    set_weather(s, &link);
}

static void narrow(swarm *s)
{
    ps_sim_link link = fair();
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
        if (ps_sim_random(s->w->sim, 7) < chance) {
            some[some_len++] = node;
        } else {
            others[others_len++] = node;
        }
    }
    WORLD_REQUIRE(s->w, ps_sim_partition(s->w->sim, some, some_len, others, others_len, one_way,
                                         NULL) == PS_OK);
    s->faults.better_us = world_now_us(s->w) + draw(s, S / 2, 15 * S);
}

/* ---- processes ---- */

/* (Drawn one after the other: arguments have no order.) */
static bool crash_peer(swarm *s, bool forgets)
{
    const uint32_t peer = any_peer(s);
    return swarm_crash(s, peer, draw(s, 0, 20 * S), forgets);
}

static bool pause_peer(swarm *s)
{
    const uint32_t peer = any_peer(s);
    const uint64_t us = draw(s, S / 20, 12 * S);
    const uint64_t until_us = world_now_us(s->w) + us;
    if (s->users[peer].down_until_us != 0) {
        return false;
    }
    ps_sim_pause(s->w->sim, s->w->peers[peer].node, us);
    s->faults.kept_us = s->faults.kept_us > until_us ? s->faults.kept_us : until_us;
    return true;
}

/* These say whether it happened: what is down already cannot go down. */
static bool kill_server(swarm *s, size_t lies)
{
    if (s->faults.server_us != 0) {
        return false;
    }
    world_server_crash(s->w, lies);
    s->faults.server_us = world_now_us(s->w) + draw(s, S / 100, 10 * S);
    return true;
}

static bool keep_server(swarm *s, bool by_work, uint64_t us)
{
    const uint64_t now_us = world_now_us(s->w);
    if (s->faults.server_us != 0) {
        return false;
    }
    /* Work that a pause interrupts ends later by it. */
    s->faults.kept_us = (s->faults.kept_us > now_us ? s->faults.kept_us : now_us) + us;
    if (by_work) {
        world_server_work(s->w, us);
    } else {
        world_server_pause(s->w, us);
    }
    return true;
}

static void start_server(swarm *s)
{
    s->faults.server_us = 0;
    world_server_boot(s->w);
}

static bool second_device(swarm *s)
{
    for (uint32_t i = 0; i < s->cfg->peers; i++) {
        const bool here = s->users[i].second && s->users[i].down_until_us == 0;
        if (here && world_peer_stats(s->w, i).state == PS_PEER_IDLE) {
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
    for (uint64_t k = 0; k < count && seen > 0; k++) {
        const uint64_t back = newest ? k % seen : draw(s, 0, seen - 1);
        const world_capture *c =
            &w->captured[(w->captured_len - 1 - back) % w->cfg.captures];
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

/* Who moves while he logs in begins anew when the server does not answer. */
#define LOGIN_ANEW_US (17 * S)

static void move_peer(swarm *s)
{
    const uint32_t peer = any_peer(s);
    const uint64_t until_us = world_now_us(s->w) + LOGIN_ANEW_US;
    world_peer_move(s->w, peer);
    s->faults.kept_us = s->faults.kept_us > until_us ? s->faults.kept_us : until_us;
}

/* ---- clocks: the server's, or a peer's ---- */

/* A peer whose clock stood still does not know that time has passed, and learns with its next
 * heartbeat what the server thinks of that. */
static void clock_changed(swarm *s)
{
    const uint64_t until_us = world_now_us(s->w) + 3 * S;
    s->faults.kept_us = s->faults.kept_us > until_us ? s->faults.kept_us : until_us;
}

static void set_clock(swarm *s, const ps_sim_clock *clock)
{
    clock_changed(s);
    if (ps_sim_random(s->w->sim, 3) == 0) {
        world_server_clock(s->w, clock);
    } else {
        const uint32_t node = s->w->peers[any_peer(s)].node;
        WORLD_REQUIRE(s->w, ps_sim_set_clock(s->w->sim, node, clock) == PS_OK);
    }
}

static void clock_wrong(swarm *s, const ps_sim_clock *clock)
{
    set_clock(s, clock);
    s->faults.clocks_us = world_now_us(s->w) + draw(s, S, clock->stopped ? 6 * S : 60 * S);
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
        clock_changed(s);
    }
    s->faults.clocks_us = 0;
}

/* ---- all of them ---- */

/* False: it could not be now. */
static bool begin(swarm *s, fault f)
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
        part(s, false);
        break;
    case FAULT_ONE_WAY:
        part(s, true);
        break;
    case FAULT_PEER_CRASH:
        return crash_peer(s, false);
    case FAULT_PEER_AMNESIA:
        return crash_peer(s, true);
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
        set_clock(s, &(ps_sim_clock){.jump_us = (int64_t)draw(s, 1000, 3600 * S)});
        break;
    case FAULT_CLOCK_BACK:
        set_clock(s, &(ps_sim_clock){.jump_us = -(int64_t)draw(s, 1, 3600 * S)});
        break;
    case FAULT_CLOCK_DRIFT:
        clock_wrong(s, &(ps_sim_clock){.drift_ppm = (int32_t)draw(s, 0, 100000) - 50000});
        break;
    case FAULT_CLOCK_STOPPED:
        clock_wrong(s, &(ps_sim_clock){.stopped = true});
        break;
    case FAULT_SLOW_DISK:
        w->server.store.delay_us = (uint32_t)draw(s, 1000, 3 * S);
        break;
    case FAULT_FULL_DISK:
        w->server.store.fails_until_us = world_now_us(w) + draw(s, S, 15 * S);
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
        world_server_clock(
            w, &(ps_sim_clock){.wall_jump_s = (int64_t)draw(s, 0, 400000) - 200000});
        if (draw(s, 0, 1) == 0) { /* Nobody can tell the peers before they return. */
            (void)kill_server(s, 0);
        }
        break;
    case FAULT_PASSWORD:
        world_account_passwd(w, w->peers[any_peer(s)].user);
        break;
    case FAULT_COUNT:
    default:
        break;
    }
    return true;
}

void faults_work(swarm *s)
{
    faults *f = &s->faults;
    const uint64_t now_us = world_now_us(s->w);
    if (f->better_us <= now_us && f->better_us != 0) {
        const ps_sim_link link = fair();
        f->better_us = 0;
        ps_sim_heal_all(s->w->sim);
        ps_sim_set_default_link(s->w->sim, &link);
        s->w->server.store.delay_us = 2000;
    }
    if (f->server_us != 0 && f->server_us <= now_us) {
        start_server(s);
    }
    if (f->clocks_us != 0 && f->clocks_us <= now_us) {
        put_clocks_right(s);
    }
    if (!s->quiet && f->next_us <= now_us) {
        const fault next = (fault)ps_sim_random(s->w->sim, FAULT_COUNT);
        f->counts[next] += begin(s, next) ? 1u : 0u;
        f->next_us = now_us + draw(s, S / 2, 12 * S);
    }
}

uint64_t faults_due_us(const swarm *s)
{
    const faults *f = &s->faults;
    uint64_t due_us = s->quiet ? PS_TIME_NEVER : f->next_us;
    const uint64_t others[3] = {f->better_us, f->server_us, f->clocks_us};
    for (size_t i = 0; i < 3; i++) {
        due_us = others[i] != 0 && others[i] < due_us ? others[i] : due_us;
    }
    return due_us;
}

void faults_heal(swarm *s)
{
    faults *f = &s->faults;
    const ps_sim_link link = fair();
    f->better_us = 0;
    ps_sim_heal_all(s->w->sim);
    ps_sim_set_default_link(s->w->sim, &link);
    s->w->server.store.delay_us = 2000;
    s->w->server.store.fails_until_us = 0;
    if (f->server_us != 0) {
        start_server(s);
    }
    put_clocks_right(s);
}
