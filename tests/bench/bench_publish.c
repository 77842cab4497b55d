/* Publications a second that the server's program acknowledges over loopback, with and without its
 * store, and how long others wait meanwhile.
 *
 *     bench_publish [--peers=8] [--outstanding=64] [--seconds=3] [--store=1] [--sync-ms=0]
 *
 * With --sync-ms the disk takes that much longer for every fdatasync(). */
#include "fixture.h"

#include "common/state_dir.h"
#include "peersync/crypto_sodium.h"
#include "peersync/posix.h"
#include "peersync/pump.h"
#include "peersyncd/loop.h"

#include <inttypes.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define PEERS_MAX  64u
#define NAMES      1000u /* That each peer publishes, again and again. */
#define SLAB_BYTES 65536u
#define SLAB_DGS   128u
#define SLAB_EVTS  256u
#define WAITS_MAX  1000000u

int __real_fdatasync(int fd);
int __wrap_fdatasync(int fd);

static uint64_t sync_ms;
static uint64_t syncs;

int __wrap_fdatasync(int fd)
{
    const struct timespec slow = {.tv_sec = (time_t)(sync_ms / 1000),
                                  .tv_nsec = (long)(sync_ms % 1000) * 1000000};
    syncs++;
    if (sync_ms > 0) {
        nanosleep(&slow, NULL);
    }
    return __real_fdatasync(fd);
}

static void require(bool condition, const char *what)
{
    if (!condition) {
        fprintf(stderr, "bench_publish: %s\n", what);
        exit(1);
    }
}

typedef struct bench_peer {
    ps_posix_udp *udp;
    ps_transport transport;
    ps_peer *machine;
    ps_pump pump;
    uint8_t bytes[SLAB_BYTES];
    ps_datagram datagrams[SLAB_DGS];
    ps_event events[SLAB_EVTS];
    bool online;
    uint64_t outstanding;
    uint64_t published;
    uint64_t next;
    uint64_t asked_us; /* The last peer asks for lists instead. */
} bench_peer;

static ps_daemon_config config;
static ps_state_dir state;
static ps_identity identity;
static uint8_t server_key[PS_KEY_BYTES];
static ps_credentials credentials;
static bench_peer *peers;
static size_t peers_len;
static uint32_t waits_us[WAITS_MAX];
static size_t waits_len;

static void *serve(void *arg)
{
    const bool *store = arg;
    require(ps_daemon_run(&config, *store ? &state : NULL, &identity, &credentials) == 0,
            "the server failed");
    return NULL;
}

/* A port that was free a moment ago. */
static unsigned free_port(void)
{
    ps_addr any = {.ip = {127, 0, 0, 1}, .family = PS_ADDR_V4};
    ps_posix_udp *udp = NULL;
    ps_posix_error why;
    require(ps_posix_udp_open(&any, 1, NULL, &udp, &why) == PS_OK, "no port");
    const ps_transport t = ps_posix_udp_transport(udp);
    require(t.endpoints(t.ctx, &any, 1) == 1, "no port");
    ps_posix_udp_close(udp);
    return any.port;
}

static void make_credentials(void)
{
    static char text[PEERS_MAX * 16];
    ps_credentials_fault fault;
    size_t len = 0;
    for (size_t i = 0; i < peers_len; i++) {
        len += (size_t)snprintf(text + len, sizeof text - len, "user%zu pw\n", i);
    }
    require(ps_credentials_parse((ps_span){(const uint8_t *)text, len}, &credentials, &fault),
            "the credentials");
    memset(identity.static_secret, 1, sizeof identity.static_secret);
    ps_crypto_sodium()->x25519_public(server_key, identity.static_secret);
    memcpy(identity.public_key, server_key, sizeof server_key);
    ps_credentials_seal(&credentials, identity.realm_secret);
}

