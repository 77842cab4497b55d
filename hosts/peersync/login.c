#include "login.h"

#include "commands/command.h"
#include "common/address.h"
#include "common/format.h"
#include "common/journal_file.h"
#include "credentials.h"
#include "jobs.h"
#include "safe.h"
#include "tickets.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

/* When to say that a login takes long, and that the server is silent. */
#define PATIENCE_MS 1000u
/* Logins that are put off by a busy server before it is left alone. */
#define BUSY_MAX 5u
/* What a busy server may ask for. */
#define BUSY_MS_MIN 100u
#define BUSY_MS_MAX 10000u

/* A login under way. */
struct attempt {
    struct app *app;
    struct credentials credentials;
    uint16_t port;
    unsigned busy;
    bool key_shown; /* The loop has stopped: is `key` the server's? */
    uint8_t key[PS_KEY_BYTES];
};

ps_exit login_find_server(struct app *a)
{
    const char *fault = ps_address_resolve(a->options.server, &a->server);
    if (fault != NULL) {
        out_fail(a->out, "the server %s cannot be used: %s", SAFE(a->options.server), fault);
        return PS_EXIT_USAGE;
    }
    return PS_EXIT_DONE;
}

static struct ticket_owner ticket_owner(const struct app *a)
{
    return (struct ticket_owner){&a->state, a->server_key.server, a->user};
}

static void send_login(struct attempt *t)
{
    struct app *a = t->app;
    uint8_t ticket[PS_TICKET_MAX];
    const struct ticket_owner owner = ticket_owner(a);
    const struct session_account account = {
        .user = t->credentials.user,
        .password = t->credentials.password,
        .device = a->state.device,
        .server_key = a->server_key.known ? a->server_key.key : NULL,
        .ticket = {ticket, tickets_get(&owner, (uint64_t)time(NULL), ticket)},
        .stream_port = t->port,
    };
    session_login(a->session, &account);
    explicit_bzero(ticket, sizeof ticket);
}

static void on_slow(uv_timer_t *timer)
{
    struct app *a = timer->data;
    out_note(a->out, "no answer from %s yet, trying on ...", app_server_text(a));
}

static void on_busy_over(uv_timer_t *timer)
{
    struct attempt *t = timer->data;
    timer->data = t->app;
    uv_timer_start(timer, on_slow, PATIENCE_MS, 0);
    send_login(t);
}

static void end_attempt(struct app *a, ps_exit code)
{
    a->login_code = code;
    uv_timer_stop(&a->timer);
    uv_stop(&a->loop);
}

/* Says why a login was refused. */
static void say_refusal(struct app *a, const ps_event_account *account)
{
    if (account->error == PS_E_TIMEOUT) {
        out_fail(a->out, "no answer from %s: is peersyncd running there?", app_server_text(a));
    } else if (account->error == PS_E_SERVER_KEY) {
        server_key_say_changed(a);
    } else if ((account->error == PS_E_BUSY || account->error == PS_E_THROTTLED) &&
               account->retry_ms > 0) {
        char span[PS_FORMAT_SPAN_BYTES];
        out_fail(a->out, "%s: try again in %s", ps_error_text(account->error),
                 ps_format_duration(span, (uint64_t)account->retry_ms * 1000u));
    } else if (account->error == PS_E_ACTIVE) {
        out_fail(a->out,
                 "%s is active on another device, which answers: leave the session there first",
                 SAFE(a->user));
    } else if (account->text.len > 0) {
        out_fail(a->out, "%s", SAFE_SPAN(account->text));
    } else {
        out_fail(a->out, "%s: %s", ps_error_text(account->error), ps_error_advice(account->error));
    }
}

/* Puts the login off as long as a busy server asks; false: it was put off too often. */
static bool wait_for_turn(struct attempt *t, uint32_t retry_ms)
{
    struct app *a = t->app;
    if (++t->busy > BUSY_MAX) {
        return false;
    }
    uint32_t wait_ms = retry_ms < BUSY_MS_MIN ? BUSY_MS_MIN : retry_ms;
    wait_ms = wait_ms > BUSY_MS_MAX ? BUSY_MS_MAX : wait_ms;
    a->timer.data = t;
    uv_timer_start(&a->timer, on_busy_over, wait_ms, 0);
    return true;
}

