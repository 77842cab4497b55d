/* The model's way in: which packets a session takes, and what their changes do. */
#include "model_internal.h"

#include <string.h>

#include "peersync/transfer.h"

/* ---- counters ---- */

static bool is_new(const model_window *w, uint64_t counter)
{
    if (counter == UINT64_MAX ||
        (w->highest >= MODEL_WINDOW && counter <= w->highest - MODEL_WINDOW)) {
        return false;
    }
    for (size_t i = 0; i < w->seen_len; i++) {
        if (w->seen[i] == counter) {
            return false;
        }
    }
    return true;
}

static void remember(model_window *w, uint64_t counter)
{
    size_t kept = 0;
    w->highest = counter > w->highest ? counter : w->highest;
    for (size_t i = 0; i < w->seen_len; i++) {
        if (w->seen[i] + MODEL_WINDOW > w->highest) {
            w->seen[kept++] = w->seen[i];
        }
    }
    w->seen[kept++] = counter;
    w->seen_len = kept;
}

/* ---- LOGIN ---- */

#define BY_TICKET 2u

static void on_login(model *m, model_handshake *h, const read_message *msg, model_owed *owed)
{
    read_cursor c = read_body(msg);
    const ps_span device = read_bytes(&c, PS_DEVICE_BYTES);
    (void)read_bytes(&c, 4 + 2 + 2);
    const uint64_t method = read_number(&c, 1);
    const ps_span name = read_text(&c);
    const ps_span secret = read_text(&c);
    owed->ticket = method == BY_TICKET ? secret : (ps_span){NULL, 0};
    const uint32_t user = c.bad ? UINT32_MAX : world_user_index(m->w, name);
    if (user == UINT32_MAX) {
        return;
    }
    h->login = true;
    h->user = user;
    h->node = model_node(m, &h->addr);
    memcpy(h->device, device.data, PS_DEVICE_BYTES);
}

/* In the channel of a handshake: from its address, and one message. */
static void on_handshake_packet(model *m, const read_packet *p, model_owed *owed)
{
    model_handshake *h = model_handshake_of(m, p->receiver);
    if (h == NULL || !owed->genuine || !ps_addr_equal(&h->addr, &owed->from) ||
        !is_new(&h->window, p->counter)) {
        return;
    }
    remember(&h->window, p->counter);
    if (p->count == 1 && p->messages[0].type == READ_LOGIN) {
        on_login(m, h, &p->messages[0], owed);
    }
}

/* ---- packets of sessions ---- */

/* By the id of the keys that it has, or of those it had before. */
static bool has_id(const model_session *s, uint64_t id)
{
    return s->open && id != 0 && (s->id == id || s->old_id == id);
}

static uint32_t session_of(model *m, uint64_t id)
{
    uint32_t *guess = &m->guesses[0][id % MODEL_GUESSES];
    if (has_id(&m->sessions[*guess], id)) {
        return *guess;
    }
    for (uint32_t i = 0; i < m->w->cfg.peers; i++) {
        if (has_id(&m->sessions[i], id)) {
            *guess = i;
            return i;
        }
    }
    return MODEL_NONE;
}

static void refuse(model_owed *owed, uint32_t index, uint32_t error)
{
    owed->indices[owed->refused] = (uint8_t)index;
    owed->errors[owed->refused++] = (uint16_t)error;
}

/* What the entry's rules say, whatever the tables hold. */
static uint32_t fault_of(ps_span name, const ps_content *content)
{
    if (ps_name_check(name) != PS_NAME_OK) {
        return PS_E_BAD_NAME;
    }
    return content->length > PS_FILE_MAX ? PS_E_MALFORMED : PS_E_NONE;
}

/* The server's word for one entry: it alone knows when its tables are full. */
static bool server_says_full(const model_owed *said, uint32_t index)
{
    for (uint32_t i = 0; i < said->refused; i++) {
        if (said->indices[i] == index) {
            return said->errors[i] == PS_E_FULL;
        }
    }
    return false;
}

static void apply(model *m, model_owed *owed, const model_owed *said, bool publish, uint32_t index,
                  ps_span name, const ps_content *content)
{
    model_pub *pub = model_find(m, owed->log, name);
    if (!publish) {
        if (pub != NULL) {
            model_end(m, pub);
        }
        return;
    }
    const uint32_t fault = fault_of(name, content);
    if (fault != PS_E_NONE) {
        refuse(owed, index, fault);
    } else if (pub != NULL) {
        pub->content = *content;
    } else if (model_published(m, owed->user) >= m->w->cfg.server.max_user_publications) {
        refuse(owed, index, PS_E_QUOTA);
    } else if (server_says_full(said, index)) {
        WORLD_REQUIRE(m->w, m->w->cfg.scarce); /* There was room. */
        refuse(owed, index, PS_E_FULL);
    } else {
        model_add(m, owed->log, name, content);
    }
}

