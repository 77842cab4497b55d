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
    f.capabilities = UINT32_C(0xa1a2a3a4);
    f.datagram_max = 512;
    craft_reset(&c);
    craft_login(&c, 42, &f);
    ps_login m;
    assert_true(ps_login_decode(body(), &m));
    assert_memory_equal(m.device, f.device, 16);
    assert_true(m.capabilities == UINT32_C(0xa1a2a3a4));
    assert_int_equal(m.stream_port, 7001);
    assert_int_equal(m.datagram_max, 512);
    assert_int_equal(m.method, PS_LOGIN_PASSWORD);
    assert_true(span_equal(m.user, span_of("alice")));
    assert_true(span_equal(m.secret, span_of("password123")));
    assert_int_equal(m.ticket.len, 0);
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
    assert_false(login_is_taken(PS_USER_MAX, PS_PASSWORD_MAX + 1));
    assert_false(login_is_taken(0, 5));
    assert_false(login_is_taken(PS_USER_MAX + 1, 5));
    assert_false(login_is_taken(255, 5));
    assert_false(login_is_taken(5, PS_PASSWORD_MAX + 1));
    assert_false(login_is_taken(5, 255));
}

/* Of a text of so many bytes. */
static const char *text_of(size_t len)
{
    static char text[256];
    memset(text, 't', sizeof text);
    text[len] = '\0';
    return text;
}

static void tickets_stand_for_a_password_or_beside_it(void **state)
{
    (void)state;
    uint8_t room[512];
    ps_login m;
    for (int alone = 0; alone < 2; alone++) {
        for (size_t len = 0; len <= 255; len++) {
            craft_login_fields f = craft_login_default("alice", "secret");
            f.method = (uint8_t)(alone != 0 ? PS_LOGIN_TICKET : PS_LOGIN_PASSWORD);
            if (alone != 0) {
                f.secret = text_of(len);
            } else {
                f.ticket = text_of(len);
            }
            craft_reset(&c);
            craft_login(&c, 42, &f);
            assert_int_equal(ps_login_decode(body(), &m), len <= PS_TICKET_MAX);
            if (len > PS_TICKET_MAX || (len == 0 && alone == 0)) { /* Empty: no field is sent. */
                continue;
            }
            assert_true(span_equal(alone != 0 ? m.secret : m.ticket, span_of(text_of(len))));
            ps_writer w = {.base = room, .cap = sizeof room};
            assert_true(ps_login_encode(&w, 42, &m));
            assert_int_equal(w.len, c.len);
            assert_memory_equal(room, c.data, c.len);
        }
    }
    craft_login_fields f = craft_login_default("alice", "secret");
    f.ticket = text_of(20);
    craft_reset(&c);
    craft_login(&c, 42, &f);
    assert_true(ps_login_decode(body(), &m));
    assert_true(sweep_capacities(encode_login, &m, c.len));
    /* Without the field it is a whole LOGIN; with a part of it none. */
    assert_int_equal(sweep_cuts(decode_login, c.data + 8, c.len - 8), 1);
    f.ticket = "first";
    craft_reset(&c);
    craft_login(&c, 1, &f);
    craft_field(&c, 1, "second", 6); /* The first of two counts. */
    assert_true(ps_login_decode(body(), &m));
    assert_true(span_equal(m.ticket, span_of("first")));
}

static void login_checks_its_numbers(void **state)
{
    (void)state;
    craft_login_fields f;
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
    /* An unknown method is the server's to refuse; its secret may be a ticket's length. */
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
    craft_field(&c, 2, "", 0);
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
    craft_login_ok(&c, 1, 6);
    sweep_fields(decode_login_ok);
}

static void login_ok_is_what_the_tables_say(void **state)
{
    (void)state;
    craft_reset(&c);
    const craft_login_ok_fields fields = {.wall_s = UINT64_C(0x8877665544332211),
                                          .generation = UINT64_C(0x0102030405060708),
                                          .digest = UINT64_C(0xd1d2d3d4d5d6d7d8),
                                          .life = UINT64_C(0xe1e2e3e4e5e6e7e8)};
    craft_login_ok_of(&c, 42, &fields);
    ps_login_ok m;
    assert_true(ps_login_ok_decode(body(), &m));
    assert_int_equal(m.heartbeat_ms, 2000);
    assert_int_equal(m.dead_ms, 3000);
    assert_int_equal(m.resend_ms, 80);
    assert_true(m.wall_s == UINT64_C(0x8877665544332211));
    assert_true(m.generation == UINT64_C(0x0102030405060708));
    assert_true(m.digest == UINT64_C(0xd1d2d3d4d5d6d7d8));
    assert_true(m.life == UINT64_C(0xe1e2e3e4e5e6e7e8));
    assert_int_equal(m.observed.family, PS_ADDR_V4);
    assert_int_equal(m.observed.port, 7001);
    assert_int_equal(m.observed.ip[0], 127);
    assert_int_equal(m.ticket.len, 0);
    assert_int_equal(m.expires_s, 0);
    assert_int_equal(sweep_cuts(decode_login_ok, c.data + 8, c.len - 8), 0);
    uint8_t room[128];
    ps_writer w = {.base = room, .cap = sizeof room};
    assert_true(ps_login_ok_encode(&w, 42, &m));
    assert_int_equal(w.len, c.len);
    assert_memory_equal(room, c.data, c.len);
    assert_true(sweep_capacities(encode_login_ok, &m, c.len));
}

