#include "unit.h"

#include "craft.h"
#include "exact.h"
#include "sweep.h"
#include "wire/messages.h"

#include <stdlib.h>

static const ps_addr none = {.family = PS_ADDR_NONE};
static const ps_addr v4 = {.ip = {192, 0, 2, 1}, .port = 7001, .family = PS_ADDR_V4};
static const ps_addr v6 = {.ip = {0x20, 1, 0xd, 0xb8, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16},
                           .port = 65535,
                           .family = PS_ADDR_V6};

static bool decode(ps_span body)
{
    ps_reader r = ps_reader_of(body);
    ps_addr addr;
    ps_addr_decode(&r, &addr);
    return !r.bad && r.left == 0;
}

static void both_families_and_none(void **state)
{
    (void)state;
    const ps_addr *const addrs[] = {&none, &v4, &v6};
    const size_t sizes[] = {1, 7, 19};
    static craft c;
    for (unsigned i = 0; i < 3; i++) {
        craft_reset(&c);
        craft_address(&c, addrs[i]->family, addrs[i]->ip, addrs[i]->port);
        assert_int_equal(c.len, sizes[i]);
        for (size_t cap = 0; cap <= sizes[i]; cap++) {
            uint8_t *room = exact_copy("...................", cap);
            ps_writer w = {.base = room, .cap = cap};
            ps_addr_encode(&w, addrs[i]);
            assert_int_equal(w.full, cap < sizes[i]);
            assert_int_equal(w.len, w.full ? 0 : sizes[i]);
            assert_true(w.full || memcmp(room, c.data, c.len) == 0);
            free(room);
        }
        ps_reader r = ps_reader_of((ps_span){c.data, c.len});
        ps_addr got = v6;
        ps_addr_decode(&r, &got);
        assert_false(r.bad);
        assert_true(ps_addr_equal(&got, addrs[i]));
        assert_int_equal(got.scope, 0);
        assert_int_equal(sweep_cuts(decode, c.data, c.len), 0);
    }
}

static void the_zone_stays_at_home(void **state)
{
    (void)state;
    ps_addr zoned = v6, got;
    zoned.scope = 3;
    uint8_t room[19];
    ps_writer w = {.base = room, .cap = sizeof room};
    ps_addr_encode(&w, &zoned);
    ps_reader r = ps_reader_of((ps_span){room, w.len});
    ps_addr_decode(&r, &got);
    assert_true(ps_addr_equal(&got, &v6));
}

static void unknown_families_are_bad(void **state)
{
    (void)state;
    for (unsigned family = 0; family < 256; family++) {
        uint8_t bytes[19] = {(uint8_t)family};
        ps_reader r = ps_reader_of((ps_span){bytes, sizeof bytes});
        ps_addr addr;
        ps_addr_decode(&r, &addr);
        const bool known = family == 0 || family == 4 || family == 6;
        assert_int_equal(r.bad, !known);
        assert_int_equal(addr.family, known ? family : 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(both_families_and_none),
        cmocka_unit_test(the_zone_stays_at_home),
        cmocka_unit_test(unknown_families_are_bad),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
