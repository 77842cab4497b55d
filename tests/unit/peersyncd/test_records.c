/* The whole server in a thread, on a disk whose syncs wait for the test or fail. */
#include "unit.h"

#include "common/exit_codes.h"
#include "common/state_dir.h"
#include "exact.h"
#include "peersync/crypto_openssl.h"
#include "peersync/crypto_sodium.h"
#include "peersync/posix.h"
#include "peersync/pump.h"
#include "peersyncd/loop.h"
#include "peersyncd/store_load.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PATIENCE_US UINT64_C(20000000)

/* ---- the disk ---- */

int __real_fdatasync(int fd);
int __wrap_fdatasync(int fd);

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static bool shut;        /* Syncs wait. */
static int sync_error;   /* They fail. */
static unsigned entered; /* How many have begun. */

int __wrap_fdatasync(int fd)
{
    pthread_mutex_lock(&lock);
    entered++;
    while (shut) {
        pthread_cond_wait(&changed, &lock);
    }
    const int error = sync_error;
    pthread_mutex_unlock(&lock);
    if (error != 0) {
        errno = error;
        return -1;
    }
    return __real_fdatasync(fd);
}

static void set_disk(bool wait, int error)
{
    pthread_mutex_lock(&lock);
    shut = wait;
    sync_error = error;
    entered = 0;
    pthread_cond_broadcast(&changed);
    pthread_mutex_unlock(&lock);
}

static unsigned syncs(void)
{
    pthread_mutex_lock(&lock);
    const unsigned n = entered;
    pthread_mutex_unlock(&lock);
    return n;
}

/* ---- the server ---- */

static char dir[] = "/tmp/peersync-records-XXXXXX";
static ps_state_dir state_dir;
static ps_daemon_config config;
static ps_identity identity;
static uint8_t server_key[PS_KEY_BYTES];
static ps_credentials credentials;
static pthread_t thread;
static int ended_with;

static void *serve(void *arg)
{
    (void)arg;
    ended_with = ps_daemon_run(&config, &state_dir, &identity, &credentials);
    return NULL;
}

/* A port that was free a moment ago. */
static unsigned free_port(void)
{
    ps_addr any = {.ip = {127, 0, 0, 1}, .family = PS_ADDR_V4};
    ps_posix_udp *udp = NULL;
    assert_int_equal(ps_posix_udp_open(&any, 1, NULL, &udp, NULL), PS_OK);
    const ps_transport t = ps_posix_udp_transport(udp);
    assert_int_equal(t.endpoints(t.ctx, &any, 1), 1);
    ps_posix_udp_close(udp);
    return any.port;
}

/* Two users with a string that is quick to verify. */
static void make_accounts(void)
{
    char stored[crypto_pwhash_STRBYTES];
    char file[2 * sizeof stored + 8];
    ps_credentials_fault fault;
    assert_int_equal(
        crypto_pwhash_str(stored, "pw", 2, crypto_pwhash_OPSLIMIT_MIN, crypto_pwhash_MEMLIMIT_MIN),
        0);
    snprintf(file, sizeof file, "u0 %s\nu1 %s\n", stored, stored);
    memset(identity.static_secret, 1, sizeof identity.static_secret);
    memset(identity.realm_secret, 2, sizeof identity.realm_secret);
    ps_crypto_sodium()->x25519_public(server_key, identity.static_secret);
    memcpy(identity.public_key, server_key, sizeof server_key);
    assert_true(ps_credentials_parse(span_of(file), &credentials, &fault));
    ps_credentials_seal(&credentials, identity.realm_secret);
}

static void start_server(void)
{
    static char port[8];
    ps_daemon_options options;
    static ps_words words;
    char error[256];
    set_disk(false, 0);
    make_accounts();
    ps_daemon_options_default(&options);
    options.state = dir;
    snprintf(port, sizeof port, "%u", free_port());
    static const char *items[1];
    items[0] = port;
    words = (ps_words){.items = items, .len = 1};
    assert_int_equal(
        ps_daemon_configure(&options, &words, "peersyncd", &config, error, sizeof error),
        PS_EXIT_DONE);
    config.server.heartbeat_ms = 20;
    ps_log_setup(PS_LOG_WARNING, PS_LOG_TEXT);
    assert_int_equal(ps_state_dir_open(&state_dir, dir), PS_STATE_OK);
    assert_int_equal(pthread_create(&thread, NULL, serve, NULL), 0);
}

static void join_server(void)
{
    assert_int_equal(pthread_join(thread, NULL), 0);
    ps_state_dir_close(&state_dir);
}

static int make(void **state)
{
    (void)state;
    memcpy(dir + strlen(dir) - 6, "XXXXXX", 6);
    return mkdtemp(dir) != NULL ? 0 : -1;
}

