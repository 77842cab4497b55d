/* A peer's tables of every size up to where all fits: what does not fit ends at once, the rest goes
 * its way, and what was refused goes through when there is room. Sizes of nothing: tests/unit/peer.
 */
#include "exhaustion.h"

#define REQUESTS 8u

static world_command *ask(world *w, uint32_t n)
{
    switch (n % 4) {
    case 0:
        return world_list_peers(w, 0);
    case 1:
        return world_list_files(w, 0);
    case 2:
        return world_search(w, 0, "x");
    default:
        return world_locate(w, 0, "nobody has it");
    }
}

static uint32_t end_of(uint32_t n)
{
    return n % 4 == 3 ? PS_E_NOT_FOUND : PS_E_NONE;
}

static void a_full_table_of_requests(void **state)
{
    (void)state;
    for (uint32_t capacity = 1; capacity <= REQUESTS; capacity++) {
        world_config cfg;
        exhaustion_config(&cfg);
        cfg.peer.max_requests = capacity;
        world *w = world_new(&cfg);
        world_login_all(w);
        /* As many as fit each time; what was refused goes first the next time. */
        for (uint32_t first = 0; first < REQUESTS; first += capacity) {
            world_command *commands[REQUESTS];
            for (uint32_t n = first; n < REQUESTS; n++) {
                commands[n] = ask(w, n);
                const bool fits = n < first + capacity;
                assert_int_equal(commands[n]->done, !fits);
                assert_true(fits || commands[n]->error == PS_E_BUSY);
            }
            for (uint32_t n = first; n < REQUESTS && n < first + capacity; n++) {
                assert_int_equal(world_finish(w, commands[n]), end_of(n));
            }
        }
        world_free(w);
    }
}

/* Peer 0 publishes its names, short and long: each is held and listed, or FULL at once. When they
 * are gone there is room for those that were refused, one at a time. @return how many were held. */
static uint32_t publish_in(const world_config *cfg, uint32_t publications, uint32_t blocks)
{
    world *w = world_new(cfg);
    bool listed[PEERS][NAMES] = {{false}};
    uint32_t count = 0;
    world_login_all(w);
    for (uint32_t k = 0; k < NAMES; k++) {
        const bool fits = count < publications && blocks >= exhaustion_blocks(k);
        world_command *c = exhaustion_publish(w, 0, k);
        assert_int_equal(c->done, !fits);
        assert_int_equal(world_finish(w, c), fits ? PS_E_NONE : PS_E_FULL);
        blocks -= fits ? exhaustion_blocks(k) : 0;
        count += fits ? 1u : 0u;
        listed[0][k] = fits;
    }
    exhaustion_require_listed(w, listed);
    for (uint32_t k = 0; k < NAMES; k++) {
        if (listed[0][k]) {
            assert_int_equal(exhaustion_unpublish(w, 0, k), PS_E_NONE);
            blocks += exhaustion_blocks(k);
        }
    }
    assert_int_equal(world_peer_stats(w, 0).publications, 0);
    for (uint32_t k = 0; k < NAMES; k++) {
        if (!listed[0][k]) { /* Now it is alone. */
            const bool fits = blocks >= exhaustion_blocks(k);
            assert_int_equal(world_finish(w, exhaustion_publish(w, 0, k)),
                             fits ? PS_E_NONE : PS_E_FULL);
            assert_int_equal(world_peer_stats(w, 0).publications, fits ? 1 : 0);
            if (fits) {
                assert_int_equal(exhaustion_unpublish(w, 0, k), PS_E_NONE);
            }
        }
    }
    world_free(w);
    return count;
}

static void a_full_table_of_names(void **state)
{
    (void)state;
    for (uint32_t capacity = 1; capacity <= NAMES; capacity++) {
        world_config cfg;
        exhaustion_config(&cfg);
        cfg.peer.max_publications = capacity;
        assert_int_equal(publish_in(&cfg, capacity, PEER_BLOCKS), capacity);
    }
}

static void no_room_for_long_names(void **state)
{
    (void)state;
    uint32_t before = 0;
    for (uint32_t blocks = 0; blocks <= PEER_BLOCKS; blocks++) {
        world_config cfg;
        exhaustion_config(&cfg);
        cfg.peer.name_bytes = UINT64_C(28) * blocks - blocks % 28;
        const uint32_t count = publish_in(&cfg, NAMES, blocks);
        assert_true(count >= before);
        before = count;
    }
    assert_int_equal(before, NAMES);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_full_table_of_requests),
        cmocka_unit_test(a_full_table_of_names),
        cmocka_unit_test(no_room_for_long_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
