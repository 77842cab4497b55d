/* How the adapter tells why. */
#ifndef PS_POSIX_ERROR_H
#define PS_POSIX_ERROR_H

#include "peersync/posix.h"

/* Fills `why` (NULL is allowed) with "what: the system's words"; number 0: `what` says it all.
 * @return PS_FAILED, so that a caller can return it. */
ps_status ps_posix_fail(ps_posix_error *why, int number, const char *what);
/* The same with an address: "bind 127.0.0.1:5000: ...". */
ps_status ps_posix_fail_at(ps_posix_error *why, int number, const char *what, const ps_addr *at);

#endif
