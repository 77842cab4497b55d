#include "peersyncd/loop.h"

#include "common/exit_codes.h"
#include "common/loop_memory.h"
#include "common/slab.h"
#include "peersync/crypto_sodium.h"
#include "peersyncd/daemon.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Batches in a row before timers and signals get their turn. */
#define ROUNDS_MAX 16
/* How long to leave a socket alone that takes nothing, or fails, in milliseconds. */
#define FULL_MS   10u
#define FAILED_MS 100u
/* Lines about the same trouble are at least this far apart. */
#define FAILURE_EVERY_US UINT64_C(5000000)
#define REFUSAL_EVERY_US UINT64_C(100000)

static void on_readable(uv_poll_t *poll, int status, int events);

/* Waits on every socket for `interest`; 0: for nothing. */
static void watch(ps_daemon *d, int interest)
{
    if (interest == d->interest) {
        return;
    }
    d->interest = interest;
    for (size_t i = 0; i < d->polls_len; i++) {
        if (interest == 0) {
            uv_poll_stop(&d->polls[i]);
        } else {
            uv_poll_start(&d->polls[i], interest, on_readable);
        }
    }
}

static void on_due(uv_timer_t *timer);

/* Asks to be called again when there is something to do. */
static void arm(ps_daemon *d, ps_status status)
{
    const uint64_t deadline_us = ps_pump_deadline_us(&d->pump);
    const uint64_t now_us = d->transport.now_us(d->transport.ctx);
    uint64_t wait_ms = 0;
    if (status != PS_MORE && deadline_us > now_us) {
        /* Up, so that the tick is due when it comes. */
        wait_ms = (deadline_us - now_us) / 1000u + 1u;
    }
    if (status == PS_FAILED) {
        wait_ms = FAILED_MS;
        watch(d, 0);
    } else if (status == PS_AGAIN) {
        wait_ms = wait_ms > FULL_MS ? wait_ms : FULL_MS;
        watch(d, UV_WRITABLE);
    } else {
        watch(d, UV_READABLE);
    }
    uv_update_time(&d->loop);
    if (deadline_us == PS_TIME_NEVER && status == PS_OK) {
        uv_timer_stop(&d->due);
    } else {
        uv_timer_start(&d->due, on_due, wait_ms, 0);
    }
}

void ps_daemon_work(ps_daemon *d)
{
    ps_status status = PS_MORE;
    for (int round = 0; round < ROUNDS_MAX && status == PS_MORE; round++) {
        status = ps_pump_run_once(&d->pump);
        ps_daemon_read_events(d);
        const bool told = ps_daemon_tell_store(d);
        ps_daemon_logins_settle(d);
        if ((!ps_daemon_give_verdicts(d) || !ps_daemon_expel(d) || !told) && status == PS_OK) {
            status = PS_MORE;
        }
    }
    ps_daemon_records_write(d);
    if (status == PS_FAILED) {
        ps_daemon_report_failure(d);
    }
    arm(d, status);
}

static void on_readable(uv_poll_t *poll, int status, int events)
{
    ps_daemon *d = poll->data;
    (void)events;
    if (status < 0) {
        /* An error of the socket shows, and is cleared, when it is read; but libuv has stopped
         * polling it. */
        d->interest = -1;
    }
    ps_daemon_work(d);
}

static void on_due(uv_timer_t *timer)
{
    ps_daemon_work(timer->data);
}

static void tell_time(ps_daemon *d)
{
    ps_input in = {.type = PS_INPUT_WALL_CLOCK, .u.wall_s = d->transport.wall_s(d->transport.ctx)};
    /* No room: the next second tells it. */
    if (ps_pump_submit(&d->pump, &in) == PS_FAILED) {
        ps_daemon_report_failure(d);
    }
    ps_daemon_read_events(d);
}

static void on_second(uv_timer_t *timer)
{
    ps_daemon *d = timer->data;
    tell_time(d);
    ps_daemon_records_retry(d);
    ps_daemon_report_drops(d);
    ps_daemon_report_journal(ps_journal_file_flush(d->journal));
}

static void on_verified(uv_async_t *async)
{
    ps_daemon_work(async->data);
}

