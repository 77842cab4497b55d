/* The model's look at every answer of the server. */
#include "model_internal.h"

#include <string.h>

/* A ticket for the next login (once, while the server still knows how it was made), and keys. */
static void on_fields(model *m, const model_session *s, read_cursor *c)
{
    bool keys = false;
    while (c->left > 0) {
        const uint64_t type = read_number(c, 1);
        const size_t len = (size_t)read_number(c, 2);
        const ps_span field = read_bytes(c, len);
        WORLD_REQUIRE(m->w, !c->bad && (type == 1 || (type == 2 && !keys)));
        if (type == 1) {
            read_cursor ticket = {.at = field.data, .left = field.len};
            const uint64_t expires_s = read_number(&ticket, 8);
            model_ticket_add(m, read_bytes(&ticket, ticket.left), expires_s);
        } else {
            model_file_keys(m, s, field);
            keys = true;
        }
    }
    WORLD_REQUIRE(m->w, keys == s->keyed);
}

/* The session has the ids of the handshake in whose channel this comes. */
static void on_login_ok(model *m, const read_packet *p, const read_message *msg)
{
    read_cursor c = read_body(msg);
    (void)read_bytes(&c, 3 * 4 + 8);
    const uint64_t generation = read_number(&c, 8);
    const model_handshake *l = model_handshake_for(m, p->receiver);
    WORLD_REQUIRE(m->w, !c.bad && l != NULL && l->login && m->sessions[l->user].open);
    model_session *s = &m->sessions[l->user];
    WORLD_REQUIRE(m->w, s->id == 0 || s->id == l->id);
    if (s->id == 0) {
        WORLD_REQUIRE(m->w, ps_addr_equal(&s->addr, &l->addr));
        /* Another device of the user takes over from the silent only. */
        WORLD_REQUIRE(m->w, !s->replaced || memcmp(s->before, l->device, PS_DEVICE_BYTES) == 0);
        s->id = l->id;
        s->client_id = l->client_id;
        s->window = l->window;
        memcpy(s->device, l->device, PS_DEVICE_BYTES);
    }
    const uint32_t log = model_log_of(m, l->user, s->device);
    WORLD_REQUIRE(m->w, m->logs[log].generation == generation);
    (void)read_bytes(&c, 8 + 8 + 7); /* Digest, life, address; then fields. */
    on_fields(m, s, &c);
}

/* Each is asked more than once until it answers: it is kept once, or those whom somebody has sent
 * from many addresses would push out what the peer's own one was asked. */
static void remember_challenge(model_session *s, const ps_addr *addr, uint64_t nonce)
{
    for (size_t i = 0; i < MODEL_CHALLENGES; i++) {
        if (s->challenges[i].nonce == nonce && ps_addr_equal(&s->challenges[i].addr, addr)) {
            return;
        }
    }
    s->challenges[s->challenges_at++ % MODEL_CHALLENGES] = (model_challenge){*addr, nonce};
}

/* A session's packets go where it has proven to be; elsewhere goes one CHALLENGE, as an answer. */
static void check_place(model *m, const read_packet *p, const ps_datagram *dg,
                        const model_owed *owed)
{
    const uint32_t user = model_asker(m, p->receiver);
    model_session *s = user != MODEL_NONE ? &m->sessions[user] : NULL;
    if (s == NULL && owed->taken && m->sessions[owed->user].client_id == p->receiver) {
        s = &m->sessions[owed->user]; /* Its LOGOUT has just closed it. */
    }
    if (s == NULL) { /* A login's channel. */
        const model_handshake *h = model_handshake_for(m, p->receiver);
        WORLD_REQUIRE(m->w, h != NULL && ps_addr_equal(&h->addr, &dg->to));
    } else if (!ps_addr_equal(&s->addr, &dg->to)) {
        WORLD_REQUIRE(m->w, p->count == 1 && p->messages[0].type == READ_CHALLENGE &&
                                owed->genuine && ps_addr_equal(&owed->from, &dg->to));
        read_cursor c = read_body(&p->messages[0]);
        remember_challenge(s, &dg->to, read_number(&c, 8));
    }
}

static void on_published(const model *m, const read_message *msg, const model_owed *owed)
{
    read_cursor c = read_body(msg);
    WORLD_REQUIRE(m->w, owed->changes && !owed->busy && msg->request == owed->request);
    WORLD_REQUIRE(m->w, read_number(&c, 8) == owed->generation);
    WORLD_REQUIRE(m->w, read_number(&c, 1) == owed->refused);
    for (uint32_t i = 0; i < owed->refused; i++) {
        WORLD_REQUIRE(m->w, read_number(&c, 1) == owed->indices[i]);
        WORLD_REQUIRE(m->w, read_number(&c, 2) == owed->errors[i]);
    }
    WORLD_REQUIRE(m->w, !c.bad && c.left == 0);
}

/* The log in which this is listed now, by a device of the user; MODEL_NONE: it is not. */
static uint32_t listed_in(const model *m, uint32_t user, ps_span name, const ps_content *content)
{
    for (uint32_t i = m->users_logs[user]; i != MODEL_NONE; i = m->logs[i].next) {
        const model_pub *pub = model_find(m, i, name);
        if (pub != NULL && ps_content_equal(&pub->content, content)) {
            return i;
        }
    }
    return MODEL_NONE;
}

static void on_file(const model *m, read_cursor *c, uint32_t asker)
{
    const unsigned flags = (unsigned)read_number(c, 1);
    const ps_content content = read_content(c);
    const uint32_t user = world_user_index(m->w, read_text(c));
    const ps_span name = read_text(c);
    WORLD_REQUIRE(m->w, !c->bad && user != UINT32_MAX);
    WORLD_REQUIRE(m->w, listed_in(m, user, name, &content) != MODEL_NONE);
    WORLD_REQUIRE(m->w, ((flags & 1) != 0) == model_online(m, user));
    WORLD_REQUIRE(m->w, ((flags & 2) != 0) == (user == asker));
}

