#include "server/server_internal.h"

bool ps_on_heartbeat(ps_reply *r, const ps_message *m)
{
    ps_heartbeat heartbeat;
    if (!ps_heartbeat_decode(m->body, &heartbeat)) {
        return false;
    }
    const ps_session *x = ps_session_at(r->s, r->session);
    const bool comparable = heartbeat.generation == x->generation && heartbeat.generation != 0;
    r->s->stats.logs_differ += comparable && heartbeat.digest != x->digest ? 1u : 0u;
    const ps_heartbeat_ok ok = {
        .generation = x->generation,
        .digest = x->digest,
        .wall_s = ps_server_wall_s(r->s),
    };
    if (!ps_heartbeat_ok_encode(ps_reply_begin(r, false), m->request, &ok)) {
        (void)ps_heartbeat_ok_encode(ps_reply_begin(r, true), m->request, &ok);
    }
    return true;
}
