/* INITIATE: what is answered, with how much, and what comes before any work. */
#include "fixture.h"

static fixture *with(uint32_t open_per_s, uint32_t handshakes_per_s)
{
    ps_server_config cfg;
    fixture_config(&cfg);
    cfg.open_per_s = open_per_s;
    cfg.handshakes_per_s = handshakes_per_s;
    cfg.max_handshakes = 64;
    return fixture_new(&cfg);
}

/* Delivers an INITIATE with this cookie or NULL; the type of the only answer, or 0. */
static uint8_t initiate(client *c, ps_noise *noise, const uint8_t *cookie)
{
    uint8_t bytes[PS_INITIATE_BYTES];
    fixture_clear(c->f);
    client_initiate(c, noise, cookie, bytes);
    client_deliver(c, bytes, sizeof bytes);
    assert_in_range(c->f->out.datagrams_len, 0, 1);
    if (c->f->out.datagrams_len == 0) {
        return 0;
    }
    assert_true(c->f->out.datagrams[0].len <= PS_INITIATE_BYTES);
    assert_true(ps_addr_equal(&c->f->out.datagrams[0].to, &c->addr));
    return c->f->out.bytes[0];
}

static void responds_with_its_key(void **state)
{
    (void)state;
    fixture *f = with(100, 1000);
    client a = client_make(f, "alice", 4001);
    ps_noise noise;
    uint8_t key[PS_KEY_BYTES], expected[PS_KEY_BYTES];
    assert_int_equal(initiate(&a, &noise, NULL), PS_PACKET_RESPOND);
    assert_int_equal(f->out.datagrams[0].len, PS_RESPOND_BYTES);
    assert_true(client_respond(&a, &noise, f->out.bytes, PS_RESPOND_BYTES));
    ps_server_public_key(f->s, key);
    f->cfg.crypto->x25519_public(expected, f->cfg.static_secret);
    assert_memory_equal(key, expected, PS_KEY_BYTES);
    assert_memory_equal(a.server_key, expected, PS_KEY_BYTES);
    assert_true(a.session_id != 0);
    fixture_free(f);
}

/* The same INITIATE gets the same bytes, without another handshake; under another key it is
 * another one, which takes nothing from the first. */
static void repeats_its_answer(void **state)
{
    (void)state;
    fixture *f = with(100, 1000);
    client a = client_make(f, "alice", 4001);
    ps_noise noise;
    uint8_t first[PS_RESPOND_BYTES];
    assert_int_equal(initiate(&a, &noise, NULL), PS_PACKET_RESPOND);
    memcpy(first, f->out.bytes, sizeof first);
    for (unsigned k = 0; k < 5; k++) {
        f->now_us += 100000;
        assert_int_equal(initiate(&a, &noise, NULL), PS_PACKET_RESPOND);
        assert_memory_equal(f->out.bytes, first, sizeof first);
    }
    assert_int_equal(fixture_stats(f).handshakes, 1);
    client other = a;
    other.ephemeral++;
    assert_int_equal(initiate(&other, &noise, NULL), PS_PACKET_RESPOND);
    assert_memory_not_equal(f->out.bytes, first, sizeof first);
    assert_int_equal(fixture_stats(f).handshakes, 2);
    uint8_t
        damaged[PS_INITIATE_BYTES]; /* So is one with the same key that was damaged behind it. */
    client_initiate(&a, &noise, NULL, damaged);
    damaged[PS_INITIATE_BYTES - 1] ^= 1;
    client_deliver(&a, damaged, sizeof damaged);
    assert_int_equal(fixture_stats(f).handshakes, 3);
    assert_int_equal(initiate(&a, &noise, NULL), PS_PACKET_RESPOND);
    assert_memory_equal(f->out.bytes, first, sizeof first);
    fixture_free(f);
}

