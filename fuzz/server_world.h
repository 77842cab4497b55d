/* The world of a fuzzed server: clients that the harness plays, what it learns of them from each
 * step's output, and a twin with other lasting secrets, whose datagrams are translated and which
 * must do the same. */
#ifndef PS_FUZZ_SERVER_WORLD_H
#define PS_FUZZ_SERVER_WORLD_H

#include "harness.h"
#include "peersync/server.h"

enum { CLIENTS = 4, ADDRESSES = 8, ENDS = 3, HELD = 64 };
enum { SLAB = 12000, DATAGRAMS = 10, EVENTS = 160, POISON = 0xDB };
enum { LOGIN_OK = 2, PEERS = 9, FILES = 12, SOURCES = 14, CHALLENGE = 17, NAMES = 25 };
enum { FILE_KEYS = 2 };
enum { PEOPLE = 80 };

static uint8_t poison[SLAB];

typedef struct client {
    end ends[ENDS]; /* The newest first. */
    uint64_t generation;
    uint64_t nonce; /* Of the last CHALLENGE. */
    uint8_t device;
    uint8_t cookie[16];
    uint8_t ticket[PS_TICKET_MAX];
    uint8_t ticket_len;
    uint64_t next; /* Of its last page. */
} client;

/* Of an address: what came from there and went there before it was proven. */
typedef struct account {
    bool proven;
    uint64_t bytes_in, bytes_out;
} account;

typedef struct world {
    tape input;
    ps_server_config cfg;
    ps_server *s, *twin;
    uint8_t *before;
    size_t slab_len;
    ps_output out, twin_out;
    uint64_t now_us;
    uint64_t pending;
    uint64_t last_client_id;
    client clients[CLIENTS];
    account accounts[ADDRESSES];
    bool answers;        /* The packet under way holds a CHALLENGE's nonce. */
    ps_input held[HELD]; /* Datagrams for one call, and as the twin gets them. */
    uint8_t *twins[HELD];
    size_t held_len, hold;
    uint8_t last[2048]; /* The packet sent last, for replays. */
    size_t last_len;
    uint8_t last_from;
} world;

/* Bits of the byte that says how a program begins. */
enum { ENTERED = 1, PUBLISHED = 2, EARLY = 8, LARGE = 16 };

/* Tables of a few records, or with room for a crowd; *begins says which, and how to begin. */
static ps_server_config config_of(tape *t, uint8_t *begins)
{
    ps_server_config cfg;
    ps_server_config_default(&cfg);
    const uint8_t shape = take8(t), rates = take8(t);
    cfg.max_sessions = 1 + (shape & 3u);
    cfg.max_users = 1 + (shape >> 2 & 3u);
    cfg.max_devices = 1 + (shape >> 4 & 3u);
    const uint8_t publications = take8(t), quota = take8(t);
    cfg.max_publications = publications >= 200 ? 400 : 1 + publications % 16u;
    cfg.max_user_publications = quota >= 200 ? 300 : 1 + quota % 8u;
    cfg.max_pending_logins = 1 + (shape >> 6);
    const uint8_t handshakes = take8(t);
    cfg.max_handshakes = cfg.max_pending_logins + (handshakes >= 200 ? 90 : handshakes % 8u);
    cfg.max_networks = 1 + (rates & 3u);
    const uint8_t names = take8(t), searched = take8(t);
    cfg.name_bytes = names >= 200 ? 20000 : names;
    cfg.search_names = searched >= 200 ? 512 : 1 + searched % 8u;
    cfg.open_per_s = (rates >> 2 & 15u) * (handshakes >= 200 ? 14u : 1u);
    if (shape % 16u == 15) { /* Few of everything. */
        cfg.handshakes_per_s = 1 + (rates >> 2 & 15u);
        cfg.retries_per_s = rates >> 6;
        cfg.resets_per_s = rates & 3u;
    }
    cfg.network_per_s = 1 + (rates >> 6);
    *begins = take8(t);
    if (*begins & LARGE) {
        cfg.max_sessions = cfg.max_users = cfg.max_devices = PEOPLE + CLIENTS;
        cfg.max_pending_logins = CLIENTS * 2;
        cfg.max_handshakes = 2 * PEOPLE;
        cfg.open_per_s = cfg.network_per_s = 2 * PEOPLE;
    }
    cfg.ticket_s = shape & 32 ? 600 : cfg.ticket_s;
    cfg.file_ticket_s = shape & 16 ? PS_FILE_EPOCH_S : cfg.file_ticket_s;
    cfg.records = shape & 1;
    cfg.crypto = ps_sim_crypto();
    memset(cfg.static_secret, 0x57, sizeof cfg.static_secret);
    memset(cfg.realm_secret, 0x4e, sizeof cfg.realm_secret);
    return cfg;
}

static ps_server *server_of(const ps_server_config *cfg, void **mem)
{
    ps_server *s = NULL;
    const size_t need = ps_server_size(cfg);
    /* What lies behind the slab is nobody's. */
    *mem = aligned_alloc(64, need + 64);
    must(need != 0 && *mem != NULL);
    memset(*mem, POISON, need + 64);
    poison_tail(*mem, need, need + 64);
    must(ps_server_init(*mem, need, cfg, &s) == PS_OK);
    return s;
}

