/* A session whose packets come from another address than before (a roaming laptop, a NAT that has
 * forgotten). Nothing goes there, and nobody is told of it, before that address has answered a
 * CHALLENGE that was sealed for the session and sent to it. The nonce is made of the address, so
 * the server keeps nothing meanwhile. */
#include "server/server_internal.h"

/* A nonce is good for this time and as much again. */
#define EPOCH_US        UINT64_C(10000000)
#define CHALLENGE_BYTES (PS_PACKET_HEADER + PS_MESSAGE_HEADER + 8u + PS_TAG_BYTES)

static uint64_t nonce_of(const ps_server *s, const ps_session *x, const ps_addr *addr,
                         uint64_t epoch)
{
    uint8_t bytes[8 + 8 + sizeof addr->ip + 3];
    ps_store64(bytes, x->id);
    ps_store64(bytes + 8, epoch);
    memcpy(bytes + 16, addr->ip, sizeof addr->ip);
    ps_store16(bytes + 32, addr->port);
    bytes[34] = addr->family;
    return ps_siphash(&s->move_key, bytes, sizeof bytes);
}

void ps_move_ask(ps_server *s, uint32_t session, const ps_input_datagram *in, ps_output *out)
{
    ps_session *x = ps_session_at(s, session);
    if (in->len < CHALLENGE_BYTES) {
        return; /* Never more bytes than came from there. The client sends longer packets soon. */
    }
    const uint64_t nonce = nonce_of(s, x, &in->from, s->clock.now_us / EPOCH_US);
    ps_writer w = ps_session_packet(out, x);
    (void)ps_challenge_encode(&w, PS_MSG_CHALLENGE, 0, nonce);
    ps_session_packet_end(s, out, &w, x, &in->from, in->endpoint);
}

bool ps_move_proves(const ps_server *s, const ps_session *x, const ps_addr *from, uint64_t nonce)
{
    const uint64_t epoch = s->clock.now_us / EPOCH_US;
    return nonce == nonce_of(s, x, from, epoch) ||
           (epoch > 0 && nonce == nonce_of(s, x, from, epoch - 1));
}