static void asks_for_a_cookie_past_a_rate(void **state)
{
    (void)state;
    fixture *f = with(2, 1000);
    ps_noise noise;
    for (uint16_t i = 0; i < 10; i++) {
        client c = client_make(f, "alice", (uint16_t)(4000 + i));
        assert_int_equal(initiate(&c, &noise, NULL), i < 2 ? PS_PACKET_RESPOND : PS_PACKET_RETRY);
        if (i >= 2) {
            uint8_t cookie[PS_COOKIE_BYTES];
            uint8_t e[PS_KEY_BYTES];
            uint8_t bytes[PS_INITIATE_BYTES];
            assert_int_equal(f->out.datagrams[0].len, PS_RETRY_BYTES);
            assert_true(ps_load64(f->out.bytes + 1) == c.client_id);
            memcpy(cookie, f->out.bytes + 9, sizeof cookie);
            memcpy(e, f->out.bytes + 25, sizeof e);
            client_initiate(&c, &noise, NULL, bytes);
            assert_memory_equal(e, bytes + PS_INITIATE_MESSAGE, sizeof e);
            client elsewhere = c; /* A cookie is its address's. */
            elsewhere.addr.port += 100;
            assert_int_equal(initiate(&elsewhere, &noise, cookie), PS_PACKET_RETRY);
            elsewhere = c;
            elsewhere.addr.ip[3]++;
            assert_int_equal(initiate(&elsewhere, &noise, cookie), PS_PACKET_RETRY);
            cookie[i] ^= 1;
            assert_int_equal(initiate(&c, &noise, cookie), PS_PACKET_RETRY);
            cookie[i] ^= 1;
            assert_int_equal(initiate(&c, &noise, cookie), PS_PACKET_RESPOND);
        }
    }
    assert_int_equal(fixture_stats(f).handshakes, 10);
    f->now_us += 1000000;
    client d = client_make(f, "alice", 4100);
    assert_int_equal(initiate(&d, &noise, NULL), PS_PACKET_RESPOND);
    fixture_free(f);
}

/* Without a wall clock cookies are this life's, and age by its own time. */
static void cookies_age_without_a_clock(void **state)
{
    (void)state;
    fixture *f = with(0, 1000);
    client a = client_make(f, "alice", 4001);
    ps_noise noise;
    uint8_t cookie[PS_COOKIE_BYTES];
    assert_int_equal(initiate(&a, &noise, NULL), PS_PACKET_RETRY);
    memcpy(cookie, f->out.bytes + 9, sizeof cookie);
    ps_server_config cfg = f->cfg;
    cfg.seed[3] ^= 1; /* Another life. */
    client b = a;
    b.f = fixture_new(&cfg);
    assert_int_equal(initiate(&b, &noise, cookie), PS_PACKET_RETRY);
    fixture_free(b.f);
    f->now_us += 2 * PS_COOKIE_EPOCH_S * UINT64_C(1000000);
    assert_int_equal(initiate(&a, &noise, cookie), PS_PACKET_RETRY);
    fixture_free(f);
}

/* Past the budget of handshakes nobody gets one, not even with a cookie. */
static void handshakes_have_a_budget(void **state)
{
    (void)state;
    fixture *f = with(0, 50); /* Five at once. */
    ps_noise noise;
    unsigned responds = 0;
    for (uint16_t i = 0; i < 20; i++) {
        client c = client_make(f, "alice", (uint16_t)(4000 + i));
        uint8_t cookie[PS_COOKIE_BYTES];
        assert_int_equal(initiate(&c, &noise, NULL), PS_PACKET_RETRY);
        memcpy(cookie, f->out.bytes + 9, sizeof cookie);
        responds += initiate(&c, &noise, cookie) == PS_PACKET_RESPOND;
    }
    assert_int_equal(responds, 5);
    assert_int_equal(fixture_drops(f, PS_DROP_LIMIT), 15);
    fixture_free(f);
}

static void retries_have_a_budget(void **state)
{
    (void)state;
    ps_server_config cfg;
    fixture_config(&cfg);
    cfg.open_per_s = 0;
    cfg.retries_per_s = 3;
    fixture *f = fixture_new(&cfg);
    ps_noise noise;
    for (uint16_t i = 0; i < 6; i++) {
        client c = client_make(f, "alice", (uint16_t)(4000 + i));
        assert_int_equal(initiate(&c, &noise, NULL), i < 3 ? PS_PACKET_RETRY : 0);
    }
    assert_int_equal(fixture_stats(f).retries, 3);
    assert_int_equal(fixture_stats(f).handshakes_open, 0);
    fixture_free(f);
}

