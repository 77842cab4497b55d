#include "channel/noise.h"

#include <string.h>

#include "channel/wipe.h"

/* Exactly PS_HASH_BYTES long: it is the first hash as it stands (section 5.2). */
static const char protocol_name[] = "Noise_NX_25519_ChaChaPoly_SHA256";
_Static_assert(sizeof protocol_name - 1 == PS_HASH_BYTES, "the name is the first hash");

static void mix_hash(const ps_crypto *c, ps_noise *n, const uint8_t *data, size_t len)
{
    ps_hash(c, (ps_span){n->hash, PS_HASH_BYTES}, (ps_span){data, len}, n->hash);
}

/* MixKey(DH(secret, point)). False: the shared secret is all zero (RFC 7748, section 6.1). */
static bool mix_shared(const ps_crypto *c, ps_noise *n, const uint8_t secret[PS_KEY_BYTES],
                       const uint8_t point[PS_KEY_BYTES])
{
    static const uint8_t zero[PS_KEY_BYTES];
    uint8_t shared[PS_KEY_BYTES];
    c->x25519(shared, secret, point);
    const bool good = !ps_secret_equal(shared, zero, sizeof shared);
    if (good) {
        ps_hkdf(c, n->chaining, (ps_span){shared, sizeof shared}, n->chaining, n->key);
        n->nonce = 0;
        n->keyed = true;
    }
    ps_wipe(shared, sizeof shared);
    return good;
}

/* EncryptAndHash. @return what was written: the text, and its tag once there is a key. */
static size_t seal_and_hash(const ps_crypto *c, ps_noise *n, ps_span text, uint8_t *out)
{
    size_t len = text.len;
    if (len > 0) {
        memcpy(out, text.data, len);
    }
    if (n->keyed) {
        c->seal(n->key, n->nonce++, n->hash, PS_HASH_BYTES, out, len, out + len);
        len += PS_TAG_BYTES;
    }
    mix_hash(c, n, out, len);
    return len;
}

/* DecryptAndHash with a key, in place; `len` is without the tag. */
static bool open_and_hash(const ps_crypto *c, ps_noise *n, uint8_t *sealed, size_t len)
{
    uint8_t ad[PS_HASH_BYTES];
    memcpy(ad, n->hash, sizeof ad);
    mix_hash(c, n, sealed, len + PS_TAG_BYTES);
    return c->open(n->key, n->nonce++, ad, sizeof ad, sealed, len, sealed + len);
}

void ps_noise_begin(const ps_crypto *c, ps_noise *n, ps_span prologue)
{
    memset(n, 0, sizeof *n);
    memcpy(n->hash, protocol_name, PS_HASH_BYTES);
    memcpy(n->chaining, n->hash, PS_HASH_BYTES);
    mix_hash(c, n, prologue.data, prologue.len);
}

void ps_noise_write_first(const ps_crypto *c, ps_noise *n, const uint8_t ephemeral[PS_KEY_BYTES],
                          ps_span payload, uint8_t *out)
{
    memcpy(n->ephemeral, ephemeral, PS_KEY_BYTES);
    c->x25519_public(out, ephemeral);
    mix_hash(c, n, out, PS_KEY_BYTES);
    (void)seal_and_hash(c, n, payload, out + PS_KEY_BYTES);
}

bool ps_noise_read_first(const ps_crypto *c, ps_noise *n, ps_span message, ps_span *payload)
{
    if (message.len < PS_NOISE_FIRST_BYTES) {
        return false;
    }
    memcpy(n->remote, message.data, PS_KEY_BYTES);
    mix_hash(c, n, n->remote, PS_KEY_BYTES);
    *payload = (ps_span){message.data + PS_KEY_BYTES, message.len - PS_KEY_BYTES};
    mix_hash(c, n, payload->data, payload->len);
    return true;
}

bool ps_noise_write_second(const ps_crypto *c, ps_noise *n, const uint8_t ephemeral[PS_KEY_BYTES],
                           const uint8_t secret[PS_KEY_BYTES],
                           const uint8_t public_key[PS_KEY_BYTES], ps_span payload, uint8_t *out)
{
    uint8_t *const server = out + PS_KEY_BYTES;
    c->x25519_public(out, ephemeral);
    mix_hash(c, n, out, PS_KEY_BYTES);
    bool good = mix_shared(c, n, ephemeral, n->remote);
    if (good) {
        const size_t len = seal_and_hash(c, n, (ps_span){public_key, PS_KEY_BYTES}, server);
        good = mix_shared(c, n, secret, n->remote);
        if (good) {
            (void)seal_and_hash(c, n, payload, server + len);
        }
    }
    if (!good) {
        ps_wipe(n, sizeof *n);
    }
    return good;
}

/* The pattern of the second message, on a state that the caller can throw away. */
static bool read_second(const ps_crypto *c, ps_noise *n, uint8_t *message, size_t len)
{
    uint8_t *const server = message + PS_KEY_BYTES;
    uint8_t *const payload = server + PS_KEY_BYTES + PS_TAG_BYTES;
    memcpy(n->remote, message, PS_KEY_BYTES);
    mix_hash(c, n, n->remote, PS_KEY_BYTES);
    return mix_shared(c, n, n->ephemeral, n->remote) && open_and_hash(c, n, server, PS_KEY_BYTES) &&
           mix_shared(c, n, n->ephemeral, server) &&
           open_and_hash(c, n, payload, len - PS_NOISE_SECOND_BYTES);
}

bool ps_noise_read_second(const ps_crypto *c, ps_noise *n, uint8_t *message, size_t len,
                          uint8_t server_key[PS_KEY_BYTES], ps_span *payload)
{
    if (len < PS_NOISE_SECOND_BYTES) {
        return false;
    }
    ps_noise next = *n;
    const bool good = read_second(c, &next, message, len);
    if (good) {
        *n = next;
        memcpy(server_key, message + PS_KEY_BYTES, PS_KEY_BYTES);
        *payload = (ps_span){message + (PS_NOISE_SECOND_BYTES - PS_TAG_BYTES),
                             len - PS_NOISE_SECOND_BYTES};
    }
    ps_wipe(&next, sizeof next);
    return good;
}

void ps_noise_split(const ps_crypto *c, ps_noise *n, uint8_t from_client[32],
                    uint8_t from_server[32])
{
    ps_hkdf(c, n->chaining, (ps_span){NULL, 0}, from_client, from_server);
    ps_wipe(n->chaining, sizeof n->chaining);
    ps_wipe(n->key, sizeof n->key);
    ps_wipe(n->ephemeral, sizeof n->ephemeral);
    n->keyed = false;
}
