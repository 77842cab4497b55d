/* What every part of the peer puts into the output: datagrams, events, ids. */
#include "peer/peer_internal.h"

#include "channel/seal.h"

bool ps_peer_can_send(const ps_peer_turn *t)
{
    return t->sends_left > 0;
}

static ps_writer begin(ps_peer_turn *t, ps_peer_channel *channel)
{
    const ps_output *out = t->out;
    PS_ASSERT(out->datagrams_len < out->datagrams_cap);
    PS_ASSERT(out->bytes_cap - out->bytes_len >= t->p->datagram_max);
    ps_writer w = {.base = out->bytes + out->bytes_len, .cap = t->p->datagram_max};
    t->channel = channel;
    if (channel != NULL) {
        PS_ASSERT(channel->id != 0);
        w.cap -= PS_TAG_BYTES;
        ps_packet_encode(&w, channel->id, ++channel->tx_counter);
    }
    return w;
}

static ps_writer begin_counted(ps_peer_turn *t, ps_peer_channel *channel)
{
    PS_ASSERT(t->sends_left > 0);
    t->sends_left--;
    return begin(t, channel);
}

ps_writer ps_peer_packet_begin(ps_peer_turn *t)
{
    return begin_counted(t, &t->p->session);
}

ps_writer ps_peer_login_packet_begin(ps_peer_turn *t)
{
    return begin_counted(t, &t->p->attempt.channel);
}

ps_writer ps_peer_clear_packet_begin(ps_peer_turn *t)
{
    return begin_counted(t, NULL);
}

void ps_peer_packet_end(ps_peer_turn *t, const ps_writer *w)
{
    ps_output *out = t->out;
    size_t len = w->len;
    PS_ASSERT(!w->full);
    if (t->channel != NULL) {
        len = ps_packet_seal(t->p->crypto, t->channel->tx_key, w->base, len);
    }
    out->datagrams[out->datagrams_len++] = (ps_datagram){
        .to = t->p->account.server,
        .endpoint = t->p->account.endpoint,
        .offset = (uint32_t)out->bytes_len,
        .len = (uint32_t)len,
    };
    out->bytes_len += len;
    t->p->stats.datagrams_out++;
}

/* What we have sent is sealed with the key that its receiver has for it. */
size_t ps_peer_unseal(const ps_peer *p, uint8_t *packet, size_t len)
{
    const ps_peer_channel *const channels[] = {&p->session, &p->attempt.channel, &p->old};
    ps_packet header;
    ps_drop why;
    ps_span messages;
    if (!ps_packet_decode(packet, len, &header, &why) || header.type != PS_PACKET_DATA) {
        return 0;
    }
    for (size_t i = 0; i < sizeof channels / sizeof *channels; i++) {
        if (channels[i]->id != 0 && channels[i]->id == header.receiver_id) {
            const bool good =
                ps_packet_open(p->crypto, channels[i]->tx_key, packet, len, &messages);
            return good ? messages.len : 0;
        }
    }
    return 0;
}

void ps_peer_answers_flush(ps_peer_turn *t)
{
    ps_peer_channel *channel = t->answers_in_attempt ? &t->p->attempt.channel : &t->p->session;
    if (t->answers_len == 0 || channel->id == 0) {
        return;
    }
    ps_writer w = begin(t, channel);
    ps_write_bytes(&w, t->answers, t->answers_len);
    ps_peer_packet_end(t, &w);
    t->answers_len = 0;
}

ps_event *ps_peer_event(ps_peer_turn *t, ps_event_type type)
{
    ps_output *out = t->out;
    PS_ASSERT(out->events_len < out->events_cap);
    ps_event *e = &out->events[out->events_len++];
    memset(e, 0, sizeof *e);
    e->type = type;
    return e;
}

void ps_peer_done(ps_peer_turn *t, uint64_t tag, uint32_t error, uint32_t retry_ms)
{
    ps_event *e = ps_peer_event(t, PS_EVENT_DONE);
    e->u.done.tag = tag;
    e->u.done.error = error;
    e->u.done.retry_ms = retry_ms;
    if (error == PS_E_TIMEOUT) {
        t->p->stats.timeouts++;
    }
}

void ps_peer_drop(ps_peer *p, ps_drop why)
{
    p->stats.drops[why]++;
}

uint32_t ps_peer_new_id(ps_peer *p, uint32_t place)
{
    const uint32_t sequences = UINT32_C(1) << (32u - PS_ID_PLACE_BITS);
    p->request_sequence = (p->request_sequence + 1) % sequences;
    return (p->request_sequence << PS_ID_PLACE_BITS) | place;
}

uint64_t ps_peer_jitter_us(ps_peer *p, uint64_t interval_us)
{
    return ps_prng_below(&p->prng, interval_us / 8u + 1u);
}
