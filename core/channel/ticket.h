/* Resumption tickets: what a server wants to know when a client comes back, sealed under a key of
 * the realm and kept by the client. Each has a key of its own, from its random salt.
 *
 *     salt 16 | sealed: format 1, expires u64, device 16, credential 16, user text | tag 16 */
#ifndef PS_CHANNEL_TICKET_H
#define PS_CHANNEL_TICKET_H

#include "channel/hkdf.h"

#define PS_TICKET_SALT 16u

typedef struct ps_ticket {
    uint64_t expires_s; /* Wall clock, seconds since 1970. */
    uint8_t device[PS_DEVICE_BYTES];
    uint8_t credential[PS_CREDENTIAL_BYTES];
    uint8_t user_len;
    uint8_t user[PS_USER_MAX];
} ps_ticket;

/* @return the ticket's length, at most PS_TICKET_MAX. `salt` is random. */
size_t ps_ticket_seal(const ps_crypto *c, const uint8_t realm_secret[32],
                      const uint8_t salt[PS_TICKET_SALT], const ps_ticket *t,
                      uint8_t out[PS_TICKET_MAX]);
/* False: not one of this realm. Says nothing about its expiry. The bytes are not changed. */
bool ps_ticket_open(const ps_crypto *c, const uint8_t realm_secret[32], ps_span sealed,
                    ps_ticket *t);

#endif
