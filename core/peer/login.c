/* Login attempts: the first one, and those without end after a loss. */
#include "peer/peer_internal.h"

void ps_peer_password_wipe(ps_peer *p)
{
    memset(p->account.password, 0, sizeof p->account.password);
    p->account.password_len = 0;
}

bool ps_peer_login_valid(const ps_peer *p, const ps_input_login *in)
{
    const uint8_t family = in->server.family;
    return p->state == PS_PEER_IDLE && (family == PS_ADDR_V4 || family == PS_ADDR_V6) &&
           in->server.port != 0 && (in->user.data != NULL || in->user.len == 0) &&
           (in->password.data != NULL || in->password.len == 0);
}

/* A new attempt: the answers to earlier ones are no longer wanted. */
static void renew(ps_peer *p)
{
    ps_peer_attempt *a = &p->attempt;
    do { /* 0 means "none". */
        a->client_id = ps_prng_u64(&p->prng);
    } while (a->client_id == 0);
    a->id = ps_peer_new_id(p, PS_ID_LOGIN);
    a->renew_us = ps_time_add(p->clock.now_us, PS_LOGIN_ATTEMPT_US);
    a->tries = 0;
}

static void send(ps_peer_turn *t)
{
    ps_peer *p = t->p;
    ps_peer_attempt *a = &p->attempt;
    const ps_peer_account *account = &p->account;
    ps_login m = {
        .client_id = a->client_id,
        .stream_port = account->stream_port,
        .datagram_max = (uint16_t)p->datagram_max,
        .method = PS_LOGIN_PASSWORD,
        .user = {account->user, account->user_len},
        .secret = {account->password, account->password_len},
    };
    memcpy(m.device, account->device, sizeof m.device);
    ps_writer w = ps_peer_login_packet_begin(t);
    (void)ps_login_encode(&w, a->id, &m);
    ps_peer_packet_end(t, &w);
    p->stats.retransmissions += a->tries > 0 ? 1 : 0;
    a->tries++;
    a->sent_us = p->clock.now_us;
    a->next_us = ps_time_add(p->clock.now_us, a->backoff_us + ps_peer_jitter_us(p, a->backoff_us));
    a->backoff_us = ps_time_min(a->backoff_us * 2, PS_LOGIN_BACKOFF_MAX_US);
}

static void begin(ps_peer_turn *t, ps_peer_state state)
{
    ps_peer *p = t->p;
    p->state = state;
    p->attempt.told = PS_E_NONE;
    p->attempt.backoff_us = PS_LOGIN_BACKOFF_MIN_US;
    p->attempt.deadline_us =
        state == PS_PEER_LOGIN ? ps_time_add(p->clock.now_us, p->request_us) : PS_TIME_NEVER;
    renew(p);
    if (ps_peer_can_send(t)) {
        send(t);
    } else {
        p->attempt.next_us = p->clock.now_us;
    }
}

static void refused(ps_peer_turn *t, uint32_t error, uint32_t retry_ms, ps_span text)
{
    ps_peer *p = t->p;
    ps_event_account *e = &ps_peer_event(t, PS_EVENT_REFUSED)->u.account;
    e->error = error;
    e->retry_ms = retry_ms;
    e->text = text;
    p->state = PS_PEER_IDLE;
    p->attempt.client_id = 0;
    memset(&p->session, 0, sizeof p->session);
    ps_peer_password_wipe(p);
    ps_peer_requests_drain(p, PS_E_NOT_LOGGED_IN);
}

void ps_peer_on_login_command(ps_peer_turn *t, const ps_input_login *in)
{
    ps_peer *p = t->p;
    ps_peer_account *a = &p->account;
    /* What no account can have is refused in the words for a wrong password, here as there. */
    if (ps_user_check(in->user) != PS_NAME_OK || in->password.len > PS_PASSWORD_MAX) {
        refused(t, PS_E_CREDENTIALS, 0, (ps_span){NULL, 0});
        return;
    }
    memset(a, 0, sizeof *a);
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
    p->acked_known = false; /* It may be another account's log. */
    ps_peer_digest_reset(p, a->device);
    begin(t, PS_PEER_LOGIN);
}

void ps_peer_lose(ps_peer_turn *t)
{
    ps_peer *p = t->p;
    p->stats.losses++;
    memset(&p->session, 0, sizeof p->session);
    (void)ps_peer_event(t, PS_EVENT_LOST);
    if (p->attempt.client_id != 0) {
        p->state = PS_PEER_LOST; /* A RESET has begun it already. */
    } else {
        begin(t, PS_PEER_LOST);
    }
}

/* Whoever saw a packet of ours can say it: all that he gains is a login a second, for the session
 * stays until the server has answered that. */
