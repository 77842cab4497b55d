/* A flash crowd: hundreds of peers log in, list and locate in the same second. */
#include "story.h"

#define CROWD 300u

static void everybody_is_served(void **state)
{
    (void)state;
    world_config cfg;
    world_config_default(&cfg, CROWD);
    cfg.check_every = 32;
    cfg.link.loss_ppm = 20000;
    world *w = world_new(&cfg);
    for (uint32_t i = 0; i < CROWD; i++) {
        world_login(w, i); /* All in the same instant. */
        if (i % 10 == 0) {
            (void)world_publish(w, i, "wanted by all");
        }
    }
    for (uint32_t i = 0; i < CROWD; i++) {
        WORLD_WAIT(w, 10 * S, w->peers[i].online);
    }
    world_run(w, 2 * S);
    assert_int_equal(world_server_stats(w).publications, CROWD / 10);
    world_command *files[CROWD];
    world_command *peers[CROWD];
    world_command *sources[CROWD];
    for (uint32_t i = 0; i < CROWD; i++) {
        files[i] = world_list_files(w, i);
        peers[i] = world_list_peers(w, i);
        sources[i] = world_locate(w, i, "wanted by all");
    }
    for (uint32_t i = 0; i < CROWD; i++) {
        assert_int_equal(world_finish(w, files[i]), PS_E_NONE);
        assert_int_equal(world_finish(w, peers[i]), PS_E_NONE);
        assert_int_equal(world_finish(w, sources[i]), PS_E_NONE);
        assert_int_equal(files[i]->lines_len, CROWD / 10);
        assert_int_equal(peers[i]->lines_len, CROWD - 1);
        assert_int_equal(sources[i]->lines_len, CROWD / 10);
    }
    world_run(w, 10 * S);
    assert_int_equal(world_server_stats(w).sessions, CROWD);
    assert_int_equal(world_server_stats(w).evictions, 0);
    for (uint32_t i = 0; i < CROWD; i++) {
        assert_int_equal(w->peers[i].losses, 0);
    }
    world_free(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(everybody_is_served),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
