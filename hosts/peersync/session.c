/* How the session runs: requests go in, events come out. */
#include "session_internal.h"

#include "data/alloc.h"

#include <stdlib.h>
#include <string.h>

/* Rounds in a row before the loop looks at its other handles. */
#define ROUNDS_MAX 32u

static void drive(struct session *s);

static void fail(struct session *s)
{
    if (!s->failed) {
        s->failed = true;
        uv_poll_stop(&s->poll);
        uv_timer_stop(&s->timer);
        s->cfg.failed(s->cfg.ctx, ps_posix_udp_error(s->udp)->text);
    }
}

void session_request_free(struct session *s, struct request *r)
{
    if (r->prev != NULL) {
        r->prev->next = r->next;
    } else {
        s->requests = r->next;
    }
    if (r->next != NULL) {
        r->next->prev = r->prev;
    }
    free(r->text);
    free(r);
}

/* Hands the machine's events on. Answers may start further requests: those wait in the queue. */
static void dispatch(struct session *s)
{
    for (size_t i = 0; i < s->pump.out.events_len; i++) {
        const ps_event *event = &s->pump.out.events[i];
        if (event->type != PS_EVENT_PEER && event->type != PS_EVENT_FILE &&
            event->type != PS_EVENT_SOURCE && event->type != PS_EVENT_AGAIN &&
            event->type != PS_EVENT_DONE) {
            s->cfg.account(s->cfg.ctx, event);
            continue;
        }
        const bool done = event->type == PS_EVENT_DONE;
        const bool line = !done && event->type != PS_EVENT_AGAIN;
        const uint64_t tag = line ? event->u.entry.tag : event->u.done.tag;
        struct request *r = (struct request *)(uintptr_t)tag;
        if (r->answer != NULL) {
            r->answer(r->ctx, event);
        }
        if (done) {
            session_request_free(s, r);
        }
    }
    ps_pump_clear_events(&s->pump);
}

/* Gives the queue's requests to the machine while it has room. */
static void submit(struct session *s)
{
    while (s->queue != NULL && !s->failed) {
        struct request *r = s->queue;
        ps_input in = {.type = r->type};
        in.u.command = (ps_input_command){
            .tag = (uint64_t)(uintptr_t)r,
            .text = {(const uint8_t *)r->text, strlen(r->text)},
            .content = r->content,
        };
        const ps_status status = ps_pump_submit(&s->pump, &in);
        if (status == PS_AGAIN) {
            return;
        }
        s->queue = r->queued;
        if (s->queue == NULL) {
            s->queue_tail = &s->queue;
        }
        if (status == PS_FAILED) {
            fail(s);
        }
        dispatch(s);
    }
}

static void on_ready(uv_poll_t *poll, int status, int events)
{
    struct session *s = poll->data;
    (void)events;
    if (status < 0) {
        s->poll_events = 0; /* libuv has stopped polling; reading clears the error. */
    }
    drive(s);
}

static void on_timer(uv_timer_t *timer)
{
    drive(timer->data);
}

void session_wait(struct session *s, ps_status status, bool soon)
{
    const int events = status == PS_AGAIN ? UV_READABLE | UV_WRITABLE : UV_READABLE;
    if (events != s->poll_events) {
        s->poll_events = events;
        uv_poll_start(&s->poll, events, on_ready);
    }
    const uint64_t deadline_us = ps_pump_deadline_us(&s->pump);
    if (soon) {
        uv_timer_start(&s->timer, on_timer, 0, 0);
    } else if (deadline_us == PS_TIME_NEVER || status == PS_AGAIN) {
        uv_timer_stop(&s->timer);
    } else {
        /* The loop counts milliseconds: round up, or it would spin through the last one. */
        const uint64_t now_us = ps_posix_now_us();
        const uint64_t left_us = deadline_us > now_us ? deadline_us - now_us : 0;
        uv_update_time(s->cfg.loop);
        uv_timer_start(&s->timer, on_timer, (left_us + 999u) / 1000u, 0);
    }
}

static void tell_clock(struct session *s)
{
    ps_peer_stats stats;
    ps_peer_stats_get(s->peer, &stats);
    if (stats.wall_s != 0) {
        s->cfg.clock(s->cfg.ctx, stats.wall_s);
    }
}

static void drive(struct session *s)
{
    if (s->driving || s->failed) {
        return;
    }
    s->driving = true;
    ps_status status = PS_OK;
    unsigned rounds = 0;
    do {
        dispatch(s); /* Of LOGIN and LOGOUT, which do not wait in the queue. */
        submit(s);
        if (s->failed) {
            break;
        }
        status = ps_pump_run_once(&s->pump);
        dispatch(s);
    } while ((status == PS_MORE || (status == PS_OK && s->queue != NULL)) && ++rounds < ROUNDS_MAX);
    s->driving = false;
    if (status == PS_FAILED) {
        fail(s);
    }
    if (!s->failed) {
        tell_clock(s);
        session_wait(s, status, status == PS_MORE || (status == PS_OK && s->queue != NULL));
    }
}

/* LOGIN, TRUST and LOGOUT: there is always room after the events were cleared. */
static void give(struct session *s, ps_input *in)
{
    ps_status status = ps_pump_submit(&s->pump, in);
    for (unsigned i = 0; status == PS_AGAIN && i < ROUNDS_MAX; i++) {
        drive(s);
        status = ps_pump_submit(&s->pump, in);
    }
    if (status == PS_FAILED) {
        fail(s);
    }
    if (!s->failed) {
        uv_timer_start(&s->timer, on_timer, 0, 0);
    }
}

void session_login(struct session *s, const struct session_account *account)
{
    ps_input in = {.type = PS_INPUT_LOGIN};
    in.u.login = (ps_input_login){
        .server = s->cfg.server,
        .stream_port = account->stream_port,
        .key_known = account->server_key != NULL,
        .user = {(const uint8_t *)account->user, strlen(account->user)},
        .password = {(const uint8_t *)account->password, strlen(account->password)},
        .ticket = account->ticket,
    };
    memcpy(in.u.login.device, account->device, PS_DEVICE_BYTES);
    if (account->server_key != NULL) {
        memcpy(in.u.login.server_key, account->server_key, PS_KEY_BYTES);
    }
    give(s, &in);
}

void session_trust(struct session *s, const uint8_t key[PS_KEY_BYTES])
{
    ps_input in = {.type = PS_INPUT_TRUST};
    memcpy(in.u.trust, key, PS_KEY_BYTES);
    give(s, &in);
}

void session_logout(struct session *s)
{
    ps_input in = {.type = PS_INPUT_LOGOUT};
    give(s, &in);
}

void session_request(struct session *s, ps_input_type type, const char *text,
                     const ps_content *content, session_answer answer, void *ctx)
{
    struct request *r = data_alloc(1, sizeof *r);
    r->answer = s->muted ? NULL : answer;
    r->ctx = ctx;
    r->type = type;
    r->text = data_strdup(text);
    if (content != NULL) {
        r->content = *content;
    }
    r->next = s->requests;
    if (r->next != NULL) {
        r->next->prev = r;
    }
    s->requests = r;
    *s->queue_tail = r;
    s->queue_tail = &r->queued;
    if (!s->driving && !s->failed) {
        uv_timer_start(&s->timer, on_timer, 0, 0);
    }
}

void session_mute(struct session *s)
{
    s->muted = true;
    for (struct request *r = s->requests; r != NULL; r = r->next) {
        r->answer = NULL;
    }
}

void session_stats(const struct session *s, ps_peer_stats *stats)
{
    ps_peer_stats_get(s->peer, stats);
}
