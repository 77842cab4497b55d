/* Round-trip estimate and retransmission times (RFC 6298), in integers. */
#ifndef PS_PEER_RTT_H
#define PS_PEER_RTT_H

#include "peersync/base.h"

/* RFC 6298 (2.1) begins at a second and (2.4) keeps to it as the minimum, for bulk data over TCP.
 * Here a person waits, and what is sent again is one small datagram. */
#define PS_RTO_INITIAL_US UINT64_C(500000)
#define PS_RTO_MIN_US     UINT64_C(100000)
/* Backoff stops here, unless the round trip itself is longer. */
#define PS_RTO_BACKOFF_US UINT64_C(1000000)
/* Timeouts are cut to this: with round trips that take longer no session lasts. A sample beyond it
 * is no round trip, but time that the machine was away or that its clock was set on. */
#define PS_RTO_MAX_US UINT64_C(3000000)

typedef struct ps_rtt {
    uint32_t srtt8_us; /* SRTT times 8; 0: no sample yet. */
    uint32_t var4_us;  /* RTTVAR times 4. */
} ps_rtt;

/* Takes in a round trip, or drops what is none. Karn's rule is the caller's: only of what was sent
 * once. */
void ps_rtt_sample(ps_rtt *r, uint64_t sample_us);
/* The timeout after the `tries`-th sending (1 is the first). */
uint64_t ps_rtt_timeout_us(const ps_rtt *r, uint32_t tries);
/* The smoothed round trip; 0: no sample yet. */
uint32_t ps_rtt_smoothed_us(const ps_rtt *r);

#endif