/* The session's events while the first login is under way. */
static void on_attempt(struct attempt *t, const ps_event *event)
{
    struct app *a = t->app;
    const ps_event_account *account = &event->u.account;
    if (event->type == PS_EVENT_SERVER_KEY) {
        memcpy(t->key, event->u.server_key, sizeof t->key);
        t->key_shown = true;
        uv_stop(&a->loop);
    } else if (event->type == PS_EVENT_LOGGED_IN) {
        a->phase = PHASE_ONLINE;
        a->connected = true;
        end_attempt(a, PS_EXIT_DONE);
    } else if (event->type == PS_EVENT_REFUSED) {
        if (account->error == PS_E_BUSY && wait_for_turn(t, account->retry_ms)) {
            return;
        }
        say_refusal(a, account);
        end_attempt(a, ps_exit_of_error(account->error));
    }
}

static void on_silence(uv_timer_t *timer)
{
    struct app *a = timer->data;
    a->lost_shown = true;
    out_fail(a->out, "the server %s does not answer any more: trying to reach it ...",
             app_server_text(a));
}

/* The server refuses to let us return, or to take changes, for now: the machine tries on. */
static void say_put_off(struct app *a, const ps_event_account *account)
{
    if (account->error == PS_E_BUSY && a->connected) {
        out_fail(a->out, "the server cannot take changes now: trying on ...");
        return;
    }
    if (account->error == PS_E_TICKET) {
        return; /* The machine goes on with the password. */
    }
    uv_timer_stop(&a->timer); /* It does answer. */
    a->lost_shown = true;
    if (account->error == PS_E_SERVER_KEY) {
        server_key_say_changed(a);
        out_fail(a->out, "trying to return to the known server ...");
    } else if (account->error == PS_E_ACTIVE) {
        out_fail(a->out, "%s is active on another device now: waiting for it to leave ...",
                 SAFE(a->user));
    } else {
        out_fail(a->out, "%s: trying to return ...", ps_error_text(account->error));
    }
}

static void say_unlisted(struct app *a, const ps_event_unlisted *u)
{
    const ps_span name = {u->name, u->len};
    a->unlisted++;
    if (a->unlisted == MANY_TOLD + 1) {
        out_fail(a->out, "further names are not listed any more: status counts those that are");
    }
    if (a->unlisted > MANY_TOLD) {
        return;
    }
    out_fail(a->out, "%s is not listed any more: %s (%s)", SAFE_SPAN(name), ps_error_text(u->error),
             ps_error_advice(u->error));
}

/* The session's events later. */
static void on_online(struct attempt *t, const ps_event *event)
{
    struct app *a = t->app;
    const ps_event_account *account = &event->u.account;
    if (event->type == PS_EVENT_LOST) {
        a->connected = false;
        a->timer.data = a;
        if (!a->lost_shown) {
            uv_timer_start(&a->timer, on_silence, PATIENCE_MS, 0);
        }
    } else if (event->type == PS_EVENT_LOGGED_IN) {
        a->connected = true;
        uv_timer_stop(&a->timer);
        if (a->lost_shown) {
            out_note(a->out, "the server %s answers again", app_server_text(a));
        }
        a->lost_shown = false;
        a->unlisted = 0;
        run_returned(a);
    } else if (event->type == PS_EVENT_PUT_OFF) {
        say_put_off(a, account);
    } else if (event->type == PS_EVENT_UNLISTED) {
        say_unlisted(a, &event->u.unlisted);
    } else if (event->type == PS_EVENT_REFUSED) {
        if (account->error == PS_E_CREDENTIALS) {
            /* What was right is so no more: the ticket names a password that is gone. */
            const struct ticket_owner owner = ticket_owner(a);
            tickets_wipe(&owner);
        }
        say_refusal(a, account);
        app_leave(a, ps_exit_of_error(account->error));
    }
}

static void on_account(void *ctx, const ps_event *event)
{
    struct attempt *t = ctx;
    struct app *a = t->app;
    if (event->type == PS_EVENT_TICKET) {
        const struct ticket_owner owner = ticket_owner(a);
        tickets_keep(&owner, &event->u.ticket);
    } else if (event->type == PS_EVENT_FILE_KEYS) {
        data_set_file_keys(a->data, &event->u.file_keys);
    } else if (a->phase == PHASE_LOGIN) {
        on_attempt(t, event);
    } else if (a->phase == PHASE_ONLINE) {
        on_online(t, event);
    } else if (event->type == PS_EVENT_LOGGED_OUT || event->type == PS_EVENT_REFUSED) {
        uv_stop(&a->loop);
    }
}

static void on_clock(void *ctx, uint64_t wall_s)
{
    const struct attempt *t = ctx;
    data_set_wall(t->app->data, wall_s);
}

static void on_failed(void *ctx, const char *why)
{
    struct attempt *t = ctx;
    struct app *a = t->app;
    out_fail(a->out, "the connection to the server broke: %s", SAFE(why));
    if (a->phase == PHASE_LOGIN) {
        end_attempt(a, PS_EXIT_SYSTEM);
    } else {
        app_leave(a, PS_EXIT_SYSTEM);
        uv_stop(&a->loop);
    }
}

