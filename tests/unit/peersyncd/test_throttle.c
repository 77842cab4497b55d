#include "unit.h"

#include "peersyncd/throttle.h"

#include <stdio.h>
#include <string.h>

static ps_throttle t;
static uint64_t now_ms;

static const ps_addr home = {.ip = {10, 0, 0, 1}, .port = 5, .family = PS_ADDR_V4};
static const ps_addr away = {.ip = {192, 0, 2, 1}, .port = 5, .family = PS_ADDR_V4};

static int reset(void **state)
{
    static const uint8_t key[PS_THROTTLE_KEY] = {7};
    (void)state;
    ps_throttle_init(&t, key);
    now_ms = 1000000;
    return 0;
}

static ps_throttle_who who(const char *user, const ps_addr *from, bool known)
{
    return (ps_throttle_who){{(const uint8_t *)user, strlen(user)}, from, known};
}

/* An attempt with a wrong password; what it has to wait for, or 0 when it was looked at. */
static uint32_t guess(ps_throttle_who w)
{
    const uint32_t wait = ps_throttle_admit(&t, &w, now_ms);
    if (wait == 0) {
        ps_throttle_failed(&t, &w, now_ms);
    }
    return wait;
}

static uint32_t login(ps_throttle_who w)
{
    const uint32_t wait = ps_throttle_admit(&t, &w, now_ms);
    if (wait == 0) {
        ps_throttle_succeeded(&t, &w);
    }
    return wait;
}

/* An address of its own for each number. */
static ps_addr source(uint32_t n)
{
    return (ps_addr){.ip = {100, (uint8_t)(n >> 16), (uint8_t)(n >> 8), (uint8_t)n},
                     .family = PS_ADDR_V4};
}

static void five_failures_cost_nothing_then_waits_double(void **state)
{
    (void)state;
    for (unsigned i = 0; i < PS_THROTTLE_FREE; i++) {
        assert_int_equal(guess(who("alice", &home, false)), 0);
    }
    uint32_t expected = 1000;
    for (unsigned i = 0; i < 12; i++) {
        assert_int_equal(guess(who("alice", &home, false)), expected);
        now_ms += expected - 1;
        assert_int_equal(guess(who("alice", &home, false)), 1);
        now_ms += 1;
        assert_int_equal(guess(who("alice", &home, false)), 0);
        expected = expected < 32000 ? expected * 2 : 60000;
    }
}

static void a_user_is_guarded_against_many_sources(void **state)
{
    (void)state;
    for (uint32_t i = 0; i < PS_THROTTLE_FREE; i++) {
        const ps_addr from = source(i);
        assert_int_equal(guess(who("alice", &from, false)), 0);
    }
    assert_int_equal(guess(who("alice", &away, false)), 1000);
    assert_int_equal(guess(who("bob", &away, false)), 0);
}

static void a_source_is_held_back_for_all_users(void **state)
{
    (void)state;
    char user[8];
    for (unsigned i = 0; i < PS_THROTTLE_FREE; i++) {
        snprintf(user, sizeof user, "u%u", i);
        assert_int_equal(guess(who(user, &home, false)), 0);
    }
    ps_addr other_port = home;
    other_port.port++;
    assert_int_equal(guess(who("alice", &other_port, false)), 1000);
    assert_int_equal(guess(who("alice", &away, false)), 0);
}

static void an_ipv6_network_is_64_bits(void **state)
{
    (void)state;
    ps_addr from = {.ip = {0x20, 1, 0xd, 0xb8, 0, 0, 0, 1}, .family = PS_ADDR_V6};
    char user[8];
    for (unsigned i = 0; i < PS_THROTTLE_FREE; i++) {
        snprintf(user, sizeof user, "u%u", i);
        from.ip[8 + i]++;
        assert_int_equal(guess(who(user, &from, false)), 0);
    }
    from.ip[15]++;
    assert_int_equal(guess(who("alice", &from, false)), 1000);
    from.ip[7]++;
    assert_int_equal(guess(who("alice", &from, false)), 0);
    /* The same bytes are another network in IPv4, whose rest counts for nothing. */
    const ps_addr v4 = {.ip = {0x20, 1, 0xd, 0xb8}, .family = PS_ADDR_V4};
    assert_int_equal(guess(who("carol", &v4, false)), 0);
}

static void success_forgets_the_users_failures_only(void **state)
{
    (void)state;
    for (unsigned i = 0; i + 1 < PS_THROTTLE_FREE; i++) {
        assert_int_equal(guess(who("alice", &home, false)), 0);
    }
    assert_int_equal(login(who("alice", &home, false)), 0);
    for (uint32_t i = 0; i < PS_THROTTLE_FREE; i++) {
        const ps_addr from = source(i);
        assert_int_equal(guess(who("alice", &from, false)), 0);
    }
    /* The network has four failures still; one more is its fifth. */
    assert_int_equal(guess(who("bob", &home, false)), 0);
    assert_int_equal(guess(who("carol", &home, false)), 1000);
}

static void many_right_logins_of_a_network_are_free(void **state)
{
    (void)state;
    char user[16];
    for (unsigned i = 0; i < 10000; i++) {
        snprintf(user, sizeof user, "user%u", i);
        assert_int_equal(login(who(user, &home, false)), 0);
    }
}

