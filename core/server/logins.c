/* Logins under verification: a pool of its own, so that a flood of them costs no session. */
#include "server/server_internal.h"

static uint32_t *head_of(const ps_server *s, const ps_addr *addr, uint64_t client_id)
{
    uint8_t key[sizeof addr->ip + 2 + 8];
    memcpy(key, addr->ip, sizeof addr->ip);
    ps_store16(key + 16, addr->port);
    ps_store64(key + 18, client_id);
    uint32_t *heads = ps_server_at(s, s->pending_heads_at);
    return &heads[ps_siphash(&s->table_key, key, sizeof key) & s->pending_mask];
}

uint32_t ps_pending_find(const ps_server *s, const ps_addr *addr, uint64_t client_id)
{
    for (uint32_t at = *head_of(s, addr, client_id); at != 0;) {
        const ps_pending *p = ps_pending_at(s, at - 1);
        if (p->client_id == client_id && ps_addr_equal(&p->addr, addr)) {
            return at - 1;
        }
        at = p->next;
    }
    return PS_NIL;
}

uint32_t ps_pending_add(ps_server *s, const ps_login *m, uint32_t request,
                        const ps_input_datagram *in)
{
    bool fresh = s->pendings.free == 0;
    uint32_t i = ps_slots_take(&s->pendings, ps_pending_at(s, 0), sizeof(ps_pending));
    if (i == PS_NIL) {
        return PS_NIL;
    }
    uint32_t *head = head_of(s, &in->from, m->client_id);
    ps_pending *p = ps_pending_at(s, i);
    uint32_t tag = fresh ? 0 : p->tag;
    *p = (ps_pending){
        .next = *head,
        .tag = tag + 1,
        .client_id = m->client_id,
        .addr = in->from,
        .endpoint = in->endpoint,
        .request = request,
        .stream_port = m->stream_port,
        .datagram_max = m->datagram_max,
        .user_len = (uint8_t)m->user.len,
    };
    memcpy(p->device, m->device, sizeof p->device);
    memcpy(p->user, m->user.data, m->user.len);
    *head = i + 1;
    ps_timeout_clear(ps_pending_times(s), i);
    ps_timeout_start(&s->verification, ps_pending_times(s), i, s->clock.now_us);
    return i;
}

void ps_pending_remove(ps_server *s, uint32_t pending)
{
    ps_pending *p = ps_pending_at(s, pending);
    ps_timeout_stop(p->probed != 0 ? &s->probing : &s->verification, ps_pending_times(s), pending);
    uint32_t *link = head_of(s, &p->addr, p->client_id);
    while (*link != pending + 1) {
        link = &ps_pending_at(s, *link - 1)->next;
    }
    *link = p->next;
    p->client_id = 0;
    ps_slots_give(&s->pendings, ps_pending_at(s, 0), sizeof(ps_pending), pending);
}
