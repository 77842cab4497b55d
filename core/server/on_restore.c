/* RESTORE and STORE: what the host's store remembers, and whether it can take more. */
#include "server/server_internal.h"

/* The record's device, made where it is missing; PS_NIL: no room. */
static uint32_t device_of(ps_directory *d, const ps_input_restore *in)
{
    uint32_t user = ps_user_find(d, in->user);
    if (user == PS_NIL) {
        user = ps_user_add(d, in->user);
    }
    if (user == PS_NIL) {
        return PS_NIL;
    }
    uint32_t device = ps_device_find(d, user, in->device);
    if (device == PS_NIL) {
        device = ps_device_add(d, user, in->device);
    }
    if (device == PS_NIL) {
        ps_user_release(d, user);
    }
    return device;
}

static bool possible(const ps_input_restore *in)
{
    return ps_user_check(in->user) == PS_NAME_OK && ps_name_check(in->name) == PS_NAME_OK &&
           in->generation != 0 && in->content.length <= PS_FILE_MAX;
}

/* A device without publications is forgotten, and its log's position with it: its peer begins anew.
 */
static bool restore(ps_server *s, const ps_input_restore *in)
{
    ps_directory *d = &s->directory;
    const uint32_t device = possible(in) ? device_of(d, in) : PS_NIL;
    if (device == PS_NIL) {
        return false;
    }
    ps_device *v = ps_device_at(d, device);
    bool good = v->sessions == 0 && in->generation > v->generation;
    if (good) {
        const uint32_t pub = ps_pub_find(d, device, in->name);
        if (!in->published && pub != PS_NIL) {
            ps_pub_remove(d, pub);
        } else if (in->published && pub != PS_NIL) {
            ps_digest_replace(d, pub, &in->content);
        } else if (in->published) {
            good = ps_pub_add(d, device, in->name, &in->content) == PS_E_NONE;
        }
    }
    if (good) {
        v->generation = in->generation;
    }
    ps_device_release(d, device);
    return good;
}

void ps_on_restore(ps_server *s, const ps_input_restore *in)
{
    if (restore(s, in)) {
        s->stats.restored++;
    } else {
        s->stats.restores_refused++;
    }
}
