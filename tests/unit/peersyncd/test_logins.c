/* The daemon's judgement of logins, with a clock, a machine and an argon2id of the test's own. */
#include "unit.h"

#include "peersyncd/daemon.h"
#include "scratch.h"

#include <pthread.h>

/* ---- argon2id: the test says when one may end, and what it finds ---- */

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static unsigned permits;
static unsigned begun;
static unsigned ended;
static bool no_memory;

static ps_check check(const char stored[PS_PASSWORD_STORED], ps_span password)
{
    pthread_mutex_lock(&lock);
    begun++;
    pthread_cond_broadcast(&changed);
    while (permits == 0) {
        pthread_cond_wait(&changed, &lock);
    }
    permits--;
    const bool fails = no_memory;
    pthread_mutex_unlock(&lock);
    return fails ? PS_CHECK_FAILED : ps_password_check(stored, password);
}

static void ready(void *ctx)
{
    (void)ctx;
    pthread_mutex_lock(&lock);
    ended++;
    pthread_cond_broadcast(&changed);
    pthread_mutex_unlock(&lock);
}

static uint64_t standing_clock(void)
{
    return 0;
}

static void await(const unsigned *value, unsigned wanted)
{
    pthread_mutex_lock(&lock);
    while (*value < wanted) {
        pthread_cond_wait(&changed, &lock);
    }
    pthread_mutex_unlock(&lock);
}

static void permit(unsigned n)
{
    pthread_mutex_lock(&lock);
    permits += n;
    pthread_cond_broadcast(&changed);
    pthread_mutex_unlock(&lock);
}

/* ---- a machine that notes who is expelled ---- */

static ps_label expelled[8];
static size_t expelled_len;
static size_t room; /* Inputs that it takes. */

static ps_status step(void *self, ps_input in[], size_t n, size_t *consumed, ps_output *out)
{
    (void)self;
    (void)out;
    assert_int_equal(n, 1);
    *consumed = 0;
    if (room == 0) {
        return PS_AGAIN;
    }
    room--;
    *consumed = 1;
    if (in->type == PS_INPUT_EXPEL) {
        ps_label *label = &expelled[expelled_len++];
        label->len = (uint8_t)in->u.expel.len;
        memcpy(label->bytes, in->u.expel.data, in->u.expel.len);
    }
    return PS_OK;
}

static uint64_t never(const void *self)
{
    (void)self;
    return PS_TIME_NEVER;
}

/* ---- the daemon ---- */

static ps_daemon *d;
static ps_daemon_config config;
static scratch *folder;
static uint64_t clock_us;

static uint64_t now_us(void *ctx)
{
    (void)ctx;
    return clock_us;
}

static ps_status receive(void *ctx, ps_input in[], size_t cap, size_t *n)
{
    (void)ctx;
    (void)in;
    (void)cap;
    *n = 0;
    return PS_OK;
}

static ps_span span(const char *text)
{
    return (ps_span){(const uint8_t *)text, strlen(text)};
}

static const char *quick(const char *password)
{
    static char made[crypto_pwhash_STRBYTES];
    assert_int_equal(crypto_pwhash_str(made, password, strlen(password), crypto_pwhash_OPSLIMIT_MIN,
                                       crypto_pwhash_MEMLIMIT_MIN),
                     0);
    return made;
}

static void write_accounts(const char *text)
{
    (void)unlinkat(folder->dir, "users", 0);
    scratch_write(folder, "users", text);
}

