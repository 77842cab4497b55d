/* What must hold in every state (section numbers: core/PROTOCOL.md tells the rules):
 *   - a session is alive from its login to its logout, or until its peer was silent for so long;
 *     it does not end by silence, or for another device's sake, before that
 *   - what a device's log lists is something that its user wanted after what was acknowledged last,
 *     whatever comes late, twice or out of order, and whichever process was killed meanwhile
 *   - a list shows what was listed all the while exactly once, and nothing that was not
 *   - until an address is proven: bytes out <= bytes in
 * The server's tables are read from inside: they are what its next answers are made of. */
#include "exhaustive.h"

#include "server/server_internal.h"

#include <string.h>

/* Late steps that give time, whatever came before: the server's own bound. */
#define SPARED PS_LATE_TIMES

static uint64_t dead_us(const ex *x)
{
    return x->server.dead_ms * UINT64_C(1000);
}

static ps_span span_of(const char *text)
{
    return (ps_span){(const uint8_t *)text, strlen(text)};
}

/* ---- the server's tables ---- */

static const ps_server *server_of(const ex *x, const ex_state *s)
{
    return ex_machine(x, s, EX_SERVER);
}

static uint32_t device_of(const ex *x, const ex_state *s, uint32_t peer, uint32_t *user)
{
    const ps_directory *d = &server_of(x, s)->directory;
    uint8_t id[PS_DEVICE_BYTES];
    ex_device(peer, id);
    *user = ps_user_find(d, span_of(ex_user(x, peer)));
    return *user == PS_NIL ? PS_NIL : ps_device_find(d, *user, id);
}

bool ex_active(const ex *x, const ex_state *s, uint32_t peer)
{
    const ps_server *server = server_of(x, s);
    uint32_t user;
    const uint32_t device = device_of(x, s, peer, &user);
    if (device == PS_NIL || !ps_user_active(server, user)) {
        return false;
    }
    return ps_session_at(server, ps_user_at(&server->directory, user)->session)->device == device;
}

uint8_t ex_listed(const ex *x, const ex_state *s, uint32_t peer, uint32_t name)
{
    const ps_directory *d = &server_of(x, s)->directory;
    uint32_t user;
    const uint32_t device = device_of(x, s, peer, &user);
    const uint32_t pub = device == PS_NIL ? PS_NIL : ps_pub_find(d, device, span_of(ex_name(name)));
    return pub == PS_NIL ? 0 : (uint8_t)ps_pub_at(d, pub)->content.length;
}

/* ---- time ---- */

void ex_look_at_lateness(ex_state *s)
{
    const uint64_t from_us = s->due_us > s->server_us ? s->due_us : s->server_us;
    if (s->due_us == PS_TIME_NEVER || s->now_us <= from_us || s->now_us - from_us <= PS_LATE_US) {
        return;
    }
    /* It was not there to hear anybody: that time is given back, and as much again to be heard. */
    const uint64_t late_us = s->now_us - from_us;
    for (uint32_t i = 0; i < EX_PEERS; i++) {
        ex_peer *p = &s->peers[i];
        p->fresh_us = ps_time_min(p->fresh_us + 2 * late_us, s->now_us);
    }
    if (s->lates < SPARED) {
        s->lates++;
        s->spared_us = s->now_us;
    }
}

/* ---- sessions ---- */

void ex_look_at_close(ex *x, ex_state *s, const ps_event_session *e)
{
    uint32_t peer = 0;
    EX_REQUIRE(x, ex_peer_at(&e->addr, &peer));
    ex_peer *p = &s->peers[peer];
    EX_REQUIRE(x, p->open != 0);
    p->open = 0;
    switch (e->reason) {
    case PS_CLOSE_SILENCE:
        EX_REQUIRE(x, s->now_us - p->heard_us >= dead_us(x)); /* It was silent for so long, */
        EX_REQUIRE(x, s->spared_us != s->now_us);             /* and somebody listened. */
        break;
    case PS_CLOSE_TAKEN:
        EX_REQUIRE(x, x->scene->same_user);
        EX_REQUIRE(x, s->now_us - p->heard_us >= x->server.takeover_ms * UINT64_C(1000));
        break;
    case PS_CLOSE_LOGOUT:
        EX_REQUIRE(x, p->closing != 0);
        break;
    default:
        EX_REQUIRE(x, e->reason == PS_CLOSE_REPLACED);
        break;
    }
}

/* ---- in every state ---- */

static bool wanted(const ex_wishes *w, uint8_t value)
{
    return memchr(w->values, value, w->len) != NULL;
}

static void look_at_list(ex_list *l, uint32_t peer, uint32_t name, bool listed)
{
    if (l->tag != 0) {
        l->once[peer][name] |= listed ? 1 : 0;
        l->always[peer][name] &= listed ? 1 : 0;
    }
}

