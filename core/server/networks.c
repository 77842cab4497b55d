/* Who may begin how many handshakes: a bucket for each source network (IPv4 /32, IPv6 /64) in a
 * table of fixed size. A network's entry is one of four places by its keyed hash; a new one takes
 * the place of the one that has used least. Only proven addresses are charged: nobody can empty
 * another's. */
#include "server/server_internal.h"

#define PLACES 4u

static uint64_t hash_of(const ps_server *s, const ps_addr *addr)
{
    uint8_t network[9] = {addr->family};
    const size_t len = addr->family == PS_ADDR_V6 ? 8 : 4;
    memcpy(network + 1, addr->ip, len);
    const uint64_t hash = ps_siphash(&s->network_key, network, 1 + len);
    return hash != 0 ? hash : 1;
}

bool ps_network_take(ps_server *s, const ps_addr *addr)
{
    const uint32_t per_s = s->cfg.network_per_s;
    const uint32_t burst = 10 * per_s;
    const uint64_t hash = hash_of(s, addr);
    ps_network *places =
        (ps_network *)ps_server_at(s, s->networks_at) + (hash & s->network_mask) * PLACES;
    ps_network *least = places;
    uint64_t most_parts = 0;
    for (uint32_t i = 0; i < PLACES; i++) {
        ps_network *n = &places[i];
        if (n->hash == hash) {
            return ps_rate_take(&n->bucket, s->clock.now_us, per_s, burst);
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
    return ps_rate_take(&least->bucket, s->clock.now_us, per_s, burst);
}
