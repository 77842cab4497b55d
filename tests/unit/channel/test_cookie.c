#include "unit.h"

#include "channel/cookie.h"
#include "hex.h"
#include "peersync/crypto_sodium.h"

#include <string.h>

#define WALL_S UINT64_C(1700000000)

static uint8_t realm[32];

static void update(ps_cookie_keys *k, uint64_t wall_s)
{
    ps_cookie_keys_update(ps_crypto_sodium(), k, realm, wall_s);
}

static ps_cookie_keys keys_at(uint64_t wall_s)
{
    ps_cookie_keys k = {0};
    update(&k, wall_s);
    return k;
}

static ps_addr address(void)
{
    return (ps_addr){.ip = {192, 0, 2, 7}, .port = 50000, .family = PS_ADDR_V4};
}

static int setup(void **state)
{
    (void)state;
    for (uint8_t i = 0; i < sizeof realm; i++) {
        realm[i] = i;
    }
    return 0;
}

/* Made by Python's hmac and a SipHash of its own. */
static void the_bytes_are_those_of_another_implementation(void **state)
{
    (void)state;
    const ps_cookie_keys k = keys_at(WALL_S);
    const ps_addr a = address();
    uint8_t cookie[PS_COOKIE_BYTES];
    ps_cookie_make(&k, &a, cookie);
    assert_true(hex_equal("d82f156a423f5a6b753d5ed017f051ee", cookie, sizeof cookie));
}