static int setup(void **state)
{
    static const uint8_t key[PS_THROTTLE_KEY] = {3};
    scratch_setup(state);
    folder = *state;
    d = calloc(1, sizeof *d);
    assert_non_null(d);
    permits = begun = ended = 0;
    no_memory = false;
    expelled_len = 0;
    room = SIZE_MAX;
    clock_us = 1000000;
    snprintf(config.credentials, sizeof config.credentials, "%s/users", folder->path);
    config.program = "peersyncd";
    config.credentials_option = "";
    d->config = &config;
    memset(d->identity.realm_secret, 5, sizeof d->identity.realm_secret);
    d->transport = (ps_transport){.now_us = now_us, .receive = receive};
    d->verdicts_cap = 64;
    d->verdicts = calloc(d->verdicts_cap, sizeof *d->verdicts);
    d->throttle = malloc(sizeof *d->throttle);
    d->verifier = ps_verifier_open(&(ps_verifier_config){
        .threads = 1, .slots = 4, .ready = ready, .check = check, .now_us = standing_clock});
    assert_true(d->verdicts != NULL && d->throttle != NULL && d->verifier != NULL);
    ps_throttle_init(d->throttle, key);
    const ps_output out = {.bytes = d->bytes,
                           .bytes_cap = sizeof d->bytes,
                           .datagrams = d->datagrams,
                           .datagrams_cap = PS_DAEMON_DATAGRAMS,
                           .events = d->events,
                           .events_cap = PS_DAEMON_EVENTS};
    const ps_machine machine = {d, step, never};
    assert_int_equal(ps_pump_init(&d->pump, &d->transport, machine, out), PS_OK);
    char file[256];
    snprintf(file, sizeof file, "alice %s\nbob pw\n", quick("password123"));
    write_accounts(file);
    ps_log_setup(PS_LOG_ERROR, PS_LOG_TEXT);
    ps_daemon_reload(d);
    assert_int_equal(d->credentials.count, 2);
    return 0;
}

static int teardown(void **state)
{
    permit(100);
    ps_daemon_logins_close(d);
    free(d);
    return scratch_teardown(state);
}

static const ps_addr home = {.ip = {10, 0, 0, 1}, .family = PS_ADDR_V4};

static void ask(uint64_t pending, const char *user, const char *password)
{
    const ps_event_login login = {
        .pending = pending, .from = home, .user = span(user), .password = span(password)};
    ps_daemon_login(d, &login);
}

/* All that was asked comes back. */
static void settle(unsigned n)
{
    permit(n);
    await(&ended, n);
    ps_daemon_logins_settle(d);
}

static const ps_input_verdict *verdict(uint64_t pending)
{
    for (size_t i = 0; i < d->verdicts_len; i++) {
        if (d->verdicts[i].pending == pending) {
            return &d->verdicts[i];
        }
    }
    fail_msg("no verdict on %u", (unsigned)pending);
    return NULL;
}

static void passwords_are_verified_off_the_loop(void **state)
{
    (void)state;
    ask(1, "alice", "password123");
    ask(2, "alice", "wrong");
    ask(3, "bob", "pw");
    ask(4, "carol", "pw");
    assert_int_equal(d->verdicts_len, 0);
    settle(4);
    assert_int_equal(verdict(1)->error, PS_E_NONE);
    assert_int_equal(verdict(2)->error, PS_E_CREDENTIALS);
    assert_int_equal(verdict(3)->error, PS_E_NONE);
    assert_int_equal(verdict(4)->error, PS_E_CREDENTIALS);
    assert_memory_equal(verdict(1)->credential,
                        ps_credentials_find(&d->credentials, span("alice"))->credential,
                        PS_CREDENTIAL_BYTES);
    assert_int_equal(begun, 4); /* Each has cost the same. */
}

static void impossible_words_are_refused_at_once(void **state)
{
    (void)state;
    char longer[PS_PASSWORD_MAX + 2];
    memset(longer, 'x', sizeof longer - 1);
    longer[sizeof longer - 1] = '\0';
    ask(1, "alice", "");
    ask(2, "alice", longer);
    ask(3, "", "pw");
    for (uint64_t i = 1; i <= 3; i++) {
        assert_int_equal(verdict(i)->error, PS_E_CREDENTIALS);
    }
    assert_int_equal(begun, 0);
}

