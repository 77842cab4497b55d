#include "peer/rtt.h"

void ps_rtt_sample(ps_rtt *r, uint64_t sample_us)
{
    if (sample_us > PS_RTO_MAX_US) {
        return;
    }
    if (sample_us == 0) {
        sample_us = 1; /* srtt8_us == 0 means that there is no sample. */
    }
    const uint32_t sample = (uint32_t)sample_us;
    if (r->srtt8_us == 0) { /* RFC 6298 (2.2): SRTT = R, RTTVAR = R / 2. */
        r->srtt8_us = sample * 8u;
        r->var4_us = sample * 2u;
        return;
    }
    /* (2.3): RTTVAR = 3/4 RTTVAR + 1/4 |SRTT - R|, then SRTT = 7/8 SRTT + 1/8 R. */
    const uint32_t srtt = r->srtt8_us / 8u;
    const uint32_t error = srtt > sample ? srtt - sample : sample - srtt;
    r->var4_us = r->var4_us - r->var4_us / 4u + error;
    r->srtt8_us = r->srtt8_us - r->srtt8_us / 8u + sample;
}

uint32_t ps_rtt_smoothed_us(const ps_rtt *r)
{
    return r->srtt8_us / 8u;
}

uint64_t ps_rtt_timeout_us(const ps_rtt *r, uint32_t tries)
{
    uint64_t timeout_us = PS_RTO_INITIAL_US;
    if (r->srtt8_us != 0) { /* (2.3): SRTT + 4 * RTTVAR. */
        timeout_us = (uint64_t)(r->srtt8_us / 8u) + r->var4_us;
    }
    if (timeout_us < PS_RTO_MIN_US) {
        timeout_us = PS_RTO_MIN_US;
    }
    if (timeout_us > PS_RTO_MAX_US) {
        timeout_us = PS_RTO_MAX_US;
    }
    for (uint32_t i = 1; i < tries && timeout_us < PS_RTO_BACKOFF_US; i++) {
        timeout_us *= 2; /* (5.5), up to a limit of our own. */
        if (timeout_us > PS_RTO_BACKOFF_US) {
            timeout_us = PS_RTO_BACKOFF_US;
        }
    }
    return timeout_us;
}
