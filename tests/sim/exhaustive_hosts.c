/* The programs around the machines, and the people in front of them. */
#include "exhaustive.h"

#include <string.h>

#define TAG_FILES UINT64_C(1)
#define TAG_PEERS UINT64_C(2)
#define WALL_S    UINT64_C(1000000000)

static const char *const passwords[] = {"right", "wrong"};

static ps_span span_of(const char *text)
{
    return (ps_span){(const uint8_t *)text, strlen(text)};
}

static bool same_text(ps_span a, const char *text)
{
    return a.len == strlen(text) && memcmp(a.data, text, a.len) == 0;
}

ps_addr ex_addr(uint32_t peer, uint32_t moves)
{
    return (ps_addr){.ip = {10, 0, 1, (uint8_t)(peer + 1)},
                     .port = (uint16_t)(4000 + moves),
                     .family = PS_ADDR_V4};
}

bool ex_peer_at(const ps_addr *addr, uint32_t *peer)
{
    *peer = addr->ip[3] - 1u;
    if (*peer >= EX_PEERS || addr->port % 100 >= EX_ADDRESSES) {
        return false;
    }
    const ps_addr known = ex_addr(*peer, addr->port % 100u);
    return ps_addr_equal(&known, addr);
}

const char *ex_user(const ex *x, uint32_t peer)
{
    return peer == 0 || x->scene->same_user ? "anna" : "ben";
}

void ex_device(uint32_t peer, uint8_t device[PS_DEVICE_BYTES])
{
    memset(device, (int)(0xd0 + peer), PS_DEVICE_BYTES);
}

const char *ex_name(uint32_t name)
{
    return name == 0 ? "x" : "y";
}

uint8_t ex_wish(const ex_state *s, uint32_t peer, uint32_t name)
{
    const ex_wishes *w = &s->peers[peer].wishes[name];
    return w->values[w->len - 1];
}

static ps_content content_of(uint8_t value)
{
    ps_content c = {.length = value};
    memset(c.root, value, sizeof c.root);
    return c;
}

/* ---- the server's ---- */

/* Of each name only what was said last, in the order in which it was said. */
static void compact(ex_state *s)
{
    uint8_t kept = 0;
    for (uint8_t i = 0; i < s->records_len; i++) {
        bool outdated = false;
        for (uint8_t k = (uint8_t)(i + 1); k < s->durable; k++) {
            outdated = outdated || (s->records[k].peer == s->records[i].peer &&
                                    s->records[k].name == s->records[i].name);
        }
        if (i >= s->durable || !outdated) {
            s->records[kept++] = s->records[i];
        }
    }
    s->durable = (uint8_t)(s->durable - (s->records_len - kept));
    s->records_len = kept;
}

void ex_sync(ex *x, ex_state *s)
{
    EX_REQUIRE(x, s->records_len > 0);
    s->durable = s->records_len;
    s->committed = s->records[s->records_len - 1].commit_seq;
    compact(s);
}

static void restore(ex *x, ex_state *s)
{
    for (uint8_t i = 0; i < s->records_len; i++) {
        ex_record *r = &s->records[i];
        ps_input in = {.type = PS_INPUT_RESTORE};
        in.u.restore = (ps_input_restore){.generation = r->generation,
                                          .user = span_of(ex_user(x, r->peer)),
                                          .name = span_of(ex_name(r->name)),
                                          .content = content_of(r->content),
                                          .published = r->content != 0};
        ex_device(r->peer, in.u.restore.device);
        r->commit_seq = 0;
        ex_step(x, s, EX_SERVER, &in);
    }
}

/* What its process has not made durable, or not sent yet, is gone with it. */
static void forget_server(ex *x, ex_state *s)
{
    for (uint32_t i = s->flight_len; i > 0; i--) {
        if (ex_flight(x, s)[i - 1].commit_seq > s->committed) {
            ex_remove(x, s, i - 1);
        } else {
            ex_flight(x, s)[i - 1].commit_seq = 0;
        }
    }
    s->records_len = s->durable;
    compact(s);
    s->committed = 0;
    s->lates = 0;
    s->due_us = PS_TIME_NEVER;
    s->spared_us = 0;
    x->verdicts_len = 0;
    for (uint32_t i = 0; i < EX_PEERS; i++) {
        ex_peer *p = &s->peers[i];
        p->open = 0;
        memset(p->proven, 0, sizeof p->proven);
        memset(p->in, 0, sizeof p->in);
        memset(p->out, 0, sizeof p->out);
    }
}

