/* The peer's slab: its size, its beginning, its counters. */
#include "peer/peer_internal.h"

#include "util/layout.h"

/* Labels of the keys that are derived from the seed. */
enum { KEY_GENERATOR = 1, KEY_NAMES = 2 };

#define PUBLICATIONS_MAX (UINT32_C(1) << 24)
#define NAME_BLOCK_BYTES (sizeof(((ps_name_block *)0)->bytes))

void ps_peer_config_default(ps_peer_config *cfg)
{
    *cfg = (ps_peer_config){
        .size = sizeof *cfg,
        .max_requests = 64,
        .max_publications = 131072,
        .name_bytes = 131072u * 32u,
        .request_ms = 10000,
        .datagram_max = PS_DATAGRAM_MAX,
        .rekey_ms = 3600000,
        .rekey_packets = UINT64_C(1) << 32,
    };
}

static bool complete(const ps_crypto *c)
{
    return c != NULL && c->size == sizeof *c && c->sha256_init != NULL &&
           c->sha256_update != NULL && c->sha256_final != NULL && c->x25519_public != NULL &&
           c->x25519 != NULL && c->seal != NULL && c->open != NULL;
}

static bool possible(const ps_peer_config *cfg)
{
    return cfg != NULL && cfg->size == sizeof *cfg && cfg->max_requests >= 1 &&
           cfg->max_requests <= PS_PEER_REQUESTS_MAX && cfg->max_publications >= 1 &&
           cfg->max_publications <= PUBLICATIONS_MAX && cfg->request_ms >= 1 &&
           cfg->name_bytes / NAME_BLOCK_BYTES < PS_NIL - 1 &&
           cfg->datagram_max >= PS_DATAGRAM_MIN && cfg->datagram_max <= PS_DATAGRAM_MAX &&
           cfg->rekey_ms >= 1 && cfg->rekey_packets >= 1 && complete(cfg->crypto);
}

static uint32_t name_blocks(const ps_peer_config *cfg)
{
    return (uint32_t)((cfg->name_bytes + NAME_BLOCK_BYTES - 1) / NAME_BLOCK_BYTES);
}

/* The sum; the tables' offsets go to p where there is one. 0: it does not fit size_t. */
static size_t lay_out(const ps_peer_config *cfg, ps_peer *p)
{
    const uint32_t heads = ps_pow2_at_least(cfg->max_publications);
    ps_layout l = {.size = sizeof(ps_peer)};
    /* One record a list, search or locate under way, and its place in the order of sending. */
    const size_t requests_at = ps_layout_add(&l, cfg->max_requests, sizeof(ps_peer_request));
    const size_t heap_at = ps_layout_add(&l, cfg->max_requests, sizeof(uint32_t));
    /* One record a name, with its content; a bucket for each name on average; longer names' rest.
     */
    const size_t pubs_at = ps_layout_add(&l, cfg->max_publications, sizeof(ps_peer_pub));
    const size_t heads_at = ps_layout_add(&l, heads, sizeof(uint32_t));
    const size_t blocks_at = ps_layout_add(&l, name_blocks(cfg), sizeof(ps_name_block));
    /* unreachable: 64 bits hold the largest configuration; 32 bits do not */
    if (l.overflow) {
        return 0;
    }
    if (p != NULL) {
        p->requests_at = requests_at;
        p->heap_at = heap_at;
        p->pubs_at = pubs_at;
        p->heads_at = heads_at;
        p->blocks_at = blocks_at;
        p->heads_mask = heads - 1;
    }
    return l.size;
}

size_t ps_peer_size(const ps_peer_config *cfg)
{
    return possible(cfg) ? lay_out(cfg, NULL) : 0;
}

ps_status ps_peer_init(void *mem, size_t len, const ps_peer_config *cfg, ps_peer **out)
{
    const size_t need = ps_peer_size(cfg);
    if (mem == NULL || out == NULL || need == 0 || len < need || (uintptr_t)mem % 64 != 0) {
        return PS_INVALID;
    }
    ps_peer *p = mem;
    memset(p, 0, sizeof *p);
    (void)lay_out(cfg, p);
    p->request_us = cfg->request_ms * UINT64_C(1000);
    p->datagram_max = cfg->datagram_max;
    p->rekey_every_us = cfg->rekey_ms * UINT64_C(1000);
    p->rekey_packets = cfg->rekey_packets;
    p->crypto = cfg->crypto;
    ps_secrets_init(p->crypto, &p->secrets, cfg->seed);
    ps_prng_init(&p->prng, cfg->seed, KEY_GENERATOR);
    p->name_key = ps_key_derive(cfg->seed, KEY_NAMES);
    p->request_sequence = (uint32_t)ps_prng_below(&p->prng, 1u << 16);
    p->next_serial = 1;
    p->logout.cancel_at = PS_NIL;
    ps_slots_init(&p->requests, cfg->max_requests);
    ps_slots_init(&p->pubs, cfg->max_publications);
    ps_name_pool_init(&p->names, name_blocks(cfg));
    p->dirty_head = PS_NIL;
    p->dirty_tail = PS_NIL;
    p->epoch = 1; /* A new record's is 0. */
    p->summed = UINT32_MAX;
    if (!cfg->mem_is_zero) {
        memset(ps_peer_heads(p), 0, ((size_t)p->heads_mask + 1) * sizeof(uint32_t));
    }
    *out = p;
    return PS_OK;
}

void ps_peer_stats_get(const ps_peer *p, ps_peer_stats *stats)
{
    *stats = p->stats;
    stats->clock_clamped = p->clock.clamped;
    stats->requests = p->requests.used;
    stats->publications = p->pubs.used;
    stats->unacknowledged = p->pubs.used - p->clean;
    if (p->wall_s != 0) {
        stats->wall_s = p->wall_s + (p->clock.now_us - p->wall_us) / 1000000u;
    }
    stats->rtt_us = ps_rtt_smoothed_us(&p->rtt);
    stats->state = p->state;
}
