/* What somebody can do who sees all datagrams: send them again, turn bits over, make some up. */
#include "attacks.h"

#include <inttypes.h>
#include <string.h>

#define S  ATTACK_S
#define MS ATTACK_MS

/* ---- replay ---- */

typedef struct replayed {
    uint32_t to_server, to_peers; /* DATA. */
    uint32_t all;
} replayed;

static uint64_t peers_drops(const world *w, ps_drop why)
{
    uint64_t sum = 0;
    for (uint32_t i = 0; i < w->cfg.peers; i++) {
        sum += world_peer_stats(w, i).drops[why];
    }
    return sum;
}

/* The first `count` captured datagrams, in their order, some in each millisecond. */
static replayed replay_all(const attacks *a, world *w, uint64_t count)
{
    replayed r = {.all = 0};
    const ps_addr server = attack_server(w);
    for (uint64_t k = 0; k < count; k++) {
        const world_capture *c = &w->captured[k];
        const bool data = c->data[0] == READ_DATA;
        world_replay(w, c);
        r.all++;
        r.to_server += data && ps_addr_equal(&c->to, &server) ? 1u : 0u;
        r.to_peers += data && !ps_addr_equal(&c->to, &server) ? 1u : 0u;
        if (k % 10 == 9) {
            attack_run(a, w, MS);
        }
    }
    attack_run(a, w, 100 * MS);
    return r;
}

/* Nothing of it is believed by anybody: the model sees to the server, this to the rest. */
static void replay_unnoticed(const attacks *a, world *w, uint64_t count, bool same_keys)
{
    const ps_server_stats before = world_server_stats(w);
    const uint64_t peers_before = peers_drops(w, PS_DROP_REPLAY);
    const uint64_t gone = peers_drops(w, PS_DROP_NO_SESSION);
    const replayed r = replay_all(a, w, count);
    const ps_server_stats after = world_server_stats(w);
    const uint64_t again = after.drops[PS_DROP_REPLAY] - before.drops[PS_DROP_REPLAY];
    const uint64_t unknown = after.drops[PS_DROP_NO_SESSION] - before.drops[PS_DROP_NO_SESSION];
    WORLD_REQUIRE(w, again + unknown == r.to_server && (!same_keys || unknown == 0));
    WORLD_REQUIRE(w, peers_drops(w, PS_DROP_REPLAY) - peers_before +
                             (peers_drops(w, PS_DROP_NO_SESSION) - gone) >=
                         r.to_peers);
    WORLD_REQUIRE(w, after.sessions == w->cfg.peers && after.evictions == 0 && after.logouts == 1);
    WORLD_REQUIRE(w, after.publications == before.publications && after.moves == 0);
    attack_say(a, "", "%u datagrams again: %" PRIu64 " counted REPLAY, %" PRIu64
               " for keys of the past; nobody noticed", (unsigned)r.all, again, unknown);
}

void attack_replay(attacks *a)
{
    world_config cfg;
    attack_config(a, &cfg, 4);
    cfg.captures = 16384;
    cfg.peer.rekey_ms = 40000;
    world *w = world_new(&cfg);
    world_login(w, 3);
    WORLD_WAIT(w, 2 * S, w->peers[3].online);
    world_logout(w, 3); /* A LOGOUT is captured, too. */
    WORLD_WAIT(w, 2 * S, w->peers[3].logouts == 1);
    world_login_all(w);
    WORLD_REQUIRE(w, world_finish(w, world_publish(w, 0, "one")) == PS_E_NONE);
    WORLD_REQUIRE(w, world_finish(w, world_publish(w, 0, "two")) == PS_E_NONE);
    WORLD_REQUIRE(w, world_finish(w, world_unpublish(w, 0, "one")) == PS_E_NONE);
    WORLD_REQUIRE(w, world_finish(w, world_list_files(w, 1)) == PS_E_NONE);
    WORLD_REQUIRE(w, world_finish(w, world_locate(w, 2, "two")) == PS_E_NONE);
    attack_run(a, w, 5 * S);
    const uint64_t count = w->captured_len;
    attack_say(a, "replay", "4 peers log in, publish, list, locate; one has logged out between");
    replay_unnoticed(a, w, count, false);
    attack_run(a, w, 15 * S); /* Handshakes and logins are forgotten. */
    replay_unnoticed(a, w, count, false);
    attack_run(a, w, 40 * S); /* And now the keys are others. */
    replay_unnoticed(a, w, count, false);
    for (uint32_t i = 0; i < 4; i++) {
        WORLD_REQUIRE(w, w->peers[i].losses == 0 && w->peers[i].online);
        WORLD_REQUIRE(w, world_peer_stats(w, i).rekeys >= 1);
    }
    WORLD_REQUIRE(w, w->captured_len <= cfg.captures); /* Nothing was overwritten. */
    attack_end(a, w);
}

