/* Streams through boxes. */
#include "nat_fixture.h"

static ps_status dial(ps_sim *sim, uint32_t node, ps_addr to, ps_stream *s)
{
    const ps_stream_transport *t = ps_sim_stream_transport(sim, node);
    const ps_status status = t->dial(t->ctx, &to, s);
    ps_sim_run_until(sim, ps_sim_now_us(sim) + 2000);
    return status;
}

static bool accept(ps_sim *sim, uint32_t node, ps_stream *s, ps_addr *from)
{
    const ps_stream_transport *t = ps_sim_stream_transport(sim, node);
    return t->accept(t->ctx, s, from) == PS_OK;
}

static bool says(ps_sim *sim, uint32_t from, ps_stream at_from, uint32_t to, ps_stream at_to)
{
    size_t n = 0;
    uint8_t buf[4];
    (void)test_write(sim, from, at_from, "x", 1, &n);
    ps_sim_run_until(sim, ps_sim_now_us(sim) + 2000);
    return test_read(sim, to, at_to, buf, sizeof buf, &n) == PS_OK && n == 1;
}

static void dials_from_inside_pass(void **state)
{
    (void)state;
    ps_sim *sim = nat_kind(PS_SIM_NAT_SYMMETRIC);
    ps_stream a;
    ps_stream b;
    ps_addr from;
    assert_int_equal(dial(sim, INSIDE, ps_sim_addr(sim, OUTSIDE), &a), PS_OK);
    assert_true(accept(sim, OUTSIDE, &b, &from));
    assert_memory_equal(from.ip, ps_sim_addr(sim, BOX).ip, 16);
    assert_int_equal(from.port, 49152); /* Kept: the one that it was dialled from. */
    assert_true(says(sim, INSIDE, a, OUTSIDE, b));
    assert_true(says(sim, OUTSIDE, b, INSIDE, a));
    assert_int_equal(nat_load(sim).mappings, 1);
    /* Nobody listens behind a stream's own port. */
    ps_stream c;
    assert_int_equal(dial(sim, OTHER, from, &c), PS_OK);
    assert_false(accept(sim, INSIDE, &b, &from));
    assert_int_equal(nat_load(sim).blocked, 1);
    test_close(sim, INSIDE, a);
    test_close(sim, OUTSIDE, b);
    ps_sim_run_until(sim, ps_sim_now_us(sim) + 1000);
    assert_int_equal(nat_load(sim).mappings, 0);
    ps_sim_destroy(sim);
}

/* Two hops: each has its latency, both ways. */
static void each_hop_takes_its_time(void **state)
{
    (void)state;
    ps_sim *sim = nat_kind(PS_SIM_NAT_FULL_CONE);
    const ps_sim_link far = {.latency_us = 5000};
    assert_int_equal(ps_sim_set_link(sim, BOX, OUTSIDE, &far), PS_OK);
    const ps_stream_transport *t = ps_sim_stream_transport(sim, INSIDE);
    const ps_addr to = ps_sim_addr(sim, OUTSIDE);
    ps_stream a;
    ps_stream b;
    ps_addr from;
    assert_int_equal(t->dial(t->ctx, &to, &a), PS_OK);
    ps_sim_run_until(sim, START_US + 5099);
    assert_false(accept(sim, OUTSIDE, &b, &from));
    ps_sim_run_until(sim, START_US + 5100);
    assert_true(accept(sim, OUTSIDE, &b, &from));
    ps_sim_run_until(sim, START_US + 5299);
    assert_int_equal(test_ready(sim, INSIDE, a), 0);
    ps_sim_run_until(sim, START_US + 5300);
    assert_int_equal(test_ready(sim, INSIDE, a), PS_WRITABLE);
    ps_sim_destroy(sim);
}

