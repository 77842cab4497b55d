#include "journal/format.h"

static uint64_t add_number(uint64_t hash, uint64_t v)
{
    uint8_t b[8];
    for (unsigned i = 0; i < 8; i++) {
        b[i] = (uint8_t)(v >> (8 * (7 - i)));
    }
    return fnv(hash, b, sizeof b);
}

static uint64_t add_bytes(uint64_t hash, const uint8_t *bytes, size_t len)
{
    return fnv(add_number(hash, len), bytes, len);
}

static uint64_t add_span(uint64_t hash, ps_span span)
{
    return add_bytes(hash, span.data, span.data == NULL ? 0 : span.len);
}

static uint64_t add_addr(uint64_t hash, const ps_addr *addr)
{
    hash = add_number(hash, addr->family);
    hash = add_number(hash, addr->port);
    hash = add_number(hash, addr->scope);
    return fnv(hash, addr->ip, sizeof addr->ip);
}

static uint64_t add_label(uint64_t hash, const ps_label *label)
{
    return add_bytes(hash, label->bytes, label->len <= PS_USER_MAX ? label->len : 0);
}

static uint64_t add_content(uint64_t hash, const ps_content *content)
{
    return fnv(add_number(hash, content->length), content->root, sizeof content->root);
}

static uint64_t add_datagram(uint64_t hash, const ps_output *out, const ps_datagram *dg)
{
    hash = add_addr(hash, &dg->to);
    hash = add_number(hash, dg->endpoint);
    hash = add_number(hash, dg->commit_seq);
    return add_bytes(hash, out->bytes + dg->offset, dg->len);
}

static uint64_t add_record(uint64_t hash, const ps_event_record *m)
{
    hash = add_number(hash, m->commit_seq);
    hash = add_number(hash, m->generation);
    hash = add_label(hash, &m->user);
    hash = fnv(hash, m->device, sizeof m->device);
    hash = add_span(hash, m->name);
    hash = add_content(hash, &m->content);
    return add_number(hash, m->published ? 1 : 0);
}

static uint64_t add_account(uint64_t hash, ps_event_type type, const ps_event_account *m)
{
    if (type == PS_EVENT_LOGGED_IN) {
        hash = add_addr(hash, &m->observed);
        hash = add_number(hash, m->wall_s);
        return add_number(hash, m->again ? 1 : 0);
    }
    if (type == PS_EVENT_REFUSED || type == PS_EVENT_PUT_OFF) {
        hash = add_number(hash, m->error);
        hash = add_number(hash, m->retry_ms);
    }
    return type == PS_EVENT_REFUSED ? add_span(hash, m->text) : hash;
}

static uint64_t add_entry(uint64_t hash, ps_event_type type, const ps_event_entry *m)
{
    hash = add_number(hash, m->tag);
    hash = add_span(hash, m->user);
    if (type == PS_EVENT_PEER) {
        return hash;
    }
    if (type == PS_EVENT_FILE) {
        hash = add_span(hash, m->name);
    } else {
        hash = add_addr(hash, &m->addr);
        hash = add_span(hash, m->ticket);
        hash = add_span(hash, m->key);
    }
    hash = add_content(hash, &m->content);
    hash = add_number(hash, m->active ? 1 : 0);
    return add_number(hash, m->own ? 1 : 0);
}

static uint64_t add_login(uint64_t hash, const ps_event_login *m)
{
    hash = add_number(hash, m->pending);
    hash = add_addr(hash, &m->from);
    hash = add_span(hash, m->user);
    hash = fnv(hash, m->device, sizeof m->device);
    hash = add_number(hash, m->by_ticket ? 1 : 0);
    hash = add_number(hash, m->known ? 1 : 0);
    return m->by_ticket ? fnv(hash, m->credential, sizeof m->credential)
                        : add_span(hash, m->password);
}

static uint64_t add_keys(uint64_t hash, const ps_file_keys *m)
{
    hash = add_number(add_number(hash, m->first_epoch), m->count);
    for (uint32_t i = 0; i < m->count && i < PS_FILE_EPOCHS; i++) {
        hash = fnv(hash, m->keys[i], sizeof m->keys[i]);
    }
    return hash;
}

/* The fields that base.h gives a meaning for this type, and no others. */
static uint64_t add_event(uint64_t hash, const ps_event *event)
{
    hash = add_number(hash, (uint64_t)event->type);
    switch (event->type) {
    case PS_EVENT_LOGIN_REQUEST:
        return add_login(hash, &event->u.login);
    case PS_EVENT_SESSION_OPENED:
    case PS_EVENT_SESSION_CLOSED:
        hash = add_addr(hash, &event->u.session.addr);
        hash = add_label(hash, &event->u.session.user);
        return add_number(hash, event->u.session.reason);
    case PS_EVENT_RECORD:
        return add_record(hash, &event->u.record);
    case PS_EVENT_SERVER_KEY:
        return fnv(hash, event->u.server_key, sizeof event->u.server_key);
    case PS_EVENT_TICKET:
        return add_number(add_span(hash, event->u.ticket.ticket), event->u.ticket.expires_s);
    case PS_EVENT_FILE_KEYS:
        return add_keys(hash, &event->u.file_keys);
    case PS_EVENT_LOGGED_IN:
    case PS_EVENT_REFUSED:
    case PS_EVENT_LOST:
    case PS_EVENT_LOGGED_OUT:
    case PS_EVENT_PUT_OFF:
        return add_account(hash, event->type, &event->u.account);
    case PS_EVENT_PEER:
    case PS_EVENT_FILE:
    case PS_EVENT_SOURCE:
        return add_entry(hash, event->type, &event->u.entry);
    case PS_EVENT_DONE:
        hash = add_number(hash, event->u.done.tag);
        hash = add_number(hash, event->u.done.error);
        return add_number(hash, event->u.done.retry_ms);
    case PS_EVENT_AGAIN:
        return add_number(hash, event->u.done.tag);
    case PS_EVENT_UNLISTED:
        hash = add_number(hash, event->u.unlisted.error);
        return add_bytes(hash, event->u.unlisted.name, event->u.unlisted.len);
    default:
        return hash;
    }
}

void ps_journal_digest_init(ps_journal_digest *d)
{
    *d = (ps_journal_digest){.datagrams = FNV_BASIS, .events = FNV_BASIS};
}

void ps_journal_digest_add(ps_journal_digest *d, const ps_output *out, size_t first_datagram,
                           size_t first_event)
{
    for (size_t i = first_datagram; i < out->datagrams_len; i++) {
        d->datagrams = add_datagram(d->datagrams, out, &out->datagrams[i]);
        d->datagrams_len++;
    }
    for (size_t i = first_event; i < out->events_len; i++) {
        d->events = add_event(d->events, &out->events[i]);
        d->events_len++;
    }
}

uint64_t ps_journal_digest_value(const ps_journal_digest *d)
{
    uint64_t hash = add_number(FNV_BASIS, d->datagrams_len);
    hash = add_number(hash, d->datagrams);
    hash = add_number(hash, d->events_len);
    return add_number(hash, d->events);
}