static void on_signal(uv_signal_t *handle, int number)
{
    ps_daemon *d = handle->data;
    if (number == SIGHUP) {
        ps_daemon_reload(d);
        ps_daemon_work(d);
    } else {
        ps_daemon_report_end(d, number == SIGINT ? "SIGINT" : "SIGTERM");
        d->ending = true;
        uv_stop(&d->loop);
    }
}

static int fail(int code, const char *what, const char *why)
{
    fprintf(stderr, "peersyncd: %s: %s\n", what, why);
    return code;
}

static int bind_sockets(ps_daemon *d)
{
    ps_posix_error why;
    if (ps_posix_udp_open(d->config->listen, d->config->listen_len, NULL, &d->udp, &why) == PS_OK) {
        d->transport = ps_posix_udp_transport(d->udp);
        return PS_EXIT_DONE;
    }
    const char *advice = "";
    if (why.number == EADDRINUSE) {
        advice = ": end the program that uses it, or choose another port (0 takes a free one)";
    } else if (why.number == EADDRNOTAVAIL) {
        advice = ": this machine has no such address; 0.0.0.0 and [::] mean all it has";
    } else if (why.number == EACCES) {
        advice = ": a port below 1024 is for privileged programs; choose a higher one";
    }
    fprintf(stderr, "peersyncd: cannot listen: %s%s\n", why.text, advice);
    return (int)ps_exit_of_errno(why.number, PS_EXIT_LISTEN);
}

/* The machine as the pump drives it: itself, or its recorder. */
static int make_face(ps_daemon *d, const ps_server_config *config, ps_machine *out)
{
    char why[256];
    *out = ps_machine_of_server(d->server);
    if (d->config->journal == NULL) {
        return PS_EXIT_DONE;
    }
    ps_journal_head head = {.kind = PS_JOURNAL_SERVER, .server = *config};
    d->journal = ps_journal_file_open(d->config->journal, &head, why, sizeof why);
    explicit_bzero(&head, sizeof head);
    if (d->journal == NULL) {
        return fail(PS_EXIT_LOCAL_FILE, "the journal cannot be written", why);
    }
    *out = ps_journal_file_machine(d->journal, *out);
    return PS_EXIT_DONE;
}

static int make_server(ps_daemon *d)
{
    ps_server_config config = d->config->server;
    if (ps_posix_entropy(config.seed, sizeof config.seed) != PS_OK) {
        return fail(PS_EXIT_SYSTEM, "the system gives no random bytes", strerror(errno));
    }
    config.crypto = ps_crypto_sodium();
    memcpy(config.static_secret, d->identity.static_secret, sizeof config.static_secret);
    memcpy(config.realm_secret, d->identity.realm_secret, sizeof config.realm_secret);
    d->slab_len = ps_server_size(&config);
    d->slab = ps_slab_map(d->slab_len);
    if (d->slab == NULL) {
        explicit_bzero(&config, sizeof config);
        return fail(PS_EXIT_SYSTEM, "there is not enough memory (see --check-config)",
                    strerror(errno));
    }
    ps_machine machine;
    const ps_status status = ps_server_init(d->slab, d->slab_len, &config, &d->server);
    const int code = make_face(d, &config, &machine);
    explicit_bzero(&config, sizeof config);
    if (code != PS_EXIT_DONE) {
        return code;
    }
    const ps_output out = {.bytes = d->bytes,
                           .bytes_cap = sizeof d->bytes,
                           .datagrams = d->datagrams,
                           .datagrams_cap = PS_DAEMON_DATAGRAMS,
                           .events = d->events,
                           .events_cap = PS_DAEMON_EVENTS};
    if (status != PS_OK || ps_pump_init(&d->pump, &d->transport, machine, out) != PS_OK) {
        return fail(PS_EXIT_SYSTEM, "the server cannot be made", "its configuration is refused");
    }
    return PS_EXIT_DONE;
}

static void mask_reload(int how)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGHUP);
    pthread_sigmask(how, &set, NULL);
}

void ps_daemon_hold_reload(void)
{
    mask_reload(SIG_BLOCK);
}

