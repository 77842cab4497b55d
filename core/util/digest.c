#include "util/digest.h"

#include "util/bytes.h"

/* SipHash's key words are little-endian halves of 16 bytes. */
static uint64_t half(const uint8_t *p)
{
    uint64_t word = 0;
    for (size_t i = 8; i > 0; i--) {
        word = word << 8 | p[i - 1];
    }
    return word;
}

ps_sipkey ps_digest_key(const uint8_t device[PS_DEVICE_BYTES])
{
    return (ps_sipkey){.k0 = half(device), .k1 = half(device + 8)};
}

uint8_t ps_digest_bucket(const ps_sipkey *key, ps_span name)
{
    return (uint8_t)ps_siphash(key, name.data, name.len);
}

ps_mark ps_digest_mark(const ps_sipkey *key, ps_span name, const ps_content *content)
{
    uint8_t block[8 + 8 + PS_ROOT_BYTES];
    const uint64_t place = ps_siphash(key, name.data, name.len);
    ps_store64(block, place);
    ps_store64(block + 8, content->length);
    memcpy(block + 16, content->root, PS_ROOT_BYTES);
    return (ps_mark){.bucket = (uint8_t)place, .mark = ps_siphash(key, block, sizeof block)};
}
