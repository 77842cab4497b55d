/* A datagram's way in: packet, receiver, replay window, seal, address, then its messages. */
#include "channel/seal.h"
#include "server/server_internal.h"

/* The messages of a packet, framed as a whole before anything of them is believed. */
typedef struct batch {
    ps_message messages[PS_PACKET_MESSAGES];
    size_t count;
} batch;

static bool frame(ps_server *s, ps_span bytes, batch *b)
{
    ps_reader r = ps_reader_of(bytes);
    ps_message more;
    b->count = 0;
    while (r.left > 0 && b->count < PS_PACKET_MESSAGES &&
           ps_message_decode(&r, &b->messages[b->count])) {
        b->count++;
    }
    const bool trailing = r.left > 0 && !r.bad;
    while (r.left > 0 && ps_message_decode(&r, &more)) {
        /* Only to see whether the rest is framed at all. */
    }
    if (r.bad) {
        ps_server_drop(s, PS_DROP_TRUNCATED);
        return false;
    }
    if (trailing) {
        ps_server_drop(s, PS_DROP_TRAILING);
        return false;
    }
    PS_ASSERT(b->count > 0); /* The packet had room for a message. */
    return true;
}

/* Opens a packet under a channel's keys. False: it is dropped. (Every packet comes through here,
 * from one of two places; a call would cost 60 instructions.) */
static inline bool open(ps_server *s, const ps_input_datagram *in, const ps_packet *packet,
                        const ps_channel *keys, ps_replay *replay, ps_span *messages)
{
    if (!ps_replay_is_new(replay, packet->counter)) {
        ps_server_drop(s, PS_DROP_REPLAY);
        return false;
    }
    if (!ps_packet_open(s->cfg.crypto, keys->rx, in->data, in->len, messages)) {
        ps_server_drop(s, PS_DROP_SEAL);
        return false;
    }
    if (!PS_CANARY(REPLAYED_COUNTER)) {
        ps_replay_accept(replay, packet->counter);
    }
    return true;
}

typedef enum verdict { GO_ON, MALFORMED, MISPLACED, LEFT } verdict;

static verdict dispatch(ps_reply *r, const ps_message *m, bool *changed)
{
    bool good = true;
    uint64_t nonce;
    switch ((int)m->type) {
    case PS_MSG_HEARTBEAT:
        good = ps_on_heartbeat(r, m);
        break;
    case PS_MSG_PUBLISH:
    case PS_MSG_UNPUBLISH:
        if (*changed) { /* One a packet: that bounds the records of a step. */
            return MISPLACED;
        }
        *changed = true;
        good = ps_on_changes(r, m);
        break;
    case PS_MSG_LIST_PEERS:
        good = ps_on_list_peers(r, m);
        break;
    case PS_MSG_LIST_FILES:
    case PS_MSG_SEARCH:
        good = ps_on_list_files(r, m);
        break;
    case PS_MSG_LOCATE:
        good = ps_on_locate(r, m);
        break;
    case PS_MSG_DIGESTS: /* One a packet, too: it may sum up a log. */
        if (*changed) {
            return MISPLACED;
        }
        *changed = true;
        good = ps_on_digests(r, m);
        break;
    case PS_MSG_LIST_NAMES:
        good = ps_on_list_names(r, m);
        break;
    case PS_MSG_CHALLENGE_OK: /* That it came is what counts. */
        good = ps_challenge_decode(m->body, &nonce);
        break;
    case PS_MSG_LOGOUT:
        return ps_on_logout(r, m) ? LEFT : MALFORMED;
    case PS_MSG_LOGIN:  /* Sent again: its answer was lost. */
        if (*changed) { /* One a packet. */
            return MISPLACED;
        }
        *changed = true;
        ps_reply_flush(r);
        ps_welcome(r->s, r->out, r->session, m->request);
        break;
    case PS_MSG_LOGIN_OK:
    case PS_MSG_HEARTBEAT_OK:
    case PS_MSG_PUBLISHED:
    case PS_MSG_PEERS:
    case PS_MSG_FILES:
    case PS_MSG_SOURCES:
    case PS_MSG_LOGOUT_OK:
    case PS_MSG_CHALLENGE:
    case PS_MSG_PUSH:
    case PS_MSG_PUSH_OK:
    case PS_MSG_ERROR:
    case PS_MSG_DIGESTS_OK:
    case PS_MSG_NAMES:
        return MISPLACED;
    default:
        ps_reply_error(r, m->request, PS_E_UNSUPPORTED, 0);
        break;
    }
    return good ? GO_ON : MALFORMED;
}

static void on_messages(ps_server *s, uint32_t session, const batch *b, ps_output *out)
{
    ps_reply reply = {.s = s, .out = out, .session = session};
    verdict v = GO_ON;
    bool changed = false;
    for (size_t i = 0; v == GO_ON && i < b->count; i++) {
        s->stats.messages_in++;
        v = dispatch(&reply, &b->messages[i], &changed);
    }
    ps_reply_flush(&reply);
    if (v == MALFORMED) {
        ps_server_drop(s, PS_DROP_MALFORMED);
    } else if (v == MISPLACED) {
        ps_server_drop(s, PS_DROP_MISPLACED);
    } else if (v == LEFT) {
        ps_session_close(s, session, PS_CLOSE_LOGOUT, out);
    }
}

