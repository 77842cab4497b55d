/* Packets, numbers, messages and lists written into room of any size: whole, or not at all; and
 * what is too much for any room is refused. The first two bytes choose a packet or a number and its
 * room, the third something longer instead. */
#include "harness.h"
#include "wire/messages.h"

enum { REQUEST = 0x01020304 };

/* Into less room than a packet or a number needs, nothing is written. */
static void short_packet(tape *t)
{
    static const uint8_t zeros[PS_INITIATE_BYTES];
    const uint8_t kind = take8(t);
    const size_t cap = take8(t);
    static const size_t needs[] = {PS_INITIATE_BYTES,
                                   PS_RESPOND_BYTES,
                                   PS_RETRY_BYTES,
                                   PS_VERSIONS_HEADER + 1,
                                   PS_PACKET_HEADER,
                                   PS_PACKET_HEADER,
                                   1,
                                   2,
                                   4,
                                   8,
                                   16,
                                   PS_MESSAGE_HEADER};
    const size_t need = needs[kind % 12u];
    uint8_t *room = malloc(cap + 1);
    must(room != NULL);
    memset(room, 0xa7, cap + 1);
    ps_writer w = {.base = room, .cap = cap, .full = kind >= 240};
    const bool fits = cap >= need && !w.full;
    ps_message_mark mark;
    bool ended = true;
    switch (kind % 12u) {
    case 0:
        must((ps_initiate_encode(&w, 7, NULL) != NULL) == fits);
        break;
    case 1:
        must((ps_respond_encode(&w, 7) != NULL) == fits);
        break;
    case 2:
        ps_retry_encode(&w, 7, zeros, zeros);
        break;
    case 3:
        ps_versions_encode(&w, 7);
        break;
    case 4:
        ps_packet_encode(&w, 7, 8);
        break;
    case 5:
        ps_reset_encode(&w, 7, 8);
        break;
    case 6:
        ps_write8(&w, 1);
        break;
    case 7:
        ps_write16(&w, 1);
        break;
    case 8:
        ps_write32(&w, 1);
        break;
    case 9:
        ps_write64(&w, 1);
        break;
    case 10:
        ps_write_bytes(&w, zeros, need);
        break;
    default:
        mark = ps_message_begin(&w, PS_MSG_LOGOUT, REQUEST);
        ended = ps_message_end(&w, mark);
        break;
    }
    must(ended == fits || kind % 12u != 11);
    must(w.len == (fits ? need : 0));
    must(w.full == (kind % 12u == 11 ? kind >= 240 : !fits) && room[cap] == 0xa7);
    free(room);
}

/* A writer over `cap` bytes of its own, behind which one is nobody's to write. */
static ps_writer writer_of(size_t cap)
{
    ps_writer w = {.base = malloc(cap + 1), .cap = cap};
    must(w.base != NULL);
    w.base[cap] = 0xa7;
    return w;
}

static void writer_free(const ps_writer *w)
{
    must(w->len <= w->cap && w->base[w->cap] == 0xa7);
    free(w->base);
}

static const uint8_t letters[PS_NAME_MAX] = {'a', 'b', 'c'};

static bool add_entry(ps_writer *w, ps_page_writer *page, ps_message_type type, size_t len)
{
    const ps_span name = {letters, len};
    const ps_span user = {letters, len < PS_USER_MAX ? len : PS_USER_MAX};
    if (type == PS_MSG_PEERS) {
        return ps_page_add_peer(w, page, user);
    }
    if (type == PS_MSG_NAMES) {
        return ps_page_add_name(w, page, name);
    }
    if (type == PS_MSG_FILES) {
        const ps_file file = {.user = user, .name = name};
        return ps_page_add_file(w, page, &file);
    }
    const ps_source source = {.user = user};
    return ps_page_add_source(w, page, &source);
}

/* Entries until one is refused: for want of room, for their number, or because something was lost
 * before. The page holds the others. */
