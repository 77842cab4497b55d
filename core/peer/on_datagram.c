/* A datagram's way in: packet, sender, keys, replay window, seal, then its messages. */
#include "peer/peer_internal.h"

#include "channel/seal.h"

/* Walks the messages' headers before anything is believed. */
static bool framing_ok(ps_peer *p, ps_span messages)
{
    ps_reader r = ps_reader_of(messages);
    ps_message m;
    size_t count = 0;
    while (ps_message_decode(&r, &m)) {
        count++;
    }
    PS_ASSERT(r.bad || count > 0); /* The packet had room for a message. */
    if (r.bad) {
        ps_peer_drop(p, PS_DROP_TRUNCATED);
        return false;
    }
    if (count > PS_PACKET_MESSAGES) {
        ps_peer_drop(p, PS_DROP_TRAILING);
        return false;
    }
    return true;
}

/* Whose keys a packet is sealed with, or NULL. */
static ps_peer_channel *channel_of(ps_peer *p, const ps_packet *packet)
{
    ps_peer_channel *const channels[] = {&p->session, &p->attempt.channel, &p->old};
    for (size_t i = 0; i < sizeof channels / sizeof *channels; i++) {
        if (channels[i]->id != 0 && channels[i]->client_id == packet->receiver_id) {
            return channels[i];
        }
    }
    return NULL;
}

/* Opens a packet that is new and of a channel that there is. */
static bool admit(ps_peer *p, const ps_input_datagram *in, const ps_packet *packet,
                  ps_span *messages)
{
    ps_peer_channel *c = channel_of(p, packet);
    if (c == NULL) {
        ps_peer_drop(p, PS_DROP_NO_SESSION);
        return false;
    }
    if (packet->counter == 0 || !ps_replay_is_new(&c->replay, packet->counter)) {
        ps_peer_drop(p, PS_DROP_REPLAY);
        return false;
    }
    if (!ps_packet_open(p->crypto, c->rx_key, in->data, in->len, messages)) {
        ps_peer_drop(p, PS_DROP_SEAL);
        return false;
    }
    if (!framing_ok(p, *messages)) {
        return false;
    }
    ps_replay_accept(&c->replay, packet->counter);
    return true;
}

static void in_session(ps_peer_turn *t, const ps_message *m)
{
    switch (m->type) {
    case PS_MSG_LOGIN_OK: /* The answer to a LOGIN that was sent twice. */
        ps_peer_drop(t->p, PS_DROP_STALE);
        break;
    case PS_MSG_HEARTBEAT_OK:
        ps_peer_on_heartbeat_ok(t, m);
        break;
    case PS_MSG_PUBLISHED:
        ps_peer_on_published(t, m);
        break;
    case PS_MSG_PEERS:
    case PS_MSG_FILES:
    case PS_MSG_SOURCES:
        ps_peer_on_page(t, m);
        break;
    case PS_MSG_LOGOUT_OK:
        ps_peer_on_logout_ok(t, m);
        break;
    case PS_MSG_CHALLENGE:
        ps_peer_on_challenge(t, m);
        break;
    case PS_MSG_DIGESTS_OK:
        ps_peer_on_digests_ok(t, m);
        break;
    case PS_MSG_NAMES:
        ps_peer_on_names(t, m);
        break;
    case PS_MSG_PUSH:
        ps_peer_on_push(t, m);
        break;
    case PS_MSG_ERROR:
        ps_peer_on_error(t, m);
        break;
    default: /* What only servers receive, and types of the future. */
        ps_peer_drop(t->p, PS_DROP_MISPLACED);
        break;
    }
}

/* With fresh keys the server answers under them from its LOGIN_OK on, which may have been lost:
 * what else comes there is the session's. */
static void in_attempt(ps_peer_turn *t, const ps_message *m)
{
    const ps_peer_attempt *a = &t->p->attempt;
    /* Before that nobody has said that this key is the server's. */
    if (a->phase != PS_ATTEMPT_LOGGING_IN) {
        ps_peer_drop(t->p, PS_DROP_MISPLACED);
    } else if (m->type == PS_MSG_LOGIN_OK) {
        ps_peer_on_login_ok(t, m);
    } else if (m->type == PS_MSG_ERROR && (m->request == a->id || !a->rekey)) {
        ps_peer_on_refusal(t, m);
    } else if (m->type == PS_MSG_CHALLENGE && !a->rekey) {
        /* We were let in, but LOGIN_OK was lost and our address has changed. */
        t->answers_in_attempt = true;
        ps_peer_on_challenge(t, m);
    } else if (a->rekey) {
        in_session(t, m);
    } else {
        ps_peer_drop(t->p, PS_DROP_MISPLACED);
    }
}

static void on_data(ps_peer_turn *t, const ps_input_datagram *in, const ps_packet *packet)
{
    ps_peer *p = t->p;
    const uint64_t id = packet->receiver_id;
    ps_span messages;
    ps_message m;
    if (!admit(p, in, packet, &messages)) {
        return;
    }
    ps_reader r = ps_reader_of(messages);
    while (ps_message_decode(&r, &m)) {
        if (p->session.client_id == id || p->old.client_id == id) {
            in_session(t, &m);
        } else if (p->attempt.channel.client_id == id) {
            in_attempt(t, &m);
        } else {
            return; /* A refusal ended it. */
        }
    }
}

void ps_peer_on_datagram(ps_peer_turn *t, const ps_input_datagram *in)
{
    ps_peer *p = t->p;
    ps_packet packet;
    ps_drop why;
    p->stats.datagrams_in++;
    if (!ps_packet_decode(in->data, in->len, &packet, &why)) {
        ps_peer_drop(p, why);
        return;
    }
    if (p->session.client_id == 0 && p->attempt.phase == PS_ATTEMPT_NONE) {
        ps_peer_drop(p, PS_DROP_NO_SESSION);
        return;
    }
    if (!ps_addr_equal(&in->from, &p->account.server)) {
        ps_peer_drop(p, PS_DROP_ADDRESS);
        return;
    }
    switch (packet.type) {
    case PS_PACKET_DATA:
        on_data(t, in, &packet);
        break;
    case PS_PACKET_RESPOND:
        ps_peer_on_respond(t, &packet);
        break;
    case PS_PACKET_RETRY:
        ps_peer_on_retry(t, &packet);
        break;
    case PS_PACKET_RESET:
        ps_peer_on_reset(t, &packet);
        break;
    case PS_PACKET_VERSIONS:
        ps_peer_on_versions(t, &packet);
        break;
    default: /* INITIATE is for servers. */
        ps_peer_drop(p, PS_DROP_MISPLACED);
        break;
    }
}
