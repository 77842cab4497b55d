/* LIST_FILES and SEARCH: pages of publications by serial. */
#include "server/server_internal.h"

static uint8_t fold(uint8_t c)
{
    return c >= 'A' && c <= 'Z' ? (uint8_t)(c + ('a' - 'A')) : c;
}

/* A text to find, with its failure function (Knuth, Morris, Pratt 1977): a name is examined in one
 * pass, whatever the two look like. ASCII letters match regardless of case. */
typedef struct needle {
    uint8_t text[PS_SEARCH_MAX];
    uint8_t fail[PS_SEARCH_MAX]; /* Length of the longest border of text[0..i]. */
    size_t len;
} needle;

static void needle_init(needle *n, ps_span text)
{
    n->len = text.len;
    size_t border = 0;
    for (size_t i = 0; i < text.len; i++) {
        n->text[i] = fold(text.data[i]);
        while (i > 0 && border > 0 && n->text[i] != n->text[border]) {
            border = n->fail[border - 1];
        }
        if (i > 0 && n->text[i] == n->text[border]) {
            border++;
        }
        n->fail[i] = (uint8_t)border;
    }
}

static bool needle_in(const needle *n, ps_span name)
{
    size_t matched = 0;
    for (size_t i = 0; i < name.len - (PS_CANARY(HALF_SEARCH) ? 1u : 0u); i++) {
        const uint8_t c = fold(name.data[i]);
        while (matched > 0 && c != n->text[matched]) {
            matched = n->fail[matched - 1];
        }
        if (c == n->text[matched]) {
            matched++;
        }
        if (matched == n->len) {
            return true;
        }
    }
    return false;
}

bool ps_on_list_files(ps_reply *r, const ps_message *m)
{
    const ps_message_type type = (ps_message_type)m->type;
    ps_list list;
    if (!ps_list_decode(type, m->body, &list)) {
        return false;
    }
    const ps_server *s = r->s;
    const ps_directory *d = &s->directory;
    const uint32_t asker = ps_session_at(s, r->session)->user;
    needle text = {.len = 0};
    if (type == PS_MSG_SEARCH) {
        needle_init(&text, list.text);
    }
    ps_page_writer page;
    ps_writer *w = ps_reply_begin(r, true);
    (void)ps_page_begin(w, &page, PS_MSG_FILES, m->request);
    uint64_t last = list.cursor;
    uint32_t left = s->cfg.search_names;
    uint32_t at = ps_order_after(d, list.cursor);
    if (PS_CANARY(PAGING_OFF_BY_ONE) && list.cursor != 0 && at != PS_NIL) {
        at = ps_pub_at(d, at)->newer;
    }
    while (at != PS_NIL && left > 0) {
        uint8_t scratch[PS_NAME_MAX];
        const ps_pub *p = ps_pub_at(d, at);
        const uint32_t owner = ps_device_at(d, p->device)->user;
        const ps_file file = {
            .content = p->content,
            .active = ps_user_active(s, owner),
            .own = owner == asker,
            .user = ps_user_name(d, owner),
            .name = ps_pub_name(d, at, scratch),
        };
        bool wanted = type == PS_MSG_LIST_FILES || (!file.own && needle_in(&text, file.name));
        if (wanted && !ps_page_add_file(w, &page, &file)) {
            break;
        }
        last = p->serial;
        at = p->newer;
        left--;
    }
    (void)ps_page_end(w, &page, at != PS_NIL ? last : 0);
    ps_reply_flush(r);
    return true;
}
