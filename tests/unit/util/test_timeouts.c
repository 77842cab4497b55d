#include "unit.h"

#include "random.h"
#include "util/timeouts.h"

#define NODES 40

typedef struct list {
    ps_timeouts t;
    ps_timeout_node nodes[NODES];
} list;

static list list_of(uint64_t length_us)
{
    list l;
    ps_timeouts_init(&l.t, length_us);
    for (uint32_t i = 0; i < NODES; i++) {
        ps_timeout_clear(l.nodes, i);
    }
    return l;
}

static void an_empty_list_waits_for_nothing(void **state)
{
    (void)state;
    list l = list_of(3000);
    assert_true(ps_timeouts_deadline_us(&l.t, l.nodes) == PS_TIME_NEVER);
    assert_int_equal(ps_timeouts_due(&l.t, l.nodes, UINT64_MAX), PS_NIL);
    assert_int_equal(ps_timeouts_check(&l.t, l.nodes, NODES), 0);
    for (uint32_t i = 0; i < NODES; i++) {
        assert_false(ps_timeout_linked(l.nodes, i));
    }
}

static void falls_due_at_its_deadline_and_not_before(void **state)
{
    (void)state;
    list l = list_of(3000);
    ps_timeout_start(&l.t, l.nodes, 7, 100);
    assert_true(ps_timeout_linked(l.nodes, 7));
    assert_true(ps_timeouts_deadline_us(&l.t, l.nodes) == 3100);
    assert_int_equal(ps_timeouts_due(&l.t, l.nodes, 3099), PS_NIL);
    assert_int_equal(ps_timeouts_due(&l.t, l.nodes, 3100), 7);
    ps_timeout_stop(&l.t, l.nodes, 7);
    assert_false(ps_timeout_linked(l.nodes, 7));
    assert_int_equal(ps_timeouts_due(&l.t, l.nodes, 3100), PS_NIL);
}

static void node_0_links_like_any_other(void **state)
{
    (void)state;
    list l = list_of(5);
    ps_timeout_start(&l.t, l.nodes, 0, 0);
    assert_true(ps_timeout_linked(l.nodes, 0));
    ps_timeout_start(&l.t, l.nodes, 1, 0);
    ps_timeout_touch(&l.t, l.nodes, 0, 1);
    assert_int_equal(ps_timeouts_due(&l.t, l.nodes, 5), 1);
    ps_timeout_stop(&l.t, l.nodes, 1);
    assert_int_equal(ps_timeouts_due(&l.t, l.nodes, 6), 0);
    assert_int_equal(ps_timeouts_check(&l.t, l.nodes, NODES), 1);
}

static void touching_moves_to_the_tail(void **state)
{
    (void)state;
    list l = list_of(10);
    for (uint32_t i = 0; i < 3; i++) {
        ps_timeout_start(&l.t, l.nodes, i, i);
    }
    ps_timeout_touch(&l.t, l.nodes, 1, 5); /* the middle */
    assert_int_equal(ps_timeouts_check(&l.t, l.nodes, NODES), 3);
    ps_timeout_touch(&l.t, l.nodes, 0, 6); /* the head */
    ps_timeout_touch(&l.t, l.nodes, 0, 7); /* the tail */
    const uint32_t order[] = {2, 1, 0};
    const uint64_t due[] = {12, 15, 17};
    for (unsigned i = 0; i < 3; i++) {
        assert_true(ps_timeouts_deadline_us(&l.t, l.nodes) == due[i]);
        assert_int_equal(ps_timeouts_due(&l.t, l.nodes, due[i]), order[i]);
        ps_timeout_stop(&l.t, l.nodes, order[i]);
    }
    assert_int_equal(ps_timeouts_check(&l.t, l.nodes, NODES), 0);
}

static void stopping_what_is_not_linked_does_nothing(void **state)
{
    (void)state;
    list l = list_of(10);
    ps_timeout_start(&l.t, l.nodes, 3, 0);
    ps_timeout_stop(&l.t, l.nodes, 4);
    ps_timeout_stop(&l.t, l.nodes, 3);
    ps_timeout_stop(&l.t, l.nodes, 3);
    assert_int_equal(ps_timeouts_check(&l.t, l.nodes, NODES), 0);
}

static void a_deadline_beyond_all_time_is_clamped(void **state)
{
    (void)state;
    list l = list_of(UINT64_MAX);
    ps_timeout_start(&l.t, l.nodes, 0, 1000);
    assert_true(ps_timeouts_deadline_us(&l.t, l.nodes) == PS_TIME_NEVER - 1);
    assert_int_equal(ps_timeouts_due(&l.t, l.nodes, PS_TIME_NEVER - 2), PS_NIL);
}

static void the_check_sees_each_kind_of_damage(void **state)
{
    (void)state;
    for (unsigned damage = 0; damage < 7; damage++) {
        list l = list_of(10);
        for (uint32_t i = 0; i < 3; i++) {
            ps_timeout_start(&l.t, l.nodes, i, i);
        }
        uint32_t cap = NODES;
        switch (damage) {
        case 0:
            l.nodes[1].prev = 2;
            break;
        case 1:
            l.nodes[2].next = 0;
            break;
        case 2:
            l.nodes[1].next = NODES + 1;
            break;
        case 3:
            l.nodes[0].deadline_us = 12;
            break;
        case 4:
            l.t.tail = 1;
            break;
        case 5:
            l.nodes[1].next = 0; /* A ring, of as many as there are. */
            cap = 2;
            break;
        default:
            cap = 2;
            break;
        }
        assert_int_equal(ps_timeouts_check(&l.t, l.nodes, cap), -1);
    }
}

