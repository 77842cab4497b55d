/* PEERS, FILES, SOURCES: a page of an answer. */
#include "peer/peer_internal.h"

static bool answers(ps_message_type page, uint8_t request)
{
    if (page == PS_MSG_PEERS) {
        return request == PS_MSG_LIST_PEERS;
    }
    if (page == PS_MSG_SOURCES) {
        return request == PS_MSG_LOCATE;
    }
    return request == PS_MSG_LIST_FILES || request == PS_MSG_SEARCH;
}

static void peers(ps_peer_turn *t, const ps_peer_request *r, ps_page *page)
{
    ps_span user;
    while (ps_page_next_peer(page, &user)) {
        ps_event_entry *e = &ps_peer_event(t, PS_EVENT_PEER)->u.entry;
        e->tag = r->tag;
        e->user = user;
        e->active = true;
    }
}

static void files(ps_peer_turn *t, const ps_peer_request *r, ps_page *page)
{
    ps_file file;
    while (ps_page_next_file(page, &file)) {
        ps_event_entry *e = &ps_peer_event(t, PS_EVENT_FILE)->u.entry;
        e->tag = r->tag;
        e->user = file.user;
        e->name = file.name;
        e->content = file.content;
        e->active = file.active;
        e->own = file.own;
    }
}

/* Where a source serves: what the server observed comes first, as nobody can invent it. NULL: it
 * serves nowhere. */
static const ps_addr *address_of(const ps_source *source)
{
    const ps_addr *best = NULL;
    for (uint8_t i = 0; i < source->addrs_count; i++) {
        const ps_addr *addr = &source->addrs[i].addr;
        PS_ASSERT(addr->family != PS_ADDR_NONE);
        if (addr->port == 0) {
            continue;
        }
        if (source->addrs[i].kind == PS_ADDR_OBSERVED) {
            return addr;
        }
        if (best == NULL) {
            best = addr;
        }
    }
    return best;
}

static void sources(ps_peer_turn *t, ps_peer_request *r, ps_page *page)
{
    ps_source source;
    while (ps_page_next_source(page, &source)) {
        const ps_addr *addr = address_of(&source);
        ps_event_entry *e = &ps_peer_event(t, PS_EVENT_SOURCE)->u.entry;
        e->tag = r->tag;
        e->user = source.user;
        e->content = source.content;
        e->own = source.own;
        /* Nobody dials himself, nor who serves nothing. */
        e->active = source.active && !source.own && addr != NULL;
        if (e->active) {
            e->addr = *addr;
            e->ticket = source.ticket;
            e->key = source.key;
            r->reachable = true;
        }
        r->matched = true;
    }
}

static uint32_t outcome(const ps_peer_request *r)
{
    if (r->message != PS_MSG_LOCATE || r->reachable) {
        return PS_E_NONE;
    }
    return r->matched ? PS_E_NO_ACTIVE_PEER : PS_E_NOT_FOUND;
}

void ps_peer_on_page(ps_peer_turn *t, const ps_message *m)
{
    ps_peer *p = t->p;
    const ps_message_type type = (ps_message_type)m->type;
    const uint32_t i = ps_peer_request_find(p, m->request);
    ps_page page;
    if (i == PS_NIL) {
        ps_peer_drop(p, PS_DROP_STALE);
        return;
    }
    ps_peer_request *r = ps_peer_request_at(p, i);
    if (!answers(type, r->message)) {
        ps_peer_drop(p, PS_DROP_MISPLACED);
        return;
    }
    if (!ps_page_decode(type, m->body, &page)) {
        ps_peer_drop(p, PS_DROP_MALFORMED);
        return;
    }
    if (page.count > t->entries_left) { /* Asked for again by the retransmission. */
        ps_peer_drop(p, PS_DROP_TRAILING);
        return;
    }
    t->entries_left -= page.count;
    if (r->tries == 1) {
        ps_rtt_sample(&p->rtt, p->clock.now_us - r->sent_us);
    }
    if (type == PS_MSG_PEERS) {
        peers(t, r, &page);
    } else if (type == PS_MSG_FILES) {
        files(t, r, &page);
    } else {
        sources(t, r, &page);
    }
    if (page.next != 0) {
        ps_peer_request_page(t, i, page.next);
    } else {
        ps_peer_request_finish(t, i, outcome(r), 0);
    }
}
