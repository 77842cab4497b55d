/* The digest of what this peer wants to be listed: kept up to date with every command, so that one
 * number says whether the server agrees. It depends on the device; for a new one it is summed up
 * anew, a few records at a time. */
#include "peer/peer_internal.h"

static ps_span name_of(const ps_peer *p, uint32_t i, uint8_t scratch[PS_NAME_MAX])
{
    return ps_name_get(ps_peer_blocks(p), &ps_peer_pub_at(p, i)->name, scratch);
}

/* Adds the record, or (sign -1) takes it out. */
static void sum(ps_peer *p, uint32_t i, uint64_t sign)
{
    uint8_t scratch[PS_NAME_MAX];
    const ps_mark m =
        ps_digest_mark(&p->digest_key, name_of(p, i, scratch), &ps_peer_pub_at(p, i)->content);
    p->sums[m.bucket] += sign * m.mark;
    p->digest += sign * m.mark;
}

void ps_peer_digest_reset(ps_peer *p, const uint8_t device[PS_DEVICE_BYTES])
{
    p->digest_key = ps_digest_key(device);
    p->summed = 0;
    p->digest = 0;
    memset(p->sums, 0, sizeof p->sums);
}

bool ps_peer_digest_walk(ps_peer *p)
{
    for (uint32_t n = 0; n < PS_PEER_TICK_WALK && p->summed < p->pubs.fresh; n++) {
        if ((ps_peer_pub_at(p, p->summed)->flags & PS_PUB_WANTED) != 0) {
            sum(p, p->summed, 1);
        }
        p->summed++;
    }
    if (p->summed >= p->pubs.fresh) {
        p->summed = UINT32_MAX;
    }
    return p->summed == UINT32_MAX;
}

void ps_peer_pub_want(ps_peer *p, uint32_t i, const ps_content *content)
{
    ps_peer_pub *pub = ps_peer_pub_at(p, i);
    if ((pub->flags & PS_PUB_WANTED) != 0 && i < p->summed) {
        sum(p, i, UINT64_MAX);
    }
    pub->flags &= ~(uint32_t)PS_PUB_WANTED;
    memset(&pub->content, 0, sizeof pub->content);
    if (content != NULL) {
        pub->flags |= PS_PUB_WANTED;
        pub->content = *content;
        if (i < p->summed) {
            sum(p, i, 1);
        }
    }
}

uint8_t ps_peer_pub_bucket(const ps_peer *p, uint32_t i)
{
    uint8_t scratch[PS_NAME_MAX];
    return ps_digest_bucket(&p->digest_key, name_of(p, i, scratch));
}
