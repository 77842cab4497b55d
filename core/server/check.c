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
              s->clock.now_us + s->liveness.length_us + PS_LATE_GRACE_US);
        if (x->probe != 0) {
            HOLDS(x->probe <= s->pendings.fresh);
            HOLDS(ps_pending_at(s, x->probe - 1)->client_id != 0);
            HOLDS(ps_pending_at(s, x->probe - 1)->probed == x->id);
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

static int check_pendings(const ps_server *s)
{
    uint32_t used = 0;
    int64_t probed = 0;
    for (uint32_t i = 0; i < s->pendings.fresh; i++) {
        const ps_pending *p = ps_pending_at(s, i);
        if (p->client_id == 0) {
            continue;
        }
        used++;
        probed += p->probed != 0 ? 1 : 0;
        HOLDS((p->probed != 0) == (p->probes != 0) && p->probes <= PS_PROBES);
        HOLDS(ps_pending_find(s, &p->addr, p->client_id) == i);
        HOLDS(p->user_len >= 1 && p->user_len <= PS_USER_MAX);
        HOLDS(ps_timeout_linked(ps_pending_times(s), i));
    }
    HOLDS(used == s->pendings.used && used <= s->pendings.cap);
    HOLDS(ps_timeouts_check(&s->verification, ps_pending_times(s), s->pendings.cap) ==
          (int64_t)used - probed);
    HOLDS(ps_timeouts_check(&s->probing, ps_pending_times(s), s->pendings.cap) == probed);
    return 0;
}

int ps_server_check(const ps_server *s)
{
    int line = check_sessions(s);
    if (line == 0) {
        line = check_users(s);
    }
    if (line == 0) {
        line = check_pendings(s);
    }
    if (line == 0) {
        line = ps_directory_check(&s->directory);
    }
    return line;
}
