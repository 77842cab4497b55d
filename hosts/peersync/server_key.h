/* The key that the server is known by: what is remembered of it, and what becomes of a new one. */
#ifndef PEERSYNC_SERVER_KEY_H
#define PEERSYNC_SERVER_KEY_H

#include "common/address.h"
#include "common/exit_codes.h"
#include "peersync/base.h"

struct app;

struct server_key {
    char server[PS_ADDRESS_CANONICAL]; /* The name that it is remembered under. */
    bool known;                        /* `key` is the server's. */
    bool accepted;                     /* Trusted in this run. */
    uint8_t key[PS_KEY_BYTES];
};

/* Finds out whether the server is known; the state directory is open. What was accepted for another
 * user of this run is so for this one, too. @return PS_EXIT_DONE; else everything was said. */
ps_exit server_key_load(struct app *a);
/* Decides about a key of first contact, and remembers it. May ask the person, and waits for the
 * answer: nothing may be under way. @return PS_EXIT_DONE: trust it; else everything was said. */
ps_exit server_key_judge(struct app *a, const uint8_t key[PS_KEY_BYTES]);
/* Says that the server has another key than the known one, and what to check. */
void server_key_say_changed(struct app *a);

#endif
