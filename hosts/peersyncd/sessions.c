/* The machine's events: what the host is asked, and what it tells the log. */
#include "peersyncd/daemon.h"

static const char *reason_name(unsigned reason)
{
    switch (reason) {
    case PS_CLOSE_LOGOUT:
        return "logout";
    case PS_CLOSE_SILENCE:
        return "silence";
    case PS_CLOSE_REPLACED:
        return "replaced";
    case PS_CLOSE_TAKEN:
        return "taken over";
    case PS_CLOSE_REMOVED:
        return "the account was removed";
    default:
        return "unknown";
    }
}

static void log_session(const ps_event *e)
{
    const ps_event_session *s = &e->u.session;
    const ps_span user = {s->user.bytes, s->user.len};
    if (e->type == PS_EVENT_SESSION_OPENED) {
        ps_log(PS_LOG_INFO, "session opened",
               (ps_log_field[]){PS_F_SPAN("user", user), PS_F_ADDR("address", &s->addr), PS_F_END});
    } else {
        ps_log(PS_LOG_INFO, "session closed",
               (ps_log_field[]){PS_F_SPAN("user", user), PS_F_ADDR("address", &s->addr),
                                PS_F_STRING("reason", reason_name(s->reason)), PS_F_END});
    }
}

void ps_daemon_read_events(ps_daemon *d)
{
    const ps_output *out = &d->pump.out;
    for (size_t i = 0; i < out->events_len; i++) {
        const ps_event *e = &out->events[i];
        if (e->type == PS_EVENT_LOGIN_REQUEST) {
            ps_daemon_login(d, &e->u.login);
        } else if (e->type == PS_EVENT_SESSION_OPENED || e->type == PS_EVENT_SESSION_CLOSED) {
            log_session(e);
        } else if (e->type == PS_EVENT_RECORD) {
            ps_daemon_record(d, &e->u.record);
        }
    }
    ps_pump_clear_events(&d->pump);
}
