#include "wire/frame.h"

#define HEARTBEAT_BODY    16u
#define HEARTBEAT_OK_BODY 24u

bool ps_heartbeat_encode(ps_writer *w, uint32_t request, const ps_heartbeat *m)
{
    uint8_t *p = ps_message_room(w, PS_MSG_HEARTBEAT, request, HEARTBEAT_BODY);
    if (!p) {
        return false;
    }
    ps_store64(p, m->generation);
    ps_store64(p + 8, m->digest);
    return true;
}

bool ps_heartbeat_decode(ps_span body, ps_heartbeat *m)
{
    if (body.len != HEARTBEAT_BODY) {
        return false;
    }
    m->generation = ps_load64(body.data);
    m->digest = ps_load64(body.data + 8);
    return true;
}

bool ps_heartbeat_ok_encode(ps_writer *w, uint32_t request, const ps_heartbeat_ok *m)
{
    uint8_t *p = ps_message_room(w, PS_MSG_HEARTBEAT_OK, request, HEARTBEAT_OK_BODY);
    if (!p) {
        return false;
    }
    ps_store64(p, m->generation);
    ps_store64(p + 8, m->digest);
    ps_store64(p + 16, m->wall_s);
    return true;
}

bool ps_heartbeat_ok_decode(ps_span body, ps_heartbeat_ok *m)
{
    if (body.len != HEARTBEAT_OK_BODY) {
        return false;
    }
    m->generation = ps_load64(body.data);
    m->digest = ps_load64(body.data + 8);
    m->wall_s = ps_load64(body.data + 16);
    return true;
}
