#include "wire/frame.h"

/* Generation and count. */
#define CHANGES_FIXED 9u
/* Generation and count; then index and error of each. */
#define PUBLISHED_FIXED 9u
#define REFUSAL_BYTES   3u

/* Bytes of an entry before its name's length. */
static size_t entry_fixed(ps_message_type type)
{
    return type == PS_MSG_PUBLISH ? PS_CONTENT_BYTES : 0;
}

bool ps_changes_begin(ps_writer *w, ps_changes_writer *cw, ps_message_type type, uint32_t request,
                      uint64_t generation)
{
    PS_ASSERT(type == PS_MSG_PUBLISH || type == PS_MSG_UNPUBLISH);
    PS_ASSERT(generation != 0);
    *cw = (ps_changes_writer){.mark = {.at = w->len}, .type = (uint8_t)type};
    uint8_t *p = ps_message_room(w, type, request, CHANGES_FIXED);
    if (!p) {
        return false;
    }
    ps_store64(p, generation);
    p[8] = 0;
    cw->count_at = w->len - 1;
    return true;
}

bool ps_changes_add(ps_writer *w, ps_changes_writer *cw, const ps_publication *entry)
{
    PS_ASSERT(entry->name.len <= PS_NAME_MAX);
    const size_t fixed = entry_fixed((ps_message_type)cw->type);
    if (cw->count == PS_PAGE_ENTRIES) {
        return false;
    }
    uint8_t *p = ps_entry_room(w, fixed + 1 + entry->name.len);
    if (!p) {
        return false;
    }
    if (fixed != 0) {
        p = ps_store_content(p, &entry->content);
    }
    (void)ps_store_span8(p, entry->name);
    cw->count++;
    return true;
}

bool ps_changes_end(ps_writer *w, ps_changes_writer *cw)
{
    if (cw->count == 0) {
        w->len = cw->mark.at;
        return false;
    }
    w->base[cw->count_at] = cw->count;
    return ps_message_end(w, cw->mark);
}

bool ps_changes_decode(ps_message_type type, ps_span body, ps_changes *m)
{
    ps_reader r = ps_reader_of(body);
    const size_t fixed = entry_fixed(type);
    m->generation = ps_read64(&r);
    m->count = ps_read8(&r);
    if (r.bad || m->count == 0 || m->count > PS_PAGE_ENTRIES || m->generation == 0 ||
        m->generation > UINT64_MAX - m->count) {
        return false;
    }
    m->entries = r;
    for (uint32_t i = 0; i < m->count; i++) {
        (void)ps_read(&r, fixed);
        (void)ps_read(&r, ps_read8(&r));
    }
    return !r.bad && r.left == 0;
}

bool ps_changes_next(ps_message_type type, ps_changes *m, ps_publication *entry)
{
    if (m->entries.left == 0) {
        return false;
    }
    *entry = (ps_publication){0};
    if (type == PS_MSG_PUBLISH) {
        const uint8_t *p = ps_read(&m->entries, PS_CONTENT_BYTES);
        PS_ASSERT(p != NULL);
        ps_load_content(p, &entry->content);
    }
    entry->name = ps_read_span8(&m->entries);
    PS_ASSERT(!m->entries.bad);
    return true;
}

bool ps_published_encode(ps_writer *w, uint32_t request, uint64_t generation,
                         const ps_refusal *refusals, size_t count)
{
    PS_ASSERT(count <= PS_PAGE_ENTRIES);
    uint8_t *p =
        ps_message_room(w, PS_MSG_PUBLISHED, request, PUBLISHED_FIXED + count * REFUSAL_BYTES);
    if (!p) {
        return false;
    }
    ps_store64(p, generation);
    p[8] = (uint8_t)count;
    p += PUBLISHED_FIXED;
    for (size_t i = 0; i < count; i++, p += REFUSAL_BYTES) {
        p[0] = refusals[i].index;
        ps_store16(p + 1, refusals[i].error);
    }
    return true;
}

bool ps_published_decode(ps_span body, ps_published *m)
{
    ps_reader r = ps_reader_of(body);
    m->generation = ps_read64(&r);
    m->count = ps_read8(&r);
    m->refusals = r;
    return !r.bad && m->count <= PS_PAGE_ENTRIES && r.left == m->count * REFUSAL_BYTES;
}

bool ps_published_next(ps_published *m, ps_refusal *refusal)
{
    if (m->refusals.left == 0) {
        return false;
    }
    refusal->index = ps_read8(&m->refusals);
    refusal->error = ps_read16(&m->refusals);
    PS_ASSERT(!m->refusals.bad);
    return true;
}
