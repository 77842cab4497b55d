/* Boxes: what each kind maps and lets in, and where they stand. */
#include "nat_fixture.h"

static void the_inside_is_seen_as_the_box(void **state)
{
    (void)state;
    ps_sim *sim = nat_kind(PS_SIM_NAT_PORT_RESTRICTED);
    const ps_addr inside = ps_sim_addr(sim, INSIDE);
    const ps_addr outside = ps_sim_addr(sim, OUTSIDE);
    ps_addr mapped;
    assert_int_equal(ps_sim_nat_mapped(sim, BOX, &inside, &outside, &mapped), PS_AGAIN);
    ps_addr seen = nat_seen(sim, INSIDE, OUTSIDE, 0);
    assert_memory_equal(seen.ip, ps_sim_addr(sim, BOX).ip, 16);
    assert_int_equal(seen.port, inside.port); /* It was free. */
    assert_int_equal(ps_sim_nat_mapped(sim, BOX, &inside, &outside, &mapped), PS_OK);
    assert_true(ps_addr_equal(&mapped, &seen));
    nat_send(sim, OUTSIDE, 0, seen);
    ps_addr from;
    assert_true(nat_receive(sim, INSIDE, &from)); /* The answer. */
    assert_true(ps_addr_equal(&from, &outside));
    assert_int_equal(nat_load(sim).passed_out, 1);
    assert_int_equal(nat_load(sim).passed_in, 1);
    assert_int_equal(nat_load(sim).mappings, 1);
    assert_int_equal(nat_load(sim).sessions, 1);
    assert_int_equal(test_stats(sim).sent, 2);
    assert_int_equal(test_stats(sim).forwarded, 2);
    assert_int_equal(test_stats(sim).delivered, 2);
    ps_sim_destroy(sim);
}

static void nobody_reaches_an_inner_address(void **state)
{
    (void)state;
    ps_sim *sim = nat_kind(PS_SIM_NAT_FULL_CONE);
    const ps_addr inside = ps_sim_addr(sim, INSIDE);
    assert_false(nat_passes(sim, OUTSIDE, 0, inside, INSIDE));
    assert_int_equal(test_stats(sim).unreachable, 1);
    assert_true(nat_passes(sim, SISTER, 0, inside, INSIDE)); /* But from beside. */
    assert_int_equal(nat_load(sim).mapped, 0);
    ps_addr gone = inside;
    gone.ip[1] = 99;
    assert_false(nat_passes(sim, INSIDE, 0, gone, OUTSIDE)); /* The box does not know either. */
    assert_int_equal(test_stats(sim).unreachable, 2);
    ps_addr door = ps_sim_addr(sim, BOX);
    assert_true(nat_passes(sim, OUTSIDE, 0, door, INSIDE)); /* By what that one left behind. */
    ps_sim_destroy(sim);
}

/* RFC 3489, section 5: who may answer to what INSIDE sent to OUTSIDE, and how OTHER sees it. */
static void each_kind_lets_in_whom_it_should(void **state)
{
    (void)state;
    static const struct {
        ps_sim_nat_kind kind;
        bool same_port, other; /* From another port of OUTSIDE, from somebody else. */
        bool one_mapping;
    } kinds[] = {
        {PS_SIM_NAT_FULL_CONE, true, true, true},
        {PS_SIM_NAT_RESTRICTED_CONE, true, false, true},
        {PS_SIM_NAT_PORT_RESTRICTED, false, false, true},
        {PS_SIM_NAT_SYMMETRIC, false, false, false},
    };
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        ps_sim *sim = nat_kind(kinds[i].kind);
        const ps_addr seen = nat_seen(sim, INSIDE, OUTSIDE, 0);
        assert_true(nat_passes(sim, OUTSIDE, 0, seen, INSIDE));
        assert_int_equal(nat_passes(sim, OUTSIDE, 1, seen, INSIDE), kinds[i].same_port);
        assert_int_equal(nat_passes(sim, OTHER, 0, seen, INSIDE), kinds[i].other);
        const uint64_t blocked = (kinds[i].same_port ? 0u : 1u) + (kinds[i].other ? 0u : 1u);
        assert_true(nat_load(sim).blocked == blocked);
        assert_true(test_stats(sim).nat_blocked == blocked);
        const ps_addr by_port = nat_seen(sim, INSIDE, OUTSIDE, 1);
        const ps_addr by_other = nat_seen(sim, INSIDE, OTHER, 0);
        assert_int_equal(ps_addr_equal(&seen, &by_port), kinds[i].one_mapping);
        assert_int_equal(ps_addr_equal(&seen, &by_other), kinds[i].one_mapping);
        assert_int_equal(nat_load(sim).mappings, kinds[i].one_mapping ? 1 : 3);
        assert_true(nat_passes(sim, OTHER, 0, by_other, INSIDE)); /* Now that it was asked. */
        ps_sim_destroy(sim);
    }
}

