#include "unit.h"

#include "craft.h"
#include "exact.h"
#include "random.h"
#include "sweep.h"
#include "wire/messages.h"

#include <stdlib.h>
#include <string.h>

static craft c;

static ps_span body(void)
{
    return (ps_span){c.data + 8, c.len - 8};
}

static bool decode_login(ps_span bytes)
{
    ps_login m;
    return ps_login_decode(bytes, &m);
}

static bool decode_login_ok(ps_span bytes)
{
    ps_login_ok m;
    return ps_login_ok_decode(bytes, &m);
}

static bool encode_login(ps_writer *w, const void *m)
{
    return ps_login_encode(w, 42, m);
}

static bool encode_login_ok(ps_writer *w, const void *m)
{
    return ps_login_ok_encode(w, 42, m);
}

/* LOGIN with fields of these sizes. */
static bool login_is_taken(size_t user, size_t secret)
{
    char name[256], password[256];
    memset(name, 'u', user);
    memset(password, 'p', secret);
    name[user] = password[secret] = '\0';
    const craft_login_fields fields = craft_login_default(name, password);
    craft_reset(&c);
    craft_login(&c, 1, &fields);
    return decode_login(body());
}

static void login_is_what_the_tables_say(void **state)
{
    (void)state;
    craft_login_fields f = craft_login_default("alice", "password123");
    f.client_id = UINT64_C(0x1122334455667788);
    f.capabilities = UINT32_C(0xa1a2a3a4);
    f.datagram_max = 512;
    craft_reset(&c);
    craft_login(&c, 42, &f);
    ps_login m;
    assert_true(ps_login_decode(body(), &m));
    assert_true(m.client_id == UINT64_C(0x1122334455667788));
    assert_memory_equal(m.device, f.device, 16);
    assert_true(m.capabilities == UINT32_C(0xa1a2a3a4));
    assert_int_equal(m.stream_port, 7001);
    assert_int_equal(m.datagram_max, 512);
    assert_int_equal(m.method, PS_LOGIN_PASSWORD);
    assert_true(span_equal(m.user, span_of("alice")));
    assert_true(span_equal(m.secret, span_of("password123")));
    assert_int_equal(sweep_cuts(decode_login, c.data + 8, c.len - 8), 0);
    uint8_t room[256];
    ps_writer w = {.base = room, .cap = sizeof room};
    assert_true(ps_login_encode(&w, 42, &m));
    assert_int_equal(w.len, c.len);
    assert_memory_equal(room, c.data, c.len);
    assert_true(sweep_capacities(encode_login, &m, c.len));
}

static void login_checks_its_lengths(void **state)
{
    (void)state;
    assert_true(login_is_taken(1, 0));
    assert_true(login_is_taken(PS_USER_MAX, PS_PASSWORD_MAX));
    assert_false(login_is_taken(0, 5));
    assert_false(login_is_taken(PS_USER_MAX + 1, 5));
    assert_false(login_is_taken(255, 5));
    assert_false(login_is_taken(5, PS_PASSWORD_MAX + 1));
    assert_false(login_is_taken(5, 255));
}

static void login_checks_its_numbers(void **state)
{
    (void)state;
    craft_login_fields f = craft_login_default("a", "b");
    f.client_id = 0;
    craft_reset(&c);
    craft_login(&c, 1, &f);
    assert_false(decode_login(body()));
    static const struct {
        uint16_t value;
        bool good;
    } limits[] = {{0, false},   {511, false},  {512, true},
                  {1200, true}, {1201, false}, {65535, false}};
    for (unsigned i = 0; i < 6; i++) {
        f = craft_login_default("a", "b");
        f.datagram_max = limits[i].value;
        craft_reset(&c);
        craft_login(&c, 1, &f);
        assert_int_equal(decode_login(body()), limits[i].good);
    }
    /* An unknown method is the server's to refuse. */
    f = craft_login_default("a", "b");
    f.method = 200;
    craft_reset(&c);
    craft_login(&c, 1, &f);
    assert_true(decode_login(body()));
}

/* Typed fields at the end are skipped whole; one that is cut is malformed. */
static void sweep_fields(bool (*decode)(ps_span))
{
    const size_t plain = c.len;
    craft_field(&c, 1, "", 0);
    const size_t first = c.len;
    craft_field(&c, 255, "twelve bytes", 12);
    const size_t second = c.len;
    craft_fill(&c, 7, 1);
    craft_fill(&c, 1, 2);
    craft_fill(&c, 0, 257);
    for (size_t len = plain; len <= c.len; len++) {
        uint8_t *exact = exact_copy(c.data + 8, len - 8);
        const bool whole = len == plain || len == first || len == second || len == c.len;
        assert_int_equal(decode((ps_span){exact, len - 8}), whole);
        free(exact);
    }
}

static void unknown_fields_are_skipped(void **state)
{
    (void)state;
    const craft_login_fields f = craft_login_default("alice", "password123");
    craft_reset(&c);
    craft_login(&c, 1, &f);
    sweep_fields(decode_login);
    craft_reset(&c);
    craft_login_ok(&c, 1, 5, 6);
    sweep_fields(decode_login_ok);
}