static ps_addr address_of(uint8_t who)
{
    const bool v6 = (who & 4u) != 0;
    return (ps_addr){.ip = {v6 ? 0x20 : 127, 0, 0, 1},
                     .port = (uint16_t)(4000 + who % CLIENTS),
                     .family = v6 ? PS_ADDR_V6 : PS_ADDR_V4};
}

static account *account_of(world *w, const ps_addr *addr)
{
    return &w->accounts[addr->port % CLIENTS + (addr->family == PS_ADDR_V6 ? CLIENTS : 0)];
}

static end *end_of(world *w, uint64_t client_id, client **owner)
{
    for (size_t i = 0; i < CLIENTS * ENDS; i++) {
        end *e = &w->clients[i / ENDS].ends[i % ENDS];
        if (e->client_id == client_id && client_id != 0) {
            *owner = &w->clients[i / ENDS];
            return e;
        }
    }
    return NULL;
}

/* Behind 44 bytes and an address: a ticket, keys for uploads, or both, in this order. */
static void learn_welcome(client *c, ps_span body)
{
    size_t at = 44 + (body.data[44] == PS_ADDR_V6 ? 19u : 7u);
    c->generation = load(body.data + 12 + 8, 8);
    for (uint8_t last = 0; at < body.len;) {
        must(body.len - at > 3 + 8 && body.data[at] > last && body.data[at] <= FILE_KEYS);
        const size_t len = (size_t)load(body.data + at + 1, 2) - 8;
        last = body.data[at];
        at += 3 + 8;
        must(body.len - at >= len);
        if (last == FILE_KEYS) {
            must(len == PS_FILE_EPOCHS * PS_KEY_BYTES);
        } else {
            must(len <= PS_TICKET_MAX);
            c->ticket_len = (uint8_t)len;
            memcpy(c->ticket, body.data + at, len);
        }
        at += len;
    }
}

static void learn_messages(client *c, ps_span messages)
{
    ps_reader r = ps_reader_of(messages);
    ps_message m;
    while (ps_message_decode(&r, &m)) {
        if (m.type == LOGIN_OK) {
            learn_welcome(c, m.body);
        } else if (m.type == CHALLENGE) {
            c->nonce = load(m.body.data, 8);
        } else if (m.type == PEERS || m.type == FILES || m.type == SOURCES || m.type == NAMES) {
            c->next = load(m.body.data, 8);
        }
    }
    must(!r.bad);
}

static void learn_datagram(world *w, const ps_datagram *dg)
{
    uint8_t copy[PS_DATAGRAM_MAX];
    ps_packet packet;
    ps_drop why;
    ps_span messages;
    client *c = NULL;
    const uint8_t *p = w->out.bytes + dg->offset;
    must((size_t)dg->offset + dg->len <= w->out.bytes_len);
    must(ps_packet_decode(p, dg->len, &packet, &why));
    must(packet.type != PS_PACKET_INITIATE);
    account *there = account_of(w, &dg->to);
    there->bytes_out += dg->len;
    must(there->proven || there->bytes_out <= there->bytes_in);
    end *e = end_of(w, packet.receiver_id, &c);
    if (e == NULL) {
        return;
    }
    if (packet.type == PS_PACKET_RESPOND) {
        (void)end_take_respond(e, p, dg->len);
    } else if (packet.type == PS_PACKET_RETRY) {
        memcpy(c->cookie, packet.body.data, sizeof c->cookie);
    } else if (packet.type == PS_PACKET_DATA && e->keyed) {
        must(end_open(e, p, dg->len, copy, &messages));
        learn_messages(c, messages);
        memcpy(copy, p, dg->len);
        must(w->out.datagrams_len > 1 || ps_server_unseal(w->s, copy, dg->len) == messages.len ||
             w->out.events_len > 0); /* A session that has ended has no keys. */
    }
}

/* Learns keys, tickets and generations from the server's answers. */
static void learn(world *w)
{
    for (size_t i = 0; i < w->out.datagrams_len; i++) {
        learn_datagram(w, &w->out.datagrams[i]);
    }
    for (size_t i = 0; i < w->out.events_len; i++) {
        const ps_event_login *login = &w->out.events[i].u.login;
        if (w->out.events[i].type == PS_EVENT_LOGIN_REQUEST) {
            w->pending = login->pending;
            must(login->user.len <= PS_USER_MAX);
            must(login->by_ticket ? login->known : login->password.len <= PS_PASSWORD_MAX);
        }
    }
}

