/* What boxes remember: for how long, how much, and at which ports. */
#include "nat_fixture.h"

#include "sim/nat_table.h"

static void silence_closes_what_sending_keeps_open(void **state)
{
    (void)state;
    ps_sim_nat nat;
    ps_sim_nat_default(&nat, PS_SIM_NAT_FULL_CONE);
    ps_sim *sim = nat_network(&nat);
    const ps_addr seen = nat_seen(sim, INSIDE, OUTSIDE, 0);
    ps_sim_run_until(sim, ps_sim_now_us(sim) + 2 * MINUTE - 2000);
    const ps_addr again = nat_seen(sim, INSIDE, OTHER, 0); /* One mapping: anybody keeps it. */
    assert_true(ps_addr_equal(&seen, &again));
    ps_sim_run_until(sim, ps_sim_now_us(sim) + MINUTE);
    assert_true(nat_passes(sim, OUTSIDE, 0, seen, INSIDE)); /* Which does not refresh. */
    ps_sim_run_until(sim, ps_sim_now_us(sim) + MINUTE);
    assert_false(nat_passes(sim, OUTSIDE, 0, seen, INSIDE));
    assert_int_equal(nat_load(sim).expired, 1);
    assert_int_equal(nat_load(sim).mappings, 0);
    assert_int_equal(nat_load(sim).blocked, 1);
    ps_sim_destroy(sim);
}

static void some_boxes_count_what_comes_in(void **state)
{
    (void)state;
    for (int kind = PS_SIM_NAT_FULL_CONE; kind <= PS_SIM_NAT_SYMMETRIC; kind++) {
        ps_sim_nat nat;
        ps_sim_nat_default(&nat, (ps_sim_nat_kind)kind);
        nat.refreshed_inward = true;
        ps_sim *sim = nat_network(&nat);
        const ps_addr seen = nat_seen(sim, INSIDE, OUTSIDE, 0);
        for (int i = 0; i < 5; i++) {
            ps_sim_run_until(sim, ps_sim_now_us(sim) + MINUTE);
            assert_true(nat_passes(sim, OUTSIDE, 0, seen, INSIDE));
        }
        ps_sim_destroy(sim);
    }
}

/* The mapping lives by one remote; the other one's leave to answer has expired. */
static void a_filter_forgets_each_for_itself(void **state)
{
    (void)state;
    ps_sim *sim = nat_kind(PS_SIM_NAT_PORT_RESTRICTED);
    const ps_addr seen = nat_seen(sim, INSIDE, OUTSIDE, 0);
    (void)nat_seen(sim, INSIDE, OTHER, 0);
    assert_int_equal(nat_load(sim).sessions, 2);
    for (int i = 0; i < 2; i++) {
        ps_sim_run_until(sim, ps_sim_now_us(sim) + MINUTE);
        (void)nat_seen(sim, INSIDE, OUTSIDE, 0);
    }
    assert_false(nat_passes(sim, OTHER, 0, seen, INSIDE));
    assert_true(nat_passes(sim, OUTSIDE, 0, seen, INSIDE));
    assert_int_equal(nat_load(sim).sessions, 1);
    ps_sim_destroy(sim);
}

static void a_full_box_passes_nothing_new(void **state)
{
    (void)state;
    ps_sim_nat nat;
    ps_sim_nat_default(&nat, PS_SIM_NAT_SYMMETRIC);
    nat.max_mappings = 2;
    ps_sim *sim = nat_network(&nat);
    (void)nat_seen(sim, INSIDE, OUTSIDE, 0);
    (void)nat_seen(sim, INSIDE, OUTSIDE, 1);
    assert_false(nat_passes(sim, INSIDE, 0, ps_sim_addr(sim, OTHER), OTHER));
    assert_int_equal(nat_load(sim).full, 1);
    assert_int_equal(test_stats(sim).nat_full, 1);
    (void)nat_seen(sim, INSIDE, OUTSIDE, 0); /* What it has goes on. */
    ps_sim_run_until(sim, ps_sim_now_us(sim) + 2 * MINUTE - 3000);
    (void)nat_seen(sim, INSIDE, OTHER, 0); /* The place of the one that was silent. */
    assert_int_equal(nat_load(sim).expired, 1);
    assert_int_equal(nat_load(sim).mappings, 2);
    ps_sim_destroy(sim);
}