static int clear(void **state)
{
    char path[sizeof dir + sizeof PS_STORE_NAME];
    (void)state;
    snprintf(path, sizeof path, "%s/%s", dir, PS_STORE_NAME);
    (void)unlink(path);
    return rmdir(dir);
}

/* ---- two peers ---- */

typedef struct test_peer {
    ps_posix_udp *udp;
    ps_transport transport;
    void *mem;
    ps_peer *machine;
    ps_pump pump;
    uint8_t bytes[16384];
    ps_datagram datagrams[64];
    ps_event events[256];
    bool online;
    uint64_t files;  /* Lines of lists. */
    uint64_t done;   /* A bit for each tag. */
    uint64_t failed; /* Of these, those with an error. */
} test_peer;

static test_peer peers[2];

static void read_events(test_peer *p)
{
    for (size_t i = 0; i < p->pump.out.events_len; i++) {
        const ps_event *e = &p->events[i];
        if (e->type == PS_EVENT_LOGGED_IN) {
            p->online = true;
        } else if (e->type == PS_EVENT_FILE) {
            p->files++;
        } else if (e->type == PS_EVENT_DONE) {
            p->done |= UINT64_C(1) << e->u.done.tag;
            p->failed |= (uint64_t)(e->u.done.error != PS_E_NONE) << e->u.done.tag;
        }
    }
    ps_pump_clear_events(&p->pump);
}

static void turn(void)
{
    struct pollfd fds[2];
    for (size_t i = 0; i < 2; i++) {
        ps_status status = PS_MORE;
        while (status == PS_MORE) {
            status = ps_pump_run_once(&peers[i].pump);
            read_events(&peers[i]);
        }
        fds[i] = (struct pollfd){.fd = ps_posix_udp_fd(peers[i].udp, 0), .events = POLLIN};
    }
    (void)poll(fds, 2, 5);
}

/* Turns until the condition holds. */
#define AWAIT(condition)                                                                           \
    do {                                                                                           \
        const uint64_t began_us = ps_posix_now_us();                                               \
        while (!(condition)) {                                                                     \
            assert_true(ps_posix_now_us() - began_us < PATIENCE_US);                               \
            turn();                                                                                \
        }                                                                                          \
    } while (0)

static void open_peer(size_t i)
{
    const ps_addr any = {.ip = {127, 0, 0, 1}, .family = PS_ADDR_V4};
    test_peer *p = &peers[i];
    memset(p, 0, sizeof *p);
    ps_peer_config cfg;
    ps_peer_config_default(&cfg);
    cfg.max_publications = 64;
    cfg.crypto = ps_crypto_sodium();
    memset(cfg.seed, (int)i + 1, sizeof cfg.seed);
    assert_int_equal(ps_posix_udp_open(&any, 1, NULL, &p->udp, NULL), PS_OK);
    p->transport = ps_posix_udp_transport(p->udp);
    const size_t size = (ps_peer_size(&cfg) + 63) / 64 * 64;
    p->mem = aligned_alloc(64, size);
    assert_non_null(p->mem);
    assert_int_equal(ps_peer_init(p->mem, size, &cfg, &p->machine), PS_OK);
    const ps_output out = {.bytes = p->bytes,
                           .bytes_cap = sizeof p->bytes,
                           .datagrams = p->datagrams,
                           .datagrams_cap = 64,
                           .events = p->events,
                           .events_cap = 256};
    assert_int_equal(ps_pump_init(&p->pump, &p->transport, ps_machine_of_peer(p->machine), out),
                     PS_OK);
    ps_input in = {.type = PS_INPUT_LOGIN,
                   .u.login = {.server = config.listen[0],
                               .key_known = true,
                               .user = span_of(i == 0 ? "u0" : "u1"),
                               .password = span_of("pw")}};
    memset(in.u.login.device, (int)i + 1, PS_DEVICE_BYTES);
    memcpy(in.u.login.server_key, server_key, sizeof server_key);
    assert_int_equal(ps_pump_submit(&p->pump, &in), PS_OK);
}

static void begin(void)
{
    start_server();
    open_peer(0);
    open_peer(1);
    AWAIT(peers[0].online && peers[1].online);
}

static void end(void)
{
    for (size_t i = 0; i < 2; i++) {
        ps_posix_udp_close(peers[i].udp);
        free(peers[i].mem);
    }
}

static void command(size_t i, ps_input_type type, uint64_t tag, const char *text)
{
    ps_input in = {.type = type, .u.command = {.tag = tag, .text = span_of(text)}};
    assert_int_equal(ps_pump_submit(&peers[i].pump, &in), PS_OK);
    read_events(&peers[i]);
}

static bool done(size_t i, uint64_t tag)
{
    assert_true((peers[i].failed & UINT64_C(1) << tag) == 0);
    return (peers[i].done & UINT64_C(1) << tag) != 0;
}

static ps_peer_stats stats(size_t i)
{
    ps_peer_stats s;
    ps_peer_stats_get(peers[i].machine, &s);
    return s;
}

