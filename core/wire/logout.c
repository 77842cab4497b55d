#include "wire/frame.h"

bool ps_logout_encode(ps_writer *w, ps_message_type type, uint32_t request)
{
    PS_ASSERT(type == PS_MSG_LOGOUT || type == PS_MSG_LOGOUT_OK);
    return ps_message_room(w, type, request, 0) != NULL;
}

bool ps_logout_decode(ps_span body)
{
    return body.len == 0;
}