static void a_full_queue_is_busy_and_charges_nobody(void **state)
{
    (void)state;
    for (uint64_t i = 0; i < 20; i++) {
        ask(i, i < 4 ? "alice" : "bob", "pw");
    }
    assert_int_equal(d->verdicts_len, 16);
    for (uint64_t i = 4; i < 20; i++) {
        assert_int_equal(verdict(i)->error, PS_E_BUSY);
        assert_int_equal(verdict(i)->retry_ms, 4 * PS_VERIFIER_FIRST_US / 1000);
    }
    settle(4);
    d->verdicts_len = 0;
    ask(30, "bob", "pw");
    settle(5);
    assert_int_equal(verdict(30)->error, PS_E_NONE);
}

static void a_ticket_is_judged_by_what_is_stored_now(void **state)
{
    (void)state;
    ps_event_login login = {.pending = 1, .from = home, .user = span("alice"), .by_ticket = true};
    memcpy(login.credential, ps_credentials_find(&d->credentials, span("alice"))->credential,
           PS_CREDENTIAL_BYTES);
    ps_daemon_login(d, &login);
    assert_int_equal(verdict(1)->error, PS_E_NONE);
    assert_memory_equal(verdict(1)->credential, login.credential, PS_CREDENTIAL_BYTES);
    login.pending = 2;
    login.user = span("bob");
    ps_daemon_login(d, &login);
    assert_int_equal(verdict(2)->error, PS_E_TICKET);
    login.pending = 3;
    login.user = span("carol");
    memset(login.credential, 0, sizeof login.credential);
    ps_daemon_login(d, &login);
    assert_int_equal(verdict(3)->error, PS_E_TICKET);

    char file[256];
    snprintf(file, sizeof file, "alice %s\n", quick("password123")); /* Another salt. */
    memcpy(login.credential, ps_credentials_find(&d->credentials, span("alice"))->credential,
           PS_CREDENTIAL_BYTES);
    write_accounts(file);
    ps_daemon_reload(d);
    login.pending = 4;
    login.user = span("alice");
    ps_daemon_login(d, &login);
    assert_int_equal(verdict(4)->error, PS_E_TICKET);
    assert_int_equal(begun, 0);
}

static void failures_are_throttled_without_argon2id(void **state)
{
    (void)state;
    for (uint64_t i = 0; i < PS_THROTTLE_FREE; i++) {
        ask(i, "alice", "wrong");
        settle((unsigned)i + 1);
    }
    ask(10, "alice", "password123");
    assert_int_equal(verdict(10)->error, PS_E_THROTTLED);
    assert_int_equal(verdict(10)->retry_ms, PS_THROTTLE_FIRST_MS);
    assert_int_equal(begun, PS_THROTTLE_FREE);

    /* Neither a ticket nor a device that has been in before is held back. */
    ps_event_login login = {.pending = 11, .from = home, .user = span("alice"), .by_ticket = true};
    memcpy(login.credential, ps_credentials_find(&d->credentials, span("alice"))->credential,
           PS_CREDENTIAL_BYTES);
    ps_daemon_login(d, &login);
    assert_int_equal(verdict(11)->error, PS_E_NONE);
    login = (ps_event_login){.pending = 12,
                             .from = home,
                             .user = span("alice"),
                             .password = span("password123"),
                             .known = true};
    ps_daemon_login(d, &login);
    settle(PS_THROTTLE_FREE + 1);
    assert_int_equal(verdict(12)->error, PS_E_NONE);

    clock_us += PS_THROTTLE_FIRST_MS * 1000u;
    ask(13, "alice", "password123");
    settle(PS_THROTTLE_FREE + 2);
    assert_int_equal(verdict(13)->error, PS_E_NONE);
}