/* An entry that was applied before: its refusal is told again, as far as it can be known. */
static void repeat(const model *m, model_owed *owed, const model_owed *said, bool publish,
                   uint32_t index, ps_span name, const ps_content *content)
{
    const uint32_t fault = publish ? fault_of(name, content) : PS_E_NONE;
    if (fault != PS_E_NONE) {
        refuse(owed, index, fault);
    } else if (publish && model_find(m, owed->log, name) == NULL) {
        for (uint32_t i = 0; i < said->refused; i++) {
            if (said->indices[i] == index &&
                (said->errors[i] == PS_E_QUOTA || said->errors[i] == PS_E_FULL)) {
                refuse(owed, index, said->errors[i]);
            }
        }
    }
}

static void on_changes(model *m, const read_message *msg, model_owed *owed, const model_owed *said)
{
    read_cursor c = read_body(msg);
    const bool publish = msg->type == READ_PUBLISH;
    const uint64_t first = read_number(&c, 8);
    const uint32_t count = (uint32_t)read_number(&c, 1);
    owed->changes = true;
    owed->request = msg->request;
    owed->busy = m->store_busy;
    for (uint32_t i = 0; i < count && !owed->busy; i++) {
        const ps_content content = publish ? read_content(&c) : (ps_content){.length = 0};
        const ps_span name = read_text(&c);
        uint64_t *generation = &m->logs[owed->log].generation;
        WORLD_REQUIRE(m->w, !c.bad);
        if (first + i <= *generation) {
            repeat(m, owed, said, publish, i, name, &content);
        } else if (first + i == *generation + 1) {
            ++*generation;
            apply(m, owed, said, publish, i, name, &content);
        } else {
            break;
        }
    }
    owed->generation = m->logs[owed->log].generation;
}

/* The refusals of the server's PUBLISHED for this request, read ahead. */
static void read_refusals(const ps_output *before, const ps_output *out, uint32_t request,
                          model_owed *said)
{
    said->refused = 0;
    for (size_t i = before->datagrams_len; i < out->datagrams_len; i++) {
        read_packet p;
        if (!read_packet_of(out->bytes + out->datagrams[i].offset, out->datagrams[i].len, &p)) {
            continue;
        }
        for (size_t k = 0; k < p.count; k++) {
            if (p.messages[k].type != READ_PUBLISHED || p.messages[k].request != request) {
                continue;
            }
            read_cursor c = read_body(&p.messages[k]);
            (void)read_number(&c, 8);
            const uint32_t count = (uint32_t)read_number(&c, 1);
            for (uint32_t r = 0; r < count && r < 64 && !c.bad; r++) {
                const uint32_t index = (uint32_t)read_number(&c, 1);
                refuse(said, index, (uint32_t)read_number(&c, 2));
            }
        }
    }
}

/* The packet answers a CHALLENGE that was sent to where it comes from. */
static bool proves_address(const model_session *s, const read_packet *p, const ps_addr *from)
{
    for (size_t i = 0; i < p->count; i++) {
        read_cursor c = read_body(&p->messages[i]);
        const uint64_t nonce = read_number(&c, 8);
        for (size_t k = 0; k < MODEL_CHALLENGES; k++) {
            const model_challenge *asked = &s->challenges[k];
            if (p->messages[i].type == READ_CHALLENGE_OK && asked->nonce == nonce &&
                ps_addr_equal(&asked->addr, from)) {
                return true;
            }
        }
    }
    return false;
}

/* A packet from where the session is not (yet). The server alone knows how old a CHALLENGE is. */
static bool follow(model *m, model_session *s, const read_packet *p, model_owed *owed,
                   bool server_moved)
{
    if (ps_addr_equal(&s->addr, &owed->from)) {
        return true;
    }
    if (!server_moved || !proves_address(s, p, &owed->from)) {
        return false; /* Then a counter of moves that rose is found wrong. */
    }
    owed->moved = true;
    s->addr = owed->from;
    s->node = model_node(m, &s->addr);
    return true;
}

