#include "fixture.h"

#include "sim/sim_internal.h"

#define LEN 20u

static uint32_t bits_turned(const uint8_t *data, uint32_t len)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < len * 8; i++) {
        count += (data[i / 8] >> (i % 8)) & 1u;
    }
    return count;
}

static void nothing_is_done_without_a_reason(void **state)
{
    (void)state;
    uint8_t data[LEN] = {0};
    uint32_t len = LEN;
    ps_sim_damage none = {.seed = 5};
    ps_sim_damage_do(&none, data, &len);
    assert_int_equal(len, LEN);
    assert_int_equal(bits_turned(data, LEN), 0);
    ps_sim_damage both = {.truncated = true, .corrupted = true};
    len = 0;
    ps_sim_damage_do(&both, data, &len);
    assert_int_equal(len, 0);
    assert_false(both.truncated || both.corrupted);
    assert_int_equal(bits_turned(data, LEN), 0);
}

/* Every length from 0 to all but one byte comes, about as often as any other. */
static void a_cut_leaves_any_shorter_length(void **state)
{
    (void)state;
    uint32_t seen[LEN] = {0};
    for (uint64_t seed = 0; seed < 4000; seed++) {
        uint8_t data[LEN] = {0};
        uint32_t len = LEN;
        ps_sim_damage damage = {.truncated = true, .seed = seed};
        ps_sim_damage_do(&damage, data, &len);
        assert_true(damage.truncated && len < LEN);
        seen[len]++;
    }
    for (uint32_t i = 0; i < LEN; i++) {
        assert_in_range(seen[i], 140, 260);
    }
}

/* One to four different bits, in any of the bytes that are left and in none behind them. */
static void corruption_turns_one_to_four_bits_over(void **state)
{
    (void)state;
    uint32_t seen[5] = {0};
    uint32_t by_place[LEN] = {0};
    for (uint64_t seed = 0; seed < 4000; seed++) {
        uint8_t data[LEN] = {0};
        uint32_t len = seed % 2 == 0 ? LEN : 1;
        ps_sim_damage damage = {.corrupted = true, .seed = seed};
        ps_sim_damage_do(&damage, data, &len);
        assert_true(damage.corrupted);
        assert_in_range(bits_turned(data, len), 1, 4);
        assert_int_equal(bits_turned(data, LEN), bits_turned(data, len));
        seen[bits_turned(data, len)]++;
        for (uint32_t i = 0; i < len && len == LEN; i++) {
            by_place[i] += bits_turned(data + i, 1);
        }
    }
    for (uint32_t i = 1; i <= 4; i++) {
        assert_in_range(seen[i], 850, 1150);
    }
    for (uint32_t i = 0; i < LEN; i++) {
        assert_in_range(by_place[i], 180, 320); /* 2000 datagrams, 2.5 bits, 20 bytes. */
    }
}

static void both_can_come_together(void **state)
{
    (void)state;
    uint32_t emptied = 0;
    for (uint64_t seed = 0; seed < 1000; seed++) {
        uint8_t data[LEN] = {0};
        uint32_t len = LEN;
        ps_sim_damage damage = {.truncated = true, .corrupted = true, .seed = seed};
        ps_sim_damage_do(&damage, data, &len);
        assert_int_equal(damage.corrupted, len > 0);
        assert_int_equal(bits_turned(data, LEN) > 0, len > 0);
        assert_int_equal(bits_turned(data, LEN), bits_turned(data, len));
        emptied += len == 0 ? 1u : 0u;
    }
    assert_in_range(emptied, 20, 80);
}

static void chances_are_the_links(void **state)
{
    (void)state;
    const ps_sim_config cfg = test_config(4, (ps_sim_link){0});
    ps_sim *sim = test_network(&cfg, 0);
    const ps_sim_link link = {.truncate_ppm = 300000, .corrupt_ppm = 0};
    const ps_sim_link other = {.truncate_ppm = PS_SIM_PPM, .corrupt_ppm = 100000};
    uint32_t cut = 0;
    uint32_t turned = 0;
    assert_memory_not_equal(&sim->rng, &sim->faults, sizeof sim->rng); /* Of the same seed. */
    for (uint32_t i = 0; i < 10000; i++) {
        const ps_sim_damage a = ps_sim_damage_draw(sim, &link);
        const ps_sim_damage b = ps_sim_damage_draw(sim, &other);
        assert_true(!a.corrupted && b.truncated && a.seed != b.seed);
        cut += a.truncated ? 1u : 0u;
        turned += b.corrupted ? 1u : 0u;
    }
    assert_in_range(cut, 2800, 3200);
    assert_in_range(turned, 850, 1150);
    ps_sim_destroy(sim);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_is_done_without_a_reason),
        cmocka_unit_test(a_cut_leaves_any_shorter_length),
        cmocka_unit_test(corruption_turns_one_to_four_bits_over),
        cmocka_unit_test(both_can_come_together),
        cmocka_unit_test(chances_are_the_links),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
