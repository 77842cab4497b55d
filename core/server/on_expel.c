/* EXPEL: an account is gone, and whoever is online with it. What it published goes on being listed,
 * as of anybody who is away. Looks at every handshake: the host says it seldom. */
#include "server/server_internal.h"

void ps_on_expel(ps_server *s, ps_span name, ps_output *out)
{
    const uint32_t user = ps_user_find(&s->directory, name);
    for (uint32_t i = 0; i < s->handshakes.fresh; i++) {
        const ps_handshake *h = ps_handshake_at(s, i);
        const bool under_way =
            h->state == PS_HANDSHAKE_VERIFYING || h->state == PS_HANDSHAKE_PROBING;
        if (under_way && h->user_len == name.len && memcmp(h->user, name.data, name.len) == 0) {
            if (h->state == PS_HANDSHAKE_PROBING) {
                const uint32_t other = ps_session_find(s, h->probed);
                if (other != PS_NIL) {
                    ps_session_at(s, other)->probe = 0;
                }
            }
            ps_handshake_remove(s, i);
        }
    }
    if (user == PS_NIL || ps_user_at(&s->directory, user)->session == PS_NIL) {
        return;
    }
    s->stats.expulsions++;
    ps_session_close(s, ps_user_at(&s->directory, user)->session, PS_CLOSE_REMOVED, out);
}
