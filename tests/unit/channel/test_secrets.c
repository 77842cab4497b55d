#include "unit.h"

#include "channel/secrets.h"
#include "exact.h"
#include "hex.h"
#include "peersync/crypto_sodium.h"

#include <string.h>

static ps_secrets secrets_of(uint8_t first)
{
    ps_secrets s;
    uint8_t seed[32];
    for (uint8_t i = 0; i < sizeof seed; i++) {
        seed[i] = (uint8_t)(first + i);
    }
    ps_secrets_init(ps_crypto_sodium(), &s, seed);
    return s;
}

/* Made by Python's hmac. */
static void draws_are_those_of_another_implementation(void **state)
{
    (void)state;
    const ps_crypto *c = ps_crypto_sodium();
    static const char *const draws[] = {
        "73699936b7d0b6237fe612aae9440ca82968250f9e5972840f99d0e8fe386c02",
        "45fc29d46eaf08423dff2ba75ac53a80ea9e242e5ddbb8cddbb5673ad80548da",
        "7d13fc3358bc8ddeaceaf6171c2545280508a2676860380878df33688cc7e93c"};
    ps_secrets s = secrets_of(0);
    uint8_t out[32];
    for (size_t i = 0; i < 3; i++) {
        ps_secrets_draw(c, &s, out);
        assert_true(hex_equal(draws[i], out, sizeof out));
    }
    ps_secrets_mix(c, &s, span_of("entropy"));
    ps_secrets_draw(c, &s, out);
    assert_true(hex_equal("2dcde25bb214bb364226a14b059b2424bc6e1159f4f25029f47c98ef092bf77b", out,
                          sizeof out));
}

static void each_draw_is_another(void **state)
{
    (void)state;
    enum { DRAWS = 200 };
    static uint8_t out[DRAWS][32];
    ps_secrets s = secrets_of(7);
    for (size_t i = 0; i < DRAWS; i++) {
        ps_secrets_draw(ps_crypto_sodium(), &s, out[i]);
        assert_memory_not_equal(out[i], s.key, 32);
        for (size_t j = 0; j < i; j++) {
            assert_memory_not_equal(out[i], out[j], 32);
        }
    }
}

static void seed_and_entropy_both_count(void **state)
{
    (void)state;
    const ps_crypto *c = ps_crypto_sodium();
    uint8_t out[5][32];
    ps_secrets s = secrets_of(0);
    ps_secrets_draw(c, &s, out[0]);
    s = secrets_of(1);
    ps_secrets_draw(c, &s, out[1]);
    s = secrets_of(0);
    ps_secrets_mix(c, &s, span_of("a"));
    ps_secrets_draw(c, &s, out[2]);
    s = secrets_of(0);
    ps_secrets_mix(c, &s, span_of("b"));
    ps_secrets_draw(c, &s, out[3]);
    s = secrets_of(1); /* Entropy that an attacker chose leaves the seed's worth. */
    ps_secrets_mix(c, &s, span_of("a"));
    ps_secrets_draw(c, &s, out[4]);
    for (size_t i = 0; i < 5; i++) {
        for (size_t j = 0; j < i; j++) {
            assert_memory_not_equal(out[i], out[j], 32);
        }
    }
}

/* What comes changes all the same, as by a draw. */
static void no_entropy_does_no_harm(void **state)
{
    (void)state;
    const ps_crypto *c = ps_crypto_sodium();
    ps_secrets s = secrets_of(0);
    const ps_secrets before = s;
    ps_secrets_mix(c, &s, (ps_span){NULL, 0});
    assert_memory_not_equal(&s, &before, sizeof s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(draws_are_those_of_another_implementation),
        cmocka_unit_test(each_draw_is_another),
        cmocka_unit_test(seed_and_entropy_both_count),
        cmocka_unit_test(no_entropy_does_no_harm),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
