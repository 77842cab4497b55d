#include "jobs.h"

#include "announce.h"
#include "common/address.h"
#include "common/format.h"
#include "data/alloc.h"
#include "peersync/crypto_sodium.h"
#include "peersync/posix.h"
#include "safe.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct job {
    struct ordered_node node;
    uint64_t tag;
    job_event event;
    void *ctx;
};

static struct job *job_of(struct ordered_node *node)
{
    return node != NULL ? ORDERED_ITEM(node, struct job, node) : NULL;
}

static int compare_tags(const void *key, const struct ordered_node *node)
{
    const uint64_t a = *(const uint64_t *)key;
    const uint64_t b = ORDERED_ITEM(node, struct job, node)->tag;
    return (a > b) - (a < b);
}

uint64_t jobs_add(struct app *a, job_event event, void *ctx)
{
    struct job *job = data_alloc(1, sizeof *job);
    *job = (struct job){.tag = ++a->last_tag, .event = event, .ctx = ctx};
    ordered_add(&a->jobs, &job->tag, &job->node);
    return job->tag;
}

static void on_gone(struct app *a, const struct data_event *e)
{
    out_fail(a->out, "%s is not published any more: %s", SAFE(e->name),
             e->text[0] != '\0' ? SAFE(e->text) : ps_error_text(e->error));
    session_request(a->session, PS_INPUT_UNPUBLISH, e->name, NULL, NULL, NULL);
}

/* Files that are told of by name when they cannot be read: a disk that is not there may have held
 * thousands. */
#define AWAY_TOLD 10u

/* What is not served is not listed. */
static void on_away(struct app *a, const struct data_event *e)
{
    a->away_told++;
    if (a->away_told <= AWAY_TOLD) {
        out_fail(a->out, "%s is not served: %s; it is again when it can be read (unp forgets it)",
                 SAFE(e->name), e->text[0] != '\0' ? SAFE(e->text) : ps_error_text(e->error));
    } else if (a->away_told == AWAY_TOLD + 1) {
        out_fail(a->out, "more files cannot be read; they are served again when they can");
    }
    session_request(a->session, PS_INPUT_UNPUBLISH, e->name, NULL, NULL, NULL);
}

/* Uploads of this length are told of when they begin, and when they are cut off. */
#define LONG_UPLOAD (64ull << 20)

/* At a prompt this would only interrupt whoever types there; `status` shows transfers. */
static void on_upload_started(struct app *a, const struct data_event *e)
{
    char addr[PS_ADDR_TEXT];
    char size[PS_FORMAT_SIZE_BYTES];
    if (a->prompt == NULL && e->total >= LONG_UPLOAD) {
        out_note(a->out, "%s at %s fetches %s (%s)", SAFE(e->user), ps_addr_format(&e->peer, addr),
                 SAFE(e->name), ps_format_size(size, e->total));
    }
}

static void on_upload_ended(struct app *a, const struct data_event *e)
{
    char addr[PS_ADDR_TEXT];
    char size[PS_FORMAT_SIZE_BYTES];
    char span[PS_FORMAT_SPAN_BYTES];
    if (a->prompt != NULL) {
        return;
    }
    if (e->error == PS_E_NONE) {
        out_note(a->out, "%s was fetched by %s at %s (%s in %s)", SAFE(e->name), SAFE(e->user),
                 ps_addr_format(&e->peer, addr), ps_format_size(size, e->done),
                 ps_format_duration(span, e->elapsed_us));
    } else if (e->total >= LONG_UPLOAD) {
        out_note(a->out, "%s at %s stopped at %s of %s: %s", SAFE(e->user),
                 ps_addr_format(&e->peer, addr), ps_format_size(size, e->done), SAFE(e->name),
                 e->text[0] != '\0' ? SAFE(e->text) : ps_error_text(e->error));
    }
}

static bool is_last(enum data_event_type type)
{
    return type == DATA_FILE_READY || type == DATA_PUBLISH_FAILED || type == DATA_HASHED ||
           type == DATA_HASH_FAILED || type == DATA_GET_DONE || type == DATA_GET_FAILED;
}

