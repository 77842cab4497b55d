/* The table of names that this peer publishes: hashed with a secret key, and a line of the dirty
 * ones in the order of their commands. */
#include "peer/peer_internal.h"

static uint32_t *head_of(const ps_peer *p, ps_span name)
{
    return &ps_peer_heads(p)[ps_siphash(&p->name_key, name.data, name.len) & p->heads_mask];
}

uint32_t ps_peer_pub_find(const ps_peer *p, ps_span name)
{
    for (uint32_t at = *head_of(p, name); at != 0;) {
        const ps_peer_pub *pub = ps_peer_pub_at(p, at - 1);
        if (ps_name_is(ps_peer_blocks(p), &pub->name, name)) {
            return at - 1;
        }
        at = pub->chain;
    }
    return PS_NIL;
}

uint32_t ps_peer_pub_add(ps_peer *p, ps_span name)
{
    ps_name_ref ref;
    memset(&ref, 0, sizeof ref);
    if (p->pubs.used == p->pubs.cap || !ps_name_put(&p->names, ps_peer_blocks(p), &ref, name)) {
        return PS_NIL;
    }
    const uint32_t i = ps_slots_take(&p->pubs, ps_peer_pub_at(p, 0), sizeof(ps_peer_pub));
    PS_ASSERT(i != PS_NIL);
    ps_peer_pub *pub = ps_peer_pub_at(p, i);
    uint32_t *head = head_of(p, name);
    memset(pub, 0, sizeof *pub);
    pub->flags = PS_PUB_USED;
    pub->name = ref;
    pub->chain = *head;
    *head = i + 1;
    return i;
}

void ps_peer_pub_remove(ps_peer *p, uint32_t i)
{
    ps_peer_pub *pub = ps_peer_pub_at(p, i);
    uint8_t scratch[PS_NAME_MAX];
    PS_ASSERT((pub->flags & PS_PUB_USED) != 0);
    PS_ASSERT((pub->flags & PS_PUB_IN_FLIGHT) == 0);
    if ((pub->flags & PS_PUB_QUEUED) != 0) {
        ps_peer_pub_unqueue(p, i);
    }
    PS_ASSERT(!ps_peer_pub_clean(p, i)); /* What goes was to be sent first, or to be judged. */
    ps_peer_pub_want(p, i, NULL);
    uint32_t *link = head_of(p, ps_name_get(ps_peer_blocks(p), &pub->name, scratch));
    while (*link != i + 1) {
        PS_ASSERT(*link != 0);
        link = &ps_peer_pub_at(p, *link - 1)->chain;
    }
    *link = pub->chain;
    ps_name_drop(&p->names, ps_peer_blocks(p), &pub->name);
    pub->flags = 0;
    ps_slots_give(&p->pubs, ps_peer_pub_at(p, 0), sizeof(ps_peer_pub), i);
}

bool ps_peer_pub_clean(const ps_peer *p, uint32_t i)
{
    const ps_peer_pub *pub = ps_peer_pub_at(p, i);
    return (pub->flags & (PS_PUB_USED | PS_PUB_QUEUED | PS_PUB_IN_FLIGHT)) == PS_PUB_USED &&
           pub->epoch == p->epoch;
}

/* Links record i between two neighbours in the line (PS_NIL: the line's ends). */
static void link_between(ps_peer *p, uint32_t i, uint32_t prev, uint32_t next)
{
    ps_peer_pub *pub = ps_peer_pub_at(p, i);
    PS_ASSERT((pub->flags & PS_PUB_QUEUED) == 0);
    if (ps_peer_pub_clean(p, i)) {
        p->clean--;
    }
    pub->flags |= PS_PUB_QUEUED;
    pub->prev = prev;
    pub->next = next;
    if (prev == PS_NIL) {
        p->dirty_head = i;
    } else {
        ps_peer_pub_at(p, prev)->next = i;
    }
    if (next == PS_NIL) {
        p->dirty_tail = i;
    } else {
        ps_peer_pub_at(p, next)->prev = i;
    }
}

void ps_peer_pub_queue(ps_peer *p, uint32_t i)
{
    link_between(p, i, p->dirty_tail, PS_NIL);
}

void ps_peer_pub_queue_first(ps_peer *p, uint32_t i)
{
    link_between(p, i, PS_NIL, p->dirty_head);
}

void ps_peer_pub_unqueue(ps_peer *p, uint32_t i)
{
    ps_peer_pub *pub = ps_peer_pub_at(p, i);
    PS_ASSERT((pub->flags & PS_PUB_QUEUED) != 0);
    pub->flags &= ~(uint32_t)PS_PUB_QUEUED;
    pub->epoch = p->epoch - 1; /* Not clean: it left the line to be sent, or to be settled. */
    PS_ASSERT(p->logout.cancel_at != i); /* Who is leaving sends none, and judges none. */
    if (pub->prev == PS_NIL) {
        p->dirty_head = pub->next;
    } else {
        ps_peer_pub_at(p, pub->prev)->next = pub->next;
    }
    if (pub->next == PS_NIL) {
        p->dirty_tail = pub->prev;
    } else {
        ps_peer_pub_at(p, pub->next)->prev = pub->prev;
    }
}

/* No record is touched: those of an older epoch are found by a walk, a few at a time. */
void ps_peer_pubs_renew(ps_peer *p)
{
    p->epoch++;
    p->clean = 0;
}

/* A name that was listed before and is refused now, with no command to tell it by. */
static void tell_unlisted(ps_peer_turn *t, uint32_t i, uint32_t error)
{
    const ps_peer *p = t->p;
    uint8_t scratch[PS_NAME_MAX];
    const ps_span name = ps_name_get(ps_peer_blocks(p), &ps_peer_pub_at(p, i)->name, scratch);
    ps_event_unlisted *e = &ps_peer_event(t, PS_EVENT_UNLISTED)->u.unlisted;
    e->error = error;
    e->len = (uint8_t)name.len;
    memcpy(e->name, name.data, name.len);
}

void ps_peer_pub_settle(ps_peer_turn *t, uint32_t i, uint32_t error)
{
    ps_peer *p = t->p;
    ps_peer_pub *pub = ps_peer_pub_at(p, i);
    const uint64_t tag = pub->tag;
    const bool waiting = (pub->flags & PS_PUB_WAITING) != 0;
    const bool wanted = (pub->flags & PS_PUB_WANTED) != 0;
    PS_ASSERT((pub->flags & (PS_PUB_QUEUED | PS_PUB_IN_FLIGHT)) == 0);
    pub->flags &= ~(uint32_t)PS_PUB_WAITING;
    if (error == PS_E_NONE && wanted) {
        PS_ASSERT(pub->epoch != p->epoch);
        p->clean++;
        pub->epoch = p->epoch;
    } else {
        if (wanted && !waiting) {
            tell_unlisted(t, i, error);
        }
        ps_peer_pub_remove(p, i);
    }
    if (waiting) {
        ps_peer_done(t, tag, error, 0);
    }
}
