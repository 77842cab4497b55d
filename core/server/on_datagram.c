/* A datagram's way in: packet, session, address, replay window, then its messages. */
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
    if (r.bad || b->count == 0) {
        ps_server_drop(s, PS_DROP_TRUNCATED);
        return false;
    }
    if (trailing) {
        ps_server_drop(s, PS_DROP_TRAILING);
        return false;
    }
    return true;
}

/* The session that this packet belongs to, or PS_NIL when it is dropped. */
static uint32_t session_of(ps_server *s, const ps_input_datagram *in, const ps_packet *packet,
                           batch *b, ps_output *out)
{
    uint32_t i = ps_session_find(s, packet->receiver_id);
    if (i == PS_NIL || !ps_session_alive(s, i)) {
        ps_server_drop(s, PS_DROP_NO_SESSION);
        ps_reset(s, in, packet, out);
        return PS_NIL;
    }
    const ps_session *x = ps_session_at(s, i);
    if (!ps_addr_equal(&x->addr, &in->from)) {
        ps_server_drop(s, PS_DROP_ADDRESS);
        return PS_NIL;
    }
    if (!ps_replay_is_new(&x->replay, packet->counter)) {
        ps_server_drop(s, PS_DROP_REPLAY);
        return PS_NIL;
    }
    return frame(s, packet->messages, b) ? i : PS_NIL;
}

typedef enum verdict { GO_ON, MALFORMED, MISPLACED, LEFT } verdict;

static verdict dispatch(ps_reply *r, const ps_message *m, bool *changed)
{
    bool good = true;
    uint64_t nonce;
    switch (m->type) {
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
        if (ps_on_logout(r, m)) {
            return LEFT;
        }
        return MALFORMED;
    case PS_MSG_LOGIN:
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

void ps_on_datagram(ps_server *s, const ps_input_datagram *in, ps_output *out)
{
    ps_packet packet;
    ps_drop why;
    s->stats.datagrams_in++;
    if (!ps_packet_decode(in->data, in->len, &packet, &why)) {
        ps_server_drop(s, why);
        return;
    }
    if (packet.type != PS_PACKET_PLAIN) {
        ps_server_drop(s, PS_DROP_TYPE); /* Only servers say it. */
        return;
    }
    if (packet.receiver_id == 0) {
        ps_on_login(s, in, &packet, out);
        return;
    }
    batch b;
    uint32_t session = session_of(s, in, &packet, &b, out);
    if (session == PS_NIL) {
        return;
    }
    if (!PS_CANARY(REPLAYED_COUNTER)) {
        ps_replay_accept(&ps_session_at(s, session)->replay, packet.counter);
    }
    ps_timeout_touch(&s->liveness, ps_session_times(s), session, s->clock.now_us);
    if (ps_session_at(s, session)->probe != 0 && !PS_CANARY(DEAF_TAKEOVER)) {
        ps_takeover_end(s, session, out);
    }
    on_messages(s, session, &b, out);
}
