/* How a peer and a server find out what of a log differs: digests by bucket, then names. */
#include "wire/frame.h"

#define DIGESTS_BODY 1u
/* Generation, first, count. */
#define DIGESTS_OK_FIXED (8u + 1u + 2u)
#define LIST_NAMES_BODY  (8u + PS_BUCKET_BYTES)

bool ps_digests_encode(ps_writer *w, uint32_t request, const ps_digests *m)
{
    uint8_t *p = ps_message_room(w, PS_MSG_DIGESTS, request, DIGESTS_BODY);
    if (!p) {
        return false;
    }
    p[0] = m->first;
    return true;
}

bool ps_digests_decode(ps_span body, ps_digests *m)
{
    if (body.len != DIGESTS_BODY) {
        return false;
    }
    m->first = body.data[0];
    return true;
}

bool ps_digests_ok_encode(ps_writer *w, uint32_t request, uint64_t generation, uint8_t first,
                          const uint64_t digests[])
{
    const size_t used = w->len + PS_MESSAGE_HEADER + DIGESTS_OK_FIXED;
    size_t count = w->cap > used ? (w->cap - used) / 8u : 0;
    if (count > PS_BUCKETS - first) {
        count = PS_BUCKETS - first;
    }
    uint8_t *p = count > 0
                     ? ps_message_room(w, PS_MSG_DIGESTS_OK, request, DIGESTS_OK_FIXED + 8u * count)
                     : NULL;
    if (!p) {
        return false;
    }
    ps_store64(p, generation);
    p[8] = first;
    ps_store16(p + 9, (uint16_t)count);
    for (size_t i = 0; i < count; i++) {
        ps_store64(p + DIGESTS_OK_FIXED + 8u * i, digests[first + i]);
    }
    return true;
}

bool ps_digests_ok_decode(ps_span body, ps_digests_ok *m)
{
    ps_reader r = ps_reader_of(body);
    m->generation = ps_read64(&r);
    m->first = ps_read8(&r);
    m->count = ps_read16(&r);
    m->digests = r;
    return !r.bad && m->count >= 1 && m->count <= PS_BUCKETS - m->first &&
           r.left == 8u * (size_t)m->count;
}

uint64_t ps_digests_ok_next(ps_digests_ok *m)
{
    PS_ASSERT(m->digests.left >= 8);
    return ps_read64(&m->digests);
}

bool ps_list_names_encode(ps_writer *w, uint32_t request, const ps_list_names *m)
{
    uint8_t *p = ps_message_room(w, PS_MSG_LIST_NAMES, request, LIST_NAMES_BODY);
    if (!p) {
        return false;
    }
    ps_store64(p, m->cursor);
    memcpy(p + 8, m->buckets, PS_BUCKET_BYTES);
    return true;
}

bool ps_list_names_decode(ps_span body, ps_list_names *m)
{
    if (body.len != LIST_NAMES_BODY) {
        return false;
    }
    m->cursor = ps_load64(body.data);
    m->buckets = body.data + 8;
    return true;
}
