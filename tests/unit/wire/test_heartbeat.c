#include "unit.h"

#include "craft.h"
#include "random.h"
#include "sweep.h"
#include "wire/messages.h"

static craft c;

static bool decode(ps_span bytes)
{
    ps_heartbeat m;
    return ps_heartbeat_decode(bytes, &m);
}

static bool decode_ok(ps_span bytes)
{
    ps_heartbeat_ok m;
    return ps_heartbeat_ok_decode(bytes, &m);
}

static bool encode(ps_writer *w, const void *m)
{
    return ps_heartbeat_encode(w, 42, m);
}

static bool encode_ok(ps_writer *w, const void *m)
{
    return ps_heartbeat_ok_encode(w, 42, m);
}

static void heartbeats_are_what_the_tables_say(void **state)
{
    (void)state;
    test_random r = test_random_of(4);
    for (int i = 0; i < 100; i++) {
        uint8_t room[64];
        const ps_heartbeat m = {.generation = test_random_u64(&r), .digest = test_random_u64(&r)};
        craft_reset(&c);
        craft_heartbeat(&c, 42, m.generation, m.digest);
        ps_writer w = {.base = room, .cap = sizeof room};
        assert_true(encode(&w, &m));
        assert_int_equal(w.len, c.len);
        assert_memory_equal(room, c.data, c.len);
        ps_heartbeat got;
        assert_true(ps_heartbeat_decode((ps_span){room + 8, w.len - 8}, &got));
        assert_true(got.generation == m.generation && got.digest == m.digest);
    }
    const ps_heartbeat m = {.generation = 1};
    assert_int_equal(sweep_cuts(decode, c.data + 8, c.len - 8), 0);
    assert_true(sweep_capacities(encode, &m, c.len));
}

static void acknowledgements_are_what_the_tables_say(void **state)
{
    (void)state;
    test_random r = test_random_of(5);
    for (int i = 0; i < 100; i++) {
        uint8_t room[64];
        const ps_heartbeat_ok m = {.generation = test_random_u64(&r),
                                   .digest = test_random_u64(&r),
                                   .wall_s = test_random_u64(&r)};
        craft_reset(&c);
        craft_heartbeat_ok(&c, 42, m.generation, m.digest, m.wall_s);
        ps_writer w = {.base = room, .cap = sizeof room};
        assert_true(encode_ok(&w, &m));
        assert_int_equal(w.len, c.len);
        assert_memory_equal(room, c.data, c.len);
        ps_heartbeat_ok got;
        assert_true(ps_heartbeat_ok_decode((ps_span){room + 8, w.len - 8}, &got));
        assert_true(got.generation == m.generation && got.digest == m.digest &&
                    got.wall_s == m.wall_s);
    }
    const ps_heartbeat_ok m = {.generation = 1};
    assert_int_equal(sweep_cuts(decode_ok, c.data + 8, c.len - 8), 0);
    assert_true(sweep_capacities(encode_ok, &m, c.len));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(heartbeats_are_what_the_tables_say),
        cmocka_unit_test(acknowledgements_are_what_the_tables_say),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
