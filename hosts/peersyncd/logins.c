/* Logins: passwords go to the verifier and tickets are judged at once, failures slow down, and who
 * has no account any more is logged out. */
#include "peersyncd/daemon.h"

#include "common/exit_codes.h"
#include "peersyncd/accounts.h"

#include <stdlib.h>
#include <string.h>

/* A queue that is longer than that would answer when its peers have given up. */
#define QUEUE_MS 5000u
/* Users logged out in a round. */
#define EXPELLED_A_ROUND 256u

static uint64_t now_ms(const ps_daemon *d)
{
    return d->transport.now_us(d->transport.ctx) / 1000u;
}

static void log_refusal(ps_daemon *d, ps_span user, const ps_addr *from, uint32_t error)
{
    uint64_t held = 0;
    if (ps_rate_allow(&d->refusals, d->transport.now_us(d->transport.ctx), &held)) {
        ps_log(PS_LOG_INFO, "login refused",
               (ps_log_field[]){PS_F_SPAN("user", user), PS_F_ADDR("address", from),
                                PS_F_STRING("cause", ps_error_text(error)),
                                PS_F_NUMBER("more", held), PS_F_END});
    }
}

static void answer(ps_daemon *d, const ps_input_verdict *verdict)
{
    /* One that finds no room is forgotten by the machine too, and its peer asks again. */
    if (d->verdicts_len < d->verdicts_cap) {
        d->verdicts[d->verdicts_len++] = *verdict;
    }
}

static void refuse(ps_daemon *d, const ps_event_login *login, uint32_t error, uint32_t retry_ms)
{
    if (error != PS_E_BUSY) {
        log_refusal(d, login->user, &login->from, error);
    }
    answer(d, &(ps_input_verdict){.pending = login->pending, .error = error, .retry_ms = retry_ms});
}

/* What it names must still be what is stored. */
static void judge_ticket(ps_daemon *d, const ps_event_login *login)
{
    const ps_account *a = ps_credentials_find(&d->credentials, login->user);
    if (a == NULL || sodium_memcmp(a->credential, login->credential, sizeof a->credential) != 0) {
        refuse(d, login, PS_E_TICKET, 0);
        return;
    }
    ps_input_verdict v = {.pending = login->pending, .error = PS_E_NONE};
    memcpy(v.credential, a->credential, sizeof v.credential);
    answer(d, &v);
}

static void verify(ps_daemon *d, const ps_event_login *login)
{
    ps_throttle_who who = {
        .user = login->user, .from = &login->from, .device = login->device, .known = login->known};
    const uint32_t wait_ms = ps_throttle_admit(d->throttle, &who, now_ms(d));
    if (wait_ms > 0) {
        refuse(d, login, PS_E_THROTTLED, wait_ms);
        return;
    }
    const uint32_t queue_ms = ps_verifier_retry_ms(d->verifier);
    ps_login_job job = {.pending = login->pending,
                        .from = login->from,
                        .known = login->known,
                        .marks = who.marks,
                        .user.len = (uint8_t)login->user.len,
                        .password_len = (uint8_t)login->password.len};
    memcpy(job.user.bytes, login->user.data, login->user.len);
    memcpy(job.device, login->device, sizeof job.device);
    memcpy(job.password, login->password.data, login->password.len);
    ps_credentials_trial(&d->credentials, login->user, login->password, &job.trial);
    if (queue_ms > QUEUE_MS || !ps_verifier_begin(d->verifier, &job)) {
        ps_throttle_dropped(d->throttle, &who);
        refuse(d, login, PS_E_BUSY, queue_ms);
    }
    explicit_bzero(&job, sizeof job);
}

void ps_daemon_login(ps_daemon *d, const ps_event_login *login)
{
    if (login->by_ticket) {
        judge_ticket(d, login);
    } else if (login->user.len == 0 || login->user.len > PS_USER_MAX || login->password.len == 0 ||
               login->password.len > PS_PASSWORD_MAX) {
        refuse(d, login, PS_E_CREDENTIALS, 0); /* No account can have these. */
    } else {
        verify(d, login);
    }
}

/* Is what was verified still what is stored? A reload may have come in between. */
static bool still_true(const ps_daemon *d, const ps_login_job *job, ps_span user)
{
    const ps_account *a = ps_credentials_find(&d->credentials, user);
    static const uint8_t unknown[PS_CREDENTIAL_BYTES];
    return sodium_memcmp(a != NULL ? a->credential : unknown, job->trial.credential,
                         PS_CREDENTIAL_BYTES) == 0;
}

static void settle(ps_daemon *d, const ps_login_job *job)
{
    const ps_span user = {job->user.bytes, job->user.len};
    const ps_throttle_who who = {.user = user,
                                 .from = &job->from,
                                 .device = job->device,
                                 .known = job->known,
                                 .marks = job->marks};
    ps_input_verdict v = {.pending = job->pending, .error = PS_E_NONE};
    if (job->verdict == PS_CHECK_FAILED || job->verdict == PS_CHECK_LATE ||
        !still_true(d, job, user)) {
        /* Whatever came out says nothing: the peer asks again. */
        ps_throttle_dropped(d->throttle, &who);
        v.error = PS_E_BUSY;
        v.retry_ms = ps_verifier_retry_ms(d->verifier);
    } else if (job->verdict == PS_CHECK_RIGHT) {
        ps_throttle_succeeded(d->throttle, &who);
        memcpy(v.credential, job->trial.credential, sizeof v.credential);
    } else {
        /* The throttle has counted it since it was admitted. */
        log_refusal(d, user, &job->from, PS_E_CREDENTIALS);
        v.error = PS_E_CREDENTIALS;
    }
    if (job->verdict == PS_CHECK_FAILED) {
        uint64_t held = 0;
        if (ps_rate_allow(&d->failures, d->transport.now_us(d->transport.ctx), &held)) {
            ps_log(PS_LOG_ERROR, "there is not enough memory to verify a password",
                   (ps_log_field[]){PS_F_SPAN("user", user), PS_F_NUMBER("more", held), PS_F_END});
        }
    }
    answer(d, &v);
}

