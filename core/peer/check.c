/* Walks every invariant of the peer. A broken one is named by its line here. */
#include "peer/peer_internal.h"

#define CHECK(condition)                                                                           \
    do {                                                                                           \
        if (!(condition)) {                                                                        \
            return __LINE__;                                                                       \
        }                                                                                          \
    } while (0)

static int check_requests(const ps_peer *p)
{
    uint32_t used = 0;
    CHECK(p->requests.used <= p->requests.fresh);
    CHECK(p->requests.fresh <= p->requests.cap);
    for (uint32_t i = 0; i < p->requests.fresh; i++) {
        const ps_peer_request *r = ps_peer_request_at(p, i);
        if (r->heap_at == PS_NIL) {
            continue;
        }
        used++;
        CHECK(r->heap_at < p->requests.used);
        CHECK(ps_peer_heap(p)[r->heap_at] == i);
        CHECK(r->id % (UINT32_C(1) << PS_ID_PLACE_BITS) == i);
        CHECK(r->serial < p->next_serial);
        if (r->heap_at > 0) {
            const uint32_t parent = ps_peer_heap(p)[(r->heap_at - 1) / 2];
            CHECK(ps_peer_request_at(p, parent)->next_us <= r->next_us);
        }
        if (r->serial >= p->drain_before) {
            CHECK(r->next_us <= r->deadline_us || r->next_us <= p->clock.now_us);
            CHECK(p->state == PS_PEER_ONLINE || p->state == PS_PEER_LOST);
        }
    }
    CHECK(used == p->requests.used);
    CHECK(p->drain_before <= p->next_serial);
    return 0;
}

static int check_line(const ps_peer *p, uint32_t *queued)
{
    uint32_t prev = PS_NIL;
    bool cancel_found = p->logout.cancel_at == PS_NIL;
    *queued = 0;
    for (uint32_t i = p->dirty_head; i != PS_NIL; i = ps_peer_pub_at(p, i)->next) {
        CHECK(i < p->pubs.fresh);
        CHECK(*queued < p->pubs.used);
        CHECK((ps_peer_pub_at(p, i)->flags & PS_PUB_QUEUED) != 0);
        CHECK(ps_peer_pub_at(p, i)->prev == prev);
        cancel_found = cancel_found || i == p->logout.cancel_at;
        prev = i;
        ++*queued;
    }
    CHECK(p->dirty_tail == prev);
    CHECK(cancel_found);
    CHECK(p->state == PS_PEER_LEAVING || p->logout.cancel_at == PS_NIL);
    return 0;
}

static int check_flight(const ps_peer *p, uint32_t in_flight)
{
    const ps_peer_flight *f = &p->flight;
    CHECK(f->count == in_flight);
    CHECK(f->count <= PS_PEER_CHANGES);
    if (f->count == 0) {
        return 0;
    }
    CHECK(f->type == PS_MSG_PUBLISH || f->type == PS_MSG_UNPUBLISH);
    CHECK(f->len <= p->datagram_max - PS_PACKET_HEADER);
    CHECK(f->generation == p->acked + 1);
    for (uint8_t k = 0; k < f->count; k++) {
        CHECK(f->pubs[k] < p->pubs.fresh);
        CHECK((ps_peer_pub_at(p, f->pubs[k])->flags & PS_PUB_IN_FLIGHT) != 0);
    }
    return 0;
}

static int check_pub(const ps_peer *p, uint32_t i)
{
    const ps_peer_pub *pub = ps_peer_pub_at(p, i);
    const uint32_t dirty = pub->flags & (PS_PUB_QUEUED | PS_PUB_IN_FLIGHT);
    uint8_t scratch[PS_NAME_MAX];
    const ps_span name = ps_name_get(ps_peer_blocks(p), &pub->name, scratch);
    CHECK(ps_name_check(name) == PS_NAME_OK);
    CHECK(ps_peer_pub_find(p, name) == i);
    CHECK(pub->epoch <= p->epoch);
    if ((pub->flags & PS_PUB_WANTED) == 0) {
        CHECK(dirty != 0);
    }
    if ((pub->flags & PS_PUB_WAITING) != 0) {
        CHECK(dirty != 0);
    }
    /* What is not known to be right and is in no line lies ahead of a repair's walk. */
    if (dirty == 0 && !ps_peer_pub_clean(p, i)) {
        CHECK(p->repair.phase != PS_REPAIR_NONE);
        CHECK(p->repair.phase != PS_REPAIR_WALK || i >= p->repair.walk_at);
    }
    return 0;
}

