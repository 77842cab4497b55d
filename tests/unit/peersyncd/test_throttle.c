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

static const uint8_t laptop[PS_DEVICE_BYTES] = {1};
static const uint8_t phone[PS_DEVICE_BYTES] = {2};

static ps_throttle_who who(const char *user, const ps_addr *from, const uint8_t *device)
{
    return (ps_throttle_who){.user = {(const uint8_t *)user, strlen(user)},
                             .from = from,
                             .device = device,
                             .known = device != NULL};
}

/* An attempt with a wrong password; what it has to wait for, or 0 when it was looked at. */
static uint32_t guess(ps_throttle_who w)
{
    return ps_throttle_admit(&t, &w, now_ms);
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
        assert_int_equal(guess(who("alice", &home, NULL)), 0);
    }
    uint32_t expected = 1000;
    for (unsigned i = 0; i < 12; i++) {
        assert_int_equal(guess(who("alice", &home, NULL)), expected);
        now_ms += expected;
        assert_int_equal(guess(who("alice", &home, NULL)), 0);
        expected = expected < 32000 ? expected * 2 : 60000;
    }
}

static void a_user_is_guarded_against_many_sources(void **state)
{
    (void)state;
    for (uint32_t i = 0; i < PS_THROTTLE_FREE; i++) {
        const ps_addr from = source(i);
        assert_int_equal(guess(who("alice", &from, NULL)), 0);
    }
    const ps_addr from = source(99);
    assert_int_equal(guess(who("alice", &from, NULL)), 1000);
    assert_int_equal(guess(who("bob", &from, NULL)), 0);
}

static void a_source_is_held_back_for_all_users(void **state)
{
    (void)state;
    char user[8];
    for (unsigned i = 0; i < PS_THROTTLE_FREE; i++) {
        snprintf(user, sizeof user, "u%u", i);
        assert_int_equal(guess(who(user, &home, NULL)), 0);
    }
    ps_addr other_port = home;
    other_port.port++;
    assert_int_equal(guess(who("alice", &other_port, NULL)), 1000);
    assert_int_equal(guess(who("alice", &away, NULL)), 0);
}

static void an_ipv6_network_is_64_bits(void **state)
{
    (void)state;
    ps_addr from = {.ip = {0x20, 1, 0xd, 0xb8, 0, 0, 0, 1}, .family = PS_ADDR_V6};
    char user[8];
    for (unsigned i = 0; i < PS_THROTTLE_FREE; i++) {
        snprintf(user, sizeof user, "u%u", i);
        from.ip[8 + i]++;
        assert_int_equal(guess(who(user, &from, NULL)), 0);
    }
    from.ip[15]++;
    assert_int_equal(guess(who("alice", &from, NULL)), 1000);
    from.ip[7]++;
    assert_int_equal(guess(who("alice", &from, NULL)), 0);
    /* The same bytes are another network in IPv4, whose rest counts for nothing. */
    const ps_addr v4 = {.ip = {0x20, 1, 0xd, 0xb8}, .family = PS_ADDR_V4};
    assert_int_equal(guess(who("carol", &v4, NULL)), 0);
}

static void success_forgets_the_users_failures_only(void **state)
{
    (void)state;
    for (unsigned i = 0; i + 1 < PS_THROTTLE_FREE; i++) {
        assert_int_equal(guess(who("alice", &home, NULL)), 0);
    }
    assert_int_equal(login(who("alice", &home, NULL)), 0);
    for (uint32_t i = 0; i < PS_THROTTLE_FREE; i++) {
        const ps_addr from = source(i);
        assert_int_equal(guess(who("alice", &from, NULL)), 0);
    }
    /* The network has four failures still; one more is its fifth. */
    assert_int_equal(guess(who("bob", &home, NULL)), 0);
    assert_int_equal(guess(who("carol", &home, NULL)), 1000);
}

static void many_right_logins_of_a_network_are_free(void **state)
{
    (void)state;
    char user[16];
    for (unsigned i = 0; i < 10000; i++) {
        snprintf(user, sizeof user, "user%u", i);
        assert_int_equal(login(who(user, &home, NULL)), 0);
    }
}

/* Attempts that are still under way count as well. */
static void many_at_once_get_no_further(void **state)
{
    (void)state;
    unsigned admitted = 0;
    ps_addr from[100];
    ps_throttle_who w[100];
    for (unsigned i = 0; i < 100; i++) {
        from[i] = source(i);
        w[i] = who("alice", &from[i], NULL);
        admitted += ps_throttle_admit(&t, &w[i], now_ms) == 0 ? 1u : 0u;
    }
    assert_int_equal(admitted, PS_THROTTLE_FREE);
    /* What was not looked at after all is given back. */
    ps_throttle_dropped(&t, &w[4]);
    assert_int_equal(guess(w[50]), 0);
    assert_int_equal(guess(w[51]), 1000);
}

