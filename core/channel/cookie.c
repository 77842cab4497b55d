#include "channel/cookie.h"

#include <string.h>

#include "channel/wipe.h"
#include "util/assert.h"
#include "util/bytes.h"

static void derive(const ps_crypto *c, const uint8_t realm_secret[32], uint64_t epoch,
                   ps_sipkey keys[2])
{
    uint8_t number[8];
    uint8_t bytes[PS_HASH_BYTES];
    ps_store64(number, epoch);
    ps_derive(c, realm_secret, "cookie", (ps_span){number, sizeof number}, bytes);
    for (size_t i = 0; i < 2; i++) {
        keys[i].k0 = ps_load64(bytes + 16 * i);
        keys[i].k1 = ps_load64(bytes + 16 * i + 8);
    }
    ps_wipe(bytes, sizeof bytes);
}

void ps_cookie_keys_update(const ps_crypto *c, ps_cookie_keys *k, const uint8_t realm_secret[32],
                           uint64_t wall_s)
{
    const uint64_t epoch = wall_s / PS_COOKIE_EPOCH_S;
    if (k->set && epoch == k->epoch) {
        return;
    }
    if (k->set && epoch == k->epoch + 1) {
        memcpy(k->before, k->now, sizeof k->before);
    } else {
        /* In the first epoch this wraps to a number that no clock reaches. */
        derive(c, realm_secret, epoch - 1, k->before);
    }
    derive(c, realm_secret, epoch, k->now);
    k->epoch = epoch;
    k->set = true;
}

static void make(const ps_sipkey keys[2], const ps_addr *addr, uint8_t out[PS_COOKIE_BYTES])
{
    uint8_t text[sizeof addr->ip + 3];
    memcpy(text, addr->ip, sizeof addr->ip);
    ps_store16(text + sizeof addr->ip, addr->port);
    text[sizeof text - 1] = addr->family;
    ps_store64(out, ps_siphash(&keys[0], text, sizeof text));
    ps_store64(out + 8, ps_siphash(&keys[1], text, sizeof text));
}

void ps_cookie_make(const ps_cookie_keys *k, const ps_addr *addr, uint8_t out[PS_COOKIE_BYTES])
{
    PS_ASSERT(k->set);
    make(k->now, addr, out);
}

bool ps_cookie_good(const ps_cookie_keys *k, const ps_addr *addr,
                    const uint8_t cookie[PS_COOKIE_BYTES])
{
    PS_ASSERT(k->set);
    uint8_t now[PS_COOKIE_BYTES];
    uint8_t before[PS_COOKIE_BYTES];
    make(k->now, addr, now);
    make(k->before, addr, before);
    /* Both, always: time must not tell which of them it was. */
    const unsigned good = (unsigned)ps_secret_equal(cookie, now, sizeof now) |
                          (unsigned)ps_secret_equal(cookie, before, sizeof before);
    ps_wipe(now, sizeof now);
    ps_wipe(before, sizeof before);
    return good != 0;
}
