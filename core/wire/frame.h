/* What every encoder and decoder of this folder begins with; nothing outside of it needs this. */
#ifndef PS_WIRE_FRAME_H
#define PS_WIRE_FRAME_H

#include "util/assert.h"
#include "wire/messages.h"

#define PS_CONTENT_BYTES (8u + PS_ROOT_BYTES)

static inline void ps_store_message_header(uint8_t *p, ps_message_type type, size_t body,
                                           uint32_t request)
{
    p[0] = (uint8_t)type;
    p[1] = 0;
    ps_store16(p + 2, (uint16_t)body);
    ps_store32(p + 4, request);
}

/* Appends a message's header and room for its body; returns the body, or NULL with nothing changed.
 * Encoders of one piece know their size beforehand and need no rolling back. */
static inline uint8_t *ps_message_room(ps_writer *w, ps_message_type type, uint32_t request,
                                       size_t body)
{
    if (w->full || PS_MESSAGE_HEADER + body > w->cap - w->len) {
        return NULL;
    }
    uint8_t *p = w->base + w->len;
    w->len += PS_MESSAGE_HEADER + body;
    ps_store_message_header(p, type, body, request);
    return p + PS_MESSAGE_HEADER;
}

/* Room for n bytes of an entry, or NULL with nothing changed: not even `full`, for the message goes
 * on without the entry. */
static inline uint8_t *ps_entry_room(ps_writer *w, size_t n)
{
    return w->full || n > w->cap - w->len ? NULL : ps_write(w, n);
}

/* Stores a length byte and the bytes; returns what follows. */
static inline uint8_t *ps_store_span8(uint8_t *p, ps_span s)
{
    PS_ASSERT(s.len <= 255);
    p[0] = (uint8_t)s.len;
    if (s.len > 0) {
        memcpy(p + 1, s.data, s.len);
    }
    return p + 1 + s.len;
}

static inline uint8_t *ps_store_content(uint8_t *p, const ps_content *content)
{
    ps_store64(p, content->length);
    memcpy(p + 8, content->root, PS_ROOT_BYTES);
    return p + PS_CONTENT_BYTES;
}

/* `p` has PS_CONTENT_BYTES. */
static inline void ps_load_content(const uint8_t *p, ps_content *content)
{
    content->length = ps_load64(p);
    memcpy(content->root, p + 8, PS_ROOT_BYTES);
}

/* Flags of a file or source: what its owner is. Other bits are sent as 0 and ignored. */
enum { PS_OWNER_ACTIVE = 1, PS_OWNER_SELF = 2 };

static inline uint8_t ps_owner_flags(bool active, bool self)
{
    return (uint8_t)((active ? PS_OWNER_ACTIVE : 0) | (self ? PS_OWNER_SELF : 0));
}

/* Bytes of an address on the wire. */
static inline size_t ps_addr_bytes(const ps_addr *addr)
{
    return addr->family == PS_ADDR_V6 ? 19 : addr->family == PS_ADDR_V4 ? 7 : 1;
}

#endif
