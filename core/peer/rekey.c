/* Fresh keys for a session. Rekeying is resuming: a handshake and a login by ticket beside the
 * session, which takes its place; there is no second way. What the server sent before it knew comes
 * under the old keys, which are kept for a while to read it. */
#include "peer/peer_internal.h"

void ps_peer_session_open(ps_peer *p, bool silently)
{
    const uint64_t jitter_us = ps_peer_jitter_us(p, p->rekey_every_us);
    ps_wipe(&p->old, sizeof p->old);
    if (silently) {
        p->old = p->session;
        p->old_until_us = ps_time_add(p->clock.now_us, PS_OLD_KEYS_US);
    }
    p->session = p->attempt.channel;
    p->session_us = p->clock.now_us;
    p->rekey_us = ps_time_add(p->clock.now_us, p->rekey_every_us - jitter_us);
    ps_wipe(&p->attempt, sizeof p->attempt);
}

void ps_peer_session_end(ps_peer *p)
{
    ps_wipe(&p->session, sizeof p->session);
    ps_wipe(&p->old, sizeof p->old);
}

/* When a handshake for fresh keys is to begin. */
static uint64_t begin_at_us(const ps_peer *p)
{
    const ps_peer_channel *s = &p->session;
    if (p->attempt.phase != PS_ATTEMPT_NONE) {
        return PS_TIME_NEVER;
    }
    const bool used_up = s->tx_counter >= p->rekey_packets || s->replay.next > p->rekey_packets;
    const uint64_t young_us = ps_time_add(p->session_us, PS_REKEY_PAUSE_US);
    return used_up || p->rekey_us < young_us ? young_us : p->rekey_us;
}

void ps_peer_rekey_due(ps_peer_turn *t)
{
    ps_peer *p = t->p;
    if (p->old.client_id != 0 && ps_time_reached(p->old_until_us, p->clock.now_us)) {
        ps_wipe(&p->old, sizeof p->old);
    }
    if (ps_time_reached(begin_at_us(p), p->clock.now_us)) {
        ps_peer_attempt_begin(t, PS_PEER_ONLINE, true);
    }
}

uint64_t ps_peer_rekey_deadline_us(const ps_peer *p)
{
    const uint64_t wipe_us = p->old.client_id != 0 ? p->old_until_us : PS_TIME_NEVER;
    return ps_time_min(begin_at_us(p), wipe_us);
}
