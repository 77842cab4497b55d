/* LOGIN, which comes in the channel of a handshake, and the host's verdict on it. */
#include "channel/ticket.h"
#include "server/server_internal.h"

/* A ticket of this user and device, whether expired or not. */
static bool ticket_fits(const ps_server *s, const ps_login *m, ps_span sealed, ps_ticket *t)
{
    return sealed.len > 0 && ps_ticket_open(s->cfg.crypto, s->cfg.realm_secret, sealed, t) &&
           ps_secret_equal(t->device, m->device, PS_DEVICE_BYTES) && t->user_len == m->user.len &&
           memcmp(t->user, m->user.data, m->user.len) == 0;
}

static bool same_device(const ps_handshake *h, const ps_login *m)
{
    return h->user_len == m->user.len && memcmp(h->user, m->user.data, m->user.len) == 0 &&
           memcmp(h->device, m->device, sizeof h->device) == 0;
}

/* Takes the LOGIN's fields over into the record. */
static void remember(ps_handshake *h, const ps_message *m, const ps_login *login)
{
    h->known = h->known && same_device(h, login); /* Another user's ticket shows nothing. */
    h->tag++;
    h->tries++;
    h->request = m->request;
    h->stream_port = login->stream_port;
    h->datagram_max = login->datagram_max;
    h->probes = 0;
    h->probed = 0;
    memcpy(h->device, login->device, sizeof h->device);
    h->user_len = (uint8_t)login->user.len;
    memset(h->user, 0, sizeof h->user);
    memcpy(h->user, login->user.data, login->user.len);
}

static void ask_host(ps_server *s, uint32_t i, const ps_login *m, const ps_ticket *ticket,
                     ps_output *out)
{
    const ps_handshake *h = ps_handshake_at(s, i);
    ps_event *e = &out->events[out->events_len++];
    *e = (ps_event){
        .type = PS_EVENT_LOGIN_REQUEST,
        .u.login = {.pending = ((uint64_t)h->tag << 32) | i,
                    .from = h->addr,
                    .user = m->user,
                    .by_ticket = ticket != NULL,
                    .known = h->known},
    };
    if (ticket != NULL) {
        memcpy(e->u.login.credential, ticket->credential, PS_CREDENTIAL_BYTES);
    } else {
        e->u.login.password = m->secret;
    }
    memcpy(e->u.login.device, m->device, PS_DEVICE_BYTES);
}

/* Within its time; one that was made while the clock was wrong is not good for longer than others.
 */
static bool ticket_is_due(const ps_server *s, const ps_ticket *t)
{
    const uint64_t wall_s = ps_server_wall_s(s);
    if (PS_CANARY(EXPIRED_TICKET)) {
        return wall_s != 0;
    }
    return wall_s != 0 && wall_s < t->expires_s &&
           t->expires_s - wall_s <= s->cfg.ticket_s + PS_CLOCK_SLACK_S;
}

/* Beside a password a ticket serves for longer than it opens anything, but not for ever. */
static bool shows_device(const ps_server *s, const ps_ticket *t)
{
    const uint64_t wall_s = ps_server_wall_s(s);
    return wall_s < t->expires_s || wall_s - t->expires_s <= PS_KNOWN_S;
}

/* What the machine can judge by itself: PS_E_NONE leaves the rest to the host. */
static ps_error judge(ps_server *s, ps_handshake *h, const ps_login *m, ps_ticket *ticket)
{
    const bool by_ticket = m->method == PS_LOGIN_TICKET;
    if (!h->charged && !ps_network_take(s, &h->addr)) { /* First: refusals are not free. */
        return PS_E_BUSY;
    }
    h->charged = true;
    /* A name that no account can have is refused in the words for a wrong password. */
    if ((!by_ticket && m->method != PS_LOGIN_PASSWORD) || ps_user_check(m->user) != PS_NAME_OK) {
        return PS_E_CREDENTIALS;
    }
    const bool fits = ticket_fits(s, m, by_ticket ? m->secret : m->ticket, ticket);
    h->known = h->known || (fits && shows_device(s, ticket));
    if (by_ticket && (!fits || !ticket_is_due(s, ticket))) {
        return PS_E_TICKET;
    }
    /* Passwords take long to verify; tickets have places beyond theirs. */
    const uint32_t places = s->cfg.max_pending_logins;
    return s->logins < places + (by_ticket ? places / 4 + 1 : 0) ? PS_E_NONE : PS_E_BUSY;
}

static void try_login(ps_server *s, uint32_t i, const ps_message *m, const ps_login *login,
                      ps_output *out)
{
    ps_ticket ticket;
    ps_handshake *h = ps_handshake_at(s, i);
    remember(h, m, login);
    const ps_error error = judge(s, h, login, &ticket);
    if (error != PS_E_NONE) {
        ps_wipe(&ticket, sizeof ticket);
        ps_refuse(s, out, i, error, error == PS_E_BUSY ? PS_SERVER_BUSY_MS : 0);
        return;
    }
    h->by_ticket = login->method == PS_LOGIN_TICKET;
    ps_handshake_turn(s, i, PS_HANDSHAKE_VERIFYING);
    ask_host(s, i, login, h->by_ticket ? &ticket : NULL, out);
    ps_wipe(&ticket, sizeof ticket);
}

