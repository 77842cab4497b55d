#include "channel/file_ticket.h"

#include <string.h>

#include "channel/wipe.h"
#include "util/assert.h"
#include "util/bytes.h"
#include "util/canary.h"

#define FORMAT 1u
/* What is sealed, without the downloader's name. */
#define FIXED_BYTES (1u + 8u + 8u + PS_ROOT_BYTES + PS_KEY_BYTES + 1u)
#define TEXT_MAX    (FIXED_BYTES + PS_USER_MAX)
/* What stands before the sealed part. */
#define HEAD   (8u + PS_FILE_TICKET_SALT)
#define AROUND (HEAD + PS_TAG_BYTES)

_Static_assert(TEXT_MAX + AROUND == PS_FILE_TICKET_MAX, "the longest name's ticket just fits");

void ps_file_key_derive(const ps_crypto *c, const uint8_t realm_secret[32],
                        const uint8_t device[PS_DEVICE_BYTES], ps_span user, uint64_t epoch,
                        uint8_t key[PS_KEY_BYTES])
{
    PS_ASSERT(user.len <= PS_USER_MAX);
    uint8_t context[PS_DEVICE_BYTES + 8 + PS_USER_MAX];
    ps_writer w = {.base = context, .cap = sizeof context};
    ps_write_bytes(&w, device, PS_DEVICE_BYTES);
    ps_write64(&w, epoch);
    ps_write_bytes(&w, user.data, user.len); /* The only part whose length varies. */
    ps_derive(c, realm_secret, "uploads", (ps_span){context, w.len}, key);
}

static void derive(const ps_crypto *c, const uint8_t uploader[PS_KEY_BYTES], const uint8_t *salt,
                   uint8_t key[PS_HASH_BYTES])
{
    ps_derive(c, uploader, "file ticket", (ps_span){salt, PS_FILE_TICKET_SALT}, key);
}

size_t ps_file_ticket_seal(const ps_crypto *c, const uint8_t uploader[PS_KEY_BYTES], uint64_t epoch,
                           const uint8_t salt[PS_FILE_TICKET_SALT], const ps_file_ticket *t,
                           uint8_t out[PS_FILE_TICKET_MAX])
{
    PS_ASSERT(t->downloader.len <= PS_USER_MAX);
    uint8_t key[PS_HASH_BYTES];
    uint8_t *const text = out + HEAD;
    ps_writer w = {.base = text, .cap = TEXT_MAX};
    ps_store64(out, epoch);
    memcpy(out + 8, salt, PS_FILE_TICKET_SALT);
    ps_write8(&w, FORMAT);
    ps_write64(&w, t->expires_s);
    ps_write64(&w, t->content.length);
    ps_write_bytes(&w, t->content.root, sizeof t->content.root);
    ps_write_bytes(&w, t->key, sizeof t->key);
    ps_write8(&w, t->downloader.len);
    ps_write_bytes(&w, t->downloader.bytes, t->downloader.len);
    derive(c, uploader, out + 8, key);
    c->seal(key, 0, NULL, 0, text, w.len, text + w.len);
    ps_wipe(key, sizeof key);
    return AROUND + w.len;
}

/* The key of an epoch, or NULL when the uploader was not told of it. */
static const uint8_t *key_of(const ps_file_keys *keys, uint64_t epoch)
{
    const uint64_t at = epoch - keys->first_epoch;
    return epoch >= keys->first_epoch && at < keys->count && at < PS_FILE_EPOCHS ? keys->keys[at]
                                                                                 : NULL;
}

static bool decode(ps_span text, ps_file_ticket *t)
{
    ps_reader r = ps_reader_of(text);
    const uint8_t format = ps_read8(&r);
    t->expires_s = ps_read64(&r);
    t->content.length = ps_read64(&r);
    ps_read_copy(&r, t->content.root, sizeof t->content.root);
    ps_read_copy(&r, t->key, sizeof t->key);
    t->downloader.len = ps_read8(&r);
    PS_ASSERT(!r.bad); /* The ticket's length was checked. */
    if (format != FORMAT || t->downloader.len > PS_USER_MAX || t->downloader.len != r.left) {
        return false;
    }
    ps_read_copy(&r, t->downloader.bytes, t->downloader.len);
    return true;
}

bool ps_file_ticket_open(const ps_crypto *crypto, const ps_file_keys *keys, uint64_t wall_s,
                         ps_span sealed, ps_file_ticket *out)
{
    memset(out, 0, sizeof *out);
    if (wall_s == 0 || sealed.len < AROUND + FIXED_BYTES || sealed.len > AROUND + TEXT_MAX) {
        return false;
    }
    const uint8_t *const uploader = key_of(keys, ps_load64(sealed.data));
    if (!uploader) {
        return false;
    }
    uint8_t key[PS_HASH_BYTES];
    uint8_t text[TEXT_MAX];
    const size_t len = sealed.len - AROUND;
    const uint8_t *const from = sealed.data + HEAD;
    memcpy(text, from, len);
    derive(crypto, uploader, sealed.data + 8, key);
    const bool good = crypto->open(key, 0, NULL, 0, text, len, from + len) &&
                      decode((ps_span){text, len}, out) &&
                      (wall_s < out->expires_s || PS_CANARY(EXPIRED_FILE));
    ps_wipe(key, sizeof key);
    ps_wipe(text, sizeof text);
    if (!good) {
        ps_wipe(out, sizeof *out);
    }
    return good;
}

void ps_open_mac(const ps_crypto *c, const uint8_t key[PS_KEY_BYTES], const uint8_t binding[32],
                 ps_span ticket, uint8_t mac[PS_OPEN_MAC_BYTES])
{
    static const uint8_t label[] = {'p', 'e', 'e', 'r', 's', 'y', 'n',
                                    'c', ' ', 'o', 'p', 'e', 'n'};
    const ps_pieces text = {{{label, sizeof label}, {binding, 32}, ticket}};
    ps_hmac(c, (ps_span){key, PS_KEY_BYTES}, &text, mac);
}