static void a_full_filter_does_neither(void **state)
{
    (void)state;
    ps_sim_nat nat;
    ps_sim_nat_default(&nat, PS_SIM_NAT_PORT_RESTRICTED);
    nat.max_sessions = 1;
    ps_sim *sim = nat_network(&nat);
    (void)nat_seen(sim, INSIDE, OUTSIDE, 0);
    assert_false(nat_passes(sim, INSIDE, 0, ps_sim_addr(sim, OTHER), OTHER));
    assert_false(nat_passes(sim, SISTER, 0, ps_sim_addr(sim, OTHER), OTHER));
    assert_int_equal(nat_load(sim).full, 2);
    ps_sim_run_until(sim, ps_sim_now_us(sim) + 2 * MINUTE);
    (void)nat_seen(sim, SISTER, OTHER, 0);
    assert_int_equal(nat_load(sim).sessions, 1);
    ps_sim_destroy(sim);
}

static void ports_are_counted_drawn_or_kept(void **state)
{
    (void)state;
    ps_sim_nat nat;
    ps_sim_nat_default(&nat, PS_SIM_NAT_SYMMETRIC);
    nat.ports = PS_SIM_NAT_PORTS_COUNTED;
    nat.first_port = 65534;
    ps_sim *sim = nat_network(&nat);
    assert_int_equal(nat_seen(sim, INSIDE, OUTSIDE, 0).port, 65534);
    assert_int_equal(nat_seen(sim, INSIDE, OUTSIDE, 1).port, 65535);
    assert_false(nat_passes(sim, INSIDE, 0, ps_sim_addr(sim, OTHER), OTHER)); /* No more. */
    assert_int_equal(nat_load(sim).full, 1);
    assert_int_equal(nat_load(sim).mappings, 2);
    ps_sim_run_until(sim, ps_sim_now_us(sim) + 2 * MINUTE);
    assert_int_equal(nat_seen(sim, INSIDE, OTHER, 0).port, 65534);
    ps_sim_destroy(sim);

    nat.ports = PS_SIM_NAT_PORTS_RANDOM;
    nat.first_port = 1024;
    uint16_t first[2];
    for (int i = 0; i < 2; i++) {
        sim = nat_network(&nat);
        first[i] = nat_seen(sim, INSIDE, OUTSIDE, 0).port;
        assert_true(first[i] >= 1024);
        assert_int_not_equal(nat_seen(sim, INSIDE, OUTSIDE, 1).port, first[i] + 1);
        ps_sim_destroy(sim);
    }
    assert_int_equal(first[0], first[1]); /* Of the seed. */

    nat.ports = PS_SIM_NAT_PORTS_KEPT;
    nat.first_port = 6000; /* Above the inner port. */
    sim = nat_network(&nat);
    assert_int_equal(nat_seen(sim, INSIDE, OUTSIDE, 0).port, 6000);
    ps_sim_destroy(sim);
}

static void reboots_and_moves_forget(void **state)
{
    (void)state;
    for (int move = 0; move < 2; move++) {
        ps_sim *sim = nat_kind(PS_SIM_NAT_FULL_CONE);
        ps_addr seen = nat_seen(sim, INSIDE, OUTSIDE, 0);
        if (move) {
            ps_addr elsewhere = ps_sim_addr(sim, BOX);
            elsewhere.ip[1] = 77;
            assert_int_equal(ps_sim_move(sim, BOX, &elsewhere), PS_OK);
            seen.ip[1] = 77;
        } else {
            ps_sim_crash(sim, BOX);
            assert_false(nat_passes(sim, INSIDE, 0, ps_sim_addr(sim, OUTSIDE), OUTSIDE));
            assert_int_equal(test_stats(sim).unreachable, 1);
            ps_sim_restart(sim, BOX);
        }
        assert_int_equal(nat_load(sim).mappings, 0);
        assert_int_equal(nat_load(sim).expired, 0);
        assert_false(nat_passes(sim, OUTSIDE, 0, seen, INSIDE));
        assert_int_equal(nat_load(sim).blocked, 1);
        const ps_addr again = nat_seen(sim, INSIDE, OUTSIDE, 0);
        assert_true(ps_addr_equal(&seen, &again));
        ps_sim_destroy(sim);
    }
}

