/* CHALLENGE and PUSH: what the server asks of us. Answers are gathered into one datagram. */
#include "peer/peer_internal.h"

static ps_writer answers(ps_peer_turn *t)
{
    return (ps_writer){.base = t->answers, .cap = sizeof t->answers, .len = t->answers_len};
}

void ps_peer_on_challenge(ps_peer_turn *t, const ps_message *m)
{
    uint64_t nonce;
    if (!ps_challenge_decode(m->body, &nonce)) {
        ps_peer_drop(t->p, PS_DROP_MALFORMED);
        return;
    }
    ps_writer w = answers(t);
    const bool fits = ps_challenge_encode(&w, PS_MSG_CHALLENGE_OK, m->request, nonce);
    PS_ASSERT(fits); /* There is room for an answer to each message of a packet. */
    (void)fits;
    t->answers_len = w.len;
}

void ps_peer_on_push(ps_peer_turn *t, const ps_message *m)
{
    ps_push push;
    if (!ps_push_decode(m->body, &push)) {
        ps_peer_drop(t->p, PS_DROP_MALFORMED);
        return;
    }
    ps_writer w = answers(t);
    const bool fits = ps_push_ok_encode(&w, m->request); /* Also of a kind that we do not know. */
    PS_ASSERT(fits);
    (void)fits;
    t->answers_len = w.len;
}