/* How many files a peer sees listed now. */
static uint64_t listed(size_t i, uint64_t tag)
{
    peers[i].files = 0;
    peers[i].done &= ~(UINT64_C(1) << tag);
    command(i, PS_INPUT_LIST_FILES, tag, "");
    AWAIT(done(i, tag));
    return peers[i].files;
}

static uint64_t stored(void)
{
    static const uint8_t salt[PS_STORE_SALT];
    ps_state_dir d;
    ps_store_posix log;
    ps_store_summary found;
    assert_int_equal(ps_state_dir_open(&d, dir), PS_STATE_OK);
    assert_int_equal(ps_store_posix_open(&log, d.dir_fd, true), 0);
    const ps_store_files files = ps_store_posix_files(&log);
    assert_int_equal(ps_store_examine(&files, ps_crypto_openssl(), salt, &found), PS_STORE_OK);
    assert_true(found.cut == 0);
    ps_store_posix_close(&log);
    ps_state_dir_close(&d);
    return found.counting;
}

/* ---- stories ---- */

/* While the disk does not answer, an acknowledgement waits; heartbeats and lists do not. */
static void only_acknowledgements_wait_for_the_disk(void **state)
{
    (void)state;
    begin();
    set_disk(true, 0);
    command(0, PS_INPUT_PUBLISH, 1, "a");
    AWAIT(syncs() == 1);
    assert_int_equal(listed(1, 2), 1);
    const uint64_t heartbeats = stats(0).heartbeats;
    AWAIT(stats(0).heartbeats >= heartbeats + 30); /* Each follows the answer to the last one. */
    command(1, PS_INPUT_PUBLISH, 3, "b");
    AWAIT(listed(0, 4) == 2 && listed(1, 5) == 2);
    assert_false(done(0, 1) || done(1, 3));
    assert_int_equal(syncs(), 1); /* One work at a time. */
    assert_true(stats(0).losses == 0 && stats(1).losses == 0);
    set_disk(false, 0);
    AWAIT(done(0, 1) && done(1, 3));
    kill(getpid(), SIGTERM);
    join_server();
    assert_int_equal(ended_with, PS_EXIT_DONE);
    assert_int_equal(stored(), 2);
    end();
}

/* A disk that fails: what was applied waits, later changes are put off, and all of it goes through
 * when the disk works again. */
static void changes_are_put_off_while_the_disk_fails(void **state)
{
    (void)state;
    begin();
    set_disk(false, EIO);
    command(0, PS_INPUT_PUBLISH, 1, "a");
    AWAIT(syncs() >= 1);
    AWAIT(syncs() >= 2); /* Tried again: by now the machine has been told. */
    command(1, PS_INPUT_PUBLISH, 2, "b");
    const unsigned before = syncs();
    AWAIT(syncs() > before);
    assert_int_equal(listed(1, 3), 1); /* "b" has not been applied. */
    assert_false(done(0, 1) || done(1, 2));
    assert_true(stats(0).losses == 0);
    set_disk(false, 0);
    AWAIT(done(0, 1) && done(1, 2));
    assert_int_equal(listed(1, 4), 2);
    kill(getpid(), SIGTERM);
    join_server();
    assert_int_equal(ended_with, PS_EXIT_DONE);
    assert_int_equal(stored(), 2);
    end();
}

/* What is in memory at the end is written, and those who wait are told. */
static void the_end_writes_what_waits(void **state)
{
    (void)state;
    begin();
    set_disk(true, 0);
    command(0, PS_INPUT_PUBLISH, 1, "a");
    AWAIT(syncs() == 1);
    command(1, PS_INPUT_PUBLISH, 2, "b");
    AWAIT(listed(0, 3) == 2);
    kill(getpid(), SIGTERM);
    set_disk(false, 0);
    join_server();
    assert_int_equal(ended_with, PS_EXIT_DONE);
    assert_int_equal(stored(), 2);
    AWAIT(done(0, 1) && done(1, 2));
    end();
}

/* An end on a disk that fails is told by the exit code; nobody was promised anything. */
static void an_end_that_cannot_write_says_so(void **state)
{
    (void)state;
    begin();
    set_disk(false, EIO);
    command(0, PS_INPUT_PUBLISH, 1, "a");
    AWAIT(syncs() >= 1);
    kill(getpid(), SIGTERM);
    join_server();
    assert_int_equal(ended_with, PS_EXIT_STATE);
    turn();
    assert_false(done(0, 1));
    end();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(only_acknowledgements_wait_for_the_disk, make, clear),
        cmocka_unit_test_setup_teardown(changes_are_put_off_while_the_disk_fails, make, clear),
        cmocka_unit_test_setup_teardown(the_end_writes_what_waits, make, clear),
        cmocka_unit_test_setup_teardown(an_end_that_cannot_write_says_so, make, clear),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