/* Hands an event to the job of its tag, if there is one. */
static void to_job(struct app *a, const struct data_event *e)
{
    struct job *job = job_of(ordered_find(&a->jobs, &e->tag));
    if (job == NULL) {
        return;
    }
    const job_event event = job->event;
    void *ctx = job->ctx;
    if (is_last(e->type)) {
        (void)ordered_remove(&a->jobs, &e->tag);
        free(job);
    }
    event(ctx, e);
}

static void handle(struct app *a, const struct data_event *e)
{
    switch (e->type) {
    case DATA_FILE_READY:
    case DATA_HASH_PROGRESS:
    case DATA_PUBLISH_FAILED:
    case DATA_HASHED:
    case DATA_HASH_FAILED:
    case DATA_GET_RESUMED:
    case DATA_GET_PROGRESS:
    case DATA_GET_SOURCE_FAILED:
    case DATA_GET_WAITING:
    case DATA_GET_DONE:
    case DATA_GET_FAILED:
        if (e->tag != 0) {
            to_job(a, e);
        } else if (e->type == DATA_FILE_READY) {
            announce(a, e->name, &e->content);
        }
        break;
    case DATA_FILE_GONE:
        on_gone(a, e);
        break;
    case DATA_UPLOAD_ENDED:
        on_upload_ended(a, e);
        break;
    case DATA_FILE_AWAY:
        on_away(a, e);
        break;
    case DATA_NOTE:
        if (e->warning) {
            out_fail(a->out, "%s", SAFE(e->text));
        } else {
            out_note(a->out, "%s", SAFE(e->text));
        }
        break;
    case DATA_UPLOAD_STARTED:
        on_upload_started(a, e);
        break;
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

/* Starts the data plane. */
static ps_exit open_data(struct app *a, const char *state_dir, char *why, size_t why_cap)
{
    ordered_init(&a->jobs, compare_tags);
    const int rc = uv_async_init(&a->loop, &a->data_wake, on_wake);
    if (rc != 0) {
        snprintf(why, why_cap, "a loop cannot be woken: %s", uv_strerror(rc));
        return PS_EXIT_SYSTEM;
    }
    a->data_wake.data = a;
    struct data_config cfg;
    data_config_default(&cfg);
    cfg.crypto = ps_crypto_sodium();
    cfg.state_dir = state_dir;
    cfg.wake = wake;
    cfg.wake_ctx = &a->data_wake;
    cfg.max_uploads = (unsigned)a->options.max_uploads;
    cfg.plain_transfers = a->options.plain_transfers;
    bool of_state;
    a->data = data_open(&cfg, &of_state, why, why_cap);
    if (a->data == NULL) {
        uv_close((uv_handle_t *)&a->data_wake, NULL);
        return of_state ? PS_EXIT_STATE : PS_EXIT_SYSTEM;
    }
    return PS_EXIT_DONE;
}

ps_exit jobs_open_alone(struct app *a, char *why, size_t why_cap)
{
    return open_data(a, NULL, why, why_cap);
}

ps_exit jobs_open(struct app *a, uint16_t *port, char *why, size_t why_cap)
{
    ps_addr where;
    ps_addr bound = {.port = 0};
    if (!find_listener(a, &where, why, why_cap)) {
        return PS_EXIT_USAGE;
    }
    const ps_exit code = open_data(a, a->state.dir.path, why, why_cap);
    if (code != PS_EXIT_DONE) {
        return code;
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
            announce(a, files[i].name, &files[i].content);
        }
    }
    data_files_free(files, n);
    return PS_EXIT_DONE;
}

static void free_job(void *ctx, struct ordered_node *node)
{
    (void)ctx;
    free(job_of(node));
}

void jobs_close(struct app *a)
{
    if (a->data == NULL) {
        return;
    }
    data_close(a->data);
    a->data = NULL;
    uv_close((uv_handle_t *)&a->data_wake, NULL);
    ordered_walk(&a->jobs, free_job, NULL);
    announce_forget(a);
}
