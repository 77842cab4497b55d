/* Addresses: a peer that roams, and somebody who says that a victim's is his. */
#include "attacks.h"

#include <inttypes.h>
#include <string.h>

#define S  ATTACK_S
#define MS ATTACK_MS

#define FILES 400u
#define MOVES 5u

void attack_roam(attacks *a)
{
    world_config cfg;
    attack_config(a, &cfg, 3);
    cfg.server.max_publications = cfg.server.max_user_publications = 2 * FILES;
    cfg.peer.max_publications = FILES;
    cfg.peer.name_bytes = cfg.server.name_bytes = FILES * 64;
    world *w = world_new(&cfg);
    world_login_all(w);
    for (uint32_t k = 0; k < FILES; k++) {
        char name[64];
        (void)snprintf(name, sizeof name, "a file with a long name, number %u", (unsigned)k);
        (void)world_publish(w, 1, name);
    }
    WORLD_WAIT(w, 20 * S, w->peers[1].open == 0);
    uint64_t slowest_us = 0;
    for (uint32_t k = 0; k < MOVES; k++) {
        world_command *c = world_list_files(w, 0);
        attack_run(a, w, 100 * MS + k * 37 * MS); /* Some pages have come. */
        WORLD_REQUIRE(w, !c->done && c->lines_len > 0);
        world_peer_move(w, 0);
        WORLD_REQUIRE(w, world_finish(w, c) == PS_E_NONE && c->lines_len == FILES);
        const uint64_t took_us = c->done_us - c->issued_us;
        slowest_us = took_us > slowest_us ? took_us : slowest_us;
    }
    WORLD_REQUIRE(w, world_server_stats(w).moves == MOVES && w->peers[0].losses == 0);
    WORLD_REQUIRE(w, world_peer_stats(w, 0).handshakes == 1); /* It is the same session. */
    attack_say(a, "roaming", "an address that changes in the middle of a listing, %u times: all "
               "%u lines came, each once, in %" PRIu64 ".%02" PRIu64 " s at most; no login anew",
               MOVES, FILES, ATTACK_SECONDS(slowest_us));
    attack_end(a, w);
}

/* ---- a victim's address ---- */

typedef struct claim {
    bool on;
    ps_addr victim;
    uint32_t claimed; /* Fresh packets, seen to the server as the victim's. */
    size_t shortest;
} claim;

/* Takes what peer 0 sends off the way, and sends it on as if it came from the victim. */
static bool claim_one(world *w, uint32_t node, ps_datagram *dg, uint8_t *data)
{
    claim *c = w->cfg.ctx;
    if (!c->on || node != w->peers[0].node || data[0] != READ_DATA) {
        return true;
    }
    c->claimed++;
    c->shortest = c->shortest == 0 || dg->len < c->shortest ? dg->len : c->shortest;
    world_send_as(w, &c->victim, &dg->to, data, dg->len);
    return false;
}

#define CHALLENGE_BYTES (17u + 8u + 8u + 16u)

static void claim_and_check(attacks *a, const ps_addr *whose, const char *what)
{
    world_config cfg;
    claim c = {.on = false};
    attack_config(a, &cfg, 3);
    cfg.tamper = claim_one;
    cfg.captures = 1024;
    cfg.ctx = &c;
    world *w = world_new(&cfg);
    world_login_all(w);
    WORLD_REQUIRE(w, world_finish(w, world_publish(w, 0, "bait")) == PS_E_NONE);
    c.victim = whose ? *whose : ps_sim_addr(w->sim, w->peers[2].node);
    const proof_addr *victim = proof_of(&w->proof, &c.victim);
    const uint64_t before = victim ? victim->out : 0;
    const uint64_t out = world_server_stats(w).datagrams_out;
    WORLD_REQUIRE(w, before == 0 || victim->proven);
    c.on = true;
    attack_run(a, w, 2900 * MS);
    c.on = false;
    const uint32_t claimed = c.claimed;
    WORLD_REQUIRE(w, claimed > 0 && c.shortest >= CHALLENGE_BYTES);
    victim = proof_of(&w->proof, &c.victim);
    WORLD_REQUIRE(w, victim != NULL);
    WORLD_REQUIRE(w, victim->proven || victim->out <= (uint64_t)claimed * CHALLENGE_BYTES);
    WORLD_REQUIRE(w, world_server_stats(w).moves == 0);
    /* What was seen once brings nothing more. */
    const uint64_t challenged = victim->out;
    const ps_addr server = attack_server(w);
    for (uint64_t k = 0; k < w->captured_len && k < cfg.captures; k++) {
        if (w->captured[k].data[0] == READ_DATA && ps_addr_equal(&w->captured[k].to, &server)) {
            world_send_as(w, &c.victim, &server, w->captured[k].data, w->captured[k].len);
        }
    }
    attack_run(a, w, 200 * MS);
    WORLD_REQUIRE(w, proof_of(&w->proof, &c.victim)->out == challenged);
    /* And nobody is sent there: the model looks at each source. */
    world_command *located = world_locate(w, 1, "bait");
    WORLD_REQUIRE(w, world_finish(w, located) == PS_E_NONE && located->lines_len == 1);
    attack_run(a, w, 5 * S);
    WORLD_REQUIRE(w, w->peers[0].online && w->peers[2].losses == 0);
    attack_say(a, "", "%s: %u fresh packets seem to come from there; %" PRIu64
               " datagrams of the server in all, none there but %u-byte CHALLENGEs; no move",
               what, (unsigned)claimed, world_server_stats(w).datagrams_out - out,
               CHALLENGE_BYTES);
    attack_end(a, w);
}

void attack_claim(attacks *a)
{
    const ps_addr nobody = attack_nobody(7);
    attack_say(a, "claims", "somebody on the way says that a victim's address is a peer's");
    claim_and_check(a, &nobody, "a stranger's");
    claim_and_check(a, NULL, "another peer's");
}
