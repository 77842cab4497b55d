#include "wire/packet.h"

#include "wire/frame.h"

#define COOKIE_BYTES 16u
#define OFFER_BYTES  (PS_INITIATE_BYTES - PS_INITIATE_MESSAGE - PS_KEY_BYTES)

static const uint8_t versions[] = {PS_VERSION};

/* The least that a packet of each type has, and the most; 0: there is no such type. */
static const struct {
    uint16_t least, most;
} lengths[] = {
    [PS_PACKET_INITIATE] = {PS_INITIATE_BYTES, PS_DATAGRAM_MAX},
    [PS_PACKET_RESPOND] = {PS_RESPOND_BYTES, PS_INITIATE_BYTES},
    [PS_PACKET_RETRY] = {PS_RETRY_BYTES, PS_RETRY_BYTES},
    [PS_PACKET_DATA] = {PS_PACKET_HEADER + PS_MESSAGE_HEADER + PS_TAG_BYTES, PS_DATAGRAM_MAX},
    [PS_PACKET_RESET] = {PS_PACKET_HEADER, PS_PACKET_HEADER},
    [PS_PACKET_VERSIONS] = {PS_VERSIONS_HEADER + 1, PS_VERSIONS_HEADER + PS_VERSIONS_MAX},
};

static bool sized(const uint8_t *data, size_t len, ps_drop *why)
{
    if (len == 0) {
        *why = PS_DROP_EMPTY;
    } else if (len > PS_DATAGRAM_MAX) {
        *why = PS_DROP_OVERSIZED;
    } else if (data[0] >= sizeof lengths / sizeof *lengths || lengths[data[0]].most == 0) {
        *why = PS_DROP_TYPE;
    } else if (len < lengths[data[0]].least) {
        *why = PS_DROP_TRUNCATED;
    } else if (len > lengths[data[0]].most) {
        *why = PS_DROP_MALFORMED;
    } else {
        return true;
    }
    return false;
}

static size_t body_at(uint8_t type)
{
    switch (type) {
    case PS_PACKET_INITIATE:
        return PS_INITIATE_COOKIE;
    case PS_PACKET_VERSIONS:
        return PS_VERSIONS_HEADER;
    case PS_PACKET_RESET:
        return PS_PACKET_HEADER;
    default:
        return PS_RESPOND_MESSAGE;
    }
}

/* Nearly every packet is DATA. */
static bool is_data(const uint8_t *data, size_t len)
{
    return len >= PS_PACKET_HEADER + PS_MESSAGE_HEADER + PS_TAG_BYTES && len <= PS_DATAGRAM_MAX &&
           data[0] == PS_PACKET_DATA;
}

bool ps_packet_decode(const uint8_t *data, size_t len, ps_packet *out, ps_drop *why)
{
    if (is_data(data, len)) {
        out->type = PS_PACKET_DATA;
        out->version = 0;
        out->receiver_id = ps_load64(data + 1);
        out->counter = ps_load64(data + 9);
        out->body = (ps_span){data + PS_PACKET_HEADER, len - PS_PACKET_HEADER};
        return true;
    }
    if (!sized(data, len, why)) {
        return false;
    }
    const uint8_t type = data[0];
    const size_t at = body_at(type);
    out->type = type;
    out->version = type == PS_PACKET_INITIATE ? data[1] : 0;
    out->receiver_id = ps_load64(data + (type == PS_PACKET_INITIATE ? 2 : 1));
    out->counter = type == PS_PACKET_RESET ? ps_load64(data + 9) : 0;
    out->body = (ps_span){data + at, len - at};
    const bool odd =
        (type == PS_PACKET_INITIATE && data[1] == PS_VERSION && len != PS_INITIATE_BYTES) ||
        (type == PS_PACKET_VERSIONS && data[PS_VERSIONS_HEADER - 1] != len - PS_VERSIONS_HEADER);
    *why = PS_DROP_MALFORMED;
    return !odd;
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
    header(w, PS_PACKET_DATA, receiver_id, counter);
}

void ps_reset_encode(ps_writer *w, uint64_t receiver_id, uint64_t counter)
{
    header(w, PS_PACKET_RESET, receiver_id, counter);
}

uint8_t *ps_initiate_encode(ps_writer *w, uint64_t client_id, const uint8_t *cookie)
{
    uint8_t *p = ps_write(w, PS_INITIATE_BYTES);
    if (p == NULL) {
        return NULL;
    }
    p[0] = PS_PACKET_INITIATE;
    p[1] = PS_VERSION;
    ps_store64(p + 2, client_id);
    memset(p + PS_INITIATE_COOKIE, 0, COOKIE_BYTES);
    if (cookie != NULL) {
        memcpy(p + PS_INITIATE_COOKIE, cookie, COOKIE_BYTES);
    }
    return p + PS_INITIATE_MESSAGE;
}

uint8_t *ps_respond_encode(ps_writer *w, uint64_t client_id)
{
    uint8_t *p = ps_write(w, PS_RESPOND_BYTES);
    if (p == NULL) {
        return NULL;
    }
    p[0] = PS_PACKET_RESPOND;
    ps_store64(p + 1, client_id);
    return p + PS_RESPOND_MESSAGE;
}

void ps_retry_encode(ps_writer *w, uint64_t client_id, const uint8_t cookie[16],
                     const uint8_t key[PS_KEY_BYTES])
{
    uint8_t *p = ps_write(w, PS_RETRY_BYTES);
    if (p) {
        p[0] = PS_PACKET_RETRY;
        ps_store64(p + 1, client_id);
        memcpy(p + 9, cookie, COOKIE_BYTES);
        memcpy(p + 9 + COOKIE_BYTES, key, PS_KEY_BYTES);
    }
}

void ps_versions_encode(ps_writer *w, uint64_t client_id)
{
    uint8_t *p = ps_write(w, PS_VERSIONS_HEADER + sizeof versions);
    if (p) {
        p[0] = PS_PACKET_VERSIONS;
        ps_store64(p + 1, client_id);
        p[PS_VERSIONS_HEADER - 1] = sizeof versions;
        memcpy(p + PS_VERSIONS_HEADER, versions, sizeof versions);
    }
}

void ps_prologue_encode(uint8_t out[PS_PROLOGUE_BYTES], uint64_t client_id)
{
    static const uint8_t name[8] = {'P', 'e', 'e', 'r', 'S', 'y', 'n', 'c'};
    memcpy(out, name, sizeof name);
    out[8] = PS_VERSION;
    ps_store64(out + 9, client_id);
}

void ps_offer_encode(uint8_t *out)
{
    memset(out, 0, OFFER_BYTES);
    out[0] = sizeof versions;
    memcpy(out + 1, versions, sizeof versions);
}

bool ps_offer_fits(ps_span payload, uint8_t version)
{
    ps_reader r = ps_reader_of(payload);
    const ps_span offer = ps_read_span8(&r);
    bool offered = false;
    for (size_t i = 0; i < offer.len; i++) {
        offered = offered || offer.data[i] == version;
        for (size_t k = 0; k < sizeof versions; k++) {
            if (offer.data[i] == versions[k] && versions[k] > version) {
                return false;
            }
        }
    }
    return !r.bad && offer.len <= PS_VERSIONS_MAX && offered;
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
