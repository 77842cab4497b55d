/* For tools that explain what a server has sent: finds the channel of a datagram by its client. */
#include "channel/seal.h"
#include "server/server_internal.h"

static size_t opened(const ps_server *s, const ps_channel *keys, uint8_t *packet, size_t len)
{
    ps_span messages;
    uint8_t copy[PS_DATAGRAM_MAX];
    memcpy(copy, packet, len);
    if (!ps_packet_open(s->cfg.crypto, keys->tx, copy, len, &messages)) {
        return 0;
    }
    memcpy(packet + PS_PACKET_HEADER, messages.data, messages.len);
    ps_wipe(copy, len);
    return messages.len;
}

size_t ps_server_unseal(const ps_server *s, uint8_t *packet, size_t len)
{
    ps_packet p;
    ps_drop why;
    if (!ps_packet_decode(packet, len, &p, &why) || p.type != PS_PACKET_DATA) {
        return 0;
    }
    size_t messages = 0;
    for (uint32_t i = 0; messages == 0 && i < s->sessions.fresh; i++) {
        const ps_session *x = ps_session_at(s, i);
        if (x->user != PS_NIL && x->client_id == p.receiver_id) {
            messages = opened(s, &x->keys, packet, len);
        }
    }
    for (uint32_t i = 0; messages == 0 && i < s->handshakes.fresh; i++) {
        const ps_handshake *h = ps_handshake_at(s, i);
        if (h->state != PS_HANDSHAKE_FREE && h->client_id == p.receiver_id) {
            messages = opened(s, &h->keys, packet, len);
        }
    }
    return messages;
}
