/* RESET: a hint to a client that its session is gone. As long as the header of the packet that it
 * answers, so that nobody can aim more at an address than he sends himself. */
#include "server/server_internal.h"

#define SECOND_US UINT64_C(1000000)

static bool allowed(ps_server *s)
{
    if (s->reset_us == 0 || s->clock.now_us - s->reset_us >= SECOND_US) {
        s->reset_us = s->clock.now_us;
        s->reset_left = s->cfg.resets_per_s;
    }
    if (s->reset_left == 0) {
        return false;
    }
    s->reset_left--;
    return true;
}

void ps_reset(ps_server *s, const ps_input_datagram *in, const ps_packet *packet, ps_output *out)
{
    if (!allowed(s)) {
        return;
    }
    PS_ASSERT(in->len >= PS_PACKET_HEADER);
    ps_writer w = ps_datagram_begin(out, PS_PACKET_HEADER);
    ps_reset_encode(&w, packet->receiver_id, packet->counter);
    ps_datagram_end(s, out, &w, &in->from, in->endpoint, 0);
    s->stats.resets++;
}