/* Does this packet, from an address that is not the session's, prove that address? */
static bool proves_address(const ps_server *s, uint32_t session, const ps_addr *from,
                           const batch *b)
{
    bool proves = false;
    for (size_t i = 0; i < b->count; i++) {
        uint64_t nonce;
        if (b->messages[i].type == PS_MSG_CHALLENGE_OK &&
            ps_challenge_decode(b->messages[i].body, &nonce)) {
            proves = proves || ps_move_proves(s, ps_session_at(s, session), from, nonce);
        }
    }
    return proves;
}

/* The messages of an authentic packet, for this session. `newest`: no later one was taken before.
 */
static void in_session(ps_server *s, const ps_input_datagram *in, uint32_t session,
                       ps_span messages, bool newest, ps_output *out)
{
    batch b;
    ps_session *x = ps_session_at(s, session);
    ps_timeout_touch(&s->liveness, ps_session_times(s), session, s->clock.now_us);
    if (x->probe != 0 && !PS_CANARY(DEAF_TAKEOVER)) {
        ps_takeover_end(s, session, out);
    }
    if (!frame(s, messages, &b)) {
        return;
    }
    if (!ps_addr_equal(&x->addr, &in->from)) {
        const bool proven = newest && proves_address(s, session, &in->from, &b);
        if (!proven && !PS_CANARY(BLIND_MOVE)) {
            ps_server_drop(s, PS_DROP_ADDRESS);
            if (newest) {
                ps_move_ask(s, session, in, out);
            }
            return;
        }
        x->addr = in->from;
        x->endpoint = in->endpoint;
        s->stats.moves++;
    }
    on_messages(s, session, &b, out);
}

/* What came under replaced keys asks for something that is over. A device's log is its newest
 * login's alone: changes that another life of the peer has sent, and that were held back, may be
 * what their user has withdrawn since; from the same life, they are sent again. A LOGOUT ends
 * nothing when its client has gone on under the new keys. */
static bool is_over(ps_span messages, bool gone_on)
{
    ps_reader r = ps_reader_of(messages);
    ps_message m;
    bool found = false;
    while (ps_message_decode(&r, &m)) {
        const bool changes = m.type == PS_MSG_PUBLISH || m.type == PS_MSG_UNPUBLISH;
        found = found || (changes && !PS_CANARY(EARLIER_LIFE));
        found = found || (m.type == PS_MSG_LOGOUT && gone_on);
    }
    return found;
}

static void to_session(ps_server *s, const ps_input_datagram *in, const ps_packet *packet,
                       uint32_t session, ps_output *out)
{
    ps_span messages;
    ps_session *x = ps_session_at(s, session);
    const bool newest = packet->counter >= x->replay.next;
    if (open(s, in, packet, &x->keys, &x->replay, &messages)) {
        in_session(s, in, session, messages, newest, out);
    }
}

static void to_handshake(ps_server *s, const ps_input_datagram *in, const ps_packet *packet,
                         uint32_t i, ps_output *out)
{
    batch b;
    ps_span messages;
    ps_handshake *h = ps_handshake_at(s, i);
    const uint64_t successor = h->session;
    const uint64_t begins = h->begins;
    if (h->state != PS_HANDSHAKE_REPLACED && !ps_addr_equal(&h->addr, &in->from)) {
        ps_server_drop(s, PS_DROP_ADDRESS);
    } else if (!open(s, in, packet, &h->keys, &h->replay, &messages)) {
        return;
    } else if (h->state == PS_HANDSHAKE_REPLACED) {
        const uint32_t session = ps_session_find(s, successor);
        if (session == PS_NIL || !ps_session_alive(s, session)) {
            ps_server_drop(s, PS_DROP_NO_SESSION);
        } else if (is_over(messages, ps_session_at(s, session)->replay.next > begins)) {
            ps_server_drop(s, PS_DROP_MISPLACED);
        } else {
            in_session(s, in, session, messages, false, out);
        }
    } else if (frame(s, messages, &b)) {
        if (b.count == 1) {
            ps_on_login(s, i, &b.messages[0], out);
        } else {
            ps_server_drop(s, PS_DROP_MISPLACED);
        }
    }
}

static void on_data(ps_server *s, const ps_input_datagram *in, const ps_packet *packet,
                    ps_output *out)
{
    const uint32_t slot = ps_receiver_find(s, packet->receiver_id);
    if (slot != PS_NIL && slot >= s->cfg.max_sessions) {
        to_handshake(s, in, packet, slot - s->cfg.max_sessions, out);
    } else if (slot != PS_NIL && ps_session_alive(s, slot)) {
        to_session(s, in, packet, slot, out);
    } else {
        ps_server_drop(s, PS_DROP_NO_SESSION);
        ps_reset(s, in, packet, out);
    }
}

void ps_on_datagram(ps_server *s, const ps_input_datagram *in, ps_output *out)
{
    ps_packet packet;
    ps_drop why;
    s->stats.datagrams_in++;
    if (!ps_packet_decode(in->data, in->len, &packet, &why)) {
        ps_server_drop(s, why);
    } else if (packet.type == PS_PACKET_DATA) {
        on_data(s, in, &packet, out);
    } else if (packet.type == PS_PACKET_INITIATE) {
        ps_on_initiate(s, in, &packet, out);
    } else {
        ps_server_drop(s, PS_DROP_TYPE); /* Only servers say it. */
    }
}