/* ---- bits turned over ---- */

typedef struct flip {
    unsigned type; /* Of the packet that is hit next; 0: none. */
    bool from_peer;
    size_t at, len;
} flip;

static bool flip_one(world *w, uint32_t node, ps_datagram *dg, uint8_t *data)
{
    flip *f = w->cfg.ctx;
    if (data[0] == f->type && (node != w->server.node) == f->from_peer) {
        f->len = dg->len;
        if (f->at < dg->len) {
            data[f->at] ^= (uint8_t)(1u << (f->at % 8));
        }
        f->type = 0;
    }
    return true;
}

/* A login: two round trips and a password. Then the first sending again. */
#define LOGIN_US  (4 * 20 * MS + 63 * MS)
#define RESEND_US (80 * MS)

typedef struct flipped {
    uint32_t packets, at_once;
    uint64_t slowest_us;
} flipped;

/* A login whose first packet of this kind is hit in byte `at`. @return the packet's length. */
static size_t flip_login(world *w, flip *f, unsigned type, bool from_peer, size_t at, flipped *r)
{
    const ps_server_stats before = world_server_stats(w);
    const uint64_t from_us = world_now_us(w);
    *f = (flip){.type = type, .from_peer = from_peer, .at = at};
    world_login(w, 0);
    WORLD_WAIT(w, 9 * S, w->peers[0].online || w->peers[0].refusals > 0);
    WORLD_REQUIRE(w, w->peers[0].online && f->type == 0);
    const uint64_t took_us = world_now_us(w) - from_us;
    WORLD_REQUIRE(w, world_server_stats(w).logins == before.logins + 1);
    const bool again = took_us >= LOGIN_US + RESEND_US;
    /* Nobody binds himself to the cookie: it is the server's own. */
    const bool cookie = type == READ_INITIATE && at >= 10 && at < 26;
    WORLD_REQUIRE(w, again != cookie);
    r->packets++;
    r->at_once += again ? 0u : 1u;
    r->slowest_us = took_us > r->slowest_us ? took_us : r->slowest_us;
    const uint32_t logouts = w->peers[0].logouts;
    world_logout(w, 0);
    WORLD_WAIT(w, 2 * S, w->peers[0].logouts == logouts + 1);
    return f->len;
}

static void flip_each(const attacks *a, world *w, flip *f, unsigned type, bool from_peer,
                      const char *what)
{
    flipped r = {.packets = 0};
    const uint64_t sealed = attack_drops(w, PS_DROP_SEAL) + peers_drops(w, PS_DROP_SEAL);
    size_t len = 1;
    for (size_t at = 0; at < len; at++) {
        len = flip_login(w, f, type, from_peer, at, &r);
    }
    WORLD_REQUIRE(w, r.packets == len);
    attack_say(a, "", "%-8s %3u bytes, a bit of each in turn: %u logins by retransmission, %u at "
                      "once, %" PRIu64 " broken seals; the slowest took %" PRIu64 ".%02" PRIu64
                      " s",
               what, (unsigned)len, (unsigned)(r.packets - r.at_once), (unsigned)r.at_once,
               attack_drops(w, PS_DROP_SEAL) + peers_drops(w, PS_DROP_SEAL) - sealed,
               ATTACK_SECONDS(r.slowest_us));
}

void attack_flips(attacks *a)
{
    world_config cfg;
    flip f = {.type = 0};
    attack_config(a, &cfg, 1);
    cfg.tamper = flip_one;
    cfg.ctx = &f;
    world *w = world_new(&cfg);
    attack_say(a, "flipped bits", "the first packet of its kind in a login");
    flip_each(a, w, &f, READ_INITIATE, true, "INITIATE");
    flip_each(a, w, &f, READ_RESPOND, false, "RESPOND");
    flip_each(a, w, &f, READ_DATA, true, "LOGIN");
    attack_end(a, w);
}

/* ---- spoofed sources ---- */

#define SPOOFS 20000u

static size_t make_up(const world *w, uint64_t *random, uint8_t *out)
{
    static const size_t lengths[] = {256, 256, 256, 17, 33, 42, 57, 100, 512, 1, 9, 255, 257, 1200};
    uint8_t secret[PS_KEY_BYTES] = {(uint8_t)*random};
    const size_t len = lengths[attack_random(random) % (sizeof lengths / sizeof lengths[0])];
    for (size_t i = 0; i < len; i++) {
        out[i] = (uint8_t)attack_random(random);
    }
    out[0] = (uint8_t)(len == 256 ? READ_INITIATE : attack_random(random) % 9);
    if (len == 256) {
        out[1] = (uint8_t)(attack_random(random) % 8 == 0 ? 9 : 1);
        memset(out + 58, 0, 256 - 58);
        out[58] = 1; /* One version is offered: */
        out[59] = out[1];
        if (attack_random(random) % 2 == 0) { /* Else the key is none. */
            w->cfg.server.crypto->x25519_public(out + 26, secret);
            memset(out + 10, 0, 16);
        }
    }
    return len;
}