static void login_ok_brings_a_ticket(void **state)
{
    (void)state;
    uint8_t room[512];
    ps_login_ok m;
    for (size_t len = 0; len <= 255; len++) {
        const craft_login_ok_fields f = {
            .life = 1, .ticket = text_of(len), .expires_s = UINT64_C(0x0102030405060708)};
        craft_reset(&c);
        craft_login_ok_of(&c, 42, &f);
        const bool good = len >= 1 && len <= PS_TICKET_MAX; /* A time alone is no ticket. */
        assert_int_equal(ps_login_ok_decode(body(), &m), good);
        if (good) {
            assert_true(span_equal(m.ticket, span_of(text_of(len))));
            assert_true(m.expires_s == f.expires_s);
            ps_writer w = {.base = room, .cap = sizeof room};
            assert_true(ps_login_ok_encode(&w, 42, &m));
            assert_int_equal(w.len, c.len);
            assert_memory_equal(room, c.data, c.len);
        }
    }
    const craft_login_ok_fields f = {.life = 1, .ticket = "ticket", .expires_s = 7};
    craft_reset(&c);
    craft_login_ok_of(&c, 42, &f);
    assert_true(ps_login_ok_decode(body(), &m));
    assert_true(sweep_capacities(encode_login_ok, &m, c.len));
    assert_int_equal(sweep_cuts(decode_login_ok, c.data + 8, c.len - 8), 1);
    for (size_t len = 1; len < 9; len++) { /* Too short for a time and a ticket. */
        craft_reset(&c);
        craft_login_ok(&c, 1, 6);
        craft_field(&c, 1, "12345678", len);
        assert_false(decode_login_ok(body()));
    }
}

/* Whole keys behind the first one's epoch; a reader takes as many as it has room for. */
static void login_ok_brings_file_keys(void **state)
{
    (void)state;
    uint8_t keys[5 * PS_KEY_BYTES];
    uint8_t room[512];
    ps_login_ok m;
    for (size_t i = 0; i < sizeof keys; i++) {
        keys[i] = (uint8_t)i;
    }
    craft_login_ok_fields f = {.life = 1,
                               .ticket = "ticket",
                               .expires_s = 7,
                               .first_epoch = UINT64_C(0x0102030405060708),
                               .file_keys = keys};
    for (size_t len = 0; len <= sizeof keys; len++) {
        const size_t most = PS_FILE_EPOCHS * PS_KEY_BYTES;
        f.file_keys_len = len;
        craft_reset(&c);
        craft_login_ok_of(&c, 42, &f);
        const bool good = len % PS_KEY_BYTES == 0;
        assert_int_equal(ps_login_ok_decode(body(), &m), good);
        if (!good) {
            continue;
        }
        assert_true(span_equal(m.ticket, span_of("ticket")) && m.expires_s == 7);
        assert_true(span_equal(m.file_keys, (ps_span){keys, len < most ? len : most}));
        assert_true(m.first_epoch == (len > 0 ? f.first_epoch : 0));
        ps_writer w = {.base = room, .cap = sizeof room};
        assert_true(ps_login_ok_encode(&w, 42, &m));
        if (len <= most) {
            assert_int_equal(w.len, c.len);
            assert_memory_equal(room, c.data, c.len);
            assert_true(sweep_capacities(encode_login_ok, &m, c.len));
        }
    }
    for (size_t len = 1; len <= 8; len++) { /* An epoch without a key. */
        craft_reset(&c);
        craft_login_ok(&c, 1, 6);
        craft_field(&c, 2, "12345678", len);
        assert_false(decode_login_ok(body()));
    }
}

