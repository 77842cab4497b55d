#include "fake_planes.h"

#include "jobs.h"

#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <setjmp.h>

#include <cmocka.h>

struct app fake_app;
struct fake_request *fake_requests;
struct fake_job *fake_jobs;
size_t fake_request_count, fake_job_count;
int fake_code;

static struct fake_request **requests_end = &fake_requests;
static int kept_stderr, reader;
static char said[65536];
static size_t said_len, said_from;

/* ---- The app ---- */

static void nothing(void *ctx)
{
    (void)ctx;
}

void fake_open(void)
{
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    kept_stderr = dup(STDERR_FILENO);
    assert_int_equal(dup2(ends[1], STDERR_FILENO), STDERR_FILENO);
    reader = ends[0];
    (void)close(ends[1]);
    assert_int_equal(fcntl(reader, F_SETFL, O_NONBLOCK), 0);
    said_len = said_from = 0;
    fake_app = (struct app){.phase = PHASE_ONLINE, .user = "me", .connected = true};
    fake_app.options.word_count = 1;
    uv_loop_init(&fake_app.loop);
    fake_app.out = out_open(&(struct out_config){
        .loop = &fake_app.loop, .prefix = "", .closed = nothing, .drained = nothing});
    assert_non_null(fake_app.out);
    fake_code = -1;
}

static void read_said(void)
{
    out_flush(fake_app.out);
    for (ssize_t n; (n = read(reader, said + said_len, sizeof said - 1 - said_len)) > 0;) {
        said_len += (size_t)n;
    }
    said[said_len] = '\0';
}

const char *fake_said(void)
{
    const size_t from = said_from;
    read_said();
    said_from = said_len;
    return said + from;
}

unsigned fake_unpublished;

const char *fake_close(void)
{
    read_said();
    run_drop_all(&fake_app);
    out_close(fake_app.out, true);
    while (uv_run(&fake_app.loop, UV_RUN_DEFAULT) != 0) { /* The first time, it may be stopped. */
    }
    uv_loop_close(&fake_app.loop);
    (void)dup2(kept_stderr, STDERR_FILENO);
    (void)close(kept_stderr);
    (void)close(reader);
    while (fake_requests != NULL) {
        struct fake_request *r = fake_requests;
        fake_requests = r->next;
        free(r);
    }
    while (fake_jobs != NULL) {
        struct fake_job *job = fake_jobs;
        fake_jobs = job->next;
        free(job);
    }
    requests_end = &fake_requests;
    fake_request_count = fake_job_count = 0;
    return said;
}

static void on_ended(void *ctx, ps_exit code, bool background)
{
    (void)ctx;
    (void)background;
    fake_code = (int)code;
}

void fake_run(const char *const words[])
{
    size_t count = 0;
    while (words[count] != NULL) {
        count++;
    }
    run_start(&fake_app, words, count, on_ended, NULL);
}

/* ---- The control plane ---- */

void session_request(struct session *s, ps_input_type type, const char *text,
                     const ps_content *content, session_answer answer, void *ctx)
{
    (void)s;
    (void)content;
    struct fake_request *r = calloc(1, sizeof *r);
    assert_non_null(r);
    r->type = type;
    (void)snprintf(r->text, sizeof r->text, "%s", text);
    r->answer = answer;
    r->ctx = ctx;
    *requests_end = r;
    requests_end = &r->next;
    fake_request_count++;
}

void fake_source(const char *user, uint64_t length, uint8_t byte, uint16_t port)
{
    static uint8_t key[PS_KEY_BYTES] = {7};
    const struct fake_request *r = fake_requests;
    assert_non_null(r);
    ps_event e = {.type = PS_EVENT_SOURCE};
    e.u.entry = (ps_event_entry){.user = {(const uint8_t *)user, strlen(user)},
                                 .content = {.length = length},
                                 .active = port != 0};
    memset(e.u.entry.content.root, byte, PS_ROOT_BYTES);
    if (port != 0) {
        e.u.entry.addr = (ps_addr){.ip = {127, 0, 0, 1}, .port = port, .family = PS_ADDR_V4};
        e.u.entry.ticket = e.u.entry.user;
        e.u.entry.key = (ps_span){key, sizeof key};
    }
    r->answer(r->ctx, &e);
}