void attack_spoofs(attacks *a)
{
    world_config cfg;
    uint8_t data[PS_DATAGRAM_MAX];
    uint64_t random = a->seed;
    attack_config(a, &cfg, 4);
    world *w = world_new(&cfg);
    const ps_addr server = attack_server(w);
    world_login_all(w);
    const uint64_t out = world_server_stats(w).datagrams_out;
    for (uint32_t k = 0; k < SPOOFS; k++) {
        const size_t len = make_up(w, &random, data);
        const uint64_t who = attack_random(&random) % 5000;
        const ps_addr peer = ps_sim_addr(w->sim, w->peers[who % 4].node);
        const ps_addr nobody = attack_nobody(who);
        world_send_as(w, who < 500 ? &peer : &nobody, &server, data, len);
        if (k % 20 == 19) {
            attack_run(a, w, MS);
        }
    }
    attack_run(a, w, S);
    const ps_server_stats stats = world_server_stats(w);
    WORLD_REQUIRE(w, stats.sessions == 4 && stats.evictions == 0 && stats.logins == 4);
    for (uint32_t i = 0; i < 4; i++) {
        WORLD_REQUIRE(w, w->peers[i].losses == 0);
    }
    attack_say(a, "spoofs", "%u datagrams of all kinds from 5,000 addresses, those of peers among "
                            "them: %" PRIu64 " answers, none longer than its question",
               SPOOFS, stats.datagrams_out - out);
    attack_end(a, w);
}

/* ---- RESETs ---- */

static void reset_to_peer(world *w, const uint8_t *packet)
{
    const ps_addr server = attack_server(w);
    const ps_addr peer = ps_sim_addr(w->sim, w->peers[0].node);
    uint8_t reset[17];
    memcpy(reset, packet, sizeof reset);
    reset[0] = READ_RESET;
    world_send_as(w, &server, &peer, reset, sizeof reset);
}

/* The last DATA that peer 0 has sent. */
static const world_capture *overheard(const world *w)
{
    const ps_addr peer = ps_sim_addr(w->sim, w->peers[0].node);
    for (uint64_t k = w->captured_len; k > 0; k--) {
        const world_capture *c = &w->captured[(k - 1) % w->cfg.captures];
        if (c->data[0] == READ_DATA && ps_addr_equal(&c->from, &peer)) {
            return c;
        }
    }
    return NULL;
}

#define RESET_SECONDS 20u

void attack_resets(attacks *a)
{
    world_config cfg;
    uint64_t random = a->seed;
    uint8_t packet[17];
    attack_config(a, &cfg, 2);
    cfg.captures = 256;
    world *w = world_new(&cfg);
    world_login_all(w);
    const uint64_t begun = world_peer_stats(w, 0).handshakes;
    for (uint32_t k = 0; k < 10000; k++) { /* By guessing: nothing happens. */
        for (size_t i = 0; i < sizeof packet; i++) {
            packet[i] = (uint8_t)attack_random(&random);
        }
        reset_to_peer(w, packet);
        if (k % 20 == 19) {
            attack_run(a, w, MS);
        }
    }
    WORLD_REQUIRE(w, world_peer_stats(w, 0).handshakes == begun);
    for (uint32_t k = 0; k < RESET_SECONDS * 100; k++) { /* By listening. */
        const world_capture *c = overheard(w);
        WORLD_REQUIRE(w, c != NULL);
        reset_to_peer(w, c->data);
        attack_run(a, w, 10 * MS);
    }
    const ps_peer_stats stats = world_peer_stats(w, 0);
    WORLD_REQUIRE(w, stats.handshakes - begun <= RESET_SECONDS + 1 && stats.handshakes > begun);
    WORLD_REQUIRE(w, w->peers[0].losses == 0 && world_server_stats(w).evictions == 0);
    attack_run(a, w, 5 * S);
    WORLD_REQUIRE(w, w->peers[0].online && stats.state == PS_PEER_ONLINE);
    WORLD_REQUIRE(w, world_finish(w, world_list_peers(w, 0)) == PS_E_NONE);
    attack_say(a, "resets", "10,000 by guessing: no handshake; %u overheard in %u s: %" PRIu64
                            " handshakes, no session lost",
               RESET_SECONDS * 100, RESET_SECONDS, stats.handshakes - begun);
    attack_end(a, w);
}
