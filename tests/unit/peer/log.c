#include "log.h"

static const uint8_t device[PS_DEVICE_BYTES] = {1, 2, 3}; /* rig_login_input()'s. */

log_model *log_new(uint64_t generation)
{
    log_model *log = calloc(1, sizeof *log);
    assert_non_null(log);
    log->generation = generation;
    log->life = 1;
    return log;
}

static log_entry *find(const log_model *log, const char *name)
{
    for (size_t i = 0; i < LOG_NAMES; i++) {
        if (strcmp(log->entries[i].name, name) == 0) {
            return (log_entry *)(uintptr_t)&log->entries[i];
        }
    }
    return NULL;
}

void log_put(log_model *log, const char *name, uint64_t length)
{
    log_entry *e = find(log, name);
    if (length == 0) {
        if (e != NULL) {
            memset(e, 0, sizeof *e);
        }
        return;
    }
    e = e != NULL ? e : find(log, "");
    assert_non_null(e);
    const size_t len = strlen(name);
    assert_in_range(len, 1, sizeof e->name - 1);
    memcpy(e->name, name, len + 1);
    e->length = length;
}

uint64_t log_length(const log_model *log, const char *name)
{
    const log_entry *e = find(log, name);
    return e != NULL ? e->length : 0;
}

size_t log_count(const log_model *log)
{
    size_t count = 0;
    for (size_t i = 0; i < LOG_NAMES; i++) {
        count += log->entries[i].name[0] != 0 ? 1 : 0;
    }
    return count;
}

uint8_t log_bucket(const char *name)
{
    const ps_sipkey key = ps_digest_key(device);
    return ps_digest_bucket(&key, span_of(name));
}

void log_digests(const log_model *log, uint64_t digests[PS_BUCKETS])
{
    const ps_sipkey key = ps_digest_key(device);
    memset(digests, 0, PS_BUCKETS * sizeof *digests);
    for (size_t i = 0; i < LOG_NAMES; i++) {
        const log_entry *e = &log->entries[i];
        ps_content content = {.length = e->length, .root = {(uint8_t)e->length}};
        if (e->name[0] != 0) {
            const ps_mark m = ps_digest_mark(&key, span_of(e->name), &content);
            digests[m.bucket] += m.mark;
        }
    }
}

uint64_t log_digest(const log_model *log)
{
    uint64_t digests[PS_BUCKETS];
    uint64_t sum = 0;
    log_digests(log, digests);
    for (size_t b = 0; b < PS_BUCKETS; b++) {
        sum += digests[b];
    }
    return sum;
}

void log_apply(log_model *log, const rig_sent *s)
{
    ps_changes m;
    ps_publication entry;
    const ps_message_type type = (ps_message_type)s->type;
    assert_true(ps_changes_decode(type, (ps_span){s->body, s->body_len}, &m));
    for (uint64_t g = m.generation; ps_changes_next(type, &m, &entry); g++) {
        if (g == log->generation + 1) {
            char name[32] = {0};
            assert_true(entry.name.len < sizeof name);
            memcpy(name, entry.name.data, entry.name.len);
            log->generation = g;
            log_put(log, name, type == PS_MSG_PUBLISH ? entry.content.length : 0);
        }
    }
}

static void answer_digests(rig *r, const log_model *log, const rig_sent *s)
{
    uint64_t digests[PS_BUCKETS];
    ps_digests m;
    assert_true(ps_digests_decode((ps_span){s->body, s->body_len}, &m));
    log_digests(log, digests);
    const size_t room =
        (r->cfg.datagram_max - 52u) / 8; /* Three headers before them, a tag behind. */
    const size_t left = PS_BUCKETS - m.first;
    craft_digests_ok(&r->c, s->request, log->generation, m.first,
                     (unsigned)(left < room ? left : room), digests + m.first);
}

/* A cursor is the place behind the last entry that was named. */
static void answer_names(rig *r, const log_model *log, const rig_sent *s)
{
    ps_list_names m;
    assert_true(ps_list_names_decode((ps_span){s->body, s->body_len}, &m));
    const unsigned page = log->page != 0 ? log->page : 64;
    size_t places[65];
    size_t count = 0, at = (size_t)m.cursor, bytes = 17 + 8 + 9 + 16;
    for (; at < LOG_NAMES && count < page; at++) {
        const char *name = log->entries[at].name;
        if (name[0] == 0 || !ps_bucket_in(m.buckets, log_bucket(name))) {
            continue;
        }
        bytes += 1 + strlen(name);
        if (bytes > r->cfg.datagram_max) {
            break;
        }
        places[count++] = at;
    }
    craft_page(&r->c, PS_MSG_NAMES, s->request, at < LOG_NAMES ? at : 0);
    for (size_t k = 0; k < count; k++) {
        craft_name_entry(&r->c, log->entries[places[k]].name);
    }
    craft_end(&r->c);
}

void log_accept(rig *r, const log_model *log)
{
    const craft_login_ok_fields m = {
        .generation = log->generation, .digest = log_digest(log), .life = log->life};
    rig_accept_of(r, &m);
}

bool log_answer(rig *r, log_model *log, const rig_sent *s)
{
    if (s->type == PS_MSG_LOGIN) {
        if (r->p->attempt.phase != PS_ATTEMPT_LOGGING_IN || s->request != r->p->attempt.id) {
            return false;
        }
        log_accept(r, log);
        return true;
    }
    if (s->receiver_id != r->session || rig_stats(r).state != PS_PEER_ONLINE) {
        return false;
    }
    if (s->type == PS_MSG_PUBLISH || s->type == PS_MSG_UNPUBLISH) {
        log_apply(log, s);
    }
    rig_packet(r);
    switch (s->type) {
    case PS_MSG_HEARTBEAT:
        craft_heartbeat_ok(&r->c, s->request, log->generation, log_digest(log), 0);
        break;
    case PS_MSG_PUBLISH:
    case PS_MSG_UNPUBLISH:
        craft_published(&r->c, s->request, log->generation);
        craft_end(&r->c);
        break;
    case PS_MSG_DIGESTS:
        answer_digests(r, log, s);
        break;
    case PS_MSG_LIST_NAMES:
        answer_names(r, log, s);
        break;
    default:
        return false;
    }
    (void)rig_deliver(r);
    return true;
}

void log_serve(rig *r, log_model *log, size_t from)
{
    rig_settle(r);
    for (unsigned n = 0; from < r->sent_len; from++, n++) {
        const rig_sent s = r->sent[from];
        (void)log_answer(r, log, &s);
        rig_settle(r);
        assert_in_range(n, 0, 10000);
    }
}