static void on_journal_failed(void *ctx, const char *why)
{
    const struct attempt *t = ctx;
    out_fail(t->app->out, "the journal has stopped: %s", SAFE(why));
}

/* Undoes open_all(). */
static void close_all(struct app *a, bool discard)
{
    jobs_close(a);
    session_close(a->session);
    a->session = NULL;
    state_close(&a->state, discard);
    uv_run(&a->loop, UV_RUN_NOWAIT);
}

/* Opens the state, the session and the data plane of a user. */
static ps_exit open_all(struct attempt *t, char *why, size_t why_cap)
{
    struct app *a = t->app;
    memcpy(a->user, t->credentials.user, sizeof a->user);
    ps_exit code = state_open(&a->state, a->options.state, a->user, why, why_cap);
    if (code != PS_EXIT_DONE) {
        return code;
    }
    const struct session_config cfg = {.loop = &a->loop,
                                       .server = a->server,
                                       .journal = a->options.journal,
                                       .account = on_account,
                                       .clock = on_clock,
                                       .failed = on_failed,
                                       .journal_failed = on_journal_failed,
                                       .ctx = t};
    code = session_open(&cfg, &a->session, why, why_cap);
    if (code == PS_EXIT_DONE) {
        code = jobs_open(a, &t->port, why, why_cap);
    }
    if (code != PS_EXIT_DONE) {
        close_all(a, false);
    } else if (cfg.journal != NULL) {
        out_note(a->out, PS_JOURNAL_WARNING);
    }
    return code;
}

/* Runs the loop until the login has ended. It stands still while a key is judged: the machine says
 * nothing until it is trusted. @return the login's code. */
static ps_exit await_outcome(struct attempt *t)
{
    struct app *a = t->app;
    for (;;) {
        t->key_shown = false;
        a->timer.data = a;
        uv_update_time(&a->loop); /* Somebody typed since the loop last looked. */
        uv_timer_start(&a->timer, on_slow, PATIENCE_MS, 0);
        app_watch_signals(a, true);
        uv_run(&a->loop, UV_RUN_DEFAULT);
        if (!t->key_shown || a->interrupted) {
            return a->login_code;
        }
        uv_timer_stop(&a->timer);
        app_watch_signals(a, false); /* A question can be ended by Ctrl-C. */
        const ps_exit code = server_key_judge(a, t->key);
        if (code != PS_EXIT_DONE) {
            return code;
        }
        session_trust(a->session, t->key);
    }
}

/* One attempt with these credentials. */
static ps_exit try_once(struct attempt *t)
{
    struct app *a = t->app;
    char why[PS_STATE_PATH_MAX + 256];
    ps_exit code = open_all(t, why, sizeof why);
    if (code != PS_EXIT_DONE) {
        out_fail(a->out, "%s", SAFE(why));
        return code;
    }
    code = server_key_load(a);
    if (code == PS_EXIT_DONE) {
        t->busy = 0;
        a->login_code = PS_EXIT_INTERRUPTED; /* Until something better is known. */
        send_login(t);
        code = await_outcome(t);
    }
    if (code != PS_EXIT_DONE) {
        app_watch_signals(a, false);
        close_all(a, code == PS_EXIT_REFUSED || code == PS_EXIT_SERVER_UNKNOWN ||
                         code == PS_EXIT_SERVER_KEY);
    }
    return code;
}

ps_exit login_run(struct app *a)
{
    /* The session's events refer to it as long as the program runs. */
    static struct attempt attempt;
    attempt.app = a;
    ps_exit refused = PS_EXIT_CREDENTIALS;
    for (;;) {
        ps_exit code = credentials_get(a, &attempt.credentials);
        if (code == PS_EXIT_CREDENTIALS && attempt.credentials.asked) {
            /* The input ended: what counts is how the last attempt did. */
            if (refused == PS_EXIT_CREDENTIALS) {
                out_fail(a->out, "no username and password were given");
            }
            return refused;
        }
        if (code == PS_EXIT_DONE) {
            code = try_once(&attempt);
        }
        /* Whoever has to wait is asked again only where somebody waits: a script would go on with
         * its next lines at once. */
        const bool again = attempt.credentials.asked && !a->interrupted &&
                           (code == PS_EXIT_REFUSED || code == PS_EXIT_ACTIVE ||
                            (code == PS_EXIT_BUSY && a->interactive));
        if (!again) {
            return code;
        }
        refused = code;
    }
}
