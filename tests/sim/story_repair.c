/* Logs that differ: what a peer or a server forgot is mended, and no more is sent than what lies in
 * buckets that differ; also where a fifth of the packets is lost each way. */
#include "story.h"

#define NAMES 60u

static void name_of(uint32_t k, char out[WORLD_NAME_BYTES])
{
    (void)snprintf(out, WORLD_NAME_BYTES, "name %u", (unsigned)k);
}

static world *listing_world(uint32_t loss_ppm)
{
    world_config cfg;
    world_config_default(&cfg, 2);
    cfg.link.loss_ppm = loss_ppm;
    cfg.server.search_names = 7; /* Lists take many pages. */
    world *w = world_new(&cfg);
    world_login_all(w);
    for (uint32_t k = 0; k < NAMES; k++) {
        char name[WORLD_NAME_BYTES];
        name_of(k, name);
        assert_int_equal(world_finish(w, world_publish(w, 0, name)), PS_E_NONE);
    }
    return w;
}

/* Peer 1 sees the names from..to - 1 of peer 0 once each, and nothing else. */
static void require_listed(world *w, const world_command *c, uint32_t from, uint32_t to)
{
    char user[WORLD_NAME_BYTES];
    world_user_name(0, user);
    for (uint32_t k = from; k < to; k++) {
        char name[WORLD_NAME_BYTES];
        name_of(k, name);
        assert_int_equal(world_count(c, user, name), 1);
    }
    assert_int_equal(c->lines_len, to - from);
    assert_int_equal(world_server_stats(w).publications, to - from);
}

/* A peer that starts anew with other files: some stay, some are new, the rest is withdrawn. */
static void a_peer_that_starts_anew_is_compared(void **state)
{
    (void)state;
    const uint32_t losses_ppm[] = {0, 200000};
    for (size_t l = 0; l < 2; l++) {
        world *w = listing_world(losses_ppm[l]);
        world_peer_crash(w, 0);
        world_run(w, 1 * S);
        world_peer_boot(w, 0);
        world_command *commands[NAMES + 5];
        for (uint32_t k = 50; k < NAMES + 5; k++) { /* Before the login: 50 to 64. */
            char name[WORLD_NAME_BYTES];
            name_of(k, name);
            commands[k] = world_publish(w, 0, name);
        }
        world_login(w, 0);
        for (uint32_t k = 50; k < NAMES + 5; k++) {
            assert_int_equal(world_finish(w, commands[k]), PS_E_NONE);
        }
        WORLD_WAIT(w, 20 * S, world_peer_stats(w, 0).unacknowledged == 0);
        const ps_peer_stats stats = world_peer_stats(w, 0);
        assert_int_equal(stats.names_withdrawn, 50);
        assert_int_equal(stats.repairs, 1);
        assert_in_range(stats.buckets_resent, 1, 55);
        world_command *c = world_list_files(w, 1);
        assert_int_equal(world_finish(w, c), PS_E_NONE);
        require_listed(w, c, 50, NAMES + 5);
        world_run(w, 10 * S); /* And that is all. */
        assert_int_equal(world_peer_stats(w, 0).repairs, 1);
        assert_int_equal(world_server_stats(w).logs_differ, 0);
        world_free(w);
    }
}

/* The server restarts in the middle of a list, and has been told everything again before the asker
 * is back: the list begins anew, and no line comes twice. */
static void a_list_across_a_restart_has_each_line_once(void **state)
{
    (void)state;
    world *w = listing_world(0);
    const uint32_t asker = w->peers[1].node;
    world_command *c = world_list_files(w, 1);
    WORLD_WAIT(w, 5 * S, c->lines_len >= 20);
    assert_false(c->done);
    world_server_crash(w, PS_SIM_DISK_LOST);
    world_server_boot(w);
    assert_int_equal(ps_sim_partition(w->sim, &asker, 1, &w->server.node, 1, true, NULL), PS_OK);
    WORLD_WAIT(w, 3 * S, world_server_stats(w).publications == NAMES);
    ps_sim_heal_all(w->sim);
    assert_int_equal(world_finish(w, c), PS_E_NONE);
    require_listed(w, c, 0, NAMES);
    assert_int_equal(w->peers[0].losses, 0); /* RESET told it. */
    world_free(w);
}

/* A device that died is replaced by another one of its user after a second of probing; one that
 * lives is not, where a fifth of the packets is lost each way. */
static void the_dead_are_replaced_and_the_living_are_not(void **state)
{
    (void)state;
    world *w = listing_world(200000);
    world_logout(w, 1);
    WORLD_WAIT(w, 3 * S, w->peers[1].logouts == 1);
    for (uint32_t n = 1; n <= 5; n++) {
        world_run(w, 3 * S); /* A LOGIN sent twice may be asked about twice; then it is BUSY. */
        world_login_as(w, 1, "user-0", "secret-0");
        WORLD_WAIT(w, 5 * S, w->peers[1].refusals == n);
        assert_int_equal(w->peers[1].error, PS_E_ACTIVE);
    }
    assert_true(w->peers[0].online);
    assert_int_equal(world_server_stats(w).taken, 0);
    world_free(w);

    w = listing_world(0);
    world_peer_crash(w, 0);
    world_logout(w, 1);
    WORLD_WAIT(w, 1 * S, w->peers[1].logouts == 1);
    world_login_as(w, 1, "user-0", "secret-0");
    WORLD_WAIT(w, 1500 * MS, w->peers[1].logins == 2);
    assert_int_equal(world_server_stats(w).taken, 1);
    assert_true(w->model.sessions[0].open && w->model.sessions[0].node == w->peers[1].node);
    world_free(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_peer_that_starts_anew_is_compared),
        cmocka_unit_test(a_list_across_a_restart_has_each_line_once),
        cmocka_unit_test(the_dead_are_replaced_and_the_living_are_not),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
