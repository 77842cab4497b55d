/* Login attempts: the first one, and those without end after a loss. */
#include "peer/peer_internal.h"

void ps_peer_account_wipe(ps_peer *p)
{
    ps_peer_account *a = &p->account;
    ps_wipe(a->password, sizeof a->password);
    a->password_len = 0;
    ps_wipe(a->ticket, sizeof a->ticket);
    a->ticket_len = 0;
    a->ticket_alone = false;
}

bool ps_peer_login_valid(const ps_peer *p, const ps_input_login *in)
{
    const uint8_t family = in->server.family;
    return p->state == PS_PEER_IDLE && (family == PS_ADDR_V4 || family == PS_ADDR_V6) &&
           in->server.port != 0 && (in->user.data != NULL || in->user.len == 0) &&
           (in->password.data != NULL || in->password.len == 0) &&
           (in->ticket.data != NULL || in->ticket.len == 0) && in->ticket.len <= PS_TICKET_MAX;
}

void ps_peer_attempt_sent(ps_peer *p)
{
    ps_peer_attempt *a = &p->attempt;
    p->stats.retransmissions += a->tries > 0 ? 1 : 0;
    a->tries++;
    a->sent_us = p->clock.now_us;
    a->next_us = ps_time_add(p->clock.now_us, a->backoff_us + ps_peer_jitter_us(p, a->backoff_us));
    a->backoff_us = ps_time_min(a->backoff_us * 2, PS_LOGIN_BACKOFF_MAX_US);
}

static void send_login(ps_peer_turn *t)
{
    ps_peer *p = t->p;
    const ps_peer_attempt *a = &p->attempt;
    const ps_peer_account *account = &p->account;
    const ps_span password = {account->password, account->password_len};
    const ps_span ticket = {account->ticket, account->ticket_len};
    ps_login m = {
        .stream_port = account->stream_port,
        .datagram_max = (uint16_t)p->datagram_max,
        .method = a->by_ticket ? PS_LOGIN_TICKET : PS_LOGIN_PASSWORD,
        .user = {account->user, account->user_len},
        .secret = a->by_ticket ? ticket : password,
    };
    if (!a->by_ticket) {
        m.ticket = ticket;
    }
    memcpy(m.device, account->device, sizeof m.device);
    ps_writer w = ps_peer_login_packet_begin(t);
    const bool fits = ps_login_encode(&w, a->id, &m);
    PS_ASSERT(fits);
    (void)fits;
    ps_peer_packet_end(t, &w);
    ps_peer_attempt_sent(p);
}

/* What the attempt's phase sends. */
static void send(ps_peer_turn *t)
{
    if (t->p->attempt.phase == PS_ATTEMPT_INITIATING) {
        ps_peer_handshake_send(t);
    } else {
        send_login(t);
    }
}

/* The same at once, or with the next tick. */
static void send_now(ps_peer_turn *t)
{
    t->p->attempt.backoff_us = PS_LOGIN_BACKOFF_MIN_US;
    if (ps_peer_can_send(t)) {
        send(t);
    } else {
        t->p->attempt.next_us = t->p->clock.now_us;
    }
}

void ps_peer_attempt_begin(ps_peer_turn *t, ps_peer_state state, bool rekey)
{
    ps_peer *p = t->p;
    ps_peer_attempt *a = &p->attempt;
    p->state = state;
    a->rekey = rekey;
    a->told = PS_E_NONE;
    a->resets = 0;
    a->patience_us = PS_LOGIN_BACKOFF_MIN_US;
    a->deadline_us =
        state == PS_PEER_LOGIN ? ps_time_add(p->clock.now_us, p->request_us) : PS_TIME_NEVER;
    ps_peer_handshake_begin(p);
    send_now(t);
}

/* A ticket that this server gave, and that its clock has not overtaken. */
static bool ticket_serves(const ps_peer *p)
{
    const ps_peer_account *a = &p->account;
    const uint64_t passed_s = (p->clock.now_us - p->wall_us) / 1000000u;
    return a->ticket_alone && (p->wall_s == 0 || p->wall_s + passed_s < a->ticket_expires_s);
}