static void dials_from_outside_are_dropped_or_refused(void **state)
{
    (void)state;
    for (int refuses = 0; refuses < 2; refuses++) {
        ps_sim_nat nat;
        ps_sim_nat_default(&nat, PS_SIM_NAT_FULL_CONE);
        nat.refuses_streams = refuses;
        ps_sim *sim = nat_network(&nat);
        (void)nat_seen(sim, INSIDE, OUTSIDE, 0); /* A mapping of datagrams admits no stream. */
        ps_stream s;
        ps_stream inner;
        assert_int_equal(dial(sim, OUTSIDE, ps_sim_addr(sim, BOX), &s), PS_OK);
        assert_int_equal(dial(sim, OUTSIDE, ps_sim_addr(sim, INSIDE), &inner), PS_OK);
        assert_int_equal(test_ready(sim, OUTSIDE, s) & PS_BROKEN, refuses ? PS_BROKEN : 0);
        assert_int_equal(test_ready(sim, OUTSIDE, inner), 0); /* Nobody is there. */
        assert_int_equal(nat_load(sim).blocked, 1);
        ps_sim_run_until(sim, ps_sim_now_us(sim) + 1001000);
        assert_int_equal(test_ready(sim, OUTSIDE, s) & PS_BROKEN, PS_BROKEN);
        assert_int_equal(test_ready(sim, OUTSIDE, inner) & PS_BROKEN, PS_BROKEN);
        ps_sim_destroy(sim);
    }
}

static void forwarded_ports_admit_dials(void **state)
{
    (void)state;
    ps_sim_nat nat;
    ps_sim_nat_default(&nat, PS_SIM_NAT_SYMMETRIC);
    nat.hairpin = true;
    ps_sim *sim = nat_network(&nat);
    const ps_addr inside = ps_sim_addr(sim, INSIDE);
    ps_addr door = ps_sim_addr(sim, BOX);
    door.port = 80;
    assert_int_equal(ps_sim_nat_forward(sim, BOX, 80, &inside), PS_OK);
    ps_stream a;
    ps_stream b;
    ps_addr from;
    assert_int_equal(dial(sim, OUTSIDE, door, &a), PS_OK);
    assert_true(accept(sim, INSIDE, &b, &from));
    assert_memory_equal(from.ip, ps_sim_addr(sim, OUTSIDE).ip, 16);
    assert_true(says(sim, OUTSIDE, a, INSIDE, b));
    ps_sim_crash(sim, BOX);
    assert_false(says(sim, INSIDE, b, OUTSIDE, a));
    ps_sim_restart(sim, BOX); /* What is forwarded for good needs no memory. */
    ps_sim_run_until(sim, ps_sim_now_us(sim) + 300000);
    assert_int_equal(test_ready(sim, OUTSIDE, a), PS_READABLE | PS_WRITABLE);
    assert_int_equal(dial(sim, SISTER, door, &a), PS_OK); /* From inside, round the corner. */
    assert_true(accept(sim, INSIDE, &b, &from));
    assert_memory_equal(from.ip, ps_sim_addr(sim, BOX).ip, 16);
    assert_true(says(sim, SISTER, a, INSIDE, b));
    ps_sim_destroy(sim);
}

static void hairpins_of_streams_need_leave(void **state)
{
    (void)state;
    ps_sim *sim = nat_kind(PS_SIM_NAT_FULL_CONE);
    const ps_addr inside = ps_sim_addr(sim, INSIDE);
    ps_addr door = ps_sim_addr(sim, BOX);
    door.port = 80;
    assert_int_equal(ps_sim_nat_forward(sim, BOX, 80, &inside), PS_OK);
    ps_stream a;
    ps_stream b;
    ps_addr from;
    assert_int_equal(dial(sim, SISTER, door, &a), PS_OK);
    assert_false(accept(sim, INSIDE, &b, &from));
    assert_int_equal(nat_load(sim).blocked, 1);
    assert_int_equal(dial(sim, SISTER, inside, &a), PS_OK); /* The straight way. */
    assert_true(accept(sim, INSIDE, &b, &from));
    ps_sim_destroy(sim);
}

