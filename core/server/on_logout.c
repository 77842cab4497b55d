#include "server/server_internal.h"

/* The answer leaves with the session's last counter. The dispatcher ends the session after it: a
 * LOGOUT that is repeated then finds none, and its client gives up by itself. */
bool ps_on_logout(ps_reply *r, const ps_message *m)
{
    if (!ps_logout_decode(m->body)) {
        return false;
    }
    if (!ps_logout_encode(ps_reply_begin(r, false), PS_MSG_LOGOUT_OK, m->request)) {
        (void)ps_logout_encode(ps_reply_begin(r, true), PS_MSG_LOGOUT_OK, m->request);
    }
    r->s->stats.logouts++;
    return true;
}
