#include "wire/frame.h"

#define CHALLENGE_BODY 8u

bool ps_challenge_encode(ps_writer *w, ps_message_type type, uint32_t request, uint64_t nonce)
{
    PS_ASSERT(type == PS_MSG_CHALLENGE || type == PS_MSG_CHALLENGE_OK);
    uint8_t *p = ps_message_room(w, type, request, CHALLENGE_BODY);
    if (!p) {
        return false;
    }
    ps_store64(p, nonce);
    return true;
}

bool ps_challenge_decode(ps_span body, uint64_t *nonce)
{
    if (body.len != CHALLENGE_BODY) {
        return false;
    }
    *nonce = ps_load64(body.data);
    return true;
}

bool ps_push_encode(ps_writer *w, uint32_t request, const ps_push *m)
{
    PS_ASSERT(m->data.len <= 255);
    uint8_t *p = ps_message_room(w, PS_MSG_PUSH, request, 2 + m->data.len);
    if (!p) {
        return false;
    }
    p[0] = m->kind;
    (void)ps_store_span8(p + 1, m->data);
    return true;
}

bool ps_push_decode(ps_span body, ps_push *m)
{
    ps_reader r = ps_reader_of(body);
    m->kind = ps_read8(&r);
    m->data = ps_read_span8(&r);
    return !r.bad && r.left == 0;
}

bool ps_push_ok_encode(ps_writer *w, uint32_t request)
{
    return ps_message_room(w, PS_MSG_PUSH_OK, request, 0) != NULL;
}

bool ps_push_ok_decode(ps_span body)
{
    return body.len == 0;
}