static void on_source(const model *m, read_cursor *c, uint32_t asker, const model_owed *owed)
{
    const unsigned flags = (unsigned)read_number(c, 1);
    const ps_content content = read_content(c);
    const uint32_t user = world_user_index(m->w, read_text(c));
    const uint32_t addresses = (uint32_t)read_number(c, 1);
    WORLD_REQUIRE(m->w, user != UINT32_MAX);
    for (uint32_t i = 0; i < addresses; i++) {
        (void)read_number(c, 1);
        const ps_span addr = read_text(c); /* The one that was proven. */
        WORLD_REQUIRE(m->w,
                      addr.len == 7 && memcmp(addr.data + 3, m->sessions[user].addr.ip, 4) == 0);
    }
    WORLD_REQUIRE(m->w, !c->bad);
    WORLD_REQUIRE(m->w, listed_in(m, user, owed->locate, &content) != MODEL_NONE);
    WORLD_REQUIRE(m->w, ((flags & 2) != 0) == (user == asker));
    WORLD_REQUIRE(m->w, (flags & 1) != 0 || addresses == 0);
    if ((flags & 1) != 0) { /* Online, and on the device that publishes just this. */
        WORLD_REQUIRE(m->w, model_online(m, user));
        WORLD_REQUIRE(m->w, model_lists(m, user, m->sessions[user].device, owed->locate, &content));
    }
    model_file_ticket(m, addresses > 0 ? user : MODEL_NONE, &content, asker, c);
}

static void on_page(model *m, const read_packet *p, const read_message *msg, const model_owed *owed)
{
    read_cursor c = read_body(msg);
    const uint32_t asker = model_asker(m, p->receiver);
    WORLD_REQUIRE(m->w, asker != MODEL_NONE);
    (void)read_number(&c, 8);
    const uint32_t count = (uint32_t)read_number(&c, 1);
    m->pages++;
    m->entries += count;
    for (uint32_t i = 0; i < count; i++) {
        if (msg->type == READ_PEERS) {
            const uint32_t user = world_user_index(m->w, read_text(&c));
            WORLD_REQUIRE(m->w, user != UINT32_MAX && user != asker && model_online(m, user));
        } else if (msg->type == READ_FILES) {
            on_file(m, &c, asker);
        } else if (msg->type == READ_SOURCES) {
            WORLD_REQUIRE(m->w, msg->request == owed->locate_request);
            on_source(m, &c, asker, owed);
        } else {
            const uint32_t log = model_log_of(m, asker, m->sessions[asker].device);
            WORLD_REQUIRE(m->w, model_find(m, log, read_text(&c)) != NULL);
        }
    }
    WORLD_REQUIRE(m->w, !c.bad && c.left == 0);
}

static void on_heartbeat_ok(model *m, const read_packet *p, const read_message *msg)
{
    read_cursor c = read_body(msg);
    const uint32_t asker = model_asker(m, p->receiver);
    WORLD_REQUIRE(m->w, asker != MODEL_NONE && model_online(m, asker));
    const uint32_t log = model_log_of(m, asker, m->sessions[asker].device);
    WORLD_REQUIRE(m->w, read_number(&c, 8) == m->logs[log].generation);
}

static void on_data(model *m, const read_packet *p, const model_owed *owed, bool *answered)
{
    for (size_t k = 0; k < p->count; k++) {
        const read_message *msg = &p->messages[k];
        /* A session's answer answers a packet; else there are words about logins, and probes. */
        WORLD_REQUIRE(m->w, owed->taken || msg->type == READ_LOGIN_OK || msg->type == READ_ERROR ||
                                msg->type == READ_CHALLENGE);
        if (msg->type == READ_LOGIN_OK) {
            on_login_ok(m, p, msg);
        } else if (msg->type == READ_PUBLISHED) {
            on_published(m, msg, owed);
            *answered = true;
        } else if (msg->type == READ_HEARTBEAT_OK) {
            on_heartbeat_ok(m, p, msg);
        } else if (msg->type == READ_PEERS || msg->type == READ_FILES ||
                   msg->type == READ_SOURCES || msg->type == READ_NAMES) {
            on_page(m, p, msg, owed);
        } else if (msg->type == READ_ERROR && owed->busy && msg->request == owed->request) {
            *answered = true;
        }
    }
}

void model_answers(model *m, const ps_output *before, const ps_output *out, const model_owed *owed)
{
    bool answered = !owed->changes;
    for (size_t i = before->datagrams_len; i < out->datagrams_len; i++) {
        const ps_datagram *dg = &out->datagrams[i];
        read_packet p;
        WORLD_REQUIRE(m->w, read_packet_of(out->bytes + dg->offset, dg->len, &p));
        if (p.type == READ_DATA) {
            on_data(m, &p, owed, &answered);
            check_place(m, &p, dg, owed);
            continue;
        }
        /* In the clear there are only answers, to where the question came from. */
        WORLD_REQUIRE(m->w, owed->type == (p.type == READ_RESET ? READ_DATA : READ_INITIATE) &&
                                ps_addr_equal(&owed->from, &dg->to));
        if (p.type == READ_RESPOND) {
            model_handshake_add(m, &dg->to, p.receiver, p.given);
        } else if (p.type == READ_RETRY) {
            model_cookie_add(m, &dg->to, out->bytes + dg->offset + 9);
        }
    }
    WORLD_REQUIRE(m->w, answered);
}
