/* Where promises wait for their commit, out of the output's way. */
#ifndef PS_PUMP_HOLD_H
#define PS_PUMP_HOLD_H

#include "peersync/pump.h"

/* Copies a promise behind those that wait already. @return false: there is no room. */
bool ps_hold_put(ps_pump_held *h, const uint8_t *slab, const ps_datagram *dg);
/* Whether the first one may go. */
bool ps_hold_ready(const ps_pump_held *h, uint64_t committed);
/* Sends those that may go, in order. @return PS_OK: the rest waits; PS_AGAIN; PS_FAILED. */
ps_status ps_hold_send(ps_pump_held *h, uint64_t committed, const ps_transport *transport);

#endif