static void login_ok_is_what_the_tables_say(void **state)
{
    (void)state;
    craft_reset(&c);
    craft_login_ok_of(&c, 42, UINT64_C(0x8877665544332211), UINT64_C(0x0102030405060708),
                      UINT64_C(0xd1d2d3d4d5d6d7d8), UINT64_C(0xe1e2e3e4e5e6e7e8));
    ps_login_ok m;
    assert_true(ps_login_ok_decode(body(), &m));
    assert_true(m.session_id == UINT64_C(0x8877665544332211));
    assert_int_equal(m.heartbeat_ms, 2000);
    assert_int_equal(m.dead_ms, 3000);
    assert_int_equal(m.resend_ms, 80);
    assert_int_equal(m.wall_s, 0);
    assert_true(m.generation == UINT64_C(0x0102030405060708));
    assert_true(m.digest == UINT64_C(0xd1d2d3d4d5d6d7d8));
    assert_true(m.life == UINT64_C(0xe1e2e3e4e5e6e7e8));
    assert_int_equal(m.observed.family, PS_ADDR_V4);
    assert_int_equal(m.observed.port, 7001);
    assert_int_equal(m.observed.ip[0], 127);
    assert_int_equal(sweep_cuts(decode_login_ok, c.data + 8, c.len - 8), 0);
    uint8_t room[128];
    ps_writer w = {.base = room, .cap = sizeof room};
    assert_true(ps_login_ok_encode(&w, 42, &m));
    assert_int_equal(w.len, c.len);
    assert_memory_equal(room, c.data, c.len);
    assert_true(sweep_capacities(encode_login_ok, &m, c.len));
}

/* The session id and each of the times may not be 0. */
static void login_ok_checks_its_numbers(void **state)
{
    (void)state;
    static const struct {
        size_t at, len;
    } fields[] = {{0, 8}, {8, 4}, {12, 4}, {16, 4}};
    for (unsigned i = 0; i < 4; i++) {
        craft_reset(&c);
        craft_login_ok(&c, 1, 5, 6);
        memset(c.data + 8 + fields[i].at, 0, fields[i].len);
        assert_false(decode_login_ok(body()));
        c.data[8 + fields[i].at] = 1;
        assert_true(decode_login_ok(body()));
    }
    craft_reset(&c);
    craft_login_ok(&c, 1, 5, 6);
    c.data[8 + 52] = 5; /* the observed address' family */
    assert_false(decode_login_ok(body()));
}

static ps_addr random_address(test_random *r)
{
    ps_addr a = {0};
    a.family = test_random_chance(r, 50) ? PS_ADDR_V4 : PS_ADDR_V6;
    a.port = (uint16_t)test_random_u64(r);
    test_random_bytes(r, a.ip, a.family == PS_ADDR_V4 ? 4 : 16);
    return a;
}

static void random_messages_come_back(void **state)
{
    (void)state;
    test_random r = test_random_of(3);
    for (int i = 0; i < 2000; i++) {
        uint8_t user[PS_USER_MAX], secret[PS_PASSWORD_MAX], room[512];
        ps_login m = {.client_id = test_random_range(&r, 1, UINT64_MAX),
                      .capabilities = (uint32_t)test_random_u64(&r),
                      .stream_port = (uint16_t)test_random_u64(&r),
                      .datagram_max = (uint16_t)test_random_range(&r, 512, 1200),
                      .method = (uint8_t)test_random_u64(&r),
                      .user = {user, (size_t)test_random_range(&r, 1, sizeof user)},
                      .secret = {secret, (size_t)test_random_range(&r, 0, sizeof secret)}};
        test_random_bytes(&r, m.device, sizeof m.device);
        test_random_bytes(&r, user, sizeof user);
        test_random_bytes(&r, secret, sizeof secret);
        ps_writer w = {.base = room, .cap = sizeof room};
        assert_true(ps_login_encode(&w, 1, &m));
        ps_login got;
        assert_true(ps_login_decode((ps_span){room + 8, w.len - 8}, &got));
        assert_true(got.client_id == m.client_id && got.capabilities == m.capabilities &&
                    got.stream_port == m.stream_port && got.datagram_max == m.datagram_max &&
                    got.method == m.method && span_equal(got.user, m.user) &&
                    span_equal(got.secret, m.secret));
        assert_memory_equal(got.device, m.device, sizeof m.device);

        const ps_login_ok ok = {.session_id = test_random_range(&r, 1, UINT64_MAX),
                                .heartbeat_ms = (uint32_t)test_random_range(&r, 1, UINT32_MAX),
                                .dead_ms = (uint32_t)test_random_range(&r, 1, UINT32_MAX),
                                .resend_ms = (uint32_t)test_random_range(&r, 1, UINT32_MAX),
                                .wall_s = test_random_u64(&r),
                                .generation = test_random_u64(&r),
                                .digest = test_random_u64(&r),
                                .life = test_random_u64(&r),
                                .observed = random_address(&r)};
        w.len = 0;
        assert_true(ps_login_ok_encode(&w, 1, &ok));
        ps_login_ok back;
        assert_true(ps_login_ok_decode((ps_span){room + 8, w.len - 8}, &back));
        assert_true(back.session_id == ok.session_id && back.heartbeat_ms == ok.heartbeat_ms &&
                    back.dead_ms == ok.dead_ms && back.resend_ms == ok.resend_ms &&
                    back.wall_s == ok.wall_s && back.generation == ok.generation &&
                    back.digest == ok.digest && back.life == ok.life &&
                    ps_addr_equal(&back.observed, &ok.observed));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(login_is_what_the_tables_say),
        cmocka_unit_test(login_checks_its_lengths),
        cmocka_unit_test(login_checks_its_numbers),
        cmocka_unit_test(unknown_fields_are_skipped),
        cmocka_unit_test(login_ok_is_what_the_tables_say),
        cmocka_unit_test(login_ok_checks_its_numbers),
        cmocka_unit_test(random_messages_come_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