static void every_bit_counts(void **state)
{
    (void)state;
    const ps_cookie_keys k = keys_at(WALL_S);
    const ps_addr a = address();
    uint8_t cookie[PS_COOKIE_BYTES];
    ps_cookie_make(&k, &a, cookie);
    assert_true(ps_cookie_good(&k, &a, cookie));
    for (size_t bit = 0; bit < 8 * sizeof cookie; bit++) {
        cookie[bit / 8] ^= (uint8_t)(1u << bit % 8);
        assert_false(ps_cookie_good(&k, &a, cookie));
        cookie[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
    assert_true(ps_cookie_good(&k, &a, cookie));
    memset(cookie, 0, sizeof cookie);
    assert_false(ps_cookie_good(&k, &a, cookie));
}

static void address_port_and_family_count(void **state)
{
    (void)state;
    const ps_cookie_keys k = keys_at(WALL_S);
    const ps_addr a = address();
    uint8_t cookie[PS_COOKIE_BYTES];
    ps_cookie_make(&k, &a, cookie);
    for (size_t bit = 0; bit < 8 * sizeof a.ip; bit++) {
        ps_addr other = a;
        other.ip[bit / 8] ^= (uint8_t)(1u << bit % 8);
        assert_false(ps_cookie_good(&k, &other, cookie));
    }
    for (unsigned bit = 0; bit < 16; bit++) {
        ps_addr other = a;
        other.port = (uint16_t)(other.port ^ 1u << bit);
        assert_false(ps_cookie_good(&k, &other, cookie));
    }
    ps_addr other = a;
    other.family = PS_ADDR_V6;
    assert_false(ps_cookie_good(&k, &other, cookie));
    /* The zone is this machine's own affair. */
    other = a;
    other.scope = 3;
    assert_true(ps_cookie_good(&k, &other, cookie));
}

/* The halves are of two keys, so that guessing one says nothing of the other. */
static void the_halves_differ(void **state)
{
    (void)state;
    const ps_cookie_keys k = keys_at(WALL_S);
    const ps_addr a = address();
    uint8_t cookie[PS_COOKIE_BYTES];
    ps_cookie_make(&k, &a, cookie);
    assert_memory_not_equal(cookie, cookie + 8, 8);
}

static void good_for_its_epoch_and_the_next(void **state)
{
    (void)state;
    const uint64_t start = WALL_S / PS_COOKIE_EPOCH_S * PS_COOKIE_EPOCH_S;
    const ps_addr a = address();
    const uint64_t made[] = {start, start + 1, start + PS_COOKIE_EPOCH_S - 1};
    for (size_t i = 0; i < 3; i++) {
        ps_cookie_keys k = keys_at(made[i]);
        uint8_t cookie[PS_COOKIE_BYTES];
        ps_cookie_make(&k, &a, cookie);
        for (uint64_t s = made[i]; s < start + 2u * PS_COOKIE_EPOCH_S; s++) {
            update(&k, s);
            assert_true(ps_cookie_good(&k, &a, cookie));
        }
        for (uint64_t epochs = 2; epochs < 10; epochs++) {
            update(&k, start + epochs * PS_COOKIE_EPOCH_S);
            assert_false(ps_cookie_good(&k, &a, cookie));
        }
    }
}

/* Whatever way the clock came to a second, the keys are those of that second: servers of a realm
 * agree, and one that was restarted agrees with itself. */
static void keys_depend_on_the_second_alone(void **state)
{
    (void)state;
    const uint64_t way[] = {WALL_S,
                            WALL_S + 1,
                            WALL_S + PS_COOKIE_EPOCH_S,
                            WALL_S, /* Back by one. */
                            WALL_S + 2u * PS_COOKIE_EPOCH_S,
                            WALL_S + 5u * PS_COOKIE_EPOCH_S,
                            WALL_S + 3u * PS_COOKIE_EPOCH_S,
                            WALL_S,
                            WALL_S + 5u * PS_COOKIE_EPOCH_S,
                            WALL_S - 5u * PS_COOKIE_EPOCH_S,
                            0,
                            PS_COOKIE_EPOCH_S,
                            0,
                            UINT64_MAX,
                            WALL_S,
                            UINT64_MAX,
                            0};
    ps_cookie_keys k = {0};
    for (size_t i = 0; i < sizeof way / sizeof way[0]; i++) {
        update(&k, way[i]);
        const ps_cookie_keys fresh = keys_at(way[i]);
        assert_true(k.set);
        assert_int_equal(k.epoch, way[i] / PS_COOKIE_EPOCH_S);
        assert_memory_equal(k.now, fresh.now, sizeof k.now);
        assert_memory_equal(k.before, fresh.before, sizeof k.before);
    }
}

static void a_clock_set_back_or_far_ahead_voids_cookies(void **state)
{
    (void)state;
    const ps_addr a = address();
    uint8_t cookie[PS_COOKIE_BYTES];
    ps_cookie_keys k = keys_at(WALL_S);
    ps_cookie_make(&k, &a, cookie);
    update(&k, WALL_S - PS_COOKIE_EPOCH_S);
    assert_false(ps_cookie_good(&k, &a, cookie));
    update(&k, WALL_S + 1000000);
    assert_false(ps_cookie_good(&k, &a, cookie));
    update(&k, WALL_S);
    assert_true(ps_cookie_good(&k, &a, cookie));
}

static void another_realm_is_another(void **state)
{
    (void)state;
    const ps_addr a = address();
    uint8_t cookie[PS_COOKIE_BYTES];
    ps_cookie_keys k = keys_at(WALL_S);
    ps_cookie_make(&k, &a, cookie);
    realm[31] ^= 1;
    k = keys_at(WALL_S);
    realm[31] ^= 1;
    assert_false(ps_cookie_good(&k, &a, cookie));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_bytes_are_those_of_another_implementation),
        cmocka_unit_test(every_bit_counts),
        cmocka_unit_test(address_port_and_family_count),
        cmocka_unit_test(the_halves_differ),
        cmocka_unit_test(good_for_its_epoch_and_the_next),
        cmocka_unit_test(keys_depend_on_the_second_alone),
        cmocka_unit_test(a_clock_set_back_or_far_ahead_voids_cookies),
        cmocka_unit_test(another_realm_is_another),
    };
    return cmocka_run_group_tests(tests, setup, NULL);
}
