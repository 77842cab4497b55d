/* Walks every invariant of the server's tables. Each failure returns its own line; those of the
 * directory return directory/check.c's. */
#include "server/server_internal.h"

#define HOLDS(condition)                                                                           \
    do {                                                                                           \
        if (!(condition)) {                                                                        \
            return __LINE__;                                                                       \
        }                                                                                          \
    } while (0)

static int check_sessions(const ps_server *s)
{
    const ps_directory *d = &s->directory;
    uint32_t used = 0;
    for (uint32_t i = 0; i < s->sessions.fresh; i++) {
        const ps_session *x = ps_session_at(s, i);
        if (x->user == PS_NIL) {
            continue;
        }
        used++;
        HOLDS(x->id != 0 && x->client_id != 0);
        HOLDS(ps_session_find(s, x->id) == i);
        HOLDS(ps_timeout_linked(ps_session_times(s), i));
        HOLDS(x->user < d->users.fresh && ps_user_at(d, x->user)->session == i);
        HOLDS(x->device < d->devices.fresh);
        const ps_device *v = ps_device_at(d, x->device);
        HOLDS(v->user == x->user && v->sessions == 1);
        HOLDS(v->generation == x->generation && v->digest == x->digest);
        HOLDS(x->datagram_max >= PS_DATAGRAM_MIN && x->datagram_max <= PS_DATAGRAM_MAX);
        HOLDS(ps_timeout_deadline_us(&s->liveness, ps_session_times(s), i) <=
              ps_time_add(s->clock.now_us, s->liveness.length_us));
        if (x->probe != 0) {
            HOLDS(x->probe <= s->handshakes.fresh);
            HOLDS(ps_handshake_at(s, x->probe - 1)->state == PS_HANDSHAKE_PROBING);
            HOLDS(ps_handshake_at(s, x->probe - 1)->probed == x->id);
        }
    }
    HOLDS(used == s->sessions.used && used <= s->sessions.cap);
    HOLDS(ps_timeouts_check(&s->liveness, ps_session_times(s), s->sessions.cap) == (int64_t)used);
    return 0;
}

static int check_users(const ps_server *s)
{
    const ps_directory *d = &s->directory;
    uint32_t online = 0;
    for (uint32_t i = 0; i < d->users.fresh; i++) {
        const ps_user *u = ps_user_at(d, i);
        if (u->name_len == 0 || u->session == PS_NIL) {
            continue;
        }
        online++;
        HOLDS(u->session < s->sessions.fresh && ps_session_at(s, u->session)->user == i);
    }
    HOLDS(online == s->sessions.used);
    return 0;
}

static int check_handshakes(const ps_server *s)
{
    const ps_timeout_node *times = ps_handshake_times(s);
    const uint32_t cap = s->handshakes.cap;
    int64_t of[PS_HANDSHAKE_REPLACED + 1] = {0};
    for (uint32_t i = 0; i < s->handshakes.fresh; i++) {
        const ps_handshake *h = ps_handshake_at(s, i);
        HOLDS(h->state <= PS_HANDSHAKE_REPLACED);
        if (h->state == PS_HANDSHAKE_FREE) {
            continue;
        }
        of[h->state]++;
        HOLDS(h->client_id != 0 && h->id != 0 && h->tries <= PS_LOGIN_TRIES);
        HOLDS((h->state == PS_HANDSHAKE_PROBING) == (h->probed != 0 && h->probes != 0) ||
              h->state == PS_HANDSHAKE_ADMITTED || h->state == PS_HANDSHAKE_REFUSED);
        HOLDS(h->probes <= PS_PROBES);
        HOLDS(h->state == PS_HANDSHAKE_ADMITTED ||
              ps_receiver_find(s, h->id) == s->cfg.max_sessions + i);
        HOLDS(h->state == PS_HANDSHAKE_REPLACED ||
              ps_handshake_find(s, &h->addr, h->client_id, h->message) == i);
        HOLDS(ps_timeout_linked(times, i));
    }
    const int64_t opening = of[PS_HANDSHAKE_OPEN];
    const int64_t admitted = of[PS_HANDSHAKE_ADMITTED];
    const int64_t logging_in = of[PS_HANDSHAKE_VERIFYING];
    const int64_t refused = of[PS_HANDSHAKE_REFUSED];
    const int64_t probing = of[PS_HANDSHAKE_PROBING];
    const int64_t aging = of[PS_HANDSHAKE_REPLACED];
    HOLDS(opening + logging_in + probing + refused + admitted + aging == s->handshakes.used &&
          s->handshakes.used <= cap);
    HOLDS(of[PS_HANDSHAKE_VERIFYING] + probing == s->logins);
    HOLDS(s->logins <= s->cfg.max_pending_logins + s->cfg.max_pending_logins / 4 + 1);
    HOLDS(s->retiring == 0);
    HOLDS(ps_timeouts_check(&s->opening, times, cap) == opening);
    HOLDS(ps_timeouts_check(&s->logging_in, times, cap) == logging_in);
    HOLDS(ps_timeouts_check(&s->probing, times, cap) == probing);
    HOLDS(ps_timeouts_check(&s->refused, times, cap) == refused);
    HOLDS(ps_timeouts_check(&s->admitted, times, cap) == admitted);
    HOLDS(ps_timeouts_check(&s->aging, times, cap) == aging);
    return 0;
}

/* The index holds those that can be found, and nobody else: what is gone has no place in it. */
static int check_receivers(const ps_server *s)
{
    const ps_index_entry *e = ps_server_at(s, s->index_at);
    uint32_t found = 0;
    uint32_t admitted = 0;
    for (uint32_t i = 0; i <= s->index_mask; i++) {
        found += e[i].slot != 0 ? 1u : 0u;
    }
    for (uint32_t i = 0; i < s->handshakes.fresh; i++) {
        admitted += ps_handshake_at(s, i)->state == PS_HANDSHAKE_ADMITTED ? 1u : 0u;
    }
    HOLDS(found == s->sessions.used + s->handshakes.used - admitted);
    return 0;
}

int ps_server_check(const ps_server *s)
{
    int line = check_sessions(s);
    if (line == 0) {
        line = check_users(s);
    }
    if (line == 0) {
        line = check_handshakes(s);
    }
    if (line == 0) {
        line = check_receivers(s);
    }
    if (line == 0) {
        line = ps_directory_check(&s->directory);
    }
    return line;
}