void ps_peer_on_reset(ps_peer_turn *t, const ps_packet *packet)
{
    ps_peer *p = t->p;
    const ps_peer_session *s = &p->session;
    const bool ours = s->client_id != 0 && packet->receiver_id == s->id && packet->counter != 0 &&
                      packet->counter <= s->tx_counter &&
                      s->tx_counter - packet->counter < PS_REPLAY_WINDOW;
    if (!ours) {
        ps_peer_drop(p, PS_DROP_NO_SESSION);
    } else if (p->state == PS_PEER_LEAVING) {
        p->logout.answered = true;
    } else if (p->attempt.client_id != 0 || !ps_time_reached(p->reset_us, p->clock.now_us)) {
        ps_peer_drop(p, PS_DROP_STALE);
    } else {
        p->stats.resets++;
        p->reset_us = ps_time_add(p->clock.now_us, PS_RESET_PAUSE_US);
        begin(t, PS_PEER_ONLINE);
    }
}

void ps_peer_login_due(ps_peer_turn *t)
{
    ps_peer *p = t->p;
    const uint64_t now_us = p->clock.now_us;
    if (ps_time_reached(p->attempt.deadline_us, now_us)) {
        refused(t, PS_E_TIMEOUT, 0, (ps_span){NULL, 0});
        return;
    }
    if (!ps_time_reached(p->attempt.next_us, now_us) || !ps_peer_can_send(t)) {
        return;
    }
    if (p->state != PS_PEER_LOGIN && ps_time_reached(p->attempt.renew_us, now_us)) {
        renew(p);
    }
    send(t);
}

uint64_t ps_peer_login_deadline_us(const ps_peer *p)
{
    return ps_time_min(p->attempt.next_us, p->attempt.deadline_us);
}

void ps_peer_on_login_ok(ps_peer_turn *t, const ps_message *m, uint64_t counter)
{
    ps_peer *p = t->p;
    ps_peer_attempt *a = &p->attempt;
    ps_login_ok ok;
    if (m->request != a->id) {
        ps_peer_drop(p, PS_DROP_STALE);
        return;
    }
    if (!ps_login_ok_decode(m->body, &ok) || ok.generation > PS_GENERATION_MAX) {
        ps_peer_drop(p, PS_DROP_MALFORMED);
        return;
    }
    ps_peer_session session = {.client_id = a->client_id, .id = ok.session_id};
    if (!ps_replay_is_new(&session.replay, counter)) { /* No window begins with the last one. */
        ps_peer_drop(p, PS_DROP_REPLAY);
        return;
    }
    ps_replay_accept(&session.replay, counter);
    if (a->tries == 1) {
        ps_rtt_sample(&p->rtt, p->clock.now_us - a->sent_us);
    }
    p->session = session;
    ps_event_account *e = &ps_peer_event(t, PS_EVENT_LOGGED_IN)->u.account;
    e->observed = ok.observed;
    e->wall_s = ok.wall_s;
    e->again = p->state != PS_PEER_LOGIN;
    a->client_id = 0;
    p->state = PS_PEER_ONLINE;
    ps_peer_heartbeats_start(p, &ok, a->sent_us);
    if (ok.life == p->life) {
        ps_peer_changes_resume(p, ok.generation, ok.digest);
    } else { /* Its log may have other changes under the same numbers. */
        ps_peer_changes_restart(p, ok.generation, ok.digest);
    }
    ps_peer_requests_wake(p, ok.life != p->life);
    p->life = ok.life;
    p->wall_s = ok.wall_s;
    p->wall_us = p->clock.now_us;
}

/* After a loss: whether waiting may help. ACTIVE: our own session may still be dying there. */
static bool passes(uint16_t code)
{
    return code == PS_E_ACTIVE || code == PS_E_BUSY || code == PS_E_FULL;
}

void ps_peer_on_refusal(ps_peer_turn *t, const ps_message *m)
{
    ps_peer *p = t->p;
    ps_peer_attempt *a = &p->attempt;
    ps_error_message error;
    if (m->request != a->id) {
        ps_peer_drop(p, PS_DROP_STALE);
        return;
    }
    if (!ps_error_decode(m->body, &error) || error.code == PS_E_NONE) {
        ps_peer_drop(p, PS_DROP_MALFORMED);
        return;
    }
    if (p->state == PS_PEER_LOGIN || !passes(error.code)) {
        refused(t, error.code, error.retry_ms, error.text);
        return;
    }
    if (a->told != error.code) {
        a->told = error.code;
        ps_event_account *e = &ps_peer_event(t, PS_EVENT_PUT_OFF)->u.account;
        e->error = error.code;
        e->retry_ms = error.retry_ms;
    }
    /* This attempt is answered; a new one comes after the backoff, or when the server said. An
     * acceptance that is still under way to us (of a LOGIN sent twice) counts until then. */
    uint64_t wait_us = a->backoff_us;
    if (error.code == PS_E_ACTIVE) { /* Each try asks that device for a sign of life. */
        wait_us = PS_LOGIN_ACTIVE_US;
    } else if (error.code == PS_E_BUSY &&
               error.retry_ms * UINT64_C(1000) > PS_LOGIN_BACKOFF_MIN_US) {
        wait_us = ps_time_min(error.retry_ms * UINT64_C(1000), PS_LOGIN_BUSY_MAX_US);
    }
    a->renew_us = p->clock.now_us;
    a->next_us = ps_time_add(p->clock.now_us, wait_us + ps_peer_jitter_us(p, wait_us));
}
