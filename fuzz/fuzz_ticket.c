/* Tickets and cookies under keys that the target knows. The input is opened as a ticket as it
 * stands, and once more as salt and text that are sealed with the right key first, so that what
 * lies behind the seal is reached. A ticket that opens is the one that its contents make; one bit
 * of it changed, it is none. As a cookie the input is good only when it is the one for its
 * address. */
#include "channel/cookie.h"
#include "channel/ticket.h"

#include <stdlib.h>
#include <string.h>

#include "peersync/crypto_sodium.h"

#define REQUIRE(condition) ((condition) ? (void)0 : __builtin_trap())

/* More than any ticket's text, so that those that are too long are tried too. */
#define TEXT_MAX 256u
#define FIXED    (1u + 8u + PS_DEVICE_BYTES + PS_CREDENTIAL_BYTES)

static const uint8_t realm[32] = {'f', 'u', 'z', 'z'};

/* Opens a block of exactly its size, and holds what comes out to what it was made of. */
static bool opens(const uint8_t *bytes, size_t len)
{
    const ps_crypto *c = ps_crypto_sodium();
    uint8_t *exact = malloc(len > 0 ? len : 1);
    uint8_t *again = malloc(PS_TICKET_MAX);
    REQUIRE(exact && again);
    if (len > 0) {
        memcpy(exact, bytes, len);
    }
    ps_ticket t;
    const bool good = ps_ticket_open(c, realm, (ps_span){exact, len}, &t);
    REQUIRE(len == 0 || memcmp(exact, bytes, len) == 0);
    if (good) {
        REQUIRE(t.user_len <= PS_USER_MAX);
        REQUIRE(ps_ticket_seal(c, realm, exact, &t, again) == len);
        REQUIRE(memcmp(again, bytes, len) == 0);
    }
    free(again);
    free(exact);
    return good;
}

/* Salt and text from the input; sealed by hand, not by what seals tickets. */
static void check_sealed(const uint8_t *data, size_t len)
{
    const ps_crypto *c = ps_crypto_sodium();
    uint8_t sealed[PS_TICKET_SALT + TEXT_MAX + PS_TAG_BYTES];
    uint8_t key[PS_HASH_BYTES];
    if (len < PS_TICKET_SALT || len - PS_TICKET_SALT > TEXT_MAX) {
        return;
    }
    uint8_t *const text = sealed + PS_TICKET_SALT;
    const size_t text_len = len - PS_TICKET_SALT;
    const bool good =
        text_len >= FIXED && text_len <= FIXED + PS_USER_MAX && data[PS_TICKET_SALT] == 1;
    memcpy(sealed, data, len);
    ps_derive(c, realm, "ticket", (ps_span){sealed, PS_TICKET_SALT}, key);
    c->seal(key, 0, NULL, 0, text, text_len, text + text_len);
    REQUIRE(opens(sealed, len + PS_TAG_BYTES) == good);
    /* A bit that the input chooses. */
    const size_t bit = (data[0] * 256u + data[1]) % (8u * (len + PS_TAG_BYTES));
    sealed[bit / 8] ^= (uint8_t)(1u << bit % 8);
    REQUIRE(!opens(sealed, len + PS_TAG_BYTES));
}

/* Wall clock before and now, an address, a cookie. */
static void check_cookie(const uint8_t *data, size_t len)
{
    const size_t need = 2 * sizeof(uint64_t) + 16 + 3 + PS_COOKIE_BYTES;
    const ps_crypto *c = ps_crypto_sodium();
    ps_cookie_keys keys = {0};
    ps_cookie_keys fresh = {0};
    ps_addr from = {0};
    uint64_t wall[2];
    uint8_t now[PS_COOKIE_BYTES];
    uint8_t before[PS_COOKIE_BYTES];
    if (len < need) {
        return;
    }
    memcpy(wall, data, sizeof wall);
    memcpy(from.ip, data + 16, sizeof from.ip);
    from.port = (uint16_t)(data[32] * 256u + data[33]);
    from.family = data[34];
    uint8_t *cookie = malloc(PS_COOKIE_BYTES);
    REQUIRE(cookie);
    memcpy(cookie, data + 35, PS_COOKIE_BYTES);
    ps_cookie_keys_update(c, &keys, realm, wall[0]);
    ps_cookie_make(&keys, &from, before);
    ps_cookie_keys_update(c, &keys, realm, wall[1]);
    ps_cookie_make(&keys, &from, now);
    const uint64_t old = wall[0] / PS_COOKIE_EPOCH_S;
    const uint64_t new = wall[1] / PS_COOKIE_EPOCH_S;
    REQUIRE(ps_cookie_good(&keys, &from, now));
    REQUIRE(ps_cookie_good(&keys, &from, before) == (new == old || new == old + 1));
    /* Which way the clock came does not matter. */
    ps_cookie_keys_update(c, &fresh, realm, wall[1]);
    REQUIRE(ps_cookie_good(&fresh, &from, cookie) == ps_cookie_good(&keys, &from, cookie));
    REQUIRE(memcmp(cookie, now, sizeof now) != 0 || ps_cookie_good(&keys, &from, cookie));
    from.port ^= 1u;
    REQUIRE(!ps_cookie_good(&keys, &from, now));
    free(cookie);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    (void)opens(data, len);
    check_sealed(data, len);
    check_cookie(data, len);
    return 0;
}
