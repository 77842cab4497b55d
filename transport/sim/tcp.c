/* What loss does to a stream of the model PS_SIM_STREAM_TCP; the header of the simulator says what
 * it is and why. */
#include "sim/sim_internal.h"

/* An Ethernet's TCP segment without its options. */
#define PACKET 1460u
/* RFC 6928: ten of them may be under way at first. */
#define FIRST_WINDOW (10u * PACKET)
#define ROUNDS_MAX   20u

/* The whole part of a square root, bit by bit. */
static uint64_t root(uint64_t x)
{
    uint64_t result = 0;
    for (uint64_t bit = UINT64_C(1) << 62; bit > 0; bit >>= 2) {
        const bool fits = x >= result + bit;
        x -= fits ? result + bit : 0;
        result = (result >> 1) + (fits ? bit : 0);
    }
    return result;
}

/* RFC 5348, section 3.1, with b = 1:
 *
 *                              s
 *   X = ----------------------------------------------------------------------
 *       R sqrt(2p/3) + t_RTO min(1, 3 sqrt(3p/8)) p (1 + 32 p^2)
 *
 * Both roots are in millionths, and so is the sum, of microseconds. */
uint64_t ps_sim_tcp_rate(uint32_t loss_ppm, uint64_t rtt_us, uint64_t rto_us)
{
    if (loss_ppm == 0) {
        return UINT64_MAX;
    }
    const uint64_t p = loss_ppm < PS_SIM_PPM ? loss_ppm : PS_SIM_PPM;
    const uint64_t recovering = rtt_us * root(p * 2 * PS_SIM_PPM / 3);
    const uint64_t chance = 3 * root(p * 3 * PS_SIM_PPM / 8);
    const uint64_t timed_out = rto_us * (chance < PS_SIM_PPM ? chance : PS_SIM_PPM) / PS_SIM_PPM;
    const uint64_t worse = 32 * p * p / PS_SIM_PPM;
    const uint64_t waiting = timed_out * p + timed_out * p / PS_SIM_PPM * worse;
    const uint64_t sum = recovering + waiting;
    const uint64_t rate = PACKET * UINT64_C(1000000000000) / (sum > 0 ? sum : 1);
    return rate > 0 ? rate : 1;
}

uint64_t ps_sim_tcp_pace(ps_sim_flow *f, uint64_t now_us, const ps_sim_way_sum *sum)
{
    if (!f->ramping || now_us > f->busy_until_us + sum->rto_us) {
        f->ramping = true; /* RFC 5681: after an idle timeout it starts anew. */
        f->ramp_us = now_us;
    }
    const uint64_t start_us = now_us > f->busy_until_us ? now_us : f->busy_until_us;
    const uint64_t rounds = (start_us - f->ramp_us) / sum->rtt_us;
    const uint64_t window = (uint64_t)FIRST_WINDOW << (rounds < ROUNDS_MAX ? rounds : ROUNDS_MAX);
    const uint64_t grown = window * 1000000 / sum->rtt_us;
    const uint64_t most = ps_sim_tcp_rate(sum->loss_ppm, sum->rtt_us, sum->rto_us);
    const uint64_t rate = grown < most ? grown : most;
    return rate > 0 ? rate : 1;
}

uint64_t ps_sim_tcp_repair_us(ps_sim *sim, const ps_sim_way_sum *sum, uint32_t len)
{
    const uint64_t p = sum->loss_ppm < PS_SIM_PPM ? sum->loss_ppm : PS_SIM_PPM;
    uint64_t whole = PS_SIM_PPM;
    for (uint32_t sent = 0; sent == 0 || sent < len; sent += PACKET) {
        whole = whole * (PS_SIM_PPM - p) / PS_SIM_PPM;
    }
    if (!ps_sim_rng_chance(&sim->rng, (uint32_t)(PS_SIM_PPM - whole))) {
        return 0;
    }
    /* A dial has nothing behind it that would tell of the loss. */
    uint64_t us = len > 0 ? sum->rtt_us : sum->rto_us;
    for (int i = 0; i < PS_SIM_RETRIES_MAX && ps_sim_rng_chance(&sim->rng, (uint32_t)p); i++) {
        us += sum->rto_us << i; /* Sent again, and lost again: the timer, which doubles. */
    }
    return us;
}
