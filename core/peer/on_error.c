/* ERROR in a session: it ends what its request id names. */
#include "peer/peer_internal.h"

void ps_peer_on_error(ps_peer_turn *t, const ps_message *m)
{
    ps_peer *p = t->p;
    ps_error_message error;
    if (!ps_error_decode(m->body, &error)) {
        ps_peer_drop(p, PS_DROP_MALFORMED);
        return;
    }
    const uint32_t i = ps_peer_request_find(p, m->request);
    if (i != PS_NIL && error.code == PS_E_BUSY &&
        ps_time_add(p->clock.now_us, error.retry_ms * UINT64_C(1000)) <
            ps_peer_request_at(p, i)->deadline_us) {
        ps_peer_request_put_off(p, i, error.retry_ms);
    } else if (i != PS_NIL) {
        ps_peer_request_finish(t, i, error.code, error.retry_ms);
    } else if (p->flight.count > 0 && p->flight.id == m->request && p->flight.tries > 0) {
        ps_peer_on_changes_error(t, &error);
    } else if (p->state == PS_PEER_LEAVING && p->logout.id == m->request) {
        p->logout.answered = true;
    } else {
        ps_peer_drop(p, PS_DROP_STALE);
    }
}
