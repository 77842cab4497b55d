/* What the server promises is made durable: the store between the machine's records and the pump's
 * promises. */
#include "peersyncd/daemon.h"

#include "common/exit_codes.h"
#include "common/text.h"
#include "peersync/crypto_openssl.h"
#include "peersyncd/store_load.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

static void give(void *ctx, const ps_input_restore *record)
{
    ps_daemon *d = ctx;
    ps_input in = {.type = PS_INPUT_RESTORE, .u.restore = *record};
    (void)ps_pump_submit(&d->pump, &in); /* It puts nothing out: there is always room. */
}

/* Says why the server does not start. */
static int refuse(const ps_state_dir *state, ps_store_result result, const ps_store_summary *s)
{
    char path[1024];
    ps_store_words words;
    ps_text_safe_string(path, sizeof path, state->path);
    fprintf(stderr, "peersyncd: %s/%s%s\n", path, PS_STORE_NAME,
            ps_store_refusal(result, s, words));
    return result == PS_STORE_NO_MEMORY ? PS_EXIT_SYSTEM
                                        : (int)ps_exit_of_errno(s->error, PS_EXIT_STATE);
}

/* A log of which a part is left out would be taken for a shorter one when it goes on. */
static bool all_restored(const ps_daemon *d)
{
    ps_server_stats stats;
    ps_server_stats_get(d->server, &stats);
    if (stats.restores_refused == 0) {
        return true;
    }
    fprintf(stderr,
            "peersyncd: %llu stored publications find no room: raise --max-publications, "
            "--max-users or --name-bytes (--check-config shows what there is)\n",
            (unsigned long long)stats.restores_refused);
    return false;
}

static void report_load(const ps_store_summary *s)
{
    if (s->cut > 0) {
        ps_log(PS_LOG_WARNING, "the end of the store was torn and has been cut off",
               (ps_log_field[]){PS_F_NUMBER("bytes", s->cut),
                                PS_F_NUMBER("records_kept", s->records), PS_F_END});
    }
    if (s->renew_error != 0) {
        ps_log(PS_LOG_WARNING, "the store could not be written anew; the old one goes on",
               (ps_log_field[]){PS_F_STRING("cause", strerror(s->renew_error)),
                                PS_F_STRING("advice", ps_store_advice(s->renew_error)), PS_F_END});
    }
    ps_log(PS_LOG_DEBUG, "the store was read",
           (ps_log_field[]){PS_F_NUMBER("bytes", s->good), PS_F_NUMBER("records", s->records),
                            PS_F_NUMBER("counting", s->counting), PS_F_END});
}

int ps_daemon_records_open(ps_daemon *d, const ps_state_dir *state)
{
    uint8_t salt[PS_STORE_SALT];
    ps_store_summary s = {.what = "open"};
    if (ps_posix_entropy(salt, sizeof salt) != PS_OK) {
        fputs("peersyncd: the system gives no random bytes\n", stderr);
        return PS_EXIT_SYSTEM;
    }
    s.error = ps_store_posix_open(&d->log, state->dir_fd, false);
    d->records = s.error == 0;
    if (s.error != 0) {
        return refuse(state, PS_STORE_FAILED, &s);
    }
    const ps_store_files files = ps_store_posix_files(&d->log);
    ps_store_result result = ps_store_load(&files, ps_crypto_openssl(), salt, give, d, &s);
    if (result == PS_STORE_OK &&
        !ps_store_init(&d->store, &files, ps_crypto_openssl(), s.good, PS_STORE_PENDING_MAX)) {
        result = PS_STORE_NO_MEMORY;
    }
    if (result != PS_STORE_OK) {
        return refuse(state, result, &s);
    }
    if (!all_restored(d)) {
        return PS_EXIT_STATE;
    }
    report_load(&s);
    (void)ps_pump_hold(&d->pump, d->held_bytes, sizeof d->held_bytes, d->held, PS_DAEMON_HELD);
    ps_pump_commit(&d->pump, 0);
    return PS_EXIT_DONE;
}

void ps_daemon_record(ps_daemon *d, const ps_event_record *record)
{
    const bool full = d->store.full;
    if (!ps_store_append(&d->store, record)) {
        /* Nobody has been told of this change yet; its peer will send it again. */
        ps_log(PS_LOG_ERROR, "there is not enough memory for the store: ending",
               (ps_log_field[]){PS_F_END});
        d->out_of_memory = true;
        uv_stop(&d->loop);
    }
    if (d->store.full && !full) {
        ps_log(
            PS_LOG_WARNING, "the disk is slow: changes are refused with BUSY for now",
            (ps_log_field[]){PS_F_NUMBER("bytes_waiting", ps_store_pending(&d->store)), PS_F_END});
    }
}

bool ps_daemon_tell_store(ps_daemon *d)
{
    const uint32_t retry_ms = d->records ? ps_store_retry_ms(&d->store) : 0;
    if (retry_ms == d->store_told_ms) {
        return true;
    }
    ps_input in = {.type = PS_INPUT_STORE, .u.store_retry_ms = retry_ms};
    const ps_status status = ps_pump_submit(&d->pump, &in);
    if (status == PS_AGAIN) {
        return false;
    }
    if (status == PS_FAILED) {
        ps_daemon_report_failure(d);
    }
    d->store_told_ms = retry_ms;
    ps_daemon_read_events(d);
    return true;
}

