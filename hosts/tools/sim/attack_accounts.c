/* What voids a ticket: time, a new password, an account that is gone. */
#include "attacks.h"

#include <inttypes.h>

#define S  ATTACK_S
#define MS ATTACK_MS

#define DAY INT64_C(86400)

static void wall(world *w, int64_t jump_s)
{
    world_server_clock(w, &(ps_sim_clock){.wall_jump_s = jump_s});
}

/* Cut off until it has noticed, then let back in. @return how long the way back took. */
static uint64_t lose_and_return(const attacks *a, world *w, uint32_t i)
{
    uint32_t cut;
    const uint32_t logins = w->peers[i].logins;
    WORLD_REQUIRE(w, ps_sim_partition(w->sim, &w->peers[i].node, 1, &w->server.node, 1, false,
                                      &cut) == PS_OK);
    attack_run(a, w, 4 * S);
    WORLD_REQUIRE(w, !w->peers[i].online);
    ps_sim_heal(w->sim, cut);
    const uint64_t from_us = world_now_us(w);
    WORLD_WAIT(w, 5 * S, w->peers[i].online || w->peers[i].refusals > 0);
    WORLD_REQUIRE(w, !w->peers[i].online || w->peers[i].logins == logins + 1);
    return world_now_us(w) - from_us;
}

void attack_clocks(attacks *a)
{
    static const int64_t jumps[] = {0, 3600, 2 * DAY, -3 * DAY, 90 * DAY, -DAY, 150, -150};
    world_config cfg;
    attack_config(a, &cfg, 2);
    world *w = world_new(&cfg);
    uint64_t slowest_us = 0;
    uint32_t passwords = 0;
    world_login_all(w);
    for (size_t k = 0; k < sizeof jumps / sizeof jumps[0]; k++) {
        const uint64_t tickets = world_server_stats(w).resumptions;
        const uint64_t verified = w->server.pool.verified;
        wall(w, jumps[k]);
        const uint64_t took_us = lose_and_return(a, w, 0);
        WORLD_REQUIRE(w, w->peers[0].online);
        slowest_us = took_us > slowest_us ? took_us : slowest_us;
        /* Longer on than a ticket lives, or so far back that it would live longer: the password. */
        const bool expired = jumps[k] > DAY || jumps[k] < -3600;
        WORLD_REQUIRE(w, w->server.pool.verified == verified + (expired ? 1u : 0u));
        WORLD_REQUIRE(w, world_server_stats(w).resumptions == tickets + (expired ? 0u : 1u));
        passwords += expired ? 1u : 0u;
    }
    /* Cookies: one that is made before a rotation and shown after it. */
    w->cfg.server.open_per_s = 0;
    world_server_crash(w, PS_SIM_DISK_LOST);
    attack_run(a, w, 100 * MS);
    world_server_boot(w);
    for (uint32_t k = 0; k < 20; k++) {
        world_peer_crash(w, 1);
        world_peer_boot(w, 1);
        world_login(w, 1);
        attack_run(a, w, 25 * MS); /* Its INITIATE has been answered RETRY. */
        wall(w, k % 2 == 0 ? 100 : -40);
        WORLD_WAIT(w, 3 * S, w->peers[1].online);
    }
    WORLD_REQUIRE(w, world_server_stats(w).retries >= 20);
    attack_say(a, "clocks",
               "the wall clock set on and back by up to 90 days, 8 times: %u returns "
               "by password, the others by ticket, in %" PRIu64 ".%02" PRIu64 " s at most",
               (unsigned)passwords, ATTACK_SECONDS(slowest_us));
    attack_say(a, "", "20 logins whose cookie is rotated between RETRY and INITIATE: all in");
    attack_end(a, w);
}

void attack_accounts(attacks *a)
{
    world_config cfg;
    attack_config(a, &cfg, 4);
    world *w = world_new(&cfg);
    world_login_all(w);
    /* The same password, stored anew: the ticket is void, the password is not. */
    const uint64_t verified = w->server.pool.verified;
    const uint64_t resumed = world_server_stats(w).resumptions;
    world_account_rehash(w, 3);
    (void)lose_and_return(a, w, 3);
    WORLD_REQUIRE(w, w->peers[3].online && w->peers[3].refusals == 0);
    WORLD_REQUIRE(w, w->server.pool.verified == verified + 1);
    WORLD_REQUIRE(w, world_server_stats(w).resumptions == resumed && w->server.by_ticket == 1);
    /* A new password: the ticket is void, and so is the password that the peer remembers. */
    world_account_passwd(w, 0);
    (void)lose_and_return(a, w, 0);
    WORLD_REQUIRE(w, w->peers[0].refusals == 1 && w->peers[0].error == PS_E_CREDENTIALS);
    world_login(w, 0); /* Its user types the new one. */
    WORLD_WAIT(w, 3 * S, w->peers[0].online);
    /* An account that is gone: out at once, and not in again by anything. */
    world_account_remove(w, 1);
    WORLD_WAIT(w, S, world_server_stats(w).sessions == 3);
    WORLD_REQUIRE(w, world_server_stats(w).expulsions == 1);
    WORLD_WAIT(w, 4 * S, w->peers[1].refusals == 1);
    WORLD_REQUIRE(w, w->peers[1].error == PS_E_CREDENTIALS);
    world_login(w, 1);
    WORLD_WAIT(w, 3 * S, w->peers[1].refusals == 2);
    world_account_add(w, 1);
    world_login(w, 1);
    WORLD_WAIT(w, 3 * S, w->peers[1].online);
    /* In the middle of a login. */
    world_logout(w, 2);
    WORLD_WAIT(w, 2 * S, w->peers[2].logouts == 1);
    world_login(w, 2);
    attack_run(a, w, 110 * MS); /* Its password is being verified. */
    WORLD_REQUIRE(w, world_server_stats(w).pending_logins == 1);
    world_account_remove(w, 2);
    attack_run(a, w, 12 * S);
    WORLD_REQUIRE(w, !w->peers[2].online && w->peers[2].refusals == 1);
    WORLD_REQUIRE(w, w->peers[3].losses == 1);
    attack_say(a, "accounts",
               "a password that is stored anew voids the ticket, and lets in; a new one voids "
               "both; a removed user is out at once, and "
               "stays out by ticket, by password and in the middle of a login");
    attack_end(a, w);
}