static void fill_page(tape *t)
{
    static const ps_message_type types[] = {PS_MSG_PEERS, PS_MSG_FILES, PS_MSG_SOURCES,
                                            PS_MSG_NAMES};
    const ps_message_type type = types[take8(t) % 4u];
    const uint8_t full_at = take8(t); /* As soon as so many are in. */
    ps_writer w = writer_of(take8(t) * 64u);
    ps_page_writer page;
    ps_page read;
    if (ps_page_begin(&w, &page, type, REQUEST)) {
        uint32_t added = 0;
        size_t before = w.len;
        w.full = full_at == 0;
        while (add_entry(&w, &page, type, 1u + take8(t) % PS_NAME_MAX)) {
            must(w.len > before && !w.full);
            before = w.len;
            w.full = ++added == full_at;
        }
        must(w.len == before && w.full == (added == full_at) && added <= PS_PAGE_ENTRIES);
        w.full = false;
        must(ps_page_end(&w, &page, 7));
        must(ps_page_decode(type, (ps_span){w.base + PS_MESSAGE_HEADER, w.len - PS_MESSAGE_HEADER},
                            &read));
        must(read.count == added && read.next == 7);
    }
    writer_free(&w);
}

/* The same with PUBLISH and UNPUBLISH, which without an entry are none. */
static void fill_changes(tape *t)
{
    const uint8_t how = take8(t);
    const ps_message_type type = how & 1u ? PS_MSG_PUBLISH : PS_MSG_UNPUBLISH;
    const uint32_t most = how >> 1;
    ps_writer w = writer_of(take8(t) * 64u);
    ps_changes_writer changes;
    ps_changes read;
    if (ps_changes_begin(&w, &changes, type, REQUEST, 1)) {
        uint32_t added = 0;
        while (added < most) {
            const ps_publication entry = {.name = {letters, take8(t)}};
            if (!ps_changes_add(&w, &changes, &entry)) {
                break;
            }
            added++;
        }
        must(added <= PS_PAGE_ENTRIES && ps_changes_end(&w, &changes) == (added > 0));
        must(added > 0 || w.len == 0);
        must(added == 0 ||
             (ps_changes_decode(
                  type, (ps_span){w.base + PS_MESSAGE_HEADER, w.len - PS_MESSAGE_HEADER}, &read) &&
              read.count == added));
    }
    writer_free(&w);
}

static void address(tape *t)
{
    static const uint8_t families[] = {PS_ADDR_NONE, PS_ADDR_V4, PS_ADDR_V6};
    static const size_t needs[] = {1, 7, 19};
    const uint8_t kind = take8(t) % 3u;
    ps_writer w = writer_of(take8(t) % 32u);
    const ps_addr addr = {.family = families[kind], .port = 7};
    ps_addr_encode(&w, &addr);
    must(w.full == (w.cap < needs[kind]) && w.len == (w.full ? 0 : needs[kind]));
    writer_free(&w);
}

/* A body longer than a message's length can say takes the message back. */
static void long_message(tape *t)
{
    static const uint8_t part[256];
    ps_writer w = writer_of(PS_MESSAGE_HEADER + 70000);
    size_t body = take8(t) * 256u + take8(t);
    body += take8(t) & 1u ? 4000 : 0;
    const ps_message_mark mark = ps_message_begin(&w, PS_MSG_ERROR, REQUEST);
    for (size_t at = 0; at < body;) {
        const size_t n = body - at < sizeof part ? body - at : sizeof part;
        ps_write_bytes(&w, part, n);
        at += n;
    }
    const bool fits = body <= UINT16_MAX;
    must(ps_message_end(&w, mark) == fits && !w.full);
    must(w.len == (fits ? PS_MESSAGE_HEADER + body : 0));
    writer_free(&w);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static void (*const parts[])(tape *) = {fill_page, fill_changes, address, long_message};
    tape t = {data, size};
    if (size > 2 && data[2] != 0) {
        t = (tape){data + 3, size - 3};
        parts[data[2] % 4u](&t);
    } else {
        short_packet(&t);
    }
    return 0;
}