static void what_is_dropped_leaves_the_waits_of_others(void **state)
{
    (void)state;
    ps_throttle_who w[PS_THROTTLE_FREE + 1];
    for (unsigned i = 0; i < PS_THROTTLE_FREE; i++) {
        w[i] = who("alice", &home, NULL);
        assert_int_equal(ps_throttle_admit(&t, &w[i], now_ms), 0);
    }
    now_ms += 1000;
    w[5] = who("alice", &home, NULL);
    assert_int_equal(ps_throttle_admit(&t, &w[5], now_ms), 0);
    /* The first is given up late: the sixth has failed since, and its wait stays. */
    ps_throttle_dropped(&t, &w[0]);
    assert_int_equal(guess(who("alice", &home, NULL)), 2000);
    /* And the sixth's own goes with it, but not the failures of before. */
    ps_throttle_dropped(&t, &w[5]);
    assert_int_equal(guess(who("alice", &home, NULL)), 0);
    /* It was told to come in two seconds: this poll costs its network one more. */
    assert_int_equal(guess(who("alice", &home, NULL)), 2000);
}

static void failures_are_forgotten_with_time(void **state)
{
    (void)state;
    for (unsigned i = 0; i < PS_THROTTLE_FREE; i++) {
        assert_int_equal(guess(who("alice", &home, NULL)), 0);
    }
    now_ms += (uint64_t)PS_THROTTLE_DECAY_MS * PS_THROTTLE_FREE;
    for (unsigned i = 0; i < PS_THROTTLE_FREE; i++) {
        assert_int_equal(guess(who("alice", &home, NULL)), 0);
    }
    assert_int_equal(guess(who("alice", &home, NULL)), 1000);
    now_ms += PS_THROTTLE_DECAY_MS; /* One of the five. */
    assert_int_equal(guess(who("alice", &home, NULL)), 0);
    assert_int_equal(guess(who("alice", &home, NULL)), 1000);
}

static void a_stranger_cannot_lock_a_known_device_out(void **state)
{
    (void)state;
    for (uint32_t i = 0; i < 1000; i++) {
        const ps_addr from = source(i);
        (void)guess(who("alice", &from, NULL));
        (void)guess(who("alice", &home, NULL)); /* Even from the same network. */
        assert_int_equal(login(who("alice", &home, laptop)), 0);
        now_ms += 100;
    }
    /* Its owner does not help the stranger either. */
    assert_true(guess(who("alice", &home, NULL)) > 0);
}

static void a_known_device_is_judged_by_its_own_failures(void **state)
{
    (void)state;
    for (unsigned i = 0; i < PS_THROTTLE_FREE; i++) {
        assert_int_equal(guess(who("alice", &home, laptop)), 0);
    }
    assert_int_equal(guess(who("alice", &home, laptop)), 1000);
    assert_int_equal(guess(who("alice", &away, laptop)), 1000);
    assert_int_equal(guess(who("alice", &home, phone)), 0);
    assert_int_equal(guess(who("bob", &home, laptop)), 0);
    assert_int_equal(guess(who("alice", &home, NULL)), 0);
    now_ms += 1000;
    assert_int_equal(login(who("alice", &home, laptop)), 0);
    assert_int_equal(guess(who("alice", &home, laptop)), 0);
}

/* Names and networks that are new each time push out what weighs less, never what waits. */
static void a_full_table_keeps_who_is_held_back(void **state)
{
    (void)state;
    for (unsigned i = 0; i < PS_THROTTLE_FREE + 4; i++) {
        now_ms += guess(who("alice", &away, NULL));
    }
    char user[16];
    for (uint32_t i = 0; i < 20 * PS_THROTTLE_SETS * PS_THROTTLE_WAYS; i++) {
        snprintf(user, sizeof user, "x%u", i);
        const ps_addr from = source(i);
        assert_int_equal(guess(who(user, &from, NULL)), 0);
        assert_int_equal(login(who("bob", &from, laptop)), 0);
    }
    const ps_addr near = {.ip = {192, 0, 2, 2}, .family = PS_ADDR_V4};
    assert_true(guess(who("alice", &near, NULL)) >= 1000);
    assert_true(guess(who("carol", &away, NULL)) >= 1000);
    /* And newcomers are served and counted. */
    for (unsigned i = 0; i < PS_THROTTLE_FREE; i++) {
        const ps_addr from = source(900000 + i);
        assert_int_equal(guess(who("dave", &from, NULL)), 0);
    }
    const ps_addr last = source(900000 + PS_THROTTLE_FREE);
    assert_int_equal(guess(who("dave", &last, NULL)), 1000);
}