static int start_handles(ps_daemon *d)
{
    static const int numbers[] = {SIGTERM, SIGINT, SIGHUP};
    int rc = 0;
    for (size_t i = 0; i < d->config->listen_len && rc == 0; i++) {
        rc = uv_poll_init(&d->loop, &d->polls[i], ps_posix_udp_fd(d->udp, i));
        if (rc == 0) {
            d->polls[i].data = d;
            d->polls_len++;
        }
    }
    if (rc == 0) {
        rc = uv_async_init(&d->loop, &d->verified, on_verified);
        d->verified.data = d;
    }
    uv_timer_init(&d->loop, &d->due);
    uv_timer_init(&d->loop, &d->second);
    d->due.data = d->second.data = d;
    for (size_t i = 0; i < 3 && rc == 0; i++) {
        uv_signal_init(&d->loop, &d->signals[i]);
        d->signals[i].data = d;
        rc = uv_signal_start(&d->signals[i], on_signal, numbers[i]);
    }
    if (rc == 0) {
        mask_reload(SIG_UNBLOCK);
    }
    return rc != 0 ? rc : uv_timer_start(&d->second, on_second, 1000, 1000);
}

static void close_handle(uv_handle_t *handle, void *arg)
{
    (void)arg;
    if (!uv_is_closing(handle)) {
        uv_close(handle, NULL);
    }
}

static int serve(ps_daemon *d)
{
    int code = PS_EXIT_DONE;
    ps_loop_memory_setup("peersyncd");
    int rc = uv_loop_init(&d->loop);
    if (rc != 0) {
        return fail(PS_EXIT_SYSTEM, "the loop cannot be made", uv_strerror(rc));
    }
    rc = start_handles(d);
    if (rc != 0) {
        code = fail(PS_EXIT_SYSTEM, "the loop cannot be started", uv_strerror(rc));
    } else if (!ps_daemon_logins_open(d)) {
        code = fail(PS_EXIT_SYSTEM, "logins cannot be verified",
                    "there is not enough memory, or no thread");
    } else {
        code = ps_daemon_records_start(d);
    }
    if (code == PS_EXIT_DONE) {
        tell_time(d);
        ps_daemon_report_ready(d);
        ps_daemon_work(d);
        uv_run(&d->loop, UV_RUN_DEFAULT);
        d->ending = true;
    }
    ps_daemon_logins_end(d);
    ps_daemon_records_stop(d);
    uv_walk(&d->loop, close_handle, NULL);
    uv_run(&d->loop, UV_RUN_DEFAULT);
    uv_loop_close(&d->loop);
    if (code == PS_EXIT_DONE) {
        code = ps_daemon_records_end(d);
        tell_time(d); /* Sends what this has committed. */
    }
    return code;
}

int ps_daemon_run(const ps_daemon_config *config, const ps_state_dir *state, ps_identity *identity,
                  ps_credentials *credentials)
{
    ps_daemon *d = calloc(1, sizeof *d);
    if (d == NULL) {
        ps_identity_wipe(identity);
        ps_credentials_free(credentials);
        return fail(PS_EXIT_SYSTEM, "there is not enough memory", strerror(errno));
    }
    d->config = config;
    d->identity = *identity;
    ps_identity_wipe(identity);
    d->credentials = *credentials;
    d->failures.every_us = FAILURE_EVERY_US;
    d->refusals.every_us = REFUSAL_EVERY_US;
    /* Whoever reads the log may go away. */
    signal(SIGPIPE, SIG_IGN);
    int code = bind_sockets(d);
    if (code == PS_EXIT_DONE) {
        code = make_server(d);
    }
    if (code == PS_EXIT_DONE && state != NULL) {
        code = ps_daemon_records_open(d, state);
    }
    if (code == PS_EXIT_DONE) {
        code = serve(d);
    }
    ps_daemon_records_close(d);
    ps_daemon_report_journal(ps_journal_file_close(d->journal));
    ps_posix_udp_close(d->udp);
    ps_slab_unmap(d->slab, d->slab_len);
    ps_daemon_logins_close(d);
    free(d);
    return code;
}
