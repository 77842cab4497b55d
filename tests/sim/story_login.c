/* Peers log in, see each other and what they publish, find it, and leave. */
#include "story.h"

static void peers_log_in_and_see_each_other(void **state)
{
    (void)state;
    world *w = story_world(4);
    world_login_all(w);
    for (uint32_t i = 0; i < 4; i++) {
        const ps_addr addr = ps_sim_addr(w->sim, w->peers[i].node);
        assert_true(ps_addr_equal(&w->peers[i].observed, &addr));
        world_command *c = world_list_peers(w, i);
        assert_int_equal(world_finish(w, c), PS_E_NONE);
        assert_int_equal(c->lines_len, 3); /* Without the asker. */
        for (uint32_t j = 0; j < 4; j++) {
            char user[WORLD_NAME_BYTES];
            world_user_name(j, user);
            assert_int_equal(world_count(c, user, NULL), i == j ? 0 : 1);
        }
    }
    assert_int_equal(world_server_stats(w).logins, 4);
    world_free(w);
}

/* A login takes two round trips (handshake, LOGIN) and the verification, and nothing more. */
static void a_login_takes_two_round_trips_and_the_verification(void **state)
{
    (void)state;
    world_config cfg;
    world_config_default(&cfg, 1);
    cfg.link.jitter_us = 0;
    world *w = world_new(&cfg);
    const uint64_t began_us = world_now_us(w);
    world_login(w, 0);
    WORLD_WAIT(w, 1 * S, w->peers[0].online);
    assert_true(w->peers[0].online_us - began_us == 4 * cfg.link.latency_us + cfg.verify_us);
    world_free(w);
}

static void what_is_published_is_listed_found_and_located(void **state)
{
    (void)state;
    world *w = story_world(3);
    world_login_all(w);
    assert_int_equal(world_finish(w, world_publish(w, 0, "Song of the sea.ogg")), PS_E_NONE);
    assert_int_equal(world_finish(w, world_publish(w, 1, "sea shells.txt")), PS_E_NONE);
    assert_int_equal(world_finish(w, world_publish(w, 0, "shared")), PS_E_NONE);
    assert_int_equal(world_finish(w, world_publish(w, 1, "shared")), PS_E_NONE);

    world_command *c = world_list_files(w, 0);
    assert_int_equal(world_finish(w, c), PS_E_NONE);
    assert_int_equal(c->lines_len, 4); /* All, the asker's too. */
    assert_int_equal(world_count(c, "user-0", "Song of the sea.ogg"), 1);
    const ps_content content = world_content(c->lines[0].name);
    assert_true(ps_content_equal(&c->lines[0].content, &content));
    assert_true(c->lines[0].active);

    c = world_search(w, 0, "SEA"); /* Whatever the case; not the asker's own. */
    assert_int_equal(world_finish(w, c), PS_E_NONE);
    assert_int_equal(c->lines_len, 1);
    assert_int_equal(world_count(c, "user-1", "sea shells.txt"), 1);

    c = world_locate(w, 2, "shared");
    assert_int_equal(world_finish(w, c), PS_E_NONE);
    assert_int_equal(c->lines_len, 2);
    for (size_t i = 0; i < 2; i++) {
        const uint32_t owner = c->lines[i].user[5] == '0' ? 0 : 1;
        const ps_addr addr = ps_sim_addr(w->sim, w->peers[owner].node);
        assert_true(c->lines[i].active && ps_addr_equal(&c->lines[i].addr, &addr));
    }

    assert_int_equal(world_finish(w, world_unpublish(w, 1, "shared")), PS_E_NONE);
    c = world_locate(w, 2, "shared");
    assert_int_equal(world_finish(w, c), PS_E_NONE);
    assert_int_equal(world_count(c, "user-0", NULL), 1);
    assert_int_equal(world_count(c, "user-1", NULL), 0);
    assert_int_equal(world_finish(w, world_locate(w, 2, "no such file")), PS_E_NOT_FOUND);
    world_free(w);
}

/* Publications outlive the session: they stay listed, and nobody can be asked for them. */
static void what_is_published_outlives_a_logout(void **state)
{
    (void)state;
    world *w = story_world(2);
    world_login_all(w);
    assert_int_equal(world_finish(w, world_publish(w, 0, "kept")), PS_E_NONE);
    world_logout(w, 0);
    WORLD_WAIT(w, 1 * S, w->peers[0].logouts == 1);
    assert_false(w->model.sessions[0].open);
    world_command *c = world_list_peers(w, 1);
    assert_int_equal(world_finish(w, c), PS_E_NONE);
    assert_int_equal(c->lines_len, 0);
    c = world_list_files(w, 1);
    assert_int_equal(world_finish(w, c), PS_E_NONE);
    assert_int_equal(world_count(c, "user-0", "kept"), 1);
    assert_false(c->lines[0].active);
    assert_int_equal(world_finish(w, world_locate(w, 1, "kept")), PS_E_NO_ACTIVE_PEER);
    assert_int_equal(world_finish(w, world_list_peers(w, 0)), PS_E_NOT_LOGGED_IN);
    world_login(w, 0);
    WORLD_WAIT(w, 1 * S, w->peers[0].online);
    assert_int_equal(world_finish(w, world_locate(w, 1, "kept")), PS_E_NONE);
    world_free(w);
}

/* What is published before the first login is sent after it. */
static void what_is_published_before_the_login_is_sent_after_it(void **state)
{
    (void)state;
    world *w = story_world(2);
    world_command *early = world_publish(w, 0, "early");
    world_run(w, 5 * S);
    assert_false(early->done);
    world_login_all(w);
    assert_int_equal(world_finish(w, early), PS_E_NONE);
    assert_int_equal(world_finish(w, world_locate(w, 1, "early")), PS_E_NONE);
    world_free(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(peers_log_in_and_see_each_other),
        cmocka_unit_test(a_login_takes_two_round_trips_and_the_verification),
        cmocka_unit_test(what_is_published_is_listed_found_and_located),
        cmocka_unit_test(what_is_published_outlives_a_logout),
        cmocka_unit_test(what_is_published_before_the_login_is_sent_after_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
