/* A server that restarts empty with smaller tables, of every size: what was listed and finds no
 * room is told to its peer's host, each name once, and nothing else is. */
#include "exhaustion.h"

typedef struct told {
    uint32_t error;
    uint32_t count[PEERS][NAMES];
} told;

static void on_event(world *w, world_peer *p, const ps_event *e)
{
    told *t = w->cfg.ctx;
    if (e->type == PS_EVENT_UNLISTED) {
        const ps_span name = {e->u.unlisted.name, e->u.unlisted.len};
        assert_int_equal(e->u.unlisted.error, t->error);
        t->count[p->index][exhaustion_number(p->index, name)]++;
    }
}

/* The server restarts empty, and smaller: each name is listed again, or its peer is told. */
static uint32_t restart_smaller(const ps_server_config *smaller, uint32_t error)
{
    world_config cfg;
    told t = {.error = error};
    exhaustion_config(&cfg);
    cfg.event = on_event;
    cfg.ctx = &t;
    world *w = world_new(&cfg);
    bool listed[PEERS][NAMES];
    uint32_t count = 0;
    world_login_all(w);
    for (uint32_t n = 0; n < PEERS * NAMES; n++) {
        world_command *c = exhaustion_publish(w, n / NAMES, n % NAMES);
        assert_int_equal(world_finish(w, c), PS_E_NONE);
    }
    world_server_crash(w, PS_SIM_DISK_LOST);
    w->cfg.server = *smaller;
    world_server_boot(w);
    world_run(w, 4 * S);
    for (uint32_t i = 0; i < PEERS; i++) {
        uint32_t held = 0;
        for (uint32_t k = 0; k < NAMES; k++) {
            assert_in_range(t.count[i][k], 0, 1);
            listed[i][k] = t.count[i][k] == 0;
            held += listed[i][k] ? 1u : 0u;
        }
        const ps_peer_stats stats = world_peer_stats(w, i);
        assert_int_equal(stats.publications, held);
        assert_int_equal(stats.unacknowledged, 0);
        assert_int_equal(w->peers[i].unlisted, NAMES - held);
        count += held;
    }
    exhaustion_require_listed(w, listed);
    for (uint32_t n = 0; n < PEERS * NAMES; n++) { /* Asked for again, it is refused to its face. */
        if (!listed[n / NAMES][n % NAMES]) {
            world_command *c = exhaustion_publish(w, n / NAMES, n % NAMES);
            assert_int_equal(world_finish(w, c), error);
        }
    }
    for (uint32_t i = 0; i < PEERS; i++) {
        assert_int_equal(world_server_stats(w).logs_differ, 0);
        assert_int_equal(w->peers[i].unlisted, NAMES - world_peer_stats(w, i).publications);
    }
    world_free(w);
    return count;
}

static void a_smaller_table_of_publications(void **state)
{
    (void)state;
    for (uint32_t capacity = 1; capacity <= PEERS * NAMES; capacity++) {
        world_config cfg;
        exhaustion_config(&cfg);
        cfg.server.max_publications = capacity;
        assert_int_equal(restart_smaller(&cfg.server, PS_E_FULL), capacity);
    }
}

static void a_smaller_quota(void **state)
{
    (void)state;
    for (uint32_t quota = 0; quota <= NAMES; quota++) {
        world_config cfg;
        exhaustion_config(&cfg);
        cfg.server.max_user_publications = quota;
        assert_int_equal(restart_smaller(&cfg.server, PS_E_QUOTA), PEERS * quota);
    }
}

static void less_room_for_names(void **state)
{
    (void)state;
    for (uint32_t blocks = 0; blocks <= PEERS * PEER_BLOCKS; blocks++) {
        world_config cfg;
        exhaustion_config(&cfg);
        cfg.server.name_bytes = UINT64_C(28) * blocks;
        const uint32_t count = restart_smaller(&cfg.server, PS_E_FULL);
        assert_true(count >= 2 * PEERS); /* The short ones need none. */
        assert_true((count == PEERS * NAMES) == (blocks == PEERS * PEER_BLOCKS));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_smaller_table_of_publications),
        cmocka_unit_test(a_smaller_quota),
        cmocka_unit_test(less_room_for_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
