/* 10,000 names, paged: what exists throughout a listing comes exactly once, whatever others publish
 * and unpublish meanwhile. */
#include "story.h"

#include <stdlib.h>

#define NAMES   10000u
#define OWNERS  4u /* Who hold the names that stay; one peer more comes and goes, one asks. */
#define CHANGER OWNERS
#define ASKER   (OWNERS + 1u)

static world *names_world(void)
{
    world_config cfg;
    world_config_default(&cfg, OWNERS + 2);
    cfg.check_every = 64; /* A walk over 10,000 names is slow. */
    cfg.server.max_publications = NAMES + 1000;
    cfg.server.max_user_publications = NAMES;
    cfg.server.name_bytes = 1u << 20;
    cfg.peer.max_publications = NAMES;
    cfg.peer.name_bytes = 1u << 20;
    world *w = world_new(&cfg);
    world_login_all(w);
    for (uint32_t i = 0; i < NAMES; i++) {
        char name[PS_NAME_MAX + 1];
        const uint32_t owner = i % OWNERS;
        /* Lengths from short to beyond what a record holds. */
        (void)snprintf(name, sizeof name, "%05u stays%.*s", (unsigned)i, (int)(i % 40),
                       "........................................");
        (void)world_publish(w, owner, name);
        if (i % 200 == 199) {
            WORLD_WAIT(w, 60 * S, w->peers[owner].open < 1000);
        }
    }
    for (uint32_t i = 0; i < OWNERS; i++) {
        WORLD_WAIT(w, 300 * S, w->peers[i].open == 0);
        while (w->peers[i].commands) {
            assert_int_equal(w->peers[i].commands->error, PS_E_NONE);
            world_forget(&w->peers[i], w->peers[i].commands);
        }
    }
    assert_int_equal(world_server_stats(w).publications, NAMES);
    return w;
}

static void require_each_once(const world_command *c)
{
    uint8_t *seen = calloc(NAMES, 1);
    assert_non_null(seen);
    size_t stays = 0;
    for (size_t i = 0; i < c->lines_len; i++) {
        if (strncmp(c->lines[i].name + 5, " stays", 6) == 0) {
            const unsigned long k = strtoul(c->lines[i].name, NULL, 10);
            assert_true(k < NAMES);
            assert_int_equal(seen[k], 0);
            seen[k] = 1;
            stays++;
        }
    }
    assert_int_equal(stays, NAMES);
    free(seen);
}

static void lists_and_searches_bring_each_name_once(void **state)
{
    (void)state;
    world *w = names_world();
    world_command *list = world_list_files(w, ASKER);
    WORLD_WAIT(w, 120 * S, list->done);
    assert_int_equal(list->error, PS_E_NONE);
    assert_int_equal(list->lines_len, NAMES);
    require_each_once(list);
    world_command *found = world_search(w, ASKER, " STAYS");
    WORLD_WAIT(w, 120 * S, found->done);
    assert_int_equal(found->error, PS_E_NONE);
    assert_int_equal(found->lines_len, NAMES);
    require_each_once(found);
    world_command *one = world_search(w, ASKER, "04321");
    WORLD_WAIT(w, 120 * S, one->done);
    assert_int_equal(one->lines_len, 1);
    world_free(w);
}

/* While a list and a search run, another peer publishes and unpublishes, some of it lost. */
static void changes_meanwhile_disturb_nothing(void **state)
{
    (void)state;
    world *w = names_world();
    const ps_sim_link bad = {.latency_us = 5000, .jitter_us = 5000, .loss_ppm = 50000};
    ps_sim_set_default_link(w->sim, &bad);
    world_command *list = world_list_files(w, ASKER);
    world_command *found = world_search(w, ASKER, "stays");
    for (uint32_t k = 0; !list->done || !found->done; k++) {
        char name[WORLD_NAME_BYTES];
        (void)snprintf(name, sizeof name, "comes %u", (unsigned)(k % 50));
        (void)(k % 3 == 2 ? world_unpublish(w, CHANGER, name) : world_publish(w, CHANGER, name));
        world_run(w, 20 * MS);
        assert_true(k < 20000);
    }
    assert_int_equal(list->error, PS_E_NONE);
    assert_int_equal(found->error, PS_E_NONE);
    require_each_once(list);
    require_each_once(found);
    world_free(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lists_and_searches_bring_each_name_once),
        cmocka_unit_test(changes_meanwhile_disturb_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
