#include "wire/packet.h"

#include "wire/frame.h"

/* Why something that is no PLAIN packet is none. */
static ps_drop fault_of(const uint8_t *data, size_t len)
{
    if (len == 0) {
        return PS_DROP_EMPTY;
    }
    if (len > PS_DATAGRAM_MAX) {
        return PS_DROP_OVERSIZED;
    }
    if (data[0] != PS_PACKET_PLAIN && data[0] != PS_PACKET_RESET) {
        return PS_DROP_TYPE;
    }
    return len < PS_PACKET_HEADER ? PS_DROP_TRUNCATED : PS_DROP_MALFORMED;
}

bool ps_packet_decode(const uint8_t *data, size_t len, ps_packet *out, ps_drop *why)
{
    const bool plain =
        len >= PS_PACKET_HEADER && len <= PS_DATAGRAM_MAX && data[0] == PS_PACKET_PLAIN;
    const bool reset = len == PS_PACKET_HEADER && data[0] == PS_PACKET_RESET;
    if (!plain && !reset) {
        *why = fault_of(data, len);
        return false;
    }
    out->type = data[0];
    out->receiver_id = ps_load64(data + 1);
    out->counter = ps_load64(data + 9);
    out->messages = (ps_span){data + PS_PACKET_HEADER, len - PS_PACKET_HEADER};
    return true;
}

static void header(ps_writer *w, uint8_t type, uint64_t receiver_id, uint64_t counter)
{
    uint8_t *p = ps_write(w, PS_PACKET_HEADER);
    if (p) {
        p[0] = type;
        ps_store64(p + 1, receiver_id);
        ps_store64(p + 9, counter);
    }
}

void ps_packet_encode(ps_writer *w, uint64_t receiver_id, uint64_t counter)
{
    header(w, PS_PACKET_PLAIN, receiver_id, counter);
}

void ps_reset_encode(ps_writer *w, uint64_t receiver_id, uint64_t counter)
{
    header(w, PS_PACKET_RESET, receiver_id, counter);
}

bool ps_message_decode(ps_reader *r, ps_message *out)
{
    if (r->bad || r->left == 0) {
        return false;
    }
    const uint8_t *p = r->at;
    if (r->left < PS_MESSAGE_HEADER || r->left - PS_MESSAGE_HEADER < ps_load16(p + 2)) {
        r->bad = true;
        return false;
    }
    out->type = p[0];
    out->request = ps_load32(p + 4);
    out->body = (ps_span){p + PS_MESSAGE_HEADER, ps_load16(p + 2)};
    r->at = p + PS_MESSAGE_HEADER + out->body.len;
    r->left -= PS_MESSAGE_HEADER + out->body.len;
    return true;
}

/* A writer that was full before has lost something else: its message fails, and it stays full. */
#define ALREADY_FULL SIZE_MAX

ps_message_mark ps_message_begin(ps_writer *w, ps_message_type type, uint32_t request)
{
    const ps_message_mark mark = {.at = w->full ? ALREADY_FULL : w->len};
    uint8_t *p = ps_write(w, PS_MESSAGE_HEADER);
    if (p) {
        ps_store_message_header(p, type, 0, request);
    }
    return mark;
}

bool ps_message_end(ps_writer *w, ps_message_mark mark)
{
    if (mark.at == ALREADY_FULL) {
        return false;
    }
    if (w->full || w->len - mark.at - PS_MESSAGE_HEADER > UINT16_MAX) {
        w->len = mark.at;
        w->full = false;
        return false;
    }
    ps_store16(w->base + mark.at + 2, (uint16_t)(w->len - mark.at - PS_MESSAGE_HEADER));
    return true;
}
