/* Who makes room for whom. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "lobby.h"

#include <stdlib.h>
#include <string.h>

#define GUESTS 256u

static unsigned looks;

struct loop; /* None is needed: it is only handed on. */

static void look(struct loop *loop)
{
    (void)loop;
    looks++;
}

struct rig {
    struct lobby lobby;
    struct lobby_guest guests[GUESTS];
    unsigned count;
};

static int make(void **state)
{
    struct rig *r = calloc(1, sizeof *r);
    assert_non_null(r);
    looks = 0;
    lobby_init(&r->lobby, look);
    *state = r;
    return 0;
}

static int end(void **state)
{
    struct rig *r = *state;
    lobby_destroy(&r->lobby);
    free(r);
    return 0;
}

/* Somebody new from 10.0.`b`.`a`. */
static struct lobby_guest *come(struct rig *r, uint8_t b, uint8_t a)
{
    struct lobby_guest *g = &r->guests[r->count++];
    g->from = (ps_addr){.ip = {10, 0, b, a}, .port = (uint16_t)r->count, .family = PS_ADDR_V4};
    lobby_enter(&r->lobby, g);
    return g;
}

static void fill(struct rig *r)
{
    for (unsigned i = 0; i < LOBBY_MAX; i++) {
        (void)come(r, 0, (uint8_t)i);
    }
    assert_int_equal(looks, 0);
}

static bool is_out(struct lobby_guest *g)
{
    return atomic_load(&g->out);
}

static void the_oldest_stranger_makes_room(void **state)
{
    struct rig *r = *state;
    fill(r);
    lobby_know(&r->lobby, &r->guests[0]);
    (void)come(r, 1, 0);
    assert_false(is_out(&r->guests[0]));
    assert_true(is_out(&r->guests[1]));
    assert_int_equal(looks, 1);
    (void)come(r, 1, 1);
    assert_true(is_out(&r->guests[2]));
    assert_false(is_out(&r->guests[3]));
}

static void where_all_are_known_the_oldest_makes_room(void **state)
{
    struct rig *r = *state;
    fill(r);
    for (unsigned i = 0; i < LOBBY_MAX; i++) {
        lobby_know(&r->lobby, &r->guests[i]);
    }
    struct lobby_guest *stranger = come(r, 1, 0);
    assert_true(is_out(&r->guests[0]));
    /* From now on strangers only push out each other. */
    (void)come(r, 1, 1);
    assert_true(is_out(stranger));
    assert_false(is_out(&r->guests[1]));
}

static void a_network_pushes_out_its_own(void **state)
{
    struct rig *r = *state;
    struct lobby_guest *other = come(r, 1, 0);
    for (unsigned i = 0; i < LOBBY_NETWORK_MAX; i++) {
        (void)come(r, 2, 7);
    }
    assert_int_equal(looks, 0);
    (void)come(r, 2, 7);
    assert_true(is_out(&r->guests[1]));
    assert_false(is_out(other));
    assert_int_equal(looks, 1);
}

static void an_ipv6_network_is_a_64(void **state)
{
    struct rig *r = *state;
    for (unsigned i = 0; i <= LOBBY_NETWORK_MAX; i++) {
        struct lobby_guest *g = &r->guests[i];
        g->from = (ps_addr){.ip = {0x20, 1}, .family = PS_ADDR_V6};
        g->from.ip[7] = i == 1; /* Another network. */
        g->from.ip[15] = (uint8_t)i;
        lobby_enter(&r->lobby, g);
    }
    assert_int_equal(looks, 0);
    struct lobby_guest *g = &r->guests[GUESTS - 1];
    g->from = (ps_addr){.ip = {0x20, 1}, .family = PS_ADDR_V6};
    lobby_enter(&r->lobby, g);
    assert_true(is_out(&r->guests[0]));
}

static void who_leaves_makes_room(void **state)
{
    struct rig *r = *state;
    fill(r);
    lobby_leave(&r->lobby, &r->guests[5]);
    lobby_leave(&r->lobby, &r->guests[5]);
    (void)come(r, 1, 0);
    assert_int_equal(looks, 0);
    /* Back in, it is the youngest. */
    lobby_enter(&r->lobby, &r->guests[5]);
    assert_true(is_out(&r->guests[0]));
    assert_int_equal(looks, 1);
}

static void who_was_pushed_out_is_not_counted(void **state)
{
    struct rig *r = *state;
    fill(r);
    (void)come(r, 1, 0);
    lobby_leave(&r->lobby, &r->guests[0]);
    lobby_leave(&r->lobby, &r->guests[1]);
    (void)come(r, 1, 1);
    assert_int_equal(looks, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(the_oldest_stranger_makes_room, make, end),
        cmocka_unit_test_setup_teardown(where_all_are_known_the_oldest_makes_room, make, end),
        cmocka_unit_test_setup_teardown(a_network_pushes_out_its_own, make, end),
        cmocka_unit_test_setup_teardown(an_ipv6_network_is_a_64, make, end),
        cmocka_unit_test_setup_teardown(who_leaves_makes_room, make, end),
        cmocka_unit_test_setup_teardown(who_was_pushed_out_is_not_counted, make, end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
