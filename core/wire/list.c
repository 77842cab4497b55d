#include "wire/frame.h"

/* `next` and the count. */
#define PAGE_FIXED 9u
/* Flags and content. */
#define FILE_FIXED (1u + PS_CONTENT_BYTES)

bool ps_list_encode(ps_writer *w, ps_message_type type, uint32_t request, const ps_list *m)
{
    const bool search = type == PS_MSG_SEARCH;
    PS_ASSERT(search || type == PS_MSG_LIST_PEERS || type == PS_MSG_LIST_FILES);
    PS_ASSERT(search ? m->text.len >= 1 && m->text.len <= PS_SEARCH_MAX : m->text.len == 0);
    uint8_t *p = ps_message_room(w, type, request, 8 + (search ? 1 + m->text.len : 0));
    if (!p) {
        return false;
    }
    ps_store64(p, m->cursor);
    if (search) {
        (void)ps_store_span8(p + 8, m->text);
    }
    return true;
}

bool ps_list_decode(ps_message_type type, ps_span body, ps_list *m)
{
    ps_reader r = ps_reader_of(body);
    *m = (ps_list){.cursor = ps_read64(&r)};
    if (type == PS_MSG_SEARCH) {
        m->text = ps_read_span8(&r);
        if (m->text.len == 0 || m->text.len > PS_SEARCH_MAX) {
            return false;
        }
    }
    return !r.bad && r.left == 0;
}

bool ps_page_begin(ps_writer *w, ps_page_writer *pw, ps_message_type type, uint32_t request)
{
    PS_ASSERT(type == PS_MSG_PEERS || type == PS_MSG_FILES || type == PS_MSG_SOURCES ||
              type == PS_MSG_NAMES);
    *pw = (ps_page_writer){.mark = {.at = w->len}};
    uint8_t *p = ps_message_room(w, type, request, PAGE_FIXED);
    if (!p) {
        return false;
    }
    memset(p, 0, PAGE_FIXED);
    pw->head_at = w->len - PAGE_FIXED;
    return true;
}

static bool add_text(ps_writer *w, ps_page_writer *pw, ps_span text)
{
    uint8_t *p = pw->count < PS_PAGE_ENTRIES ? ps_entry_room(w, 1 + text.len) : NULL;
    if (!p) {
        return false;
    }
    (void)ps_store_span8(p, text);
    pw->count++;
    return true;
}

bool ps_page_add_peer(ps_writer *w, ps_page_writer *pw, ps_span user)
{
    PS_ASSERT(user.len >= 1 && user.len <= PS_USER_MAX);
    return add_text(w, pw, user);
}

bool ps_page_add_name(ps_writer *w, ps_page_writer *pw, ps_span name)
{
    PS_ASSERT(name.len >= 1 && name.len <= PS_NAME_MAX);
    return add_text(w, pw, name);
}

bool ps_page_add_file(ps_writer *w, ps_page_writer *pw, const ps_file *file)
{
    PS_ASSERT(file->user.len >= 1 && file->user.len <= PS_USER_MAX);
    PS_ASSERT(file->name.len >= 1 && file->name.len <= PS_NAME_MAX);
    const size_t bytes = FILE_FIXED + 1 + file->user.len + 1 + file->name.len;
    uint8_t *p = pw->count < PS_PAGE_ENTRIES ? ps_entry_room(w, bytes) : NULL;
    if (!p) {
        return false;
    }
    p[0] = ps_owner_flags(file->active, file->own);
    p = ps_store_content(p + 1, &file->content);
    (void)ps_store_span8(ps_store_span8(p, file->user), file->name);
    pw->count++;
    return true;
}

bool ps_page_end(ps_writer *w, ps_page_writer *pw, uint64_t next)
{
    ps_store64(w->base + pw->head_at, next);
    w->base[pw->head_at + 8] = pw->count;
    return ps_message_end(w, pw->mark);
}

static bool next_text(ps_page *m, ps_span *text, size_t most)
{
    if (m->entries.left == 0) {
        return false;
    }
    *text = ps_read_span8(&m->entries);
    if (text->len == 0 || text->len > most) {
        m->entries.bad = true;
    }
    return !m->entries.bad;
}

bool ps_page_next_peer(ps_page *m, ps_span *user)
{
    return next_text(m, user, PS_USER_MAX);
}

bool ps_page_next_name(ps_page *m, ps_span *name)
{
    return next_text(m, name, PS_NAME_MAX);
}

bool ps_page_next_file(ps_page *m, ps_file *file)
{
    if (m->entries.left == 0) {
        return false;
    }
    const uint8_t *p = ps_read(&m->entries, FILE_FIXED);
    if (!p) {
        return false;
    }
    file->active = (p[0] & PS_OWNER_ACTIVE) != 0;
    file->own = (p[0] & PS_OWNER_SELF) != 0;
    ps_load_content(p + 1, &file->content);
    file->user = ps_read_span8(&m->entries);
    file->name = ps_read_span8(&m->entries);
    if (file->user.len == 0 || file->user.len > PS_USER_MAX || file->name.len == 0) {
        m->entries.bad = true;
    }
    return !m->entries.bad;
}

/* Checks an entry by reading it, so that no rule stands twice. */
static bool entry_next(ps_message_type type, ps_page *m)
{
    ps_span text;
    ps_file file;
    ps_source source;
    if (type == PS_MSG_PEERS) {
        return ps_page_next_peer(m, &text);
    }
    if (type == PS_MSG_NAMES) {
        return ps_page_next_name(m, &text);
    }
    return type == PS_MSG_FILES ? ps_page_next_file(m, &file) : ps_page_next_source(m, &source);
}

bool ps_page_decode(ps_message_type type, ps_span body, ps_page *m)
{
    PS_ASSERT(type == PS_MSG_PEERS || type == PS_MSG_FILES || type == PS_MSG_SOURCES ||
              type == PS_MSG_NAMES);
    ps_reader r = ps_reader_of(body);
    m->next = ps_read64(&r);
    m->count = ps_read8(&r);
    m->entries = r;
    if (r.bad || m->count > PS_PAGE_ENTRIES) {
        return false;
    }
    ps_page walk = *m;
    uint32_t count = 0;
    while (count < m->count && entry_next(type, &walk)) {
        count++;
    }
    return count == m->count && walk.entries.left == 0;
}
