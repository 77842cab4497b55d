/* A user's second device: the one that is online is asked for a sign of life, several times within
 * a second. Silent, it is replaced; else the newcomer is refused. */
#include "server/server_internal.h"

static void refuse(ps_server *s, uint32_t pending, ps_error error, uint32_t retry_ms,
                   ps_output *out)
{
    const ps_pending p = *ps_pending_at(s, pending);
    if (!PS_CANARY(LEAKED_LOGIN)) {
        ps_pending_remove(s, pending);
    }
    ps_refuse(s, out, &p.addr, p.endpoint, p.client_id, p.request, error, retry_ms);
}

static void probe(ps_server *s, uint32_t pending, uint32_t session, ps_output *out)
{
    ps_pending *p = ps_pending_at(s, pending);
    p->probes++;
    s->stats.probes++;
    ps_timeout_start(&s->probing, ps_pending_times(s), pending, s->clock.now_us);
    ps_challenge(s, out, session);
}

void ps_takeover_begin(ps_server *s, uint32_t pending, uint32_t session, ps_output *out)
{
    ps_session *x = ps_session_at(s, session);
    if (x->probe != 0) {
        refuse(s, pending, PS_E_BUSY, s->cfg.takeover_ms, out);
        return;
    }
    ps_timeout_stop(&s->verification, ps_pending_times(s), pending);
    ps_pending_at(s, pending)->probed = x->id;
    x->probe = pending + 1;
    probe(s, pending, session, out);
}

void ps_takeover_end(ps_server *s, uint32_t session, ps_output *out)
{
    ps_session *x = ps_session_at(s, session);
    const uint32_t pending = x->probe - 1;
    x->probe = 0;
    refuse(s, pending, PS_E_ACTIVE, 0, out);
}

void ps_takeover_due(ps_server *s, uint32_t pending, ps_output *out)
{
    const ps_pending *p = ps_pending_at(s, pending);
    const uint32_t session = ps_session_find(s, p->probed);
    ps_timeout_stop(&s->probing, ps_pending_times(s), pending);
    if (session == PS_NIL || !ps_session_alive(s, session)) {
        ps_login_admit(s, pending, out); /* It has left, or died, meanwhile. */
    } else if (p->probes < PS_PROBES) {
        probe(s, pending, session, out);
    } else {
        ps_session_close(s, session, PS_CLOSE_TAKEN, out);
        s->stats.taken++;
        ps_login_admit(s, pending, out);
    }
}
