/* DIGESTS and LIST_NAMES: what the server lists for the asker's device, so that the peer can find
 * what differs from its own. */
#include "server/server_internal.h"

bool ps_on_digests(ps_reply *r, const ps_message *m)
{
    ps_digests digests;
    if (!ps_digests_decode(m->body, &digests)) {
        return false;
    }
    const ps_session *x = ps_session_at(r->s, r->session);
    uint64_t sums[PS_BUCKETS];
    ps_digest_sums(&r->s->directory, x->device, sums);
    (void)ps_digests_ok_encode(ps_reply_begin(r, true), m->request, x->generation, digests.first,
                               sums);
    /* What agrees counts as acknowledged: it promises what PUBLISHED does. */
    r->commit_seq = ps_device_at(&r->s->directory, x->device)->commit_seq;
    ps_reply_flush(r);
    return true;
}

/* Where the page before stopped, if that publication still stands; else the beginning. The device's
 * own peer waits with its changes while it asks. */
static uint32_t resume(const ps_directory *d, uint32_t device, uint64_t cursor)
{
    if (cursor != 0) {
        const uint32_t at = ps_order_after(d, cursor - 1);
        if (at != PS_NIL && ps_pub_at(d, at)->serial == cursor &&
            ps_pub_at(d, at)->device == device) {
            return ps_pub_at(d, at)->device_next;
        }
    }
    return ps_device_at(d, device)->newest;
}

bool ps_on_list_names(ps_reply *r, const ps_message *m)
{
    ps_list_names list;
    if (!ps_list_names_decode(m->body, &list)) {
        return false;
    }
    const ps_server *s = r->s;
    const ps_directory *d = &s->directory;
    const uint32_t device = ps_session_at(s, r->session)->device;
    const ps_sipkey key = ps_digest_key(ps_device_at(d, device)->id);
    ps_page_writer page;
    ps_writer *w = ps_reply_begin(r, true);
    (void)ps_page_begin(w, &page, PS_MSG_NAMES, m->request);
    uint64_t last = list.cursor;
    uint32_t left = s->cfg.search_names;
    uint32_t at = resume(d, device, list.cursor);
    for (; at != PS_NIL && left > 0 && page.count < PS_PAGE_ENTRIES; left--) {
        uint8_t scratch[PS_NAME_MAX];
        const ps_span name = ps_pub_name(d, at, scratch);
        if (ps_bucket_in(list.buckets, ps_digest_bucket(&key, name)) &&
            !ps_page_add_name(w, &page, name)) {
            break;
        }
        last = ps_pub_at(d, at)->serial;
        at = ps_pub_at(d, at)->device_next;
    }
    (void)ps_page_end(w, &page, at != PS_NIL ? last : 0);
    ps_reply_flush(r);
    return true;
}
