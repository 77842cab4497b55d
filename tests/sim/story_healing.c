/* Servers that forget everything, networks that part and heal: peers return by themselves, and what
 * they publish is listed again. */
#include "story.h"

#define PEERS 6u

static void name_of(uint32_t peer, uint32_t k, char out[WORLD_NAME_BYTES])
{
    (void)snprintf(out, WORLD_NAME_BYTES, "p%u n%u", (unsigned)peer, (unsigned)k);
}

static world *publishing_world(void)
{
    world *w = story_world(PEERS);
    world_login_all(w);
    for (uint32_t i = 0; i < PEERS; i++) {
        for (uint32_t k = 0; k < 10; k++) {
            char name[WORLD_NAME_BYTES];
            name_of(i, k, name);
            assert_int_equal(world_finish(w, world_publish(w, i, name)), PS_E_NONE);
        }
    }
    return w;
}

/* Everybody is online, and sees everybody's names once. */
static void require_whole(world *w)
{
    for (uint32_t i = 0; i < PEERS; i++) {
        assert_true(w->peers[i].online);
        world_command *c = world_list_files(w, i);
        assert_int_equal(world_finish(w, c), PS_E_NONE);
        assert_int_equal(c->lines_len, 10 * PEERS);
        for (uint32_t j = 0; j < PEERS; j++) {
            for (uint32_t k = 0; k < 10; k++) {
                char user[WORLD_NAME_BYTES];
                char name[WORLD_NAME_BYTES];
                world_user_name(j, user);
                name_of(j, k, name);
                assert_int_equal(world_count(c, user, name), 1);
            }
        }
        c = world_list_peers(w, i);
        assert_int_equal(world_finish(w, c), PS_E_NONE);
        assert_int_equal(c->lines_len, PEERS - 1);
    }
}

static void a_server_that_lost_everything_is_told_again(void **state)
{
    (void)state;
    world *w = publishing_world();
    world_server_crash(w, PS_SIM_DISK_LOST);
    world_run(w, 1 * S);
    world_server_boot(w);
    assert_int_equal(world_server_stats(w).publications, 0);
    for (uint32_t i = 0; i < PEERS; i++) { /* It answers the next heartbeat: I do not know you. */
        WORLD_WAIT(w, 2 * S, w->peers[i].logins == 2);
        assert_int_equal(w->peers[i].losses, 0);
    }
    world_run(w, 1 * S);
    require_whole(w);
    world_free(w);
}

static void a_server_that_is_away_for_long_is_waited_for(void **state)
{
    (void)state;
    world *w = publishing_world();
    world_server_crash(w, PS_SIM_DISK_LOST);
    world_run(w, 120 * S);
    world_command *late = world_publish(w, 0, "given meanwhile");
    world_run(w, 60 * S);
    assert_false(late->done);
    world_server_boot(w);
    assert_int_equal(world_finish(w, late), PS_E_NONE);
    assert_int_equal(world_finish(w, world_unpublish(w, 0, "given meanwhile")), PS_E_NONE);
    world_run(w, 5 * S);
    require_whole(w);
    world_free(w);
}

/* Half of the peers are cut off from the server: both ways, or one way only. */
static void part_and_heal(bool there, bool back, uint64_t length_us)
{
    world *w = publishing_world();
    const uint32_t server = w->server.node;
    uint32_t half[PEERS / 2];
    for (uint32_t i = 0; i < PEERS / 2; i++) {
        half[i] = w->peers[i].node;
    }
    if (there) {
        assert_int_equal(ps_sim_partition(w->sim, half, PEERS / 2, &server, 1, true, NULL), PS_OK);
    }
    if (back) {
        assert_int_equal(ps_sim_partition(w->sim, &server, 1, half, PEERS / 2, true, NULL), PS_OK);
    }
    world_run(w, length_us);
    world_command *c = world_list_files(w, PEERS - 1);
    assert_int_equal(world_finish(w, c), PS_E_NONE);
    assert_int_equal(c->lines_len, 10 * PEERS); /* Publications stay. */
    world_command *late = world_publish(w, 0, "late");
    for (uint32_t i = 0; i < PEERS; i++) {
        const bool lost = i < PEERS / 2 && length_us > 4 * S;
        assert_int_equal(w->peers[i].losses, lost ? 1 : 0);
        assert_int_equal(w->peers[i].online, !lost);
    }
    ps_sim_heal_all(w->sim);
    assert_int_equal(world_finish(w, late), PS_E_NONE);
    assert_int_equal(world_finish(w, world_unpublish(w, 0, "late")), PS_E_NONE);
    world_run(w, 5 * S);
    require_whole(w);
    world_free(w);
}

static void partitions_heal(void **state)
{
    (void)state;
    for (int k = 0; k < 2; k++) {
        const uint64_t length_us = k == 0 ? 500 * MS : 20 * S;
        part_and_heal(true, true, length_us);
        part_and_heal(true, false, length_us);
        part_and_heal(false, true, length_us);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_server_that_lost_everything_is_told_again),
        cmocka_unit_test(a_server_that_is_away_for_long_is_waited_for),
        cmocka_unit_test(partitions_heal),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
