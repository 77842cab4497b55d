#include "peersyncd/store_format.h"

#include <string.h>

#define CHECK_BYTES    8u
#define FLAG_PUBLISHED 1u

static const uint8_t magic[8] = {'P', 'E', 'E', 'R', 'S', 'Y', 'N', 'C'};
static const uint8_t kind[4] = {'P', 'U', 'B', 'S'};

/* Writes the low `bytes` bytes of the value; returns the place behind them. */
static uint8_t *put(uint8_t *at, uint64_t value, unsigned bytes)
{
    for (unsigned i = 0; i < bytes; i++) {
        at[i] = (uint8_t)(value >> (8 * (bytes - 1 - i)));
    }
    return at + bytes;
}

static uint8_t *put_bytes(uint8_t *at, const void *from, size_t len)
{
    memcpy(at, from, len);
    return at + len;
}

static uint64_t get(const uint8_t *at, unsigned bytes)
{
    uint64_t value = 0;
    for (unsigned i = 0; i < bytes; i++) {
        value = value * 256u + at[i];
    }
    return value;
}

void ps_store_header_write(uint8_t out[PS_STORE_HEADER])
{
    uint8_t *at = put_bytes(out, magic, sizeof magic);
    at = put(at, PS_STORE_VERSION, 4);
    put_bytes(at, kind, sizeof kind);
}

ps_store_kind ps_store_header_read(ps_span head)
{
    uint8_t own[PS_STORE_HEADER];
    ps_store_header_write(own);
    if (head.len < PS_STORE_HEADER) {
        return head.len == 0 || memcmp(head.data, own, head.len) == 0 ? PS_STORE_CUT
                                                                      : PS_STORE_FOREIGN;
    }
    if (memcmp(head.data, magic, sizeof magic) != 0 ||
        memcmp(head.data + 12, kind, sizeof kind) != 0) {
        return PS_STORE_FOREIGN;
    }
    const uint64_t version = get(head.data + 8, 4);
    if (version == PS_STORE_VERSION) {
        return PS_STORE_OURS;
    }
    return version > PS_STORE_VERSION ? PS_STORE_NEWER : PS_STORE_FOREIGN;
}

static void check_of(const ps_crypto *crypto, const uint8_t *record, size_t body,
                     uint8_t digest[32])
{
    ps_sha256 state;
    crypto->sha256_init(&state);
    crypto->sha256_update(&state, record, 4);
    crypto->sha256_update(&state, record + PS_STORE_PREFIX, body);
    crypto->sha256_final(&state, digest);
}

size_t ps_store_record_write(const ps_crypto *crypto, const ps_input_restore *record,
                             uint8_t out[PS_STORE_RECORD_MAX])
{
    uint8_t digest[32];
    const size_t body = PS_STORE_BODY_FIXED + record->user.len + record->name.len;
    put(out, body, 4);
    uint8_t *at = put(out + PS_STORE_PREFIX, record->generation, 8);
    at = put_bytes(at, record->device, PS_DEVICE_BYTES);
    at = put(at, record->published ? FLAG_PUBLISHED : 0, 1);
    at = put(at, record->content.length, 8);
    at = put_bytes(at, record->content.root, PS_ROOT_BYTES);
    at = put(at, record->user.len, 1);
    at = put(at, record->name.len, 1);
    at = put_bytes(at, record->user.data, record->user.len);
    put_bytes(at, record->name.data, record->name.len);
    check_of(crypto, out, body, digest);
    put_bytes(out + 4, digest, CHECK_BYTES);
    return PS_STORE_PREFIX + body;
}

size_t ps_store_record_read(const ps_crypto *crypto, ps_span bytes, ps_input_restore *out)
{
    if (bytes.len < PS_STORE_PREFIX + PS_STORE_BODY_FIXED) {
        return 0;
    }
    const uint64_t body = get(bytes.data, 4);
    const uint8_t *at = bytes.data + PS_STORE_PREFIX;
    if (body < PS_STORE_BODY_FIXED || body > PS_STORE_RECORD_MAX - PS_STORE_PREFIX ||
        body > bytes.len - PS_STORE_PREFIX) {
        return 0;
    }
    const size_t user = at[65];
    const size_t name = at[66];
    uint8_t digest[32];
    check_of(crypto, bytes.data, (size_t)body, digest);
    if (memcmp(digest, bytes.data + 4, CHECK_BYTES) != 0 || user == 0 || user > PS_USER_MAX ||
        name == 0 || PS_STORE_BODY_FIXED + user + name != body) {
        return 0;
    }
    *out = (ps_input_restore){.generation = get(at, 8),
                              .user = {at + PS_STORE_BODY_FIXED, user},
                              .name = {at + PS_STORE_BODY_FIXED + user, name},
                              .content.length = get(at + 25, 8),
                              .published = (at[24] & FLAG_PUBLISHED) != 0};
    memcpy(out->device, at + 8, PS_DEVICE_BYTES);
    memcpy(out->content.root, at + 33, PS_ROOT_BYTES);
    return PS_STORE_PREFIX + (size_t)body;
}
