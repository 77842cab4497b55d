/* LOGIN, the one message that needs no session, and the host's verdict on it. */
#include "server/server_internal.h"

/* The LOGIN of a session that exists: its answer was lost. The same client id from the same address
 * and device is a retransmission, and gets the same answer without another verification. */
static uint32_t answered_before(const ps_server *s, const ps_login *m, const ps_addr *from)
{
    uint32_t user = ps_user_find(&s->directory, m->user);
    if (user == PS_NIL || !ps_user_active(s, user)) {
        return PS_NIL;
    }
    uint32_t session = ps_user_at(&s->directory, user)->session;
    const ps_session *x = ps_session_at(s, session);
    const ps_device *device = ps_device_at(&s->directory, x->device);
    bool same = x->client_id == m->client_id && ps_addr_equal(&x->addr, from) &&
                memcmp(device->id, m->device, PS_DEVICE_BYTES) == 0;
    return same ? session : PS_NIL;
}

void ps_on_login(ps_server *s, const ps_input_datagram *in, const ps_packet *packet, ps_output *out)
{
    ps_reader r = ps_reader_of(packet->messages);
    ps_message m;
    ps_login login;
    if (!ps_message_decode(&r, &m)) {
        ps_server_drop(s, PS_DROP_TRUNCATED);
        return;
    }
    if (m.type != PS_MSG_LOGIN || r.left != 0) {
        ps_server_drop(s, PS_DROP_MISPLACED);
        return;
    }
    if (!ps_login_decode(m.body, &login)) {
        ps_server_drop(s, PS_DROP_MALFORMED);
        return;
    }
    s->stats.messages_in++;
    uint32_t session = answered_before(s, &login, &in->from);
    if (session != PS_NIL) {
        /* A sign of life: on a path that loses the answers, the session must not die of it. */
        ps_timeout_touch(&s->liveness, ps_session_times(s), session, s->clock.now_us);
        if (ps_session_at(s, session)->probe != 0) {
            ps_takeover_end(s, session, out);
        }
        ps_welcome(s, out, session, m.request);
        return;
    }
    if (ps_pending_find(s, &in->from, login.client_id) != PS_NIL) {
        return; /* A retransmission; the verdict will answer it. */
    }
    /* A name that no account can have is refused in the words for a wrong password. */
    if (login.method != PS_LOGIN_PASSWORD || ps_user_check(login.user) != PS_NAME_OK) {
        ps_refuse(s, out, &in->from, in->endpoint, login.client_id, m.request, PS_E_CREDENTIALS, 0);
        return;
    }
    uint32_t pending = ps_pending_add(s, &login, m.request, in);
    if (pending == PS_NIL) {
        ps_refuse(s, out, &in->from, in->endpoint, login.client_id, m.request, PS_E_BUSY,
                  PS_SERVER_BUSY_MS);
        return;
    }
    out->events[out->events_len++] = (ps_event){
        .type = PS_EVENT_LOGIN_REQUEST,
        .u.login = {.pending = ((uint64_t)ps_pending_at(s, pending)->tag << 32) | pending,
                    .from = in->from,
                    .user = login.user,
                    .password = login.secret},
    };
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
static uint32_t other_session(const ps_server *s, const ps_pending *p)
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
static ps_error admit(ps_server *s, const ps_pending *p, uint32_t *session, ps_output *out)
{
    ps_directory *d = &s->directory;
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
    *session = ps_session_open(s, user, device, p, out);
    PS_ASSERT(*session != PS_NIL);
    return PS_E_NONE;
}

void ps_login_admit(ps_server *s, uint32_t pending, ps_output *out)
{
    const ps_pending p = *ps_pending_at(s, pending);
    uint32_t session = PS_NIL;
    ps_pending_remove(s, pending);
    const ps_error error =
        other_session(s, &p) != PS_NIL ? PS_E_ACTIVE : admit(s, &p, &session, out);
    if (error == PS_E_NONE) {
        ps_welcome(s, out, session, p.request);
    } else {
        ps_refuse(s, out, &p.addr, p.endpoint, p.client_id, p.request, error,
                  error == PS_E_BUSY ? PS_SERVER_BUSY_MS : 0);
    }
}

void ps_on_verdict(ps_server *s, const ps_input_verdict *in, ps_output *out)
{
    const uint32_t i = (uint32_t)in->pending;
    const ps_pending *p = i < s->pendings.fresh ? ps_pending_at(s, i) : NULL;
    if (p == NULL || p->client_id == 0 || p->tag != (uint32_t)(in->pending >> 32) ||
        p->probed != 0) {
        s->stats.verdicts_stale++;
        return;
    }
    if (in->error != PS_E_NONE) {
        const ps_pending refused = *p;
        ps_pending_remove(s, i);
        ps_refuse(s, out, &refused.addr, refused.endpoint, refused.client_id, refused.request,
                  (ps_error)in->error, in->retry_ms);
        return;
    }
    const uint32_t other = other_session(s, p);
    if (other != PS_NIL) {
        ps_takeover_begin(s, i, other, out);
    } else {
        ps_login_admit(s, i, out);
    }
}