/* None of the times may be 0. */
static void login_ok_checks_its_numbers(void **state)
{
    (void)state;
    static const struct {
        size_t at, len;
    } fields[] = {{0, 4}, {4, 4}, {8, 4}};
    for (unsigned i = 0; i < 3; i++) {
        craft_reset(&c);
        craft_login_ok(&c, 1, 6);
        memset(c.data + 8 + fields[i].at, 0, fields[i].len);
        assert_false(decode_login_ok(body()));
        c.data[8 + fields[i].at] = 1;
        assert_true(decode_login_ok(body()));
    }
    craft_reset(&c);
    craft_login_ok(&c, 1, 6);
    c.data[8 + 44] = 5; /* the observed address' family */
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
        uint8_t user[PS_USER_MAX], secret[PS_PASSWORD_MAX], ticket[PS_TICKET_MAX], room[512];
        uint8_t keys[PS_FILE_EPOCHS * PS_KEY_BYTES];
        const size_t keys_len = PS_KEY_BYTES * (size_t)test_random_range(&r, 1, PS_FILE_EPOCHS);
        ps_login m = {.capabilities = (uint32_t)test_random_u64(&r),
                      .stream_port = (uint16_t)test_random_u64(&r),
                      .datagram_max = (uint16_t)test_random_range(&r, 512, 1200),
                      .method = (uint8_t)test_random_u64(&r),
                      .user = {user, (size_t)test_random_range(&r, 1, sizeof user)},
                      .secret = {secret, (size_t)test_random_range(&r, 0, sizeof secret)},
                      .ticket = {ticket, (size_t)test_random_range(&r, 0, sizeof ticket)}};
        test_random_bytes(&r, m.device, sizeof m.device);
        test_random_bytes(&r, user, sizeof user);
        test_random_bytes(&r, secret, sizeof secret);
        test_random_bytes(&r, ticket, sizeof ticket);
        test_random_bytes(&r, keys, sizeof keys);
        ps_writer w = {.base = room, .cap = sizeof room};
        assert_true(ps_login_encode(&w, 1, &m));
        ps_login got;
        assert_true(ps_login_decode((ps_span){room + 8, w.len - 8}, &got));
        assert_true(got.capabilities == m.capabilities && got.stream_port == m.stream_port &&
                    got.datagram_max == m.datagram_max && got.method == m.method &&
                    span_equal(got.user, m.user) && span_equal(got.secret, m.secret) &&
                    span_equal(got.ticket, m.ticket));
        assert_memory_equal(got.device, m.device, sizeof m.device);

        const ps_login_ok ok = {.heartbeat_ms = (uint32_t)test_random_range(&r, 1, UINT32_MAX),
                                .dead_ms = (uint32_t)test_random_range(&r, 1, UINT32_MAX),
                                .resend_ms = (uint32_t)test_random_range(&r, 1, UINT32_MAX),
                                .wall_s = test_random_u64(&r),
                                .generation = test_random_u64(&r),
                                .digest = test_random_u64(&r),
                                .life = test_random_u64(&r),
                                .observed = random_address(&r),
                                .ticket = {ticket, (size_t)test_random_range(&r, 1, sizeof ticket)},
                                .expires_s = test_random_u64(&r),
                                .first_epoch = test_random_u64(&r),
                                .file_keys = {keys, keys_len}};
        w.len = 0;
        assert_true(ps_login_ok_encode(&w, 1, &ok));
        ps_login_ok back;
        assert_true(ps_login_ok_decode((ps_span){room + 8, w.len - 8}, &back));
        assert_true(back.heartbeat_ms == ok.heartbeat_ms && back.dead_ms == ok.dead_ms &&
                    back.resend_ms == ok.resend_ms && back.wall_s == ok.wall_s &&
                    back.generation == ok.generation && back.digest == ok.digest &&
                    back.life == ok.life && ps_addr_equal(&back.observed, &ok.observed) &&
                    span_equal(back.ticket, ok.ticket) && back.expires_s == ok.expires_s &&
                    span_equal(back.file_keys, ok.file_keys) && back.first_epoch == ok.first_epoch);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(login_is_what_the_tables_say),
        cmocka_unit_test(login_checks_its_lengths),
        cmocka_unit_test(tickets_stand_for_a_password_or_beside_it),
        cmocka_unit_test(login_checks_its_numbers),
        cmocka_unit_test(unknown_fields_are_skipped),
        cmocka_unit_test(login_ok_is_what_the_tables_say),
        cmocka_unit_test(login_ok_brings_a_ticket),
        cmocka_unit_test(login_ok_brings_file_keys),
        cmocka_unit_test(login_ok_checks_its_numbers),
        cmocka_unit_test(random_messages_come_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
