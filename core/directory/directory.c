#include "directory/directory.h"

/* Buckets: at least as many as records, a power of two, so that chains stay near one. */
static uint32_t bucket_count(uint32_t records)
{
    return ps_pow2_at_least(records);
}

void ps_directory_layout(ps_layout *l, size_t self, const ps_directory_caps *caps, ps_directory *d)
{
    ps_directory at = {0};
    at.users_at = ps_layout_add(l, caps->users, sizeof(ps_user)) - self;
    at.user_heads_at = ps_layout_add(l, bucket_count(caps->users), sizeof(uint32_t)) - self;
    at.devices_at = ps_layout_add(l, caps->devices, sizeof(ps_device)) - self;
    at.device_heads_at = ps_layout_add(l, bucket_count(caps->devices), sizeof(uint32_t)) - self;
    at.pubs_at = ps_layout_add(l, caps->pubs, sizeof(ps_pub)) - self;
    at.key_heads_at = ps_layout_add(l, bucket_count(caps->pubs), sizeof(uint32_t)) - self;
    at.name_heads_at = ps_layout_add(l, bucket_count(caps->pubs), sizeof(uint32_t)) - self;
    at.sums_at = ps_layout_add(l, caps->pubs / PS_SUMS_FROM, sizeof(ps_sums)) - self;
    at.blocks_at = ps_layout_add(l, caps->name_blocks, sizeof(ps_name_block)) - self;
    if (d != NULL) {
        *d = at;
    }
}

void ps_directory_init(ps_directory *d, const ps_directory_caps *caps, ps_sipkey key, bool zero)
{
    d->key = key;
    ps_slots_init(&d->users, caps->users);
    ps_slots_init(&d->devices, caps->devices);
    ps_slots_init(&d->pubs, caps->pubs);
    ps_slots_init(&d->sums, caps->pubs / PS_SUMS_FROM);
    ps_name_pool_init(&d->names, caps->name_blocks);
    d->user_mask = bucket_count(caps->users) - 1;
    d->device_mask = bucket_count(caps->devices) - 1;
    d->pub_mask = bucket_count(caps->pubs) - 1;
    d->root = d->oldest = d->newest = PS_NIL;
    if (!zero) {
        const size_t head = sizeof(uint32_t);
        memset(ps_directory_at(d, d->user_heads_at), 0, ((size_t)d->user_mask + 1) * head);
        memset(ps_directory_at(d, d->device_heads_at), 0, ((size_t)d->device_mask + 1) * head);
        memset(ps_directory_at(d, d->key_heads_at), 0, ((size_t)d->pub_mask + 1) * head);
        memset(ps_directory_at(d, d->name_heads_at), 0, ((size_t)d->pub_mask + 1) * head);
    }
}
