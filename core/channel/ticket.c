#include "channel/ticket.h"

#include <string.h>

#include "channel/wipe.h"
#include "util/assert.h"
#include "util/bytes.h"

#define FORMAT 1u
/* What is sealed, without the user. */
#define FIXED_BYTES (1u + 8u + PS_DEVICE_BYTES + PS_CREDENTIAL_BYTES)
#define TEXT_MAX    (FIXED_BYTES + PS_USER_MAX)
#define AROUND      (PS_TICKET_SALT + PS_TAG_BYTES)

_Static_assert(TEXT_MAX + AROUND <= PS_TICKET_MAX, "the longest user's ticket fits");

static void derive(const ps_crypto *c, const uint8_t realm_secret[32], const uint8_t *salt,
                   uint8_t key[PS_HASH_BYTES])
{
    ps_derive(c, realm_secret, "ticket", (ps_span){salt, PS_TICKET_SALT}, key);
}

size_t ps_ticket_seal(const ps_crypto *c, const uint8_t realm_secret[32],
                      const uint8_t salt[PS_TICKET_SALT], const ps_ticket *t,
                      uint8_t out[PS_TICKET_MAX])
{
    PS_ASSERT(t->user_len <= PS_USER_MAX);
    uint8_t key[PS_HASH_BYTES];
    uint8_t *const text = out + PS_TICKET_SALT;
    ps_writer w = {.base = text, .cap = TEXT_MAX};
    memcpy(out, salt, PS_TICKET_SALT);
    ps_write8(&w, FORMAT);
    ps_write64(&w, t->expires_s);
    ps_write_bytes(&w, t->device, sizeof t->device);
    ps_write_bytes(&w, t->credential, sizeof t->credential);
    ps_write_bytes(&w, t->user, t->user_len);
    derive(c, realm_secret, out, key);
    c->seal(key, 0, NULL, 0, text, w.len, text + w.len);
    ps_wipe(key, sizeof key);
    return AROUND + w.len;
}

static bool decode(ps_span text, ps_ticket *t)
{
    ps_reader r = ps_reader_of(text);
    if (ps_read8(&r) != FORMAT) {
        return false;
    }
    memset(t, 0, sizeof *t);
    t->expires_s = ps_read64(&r);
    ps_read_copy(&r, t->device, sizeof t->device);
    ps_read_copy(&r, t->credential, sizeof t->credential);
    t->user_len = (uint8_t)r.left;
    ps_read_copy(&r, t->user, t->user_len);
    return true;
}

bool ps_ticket_open(const ps_crypto *c, const uint8_t realm_secret[32], ps_span sealed,
                    ps_ticket *t)
{
    if (sealed.len < AROUND + FIXED_BYTES || sealed.len > AROUND + TEXT_MAX) {
        return false;
    }
    uint8_t key[PS_HASH_BYTES];
    uint8_t text[TEXT_MAX];
    const size_t len = sealed.len - AROUND;
    const uint8_t *const from = sealed.data + PS_TICKET_SALT;
    memcpy(text, from, len);
    derive(c, realm_secret, sealed.data, key);
    const bool good =
        c->open(key, 0, NULL, 0, text, len, from + len) && decode((ps_span){text, len}, t);
    ps_wipe(key, sizeof key);
    ps_wipe(text, sizeof text);
    return good;
}