static void on_messages(model *m, model_session *s, const read_packet *p, const ps_output *before,
                        const ps_output *out, model_owed *owed)
{
    static model_owed said;
    for (size_t i = 0; i < p->count && !s->left; i++) {
        const read_message *msg = &p->messages[i];
        if (msg->type == READ_PUBLISH || msg->type == READ_UNPUBLISH) {
            read_refusals(before, out, msg->request, &said);
            on_changes(m, msg, owed, &said);
        } else if (msg->type == READ_LOCATE) {
            read_cursor c = read_body(msg);
            (void)read_number(&c, 8);
            owed->locate = read_text(&c);
            owed->locate_request = msg->request;
        } else if (msg->type == READ_LOGOUT) {
            s->left = true;
        }
    }
}

static bool holds(const read_packet *p, unsigned type)
{
    bool found = false;
    for (size_t i = 0; i < p->count; i++) {
        found = found || p->messages[i].type == type;
    }
    return found;
}

static void on_packet(model *m, const read_packet *p, const ps_output *before, const ps_output *out,
                      model_owed *owed, bool server_moved)
{
    const uint32_t user = session_of(m, p->receiver);
    if (user == MODEL_NONE) {
        on_handshake_packet(m, p, owed);
        return;
    }
    model_session *s = &m->sessions[user];
    const bool old = s->id != p->receiver;
    model_window *window = old ? &s->old_window : &s->window;
    if (!owed->genuine || !model_online(m, user) || !is_new(window, p->counter) ||
        (old && owed->no_session)) {
        return;
    }
    remember(window, p->counter);
    if (old && owed->misplaced && holds(p, READ_LOGOUT)) {
        return; /* Somebody has held it back: it ends nothing that began after it. */
    }
    if (old && (holds(p, READ_PUBLISH) || holds(p, READ_UNPUBLISH))) {
        return; /* Perhaps of a process that is gone, whose user has decided otherwise since. */
    }
    model_sign_of_life(m, s);
    if (follow(m, s, p, owed, server_moved)) {
        owed->taken = true;
        owed->user = user;
        owed->log = model_log_of(m, user, s->device);
        on_messages(m, s, p, before, out, owed);
    }
}

/* ---- all of them ---- */

static void on_datagram(model *m, const ps_input_datagram *in, const uint8_t *bytes,
                        const ps_output *before, const ps_output *out, model_owed *owed)
{
    read_packet p;
    const bool whole = read_packet_of(bytes, in->len, &p);
    owed->from = in->from;
    owed->type = in->len > 0 ? bytes[0] : UINT8_MAX;
    owed->genuine = ledger_has(&m->w->sent_by_peers, bytes, in->len);
    if (whole && p.type == READ_DATA) {
        ps_server_stats now;
        ps_server_stats_get(m->w->server.machine.self, &now);
        on_packet(m, &p, before, out, owed, now.moves > m->before.moves);
    }
}

static void on_expel(model *m, ps_span name)
{
    const uint32_t user = world_user_index(m->w, name);
    if (user != UINT32_MAX) {
        m->sessions[user].expelled = true;
    }
}

void model_input(model *m, const ps_input *in, const uint8_t *bytes, const ps_output *before,
                 const ps_output *out, model_owed *owed)
{
    if (in->type == PS_INPUT_STORE) {
        m->store_busy = in->u.store_retry_ms != 0;
    } else if (in->type == PS_INPUT_EXPEL) {
        on_expel(m, in->u.expel);
    } else if (in->type == PS_INPUT_WALL_CLOCK) {
        m->wall_s = in->u.wall_s;
        m->wall_us = m->now_us;
    } else if (in->type == PS_INPUT_DATAGRAM) {
        on_datagram(m, &in->u.datagram, bytes, before, out, owed);
    }
    bool changed = false;
    for (size_t i = before->events_len; i < out->events_len; i++) {
        changed = changed || out->events[i].type == PS_EVENT_SESSION_CLOSED;
        if (out->events[i].type == PS_EVENT_SESSION_OPENED) {
            model_opened(m, &out->events[i].u.session);
        } else if (out->events[i].type == PS_EVENT_SESSION_CLOSED) {
            model_closed(m, &out->events[i].u.session);
        } else if (out->events[i].type == PS_EVENT_LOGIN_REQUEST &&
                   out->events[i].u.login.by_ticket) {
            WORLD_REQUIRE(m->w, owed->ticket.len > 0 && model_ticket_good(m, owed->ticket));
        }
    }
    for (uint32_t i = 0; changed && i < m->w->cfg.peers;
         i++) { /* A gap ends what went on without one. */
        m->sessions[i].since_us = m->sessions[i].open ? m->sessions[i].since_us : 0;
    }
}
