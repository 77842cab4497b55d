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

/* Room for any address in its one form, the NUL included. */
#define PS_ADDRESS_CANONICAL 272u
/* What ps_address_resolve() took, in one form for all ways of writing it: "127.0.0.1:5000",
 * "[::1]:5000", "host.example:5000" (lower case; not resolved). */
void ps_address_canonical(const char *text, char out[PS_ADDRESS_CANONICAL]);

/* True of 127.0.0.0/8 and ::1. */
bool ps_address_is_loopback(const ps_addr *addr);

#endif
