/* Answers, encoded in place in the caller's slab, and sealed there. */
#include "channel/seal.h"
#include "channel/ticket.h"
#include "server/server_internal.h"

ps_writer ps_datagram_begin(ps_output *out, size_t cap)
{
    PS_ASSERT(out->datagrams_len < out->datagrams_cap);
    PS_ASSERT(out->bytes_cap - out->bytes_len >= cap);
    return (ps_writer){.base = out->bytes + out->bytes_len, .cap = cap};
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

/* A packet under construction leaves room for its seal. */
static ps_writer packet_begin(ps_output *out, size_t cap, uint64_t receiver_id, uint64_t counter)
{
    ps_writer w = ps_datagram_begin(out, cap);
    w.cap -= PS_TAG_BYTES;
    ps_packet_encode(&w, receiver_id, counter);
    return w;
}

static void seal(const ps_server *s, const ps_channel *keys, ps_writer *w)
{
    w->cap += PS_TAG_BYTES;
    w->len = ps_packet_seal(s->cfg.crypto, keys->tx, w->base, w->len);
}

ps_writer ps_session_packet(ps_output *out, ps_session *x)
{
    return packet_begin(out, x->datagram_max, x->client_id, ++x->tx_counter);
}

void ps_session_packet_end(ps_server *s, ps_output *out, ps_writer *w, const ps_session *x,
                           const ps_addr *to, uint32_t endpoint)
{
    seal(s, &x->keys, w);
    ps_datagram_end(s, out, w, to, endpoint, 0);
}

void ps_reply_flush(ps_reply *r)
{
    if (!r->open) {
        return;
    }
    r->open = false;
    const ps_session *x = ps_session_at(r->s, r->session);
    seal(r->s, &x->keys, &r->writer);
    ps_datagram_end(r->s, r->out, &r->writer, &x->addr, x->endpoint, r->commit_seq);
    r->commit_seq = 0;
}

ps_writer *ps_reply_begin(ps_reply *r, bool fresh)
{
    if (fresh) {
        ps_reply_flush(r);
    }
    if (!r->open) {
        r->writer = ps_session_packet(r->out, ps_session_at(r->s, r->session));
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

void ps_refuse_again(ps_server *s, ps_output *out, uint32_t handshake)
{
    ps_handshake *h = ps_handshake_at(s, handshake);
    const ps_error_message m = {.code = h->error, .retry_ms = h->retry_ms};
    ps_writer w = packet_begin(out, PS_DATAGRAM_MIN, h->client_id, ++h->tx_counter);
    (void)ps_error_encode(&w, h->request, &m);
    seal(s, &h->keys, &w);
    ps_datagram_end(s, out, &w, &h->addr, h->endpoint, 0);
}

void ps_refuse(ps_server *s, ps_output *out, uint32_t handshake, ps_error code, uint32_t retry_ms)
{
    ps_handshake *h = ps_handshake_at(s, handshake);
    h->error = (uint16_t)code;
    h->retry_ms = retry_ms;
    ps_handshake_turn(s, handshake, PS_HANDSHAKE_REFUSED);
    s->stats.logins_refused++;
    ps_refuse_again(s, out, handshake);
}

/* A ticket for the device that has just logged in, while its handshake's record is there. */
static size_t ticket_for(ps_server *s, const ps_session *x, uint64_t wall_s,
                         uint8_t out[PS_TICKET_MAX], uint64_t *expires_s)
{
    const uint32_t i = ps_handshake_of(s, x);
    if (wall_s == 0 || i == PS_NIL) {
        return 0;
    }
    const ps_handshake *h = ps_handshake_at(s, i);
    uint8_t salt[32];
    ps_ticket t = {.expires_s = wall_s + s->cfg.ticket_s, .user_len = h->user_len};
    memcpy(t.device, h->device, sizeof t.device);
    memcpy(t.credential, h->credential, sizeof t.credential);
    memcpy(t.user, h->user, sizeof t.user);
    ps_secrets_draw(s->cfg.crypto, &s->secrets, salt);
    *expires_s = t.expires_s;
    const size_t len = ps_ticket_seal(s->cfg.crypto, s->cfg.realm_secret, salt, &t, out);
    ps_wipe(&t, sizeof t);
    return len;
}

void ps_welcome(ps_server *s, ps_output *out, uint32_t session, uint32_t request)
{
    ps_session *x = ps_session_at(s, session);
    uint8_t ticket[PS_TICKET_MAX];
    ps_file_keys keys;
    ps_server_file_keys(s, x, &keys);
    /* What agrees counts as acknowledged, and records of this life may not be durable yet: a number
     * that agrees with nothing makes the peer ask for DIGESTS, whose answer waits for that. */
    const bool durable = ps_device_at(&s->directory, x->device)->commit_seq == 0;
    ps_login_ok m = {
        .heartbeat_ms = s->cfg.heartbeat_ms,
        .dead_ms = s->cfg.dead_ms,
        .resend_ms = s->cfg.resend_ms,
        .wall_s = ps_server_wall_s(s),
        .generation = x->generation,
        .digest = durable ? x->digest : ~x->digest,
        .life = s->life,
        .observed = x->addr,
        .first_epoch = keys.first_epoch,
        .file_keys = {keys.keys[0], keys.count * sizeof *keys.keys},
    };
    m.ticket = (ps_span){ticket, ticket_for(s, x, m.wall_s, ticket, &m.expires_s)};
    ps_writer w = ps_session_packet(out, x);
    (void)ps_login_ok_encode(&w, request, &m);
    ps_wipe(&keys, sizeof keys);
    ps_session_packet_end(s, out, &w, x, &x->addr, x->endpoint);
}

void ps_challenge(ps_server *s, ps_output *out, uint32_t session)
{
    ps_session *x = ps_session_at(s, session);
    ps_writer w = ps_session_packet(out, x);
    (void)ps_challenge_encode(&w, PS_MSG_CHALLENGE, 0, ps_prng_u64(&s->prng));
    ps_session_packet_end(s, out, &w, x, &x->addr, x->endpoint);
}
