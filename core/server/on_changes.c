/* PUBLISH and UNPUBLISH: the device's log. Only the entry that follows the log's position is
 * applied; what is older was applied before, and behind a gap nothing is. */
#include "server/server_internal.h"

static void record_event(ps_reply *r, uint32_t device, const ps_publication *entry, bool published)
{
    ps_server *s = r->s;
    if (!s->cfg.records) {
        return;
    }
    ps_device *v = ps_device_at(&s->directory, device);
    v->commit_seq = ++s->commit_seq;
    ps_event *e = &r->out->events[r->out->events_len++];
    *e = (ps_event){
        .type = PS_EVENT_RECORD,
        .u.record = {.commit_seq = v->commit_seq,
                     .generation = v->generation,
                     .user = ps_user_label(&s->directory, v->user),
                     .name = entry->name,
                     .content = entry->content,
                     .published = published},
    };
    memcpy(e->u.record.device, v->id, PS_DEVICE_BYTES);
}

/* What keeps this entry out, judged on the entry alone. */
static ps_error entry_fault(const ps_publication *entry)
{
    if (ps_name_check(entry->name) != PS_NAME_OK) {
        return PS_E_BAD_NAME;
    }
    return entry->content.length > PS_FILE_MAX ? PS_E_MALFORMED : PS_E_NONE;
}

/* *changed: something is to be stored. */
static ps_error publish(ps_reply *r, uint32_t device, const ps_publication *entry, bool *changed)
{
    ps_directory *d = &r->s->directory;
    ps_error fault = entry_fault(entry);
    if (fault != PS_E_NONE) {
        return fault;
    }
    uint32_t pub = ps_pub_find(d, device, entry->name);
    if (pub != PS_NIL) {
        *changed = !ps_content_equal(&ps_pub_at(d, pub)->content, &entry->content);
        ps_digest_replace(d, pub, &entry->content);
        return PS_E_NONE;
    }
    *changed = true;
    const ps_user *u = ps_user_at(d, ps_device_at(d, device)->user);
    if (u->publications >=
        r->s->cfg.max_user_publications + (PS_CANARY(QUOTA_OFF_BY_ONE) ? 1u : 0u)) {
        return PS_E_QUOTA;
    }
    return ps_pub_add(d, device, entry->name, &entry->content);
}

/* Whether an entry that was applied before took effect, for the answer to a retransmission. */
static ps_error outcome(const ps_reply *r, uint32_t device, const ps_publication *entry,
                        ps_message_type type)
{
    if (type == PS_MSG_UNPUBLISH) {
        return PS_E_NONE;
    }
    ps_error fault = entry_fault(entry);
    if (fault != PS_E_NONE) {
        return fault;
    }
    const ps_directory *d = &r->s->directory;
    if (ps_pub_find(d, device, entry->name) != PS_NIL) {
        return PS_E_NONE;
    }
    /* It was refused, and for which of the two is not remembered: what would be said now, or, where
     * there is room again, what is more likely. */
    const ps_user *u = ps_user_at(d, ps_device_at(d, device)->user);
    return u->publications < r->s->cfg.max_user_publications && !ps_pub_fits(d, entry->name)
               ? PS_E_FULL
               : PS_E_QUOTA;
}

static ps_error apply(ps_reply *r, uint32_t device, const ps_publication *entry,
                      ps_message_type type)
{
    ps_directory *d = &r->s->directory;
    ps_error error = PS_E_NONE;
    bool changed = false;
    ps_device_at(d, device)->generation++;
    if (type == PS_MSG_PUBLISH) {
        error = publish(r, device, entry, &changed);
    } else {
        uint32_t pub = ps_pub_find(d, device, entry->name);
        changed = pub != PS_NIL;
        if (changed) {
            ps_pub_remove(d, pub);
        }
    }
    /* What changes nothing needs no record: a log that a store knows at a lower position is
     * compared by its digest. */
    if (error == PS_E_NONE && changed) {
        record_event(r, device, entry, type == PS_MSG_PUBLISH);
    }
    return error;
}

bool ps_on_changes(ps_reply *r, const ps_message *m)
{
    const ps_message_type type = (ps_message_type)m->type;
    ps_changes changes;
    if (!ps_changes_decode(type, m->body, &changes)) {
        return false;
    }
    ps_server *s = r->s;
    if (s->store_retry_ms != 0) {
        s->stats.changes_busy++;
        ps_reply_error(r, m->request, PS_E_BUSY, s->store_retry_ms);
        return true;
    }
    ps_session *x = ps_session_at(s, r->session);
    ps_refusal refusals[PS_PAGE_ENTRIES];
    size_t refused = 0;
    ps_publication entry;
    uint64_t generation = changes.generation;
    const uint64_t before = x->generation;
    for (uint8_t i = 0; ps_changes_next(type, &changes, &entry); i++, generation++) {
        ps_error error = PS_E_NONE;
        uint64_t applied = ps_device_at(&s->directory, x->device)->generation;
        if (PS_CANARY(RESURRECTION) && generation <= applied && type == PS_MSG_PUBLISH) {
            bool changed;
            (void)publish(r, x->device, &entry, &changed);
        } else if (generation <= applied) {
            error = outcome(r, x->device, &entry, type);
        } else if (generation == applied + 1) {
            error = apply(r, x->device, &entry, type);
        } else {
            break;
        }
        if (error != PS_E_NONE) {
            refusals[refused++] = (ps_refusal){.index = i, .error = (uint16_t)error};
        }
    }
    x->generation = ps_device_at(&s->directory, x->device)->generation;
    x->digest = ps_device_at(&s->directory, x->device)->digest;
    if (PS_CANARY(LOST_ACKNOWLEDGEMENT) && changes.generation + changes.count <= before + 1) {
        return true;
    }
    /* It promises what may have to become durable first: a datagram of its own. */
    (void)ps_published_encode(ps_reply_begin(r, true), m->request, x->generation, refusals,
                              refused);
    r->commit_seq = ps_device_at(&s->directory, x->device)->commit_seq;
    if (PS_CANARY(EARLY_PROMISE) || (PS_CANARY(EARLY_WITHDRAWAL) && type == PS_MSG_UNPUBLISH)) {
        r->commit_seq = 0;
    }
    ps_reply_flush(r);
    return true;
}