void fake_done(uint32_t error)
{
    struct fake_request *r = fake_requests;
    assert_non_null(r);
    fake_requests = r->next;
    if (fake_requests == NULL) {
        requests_end = &fake_requests;
    }
    fake_request_count--;
    ps_event e = {.type = PS_EVENT_DONE};
    e.u.done.error = error;
    r->answer(r->ctx, &e);
    free(r);
}

void session_stats(const struct session *s, ps_peer_stats *stats)
{
    (void)s;
    *stats = (ps_peer_stats){.publications = 0};
}

void session_mute(struct session *s)
{
    (void)s;
}

void session_logout(struct session *s)
{
    (void)s;
}

/* ---- The data plane ---- */

uint64_t jobs_add(struct app *a, job_event event, void *ctx)
{
    struct fake_job *job = calloc(1, sizeof *job);
    assert_non_null(job);
    *job = (struct fake_job){.tag = ++a->last_tag, .event = event, .ctx = ctx};
    struct fake_job **at = &fake_jobs;
    while (*at != NULL) {
        at = &(*at)->next;
    }
    *at = job;
    fake_job_count++;
    return job->tag;
}

static struct fake_job *job_of(uint64_t tag)
{
    struct fake_job *job = fake_jobs;
    while (job != NULL && job->tag != tag) {
        job = job->next;
    }
    assert_non_null(job);
    return job;
}

static void set_sources(struct fake_job *job, const struct data_source *sources, size_t n)
{
    job->sources = n;
    if (n > 0) {
        job->source = sources[0].addr;
        assert_true(sources[0].ticket_len > 0);
        assert_int_equal(sources[0].key[0], 7);
    }
}

void data_get(struct data *d, const struct data_get *what)
{
    (void)d;
    struct fake_job *job = job_of(what->tag);
    (void)snprintf(job->name, sizeof job->name, "%s", what->name);
    job->content = what->content;
    job->sink = what->sink;
    job->wait = what->wait;
    job->renew = what->renew;
    set_sources(job, what->sources, what->source_count);
}

void data_get_sources(struct data *d, uint64_t tag, const struct data_source *sources, size_t n)
{
    (void)d;
    set_sources(job_of(tag), sources, n);
}

void data_get_end(struct data *d, uint64_t tag, ps_error error, const char *text)
{
    (void)d;
    (void)text;
    job_of(tag)->ended = error;
}

void data_cancel(struct data *d, uint64_t tag)
{
    (void)d;
    job_of(tag)->cancelled = true;
}

void data_hash(struct data *d, uint64_t tag, const char *path)
{
    (void)d;
    (void)snprintf(job_of(tag)->name, PS_NAME_MAX + 1, "%s", path);
}

void fake_event(struct data_event e)
{
    struct fake_job *job = fake_jobs;
    assert_non_null(job);
    e.tag = job->tag;
    e.name = job->name;
    e.path = e.path != NULL ? e.path : job->name;
    e.user = "";
    e.text = e.text != NULL ? e.text : "";
    const bool last = e.type == DATA_FILE_READY || e.type == DATA_GET_DONE ||
                      e.type == DATA_GET_FAILED || e.type == DATA_HASHED ||
                      e.type == DATA_HASH_FAILED;
    if (last) {
        fake_jobs = job->next;
        fake_job_count--;
    }
    job->event(job->ctx, &e);
    if (last) {
        free(job);
    }
}

struct data_file *data_files(struct data *d, size_t *n)
{
    (void)d;
    *n = 0;
    return NULL;
}

void data_files_free(struct data_file *files, size_t n)
{
    (void)files;
    (void)n;
}

void data_publish(struct data *d, uint64_t tag, const char *path, const char *name)
{
    (void)d;
    (void)tag;
    (void)path;
    (void)name;
}

bool data_unpublish(struct data *d, const char *name)
{
    (void)d;
    (void)name;
    fake_unpublished++;
    return true;
}

void data_stats_get(struct data *d, struct data_stats *stats)
{
    (void)d;
    *stats = (struct data_stats){.uploads = 0};
}

size_t data_transfers(struct data *d, struct data_transfer out[], size_t cap)
{
    (void)d;
    (void)out;
    (void)cap;
    return 0;
}