/* Why what a stream needs is gone; afterwards nothing passes, and both ends break. */
static void forgotten_streams_break(void **state)
{
    (void)state;
    for (int why = 0; why < 4; why++) {
        ps_sim_nat nat;
        ps_sim_nat_default(&nat, PS_SIM_NAT_FULL_CONE);
        nat.stream_timeout_us = why == 2 ? MINUTE : nat.stream_timeout_us;
        ps_sim *sim = nat_network(&nat);
        ps_stream a;
        ps_stream b;
        ps_addr from;
        assert_int_equal(dial(sim, INSIDE, ps_sim_addr(sim, OUTSIDE), &a), PS_OK);
        assert_true(accept(sim, OUTSIDE, &b, &from));
        ps_sim_run_until(sim, ps_sim_now_us(sim) + MINUTE / 2);
        assert_true(says(sim, INSIDE, a, OUTSIDE, b));
        ps_sim_run_until(sim, ps_sim_now_us(sim) + MINUTE / 2);
        assert_true(says(sim, OUTSIDE, b, INSIDE, a)); /* Either way keeps it. */
        ps_addr elsewhere = ps_sim_addr(sim, BOX);
        elsewhere.ip[1] = 77;
        if (why == 0) {
            ps_sim_crash(sim, BOX);
            ps_sim_restart(sim, BOX);
        } else if (why == 1) {
            assert_int_equal(ps_sim_move(sim, BOX, &elsewhere), PS_OK);
        } else {
            ps_sim_run_until(sim, ps_sim_now_us(sim) + MINUTE);
        }
        const bool lives = why == 3;
        assert_int_equal(says(sim, INSIDE, a, OUTSIDE, b), lives);
        assert_int_equal(says(sim, OUTSIDE, b, INSIDE, a), lives);
        ps_sim_run_until(sim, ps_sim_now_us(sim) + 1001000);
        assert_int_equal(test_ready(sim, INSIDE, a) & PS_BROKEN, lives ? 0 : PS_BROKEN);
        assert_int_equal(test_ready(sim, OUTSIDE, b) & PS_BROKEN, lives ? 0 : PS_BROKEN);
        ps_sim_destroy(sim);
    }
}

static void what_cannot_pass_is_nowhere(void **state)
{
    (void)state;
    ps_sim_nat nat;
    ps_sim_nat_default(&nat, PS_SIM_NAT_FULL_CONE);
    nat.max_mappings = 1;
    ps_sim *sim = nat_network(&nat);
    ps_stream s[4];
    ps_stream b;
    ps_addr from;
    assert_int_equal(dial(sim, INSIDE, ps_sim_addr(sim, OUTSIDE), &s[0]), PS_OK);
    assert_int_equal(dial(sim, INSIDE, ps_sim_addr(sim, OUTSIDE), &s[1]), PS_OK);
    assert_true(accept(sim, OUTSIDE, &b, &from));
    assert_false(accept(sim, OUTSIDE, &b, &from));
    assert_int_equal(nat_load(sim).full, 1);
    ps_sim_crash(sim, BOX);
    assert_int_equal(dial(sim, INSIDE, ps_sim_addr(sim, OUTSIDE), &s[2]), PS_OK);
    assert_int_equal(dial(sim, OUTSIDE, ps_sim_addr(sim, BOX), &s[3]), PS_OK);
    ps_sim_restart(sim, BOX);
    ps_sim_run_until(sim, ps_sim_now_us(sim) + 1001000);
    for (int i = 1; i < 4; i++) {
        assert_int_equal(test_ready(sim, i < 3 ? INSIDE : OUTSIDE, s[i]) & PS_BROKEN, PS_BROKEN);
    }
    assert_int_equal(test_stats(sim).streams_now, 4);
    ps_sim_destroy(sim);
}

