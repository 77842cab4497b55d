#include "rig.h"

#include "sweep.h"

ps_peer_config rig_config(void)
{
    ps_peer_config cfg;
    ps_peer_config_default(&cfg);
    cfg.max_requests = 8;
    cfg.max_publications = 300;
    cfg.name_bytes = 8192;
    for (size_t i = 0; i < sizeof cfg.seed; i++) {
        cfg.seed[i] = (uint8_t)(i * 7 + 1);
    }
    cfg.crypto = ps_sim_crypto();
    return cfg;
}

rig *rig_new(const ps_peer_config *cfg)
{
    rig *r = calloc(1, sizeof *r);
    assert_non_null(r);
    r->cfg = *cfg;
    const size_t need = ps_peer_size(cfg);
    assert_true(need > 0);
    r->slab_len = (need + 63) / 64 * 64;
    r->slab = aligned_alloc(64, r->slab_len);
    assert_non_null(r->slab);
    memset(r->slab, cfg->mem_is_zero ? 0 : 0xa5, r->slab_len);
    assert_int_equal(ps_peer_init(r->slab, need, cfg, &r->p), PS_OK);
    assert_int_equal(ps_peer_check(r->p), 0);
    r->now_us = RIG_START;
    memset(r->server_secret, 0x5a, sizeof r->server_secret);
    r->cfg.crypto->x25519_public(r->server_key, r->server_secret);
    r->server = (ps_addr){.ip = {192, 0, 2, 1}, .port = 5000, .family = PS_ADDR_V4};
    r->out = (ps_output){
        .bytes = malloc(PS_PEER_STEP_BYTES),
        .bytes_cap = PS_PEER_STEP_BYTES,
        .datagrams = calloc(PS_PEER_STEP_DATAGRAMS, sizeof(ps_datagram)),
        .datagrams_cap = PS_PEER_STEP_DATAGRAMS,
        .events = calloc(PS_PEER_STEP_EVENTS, sizeof(ps_event)),
        .events_cap = PS_PEER_STEP_EVENTS,
    };
    assert_non_null(r->out.bytes);
    assert_non_null(r->out.datagrams);
    assert_non_null(r->out.events);
    return r;
}

rig *rig_new_default(void)
{
    const ps_peer_config cfg = rig_config();
    return rig_new(&cfg);
}

rig *rig_new_online(void)
{
    rig *r = rig_new_default();
    (void)rig_login(r);
    rig_accept(r, 0);
    rig_forget(r);
    return r;
}

void rig_free(rig *r)
{
    free(r->slab);
    free(r->out.bytes);
    free(r->out.datagrams);
    free(r->out.events);
    free(r->initiates);
    free(r->channels);
    free(r->secrets);
    free(r->sent);
    free(r->events);
    free(r);
}

void *rig_grow(void *old, size_t len, size_t *cap, size_t each)
{
    if (len < *cap) {
        return old;
    }
    *cap = *cap == 0 ? 64 : *cap * 2;
    void *grown = realloc(old, *cap * each);
    assert_non_null(grown);
    return grown;
}

static void log_initiate(rig *r, const uint8_t *data, size_t len)
{
    r->initiates =
        rig_grow(r->initiates, r->initiates_len, &r->initiates_cap, sizeof *r->initiates);
    rig_initiate *i = &r->initiates[r->initiates_len++];
    assert_int_equal(len, sizeof i->bytes);
    *i = (rig_initiate){.time_us = r->now_us, .client_id = ps_load64(data + 2)};
    memcpy(i->bytes, data, len);
}

/* Opens DATA with the newest key that its receiver id has. */
static ps_span open_sent(rig *r, const ps_packet *packet, uint8_t *data, size_t len)
{
    for (size_t k = r->channels_len; k > 0; k--) {
        const rig_channel *c = &r->channels[k - 1];
        ps_span messages;
        if (c->id == packet->receiver_id &&
            ps_packet_open(r->cfg.crypto, c->from_peer, data, len, &messages)) {
            return messages;
        }
    }
    fail_msg("no key opens what was sent to %llx", (unsigned long long)packet->receiver_id);
    return (ps_span){NULL, 0};
}