/* What was right before a reload says nothing after it: the peer asks again. */
static void a_reload_overtakes_a_verification(void **state)
{
    (void)state;
    char file[256];
    ask(1, "alice", "password123");
    ask(2, "bob", "pw");
    ask(3, "bob", "wrong");
    await(&begun, 1);
    snprintf(file, sizeof file, "alice %s\n", quick("another"));
    write_accounts(file);
    ps_daemon_reload(d);
    settle(3);
    for (uint64_t i = 1; i <= 3; i++) {
        assert_int_equal(verdict(i)->error, PS_E_BUSY);
        assert_true(verdict(i)->retry_ms > 0);
    }
    d->verdicts_len = 0;
    ask(4, "alice", "password123");
    ask(5, "alice", "another");
    ask(6, "bob", "pw");
    settle(6);
    assert_int_equal(verdict(4)->error, PS_E_CREDENTIALS);
    assert_int_equal(verdict(5)->error, PS_E_NONE);
    assert_int_equal(verdict(6)->error, PS_E_CREDENTIALS);
}

/* A reload that changes nothing for a user does not disturb his login. */
static void a_reload_of_the_same_lines_disturbs_nobody(void **state)
{
    (void)state;
    ask(1, "alice", "password123");
    ask(2, "carol", "pw");
    await(&begun, 1);
    ps_daemon_reload(d);
    settle(2);
    assert_int_equal(verdict(1)->error, PS_E_NONE);
    assert_int_equal(verdict(2)->error, PS_E_CREDENTIALS);
}

static void without_memory_a_login_is_busy(void **state)
{
    (void)state;
    no_memory = true;
    ask(1, "alice", "password123");
    ask(2, "carol", "pw");
    settle(2);
    assert_int_equal(verdict(1)->error, PS_E_BUSY);
    assert_int_equal(verdict(2)->error, PS_E_BUSY);
}

static void removed_users_are_expelled_as_there_is_room(void **state)
{
    (void)state;
    write_accounts("a 1\nb 2\nc 3\nd 4\n");
    ps_daemon_reload(d);
    assert_true(ps_daemon_expel(d));
    assert_int_equal(expelled_len, 2); /* alice and bob */
    expelled_len = 0;
    write_accounts("a other\n");
    ps_daemon_reload(d);
    room = 2;
    assert_false(ps_daemon_expel(d));
    assert_int_equal(expelled_len, 2);
    assert_false(ps_daemon_expel(d));
    /* Who is back in the file by then stays. */
    write_accounts("a other\nb 2\nc 3\nd 4\n");
    ps_daemon_reload(d);
    room = SIZE_MAX;
    assert_true(ps_daemon_expel(d));
    assert_int_equal(expelled_len, 2);
    assert_int_equal(d->expelled_len, 0);
}

static void a_bad_file_keeps_the_old_accounts(void **state)
{
    (void)state;
    write_accounts("alice\n");
    ps_daemon_reload(d);
    (void)unlinkat(folder->dir, "users", 0);
    ps_daemon_reload(d);
    assert_int_equal(d->credentials.count, 2);
    assert_true(ps_daemon_expel(d));
    assert_int_equal(expelled_len, 0);
}

static void the_last_user_can_be_removed(void **state)
{
    (void)state;
    write_accounts("# nobody\n");
    ps_daemon_reload(d);
    assert_int_equal(d->credentials.count, 0);
    assert_true(ps_daemon_expel(d));
    assert_int_equal(expelled_len, 2);
    ask(1, "alice", "password123");
    settle(1);
    assert_int_equal(verdict(1)->error, PS_E_CREDENTIALS);
}

#define LOGIN_TEST(function) cmocka_unit_test_setup_teardown(function, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        LOGIN_TEST(passwords_are_verified_off_the_loop),
        LOGIN_TEST(impossible_words_are_refused_at_once),
        LOGIN_TEST(a_full_queue_is_busy_and_charges_nobody),
        LOGIN_TEST(a_ticket_is_judged_by_what_is_stored_now),
        LOGIN_TEST(failures_are_throttled_without_argon2id),
        LOGIN_TEST(a_reload_overtakes_a_verification),
        LOGIN_TEST(a_reload_of_the_same_lines_disturbs_nobody),
        LOGIN_TEST(without_memory_a_login_is_busy),
        LOGIN_TEST(removed_users_are_expelled_as_there_is_room),
        LOGIN_TEST(a_bad_file_keeps_the_old_accounts),
        LOGIN_TEST(the_last_user_can_be_removed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
