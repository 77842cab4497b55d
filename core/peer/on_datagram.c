/* A datagram's way in: packet, sender, session or attempt, replay window, then its messages. */
#include "peer/peer_internal.h"

/* Walks the messages' headers before anything is believed. */
static bool framing_ok(ps_peer *p, ps_span messages)
{
    ps_reader r = ps_reader_of(messages);
    ps_message m;
    size_t count = 0;
    while (ps_message_decode(&r, &m)) {
        count++;
    }
    if (r.bad || count == 0) {
        ps_peer_drop(p, PS_DROP_TRUNCATED);
        return false;
    }
    if (count > PS_PACKET_MESSAGES) {
        ps_peer_drop(p, PS_DROP_TRAILING);
        return false;
    }
    return true;
}

/* Whether the packet belongs to the session, or to the login attempt, that there is. */
static bool admit(ps_peer *p, const ps_input_datagram *in, const ps_packet *packet)
{
    if (p->session.client_id == 0 && p->attempt.client_id == 0) {
        ps_peer_drop(p, PS_DROP_NO_SESSION);
        return false;
    }
    if (!ps_addr_equal(&in->from, &p->account.server)) {
        ps_peer_drop(p, PS_DROP_ADDRESS);
        return false;
    }
    if (packet->receiver_id == 0 || (packet->receiver_id != p->session.client_id &&
                                     packet->receiver_id != p->attempt.client_id)) {
        ps_peer_drop(p, PS_DROP_NO_SESSION);
        return false;
    }
    if (packet->receiver_id == p->attempt.client_id) {
        return framing_ok(p, packet->messages);
    }
    /* Counter 0 is for refusals without a session: one that comes late is no longer wanted. */
    if (packet->counter == 0 || !ps_replay_is_new(&p->session.replay, packet->counter)) {
        ps_peer_drop(p, PS_DROP_REPLAY);
        return false;
    }
    if (!framing_ok(p, packet->messages)) {
        return false;
    }
    ps_replay_accept(&p->session.replay, packet->counter);
    return true;
}

static void in_attempt(ps_peer_turn *t, const ps_message *m, uint64_t counter)
{
    if (m->type == PS_MSG_LOGIN_OK && counter != 0) {
        ps_peer_on_login_ok(t, m, counter);
    } else if (m->type == PS_MSG_ERROR) {
        ps_peer_on_refusal(t, m);
    } else {
        ps_peer_drop(t->p, PS_DROP_MISPLACED);
    }
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
    if (packet.type == PS_PACKET_RESET) {
        if (ps_addr_equal(&in->from, &p->account.server)) {
            ps_peer_on_reset(t, &packet);
        } else {
            ps_peer_drop(p, PS_DROP_ADDRESS);
        }
        return;
    }
    if (!admit(p, in, &packet)) {
        return;
    }
    ps_reader r = ps_reader_of(packet.messages);
    ps_message m;
    while (ps_message_decode(&r, &m)) {
        if (packet.receiver_id == p->session.client_id) {
            in_session(t, &m);
        } else if (packet.receiver_id == p->attempt.client_id) {
            in_attempt(t, &m, packet.counter);
        } else {
            return; /* A refusal ended it. */
        }
    }
}
