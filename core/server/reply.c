/* Answers, encoded in place in the caller's slab. */
#include "server/server_internal.h"

ps_writer ps_datagram_begin(ps_output *out, size_t cap)
{
    PS_ASSERT(out->datagrams_len < out->datagrams_cap);
    PS_ASSERT(out->bytes_cap - out->bytes_len >= cap);
    return (ps_writer){.base = out->bytes + out->bytes_len, .cap = cap};
}

static ps_writer packet_begin(ps_output *out, size_t cap, uint64_t receiver_id, uint64_t counter)
{
    ps_writer w = ps_datagram_begin(out, cap);
    ps_packet_encode(&w, receiver_id, counter);
    return w;
}

/* The next packet of a session. */
static ps_writer session_packet(ps_output *out, ps_session *x)
{
    return packet_begin(out, x->datagram_max, x->client_id, ++x->tx_counter);
}

void ps_datagram_end(ps_server *s, ps_output *out, const ps_writer *w, const ps_addr *to,
                     uint32_t endpoint, uint64_t commit_seq)
{
    out->datagrams[out->datagrams_len++] = (ps_datagram){
        .to = *to,
        .endpoint = endpoint,
        .offset = (uint32_t)out->bytes_len,
        .len = (uint32_t)w->len,
        .commit_seq = commit_seq,
    };
    out->bytes_len += w->len;
    s->stats.datagrams_out++;
}

void ps_reply_flush(ps_reply *r)
{
    if (!r->open) {
        return;
    }
    r->open = false;
    const ps_session *x = ps_session_at(r->s, r->session);
    ps_datagram_end(r->s, r->out, &r->writer, &x->addr, x->endpoint, r->commit_seq);
    r->commit_seq = 0;
}

ps_writer *ps_reply_begin(ps_reply *r, bool fresh)
{
    if (fresh) {
        ps_reply_flush(r);
    }
    if (!r->open) {
        ps_session *x = ps_session_at(r->s, r->session);
        r->writer = session_packet(r->out, x);
        r->open = true;
    }
    return &r->writer;
}

void ps_reply_error(ps_reply *r, uint32_t request, ps_error code, uint32_t retry_ms)
{
    const ps_error_message m = {.code = (uint16_t)code, .retry_ms = retry_ms};
    if (!ps_error_encode(ps_reply_begin(r, false), request, &m)) {
        (void)ps_error_encode(ps_reply_begin(r, true), request, &m);
    }
}

void ps_refuse(ps_server *s, ps_output *out, const ps_addr *to, uint32_t endpoint,
               uint64_t client_id, uint32_t request, ps_error code, uint32_t retry_ms)
{
    const ps_error_message m = {.code = (uint16_t)code, .retry_ms = retry_ms};
    ps_writer w = packet_begin(out, PS_DATAGRAM_MIN, client_id, 0);
    (void)ps_error_encode(&w, request, &m);
    ps_datagram_end(s, out, &w, to, endpoint, 0);
    s->stats.logins_refused++;
}

void ps_welcome(ps_server *s, ps_output *out, uint32_t session, uint32_t request)
{
    ps_session *x = ps_session_at(s, session);
    /* What agrees counts as acknowledged, and records of this life may not be durable yet: a number
     * that agrees with nothing makes the peer ask for DIGESTS, whose answer waits for that. */
    const bool durable = ps_device_at(&s->directory, x->device)->commit_seq == 0;
    const ps_login_ok m = {
        .session_id = x->id,
        .heartbeat_ms = s->cfg.heartbeat_ms,
        .dead_ms = s->cfg.dead_ms,
        .resend_ms = s->cfg.resend_ms,
        .wall_s = ps_server_wall_s(s),
        .generation = x->generation,
        .digest = durable ? x->digest : ~x->digest,
        .life = s->life,
        .observed = x->addr,
    };
    ps_writer w = session_packet(out, x);
    (void)ps_login_ok_encode(&w, request, &m);
    ps_datagram_end(s, out, &w, &x->addr, x->endpoint, 0);
}

void ps_challenge(ps_server *s, ps_output *out, uint32_t session)
{
    ps_session *x = ps_session_at(s, session);
    ps_writer w = session_packet(out, x);
    (void)ps_challenge_encode(&w, PS_MSG_CHALLENGE, 0, ps_prng_u64(&s->prng));
    ps_datagram_end(s, out, &w, &x->addr, x->endpoint, 0);
}
