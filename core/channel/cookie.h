/* Cookies: proof that a client receives what is sent to its address. Made of the address and a
 * secret of the realm that changes every two minutes; nothing is remembered for them. A cookie is
 * good until the secret after its own is two minutes old. */
#ifndef PS_CHANNEL_COOKIE_H
#define PS_CHANNEL_COOKIE_H

#include "channel/hkdf.h"
#include "util/siphash.h"

#define PS_COOKIE_BYTES   16u
#define PS_COOKIE_EPOCH_S 120u

/* The secrets of two epochs, kept so that a cookie costs no SHA-256. Zero it to begin. */
typedef struct ps_cookie_keys {
    uint64_t epoch;
    bool set;
    ps_sipkey now[2], before[2]; /* Two halves of a cookie each. */
} ps_cookie_keys;

/* Brings the keys to this wall-clock second, which may lie before the last one. */
void ps_cookie_keys_update(const ps_crypto *c, ps_cookie_keys *k, const uint8_t realm_secret[32],
                           uint64_t wall_s);
void ps_cookie_make(const ps_cookie_keys *k, const ps_addr *addr, uint8_t out[PS_COOKIE_BYTES]);
/* In constant time. */
bool ps_cookie_good(const ps_cookie_keys *k, const ps_addr *addr,
                    const uint8_t cookie[PS_COOKIE_BYTES]);

#endif
