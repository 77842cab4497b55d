#include "directory/directory.h"

static uint32_t *head_of(const ps_directory *d, uint32_t user, const uint8_t id[PS_DEVICE_BYTES])
{
    uint8_t key[PS_DEVICE_BYTES + 4];
    memcpy(key, id, PS_DEVICE_BYTES);
    key[16] = (uint8_t)user;
    key[17] = (uint8_t)(user >> 8);
    key[18] = (uint8_t)(user >> 16);
    key[19] = (uint8_t)(user >> 24);
    uint32_t *heads = ps_directory_at(d, d->device_heads_at);
    return &heads[ps_siphash(&d->key, key, sizeof key) & d->device_mask];
}

uint32_t ps_device_find(const ps_directory *d, uint32_t user, const uint8_t id[PS_DEVICE_BYTES])
{
    for (uint32_t at = *head_of(d, user, id); at != 0;) {
        const ps_device *v = ps_device_at(d, at - 1);
        if (v->user == user && memcmp(v->id, id, PS_DEVICE_BYTES) == 0) {
            return at - 1;
        }
        at = v->next;
    }
    return PS_NIL;
}

uint32_t ps_device_add(ps_directory *d, uint32_t user, const uint8_t id[PS_DEVICE_BYTES])
{
    uint32_t i = ps_slots_take(&d->devices, ps_device_at(d, 0), sizeof(ps_device));
    if (i == PS_NIL) {
        return PS_NIL;
    }
    uint32_t *head = head_of(d, user, id);
    ps_device *v = ps_device_at(d, i);
    *v = (ps_device){.next = *head, .user = user, .newest = PS_NIL};
    memcpy(v->id, id, PS_DEVICE_BYTES);
    *head = i + 1;
    ps_user_at(d, user)->devices++;
    return i;
}

void ps_device_release(ps_directory *d, uint32_t device)
{
    ps_device *v = ps_device_at(d, device);
    if (v->publications != 0 || v->sessions != 0) {
        return;
    }
    uint32_t *link = head_of(d, v->user, v->id);
    while (*link != device + 1) {
        link = &ps_device_at(d, *link - 1)->next;
    }
    *link = v->next;
    uint32_t user = v->user;
    v->user = PS_NIL;
    ps_slots_give(&d->devices, ps_device_at(d, 0), sizeof(ps_device), device);
    ps_user_at(d, user)->devices--;
    ps_user_release(d, user);
}