static void clocks_that_run_back_lock_nobody_out(void **state)
{
    (void)state;
    for (unsigned i = 0; i < PS_THROTTLE_FREE; i++) {
        assert_int_equal(guess(who("alice", &home, NULL)), 0);
    }
    now_ms = 5;
    assert_int_equal(guess(who("alice", &home, NULL)), PS_THROTTLE_MOST_MS);
}

/* ---- attacks, and what is left for the victim, who has a new device elsewhere ---- */

/* The victim has begun to try, and comes when told. @return when he is in. */
typedef struct victim {
    uint64_t began_ms, due_ms;
    bool in;
} victim;

static void come(victim *v)
{
    if (!v->in && now_ms >= v->due_ms) {
        const uint32_t wait = login(who("alice", &home, NULL));
        v->in = wait == 0;
        v->due_ms = now_ms + wait;
    }
}

static uint64_t took_ms(const victim *v)
{
    assert_true(v->in);
    return v->due_ms - v->began_ms;
}

static void who_polls_fast_waits_alone(void **state)
{
    (void)state;
    const uint64_t begin = now_ms;
    unsigned looked_at = 0;
    while (now_ms < begin + 600000) {
        looked_at += guess(who("alice", &away, NULL)) == 0 ? 1u : 0u;
        now_ms += 20;
        if ((now_ms - begin) % 60000 == 0) {
            victim v = {now_ms, now_ms, false};
            come(&v);
            assert_int_equal(took_ms(&v), 0);
        }
    }
    assert_true(looked_at <= PS_THROTTLE_FREE + 1);
    /* Who stops polling is served again. */
    now_ms += PS_THROTTLE_MOST_MS;
    assert_int_equal(guess(who("alice", &away, NULL)), 0);
}

/* Of 40 regions, ten polls a second in turn: each has its turn once in five minutes. */
static void changing_networks_delays_by_their_number(void **state)
{
    (void)state;
    const unsigned regions = 40;
    const uint64_t begin = now_ms;
    victim v = {begin + 30000, begin + 30000, false};
    unsigned looked_at = 0;
    for (uint32_t i = 0; now_ms < begin + 3600000; i++) {
        const ps_addr from = source((i % regions) << 8);
        looked_at += guess(who("alice", &from, NULL)) == 0 ? 1u : 0u;
        come(&v);
        if (v.in) {
            assert_true(took_ms(&v) <= (regions + 1) * PS_THROTTLE_TURN_MS);
            v = (victim){now_ms + 240000, now_ms + 240000, false};
        }
        now_ms += 100;
    }
    /* A turn each in five minutes, the user's own waits, and what his logins have forgotten. */
    assert_true(looked_at <= 12 * (regions + 8 + 2 * PS_THROTTLE_FREE));
}

static void spraying_users_at_once_is_five_guesses(void **state)
{
    (void)state;
    unsigned looked_at = 0;
    char user[16];
    for (unsigned i = 0; i < 256; i++) {
        snprintf(user, sizeof user, "user%u", i);
        looked_at += guess(who(user, &away, NULL)) == 0 ? 1u : 0u;
    }
    assert_int_equal(looked_at, PS_THROTTLE_FREE);
    for (unsigned i = 0; i < 256; i++) {
        snprintf(user, sizeof user, "user%u", i);
        assert_int_equal(login(who(user, &home, NULL)), 0);
    }
}

/* Each poll from another /64: all are one region. */
static void a_48_of_networks_is_one_stranger(void **state)
{
    (void)state;
    const uint64_t begin = now_ms;
    unsigned looked_at = 0;
    for (uint32_t i = 0; now_ms < begin + 600000; i++) {
        const ps_addr from = {.ip = {0x20, 1, 0xd, 0xb8, 0, 0, (uint8_t)(i >> 8), (uint8_t)i},
                              .family = PS_ADDR_V6};
        looked_at += guess(who("alice", &from, NULL)) == 0 ? 1u : 0u;
        now_ms += 100;
        if (i % 600 == 599) {
            victim v = {now_ms, now_ms, false};
            come(&v);
            assert_int_equal(took_ms(&v), 0);
        }
    }
    /* Each login of the victim has forgotten what was counted against his name. */
    assert_true(looked_at <= 10 * (PS_THROTTLE_FREE + 6));
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
        cmocka_unit_test_setup(what_is_dropped_leaves_the_waits_of_others, reset),
        cmocka_unit_test_setup(who_polls_fast_waits_alone, reset),
        cmocka_unit_test_setup(changing_networks_delays_by_their_number, reset),
        cmocka_unit_test_setup(spraying_users_at_once_is_five_guesses, reset),
        cmocka_unit_test_setup(a_48_of_networks_is_one_stranger, reset),
        cmocka_unit_test_setup(clocks_that_run_back_lock_nobody_out, reset),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
