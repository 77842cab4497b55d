/* Lost heartbeats evict nobody; silence does, in time; and who was lost comes back. */
#include "story.h"

/* Nothing passes on the cut ways of peer 0, from `start_us` after its login for `length_us`. */
static void run_with_a_gap(uint64_t start_us, uint64_t length_us, bool there, bool back)
{
    world *w = story_world(1);
    world_login_all(w);
    const uint32_t server = w->server.node;
    const uint32_t peer = w->peers[0].node;
    world_run(w, start_us);
    if (there) {
        assert_int_equal(ps_sim_partition(w->sim, &peer, 1, &server, 1, true, NULL), PS_OK);
    }
    if (back) {
        assert_int_equal(ps_sim_partition(w->sim, &server, 1, &peer, 1, true, NULL), PS_OK);
    }
    world_run(w, length_us);
    ps_sim_heal_all(w->sim);
    world_run(w, 8 * S - start_us);
    assert_true(w->peers[0].online);
    assert_int_equal(w->peers[0].losses, 0);
    assert_int_equal(w->peers[0].logins, 1);
    assert_int_equal(world_server_stats(w).evictions, 0);
    assert_int_equal(w->live_evictions, 0);
    world_free(w);
}

/* Gaps of 60 ms beginning every 30 ms: each single heartbeat and each acknowledgement is lost. */
static void any_single_one_may_be_lost(void **state)
{
    (void)state;
    for (uint64_t at = 0; at < 5 * S; at += 30 * MS) {
        run_with_a_gap(at, 60 * MS, true, false);
        run_with_a_gap(at, 60 * MS, false, true);
    }
}

/* From the second that passes between a heartbeat and the dead time, some is left for the way. */
static void a_burst_may_be_lost(void **state)
{
    (void)state;
    for (uint64_t at = 0; at < 5 * S; at += 50 * MS) {
        run_with_a_gap(at, 800 * MS, true, true);
        run_with_a_gap(at, 800 * MS, true, false);
        run_with_a_gap(at, 800 * MS, false, true);
    }
}

/* A peer that dies is gone 3.0 to 3.5 s after it was heard last, without any other traffic. */
static void a_vanished_peer_is_gone_in_time(void **state)
{
    (void)state;
    for (uint64_t at = 0; at < 4 * S; at += 170 * MS) {
        world *w = story_world(1);
        world_login_all(w);
        world_run(w, at);
        world_peer_crash(w, 0);
        world_run(w, 100 * MS); /* What was under way arrives. */
        const uint64_t last_us = w->model.sessions[0].heard_us;
        WORLD_WAIT(w, 4 * S, !w->model.sessions[0].open);
        assert_in_range(world_now_us(w) - last_us, 3 * S, 3500 * MS);
        assert_int_equal(world_server_stats(w).evictions, 1);
        world_free(w);
    }
}

/* And is no longer listed the moment that the dead time is over; publications stay. */
static void a_vanished_peer_is_not_listed(void **state)
{
    (void)state;
    world *w = story_world(2);
    world_login_all(w);
    assert_int_equal(world_finish(w, world_publish(w, 0, "kept")), PS_E_NONE);
    world_peer_crash(w, 0);
    world_run(w, 3500 * MS);
    world_command *c = world_list_peers(w, 1);
    assert_int_equal(world_finish(w, c), PS_E_NONE);
    assert_int_equal(c->lines_len, 0);
    c = world_list_files(w, 1);
    assert_int_equal(world_finish(w, c), PS_E_NONE);
    assert_int_equal(world_count(c, "user-0", "kept"), 1);
    assert_false(c->lines[0].active);
    assert_true(w->peers[1].online);
    world_free(w);
}

/* A process that was killed and starts again on its device takes its own session over at once. */
static void the_same_device_returns_at_once(void **state)
{
    (void)state;
    world *w = story_world(2);
    world_login_all(w);
    world_peer_crash(w, 0);
    world_run(w, 100 * MS);
    world_peer_boot(w, 0);
    assert_true(w->model.sessions[0].open); /* The old session still lives. */
    world_login(w, 0);
    WORLD_WAIT(w, 200 * MS, w->peers[0].online);
    assert_int_equal(world_server_stats(w).takeovers, 1);
    assert_int_equal(world_server_stats(w).evictions, 0);
    world_run(w, 10 * S);
    assert_true(w->peers[0].online && w->model.sessions[0].open);
    world_free(w);
}

/* The same device may return from another address. */
static void the_same_device_returns_from_another_address(void **state)
{
    (void)state;
    world *w = story_world(2);
    world_login(w, 0);
    WORLD_WAIT(w, 1 * S, w->peers[0].online);
    world_peer_crash(w, 0);
    memcpy(w->peers[1].device, w->peers[0].device, PS_DEVICE_BYTES);
    world_login_as(w, 1, "user-0", "secret-0");
    WORLD_WAIT(w, 200 * MS, w->peers[1].online);
    assert_int_equal(w->model.sessions[0].node, w->peers[1].node);
    world_free(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(any_single_one_may_be_lost),
        cmocka_unit_test(a_burst_may_be_lost),
        cmocka_unit_test(a_vanished_peer_is_gone_in_time),
        cmocka_unit_test(a_vanished_peer_is_not_listed),
        cmocka_unit_test(the_same_device_returns_at_once),
        cmocka_unit_test(the_same_device_returns_from_another_address),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