void ps_daemon_logins_settle(ps_daemon *d)
{
    ps_login_job job;
    while (d->verdicts_len < d->verdicts_cap && ps_verifier_end(d->verifier, &job)) {
        settle(d, &job);
    }
    explicit_bzero(&job, sizeof job);
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

bool ps_daemon_expel(ps_daemon *d)
{
    for (size_t n = 0; n < EXPELLED_A_ROUND && d->expelled_len > 0; n++) {
        const ps_label *user = &d->expelled[d->expelled_len - 1];
        const ps_span name = {user->bytes, user->len};
        /* Who has come back to the file meanwhile stays. */
        if (ps_credentials_find(&d->credentials, name) == NULL) {
            ps_input in = {.type = PS_INPUT_EXPEL, .u.expel = name};
            const ps_status status = ps_pump_submit(&d->pump, &in);
            if (status == PS_AGAIN) {
                return false;
            }
            if (status == PS_FAILED) {
                ps_daemon_report_failure(d);
            }
            ps_daemon_read_events(d);
        }
        d->expelled_len--;
    }
    return d->expelled_len == 0;
}

/* Notes the users of the old table that the fresh one does not have. @return false: no memory. */
static bool note_removed(ps_daemon *d, const ps_credentials *fresh)
{
    const size_t kept = d->expelled_len;
    for (uint32_t i = 0; i < d->credentials.count; i++) {
        const ps_span user = ps_account_user(&d->credentials, &d->credentials.accounts[i]);
        if (ps_credentials_find(fresh, user) != NULL) {
            continue;
        }
        if (d->expelled_len == d->expelled_cap) {
            const size_t cap = d->expelled_cap > 0 ? 2 * d->expelled_cap : 64;
            ps_label *more = realloc(d->expelled, cap * sizeof *more);
            if (more == NULL) {
                d->expelled_len = kept;
                return false;
            }
            d->expelled = more;
            d->expelled_cap = cap;
        }
        ps_label *label = &d->expelled[d->expelled_len++];
        label->len = (uint8_t)user.len;
        memcpy(label->bytes, user.data, user.len);
    }
    return true;
}

static void keep_old(const char *cause)
{
    ps_log(PS_LOG_ERROR, "the credentials were not read again",
           (ps_log_field[]){PS_F_STRING("cause", cause), PS_F_END});
}

void ps_daemon_reload(ps_daemon *d)
{
    static char message[PS_ACCOUNTS_MESSAGE];
    ps_credentials fresh;
    if (ps_accounts_load(d->config, d->identity.realm_secret, PS_ACCOUNTS_RELOAD, &fresh, message,
                         sizeof message) != PS_EXIT_DONE) {
        keep_old(message);
        return;
    }
    const size_t before = d->expelled_len;
    if (!note_removed(d, &fresh)) {
        keep_old("there is not enough memory");
        ps_credentials_free(&fresh);
        return;
    }
    ps_credentials_free(&d->credentials);
    d->credentials = fresh;
    ps_log(PS_LOG_INFO, "the credentials were read again",
           (ps_log_field[]){PS_F_NUMBER("users", d->credentials.count),
                            PS_F_NUMBER("removed", d->expelled_len - before), PS_F_END});
    ps_accounts_warn(d->config, &d->credentials);
}

static void on_ready(void *ctx)
{
    ps_daemon *d = ctx;
    uv_async_send(&d->verified);
}

static uint64_t clock_us(void)
{
    return uv_hrtime() / 1000u;
}

bool ps_daemon_logins_open(ps_daemon *d)
{
    uint8_t key[PS_THROTTLE_KEY];
    const ps_verifier_config config = {.threads = d->config->login_threads,
                                       .slots = d->config->login_slots,
                                       .ready = on_ready,
                                       .ctx = d,
                                       .check = ps_password_check,
                                       .now_us = clock_us};
    /* Room for each login that the machine may have under way, and for those it gave up. */
    d->verdicts_cap =
        (size_t)d->config->server.max_pending_logins * 5 / 4 + 1 + d->config->login_slots;
    d->verdicts = calloc(d->verdicts_cap, sizeof *d->verdicts);
    d->throttle = malloc(sizeof *d->throttle);
    d->verifier = ps_verifier_open(&config);
    if (d->verdicts == NULL || d->throttle == NULL || d->verifier == NULL ||
        ps_posix_entropy(key, sizeof key) != PS_OK) {
        return false;
    }
    ps_throttle_init(d->throttle, key);
    explicit_bzero(key, sizeof key);
    return true;
}

void ps_daemon_logins_end(ps_daemon *d)
{
    ps_verifier_close(d->verifier);
    d->verifier = NULL;
}

void ps_daemon_logins_close(ps_daemon *d)
{
    ps_daemon_logins_end(d);
    if (d->throttle != NULL) {
        explicit_bzero(d->throttle, sizeof *d->throttle);
    }
    free(d->throttle);
    free(d->verdicts);
    free(d->expelled);
    ps_identity_wipe(&d->identity);
    ps_credentials_free(&d->credentials);
}