static void report(const ps_daemon *d, ps_store_news news)
{
    if (news == PS_STORE_BROKEN) {
        ps_log(PS_LOG_ERROR,
               "the store cannot be written: changes are refused with BUSY, and it is tried again "
               "every second",
               (ps_log_field[]){PS_F_STRING("call", d->store.what),
                                PS_F_STRING("cause", strerror(d->store.error)),
                                PS_F_STRING("advice", ps_store_advice(d->store.error)), PS_F_END});
    } else if (news == PS_STORE_RECOVERED) {
        ps_log(PS_LOG_INFO, "the store is written again: changes are taken",
               (ps_log_field[]){PS_F_END});
    }
}

static void settle(ps_daemon *d)
{
    const bool full = d->store.full;
    report(d, ps_store_end(&d->store));
    ps_pump_commit(&d->pump, d->store.committed);
    if (full && !d->store.full) {
        ps_log(PS_LOG_INFO, "the disk has caught up: changes are taken",
               (ps_log_field[]){PS_F_END});
    }
}

/* The thread that waits for the disk. */
static void *write_turns(void *arg)
{
    ps_daemon *d = arg;
    pthread_mutex_lock(&d->store_lock);
    for (;;) {
        while (!d->store_due && !d->store_quit) {
            pthread_cond_wait(&d->store_turn, &d->store_lock);
        }
        if (!d->store_due) {
            break;
        }
        d->store_due = false;
        pthread_mutex_unlock(&d->store_lock);
        ps_store_work(&d->store);
        pthread_mutex_lock(&d->store_lock);
        d->store_written = true;
        uv_async_send(&d->written);
    }
    pthread_mutex_unlock(&d->store_lock);
    return NULL;
}

/* @return whether a turn has ended, which is settled then. */
static bool settle_turn(ps_daemon *d)
{
    pthread_mutex_lock(&d->store_lock);
    const bool written = d->store_written;
    d->store_written = false;
    pthread_mutex_unlock(&d->store_lock);
    if (written) {
        settle(d);
    }
    return written;
}

static void on_written(uv_async_t *async)
{
    ps_daemon *d = async->data;
    if (settle_turn(d)) {
        (void)ps_daemon_tell_store(d); /* Before the next change comes; else the work tells it. */
        ps_daemon_work(d);
    }
}

static int refuse_start(const char *what, const char *why)
{
    fprintf(stderr, "peersyncd: the store cannot be written: %s: %s\n", what, why);
    return PS_EXIT_SYSTEM;
}

int ps_daemon_records_start(ps_daemon *d)
{
    sigset_t all;
    sigset_t before;
    if (!d->records) {
        return PS_EXIT_DONE;
    }
    int rc = uv_async_init(&d->loop, &d->written, on_written);
    if (rc != 0) {
        return refuse_start("the loop cannot be woken", uv_strerror(rc));
    }
    d->written.data = d;
    pthread_mutex_init(&d->store_lock, NULL);
    pthread_cond_init(&d->store_turn, NULL);
    /* Signals are the loop's. */
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    rc = pthread_create(&d->store_thread, NULL, write_turns, d);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (rc != 0) {
        pthread_cond_destroy(&d->store_turn);
        pthread_mutex_destroy(&d->store_lock);
        return refuse_start("there is no thread", strerror(rc));
    }
    d->store_started = true;
    return PS_EXIT_DONE;
}

void ps_daemon_records_stop(ps_daemon *d)
{
    if (!d->store_started) {
        return;
    }
    pthread_mutex_lock(&d->store_lock);
    d->store_quit = true;
    pthread_cond_signal(&d->store_turn);
    pthread_mutex_unlock(&d->store_lock);
    pthread_join(d->store_thread, NULL);
    (void)settle_turn(d);
    pthread_cond_destroy(&d->store_turn);
    pthread_mutex_destroy(&d->store_lock);
    d->store_started = false;
}

static void begin(ps_daemon *d)
{
    if (d->store_started && ps_store_begin(&d->store)) {
        pthread_mutex_lock(&d->store_lock);
        d->store_due = true;
        pthread_cond_signal(&d->store_turn);
        pthread_mutex_unlock(&d->store_lock);
    }
}

void ps_daemon_records_write(ps_daemon *d)
{
    if (!d->store.failed) {
        begin(d);
    }
}

void ps_daemon_records_retry(ps_daemon *d)
{
    begin(d);
    if (d->pump.promises_dropped != d->promises_dropped) {
        d->promises_dropped = d->pump.promises_dropped;
        ps_log(PS_LOG_DEBUG, "acknowledgements dropped so far; their peers ask again",
               (ps_log_field[]){PS_F_NUMBER("dropped", d->promises_dropped), PS_F_END});
    }
}

int ps_daemon_records_end(ps_daemon *d)
{
    if (d->out_of_memory) {
        return PS_EXIT_SYSTEM;
    }
    if (!d->records) {
        return PS_EXIT_DONE;
    }
    while (ps_store_begin(&d->store)) {
        ps_store_work(&d->store);
        settle(d);
        if (d->store.failed) {
            ps_log(PS_LOG_ERROR, "changes that nobody was told of yet are lost",
                   (ps_log_field[]){PS_F_NUMBER("bytes", ps_store_pending(&d->store)),
                                    PS_F_STRING("cause", strerror(d->store.error)), PS_F_END});
            return PS_EXIT_STATE;
        }
    }
    return PS_EXIT_DONE;
}

void ps_daemon_records_close(ps_daemon *d)
{
    ps_store_free(&d->store);
    if (d->records) {
        ps_store_posix_close(&d->log);
    }
}