static uint64_t client_of(const rig *r, uint64_t id)
{
    uint64_t client_id = 0;
    for (size_t k = 0; k < r->channels_len; k++) {
        client_id = r->channels[k].id == id ? r->channels[k].client_id : client_id;
    }
    return client_id;
}

static void log_datagram(rig *r, const ps_datagram *d)
{
    uint8_t *data = r->out.bytes + d->offset;
    ps_packet packet;
    ps_drop why;
    ps_message m;
    assert_true(ps_addr_equal(&d->to, &r->server));
    assert_true(d->len <= r->cfg.datagram_max);
    assert_true(ps_packet_decode(data, d->len, &packet, &why));
    const size_t number = r->datagrams++;
    if (packet.type == PS_PACKET_INITIATE) {
        log_initiate(r, data, d->len);
        return;
    }
    assert_int_equal(packet.type, PS_PACKET_DATA);
    ps_reader reader = ps_reader_of(open_sent(r, &packet, data, d->len));
    size_t count = 0;
    while (ps_message_decode(&reader, &m)) {
        r->sent = rig_grow(r->sent, r->sent_len, &r->sent_cap, sizeof *r->sent);
        rig_sent *s = &r->sent[r->sent_len++];
        *s = (rig_sent){.time_us = r->now_us,
                        .receiver_id = packet.receiver_id,
                        .counter = packet.counter,
                        .type = m.type,
                        .request = m.request,
                        .body_len = m.body.len,
                        .datagram = number};
        memcpy(s->body, m.body.data, m.body.len);
        count++;
        if (m.type == PS_MSG_LOGIN) {
            ps_login login;
            assert_true(ps_login_decode(m.body, &login));
            r->client_id = client_of(r, packet.receiver_id);
        }
    }
    assert_false(reader.bad);
    assert_in_range(count, 1, PS_PACKET_MESSAGES);
}

/* What it has drawn for a handshake is to be gone later. */
static void log_secret(rig *r)
{
    const uint8_t *secret = r->p->attempt.noise.ephemeral;
    const uint8_t none[PS_KEY_BYTES] = {0};
    if (memcmp(secret, none, sizeof none) == 0 ||
        (r->secrets_len > 0 && memcmp(secret, r->secrets[r->secrets_len - 1], sizeof none) == 0)) {
        return;
    }
    r->secrets = rig_grow(r->secrets, r->secrets_len, &r->secrets_cap, sizeof *r->secrets);
    memcpy(r->secrets[r->secrets_len++], secret, sizeof none);
}

static void copy_text(char to[256], ps_span text)
{
    assert_true(text.len < 256);
    if (text.len > 0) {
        memcpy(to, text.data, text.len);
    }
    to[text.len] = 0;
}

static void log_event(rig *r, const ps_event *from)
{
    r->events = rig_grow(r->events, r->events_len, &r->events_cap, sizeof *r->events);
    rig_event *e = &r->events[r->events_len++];
    memset(e, 0, sizeof *e);
    e->time_us = r->now_us;
    e->type = from->type;
    switch ((int)from->type) {
    case PS_EVENT_DONE:
    case PS_EVENT_AGAIN:
        e->done = from->u.done;
        break;
    case PS_EVENT_PEER:
    case PS_EVENT_FILE:
    case PS_EVENT_SOURCE:
        e->entry = from->u.entry;
        copy_text(e->user, from->u.entry.user);
        copy_text(e->name, from->u.entry.name);
        assert_int_equal(from->u.entry.key.len, from->u.entry.ticket.len > 0 ? PS_KEY_BYTES : 0);
        assert_in_range(from->u.entry.ticket.len, 0, PS_FILE_TICKET_MAX);
        if (from->u.entry.ticket.len > 0) {
            memcpy(e->key, from->u.entry.key.data, sizeof e->key);
            memcpy(e->ticket, from->u.entry.ticket.data, from->u.entry.ticket.len);
        }
        break;
    case PS_EVENT_SERVER_KEY:
        memcpy(e->server_key, from->u.server_key, sizeof e->server_key);
        break;
    case PS_EVENT_TICKET:
        copy_text(e->name, from->u.ticket.ticket);
        e->expires_s = from->u.ticket.expires_s;
        break;
    case PS_EVENT_FILE_KEYS:
        e->file_keys = from->u.file_keys;
        break;
    case PS_EVENT_UNLISTED:
        e->account.error = from->u.unlisted.error;
        copy_text(e->name, (ps_span){from->u.unlisted.name, from->u.unlisted.len});
        break;
    default:
        e->account = from->u.account;
        copy_text(e->name, from->u.account.text);
        break;
    }
}

