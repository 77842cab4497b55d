/* Whether a server's key is to be trusted: the decision alone, without a question or a file. */
#ifndef PEERSYNC_TRUST_H
#define PEERSYNC_TRUST_H

#include "peersync/base.h"

/* What the decision rests on. */
struct trust_facts {
    bool loopback;     /* trust_is_loopback() */
    bool person;       /* Somebody at a terminal can be asked. */
    bool accept_new;   /* --accept-new-key */
    const char *named; /* --server-key FINGERPRINT, or NULL. */
};

enum trust_action {
    TRUST_SILENTLY,  /* It is the key that was named: remember it. */
    TRUST_AND_SAY,   /* Remember it, with a notice that shows its fingerprint. */
    TRUST_IF_PERSON, /* Ask; only after the full word yes as TRUST_SILENTLY. */
    TRUST_NOT_NEW,   /* A script that nobody told to accept keys. */
    TRUST_NOT_NAMED  /* Another key than the one that was named. */
};

/* Whether the server is on this machine for certain: a loopback address as a number or localhost.
 * Any other name leads where the resolver says, now here and then elsewhere.
 * `server`: as ps_address_canonical() writes it; `addr`: what it was resolved to. */
bool trust_is_loopback(const char *server, const ps_addr *addr);
/* Whether the machine is to be given a remembered key, so that the server is refused with any
 * other. Not where another one was named: that one counts, whatever was remembered. */
bool trust_remembered(const struct trust_facts *facts, const uint8_t key[PS_KEY_BYTES]);
/* What to do about a key that the machine was not given. */
enum trust_action trust_decide(const struct trust_facts *facts, const uint8_t key[PS_KEY_BYTES]);

#endif