/* LOGIN, by ticket or by password, under an id of its own. */
static void log_in(ps_peer_turn *t, bool by_ticket)
{
    ps_peer *p = t->p;
    ps_peer_attempt *a = &p->attempt;
    a->phase = PS_ATTEMPT_LOGGING_IN;
    a->by_ticket = by_ticket;
    a->id = ps_peer_new_id(p, PS_ID_LOGIN);
    a->tries = 0;
    a->renew_us = ps_time_add(p->clock.now_us, PS_LOGIN_ATTEMPT_US);
    send_now(t);
}

void ps_peer_attempt_log_in(ps_peer_turn *t)
{
    log_in(t, ticket_serves(t->p));
}

void ps_peer_refuse(ps_peer_turn *t, uint32_t error, uint32_t retry_ms, ps_span text)
{
    ps_peer *p = t->p;
    ps_event_account *e = &ps_peer_event(t, PS_EVENT_REFUSED)->u.account;
    e->error = error;
    e->retry_ms = retry_ms;
    e->text = text;
    p->state = PS_PEER_IDLE;
    ps_wipe(&p->attempt, sizeof p->attempt);
    ps_peer_session_end(p);
    ps_peer_account_wipe(p);
    ps_peer_requests_drain(p, PS_E_NOT_LOGGED_IN);
}

/* A session that only wants fresh keys lacks nothing, unless somebody plays its server. */
void ps_peer_put_off(ps_peer_turn *t, uint32_t error, uint32_t retry_ms)
{
    ps_peer_attempt *a = &t->p->attempt;
    if (a->told == error || (a->rekey && error != PS_E_SERVER_KEY)) {
        return;
    }
    a->told = error;
    ps_event_account *e = &ps_peer_event(t, PS_EVENT_PUT_OFF)->u.account;
    e->error = error;
    e->retry_ms = retry_ms;
}

void ps_peer_on_login_command(ps_peer_turn *t, const ps_input_login *in)
{
    ps_peer *p = t->p;
    ps_peer_account *a = &p->account;
    /* What no account can have is refused in the words for a wrong password, here as there. */
    if (ps_user_check(in->user) != PS_NAME_OK || in->password.len > PS_PASSWORD_MAX) {
        ps_peer_refuse(t, PS_E_CREDENTIALS, 0, (ps_span){NULL, 0});
        return;
    }
    ps_wipe(a, sizeof *a);
    a->server = in->server;
    a->endpoint = in->endpoint;
    a->stream_port = in->stream_port;
    memcpy(a->device, in->device, sizeof a->device);
    a->user_len = (uint8_t)in->user.len;
    memcpy(a->user, in->user.data, in->user.len);
    a->password_len = (uint8_t)in->password.len;
    if (in->password.len > 0) {
        memcpy(a->password, in->password.data, in->password.len);
    }
    a->ticket_len = (uint8_t)in->ticket.len;
    if (in->ticket.len > 0) {
        memcpy(a->ticket, in->ticket.data, in->ticket.len);
    }
    a->key_known = in->key_known;
    if (in->key_known) {
        memcpy(a->server_key, in->server_key, sizeof a->server_key);
    }
    p->acked_known = false; /* It may be another account's log. */
    ps_peer_digest_reset(p, a->device);
    ps_peer_attempt_begin(t, PS_PEER_LOGIN, false);
}

void ps_peer_lose(ps_peer_turn *t)
{
    ps_peer *p = t->p;
    p->stats.losses++;
    ps_peer_session_end(p);
    (void)ps_peer_event(t, PS_EVENT_LOST);
    if (p->attempt.phase != PS_ATTEMPT_NONE) {
        p->state = PS_PEER_LOST; /* A RESET, or the age of the keys, has begun it already. */
        p->attempt.rekey = false;
    } else {
        ps_peer_attempt_begin(t, PS_PEER_LOST, false);
    }
}

/* Whether a RESET echoes a packet of ours, sent not long ago. */
static bool echoes(const ps_peer_channel *c, const ps_packet *packet)
{
    return c->id != 0 && packet->receiver_id == c->id && packet->counter != 0 &&
           packet->counter <= c->tx_counter && c->tx_counter - packet->counter < PS_REPLAY_WINDOW;
}

static bool waits_out_a_refusal(const ps_peer *p)
{
    return ps_time_reached(p->attempt.renew_us, p->clock.now_us);
}