static ps_status step(void *self, ps_input in[], size_t n, size_t *consumed, ps_output *out)
{
    return ps_peer_step(self, in, n, consumed, out);
}

static void sweep(const rig *r, const ps_input *in)
{
    const sweep_machine m = {.step = step,
                             .self = r->p,
                             .len = r->slab_len,
                             .bytes = PS_PEER_STEP_BYTES,
                             .datagrams = PS_PEER_STEP_DATAGRAMS,
                             .events = PS_PEER_STEP_EVENTS};
    assert_true(sweep_rooms(&m, in));
}

ps_status rig_step(rig *r, ps_input *in)
{
    const size_t initiates = r->initiates_len;
    size_t consumed = 0;
    in->now_us = r->now_us;
    if (r->sweep) {
        sweep(r, in);
    }
    r->out.bytes_len = r->out.datagrams_len = r->out.events_len = 0;
    const ps_status status = ps_peer_step(r->p, in, 1, &consumed, &r->out);
    assert_int_equal(consumed, status == PS_INVALID || status == PS_AGAIN ? 0 : 1);
    const int broken = ps_peer_check(r->p);
    if (broken != 0) {
        fail_msg("invariant of check.c:%d broken after input %d", broken, (int)in->type);
    }
    size_t bytes = 0;
    for (size_t i = 0; i < r->out.datagrams_len; i++) {
        assert_int_equal(r->out.datagrams[i].offset, bytes);
        bytes += r->out.datagrams[i].len;
        log_datagram(r, &r->out.datagrams[i]);
    }
    assert_int_equal(bytes, r->out.bytes_len);
    for (size_t i = 0; i < r->out.events_len; i++) {
        log_event(r, &r->out.events[i]);
    }
    log_secret(r);
    const bool due = ps_time_reached(ps_peer_deadline_us(r->p),
                                     ps_clock_host_us(&r->p->clock, r->p->clock.now_us));
    if (status != PS_INVALID) {
        assert_int_equal(status, due ? PS_MORE : PS_OK);
    }
    return !r->silent && r->initiates_len > initiates ? rig_respond(r) : status;
}

ps_status rig_tick(rig *r)
{
    ps_input in = {.type = PS_INPUT_TICK};
    return rig_step(r, &in);
}

void rig_settle(rig *r)
{
    for (unsigned n = 0; rig_tick(r) == PS_MORE; n++) {
        assert_in_range(n, 0, 10000);
    }
}

void rig_run(rig *r, uint64_t until_us)
{
    while (ps_peer_deadline_us(r->p) <= until_us) {
        const uint64_t due_us = ps_peer_deadline_us(r->p);
        r->now_us = due_us > r->now_us ? due_us : r->now_us;
        rig_settle(r);
    }
    r->now_us = until_us;
}

void rig_forget(rig *r)
{
    r->initiates_len = 0;
    r->sent_len = 0;
    r->events_len = 0;
}

ps_input rig_login_input(const rig *r, const char *user, const char *password)
{
    ps_input in = {.type = PS_INPUT_LOGIN,
                   .u.login = {.server = r->server,
                               .endpoint = 3,
                               .stream_port = 7001,
                               .key_known = true,
                               .device = {1, 2, 3},
                               .user = span_of(user),
                               .password = span_of(password)}};
    memcpy(in.u.login.server_key, r->server_key, sizeof r->server_key);
    return in;
}