static void a_forwarded_port_is_open_for_good(void **state)
{
    (void)state;
    ps_sim *sim = nat_kind(PS_SIM_NAT_SYMMETRIC);
    const ps_addr inside = ps_sim_addr(sim, INSIDE);
    ps_addr door = ps_sim_addr(sim, BOX);
    door.port = 80;
    assert_int_equal(ps_sim_nat_forward(sim, BOX, 80, &inside), PS_OK);
    assert_int_equal(ps_sim_nat_forward(sim, BOX, 80, &inside), PS_INVALID); /* Taken. */
    ps_sim_run_until(sim, ps_sim_now_us(sim) + 100 * MINUTE);
    ps_sim_crash(sim, BOX);
    ps_sim_restart(sim, BOX);
    assert_true(nat_passes(sim, OTHER, 0, door, INSIDE));
    const ps_addr seen = nat_seen(sim, INSIDE, OUTSIDE, 0); /* What it sends leaves there. */
    assert_true(ps_addr_equal(&seen, &door));
    assert_int_equal(nat_load(sim).mapped, 0);
    assert_int_equal(nat_load(sim).mappings, 2); /* Of datagrams and of streams. */
    /* Who is not there any more. */
    assert_int_equal(ps_sim_put_behind(sim, INSIDE, PS_SIM_OUTSIDE), PS_OK);
    assert_false(nat_passes(sim, OTHER, 0, door, INSIDE));
    assert_int_equal(test_stats(sim).unreachable, 1);
    ps_sim_destroy(sim);
}

static void a_full_box_forwards_nothing_or_all(void **state)
{
    (void)state;
    ps_sim_nat nat;
    ps_sim_nat_default(&nat, PS_SIM_NAT_SYMMETRIC);
    nat.max_mappings = 1;
    ps_sim *sim = nat_network(&nat);
    const ps_addr inside = ps_sim_addr(sim, INSIDE);
    assert_int_equal(ps_sim_nat_forward(sim, BOX, 80, &inside), PS_FAILED);
    assert_int_equal(nat_load(sim).mappings, 0);
    (void)nat_seen(sim, INSIDE, OUTSIDE, 0);
    assert_int_equal(ps_sim_nat_forward(sim, BOX, 80, &inside), PS_FAILED);
    assert_int_equal(nat_load(sim).mappings, 1);
    ps_sim_destroy(sim);
}

/* Thousands come and go; each is found at its port and by its inner address, and nowhere else. */
static void many_mappings_are_kept_apart(void **state)
{
    (void)state;
    ps_sim *sim = nat_kind(PS_SIM_NAT_SYMMETRIC);
    ps_sim_box *box = ((ps_sim *)sim)->nodes[BOX]->box;
    const ps_addr inside = ps_sim_addr(sim, INSIDE);
    ps_addr remote = ps_sim_addr(sim, OUTSIDE);
    uint32_t places[3000];
    for (uint32_t i = 0; i < 3000; i++) {
        remote.port = (uint16_t)(i + 1);
        places[i] = ps_sim_mapping_add(box, i, &inside, &remote, false, 0);
        assert_int_not_equal(places[i], PS_SIM_NONE);
        assert_true(ps_sim_session_touch(box, i, places[i], &remote));
    }
    for (uint32_t i = 0; i < 3000; i += 3) {
        ps_sim_mapping_drop(box, places[i]);
    }
    for (uint32_t i = 0; i < 3000; i++) {
        remote.port = (uint16_t)(i + 1);
        const uint32_t there = i % 3 == 0 ? PS_SIM_NONE : places[i];
        assert_int_equal(ps_sim_mapping_out(box, 3000, &inside, &remote), there);
        assert_int_equal(ps_sim_mapping_at(box, 3000, (uint16_t)(5000 + i), false), there);
        assert_int_equal(ps_sim_mapping_at(box, 3000, (uint16_t)(5000 + i), true), PS_SIM_NONE);
    }
    assert_int_equal(box->load.mappings, 2000);
    assert_int_equal(box->load.sessions, 2000);
    ps_sim_nat_forget(box);
    assert_int_equal(box->load.mappings, 0);
    assert_int_equal(box->load.sessions, 0);
    ps_sim_destroy(sim);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(silence_closes_what_sending_keeps_open),
        cmocka_unit_test(some_boxes_count_what_comes_in),
        cmocka_unit_test(a_filter_forgets_each_for_itself),
        cmocka_unit_test(a_full_box_passes_nothing_new),
        cmocka_unit_test(a_full_filter_does_neither),
        cmocka_unit_test(ports_are_counted_drawn_or_kept),
        cmocka_unit_test(reboots_and_moves_forget),
        cmocka_unit_test(a_forwarded_port_is_open_for_good),
        cmocka_unit_test(a_full_box_forwards_nothing_or_all),
        cmocka_unit_test(many_mappings_are_kept_apart),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
