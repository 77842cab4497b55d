#include "directory/directory.h"

static uint32_t *head_of(const ps_directory *d, ps_span name)
{
    uint32_t *heads = ps_directory_at(d, d->user_heads_at);
    return &heads[ps_siphash(&d->key, name.data, name.len) & d->user_mask];
}

uint32_t ps_user_find(const ps_directory *d, ps_span name)
{
    for (uint32_t at = *head_of(d, name); at != 0;) {
        const ps_user *u = ps_user_at(d, at - 1);
        if (u->name_len == name.len && memcmp(u->name, name.data, name.len) == 0) {
            return at - 1;
        }
        at = u->next;
    }
    return PS_NIL;
}

uint32_t ps_user_add(ps_directory *d, ps_span name)
{
    uint32_t i = ps_slots_take(&d->users, ps_user_at(d, 0), sizeof(ps_user));
    if (i == PS_NIL) {
        return PS_NIL;
    }
    uint32_t *head = head_of(d, name);
    ps_user *u = ps_user_at(d, i);
    *u = (ps_user){.next = *head, .session = PS_NIL, .name_len = (uint8_t)name.len};
    memcpy(u->name, name.data, name.len);
    *head = i + 1;
    return i;
}

void ps_user_release(ps_directory *d, uint32_t user)
{
    ps_user *u = ps_user_at(d, user);
    if (u->devices != 0 || u->session != PS_NIL) {
        return;
    }
    uint32_t *link = head_of(d, ps_user_name(d, user));
    while (*link != user + 1) {
        link = &ps_user_at(d, *link - 1)->next;
    }
    *link = u->next;
    u->name_len = 0;
    ps_slots_give(&d->users, ps_user_at(d, 0), sizeof(ps_user), user);
}
