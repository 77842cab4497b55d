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
    CHECK(f->len <= p->datagram_max - PS_PEER_OVERHEAD);
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

static bool wiped(const void *memory, size_t len)
{
    const uint8_t *bytes = memory;
    uint8_t all = 0;
    for (size_t i = 0; i < len; i++) {
        all |= bytes[i];
    }
    return all == 0;
}

/* An attempt's phase says which of its secrets there are. */
static int check_attempt(const ps_peer *p)
{
    const ps_peer_attempt *a = &p->attempt;
    const bool keys = !wiped(a->channel.tx_key, sizeof a->channel.tx_key) &&
                      !wiped(a->channel.rx_key, sizeof a->channel.rx_key);
    switch (a->phase) {
    case PS_ATTEMPT_NONE:
        CHECK(wiped(&a->channel, sizeof a->channel) && wiped(&a->noise, sizeof a->noise));
        return 0;
    case PS_ATTEMPT_INITIATING:
        CHECK(a->channel.id == 0 && !keys);
        CHECK(!a->noise.keyed && !wiped(a->noise.ephemeral, sizeof a->noise.ephemeral));
        break;
    case PS_ATTEMPT_ASKING:
        CHECK(a->channel.id != 0 && keys && wiped(&a->noise, sizeof a->noise));
        CHECK(p->state == PS_PEER_LOGIN && !p->account.key_known);
        CHECK(a->channel.tx_counter == 0);
        CHECK(a->next_us == PS_TIME_NEVER && a->deadline_us == PS_TIME_NEVER);
        break;
    case PS_ATTEMPT_LOGGING_IN:
        CHECK(a->channel.id != 0 && keys && wiped(&a->noise, sizeof a->noise));
        CHECK(p->account.key_known);
        break;
    default:
        return __LINE__;
    }
    CHECK(a->channel.client_id != 0 && a->channel.client_id != p->session.client_id &&
          a->channel.client_id != p->old.client_id);
    CHECK(p->state == PS_PEER_LOGIN || a->deadline_us == PS_TIME_NEVER);
    CHECK(!a->rekey || p->state == PS_PEER_ONLINE);
    return 0;
}

/* A session, its keys and those before them. */
static int check_session(const ps_peer *p)
{
    const ps_peer_channel *s = &p->session;
    if (s->client_id == 0) {
        CHECK(wiped(s, sizeof *s) && wiped(&p->old, sizeof p->old));
        return 0;
    }
    CHECK(s->id != 0 && s->replay.next > 1);
    CHECK(!wiped(s->tx_key, sizeof s->tx_key) && !wiped(s->rx_key, sizeof s->rx_key));
    if (p->old.client_id == 0) {
        CHECK(wiped(&p->old, sizeof p->old));
    } else {
        CHECK(p->state == PS_PEER_ONLINE);
        CHECK(p->old_until_us <= ps_time_add(p->clock.now_us, PS_OLD_KEYS_US));
        CHECK(ps_peer_rekey_deadline_us(p) <= p->old_until_us);
    }
    return 0;
}

static int check_state(const ps_peer *p)
{
    const bool session = p->session.client_id != 0;
    const bool attempt = p->attempt.phase != PS_ATTEMPT_NONE;
    switch (p->state) {
    case PS_PEER_IDLE:
        CHECK(!session && !attempt);
        CHECK(p->account.password_len == 0 && p->account.ticket_len == 0);
        break;
    case PS_PEER_LOGIN:
    case PS_PEER_LOST:
        CHECK(!session && attempt);
        break;
    case PS_PEER_ONLINE:
        CHECK(session);
        CHECK(p->acked_known);
        CHECK(p->account.key_known);
        break;
    case PS_PEER_LEAVING:
        CHECK(!attempt);
        CHECK(session || p->logout.answered);
        CHECK(p->account.password_len == 0 && p->account.ticket_len == 0);
        break;
    default:
        return __LINE__;
    }
    CHECK(!p->account.ticket_alone || p->account.ticket_len > 0);
    CHECK(p->acked <= PS_GENERATION_MAX + PS_PEER_CHANGES);
    return 0;
}

int ps_peer_check(const ps_peer *p)
{
    int broken = check_state(p);
    if (broken == 0) {
        broken = check_attempt(p);
    }
    if (broken == 0) {
        broken = check_session(p);
    }
    if (broken == 0) {
        broken = check_requests(p);
    }
    if (broken == 0) {
        broken = check_digest(p);
    }
    return broken != 0 ? broken : check_pubs(p);
}