/* An attempt for fresh keys alone was in no hurry, and the server that it began with is gone. */
static bool returns_already(const ps_peer *p)
{
    return p->attempt.phase != PS_ATTEMPT_NONE && !p->attempt.rekey;
}

/* Whoever saw a packet of ours can say it: all that he gains is a handshake a second, for the
 * session stays until the server has answered a login. */
void ps_peer_on_reset(ps_peer_turn *t, const ps_packet *packet)
{
    ps_peer *p = t->p;
    const bool of_attempt = echoes(&p->attempt.channel, packet);
    if (!of_attempt && !echoes(&p->session, packet)) {
        ps_peer_drop(p, PS_DROP_NO_SESSION);
    } else if (p->state == PS_PEER_LEAVING) {
        p->logout.answered = true;
    } else if ((of_attempt ? waits_out_a_refusal(p) : returns_already(p)) ||
               !ps_time_reached(p->reset_us, p->clock.now_us)) {
        ps_peer_drop(p, PS_DROP_STALE);
    } else {
        p->stats.resets++;
        p->reset_us = ps_time_add(p->clock.now_us, PS_RESET_PAUSE_US);
        if (of_attempt) { /* The server has forgotten the handshake: a person took his time. */
            /* Somebody who forges them leaves us longer and longer, to be verified at last. */
            const uint32_t doublings = p->attempt.resets < 4 ? p->attempt.resets : 4;
            p->reset_us = ps_time_add(p->clock.now_us, PS_RESET_PAUSE_US << doublings);
            p->attempt.resets++;
            ps_peer_handshake_begin(p);
            send_now(t);
        } else {
            ps_peer_attempt_begin(t, PS_PEER_ONLINE, false);
        }
    }
}

void ps_peer_login_due(ps_peer_turn *t)
{
    ps_peer *p = t->p;
    const uint64_t now_us = p->clock.now_us;
    if (ps_time_reached(p->attempt.deadline_us, now_us)) {
        ps_peer_refuse(t, PS_E_TIMEOUT, 0, (ps_span){NULL, 0});
        return;
    }
    if (!ps_time_reached(p->attempt.next_us, now_us) || !ps_peer_can_send(t)) {
        return;
    }
    if (ps_time_reached(p->attempt.renew_us, now_us)) {
        ps_peer_handshake_begin(p);
    }
    send(t);
}

uint64_t ps_peer_login_deadline_us(const ps_peer *p)
{
    return p->attempt.phase != PS_ATTEMPT_NONE
               ? ps_time_min(p->attempt.next_us, p->attempt.deadline_us)
               : PS_TIME_NEVER;
}

/* Kept for the returns of this machine, and told to the host for its next life. */
static void take_ticket(ps_peer_turn *t, const ps_login_ok *ok)
{
    ps_peer_account *a = &t->p->account;
    if (ok->ticket.len == 0) {
        return;
    }
    ps_wipe(a->ticket, sizeof a->ticket);
    memcpy(a->ticket, ok->ticket.data, ok->ticket.len);
    a->ticket_len = (uint8_t)ok->ticket.len;
    a->ticket_expires_s = ok->expires_s;
    a->ticket_alone = true;
    ps_event_ticket *e = &ps_peer_event(t, PS_EVENT_TICKET)->u.ticket;
    e->ticket = ok->ticket;
    e->expires_s = ok->expires_s;
}

/* Told to the host with every login, none too: what it has may not hold any longer. */
static void take_file_keys(ps_peer_turn *t, const ps_login_ok *ok)
{
    ps_file_keys *keys = &ps_peer_event(t, PS_EVENT_FILE_KEYS)->u.file_keys;
    keys->first_epoch = ok->first_epoch;
    keys->count = (uint32_t)(ok->file_keys.len / PS_KEY_BYTES);
    if (keys->count > 0) {
        memcpy(keys->keys, ok->file_keys.data, ok->file_keys.len);
    }
}