/* A key that gives no secret is refused, and costs nobody a record. */
static void keys_of_low_order_are_refused(void **state)
{
    (void)state;
    fixture *f = with(100, 1000);
    client a = client_make(f, "alice", 4001);
    uint8_t bytes[PS_INITIATE_BYTES];
    ps_noise noise;
    client_initiate(&a, &noise, NULL, bytes);
    memset(bytes + PS_INITIATE_MESSAGE, 0, PS_KEY_BYTES);
    client_deliver(&a, bytes, sizeof bytes);
    assert_int_equal(fixture_drops(f, PS_DROP_KEY), 1);
    assert_int_equal(f->out.datagrams_len, 0);
    assert_int_equal(fixture_stats(f).handshakes_open, 0);
    fixture_free(f);
}

static void other_versions_are_told_ours(void **state)
{
    (void)state;
    fixture *f = with(100, 1000);
    client a = client_make(f, "alice", 4001);
    uint8_t bytes[PS_DATAGRAM_MAX];
    ps_noise noise;
    memset(bytes, 0, sizeof bytes);
    client_initiate(&a, &noise, NULL, bytes);
    bytes[1] = 9; /* And of another length. */
    client_deliver(&a, bytes, 700);
    const uint8_t expected[] = {PS_PACKET_VERSIONS, 0, 0, 0, 0, 0, 0, 0, 0, 1, PS_VERSION};
    assert_int_equal(f->out.datagrams[0].len, sizeof expected);
    assert_int_equal(f->out.bytes[0], PS_PACKET_VERSIONS);
    assert_true(ps_load64(f->out.bytes + 1) == a.client_id);
    assert_memory_equal(f->out.bytes + 9, expected + 9, 2);
    assert_int_equal(fixture_drops(f, PS_DROP_VERSION), 1);
    bytes[1] = PS_VERSION; /* Ours, but not offered. */
    bytes[PS_INITIATE_MESSAGE + PS_KEY_BYTES + 1] = 9;
    fixture_clear(f);
    client_deliver(&a, bytes, PS_INITIATE_BYTES);
    assert_int_equal(f->out.bytes[0], PS_PACKET_VERSIONS);
    client_deliver(&a, bytes, 700); /* Ours has one length. */
    assert_int_equal(fixture_drops(f, PS_DROP_MALFORMED), 1);
    memset(bytes + 2, 0, 8); /* No client id. */
    client_initiate(&a, &noise, NULL, bytes);
    memset(bytes + 2, 0, 8);
    client_deliver(&a, bytes, PS_INITIATE_BYTES);
    assert_int_equal(fixture_drops(f, PS_DROP_MALFORMED), 2);
    fixture_free(f);
}

/* What VERSIONS may cost has a budget, too. And a few handshakes a second are one at once. */
static void small_rates(void **state)
{
    (void)state;
    ps_server_config cfg;
    fixture_config(&cfg);
    cfg.open_per_s = 100;
    cfg.handshakes_per_s = 9;
    cfg.retries_per_s = 2;
    fixture *f = fixture_new(&cfg);
    client a = client_make(f, "alice", 4001);
    uint8_t bytes[PS_INITIATE_BYTES];
    ps_noise noise;
    for (unsigned k = 0; k < 4; k++) {
        client_initiate(&a, &noise, NULL, bytes);
        bytes[1] = 9;
        fixture_clear(f);
        client_deliver(&a, bytes, sizeof bytes);
        assert_int_equal(f->out.datagrams_len, k < 2 ? 1 : 0);
    }
    assert_int_equal(fixture_drops(f, PS_DROP_VERSION), 4);
    assert_int_equal(initiate(&a, &noise, NULL), PS_PACKET_RESPOND);
    client b = client_make(f, "bob", 4002);
    assert_int_not_equal(initiate(&b, &noise, NULL), PS_PACKET_RESPOND);
    f->now_us += 1000000 / 9 + 1;
    assert_int_equal(initiate(&b, &noise, NULL), PS_PACKET_RESPOND);
    fixture_free(f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(responds_with_its_key),
        cmocka_unit_test(repeats_its_answer),
        cmocka_unit_test(asks_for_a_cookie_past_a_rate),
        cmocka_unit_test(cookies_age_without_a_clock),
        cmocka_unit_test(handshakes_have_a_budget),
        cmocka_unit_test(retries_have_a_budget),
        cmocka_unit_test(keys_of_low_order_are_refused),
        cmocka_unit_test(other_versions_are_told_ours),
        cmocka_unit_test(small_rates),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
