#include "session.h"

#include "common/address.h"
#include "common/journal_file.h"
#include "common/slab.h"
#include "data/alloc.h"
#include "peersync/crypto_sodium.h"
#include "peersync/posix.h"
#include "peersync/pump.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Output memory: room for many steps. */
#define OUT_BYTES     (64u * PS_DATAGRAM_MAX)
#define OUT_DATAGRAMS 128u
#define OUT_EVENTS    (8u * PS_PEER_STEP_EVENTS)
/* Rounds in a row before the loop looks at its other handles. */
#define ROUNDS_MAX 32u
/* How often the journal's bytes go to disk. */
#define JOURNAL_MS 1000u

struct request {
    struct request *next, *prev; /* All of the session. */
    struct request *queued;      /* Not submitted yet: the next one. */
    session_answer answer;
    void *ctx;
    ps_input_type type;
    ps_content content;
    char *text;
};

struct session {
    struct session_config cfg;
    ps_posix_udp *udp;
    ps_transport transport;
    ps_peer *peer;
    void *slab;
    size_t slab_len;
    ps_pump pump;
    uint8_t bytes[OUT_BYTES];
    ps_datagram datagrams[OUT_DATAGRAMS];
    ps_event events[OUT_EVENTS];
    uv_poll_t poll;
    uv_timer_t timer;
    uv_timer_t journal_timer;
    ps_journal_file *journal; /* NULL: none is kept. */
    int poll_events;
    unsigned open_handles;
    bool driving, failed, muted;
    struct request *requests;            /* All. */
    struct request *queue, **queue_tail; /* To be submitted, in order. */
};

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

static void request_free(struct session *s, struct request *r)
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
            request_free(s, r);
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

/* Waits for the socket and for the machine's next deadline. */
static void wait(struct session *s, ps_status status, bool soon)
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
        wait(s, status, status == PS_MORE || (status == PS_OK && s->queue != NULL));
    }
}

static void on_journal_due(uv_timer_t *timer)
{
    struct session *s = timer->data;
    const char *fault = ps_journal_file_flush(s->journal);
    if (fault != NULL) {
        s->cfg.journal_failed(s->cfg.ctx, fault);
    }
}

/* The machine as the pump drives it: itself, or its recorder. */
static ps_exit make_face(struct session *s, const ps_peer_config *cfg, ps_machine *out, char *why,
                         size_t why_cap)
{
    char fault[256];
    *out = ps_machine_of_peer(s->peer);
    if (s->cfg.journal == NULL) {
        return PS_EXIT_DONE;
    }
    ps_journal_head head = {.kind = PS_JOURNAL_PEER, .peer = *cfg};
    s->journal = ps_journal_file_open(s->cfg.journal, &head, fault, sizeof fault);
    if (s->journal == NULL) {
        snprintf(why, why_cap, "the journal %s cannot be written: %s", s->cfg.journal, fault);
        return PS_EXIT_LOCAL_FILE;
    }
    *out = ps_journal_file_machine(s->journal, *out);
    return PS_EXIT_DONE;
}

static ps_exit make_machine(struct session *s, char *why, size_t why_cap)
{
    ps_peer_config cfg;
    ps_peer_config_default(&cfg);
    cfg.mem_is_zero = true;
    cfg.crypto = ps_crypto_sodium();
    if (ps_posix_entropy(cfg.seed, sizeof cfg.seed) != PS_OK) {
        snprintf(why, why_cap, "the system gives no random bytes");
        return PS_EXIT_SYSTEM;
    }
    s->slab_len = ps_peer_size(&cfg);
    s->slab = ps_slab_map(s->slab_len);
    if (s->slab == NULL) {
        snprintf(why, why_cap, "there is no memory for the session: %s", strerror(errno));
        return PS_EXIT_SYSTEM;
    }
    const ps_output out = {.bytes = s->bytes,
                           .bytes_cap = sizeof s->bytes,
                           .datagrams = s->datagrams,
                           .datagrams_cap = OUT_DATAGRAMS,
                           .events = s->events,
                           .events_cap = OUT_EVENTS};
    ps_machine face;
    s->transport = ps_posix_udp_transport(s->udp);
    snprintf(why, why_cap, "the session could not be made");
    if (ps_peer_init(s->slab, s->slab_len, &cfg, &s->peer) != PS_OK) {
        return PS_EXIT_SYSTEM;
    }
    const ps_exit code = make_face(s, &cfg, &face, why, why_cap);
    if (code != PS_EXIT_DONE) {
        return code;
    }
    return ps_pump_init(&s->pump, &s->transport, face, out) == PS_OK ? PS_EXIT_DONE
                                                                     : PS_EXIT_SYSTEM;
}

ps_exit session_open(const struct session_config *cfg, struct session **out, char *why,
                     size_t why_cap)
{
    *out = NULL;
    struct session *s = data_alloc(1, sizeof *s);
    s->cfg = *cfg;
    s->queue_tail = &s->queue;
    /* A server on this machine is reached from the loopback address, any other from wherever the
     * system routes. */
    ps_addr any = {.family = cfg->server.family};
    if (ps_address_is_loopback(&cfg->server)) {
        memcpy(any.ip, cfg->server.ip, sizeof any.ip);
    }
    ps_posix_error error;
    if (ps_posix_udp_open(&any, 1, NULL, &s->udp, &error) != PS_OK) {
        snprintf(why, why_cap, "%s", error.text);
        free(s);
        return PS_EXIT_SYSTEM;
    }
    const ps_exit code = make_machine(s, why, why_cap);
    if (code != PS_EXIT_DONE) {
        (void)ps_journal_file_close(s->journal);
        if (s->slab != NULL) {
            ps_slab_unmap(s->slab, s->slab_len);
        }
        ps_posix_udp_close(s->udp);
        free(s);
        return code;
    }
    uv_poll_init(cfg->loop, &s->poll, ps_posix_udp_fd(s->udp, 0));
    uv_timer_init(cfg->loop, &s->timer);
    uv_timer_init(cfg->loop, &s->journal_timer);
    s->poll.data = s->timer.data = s->journal_timer.data = s;
    s->open_handles = 3;
    if (s->journal != NULL) {
        uv_timer_start(&s->journal_timer, on_journal_due, JOURNAL_MS, JOURNAL_MS);
    }
    wait(s, PS_OK, false);
    *out = s;
    return PS_EXIT_DONE;
}

static void on_closed(uv_handle_t *handle)
{
    struct session *s = handle->data;
    if (--s->open_handles > 0) {
        return;
    }
    while (s->requests != NULL) {
        request_free(s, s->requests);
    }
    ps_posix_udp_close(s->udp);
    ps_slab_unmap(s->slab, s->slab_len);
    free(s);
}

void session_close(struct session *s)
{
    if (s == NULL) {
        return;
    }
    s->failed = true;
    const char *fault = ps_journal_file_close(s->journal);
    s->journal = NULL;
    if (fault != NULL) {
        s->cfg.journal_failed(s->cfg.ctx, fault);
    }
    uv_close((uv_handle_t *)&s->poll, on_closed);
    uv_close((uv_handle_t *)&s->timer, on_closed);
    uv_close((uv_handle_t *)&s->journal_timer, on_closed);
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
