/* Whose tickets are good here: the keys that open them, and the clock that ends them. */
#ifndef PEERSYNC_DATA_ADMIT_H
#define PEERSYNC_DATA_ADMIT_H

#include "peersync/base.h"

struct data;

/* The server's clock now, in seconds since 1970; 0: not known. Any thread. */
uint64_t data_wall_s(const struct data *d);
/* A ps_tls_find of a loop, on its thread. */
bool admit_ticket(void *loop, ps_span ticket, uint8_t key[PS_KEY_BYTES]);

#endif