void ex_boot_server(ex *x, ex_state *s)
{
    void *self = ex_machine(x, s, EX_SERVER);
    const size_t len = x->peers_at - x->server_at;
    ps_server *made;
    forget_server(x, s);
    s->server_lives++;
    memset(x->server.seed, s->server_lives, sizeof x->server.seed);
    memset(self, 0xa5, len); /* Init relies on no zeros. */
    EX_REQUIRE(x, ps_server_init(self, len, &x->server, &made) == PS_OK);
    EX_REQUIRE(x, (void *)made == self);
    x->restoring = true;
    ps_input in = {.type = PS_INPUT_WALL_CLOCK, .u.wall_s = WALL_S + s->now_us / 1000000};
    ex_step(x, s, EX_SERVER, &in);
    restore(x, s);
    x->restoring = false;
    ex_look_at_server(x, s);
}

static void on_login_request(ex *x, const ps_event_login *e)
{
    EX_REQUIRE(x, x->verdicts_len < sizeof x->verdicts / sizeof x->verdicts[0]);
    const bool right = e->by_ticket || same_text(e->password, passwords[0]);
    x->verdicts[x->verdicts_len].pending = e->pending;
    x->verdicts[x->verdicts_len++].error = right ? PS_E_NONE : PS_E_CREDENTIALS;
}

static void on_record(ex *x, ex_state *s, const ps_event_record *e)
{
    EX_REQUIRE(x, s->records_len < EX_RECORDS);
    ex_record *r = &s->records[s->records_len++];
    *r = (ex_record){.commit_seq = e->commit_seq,
                     .generation = e->generation,
                     .peer = (uint8_t)(e->device[0] - 0xd0),
                     .name = same_text(e->name, ex_name(0)) ? 0 : 1,
                     .content = e->published ? (uint8_t)e->content.length : 0};
    EX_REQUIRE(x, r->peer < EX_PEERS && same_text(e->name, ex_name(r->name)));
}

void ex_on_server_event(ex *x, ex_state *s, const ps_event *e)
{
    uint32_t peer;
    if (e->type == PS_EVENT_LOGIN_REQUEST) {
        on_login_request(x, &e->u.login);
    } else if (e->type == PS_EVENT_RECORD) {
        on_record(x, s, &e->u.record);
    } else if (e->type == PS_EVENT_SESSION_OPENED) {
        EX_REQUIRE(x, ex_peer_at(&e->u.session.addr, &peer));
        ex_peer *p = &s->peers[peer];
        p->open = 1;
        p->sessions++;
        p->closing = 0;
        p->fresh_us = p->heard_us = s->now_us;
    } else {
        EX_REQUIRE(x, e->type == PS_EVENT_SESSION_CLOSED);
        ex_look_at_close(x, s, &e->u.session);
    }
}

/* ---- a peer's ---- */

static void command(ex *x, ex_state *s, uint32_t peer, ps_input_type type, uint64_t tag,
                    const char *text, uint8_t content)
{
    ps_input in = {.type = type};
    in.u.command =
        (ps_input_command){.tag = tag, .text = span_of(text), .content = content_of(content)};
    ex_step(x, s, peer + 1, &in);
}

static uint64_t tag_of(const ex_wishes *w, uint32_t name)
{
    return (uint64_t)(name + 1) << 32 | (w->first + w->len - 1u);
}

static void add_wish(ex *x, ex_wishes *w, uint8_t value)
{
    EX_REQUIRE(x, w->len < EX_WISHES);
    w->values[w->len++] = value;
    w->ever |= (uint8_t)(1u << value);
}

/* Number n was acknowledged: what came before it may not come back. */
static void acknowledge(ex_wishes *w, uint32_t n)
{
    if (n > w->first) {
        const uint32_t gone = n - w->first;
        w->len = (uint8_t)(w->len - gone);
        memmove(w->values, w->values + gone, w->len);
        memset(w->values + w->len, 0, gone);
        w->first = n;
    }
}