/* RFC 4787's middle: one mapping for all ports of a host. */
static void a_mapping_by_address_is_one_a_host(void **state)
{
    (void)state;
    ps_sim_nat nat;
    ps_sim_nat_default(&nat, PS_SIM_NAT_SYMMETRIC);
    nat.mapping = PS_SIM_NAT_BY_ADDRESS;
    ps_sim *sim = nat_network(&nat);
    const ps_addr seen = nat_seen(sim, INSIDE, OUTSIDE, 0);
    const ps_addr by_port = nat_seen(sim, INSIDE, OUTSIDE, 1);
    const ps_addr by_other = nat_seen(sim, INSIDE, OTHER, 0);
    assert_true(ps_addr_equal(&seen, &by_port));
    assert_false(ps_addr_equal(&seen, &by_other));
    ps_sim_destroy(sim);
}

/* Both send: what comes first opens the own box and is stopped by the other's. */
static void two_send_at_once_and_meet(void **state)
{
    (void)state;
    for (int symmetric = 0; symmetric < 2; symmetric++) {
        ps_sim *sim = nat_kind(PS_SIM_NAT_PORT_RESTRICTED);
        ps_sim_nat nat;
        ps_sim_nat_default(&nat, symmetric ? PS_SIM_NAT_SYMMETRIC : PS_SIM_NAT_PORT_RESTRICTED);
        nat.ports = PS_SIM_NAT_PORTS_COUNTED;
        uint32_t box;
        assert_int_equal(ps_sim_add_nat(sim, &nat, &box), PS_OK);
        assert_int_equal(ps_sim_put_behind(sim, OTHER, box), PS_OK);
        const ps_addr one = nat_seen(sim, INSIDE, OUTSIDE, 0); /* OUTSIDE tells both. */
        const ps_addr two = nat_seen(sim, OTHER, OUTSIDE, 0);
        assert_int_equal(two.port, 1024);
        assert_false(nat_passes(sim, INSIDE, 0, two, OTHER));
        assert_int_equal(nat_passes(sim, OTHER, 0, one, INSIDE), !symmetric);
        assert_int_equal(nat_passes(sim, INSIDE, 0, two, OTHER), !symmetric);
        ps_sim_destroy(sim);
    }
}

static void hairpins_turn_only_where_they_may(void **state)
{
    (void)state;
    for (int may = 0; may < 2; may++) {
        ps_sim_nat nat;
        ps_sim_nat_default(&nat, PS_SIM_NAT_FULL_CONE);
        nat.hairpin = may;
        ps_sim *sim = nat_network(&nat);
        const ps_addr inside = nat_seen(sim, INSIDE, OUTSIDE, 0);
        const ps_addr sister = nat_seen(sim, SISTER, OUTSIDE, 0);
        assert_int_equal(inside.port, 5000);
        assert_int_equal(sister.port, 5001); /* 5000 was taken. */
        ps_addr from = {0};
        nat_send(sim, SISTER, 0, inside);
        assert_int_equal(nat_receive(sim, INSIDE, &from), may);
        if (may) {
            assert_true(ps_addr_equal(&from, &sister)); /* RFC 4787: its outer address. */
        }
        assert_int_equal(nat_load(sim).blocked, !may);
        ps_sim_destroy(sim);
    }
}

static void a_box_does_not_pass_foreign_sources(void **state)
{
    (void)state;
    ps_sim *sim = nat_kind(PS_SIM_NAT_FULL_CONE);
    const ps_addr outside = ps_sim_addr(sim, OUTSIDE);
    const ps_addr other = ps_sim_addr(sim, OTHER);
    const ps_addr sister = ps_sim_addr(sim, SISTER);
    assert_int_equal(ps_sim_send_as(sim, INSIDE, &other, &outside, "x", 1), PS_OK);
    ps_sim_run_until(sim, ps_sim_now_us(sim) + 1000);
    assert_int_equal(test_receive_all(sim, OUTSIDE), 0);
    assert_int_equal(nat_load(sim).blocked, 1);
    assert_int_equal(ps_sim_send_as(sim, INSIDE, &sister, &outside, "x", 1), PS_OK);
    ps_sim_run_until(sim, ps_sim_now_us(sim) + 1000);
    assert_int_equal(test_receive_all(sim, OUTSIDE), 1); /* Whose it is, it cannot know. */
    ps_sim_destroy(sim);
}

