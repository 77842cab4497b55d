/* What a way can do to the bytes of a datagram: cut its end off, turn bits over. */
#include "sim/sim_internal.h"

#define BITS_MAX 4u

ps_sim_damage ps_sim_damage_draw(ps_sim *sim, const ps_sim_link *link)
{
    ps_sim_damage damage;
    damage.truncated = ps_sim_rng_chance(&sim->faults, link->truncate_ppm);
    damage.corrupted = ps_sim_rng_chance(&sim->faults, link->corrupt_ppm);
    damage.seed = ps_sim_rng_next(&sim->faults);
    return damage;
}

static bool has(const uint32_t bits[], uint32_t count, uint32_t bit)
{
    for (uint32_t i = 0; i < count; i++) {
        if (bits[i] == bit) {
            return true;
        }
    }
    return false;
}

/* 1 to 4 different bits, so that never all is as it was. */
static void turn_over(ps_sim_rng *g, uint8_t *data, uint32_t len)
{
    uint32_t turned[BITS_MAX];
    const uint32_t count = 1 + (uint32_t)ps_sim_rng_below(g, BITS_MAX);
    for (uint32_t i = 0; i < count; i++) {
        uint32_t bit = (uint32_t)ps_sim_rng_below(g, (uint64_t)len * 8);
        while (has(turned, i, bit)) {
            bit = (bit + 1) % (len * 8);
        }
        turned[i] = bit;
        data[bit / 8] ^= (uint8_t)(1u << (bit % 8));
    }
}

void ps_sim_damage_do(ps_sim_damage *damage, uint8_t *data, uint32_t *len)
{
    damage->truncated = damage->truncated && *len > 0;
    damage->corrupted = damage->corrupted && *len > 0;
    if (!damage->truncated && !damage->corrupted) {
        return;
    }
    /* The places come from a generator of the copy's own: how many are drawn moves nothing else. */
    ps_sim_rng g;
    ps_sim_rng_seed(&g, damage->seed);
    if (damage->truncated) {
        *len = (uint32_t)ps_sim_rng_below(&g, *len);
    }
    damage->corrupted = damage->corrupted && *len > 0;
    if (damage->corrupted) {
        turn_over(&g, data, *len);
    }
}
