#include "server/server_internal.h"

bool ps_on_heartbeat(ps_reply *r, const ps_message *m)
{
    ps_heartbeat heartbeat;
    if (!ps_heartbeat_decode(m->body, &heartbeat)) {
        return false;
    }
    const ps_heartbeat_ok ok = {
        .generation = ps_session_at(r->s, r->session)->generation,
        .wall_s = ps_server_wall_s(r->s),
    };
    if (!ps_heartbeat_ok_encode(ps_reply_begin(r, false), m->request, &ok)) {
        (void)ps_heartbeat_ok_encode(ps_reply_begin(r, true), m->request, &ok);
    }
    return true;
}
