#include "channel/seal.h"

#include "util/assert.h"
#include "wire/packet.h"

/* Where the header has the counter, which is the nonce. */
#define COUNTER_AT 9u
_Static_assert(COUNTER_AT + 8 == PS_PACKET_HEADER, "the counter ends the header");

size_t ps_packet_seal(const ps_crypto *c, const uint8_t key[32], uint8_t *packet, size_t len)
{
    PS_ASSERT(len >= PS_PACKET_HEADER);
    c->seal(key, ps_load64(packet + COUNTER_AT), NULL, 0, packet + PS_PACKET_HEADER,
            len - PS_PACKET_HEADER, packet + len);
    return len + PS_TAG_BYTES;
}

bool ps_packet_open(const ps_crypto *c, const uint8_t key[32], uint8_t *packet, size_t len,
                    ps_span *messages)
{
    if (len < PS_PACKET_HEADER + PS_TAG_BYTES) {
        return false;
    }
    uint8_t *const text = packet + PS_PACKET_HEADER;
    const size_t text_len = len - PS_PACKET_HEADER - PS_TAG_BYTES;
    if (!c->open(key, ps_load64(packet + COUNTER_AT), NULL, 0, text, text_len, text + text_len)) {
        return false;
    }
    *messages = (ps_span){text, text_len};
    return true;
}
