/* LOCATE: who has the file of this name, and where. */
#include "server/server_internal.h"

/* `admission` holds what the source borrows. */
static ps_source source_of(const ps_reply *r, uint32_t pub, ps_admission *admission)
{
    ps_server *s = r->s;
    const ps_directory *d = &s->directory;
    const ps_pub *p = ps_pub_at(d, pub);
    const uint32_t user = ps_device_at(d, p->device)->user;
    const uint32_t session = ps_user_at(d, user)->session;
    const uint32_t asker = ps_session_at(s, r->session)->user;
    ps_source source = {
        .content = p->content,
        .own = user == asker,
        .user = ps_user_name(d, user),
    };
    if (session == PS_NIL || !ps_session_alive(s, session)) {
        return source;
    }
    const ps_session *x = ps_session_at(s, session);
    source.active = x->device == p->device;
    if (source.active && x->stream_port != 0) {
        source.addrs_count = 1;
        source.addrs[0].kind = PS_ADDR_OBSERVED;
        source.addrs[0].addr = x->addr;
        source.addrs[0].addr.port = x->stream_port;
    }
    if (source.addrs_count > 0 && !source.own) { /* Nobody asks himself for a file. */
        ps_server_admission(s, x, pub, ps_user_name(d, asker), admission);
        source.key = (ps_span){admission->key, admission->len > 0 ? PS_KEY_BYTES : 0};
        source.ticket = (ps_span){admission->ticket, admission->len};
    }
    return source;
}

/* Where the page before stopped, if that publication still stands; else the ring's beginning: a
 * source may then be told twice, never left out. */
static uint32_t resume(const ps_directory *d, const ps_locate *m, uint32_t first)
{
    if (m->cursor == 0) {
        return first;
    }
    uint32_t at = ps_order_after(d, m->cursor - 1);
    if (at != PS_NIL && ps_pub_at(d, at)->serial == m->cursor &&
        ps_name_is(ps_directory_blocks(d), &ps_pub_at(d, at)->name, m->name)) {
        return at;
    }
    return first;
}

/* The datagram bounds the tickets that are sealed: an entry with one has at least 209 bytes, so
 * five fit, and a sixth may be made in vain. */
bool ps_on_locate(ps_reply *r, const ps_message *m)
{
    ps_locate locate;
    if (!ps_locate_decode(m->body, &locate)) {
        return false;
    }
    const ps_server *s = r->s;
    const ps_directory *d = &s->directory;
    const uint32_t first = ps_pub_first_named(d, locate.name);
    if (first == PS_NIL) {
        ps_reply_error(r, m->request, PS_E_NOT_FOUND, 0);
        return true;
    }
    ps_page_writer page;
    ps_admission admission;
    ps_writer *w = ps_reply_begin(r, true);
    (void)ps_page_begin(w, &page, PS_MSG_SOURCES, m->request);
    uint32_t at = resume(d, &locate, first);
    uint32_t left = s->cfg.search_names;
    uint32_t inactive = locate.cursor == 0 ? PS_LOCATE_INACTIVE : 0;
    bool done = false;
    while (!done && left > 0) {
        const ps_source source = source_of(r, at, &admission);
        if (source.active || inactive > 0) {
            if (!ps_page_add_source(w, &page, &source)) {
                break;
            }
            inactive -= source.active ? 0 : 1;
        }
        at = ps_pub_at(d, at)->same_next;
        done = at == first;
        left--;
    }
    ps_wipe(&admission, sizeof admission);
    (void)ps_page_end(w, &page, done ? 0 : ps_pub_at(d, at)->serial);
    ps_reply_flush(r);
    return true;
}
