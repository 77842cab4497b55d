#include "jobs.h"

#include "common/address.h"
#include "common/format.h"
#include "data/alloc.h"
#include "peersync/crypto_openssl.h"
#include "peersync/posix.h"
#include "safe.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct job {
    struct job *next;
    uint64_t tag;
    job_event event;
    void *ctx;
};

uint64_t jobs_add(struct app *a, job_event event, void *ctx)
{
    struct job *job = data_alloc(1, sizeof *job);
    *job = (struct job){.next = a->jobs, .tag = ++a->last_tag, .event = event, .ctx = ctx};
    a->jobs = job;
    return job->tag;
}

/* An announcement that nobody waits for was answered. */
static void on_announced(void *ctx, const ps_event *event)
{
    struct app *a = ctx;
    const uint32_t error = event->u.done.error;
    if (event->type == PS_EVENT_DONE && error != PS_E_NONE && error != PS_E_SUPERSEDED &&
        a->phase != PHASE_LEAVING) {
        out_fail(a->out, "a file published before is not listed: %s (%s)", ps_error_text(error),
                 ps_error_advice(error));
    }
}

static void on_gone(struct app *a, const struct data_event *e)
{
    out_fail(a->out, "%s is not published any more: %s", SAFE(e->name),
             e->text[0] != '\0' ? SAFE(e->text) : ps_error_text(e->error));
    session_request(a->session, PS_INPUT_UNPUBLISH, e->name, NULL, NULL, NULL);
}

static void on_upload_ended(struct app *a, const struct data_event *e)
{
    char addr[PS_ADDR_TEXT];
    char size[PS_FORMAT_SIZE_BYTES];
    char span[PS_FORMAT_SPAN_BYTES];
    /* At a prompt this would only interrupt whoever types there; `status` shows transfers. */
    if (a->prompt != NULL || e->error != PS_E_NONE) {
        return;
    }
    out_note(a->out, "%s was fetched by %s (%s in %s)", SAFE(e->name),
             ps_addr_format(&e->peer, addr), ps_format_size(size, e->done),
             ps_format_duration(span, e->elapsed_us));
}

static bool is_last(enum data_event_type type)
{
    return type == DATA_FILE_READY || type == DATA_PUBLISH_FAILED || type == DATA_GET_DONE ||
           type == DATA_GET_FAILED;
}

/* Hands an event to the job of its tag, if there is one. */
static bool to_job(struct app *a, const struct data_event *e)
{
    for (struct job **at = &a->jobs; *at != NULL; at = &(*at)->next) {
        struct job *job = *at;
        if (job->tag != e->tag) {
            continue;
        }
        const job_event event = job->event;
        void *ctx = job->ctx;
        if (is_last(e->type)) {
            *at = job->next;
            free(job);
        }
        event(ctx, e);
        return true;
    }
    return false;
}

static void handle(struct app *a, const struct data_event *e)
{
    switch (e->type) {
    case DATA_FILE_READY:
    case DATA_HASH_PROGRESS:
    case DATA_PUBLISH_FAILED:
    case DATA_GET_PROGRESS:
    case DATA_GET_SOURCE_FAILED:
    case DATA_GET_DONE:
    case DATA_GET_FAILED:
        if (e->tag != 0) {
            (void)to_job(a, e);
        } else if (e->type == DATA_FILE_READY) {
            session_request(a->session, PS_INPUT_PUBLISH, e->name, &e->content, on_announced, a);
        }
        break;
    case DATA_FILE_GONE:
        on_gone(a, e);
        break;
    case DATA_UPLOAD_ENDED:
        on_upload_ended(a, e);
        break;
    case DATA_NOTE:
        if (e->warning) {
            out_fail(a->out, "%s", SAFE(e->text));
        } else {
            out_note(a->out, "%s", SAFE(e->text));
        }
        break;
    case DATA_UPLOAD_STARTED:
    default:
        break;
    }
}

static void on_wake(uv_async_t *async)
{
    struct app *a = async->data;
    struct data_event *e;
    while (a->data != NULL && (e = data_next_event(a->data)) != NULL) {
        if (a->phase != PHASE_LEAVING) {
            handle(a, e);
        }
        data_event_free(e);
    }
}

static void wake(void *ctx)
{
    uv_async_send(ctx);
}

/* Where downloaders connect: as the option says; else a free port, on the loopback address when
 * the server is there, for then all peers are on this machine, else on all addresses. */
static bool find_listener(const struct app *a, ps_addr *where, char *why, size_t why_cap)
{
    if (a->options.listen != NULL) {
        const char *fault = ps_address_parse(a->options.listen, where);
        if (fault != NULL) {
            snprintf(why, why_cap, "--listen %s: %s", SAFE(a->options.listen), fault);
        }
        return fault == NULL;
    }
    *where = (ps_addr){.family = a->server.family};
    if (ps_address_is_loopback(&a->server)) {
        memcpy(where->ip, a->server.ip, sizeof where->ip);
    }
    return true;
}

ps_exit jobs_open(struct app *a, uint16_t *port, char *why, size_t why_cap)
{
    ps_addr where;
    ps_addr bound = {.port = 0};
    if (!find_listener(a, &where, why, why_cap)) {
        return PS_EXIT_USAGE;
    }
    uv_async_init(&a->loop, &a->data_wake, on_wake);
    a->data_wake.data = a;
    struct data_config cfg;
    data_config_default(&cfg);
    cfg.crypto = ps_crypto_openssl();
    cfg.state_dir = a->state.dir.path;
    cfg.wake = wake;
    cfg.wake_ctx = &a->data_wake;
    cfg.max_uploads = (unsigned)a->options.max_uploads;
    a->data = data_open(&cfg, why, why_cap);
    if (a->data == NULL) {
        uv_close((uv_handle_t *)&a->data_wake, NULL);
        return PS_EXIT_STATE;
    }
    if (a->options.max_uploads > 0 && !data_listen(a->data, &where, &bound, why, why_cap)) {
        jobs_close(a);
        return PS_EXIT_LISTEN;
    }
    *port = bound.port;
    size_t n = 0;
    struct data_file *files = data_files(a->data, &n);
    for (size_t i = 0; i < n; i++) {
        if (files[i].ready) {
            session_request(a->session, PS_INPUT_PUBLISH, files[i].name, &files[i].content,
                            on_announced, a);
        }
    }
    data_files_free(files, n);
    return PS_EXIT_DONE;
}

void jobs_close(struct app *a)
{
    if (a->data == NULL) {
        return;
    }
    data_close(a->data);
    a->data = NULL;
    uv_close((uv_handle_t *)&a->data_wake, NULL);
    while (a->jobs != NULL) {
        struct job *job = a->jobs;
        a->jobs = job->next;
        free(job);
    }
}