/* Attempts that are still under way count as well. */
static void many_at_once_get_no_further(void **state)
{
    (void)state;
    unsigned admitted = 0;
    for (unsigned i = 0; i < 100; i++) {
        const ps_addr from = source(i);
        const ps_throttle_who w = who("alice", &from, false);
        admitted += ps_throttle_admit(&t, &w, now_ms) == 0 ? 1u : 0u;
    }
    assert_int_equal(admitted, PS_THROTTLE_FREE);
    /* What was not looked at after all is given back. */
    const ps_throttle_who w = who("alice", &home, false);
    ps_throttle_dropped(&t, &w);
    assert_int_equal(guess(w), 0);
    assert_int_equal(guess(w), 1000);
}

static void failures_are_forgotten_with_time(void **state)
{
    (void)state;
    for (unsigned i = 0; i < PS_THROTTLE_FREE; i++) {
        assert_int_equal(guess(who("alice", &home, false)), 0);
    }
    now_ms += (uint64_t)PS_THROTTLE_DECAY_MS * PS_THROTTLE_FREE;
    for (unsigned i = 0; i < PS_THROTTLE_FREE; i++) {
        assert_int_equal(guess(who("alice", &home, false)), 0);
    }
    assert_int_equal(guess(who("alice", &home, false)), 1000);
    now_ms += PS_THROTTLE_DECAY_MS; /* One of the five. */
    assert_int_equal(guess(who("alice", &home, false)), 0);
    assert_int_equal(guess(who("alice", &home, false)), 1000);
}

static void a_stranger_cannot_lock_a_known_device_out(void **state)
{
    (void)state;
    for (uint32_t i = 0; i < 1000; i++) {
        const ps_addr from = source(i);
        (void)guess(who("alice", &from, false));
        (void)guess(who("alice", &home, false)); /* Even from the same network. */
        assert_int_equal(login(who("alice", &home, true)), 0);
        now_ms += 100;
    }
    /* Its owner does not help the stranger either. */
    assert_true(guess(who("alice", &away, false)) > 0);
}

static void a_known_device_is_judged_by_its_own_failures(void **state)
{
    (void)state;
    for (unsigned i = 0; i < PS_THROTTLE_FREE; i++) {
        assert_int_equal(guess(who("alice", &home, true)), 0);
    }
    assert_int_equal(guess(who("alice", &home, true)), 1000);
    assert_int_equal(guess(who("alice", &away, true)), 0);
    assert_int_equal(guess(who("bob", &home, true)), 0);
    assert_int_equal(guess(who("alice", &home, false)), 0);
    now_ms += 1000;
    assert_int_equal(login(who("alice", &home, true)), 0);
    assert_int_equal(guess(who("alice", &home, true)), 0);
}

/* Names and networks that are new each time push out what weighs less, never what waits. */
static void a_full_table_keeps_who_is_held_back(void **state)
{
    (void)state;
    for (unsigned i = 0; i < PS_THROTTLE_FREE + 4; i++) {
        now_ms += guess(who("alice", &away, false));
    }
    char user[16];
    for (uint32_t i = 0; i < 20 * PS_THROTTLE_SETS * PS_THROTTLE_WAYS; i++) {
        snprintf(user, sizeof user, "x%u", i);
        const ps_addr from = source(i);
        assert_int_equal(guess(who(user, &from, false)), 0);
        assert_int_equal(login(who("bob", &from, true)), 0);
    }
    assert_true(guess(who("alice", &home, false)) >= 1000);
    assert_true(guess(who("carol", &away, false)) >= 1000);
    /* And newcomers are served and counted. */
    for (unsigned i = 0; i < PS_THROTTLE_FREE; i++) {
        const ps_addr from = source(900000 + i);
        assert_int_equal(guess(who("dave", &from, false)), 0);
    }
    assert_int_equal(guess(who("dave", &home, false)), 1000);
}

static void clocks_that_run_back_lock_nobody_out(void **state)
{
    (void)state;
    for (unsigned i = 0; i < PS_THROTTLE_FREE; i++) {
        assert_int_equal(guess(who("alice", &home, false)), 0);
    }
    now_ms = 5;
    assert_int_equal(guess(who("alice", &home, false)), PS_THROTTLE_MOST_MS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(five_failures_cost_nothing_then_waits_double, reset),
        cmocka_unit_test_setup(a_user_is_guarded_against_many_sources, reset),
        cmocka_unit_test_setup(a_source_is_held_back_for_all_users, reset),
        cmocka_unit_test_setup(an_ipv6_network_is_64_bits, reset),
        cmocka_unit_test_setup(success_forgets_the_users_failures_only, reset),
        cmocka_unit_test_setup(many_right_logins_of_a_network_are_free, reset),
        cmocka_unit_test_setup(many_at_once_get_no_further, reset),
        cmocka_unit_test_setup(failures_are_forgotten_with_time, reset),
        cmocka_unit_test_setup(a_stranger_cannot_lock_a_known_device_out, reset),
        cmocka_unit_test_setup(a_known_device_is_judged_by_its_own_failures, reset),
        cmocka_unit_test_setup(a_full_table_keeps_who_is_held_back, reset),
        cmocka_unit_test_setup(clocks_that_run_back_lock_nobody_out, reset),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
