#include "fixture.h"

#include "sim/sim_internal.h"

#define COUNT 300u

static void equal_times_come_in_order_of_adding_then_nodes_by_id(void **state)
{
    (void)state;
    ps_sim_queue q = {0};
    assert_true(ps_sim_queue_reserve(&q, 7));
    uint32_t where[7] = {PS_SIM_NONE, PS_SIM_NONE, PS_SIM_NONE, PS_SIM_NONE,
                         PS_SIM_NONE, PS_SIM_NONE, PS_SIM_NONE};
    ps_sim_queue_add_deadline(&q, 10, 8, &where[0]);
    ps_sim_queue_add_deadline(&q, 10, 3, &where[1]);
    ps_sim_queue_add_free(&q, 10, 9, &where[5]);
    ps_sim_queue_add_free(&q, 10, 4, &where[6]);
    ps_sim_queue_add(&q, 10, PS_SIM_EVENT_PACKET, 70, &where[2]);
    ps_sim_queue_add(&q, 10, PS_SIM_EVENT_WINDOW, 60, NULL);
    ps_sim_queue_add(&q, 9, PS_SIM_EVENT_SEGMENT, 50, &where[4]);
    const uint32_t expected[7] = {50, 70, 60, 4, 9, 3, 8};
    ps_sim_event e;
    assert_false(ps_sim_queue_pop(&q, 8, &e));
    for (size_t i = 0; i < 7; i++) {
        assert_true(ps_sim_queue_pop(&q, 10, &e));
        assert_int_equal(e.index, expected[i]);
    }
    assert_false(ps_sim_queue_pop(&q, UINT64_MAX, &e));
    for (size_t i = 0; i < 7; i++) {
        assert_int_equal(where[i], PS_SIM_NONE);
    }
    ps_sim_queue_free(&q);
}

/* Random adds, removals and pops against a plain array. */
static void agrees_with_a_plain_array(void **state)
{
    (void)state;
    ps_sim_queue q = {0};
    ps_sim_rng g;
    ps_sim_rng_seed(&g, 5);
    uint32_t where[COUNT];
    uint64_t at[COUNT];
    uint64_t order[COUNT] = {0};
    uint64_t added = 0;
    uint32_t in = 0;
    memset(where, 0xff, sizeof where);
    assert_true(ps_sim_queue_reserve(&q, COUNT));
    for (int round = 0; round < 20000; round++) {
        const uint32_t i = (uint32_t)ps_sim_rng_below(&g, COUNT);
        if (where[i] != PS_SIM_NONE) {
            assert_int_equal(q.heap[where[i]].index, i);
            ps_sim_queue_remove(&q, &where[i]);
            ps_sim_queue_remove(&q, &where[i]); /* Once more does nothing. */
            in--;
        } else if (ps_sim_rng_below(&g, 3) > 0) {
            at[i] = ps_sim_rng_below(&g, 40);
            order[i] = added++;
            ps_sim_queue_add(&q, at[i], PS_SIM_EVENT_PACKET, i, &where[i]);
            in++;
        } else if (in > 0) {
            uint32_t first = COUNT;
            for (uint32_t j = 0; j < COUNT; j++) {
                if (where[j] != PS_SIM_NONE && (first == COUNT || at[j] < at[first] ||
                                                (at[j] == at[first] && order[j] < order[first]))) {
                    first = j;
                }
            }
            ps_sim_event e;
            assert_true(ps_sim_queue_pop(&q, UINT64_MAX, &e));
            assert_int_equal(e.index, first);
            assert_int_equal(where[first], PS_SIM_NONE);
            in--;
        }
        assert_int_equal(q.len, in);
    }
    ps_sim_queue_free(&q);
}

static void grows_and_keeps_its_events(void **state)
{
    (void)state;
    ps_sim_queue q = {0};
    for (uint32_t i = 0; i < 1000; i++) {
        assert_true(ps_sim_queue_reserve(&q, i + 1));
        assert_true(q.cap > i);
        ps_sim_queue_add(&q, 1000 - i, PS_SIM_EVENT_PACKET, i, NULL);
    }
    ps_sim_event e;
    for (uint32_t i = 1000; i-- > 0;) {
        assert_true(ps_sim_queue_pop(&q, UINT64_MAX, &e));
        assert_int_equal(e.index, i);
    }
    ps_sim_queue_free(&q);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(equal_times_come_in_order_of_adding_then_nodes_by_id),
        cmocka_unit_test(agrees_with_a_plain_array),
        cmocka_unit_test(grows_and_keeps_its_events),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
