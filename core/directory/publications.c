#include "directory/directory.h"
#include "util/assert.h"

static uint32_t *key_head(const ps_directory *d, uint32_t device, ps_span name)
{
    uint32_t *heads = ps_directory_at(d, d->key_heads_at);
    uint64_t hash = ps_siphash(&d->key, name.data, name.len);
    return &heads[ps_siphash_u64(&d->key, hash + device) & d->pub_mask];
}

static uint32_t *name_head(const ps_directory *d, ps_span name)
{
    uint32_t *heads = ps_directory_at(d, d->name_heads_at);
    return &heads[ps_siphash(&d->key, name.data, name.len) & d->pub_mask];
}

static bool has_name(const ps_directory *d, uint32_t pub, ps_span name)
{
    return ps_name_is(ps_directory_blocks(d), &ps_pub_at(d, pub)->name, name);
}

uint32_t ps_pub_find(const ps_directory *d, uint32_t device, ps_span name)
{
    for (uint32_t at = *key_head(d, device, name); at != 0;) {
        const ps_pub *p = ps_pub_at(d, at - 1);
        if (p->device == device && has_name(d, at - 1, name)) {
            return at - 1;
        }
        at = p->next;
    }
    return PS_NIL;
}

uint32_t ps_pub_first_named(const ps_directory *d, ps_span name)
{
    for (uint32_t at = *name_head(d, name); at != 0; at = ps_pub_at(d, at - 1)->name_next) {
        if (has_name(d, at - 1, name)) {
            return at - 1;
        }
    }
    return PS_NIL;
}

/* Into the ring of its name, after the first; or it is the first and enters the name's bucket. */
static void ring_insert(ps_directory *d, uint32_t pub, ps_span name)
{
    ps_pub *p = ps_pub_at(d, pub);
    uint32_t first = ps_pub_first_named(d, name);
    if (first == PS_NIL) {
        uint32_t *head = name_head(d, name);
        p->name_next = *head;
        *head = pub + 1;
        p->same_prev = p->same_next = pub;
        return;
    }
    ps_pub *f = ps_pub_at(d, first);
    p->name_next = 0;
    p->same_prev = first;
    p->same_next = f->same_next;
    ps_pub_at(d, f->same_next)->same_prev = pub;
    f->same_next = pub;
}

static void ring_remove(ps_directory *d, uint32_t pub, ps_span name)
{
    ps_pub *p = ps_pub_at(d, pub);
    uint32_t *link = name_head(d, name);
    while (*link != 0 && *link != pub + 1) {
        link = &ps_pub_at(d, *link - 1)->name_next;
    }
    if (*link != 0) { /* It is its name's first: the next of the ring takes its place. */
        if (p->same_next == pub) {
            *link = p->name_next;
        } else {
            ps_pub_at(d, p->same_next)->name_next = p->name_next;
            *link = p->same_next + 1;
        }
    }
    ps_pub_at(d, p->same_prev)->same_next = p->same_next;
    ps_pub_at(d, p->same_next)->same_prev = p->same_prev;
}

static void device_insert(ps_directory *d, uint32_t pub)
{
    ps_pub *p = ps_pub_at(d, pub);
    ps_device *v = ps_device_at(d, p->device);
    p->device_prev = PS_NIL;
    p->device_next = v->newest;
    if (v->newest != PS_NIL) {
        ps_pub_at(d, v->newest)->device_prev = pub;
    }
    v->newest = pub;
}

static void device_remove(ps_directory *d, uint32_t pub)
{
    const ps_pub *p = ps_pub_at(d, pub);
    if (p->device_prev == PS_NIL) {
        ps_device_at(d, p->device)->newest = p->device_next;
    } else {
        ps_pub_at(d, p->device_prev)->device_next = p->device_next;
    }
    if (p->device_next != PS_NIL) {
        ps_pub_at(d, p->device_next)->device_prev = p->device_prev;
    }
}

bool ps_pub_fits(const ps_directory *d, ps_span name)
{
    return d->pubs.used < d->pubs.cap && ps_name_fits(&d->names, name.len);
}

ps_error ps_pub_add(ps_directory *d, uint32_t device, ps_span name, const ps_content *content)
{
    if (!ps_pub_fits(d, name)) {
        return PS_E_FULL;
    }
    const uint32_t i = ps_slots_take(&d->pubs, ps_pub_at(d, 0), sizeof(ps_pub));
    ps_pub *p = ps_pub_at(d, i);
    const bool put = ps_name_put(&d->names, ps_directory_blocks(d), &p->name, name);
    PS_ASSERT(put);
    (void)put;
    uint32_t *head = key_head(d, device, name);
    p->next = *head;
    *head = i + 1;
    p->device = device;
    p->serial = ++d->last_serial;
    p->content = *content;
    ring_insert(d, i, name);
    ps_order_append(d, i);
    device_insert(d, i);
    ps_device *v = ps_device_at(d, device);
    v->publications++;
    ps_user_at(d, v->user)->publications++;
    ps_digest_add(d, i);
    return PS_E_NONE;
}

void ps_pub_remove(ps_directory *d, uint32_t pub)
{
    uint8_t scratch[PS_NAME_MAX];
    ps_pub *p = ps_pub_at(d, pub);
    ps_span name = ps_pub_name(d, pub, scratch);
    ps_digest_take(d, pub);
    device_remove(d, pub);
    ps_order_remove(d, pub);
    ring_remove(d, pub, name);
    uint32_t *link = key_head(d, p->device, name);
    while (*link != pub + 1) {
        link = &ps_pub_at(d, *link - 1)->next;
    }
    *link = p->next;
    ps_device *v = ps_device_at(d, p->device);
    v->publications--;
    ps_user_at(d, v->user)->publications--;
    ps_name_drop(&d->names, ps_directory_blocks(d), &p->name);
    p->device = PS_NIL;
    ps_slots_give(&d->pubs, ps_pub_at(d, 0), sizeof(ps_pub), pub);
}
