/* A user's second device: the one that is online is asked for a sign of life, several times within
 * a second. Silent, it is replaced; else the newcomer is refused. */
#include "server/server_internal.h"

static void probe(ps_server *s, uint32_t handshake, uint32_t session, ps_output *out)
{
    ps_handshake *h = ps_handshake_at(s, handshake);
    h->probed = ps_session_at(s, session)->id;
    h->probes++;
    s->stats.probes++;
    ps_handshake_turn(s, handshake, PS_HANDSHAKE_PROBING);
    ps_challenge(s, out, session);
}

void ps_takeover_begin(ps_server *s, uint32_t handshake, uint32_t session, ps_output *out)
{
    ps_session *x = ps_session_at(s, session);
    if (x->probe != 0) {
        ps_refuse(s, out, handshake, PS_E_BUSY, s->cfg.takeover_ms);
        return;
    }
    x->probe = handshake + 1;
    probe(s, handshake, session, out);
}

void ps_takeover_end(ps_server *s, uint32_t session, ps_output *out)
{
    ps_session *x = ps_session_at(s, session);
    const uint32_t handshake = x->probe - 1;
    x->probe = 0;
    ps_refuse(s, out, handshake, PS_E_ACTIVE, 0);
}

void ps_takeover_due(ps_server *s, uint32_t handshake, ps_output *out)
{
    const ps_handshake *h = ps_handshake_at(s, handshake);
    const uint32_t session = ps_session_find(s, h->probed);
    if (session == PS_NIL || !ps_session_alive(s, session)) {
        ps_login_admit(s, handshake, out); /* It has left, or died, meanwhile. */
    } else if (h->probes < PS_PROBES) {
        probe(s, handshake, session, out);
    } else {
        ps_session_close(s, session, PS_CLOSE_TAKEN, out);
        s->stats.taken++;
        ps_login_admit(s, handshake, out);
    }
}
