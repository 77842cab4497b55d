/* Logins and sessions: the host's part is to verify and to tell. */
#include "peersyncd/daemon.h"

#include <string.h>

static void verify(ps_daemon *d, const ps_event_login *login)
{
    const bool good = ps_credentials_verify(&d->credentials, login->user, login->password);
    uint64_t held = 0;
    if (!good && ps_rate_allow(&d->refusals, d->transport.now_us(d->transport.ctx), &held)) {
        ps_log(PS_LOG_INFO, "login refused",
               (ps_log_field[]){PS_F_SPAN("user", login->user), PS_F_ADDR("address", &login->from),
                                PS_F_NUMBER("more", held), PS_F_END});
    }
    /* One that finds no room is forgotten by the machine too, and its peer asks again. */
    if (d->verdicts_len < d->verdicts_cap) {
        d->verdicts[d->verdicts_len++] = (ps_input_verdict){
            .pending = login->pending, .error = good ? PS_E_NONE : PS_E_CREDENTIALS};
    }
}

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
            verify(d, &e->u.login);
        } else if (e->type == PS_EVENT_SESSION_OPENED || e->type == PS_EVENT_SESSION_CLOSED) {
            log_session(e);
        } else if (e->type == PS_EVENT_RECORD) {
            ps_daemon_record(d, &e->u.record);
        }
    }
    ps_pump_clear_events(&d->pump);
}

bool ps_daemon_give_verdicts(ps_daemon *d)
{
    size_t given = 0;
    while (given < d->verdicts_len) {
        ps_input in = {.type = PS_INPUT_VERDICT, .u.verdict = d->verdicts[given]};
        const ps_status status = ps_pump_submit(&d->pump, &in);
        if (status == PS_AGAIN) {
            break;
        }
        if (status == PS_FAILED) {
            ps_daemon_report_failure(d);
        }
        given++;
        ps_daemon_read_events(d);
    }
    d->verdicts_len -= given;
    memmove(d->verdicts, d->verdicts + given, d->verdicts_len * sizeof *d->verdicts);
    return d->verdicts_len == 0;
}