static void boxes_stand_behind_boxes(void **state)
{
    (void)state;
    ps_sim *sim = nat_kind(PS_SIM_NAT_FULL_CONE);
    ps_sim_nat nat;
    ps_sim_nat_default(&nat, PS_SIM_NAT_FULL_CONE);
    uint32_t carrier;
    assert_int_equal(ps_sim_add_nat(sim, &nat, &carrier), PS_OK);
    assert_int_equal(ps_sim_put_behind(sim, BOX, carrier), PS_OK);
    assert_int_equal(ps_sim_put_behind(sim, carrier, BOX), PS_INVALID); /* A ring. */
    assert_int_equal(ps_sim_put_behind(sim, BOX, BOX), PS_INVALID);
    assert_int_equal(ps_sim_put_behind(sim, INSIDE, OUTSIDE), PS_INVALID); /* No box. */
    assert_int_equal(ps_sim_put_behind(sim, 99, BOX), PS_INVALID);
    const ps_addr seen = nat_seen(sim, INSIDE, OUTSIDE, 0);
    assert_memory_equal(seen.ip, ps_sim_addr(sim, carrier).ip, 16);
    assert_true(nat_passes(sim, OTHER, 0, seen, INSIDE));
    assert_int_equal(test_stats(sim).forwarded, 4);
    /* Beside the inner box, in the carrier's net. */
    assert_int_equal(ps_sim_put_behind(sim, OTHER, carrier), PS_OK);
    assert_memory_equal(nat_seen(sim, INSIDE, OTHER, 0).ip, ps_sim_addr(sim, BOX).ip, 16);
    uint32_t above = carrier;
    for (uint32_t i = 2; i < PS_SIM_BOXES_MAX; i++) {
        uint32_t box;
        assert_int_equal(ps_sim_add_nat(sim, &nat, &box), PS_OK);
        assert_int_equal(ps_sim_put_behind(sim, above, box), PS_OK);
        above = box;
    }
    assert_memory_equal(nat_seen(sim, INSIDE, OUTSIDE, 0).ip, ps_sim_addr(sim, above).ip, 16);
    uint32_t last;
    assert_int_equal(ps_sim_add_nat(sim, &nat, &last), PS_OK);
    assert_int_equal(ps_sim_put_behind(sim, last, BOX), PS_INVALID); /* One too many. */
    assert_int_equal(ps_sim_put_behind(sim, INSIDE, PS_SIM_OUTSIDE), PS_OK);
    assert_memory_equal(nat_seen(sim, INSIDE, OUTSIDE, 0).ip, ps_sim_addr(sim, INSIDE).ip, 16);
    ps_sim_destroy(sim);
}

static void impossible_boxes_are_refused(void **state)
{
    (void)state;
    ps_sim_config cfg = test_config(1, (ps_sim_link){0});
    cfg.max_nodes = 2;
    ps_sim *sim = test_network(&cfg, 1);
    ps_sim_nat nat;
    uint32_t id;
    for (int i = 0; i < 8; i++) {
        ps_sim_nat_default(&nat, PS_SIM_NAT_SYMMETRIC);
        nat.size -= i == 0;
        nat.mapping = i == 1 ? (ps_sim_nat_by)3 : nat.mapping;
        nat.filtering = i == 2 ? (ps_sim_nat_by)3 : nat.filtering;
        nat.ports = i == 3 ? (ps_sim_nat_ports)3 : nat.ports;
        nat.first_port = i == 4 ? 0 : nat.first_port;
        nat.timeout_us = i == 5 ? 0 : nat.timeout_us;
        nat.stream_timeout_us = i == 6 ? 0 : nat.stream_timeout_us;
        nat.addr = i == 7 ? ps_sim_addr(sim, 0) : nat.addr;
        assert_int_equal(ps_sim_add_nat(sim, &nat, &id), PS_INVALID);
    }
    ps_sim_nat_default(&nat, PS_SIM_NAT_SYMMETRIC);
    assert_int_equal(ps_sim_add_nat(sim, &nat, &id), PS_OK);
    assert_int_equal(ps_sim_add_nat(sim, &nat, &id), PS_INVALID); /* max_nodes. */
    ps_sim_nat_load load;
    ps_addr addr = {0};
    assert_int_equal(ps_sim_nat_stats(sim, 0, &load), PS_INVALID);
    assert_int_equal(ps_sim_nat_mapped(sim, 0, &addr, &addr, &addr), PS_INVALID);
    assert_int_equal(ps_sim_nat_forward(sim, 0, 1, &addr), PS_INVALID);
    assert_int_equal(ps_sim_nat_forward(sim, id, 0, &addr), PS_INVALID);
    ps_sim_destroy(sim);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_inside_is_seen_as_the_box),
        cmocka_unit_test(nobody_reaches_an_inner_address),
        cmocka_unit_test(each_kind_lets_in_whom_it_should),
        cmocka_unit_test(a_mapping_by_address_is_one_a_host),
        cmocka_unit_test(two_send_at_once_and_meet),
        cmocka_unit_test(hairpins_turn_only_where_they_may),
        cmocka_unit_test(a_box_does_not_pass_foreign_sources),
        cmocka_unit_test(boxes_stand_behind_boxes),
        cmocka_unit_test(impossible_boxes_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
