#include "wire/frame.h"

/* Flags and content. */
#define SOURCE_FIXED (1u + PS_CONTENT_BYTES)
/* A user, addresses, a ticket and its key, each with its length or count, as long as they get. */
#define SOURCE_REST                                                                                \
    (1u + PS_USER_MAX + 1u + PS_SOURCE_ADDRS * (2u + 19u) + 1u + PS_KEY_BYTES + PS_FILE_TICKET_MAX)

_Static_assert(PS_PACKET_HEADER + PS_MESSAGE_HEADER + 9u + SOURCE_FIXED + SOURCE_REST +
                       PS_TAG_BYTES <=
                   PS_DATAGRAM_MIN,
               "a source fits the smallest datagram: a list gets on");

bool ps_locate_encode(ps_writer *w, uint32_t request, const ps_locate *m)
{
    PS_ASSERT(m->name.len >= 1 && m->name.len <= PS_NAME_MAX);
    uint8_t *p = ps_message_room(w, PS_MSG_LOCATE, request, 8 + 1 + m->name.len);
    if (!p) {
        return false;
    }
    ps_store64(p, m->cursor);
    (void)ps_store_span8(p + 8, m->name);
    return true;
}

bool ps_locate_decode(ps_span body, ps_locate *m)
{
    ps_reader r = ps_reader_of(body);
    m->cursor = ps_read64(&r);
    m->name = ps_read_span8(&r);
    return !r.bad && r.left == 0 && m->name.len >= 1;
}

/* An address of a source: kind u8, length u8, then as many bytes. */
static uint8_t *store_candidate(uint8_t *p, uint8_t kind, const ps_addr *addr)
{
    const size_t bytes = ps_addr_bytes(addr);
    p[0] = kind;
    p[1] = (uint8_t)bytes;
    ps_writer w = {.base = p + 2, .cap = bytes};
    ps_addr_encode(&w, addr);
    return p + 2 + bytes;
}

bool ps_page_add_source(ps_writer *w, ps_page_writer *pw, const ps_source *source)
{
    PS_ASSERT(source->user.len >= 1 && source->user.len <= PS_USER_MAX);
    PS_ASSERT(source->addrs_count <= PS_SOURCE_ADDRS);
    PS_ASSERT(source->ticket.len <= PS_FILE_TICKET_MAX);
    PS_ASSERT(source->key.len == (source->ticket.len > 0 ? PS_KEY_BYTES : 0));
    size_t bytes = SOURCE_FIXED + 1 + source->user.len + 1 + 1;
    bytes += source->key.len + source->ticket.len;
    for (uint32_t i = 0; i < source->addrs_count; i++) {
        PS_ASSERT(source->addrs[i].addr.family != PS_ADDR_NONE);
        bytes += 2 + ps_addr_bytes(&source->addrs[i].addr);
    }
    uint8_t *p = pw->count < PS_PAGE_ENTRIES ? ps_entry_room(w, bytes) : NULL;
    if (!p) {
        return false;
    }
    p[0] = ps_owner_flags(source->active, source->own);
    p = ps_store_span8(ps_store_content(p + 1, &source->content), source->user);
    *p++ = source->addrs_count;
    for (uint32_t i = 0; i < source->addrs_count; i++) {
        p = store_candidate(p, source->addrs[i].kind, &source->addrs[i].addr);
    }
    *p++ = (uint8_t)source->ticket.len;
    if (source->ticket.len > 0) {
        memcpy(p, source->key.data, PS_KEY_BYTES);
        memcpy(p + PS_KEY_BYTES, source->ticket.data, source->ticket.len);
    }
    pw->count++;
    return true;
}

static bool is_known(uint8_t kind)
{
    return kind >= PS_ADDR_OBSERVED && kind <= PS_ADDR_RELAY;
}

/* Takes one address over, or skips it when its kind is unknown or no room is left for it. */
static void read_candidate(ps_reader *r, ps_source *source)
{
    const uint8_t kind = ps_read8(r);
    ps_reader bytes = ps_reader_of(ps_read_span8(r));
    if (r->bad || !is_known(kind)) {
        return;
    }
    ps_addr addr;
    ps_addr_decode(&bytes, &addr);
    if (bytes.bad || bytes.left != 0 || addr.family == PS_ADDR_NONE) {
        r->bad = true;
    } else if (source->addrs_count < PS_SOURCE_ADDRS) {
        source->addrs[source->addrs_count].kind = kind;
        source->addrs[source->addrs_count].addr = addr;
        source->addrs_count++;
    }
}

static void read_ticket(ps_reader *r, ps_source *source)
{
    const size_t len = ps_read8(r);
    if (len == 0) {
        return;
    }
    source->key = (ps_span){ps_read(r, PS_KEY_BYTES), PS_KEY_BYTES};
    source->ticket = (ps_span){ps_read(r, len), len};
    if (len > PS_FILE_TICKET_MAX) {
        r->bad = true;
    }
}

bool ps_page_next_source(ps_page *m, ps_source *source)
{
    ps_reader *r = &m->entries;
    if (r->left == 0) {
        return false;
    }
    *source = (ps_source){0};
    const uint8_t *p = ps_read(r, SOURCE_FIXED);
    if (!p) {
        return false;
    }
    source->active = (p[0] & PS_OWNER_ACTIVE) != 0;
    source->own = (p[0] & PS_OWNER_SELF) != 0;
    ps_load_content(p + 1, &source->content);
    source->user = ps_read_span8(r);
    if (source->user.len == 0 || source->user.len > PS_USER_MAX) {
        r->bad = true;
    }
    for (uint32_t left = ps_read8(r); left > 0 && !r->bad; left--) {
        read_candidate(r, source);
    }
    read_ticket(r, source);
    return !r->bad;
}