static void peer_open(bench_peer *p, size_t index, const ps_addr *server)
{
    const ps_addr any = {.ip = {127, 0, 0, 1}, .family = PS_ADDR_V4};
    ps_peer_config cfg;
    ps_posix_error why;
    require(ps_posix_udp_open(&any, 1, NULL, &p->udp, &why) == PS_OK, "a peer's socket");
    p->transport = ps_posix_udp_transport(p->udp);
    ps_peer_config_default(&cfg);
    cfg.crypto = ps_crypto_sodium();
    require(ps_posix_entropy(cfg.seed, sizeof cfg.seed) == PS_OK, "entropy");
    const size_t size = ps_peer_size(&cfg);
    void *mem = bench_pages(size);
    require(ps_peer_init(mem, size, &cfg, &p->machine) == PS_OK, "a peer");
    const ps_output out = {.bytes = p->bytes,
                           .bytes_cap = SLAB_BYTES,
                           .datagrams = p->datagrams,
                           .datagrams_cap = SLAB_DGS,
                           .events = p->events,
                           .events_cap = SLAB_EVTS};
    require(ps_pump_init(&p->pump, &p->transport, ps_machine_of_peer(p->machine), out) == PS_OK,
            "a pump");
    char user[32];
    snprintf(user, sizeof user, "user%zu", index);
    ps_input in = {.type = PS_INPUT_LOGIN,
                   .u.login = {.server = *server,
                               .key_known = true,
                               .user = {(const uint8_t *)user, strlen(user)},
                               .password = {(const uint8_t *)"pw", 2}}};
    memset(in.u.login.device, (int)index + 1, PS_DEVICE_BYTES);
    memcpy(in.u.login.server_key, server_key, sizeof server_key);
    require(ps_pump_submit(&p->pump, &in) == PS_OK, "a login");
}

static void read_events(bench_peer *p)
{
    for (size_t i = 0; i < p->pump.out.events_len; i++) {
        const ps_event *e = &p->events[i];
        if (e->type == PS_EVENT_LOGGED_IN) {
            p->online = true;
        } else if (e->type == PS_EVENT_DONE && p->asked_us != 0) {
            if (waits_len < WAITS_MAX) {
                waits_us[waits_len++] = (uint32_t)(ps_posix_now_us() - p->asked_us);
            }
            p->asked_us = 0;
        } else if (e->type == PS_EVENT_DONE) {
            require(e->u.done.error == PS_E_NONE, "a publication was refused");
            p->outstanding--;
            p->published++;
        }
    }
    ps_pump_clear_events(&p->pump);
}

static void submit(bench_peer *p, ps_input in)
{
    while (ps_pump_submit(&p->pump, &in) == PS_AGAIN) {
        read_events(p);
        (void)ps_pump_run_once(&p->pump);
    }
    read_events(p);
}

static void publish(bench_peer *p, uint64_t outstanding)
{
    while (p->outstanding < outstanding) {
        char name[48];
        const int len =
            snprintf(name, sizeof name, "a file like any other %" PRIu64, p->next % NAMES);
        ps_input in = {.type = PS_INPUT_PUBLISH,
                       .u.command = {.tag = p->next,
                                     .text = {(const uint8_t *)name, (size_t)len},
                                     .content.length = ++p->next}};
        p->outstanding++;
        submit(p, in);
    }
}

static void ask(bench_peer *p)
{
    if (p->asked_us == 0) {
        p->asked_us = ps_posix_now_us();
        submit(p, (ps_input){.type = PS_INPUT_LIST_PEERS, .u.command.tag = 1});
    }
}

