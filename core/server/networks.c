/* Who may begin how many handshakes: a bucket for each source network (IPv4 /32, IPv6 /64, and for
 * all of a /48 together one of eight times that) in a table of fixed size. A network's entry is one
 * of four places by its keyed hash; a new one takes the place of the one that has used least. Only
 * proven addresses are charged: nobody can empty another's. */
#include "server/server_internal.h"

#define PLACES 4u

/* All /64s of a /48, which is what one customer may have. */
#define SITE_FACTOR 8u

static uint64_t hash_of(const ps_server *s, const ps_addr *addr, size_t len)
{
    uint8_t network[10] = {addr->family, (uint8_t)len};
    memcpy(network + 2, addr->ip, len);
    const uint64_t hash = ps_siphash(&s->network_key, network, 2 + len);
    /* unreachable: no address is known whose hash under a secret key is 0 */
    return hash != 0 ? hash : 1;
}

/* The bucket of the network that the first `len` bytes of the address name. */
static ps_rate_bucket *bucket_of(const ps_server *s, const ps_addr *addr, size_t len,
                                 uint32_t per_s, uint32_t burst)
{
    const uint64_t hash = hash_of(s, addr, len);
    ps_network *places =
        (ps_network *)ps_server_at(s, s->networks_at) + (hash & s->network_mask) * PLACES;
    ps_network *least = places;
    uint64_t most_parts = 0;
    for (uint32_t i = 0; i < PLACES; i++) {
        ps_network *n = &places[i];
        if (n->hash == hash) {
            return &n->bucket;
        }
        const uint64_t parts =
            n->hash == 0 ? UINT64_MAX : ps_rate_parts(&n->bucket, s->clock.now_us, per_s, burst);
        if (parts > most_parts) {
            most_parts = parts;
            least = n;
        }
    }
    least->hash = hash;
    ps_rate_fill(&least->bucket, s->clock.now_us, burst);
    return &least->bucket;
}

bool ps_network_take(ps_server *s, const ps_addr *addr)
{
    const uint64_t now_us = s->clock.now_us;
    const uint32_t per_s = s->cfg.network_per_s;
    const bool v6 = addr->family == PS_ADDR_V6;
    ps_rate_bucket *own = bucket_of(s, addr, v6 ? 8 : 4, per_s, 10 * per_s);
    if (!ps_rate_take(own, now_us, per_s, 10 * per_s)) {
        return false;
    }
    if (!v6) {
        return true;
    }
    const uint32_t site_per_s = SITE_FACTOR * per_s;
    ps_rate_bucket *site = bucket_of(s, addr, 6, site_per_s, 10 * site_per_s);
    return ps_rate_take(site, now_us, site_per_s, 10 * site_per_s);
}
