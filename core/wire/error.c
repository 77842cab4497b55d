#include "wire/frame.h"

bool ps_error_encode(ps_writer *w, uint32_t request, const ps_error_message *m)
{
    PS_ASSERT(m->code != PS_E_NONE);
    PS_ASSERT(m->text.len <= PS_TEXT_MAX);
    uint8_t *p = ps_message_room(w, PS_MSG_ERROR, request, 2 + 4 + 1 + m->text.len);
    if (!p) {
        return false;
    }
    ps_store16(p, m->code);
    ps_store32(p + 2, m->retry_ms);
    (void)ps_store_span8(p + 6, m->text);
    return true;
}

/* An error that says "no error" is malformed: nobody shall take it for success. */
bool ps_error_decode(ps_span body, ps_error_message *m)
{
    ps_reader r = ps_reader_of(body);
    m->code = ps_read16(&r);
    m->retry_ms = ps_read32(&r);
    m->text = ps_read_span8(&r);
    return !r.bad && r.left == 0 && m->code != PS_E_NONE && m->text.len <= PS_TEXT_MAX;
}
