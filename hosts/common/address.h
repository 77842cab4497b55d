/* Addresses as people write them. */
#ifndef PS_COMMON_ADDRESS_H
#define PS_COMMON_ADDRESS_H

#include "peersync/base.h"

/* Reads "ADDR:PORT", "[V6]:PORT", ":PORT" or "PORT" (the last two: 127.0.0.1), numeric only.
 * @return NULL, or what is wrong, as a clause in static storage. */
const char *ps_address_parse(const char *text, ps_addr *out);

/* The same, and "HOST:PORT", resolved with the system's resolver: may block for seconds.
 * The first address that it names is taken. Port 0 is refused. */
const char *ps_address_resolve(const char *text, ps_addr *out);

/* True of 127.0.0.0/8 and ::1. */
bool ps_address_is_loopback(const ps_addr *addr);

#endif
