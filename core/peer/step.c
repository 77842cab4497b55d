/* Inputs one by one, ticks, and when the next one is due. */
#include "peer/peer_internal.h"

static bool has_room(const ps_output *out)
{
    return out->bytes_cap - out->bytes_len >= PS_PEER_STEP_BYTES && out->bytes_cap <= UINT32_MAX &&
           out->datagrams_cap - out->datagrams_len >= PS_PEER_STEP_DATAGRAMS &&
           out->events_cap - out->events_len >= PS_PEER_STEP_EVENTS;
}

/* A caller's bug is found before anything is changed. */
static bool valid(const ps_peer *p, const ps_input *in)
{
    switch (in->type) {
    case PS_INPUT_TICK:
    case PS_INPUT_WALL_CLOCK:
    case PS_INPUT_LOGOUT:
        return true;
    case PS_INPUT_DATAGRAM:
        return in->u.datagram.data != NULL || in->u.datagram.len == 0;
    case PS_INPUT_ENTROPY:
        return in->u.entropy.data != NULL && in->u.entropy.len >= 16;
    case PS_INPUT_TRUST:
        return ps_peer_trust_valid(p, in->u.trust);
    case PS_INPUT_LOGIN:
        return ps_peer_login_valid(p, &in->u.login);
    case PS_INPUT_PUBLISH:
    case PS_INPUT_UNPUBLISH:
    case PS_INPUT_LIST_PEERS:
    case PS_INPUT_LIST_FILES:
    case PS_INPUT_SEARCH:
    case PS_INPUT_LOCATE:
        return in->u.command.text.data != NULL || in->u.command.text.len == 0;
    case PS_INPUT_VERDICT: /* The server's. */
    case PS_INPUT_RESTORE:
    case PS_INPUT_STORE:
    case PS_INPUT_EXPEL:
        break;
    }
    return false;
}

/* Only ticks drive timers: datagrams that arrived are stepped first, so that an answer in the
 * queue comes before the conclusion that there is none. */
static void on_tick(ps_peer_turn *t)
{
    switch (t->p->state) {
    case PS_PEER_ONLINE:
        ps_peer_heartbeats_due(t);
        if (t->p->state == PS_PEER_ONLINE) {
            ps_peer_changes_due(t);
            ps_peer_repair_due(t);
            ps_peer_rekey_due(t);
        }
        if (t->p->attempt.phase != PS_ATTEMPT_NONE) { /* Beside the session, or after it. */
            ps_peer_login_due(t);
        }
        break;
    case PS_PEER_LOGIN:
    case PS_PEER_LOST:
        ps_peer_login_due(t);
        break;
    case PS_PEER_LEAVING:
        ps_peer_logout_due(t);
        break;
    case PS_PEER_IDLE:
        break;
    }
    ps_peer_requests_due(t);
}

static void dispatch(ps_peer_turn *t, const ps_input *in)
{
    switch (in->type) {
    case PS_INPUT_TICK:
        on_tick(t);
        break;
    case PS_INPUT_DATAGRAM:
        ps_peer_on_datagram(t, &in->u.datagram);
        break;
    case PS_INPUT_ENTROPY:
        ps_prng_mix(&t->p->prng, in->u.entropy);
        ps_secrets_mix(t->p->crypto, &t->p->secrets, in->u.entropy);
        break;
    case PS_INPUT_LOGIN:
        ps_peer_on_login_command(t, &in->u.login);
        break;
    case PS_INPUT_TRUST:
        ps_peer_on_trust_command(t);
        break;
    case PS_INPUT_LOGOUT:
        ps_peer_on_logout_command(t);
        break;
    case PS_INPUT_PUBLISH:
    case PS_INPUT_UNPUBLISH:
        ps_peer_on_publish_command(t, in->type, &in->u.command);
        break;
    case PS_INPUT_LIST_PEERS:
    case PS_INPUT_LIST_FILES:
    case PS_INPUT_SEARCH:
    case PS_INPUT_LOCATE:
        ps_peer_on_list_command(t, in->type, &in->u.command);
        break;
    case PS_INPUT_WALL_CLOCK: /* Peers judge by the server's clock. */
        break;
    /* unreachable: valid() refuses a server's inputs */
    case PS_INPUT_VERDICT:
    case PS_INPUT_RESTORE:
    case PS_INPUT_STORE:
    case PS_INPUT_EXPEL:
        break;
    }
    if (t->p->state == PS_PEER_ONLINE) {
        ps_peer_changes_fill(t);
    } else if (t->p->state == PS_PEER_LEAVING) {
        ps_peer_logout_settle(t);
    }
    ps_peer_answers_flush(t);
}

static uint64_t online_due_us(const ps_peer *p)
{
    uint64_t us = ps_time_min(ps_peer_heartbeats_deadline_us(p), ps_peer_changes_deadline_us(p));
    us = ps_time_min(us, ps_peer_repair_deadline_us(p));
    us = ps_time_min(us, ps_peer_rekey_deadline_us(p));
    return ps_time_min(us, ps_peer_login_deadline_us(p));
}

static uint64_t due_us(const ps_peer *p)
{
    const uint32_t top = ps_peer_heap_top(p);
    const uint64_t request_us = top != PS_NIL ? ps_peer_request_at(p, top)->next_us : PS_TIME_NEVER;
    switch (p->state) {
    case PS_PEER_LOGIN:
    case PS_PEER_LOST:
        return ps_time_min(request_us, ps_peer_login_deadline_us(p));
    case PS_PEER_ONLINE:
        return ps_time_min(request_us, online_due_us(p));
    case PS_PEER_LEAVING:
        return ps_time_min(request_us, ps_peer_logout_deadline_us(p));
    case PS_PEER_IDLE:
        break;
    }
    return request_us;
}

/* Moves the clock on. A server that fell silent because this peer was not there to hear it is given
 * that time. */
static void pass_time(ps_peer *p, uint64_t host_us)
{
    const uint64_t before_us = p->clock.now_us;
    const uint64_t was_due_us = due_us(p);
    const uint64_t now_us = ps_clock_advance(&p->clock, host_us);
    const uint64_t late_us = ps_lateness_us(before_us, was_due_us, now_us);
    if (late_us > 0 && p->state == PS_PEER_ONLINE) {
        ps_peer_heartbeats_late(p, late_us);
    }
}

ps_status ps_peer_step(ps_peer *p, ps_input in[], size_t n, size_t *consumed, ps_output *out)
{
    if (p == NULL || consumed == NULL || out == NULL || (in == NULL && n > 0)) {
        return PS_INVALID;
    }
    for (*consumed = 0; *consumed < n; ++*consumed) {
        const ps_input *input = &in[*consumed];
        if (!has_room(out)) {
            return PS_AGAIN;
        }
        if (!valid(p, input)) {
            return PS_INVALID;
        }
        ps_peer_turn turn;
        turn.p = p;
        turn.out = out;
        turn.channel = NULL;
        turn.sends_left = PS_PEER_SENDS;
        turn.entries_left = PS_PAGE_ENTRIES;
        turn.answers_len = 0;
        turn.answers_in_attempt = false;
        pass_time(p, input->now_us);
        dispatch(&turn, input);
    }
    return ps_time_reached(due_us(p), p->clock.now_us) ? PS_MORE : PS_OK;
}

uint64_t ps_peer_deadline_us(const ps_peer *p)
{
    return ps_clock_host_us(&p->clock, due_us(p));
}
