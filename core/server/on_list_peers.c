#include "server/server_internal.h"

/* The cursor is the user's record to look at next: a user who stays online throughout keeps its
 * record, and so appears exactly once. */
bool ps_on_list_peers(ps_reply *r, const ps_message *m)
{
    ps_list list;
    if (!ps_list_decode(PS_MSG_LIST_PEERS, m->body, &list)) {
        return false;
    }
    const ps_server *s = r->s;
    const ps_directory *d = &s->directory;
    const uint32_t asker = ps_session_at(s, r->session)->user;
    ps_page_writer page;
    ps_writer *w = ps_reply_begin(r, true);
    (void)ps_page_begin(w, &page, PS_MSG_PEERS, m->request);
    uint64_t at = list.cursor;
    uint32_t left = s->cfg.search_names;
    for (; at < d->users.fresh && left > 0; at++, left--) {
        uint32_t user = (uint32_t)at;
        if (ps_user_at(d, user)->name_len == 0 || user == asker || !ps_user_active(s, user)) {
            continue;
        }
        if (!ps_page_add_peer(w, &page, ps_user_name(d, user))) {
            break;
        }
    }
    (void)ps_page_end(w, &page, at < d->users.fresh ? at : 0);
    ps_reply_flush(r);
    return true;
}