/* The twin's step, with its own translation of the inputs. */
static void step_twin(world *w, ps_input in[], size_t n, uint8_t *const bytes[], ps_status want,
                      size_t want_consumed)
{
    ps_input mine[HELD];
    size_t consumed = 9;
    for (size_t i = 0; i < n; i++) {
        mine[i] = in[i];
        if (in[i].type == PS_INPUT_DATAGRAM) {
            mine[i].u.datagram.data = bytes[i];
        } else if (in[i].type == PS_INPUT_VERDICT) {
            memset(mine[i].u.verdict.credential, 0, sizeof mine[i].u.verdict.credential);
        }
    }
    ps_output *out = &w->twin_out;
    out->bytes_len = out->datagrams_len = out->events_len = 0;
    out->bytes_cap = w->out.bytes_cap;
    out->datagrams_cap = w->out.datagrams_cap;
    out->events_cap = w->out.events_cap;
    must(ps_server_step(w->twin, mine, n, &consumed, out) == want && consumed == want_consumed);
    must(out->bytes_len == w->out.bytes_len && out->events_len == w->out.events_len);
    must(out->datagrams_len == w->out.datagrams_len);
    for (size_t i = 0; i < out->datagrams_len; i++) {
        must(out->datagrams[i].len == w->out.datagrams[i].len);
        must(ps_addr_equal(&out->datagrams[i].to, &w->out.datagrams[i].to));
        must(out->bytes[out->datagrams[i].offset] ==
             w->out.bytes[w->out.datagrams[i].offset]); /* The type. */
    }
}

/* Inputs that are given in one call, and again from where it stopped for want of room. AGAIN at the
 * first of them is for shortages alone. */
static void step_all(world *w, ps_input in[], size_t n, uint8_t *const bytes[], bool shortage)
{
    for (size_t at = 0; at < n;) {
        size_t consumed = 99;
        w->out.bytes_len = w->out.datagrams_len = w->out.events_len = 0;
        memset(w->out.bytes, POISON, SLAB);
        memcpy(w->before, w->s, w->slab_len);
        const ps_status status = ps_server_step(w->s, in + at, n - at, &consumed, &w->out);
        must(status != PS_INVALID && (status == PS_AGAIN) == (consumed < n - at));
        must(w->out.bytes_len <= consumed * PS_SERVER_STEP_BYTES);
        must(w->out.datagrams_len <= consumed * PS_SERVER_STEP_DATAGRAMS);
        must(w->out.events_len <= consumed * PS_SERVER_STEP_EVENTS);
        must(ps_server_check(w->s) == 0);
        must(memcmp(w->out.bytes + w->out.bytes_len, poison, SLAB - w->out.bytes_len) == 0);
        must(consumed > 0 || memcmp(w->before, w->s, w->slab_len) == 0);
        step_twin(w, in + at, n - at, bytes + at, status, consumed);
        learn(w);
        must(consumed > 0 || shortage);
        if (consumed == 0) {
            return;
        }
        at += consumed;
    }
}

/* Steps what was held for one call. */
static void flush(world *w)
{
    const size_t n = w->held_len;
    w->held_len = w->hold = 0;
    step_all(w, w->held, n, w->twins, false);
    for (size_t i = 0; i < n; i++) {
        free(w->held[i].u.datagram.data);
        free(w->twins[i]);
    }
}

static void step_with(world *w, ps_input *in, bool shortage)
{
    uint8_t *const none = NULL;
    flush(w);
    in->now_us = w->now_us;
    step_all(w, in, 1, &none, shortage);
}

static void step(world *w, ps_input *in)
{
    step_with(w, in, false);
}

static uint8_t *exact_copy(const uint8_t *data, size_t len)
{
    uint8_t *copy = malloc(len > 0 ? len : 1);
    must(copy != NULL);
    if (len > 0) {
        memcpy(copy, data, len);
    }
    return copy;
}

/* With others in one call, while they are held. */
static void deliver(world *w, uint8_t who, const uint8_t *data, size_t len)
{
    const size_t i = w->held_len++;
    w->held[i] = (ps_input){
        .now_us = w->now_us,
        .type = PS_INPUT_DATAGRAM,
        .u.datagram = {.from = address_of(who), .data = exact_copy(data, len), .len = len}};
    account_of(w, &w->held[i].u.datagram.from)->bytes_in += len;
    ps_input_datagram theirs = w->held[i].u.datagram;
    theirs.data = w->twins[i] = exact_copy(data, len);
    ps_server_translate(w->s, w->twin, &theirs);
    must(theirs.data == w->twins[i] && theirs.len == len);
    if (w->held_len == HELD || w->held_len > w->hold) {
        flush(w);
    }
}

static void send(world *w, uint8_t who, const craft *c)
{
    w->last_len = c->len < sizeof w->last ? c->len : sizeof w->last;
    memcpy(w->last, c->data, w->last_len);
    w->last_from = who;
    deliver(w, who, c->data, c->len);
}

/* Sealed, now and then with a wrong bit, now and then from elsewhere. */
static void send_sealed(world *w, uint8_t who, const end *e, craft *p)
{
    const uint8_t how = take8(&w->input);
    const uint8_t from = how >= 0xe0 ? how : who;
    end_seal(e, p);
    if (how >= 0xd0 && how < 0xd8) {
        p->data[take8(&w->input) % p->len] ^= (uint8_t)(1u << (how & 7));
    } else if (e->keyed && (from % ADDRESSES == who % ADDRESSES || w->answers)) {
        const ps_addr addr = address_of(from);
        account_of(w, &addr)->proven = true;
    }
    w->answers = false;
    send(w, from, p);
}

#endif