void ex_log_in(ex *x, ex_state *s, uint32_t peer, bool wrong)
{
    ex_peer *p = &s->peers[peer];
    ps_input in = {.type = PS_INPUT_LOGIN};
    in.u.login =
        (ps_input_login){.server = {.ip = {10, 0, 0, 1}, .port = 5000, .family = PS_ADDR_V4},
                         .stream_port = 7000,
                         .key_known = true,
                         .user = span_of(ex_user(x, peer)),
                         .password = span_of(passwords[wrong ? 1 : 0]),
                         .ticket = {p->ticket, p->ticket_len}};
    memcpy(in.u.login.server_key, x->server_key, sizeof x->server_key);
    ex_device(peer, in.u.login.device);
    p->want_in = 1;
    p->wrong = wrong ? 1 : 0;
    ex_step(x, s, peer + 1, &in);
}

void ex_boot_peer(ex *x, ex_state *s, uint32_t peer)
{
    ex_peer *p = &s->peers[peer];
    void *self = ex_machine(x, s, peer + 1);
    ps_peer *made;
    p->lives++;
    p->online = p->leaving = 0;
    memset(&p->files, 0, sizeof p->files);
    memset(&p->peers, 0, sizeof p->peers);
    memset(x->peer.seed, (int)(16 * (peer + 1) + p->lives), sizeof x->peer.seed);
    memset(self, 0xa5, x->peer_len);
    EX_REQUIRE(x, ps_peer_init(self, x->peer_len, &x->peer, &made) == PS_OK);
    EX_REQUIRE(x, (void *)made == self);
    for (uint32_t name = 0; name < EX_NAMES; name++) {
        ex_wishes *w = &p->wishes[name];
        if (ex_wish(s, peer, name) != 0) {
            command(x, s, peer, PS_INPUT_PUBLISH, tag_of(w, name), ex_name(name),
                    ex_wish(s, peer, name));
        }
    }
    if (p->want_in != 0) {
        ex_log_in(x, s, peer, p->wrong != 0);
    }
}

static const ex_command *next_command(const ex *x, const ex_state *s, uint32_t peer)
{
    static const ex_command none = {EX_END, 0, 0};
    const uint8_t at = s->peers[peer].commands;
    return at < EX_COMMANDS ? &x->scene->script[peer][at] : &none;
}

bool ex_can_command(const ex *x, const ex_state *s, uint32_t peer)
{
    const ex_peer *p = &s->peers[peer];
    ps_peer_stats stats;
    ps_peer_stats_get(ex_machine(x, s, peer + 1), &stats);
    const ps_peer_state state = stats.state;
    switch ((ex_command_type)next_command(x, s, peer)->type) {
    case EX_LOGIN:
    case EX_LOGIN_WRONG:
        return state == PS_PEER_IDLE;
    case EX_LOGOUT:
        return state != PS_PEER_IDLE && state != PS_PEER_LEAVING;
    case EX_PUBLISH:
    case EX_UNPUBLISH:
        return true;
    case EX_LIST_FILES:
        return p->files.tag == 0 && (state == PS_PEER_ONLINE || state == PS_PEER_LOST);
    case EX_LIST_PEERS:
        return p->peers.tag == 0 && (state == PS_PEER_ONLINE || state == PS_PEER_LOST);
    case EX_MOVE:
        return p->moves + 1 < EX_ADDRESSES;
    case EX_END:
        break;
    }
    return false;
}

static void move(const ex *x, ex_state *s, uint32_t peer)
{
    ex_peer *p = &s->peers[peer];
    p->moves++;
    for (uint32_t i = s->flight_len; i > 0; i--) {
        if (ex_flight(x, s)[i - 1].to == peer + 1) {
            ex_remove(x, s, i - 1);
        }
    }
}

static void list(ex *x, ex_state *s, uint32_t peer, ps_input_type type, ex_list *l, uint64_t tag)
{
    memset(l, 0, sizeof *l);
    l->tag = tag;
    memset(l->always, 1, sizeof l->always);
    ex_look_at_server(x, s);
    command(x, s, peer, type, tag, "", 0);
}

void ex_list_files(ex *x, ex_state *s, uint32_t peer)
{
    list(x, s, peer, PS_INPUT_LIST_FILES, &s->peers[peer].files, TAG_FILES);
}