/* Against a model that knows only each node's deadline. */
static void random_histories_agree_with_a_model(void **state)
{
    (void)state;
    test_random r = test_random_of(1);
    list l = list_of(50);
    uint64_t model[NODES];
    for (uint32_t i = 0; i < NODES; i++) {
        model[i] = PS_TIME_NEVER;
    }
    uint64_t now_us = 0;
    for (int step = 0; step < 20000; step++) {
        uint32_t i = (uint32_t)test_random_below(&r, NODES);
        now_us += test_random_below(&r, 4);
        if (test_random_chance(&r, 20)) {
            ps_timeout_stop(&l.t, l.nodes, i);
            model[i] = PS_TIME_NEVER;
        } else if (model[i] == PS_TIME_NEVER) {
            ps_timeout_start(&l.t, l.nodes, i, now_us);
            model[i] = now_us + 50;
        } else {
            ps_timeout_touch(&l.t, l.nodes, i, now_us);
            model[i] = now_us + 50;
        }
        uint32_t due;
        while ((due = ps_timeouts_due(&l.t, l.nodes, now_us)) != PS_NIL) {
            assert_true(model[due] <= now_us);
            model[due] = PS_TIME_NEVER;
            ps_timeout_stop(&l.t, l.nodes, due);
        }
        uint64_t next = PS_TIME_NEVER;
        uint32_t linked = 0;
        for (uint32_t n = 0; n < NODES; n++) {
            assert_int_equal(ps_timeout_linked(l.nodes, n), model[n] != PS_TIME_NEVER);
            linked += model[n] != PS_TIME_NEVER;
            next = model[n] < next ? model[n] : next;
        }
        assert_true(ps_timeouts_deadline_us(&l.t, l.nodes) == next);
        assert_int_equal(ps_timeouts_check(&l.t, l.nodes, NODES), linked);
    }
}

/* All linked nodes move at once, later ones do not, and the order stays. */
static void a_shift_moves_what_is_linked(void **state)
{
    (void)state;
    list l = list_of(3000);
    ps_timeouts_shift(&l.t, l.nodes, 77, UINT64_MAX); /* Of nothing. */
    ps_timeout_start(&l.t, l.nodes, 1, 100);
    assert_true(ps_timeouts_deadline_us(&l.t, l.nodes) == 3100);
    ps_timeout_start(&l.t, l.nodes, 2, 200);
    ps_timeouts_shift(&l.t, l.nodes, 500, 3700);
    assert_true(ps_timeout_deadline_us(&l.t, l.nodes, 1) == 3600);
    assert_true(ps_timeout_deadline_us(&l.t, l.nodes, 2) == 3700);
    assert_int_equal(ps_timeouts_due(&l.t, l.nodes, 3599), PS_NIL);
    assert_int_equal(ps_timeouts_due(&l.t, l.nodes, 3600), 1);
    ps_timeout_start(&l.t, l.nodes, 4, 300); /* Not due before those that were moved. */
    assert_true(ps_timeout_deadline_us(&l.t, l.nodes, 4) == 3700);
    ps_timeout_touch(&l.t, l.nodes, 4, 600);
    assert_true(ps_timeout_deadline_us(&l.t, l.nodes, 4) == 3700);
    assert_int_equal(ps_timeouts_check(&l.t, l.nodes, NODES), 3);
    ps_timeout_stop(&l.t, l.nodes, 4);
    ps_timeout_start(&l.t, l.nodes, 3, 700);
    assert_true(ps_timeout_deadline_us(&l.t, l.nodes, 3) == 3700);
    ps_timeout_touch(&l.t, l.nodes, 1, 800);
    assert_true(ps_timeout_deadline_us(&l.t, l.nodes, 1) == 3800);
    assert_int_equal(ps_timeouts_check(&l.t, l.nodes, NODES), 3);
    ps_timeout_stop(&l.t, l.nodes, 2);
    assert_true(ps_timeouts_deadline_us(&l.t, l.nodes) == 3700);
    /* Only as far as the last one may go. */
    ps_timeouts_shift(&l.t, l.nodes, 500, 4000);
    assert_true(ps_timeout_deadline_us(&l.t, l.nodes, 1) == 4000);
    assert_true(ps_timeout_deadline_us(&l.t, l.nodes, 3) == 3900);
    ps_timeouts_shift(&l.t, l.nodes, 500, 3999);
    assert_true(ps_timeouts_deadline_us(&l.t, l.nodes) == 3900);
    assert_int_equal(ps_timeouts_check(&l.t, l.nodes, NODES), 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_empty_list_waits_for_nothing),
        cmocka_unit_test(falls_due_at_its_deadline_and_not_before),
        cmocka_unit_test(node_0_links_like_any_other),
        cmocka_unit_test(touching_moves_to_the_tail),
        cmocka_unit_test(stopping_what_is_not_linked_does_nothing),
        cmocka_unit_test(a_deadline_beyond_all_time_is_clamped),
        cmocka_unit_test(a_shift_moves_what_is_linked),
        cmocka_unit_test(the_check_sees_each_kind_of_damage),
        cmocka_unit_test(random_histories_agree_with_a_model),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