/* One turn of all peers; waits for their sockets. */
static void turn(uint64_t outstanding)
{
    struct pollfd fds[PEERS_MAX];
    for (size_t i = 0; i < peers_len; i++) {
        bench_peer *p = &peers[i];
        ps_status status = PS_MORE;
        while (status == PS_MORE) {
            status = ps_pump_run_once(&p->pump);
            read_events(p);
        }
        if (p->online && outstanding > 0) {
            if (i + 1 < peers_len) {
                publish(p, outstanding);
            } else {
                ask(p);
            }
        }
        fds[i] = (struct pollfd){.fd = ps_posix_udp_fd(p->udp, 0), .events = POLLIN};
    }
    (void)poll(fds, (nfds_t)peers_len, 1);
}

static int by_size(const void *a, const void *b)
{
    const uint32_t x = *(const uint32_t *)a;
    const uint32_t y = *(const uint32_t *)b;
    return (x > y) - (x < y);
}

static void print(bool store, uint64_t took_us)
{
    uint64_t published = 0;
    uint64_t resent = 0;
    uint64_t losses = 0;
    for (size_t i = 0; i < peers_len; i++) {
        ps_peer_stats stats;
        ps_peer_stats_get(peers[i].machine, &stats);
        published += peers[i].published;
        resent += stats.heartbeats_resent;
        losses += stats.losses;
    }
    qsort(waits_us, waits_len, sizeof waits_us[0], by_size);
    require(waits_len > 0, "no list was answered");
    printf("publish store=%d sync_ms=%" PRIu64 " publications_per_s=%" PRIu64 " syncs=%" PRIu64
           " list_us_median=%u list_us_p99=%u list_us_max=%u heartbeats_resent=%" PRIu64
           " losses=%" PRIu64 "\n",
           store, sync_ms, published * 1000000u / took_us, syncs, waits_us[waits_len / 2],
           waits_us[waits_len * 99 / 100], waits_us[waits_len - 1], resent, losses);
}

int main(int argc, char **argv)
{
    static ps_daemon_options options;
    static ps_words words;
    static char port[8];
    static char error[1024];
    char dir[] = "./bench-state-XXXXXX";
    static const char *items[1];
    pthread_t thread;
    const uint64_t outstanding = bench_option(argc, argv, "--outstanding", 64);
    const uint64_t seconds = bench_option(argc, argv, "--seconds", 3);
    bool store = bench_option(argc, argv, "--store", 1) != 0;
    sync_ms = bench_option(argc, argv, "--sync-ms", 0);
    peers_len = (size_t)bench_option(argc, argv, "--peers", 8) + 1;
    require(peers_len <= PEERS_MAX, "too many peers");
    peers = calloc(peers_len, sizeof *peers);
    require(peers != NULL && mkdtemp(dir) != NULL, "memory or a directory");
    make_credentials();
    ps_daemon_options_default(&options);
    options.state = store ? dir : NULL;
    snprintf(port, sizeof port, "%u", free_port());
    items[0] = port;
    words = (ps_words){.items = items, .len = 1};
    require(ps_daemon_configure(&options, &words, argv[0], &config, error, sizeof error) == 0,
            error);
    ps_log_setup(PS_LOG_WARNING, PS_LOG_TEXT);
    require(ps_state_dir_open(&state, dir) == PS_STATE_OK, "the state directory");
    require(pthread_create(&thread, NULL, serve, &store) == 0, "a thread");

    for (size_t i = 0; i < peers_len; i++) {
        peer_open(&peers[i], i, &config.listen[0]);
    }
    for (size_t online = 0; online < peers_len;) {
        turn(0);
        online = 0;
        for (size_t i = 0; i < peers_len; i++) {
            online += peers[i].online;
        }
    }
    const uint64_t began_us = ps_posix_now_us();
    while (ps_posix_now_us() - began_us < seconds * 1000000u) {
        turn(outstanding);
    }
    print(store, ps_posix_now_us() - began_us);
    kill(getpid(), SIGTERM);
    pthread_join(thread, NULL);
    ps_state_dir_close(&state);
    char log[64];
    snprintf(log, sizeof log, "%s/%s", dir, "publications.log");
    unlink(log);
    rmdir(dir);
    return 0;
}