ps_status rig_login(rig *r)
{
    ps_input in = rig_login_input(r, RIG_USER, RIG_SECRET);
    return rig_step(r, &in);
}

ps_status rig_logout(rig *r)
{
    ps_input in = {.type = PS_INPUT_LOGOUT};
    return rig_step(r, &in);
}

ps_status rig_command(rig *r, ps_input_type type, uint64_t tag, const char *text)
{
    const ps_span span = span_of(text);
    uint8_t *copy = exact_copy(span.data, span.len);
    ps_input in = {.type = type, .u.command = {.tag = tag, .text = {copy, span.len}}};
    const ps_status status = rig_step(r, &in);
    free(copy);
    return status;
}

ps_status rig_publish(rig *r, uint64_t tag, const char *name, uint64_t length)
{
    ps_input in = {.type = PS_INPUT_PUBLISH,
                   .u.command = {.tag = tag, .text = span_of(name), .content = {.length = length}}};
    in.u.command.content.root[0] = (uint8_t)length;
    return rig_step(r, &in);
}

size_t rig_count(const rig *r, uint8_t type)
{
    size_t count = 0;
    for (size_t i = 0; i < r->sent_len; i++) {
        count += r->sent[i].type == type ? 1 : 0;
    }
    return count;
}

const rig_sent *rig_nth(const rig *r, uint8_t type, size_t k)
{
    for (size_t i = 0; i < r->sent_len; i++) {
        if (r->sent[i].type == type && k-- == 0) {
            return &r->sent[i];
        }
    }
    fail_msg("no such message of type %u was sent", type);
    return NULL;
}

const rig_sent *rig_last(const rig *r, uint8_t type)
{
    const size_t count = rig_count(r, type);
    assert_true(count > 0);
    return rig_nth(r, type, count - 1);
}

size_t rig_events_of(const rig *r, ps_event_type type)
{
    size_t count = 0;
    for (size_t i = 0; i < r->events_len; i++) {
        count += r->events[i].type == type ? 1 : 0;
    }
    return count;
}

const rig_event *rig_event_nth(const rig *r, ps_event_type type, size_t k)
{
    for (size_t i = 0; i < r->events_len; i++) {
        if (r->events[i].type == type && k-- == 0) {
            return &r->events[i];
        }
    }
    fail_msg("no such event of type %d", (int)type);
    return NULL;
}

static size_t dones(const rig *r, uint64_t tag, uint32_t *error)
{
    size_t count = 0;
    for (size_t i = 0; i < r->events_len; i++) {
        if (r->events[i].type == PS_EVENT_DONE && r->events[i].done.tag == tag) {
            *error = r->events[i].done.error;
            count++;
        }
    }
    return count;
}

uint32_t rig_done(const rig *r, uint64_t tag)
{
    uint32_t error = 0;
    assert_int_equal(dones(r, tag, &error), 1);
    return error;
}

bool rig_is_done(const rig *r, uint64_t tag)
{
    uint32_t error;
    return dones(r, tag, &error) > 0;
}

ps_peer_stats rig_stats(const rig *r)
{
    ps_peer_stats stats;
    ps_peer_stats_get(r->p, &stats);
    return stats;
}

uint64_t rig_drops(const rig *r, ps_drop why)
{
    return rig_stats(r).drops[why];
}

uint64_t rig_drops_all(const rig *r)
{
    const ps_peer_stats stats = rig_stats(r);
    uint64_t sum = 0;
    for (size_t i = 0; i < PS_DROP_COUNT; i++) {
        sum += stats.drops[i];
    }
    return sum;
}

const rig_sent *rig_last_changes(const rig *r, ps_changes *m)
{
    for (size_t i = r->sent_len; i > 0; i--) {
        const rig_sent *s = &r->sent[i - 1];
        if (s->type == PS_MSG_PUBLISH || s->type == PS_MSG_UNPUBLISH) {
            const ps_span body = {s->body, s->body_len};
            assert_true(ps_changes_decode((ps_message_type)s->type, body, m));
            return s;
        }
    }
    fail_msg("no message of changes was sent");
    return NULL;
}