void ps_on_login(ps_server *s, uint32_t handshake, const ps_message *m, ps_output *out)
{
    const ps_handshake *h = ps_handshake_at(s, handshake);
    ps_login login;
    if (m->type != PS_MSG_LOGIN) {
        ps_server_drop(s, PS_DROP_MISPLACED);
        return;
    }
    if (!ps_login_decode(m->body, &login)) {
        ps_server_drop(s, PS_DROP_MALFORMED);
        return;
    }
    s->stats.messages_in++;
    const bool again = h->tries > 0 && m->request == h->request;
    if (h->state == PS_HANDSHAKE_REFUSED && again) {
        ps_refuse_again(s, out, handshake);
    } else if (h->state == PS_HANDSHAKE_VERIFYING || h->state == PS_HANDSHAKE_PROBING) {
        return; /* A retransmission; the verdict will answer it. */
    } else if (h->tries == PS_LOGIN_TRIES) {
        ps_server_drop(s, PS_DROP_LIMIT);
    } else {
        try_login(s, handshake, m, &login, out);
    }
}

/* A session slot, if need be one whose peer has fallen silent and was not reclaimed yet. */
static bool session_slot_free(ps_server *s, ps_output *out)
{
    if (s->sessions.used < s->sessions.cap) {
        return true;
    }
    uint32_t dead = ps_timeouts_due(&s->liveness, ps_session_times(s), s->clock.now_us);
    if (dead == PS_NIL) {
        return false;
    }
    s->stats.evictions++;
    ps_session_close(s, dead, PS_CLOSE_SILENCE, out);
    return true;
}

/* The user's session on another device than the login's, if it lives; else PS_NIL. */
static uint32_t other_session(const ps_server *s, const ps_handshake *p)
{
    const ps_directory *d = &s->directory;
    const uint32_t user = ps_user_find(d, (ps_span){p->user, p->user_len});
    if (user == PS_NIL || !ps_user_active(s, user)) {
        return PS_NIL;
    }
    const uint32_t session = ps_user_at(d, user)->session;
    const uint8_t *device = ps_device_at(d, ps_session_at(s, session)->device)->id;
    const bool other = memcmp(device, p->device, PS_DEVICE_BYTES) != 0 && !PS_CANARY(STOLEN_PLACE);
    return other ? session : PS_NIL;
}

/* Ends what the user's earlier session leaves behind: dead, or of the same device. */
static void make_way(ps_server *s, uint32_t user, ps_output *out)
{
    const uint32_t session = ps_user_at(&s->directory, user)->session;
    if (session == PS_NIL) {
        return;
    }
    const bool alive = ps_session_alive(s, session);
    s->stats.takeovers += alive ? 1u : 0u;
    s->stats.evictions += alive ? 0u : 1u;
    ps_session_close(s, session, alive ? PS_CLOSE_REPLACED : PS_CLOSE_SILENCE, out);
}

/* Admits a verified login: PS_E_NONE with its session, or why not. */
static ps_error admit(ps_server *s, uint32_t handshake, uint32_t *session, ps_output *out)
{
    ps_directory *d = &s->directory;
    const ps_handshake *p = ps_handshake_at(s, handshake);
    const ps_span name = {p->user, p->user_len};
    uint32_t user = ps_user_find(d, name);
    if (user != PS_NIL) {
        make_way(s, user, out);
    }
    if (!session_slot_free(s, out)) {
        return PS_E_BUSY;
    }
    user = ps_user_find(d, name); /* Closing a session may have forgotten the user. */
    if (user == PS_NIL) {
        user = ps_user_add(d, name);
    }
    if (user == PS_NIL) {
        return PS_E_BUSY;
    }
    uint32_t device = ps_device_find(d, user, p->device);
    if (device == PS_NIL) {
        device = ps_device_add(d, user, p->device);
        if (device != PS_NIL) {
            /* Its log may have been forgotten with records that are not durable yet. */
            ps_device_at(d, device)->commit_seq = s->commit_seq;
        }
    }
    if (device == PS_NIL) {
        ps_user_release(d, user);
        return PS_E_BUSY;
    }
    *session = ps_session_open(s, user, device, handshake, out);
    return PS_E_NONE;
}

/* What still comes under the keys that were replaced belongs to the new session. */
static void hand_over(ps_server *s, uint32_t session)
{
    if (s->retiring != 0) {
        PS_ASSERT(session != PS_NIL); /* What was closed has left its records for it. */
        ps_handshake *old = ps_handshake_at(s, s->retiring - 1);
        old->session = ps_session_at(s, session)->id;
        old->begins = ps_session_at(s, session)->replay.next;
    }
    s->retiring = 0;
}

void ps_login_admit(ps_server *s, uint32_t handshake, ps_output *out)
{
    uint32_t session = PS_NIL;
    const bool other = other_session(s, ps_handshake_at(s, handshake)) != PS_NIL;
    const ps_error error = other ? PS_E_ACTIVE : admit(s, handshake, &session, out);
    hand_over(s, session);
    if (error == PS_E_NONE) {
        ps_welcome(s, out, session, ps_handshake_at(s, handshake)->request);
    } else {
        ps_refuse(s, out, handshake, error, error == PS_E_BUSY ? PS_SERVER_BUSY_MS : 0);
    }
}

void ps_on_verdict(ps_server *s, const ps_input_verdict *in, ps_output *out)
{
    const uint32_t i = (uint32_t)in->pending;
    ps_handshake *h = i < s->handshakes.fresh ? ps_handshake_at(s, i) : NULL;
    if (h == NULL || h->state != PS_HANDSHAKE_VERIFYING ||
        h->tag != (uint32_t)(in->pending >> 32)) {
        s->stats.verdicts_stale++;
        return;
    }
    if (in->error != PS_E_NONE) {
        ps_refuse(s, out, i, (ps_error)in->error, in->retry_ms);
        return;
    }
    memcpy(h->credential, in->credential, sizeof h->credential);
    s->stats.resumptions += h->by_ticket ? 1u : 0u;
    const uint32_t other = other_session(s, h);
    if (other != PS_NIL) {
        ps_takeover_begin(s, i, other, out);
    } else {
        ps_login_admit(s, i, out);
    }
}