void ex_look_at_server(ex *x, ex_state *s)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < EX_PEERS; i++) {
        ex_peer *p = &s->peers[i];
        const bool active = ex_active(x, s, i);
        EX_REQUIRE(x, !active || p->open != 0);
        EX_REQUIRE(x, !active || s->now_us < p->fresh_us + dead_us(x));
        uint32_t names = 0;
        for (uint32_t name = 0; name < EX_NAMES; name++) {
            const uint8_t value = ex_listed(x, s, i, name);
            EX_REQUIRE(x, wanted(&p->wishes[name], value));
            names += value != 0;
            for (uint32_t k = 0; k < EX_PEERS; k++) {
                look_at_list(&s->peers[k].files, i, name, value != 0);
            }
        }
        count += names;
        EX_REQUIRE(x, names <= x->server.max_user_publications);
        for (uint32_t k = 0; k < EX_PEERS; k++) {
            look_at_list(&s->peers[k].peers, i, 0, active);
        }
    }
    EX_REQUIRE(x, server_of(x, s)->directory.pubs.used == count);
}

void ex_look_at_proofs(ex *x, const ex_state *s)
{
    for (uint32_t i = 0; i < EX_PEERS; i++) {
        const ex_peer *p = &s->peers[i];
        for (uint32_t k = 0; k < EX_ADDRESSES; k++) {
            EX_REQUIRE(x, p->proven[k] != 0 || p->out[k] <= p->in[k]);
        }
    }
}

void ex_look_at_delivery(ex_state *s, const ex_message *m, bool taken)
{
    if (m->to != EX_SERVER || m->data[0] != PS_PACKET_DATA || m->deliveries != 0) {
        return; /* A copy proves nothing, and is no sign of life. */
    }
    ex_peer *p = &s->peers[m->from - 1];
    p->fresh_us = s->now_us;
    if (taken && m->life == s->server_lives) {
        p->proven[m->address] = 1;
    }
    if (taken && p->open != 0 && m->session == p->sessions) {
        p->heard_us = s->now_us;
    }
}

/* ---- lists ---- */

static bool user_is(const ex *x, uint32_t peer, ps_span user)
{
    const ps_span own = span_of(ex_user(x, peer));
    return own.len == user.len && memcmp(own.data, user.data, user.len) == 0;
}

static void look_at_file(ex *x, ex_state *s, ex_list *l, const ps_event_entry *e)
{
    const uint32_t owner = user_is(x, 0, e->user) ? 0 : 1;
    const uint32_t name = e->name.len == 1 && e->name.data[0] == 'x' ? 0 : 1;
    const uint64_t value = e->content.length;
    EX_REQUIRE(x, user_is(x, owner, e->user));
    EX_REQUIRE(x, value >= 1 && value < 8);
    if (x->scene->same_user) {
        EX_REQUIRE(x, ++l->seen[0][name] <= EX_PEERS);
        return;
    }
    EX_REQUIRE(x, (s->peers[owner].wishes[name].ever >> value & 1) != 0);
    EX_REQUIRE(x, l->once[owner][name] != 0);
    EX_REQUIRE(x, l->seen[owner][name] == 0 || l->always[owner][name] == 0);
    l->seen[owner][name] = (uint8_t)value;
}

void ex_look_at_line(ex *x, ex_state *s, uint32_t peer, const ps_event *e)
{
    ex_peer *p = &s->peers[peer];
    if (e->type == PS_EVENT_FILE) {
        EX_REQUIRE(x, p->files.tag == e->u.entry.tag);
        look_at_file(x, s, &p->files, &e->u.entry);
        return;
    }
    const uint32_t other = 1 - peer; /* Who asks is left out. */
    EX_REQUIRE(x, p->peers.tag == e->u.entry.tag);
    EX_REQUIRE(x, user_is(x, other, e->u.entry.user) && p->peers.once[other][0] != 0);
    p->peers.seen[other][0] = 1;
}

void ex_look_at_end(ex *x, ex_state *s, uint32_t peer, const ps_event_done *e)
{
    ex_peer *p = &s->peers[peer];
    ex_list *l = p->files.tag == e->tag ? &p->files : &p->peers;
    EX_REQUIRE(x, l->tag == e->tag);
    if (e->error == PS_E_NONE && !x->scene->same_user) {
        for (uint32_t i = 0; i < EX_PEERS; i++) {
            for (uint32_t name = 0; name < EX_NAMES; name++) {
                const bool left_out = l == &p->peers && (i == peer || name > 0);
                EX_REQUIRE(x, left_out || l->always[i][name] == 0 || l->seen[i][name] != 0);
            }
        }
    }
    if (e->error == PS_E_NONE && l == &p->files) {
        memcpy(p->shown, l->seen, sizeof p->shown);
        p->lists++;
    }
    memset(l, 0, sizeof *l);
}