/* The sums are those of the records below the mark. */
static int check_digest(const ps_peer *p)
{
    uint64_t sums[PS_BUCKETS] = {0};
    uint64_t digest = 0;
    for (uint32_t i = 0; i < p->pubs.fresh && i < p->summed; i++) {
        const ps_peer_pub *pub = ps_peer_pub_at(p, i);
        uint8_t scratch[PS_NAME_MAX];
        if ((pub->flags & PS_PUB_WANTED) == 0) {
            continue;
        }
        const ps_span name = ps_name_get(ps_peer_blocks(p), &pub->name, scratch);
        const ps_mark m = ps_digest_mark(&p->digest_key, name, &pub->content);
        sums[m.bucket] += m.mark;
        digest += m.mark;
    }
    CHECK(digest == p->digest);
    CHECK(memcmp(sums, p->sums, sizeof sums) == 0);
    CHECK(p->summed == UINT32_MAX || p->repair.phase == PS_REPAIR_SUM ||
          p->state != PS_PEER_ONLINE);
    return 0;
}

static int check_pubs(const ps_peer *p)
{
    uint32_t used = 0, queued = 0, in_flight = 0, clean = 0, line = 0, blocks = 0;
    CHECK(p->pubs.used <= p->pubs.fresh);
    CHECK(p->pubs.fresh <= p->pubs.cap);
    for (uint32_t i = 0; i < p->pubs.fresh; i++) {
        const ps_peer_pub *pub = ps_peer_pub_at(p, i);
        if ((pub->flags & PS_PUB_USED) == 0) {
            CHECK(pub->flags == 0);
            continue;
        }
        const int broken = check_pub(p, i);
        if (broken != 0) {
            return broken;
        }
        const uint32_t block_bytes = sizeof(((ps_name_block *)0)->bytes);
        const uint32_t len = pub->name.len;
        blocks += len > PS_NAME_HEAD ? (len - PS_NAME_HEAD + block_bytes - 1) / block_bytes : 0;
        used++;
        queued += (pub->flags & PS_PUB_QUEUED) != 0 ? 1 : 0;
        in_flight += (pub->flags & PS_PUB_IN_FLIGHT) != 0 ? 1 : 0;
        clean += ps_peer_pub_clean(p, i) ? 1 : 0;
    }
    CHECK(used == p->pubs.used);
    CHECK(clean == p->clean);
    CHECK(blocks == p->names.used);
    const int broken = check_line(p, &line);
    if (broken != 0) {
        return broken;
    }
    CHECK(line == queued);
    return check_flight(p, in_flight);
}

static int check_state(const ps_peer *p)
{
    const bool session = p->session.client_id != 0;
    const bool attempt = p->attempt.client_id != 0;
    switch (p->state) {
    case PS_PEER_IDLE:
        CHECK(!session && !attempt);
        CHECK(p->account.password_len == 0);
        break;
    case PS_PEER_LOGIN:
    case PS_PEER_LOST:
        CHECK(!session && attempt);
        break;
    case PS_PEER_ONLINE:
        CHECK(session);
        CHECK(p->acked_known);
        CHECK(p->session.id != 0);
        break;
    case PS_PEER_LEAVING:
        CHECK(!attempt);
        CHECK(session || p->logout.answered);
        CHECK(p->account.password_len == 0);
        break;
    default:
        return __LINE__;
    }
    if (!session) {
        CHECK(p->session.tx_counter == 0);
    }
    CHECK(p->acked <= PS_GENERATION_MAX + PS_PEER_CHANGES);
    return 0;
}

int ps_peer_check(const ps_peer *p)
{
    int broken = check_state(p);
    if (broken == 0) {
        broken = check_requests(p);
    }
    if (broken == 0) {
        broken = check_digest(p);
    }
    return broken != 0 ? broken : check_pubs(p);
}
