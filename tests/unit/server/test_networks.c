/* What each source network may begin. */
#include "fixture.h"

static fixture *with(uint32_t per_s, uint32_t networks)
{
    ps_server_config cfg;
    fixture_config(&cfg);
    cfg.network_per_s = per_s;
    cfg.max_networks = networks;
    return fixture_new(&cfg);
}

static ps_addr v4(uint32_t host, uint16_t port)
{
    ps_addr a = {.port = port, .family = PS_ADDR_V4};
    ps_store32(a.ip, host);
    return a;
}

static unsigned takes(fixture *f, const ps_addr *addr, unsigned tries)
{
    unsigned taken = 0;
    for (unsigned i = 0; i < tries; i++) {
        taken += ps_network_take(f->s, addr);
    }
    return taken;
}

static void a_network_has_a_rate_and_a_burst(void **state)
{
    (void)state;
    fixture *f = with(2, 16);
    f->s->clock.now_us = 5000000;
    const ps_addr a = v4(0x0a000001, 1), same = v4(0x0a000001, 2), other = v4(0x0a000002, 1);
    assert_int_equal(takes(f, &a, 15), 15);
    assert_int_equal(takes(f, &same, 15), 5); /* Ports are not networks. */
    assert_int_equal(takes(f, &other, 30), 20);
    f->s->clock.now_us += 1500000;
    assert_int_equal(takes(f, &a, 30), 3);
    f->s->clock.now_us += UINT64_C(3600000000);
    assert_int_equal(takes(f, &a, 30), 20);
    fixture_free(f);
}

static void ipv6_counts_by_64_bits(void **state)
{
    (void)state;
    fixture *f = with(1, 256);
    ps_addr a = {.ip = {0x20, 1, 0xd, 0xb8, 1}, .port = 1, .family = PS_ADDR_V6};
    assert_int_equal(takes(f, &a, 20), 10);
    a.ip[15] = 9;
    a.ip[8] = 7;
    assert_int_equal(takes(f, &a, 20), 0);
    unsigned site = 10;
    for (uint8_t k = 1; k < 20; k++) { /* The /48 has eight times that. */
        a.ip[7] = k;
        site += takes(f, &a, 20);
    }
    assert_int_equal(site, 80);
    a.ip[5] = 1;
    assert_int_equal(takes(f, &a, 20), 10);
    fixture_free(f);
}

/* Thousands of networks in a table of sixteen: nobody empties another's bucket, and who has spent
 * most is pushed out last. */
static void a_flood_of_networks_harms_nobody(void **state)
{
    (void)state;
    fixture *f = with(1, 16);
    const ps_addr a = v4(0x0a000001, 1);
    assert_int_equal(takes(f, &a, 20), 10); /* Spent: it stays so while others take one each. */
    for (uint32_t i = 0; i < 5000; i++) {
        const ps_addr b = v4(0x0b000000 + i, 1);
        assert_int_equal(takes(f, &b, 1), 1);
        assert_int_equal(takes(f, &a, 1), 0);
    }
    fixture_free(f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_network_has_a_rate_and_a_burst),
        cmocka_unit_test(ipv6_counts_by_64_bits),
        cmocka_unit_test(a_flood_of_networks_harms_nobody),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
