/* RESET: a hint to a client that its session is gone. Shorter than the packet that it answers, so
 * that nobody can aim more at an address than he sends himself. */
#include "server/server_internal.h"

void ps_reset(ps_server *s, const ps_input_datagram *in, const ps_packet *packet, ps_output *out)
{
    if (!ps_rate_take(&s->reset_rate, s->clock.now_us, s->cfg.resets_per_s, s->cfg.resets_per_s)) {
        return;
    }
    PS_ASSERT(in->len >= PS_PACKET_HEADER);
    ps_writer w = ps_datagram_begin(out, PS_PACKET_HEADER);
    ps_reset_encode(&w, packet->receiver_id, packet->counter);
    ps_datagram_end(s, out, &w, &in->from, in->endpoint, 0);
    s->stats.resets++;
}