/* Another session: the host is told, and what waits goes on in it. */
static void come_in(ps_peer_turn *t, const ps_login_ok *ok)
{
    ps_peer *p = t->p;
    const uint64_t contact_us = p->attempt.sent_us;
    ps_event_account *e = &ps_peer_event(t, PS_EVENT_LOGGED_IN)->u.account;
    e->observed = ok->observed;
    e->wall_s = ok->wall_s;
    e->again = p->state != PS_PEER_LOGIN;
    p->state = PS_PEER_ONLINE;
    ps_peer_session_open(p, false);
    ps_peer_heartbeats_start(p, ok, contact_us);
    if (ok->life == p->life) {
        ps_peer_changes_resume(p, ok->generation, ok->digest);
    } else { /* Its log may have other changes under the same numbers. */
        ps_peer_changes_restart(p, ok->generation, ok->digest);
    }
    ps_peer_requests_wake(p, ok->life != p->life);
}

/* The same session: the server reads what is under way with the old keys, and what it answers is
 * read with either. Where its log stands may have been said before what it acknowledged since;
 * the next heartbeat compares. */
static void change_keys(ps_peer *p)
{
    p->heartbeats.contact_us = p->attempt.sent_us > p->heartbeats.contact_us
                                   ? p->attempt.sent_us
                                   : p->heartbeats.contact_us;
    p->stats.rekeys++;
    ps_peer_session_open(p, true);
}

void ps_peer_on_login_ok(ps_peer_turn *t, const ps_message *m)
{
    ps_peer *p = t->p;
    const ps_peer_attempt *a = &p->attempt;
    ps_login_ok ok;
    if (m->request != a->id || a->tries == 0) {
        ps_peer_drop(p, PS_DROP_STALE);
        return;
    }
    if (!ps_login_ok_decode(m->body, &ok) || ok.generation > PS_GENERATION_MAX) {
        ps_peer_drop(p, PS_DROP_MALFORMED);
        return;
    }
    take_ticket(t, &ok);
    take_file_keys(t, &ok);
    if (a->rekey && ok.life == p->life) {
        change_keys(p);
    } else {
        come_in(t, &ok);
    }
    p->life = ok.life;
    p->wall_s = ok.wall_s;
    p->wall_us = p->clock.now_us;
}

/* After a loss: whether waiting may help. ACTIVE: our own session may still be dying there. */
static bool passes(uint16_t code)
{
    return code == PS_E_ACTIVE || code == PS_E_BUSY || code == PS_E_FULL || code == PS_E_THROTTLED;
}

/* How long after this refusal the next attempt comes. */
static uint64_t wait_us(ps_peer_attempt *a, const ps_error_message *error)
{
    const uint64_t told_us = error->retry_ms * UINT64_C(1000);
    if (error->code == PS_E_ACTIVE) { /* Each try asks that device for a sign of life. */
        return PS_LOGIN_ACTIVE_US;
    }
    if (error->code != PS_E_FULL && told_us > PS_LOGIN_BACKOFF_MIN_US) {
        return ps_time_min(told_us, PS_LOGIN_BUSY_MAX_US);
    }
    a->patience_us = ps_time_min(a->patience_us * 2, PS_LOGIN_BACKOFF_MAX_US);
    return a->patience_us;
}

void ps_peer_on_refusal(ps_peer_turn *t, const ps_message *m)
{
    ps_peer *p = t->p;
    ps_peer_attempt *a = &p->attempt;
    ps_error_message error;
    if (m->request != a->id || a->tries == 0) {
        ps_peer_drop(p, PS_DROP_STALE);
        return;
    }
    if (!ps_error_decode(m->body, &error)) {
        ps_peer_drop(p, PS_DROP_MALFORMED);
        return;
    }
    if (error.code == PS_E_TICKET && a->by_ticket) { /* From now on only beside the password. */
        p->account.ticket_alone = false;
        log_in(t, false);
        return;
    }
    if (p->state == PS_PEER_LOGIN || !passes(error.code)) {
        ps_peer_refuse(t, error.code, error.retry_ms, error.text);
        return;
    }
    ps_peer_put_off(t, error.code, error.retry_ms);
    /* This attempt is answered; another handshake comes later, or when the server said. An
     * acceptance that is still under way to us (of a LOGIN sent twice) counts until then. */
    const uint64_t later_us = wait_us(a, &error);
    a->renew_us = p->clock.now_us;
    a->next_us = ps_time_add(p->clock.now_us, later_us + ps_peer_jitter_us(p, later_us));
}