static void a_partition_between_neighbours_cuts(void **state)
{
    (void)state;
    ps_sim *sim = nat_kind(PS_SIM_NAT_FULL_CONE);
    const uint32_t ends[3] = {INSIDE, OUTSIDE, BOX};
    ps_stream a;
    ps_stream b;
    ps_addr from;
    assert_int_equal(dial(sim, INSIDE, ps_sim_addr(sim, OUTSIDE), &a), PS_OK);
    assert_true(accept(sim, OUTSIDE, &b, &from));
    assert_int_equal(ps_sim_partition(sim, &ends[0], 1, &ends[1], 1, false, NULL), PS_OK);
    assert_true(says(sim, INSIDE, a, OUTSIDE, b)); /* They are no neighbours. */
    assert_int_equal(ps_sim_partition(sim, &ends[2], 1, &ends[1], 1, true, NULL), PS_OK);
    assert_false(says(sim, INSIDE, a, OUTSIDE, b));
    assert_true(says(sim, OUTSIDE, b, INSIDE, a)); /* One way. */
    assert_false(nat_passes(sim, INSIDE, 0, ps_sim_addr(sim, OUTSIDE), OUTSIDE));
    ps_sim_heal_all(sim);
    ps_sim_run_until(sim, ps_sim_now_us(sim) + 300000);
    assert_int_equal(test_ready(sim, OUTSIDE, b), PS_READABLE | PS_WRITABLE);
    ps_sim_destroy(sim);
}

/* Down to a node behind two boxes, from one behind another two. */
static void ways_go_through_many_boxes(void **state)
{
    (void)state;
    ps_sim *sim = nat_kind(PS_SIM_NAT_FULL_CONE);
    ps_sim_nat nat;
    ps_sim_nat_default(&nat, PS_SIM_NAT_SYMMETRIC);
    uint32_t box[3];
    for (int i = 0; i < 3; i++) {
        assert_int_equal(ps_sim_add_nat(sim, &nat, &box[i]), PS_OK);
    }
    assert_int_equal(ps_sim_put_behind(sim, BOX, box[0]), PS_OK);
    assert_int_equal(ps_sim_put_behind(sim, OUTSIDE, box[1]), PS_OK);
    assert_int_equal(ps_sim_put_behind(sim, box[1], box[2]), PS_OK);
    const ps_addr host = ps_sim_addr(sim, OUTSIDE);
    ps_addr inner = ps_sim_addr(sim, box[1]);
    ps_addr outer = ps_sim_addr(sim, box[2]);
    inner.port = 81;
    outer.port = 82;
    assert_int_equal(ps_sim_nat_forward(sim, box[1], 81, &host), PS_OK);
    assert_int_equal(ps_sim_nat_forward(sim, box[2], 82, &inner), PS_OK);
    ps_stream a;
    ps_stream b;
    ps_addr from;
    assert_int_equal(dial(sim, INSIDE, outer, &a), PS_OK);
    assert_true(accept(sim, OUTSIDE, &b, &from));
    assert_memory_equal(from.ip, ps_sim_addr(sim, box[0]).ip, 16);
    assert_true(says(sim, INSIDE, a, OUTSIDE, b));
    assert_true(says(sim, OUTSIDE, b, INSIDE, a));
    ps_sim_crash(sim, box[0]);
    ps_sim_restart(sim, box[0]);
    assert_false(says(sim, OUTSIDE, b, INSIDE, a));
    ps_sim_destroy(sim);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(dials_from_inside_pass),
        cmocka_unit_test(each_hop_takes_its_time),
        cmocka_unit_test(dials_from_outside_are_dropped_or_refused),
        cmocka_unit_test(forwarded_ports_admit_dials),
        cmocka_unit_test(hairpins_of_streams_need_leave),
        cmocka_unit_test(forgotten_streams_break),
        cmocka_unit_test(what_cannot_pass_is_nowhere),
        cmocka_unit_test(a_partition_between_neighbours_cuts),
        cmocka_unit_test(ways_go_through_many_boxes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