void ex_command_give(ex *x, ex_state *s, uint32_t peer)
{
    const ex_command *c = next_command(x, s, peer);
    ex_peer *p = &s->peers[peer];
    p->commands++;
    switch ((ex_command_type)c->type) {
    case EX_LOGIN:
    case EX_LOGIN_WRONG:
        ex_log_in(x, s, peer, c->type == EX_LOGIN_WRONG);
        break;
    case EX_LOGOUT: {
        ps_input in = {.type = PS_INPUT_LOGOUT};
        p->want_in = 0;
        p->leaving = p->closing = 1;
        ex_step(x, s, peer + 1, &in);
        break;
    }
    case EX_PUBLISH:
    case EX_UNPUBLISH: {
        ex_wishes *w = &p->wishes[c->name];
        add_wish(x, w, c->type == EX_PUBLISH ? c->content : 0);
        command(x, s, peer, c->type == EX_PUBLISH ? PS_INPUT_PUBLISH : PS_INPUT_UNPUBLISH,
                tag_of(w, c->name), ex_name(c->name), c->content);
        break;
    }
    case EX_LIST_FILES:
        ex_list_files(x, s, peer);
        break;
    case EX_LIST_PEERS:
        list(x, s, peer, PS_INPUT_LIST_PEERS, &p->peers, TAG_PEERS);
        break;
    case EX_MOVE:
        move(x, s, peer);
        break;
    case EX_END:
        break;
    }
}

static void on_done(ex *x, ex_state *s, uint32_t peer, const ps_event_done *e)
{
    ex_peer *p = &s->peers[peer];
    if (e->tag == TAG_FILES || e->tag == TAG_PEERS) {
        ex_look_at_end(x, s, peer, e);
        return;
    }
    const uint32_t name = (uint32_t)(e->tag >> 32) - 1;
    EX_REQUIRE(x, name < EX_NAMES);
    ex_wishes *w = &p->wishes[name];
    if (e->error == PS_E_NONE) {
        acknowledge(w, (uint32_t)e->tag);
    } else if (e->error == PS_E_QUOTA) {
        if ((uint32_t)e->tag == w->first + w->len - 1u) {
            add_wish(x, w, 0); /* The user is told, and wants it no longer. */
        }
    } else {
        EX_REQUIRE(x, e->error == PS_E_SUPERSEDED || e->error == PS_E_CANCELLED);
    }
}

static void on_unlisted(ex *x, ex_state *s, uint32_t peer, const ps_event_unlisted *e)
{
    const uint32_t name = same_text((ps_span){e->name, e->len}, ex_name(0)) ? 0 : 1;
    EX_REQUIRE(x, x->scene->quota != 0 && e->error == PS_E_QUOTA);
    add_wish(x, &s->peers[peer].wishes[name], 0);
}

void ex_on_peer_event(ex *x, ex_state *s, uint32_t peer, const ps_event *e)
{
    ex_peer *p = &s->peers[peer];
    switch ((int)e->type) {
    case PS_EVENT_TICKET:
        EX_REQUIRE(x, e->u.ticket.ticket.len <= sizeof p->ticket);
        p->ticket_len = (uint8_t)e->u.ticket.ticket.len;
        memcpy(p->ticket, e->u.ticket.ticket.data, p->ticket_len);
        break;
    case PS_EVENT_LOGGED_IN:
        EX_REQUIRE(x, p->wrong == 0 && p->want_in != 0);
        p->online = 1;
        break;
    case PS_EVENT_REFUSED:
        EX_REQUIRE(x, p->wrong != 0 || x->scene->same_user || e->u.account.error == PS_E_TIMEOUT ||
                          e->u.account.error == PS_E_BUSY);
        p->online = p->want_in = 0;
        break;
    case PS_EVENT_LOST:
        p->online = 0;
        break;
    case PS_EVENT_LOGGED_OUT:
        EX_REQUIRE(x, p->leaving != 0);
        p->online = p->leaving = 0;
        break;
    case PS_EVENT_FILE:
    case PS_EVENT_PEER:
        ex_look_at_line(x, s, peer, e);
        break;
    case PS_EVENT_AGAIN:
        memset(p->files.seen, 0, sizeof p->files.seen);
        break;
    case PS_EVENT_DONE:
        on_done(x, s, peer, &e->u.done);
        break;
    case PS_EVENT_UNLISTED:
        on_unlisted(x, s, peer, &e->u.unlisted);
        break;
    default:
        EX_REQUIRE(x, e->type == PS_EVENT_FILE_KEYS || e->type == PS_EVENT_PUT_OFF);
        break;
    }
}
