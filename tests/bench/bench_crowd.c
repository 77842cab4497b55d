/* A crowd of peers with one real server: logs in, stays, and tells how it gets back when the server
 * has been killed and started again. Each peer is a machine of the core with a socket and an
 * address of its own (127.1.0.0/16).
 *
 *     bench_crowd --port=P [--peers=10000] [--rate=2000]
 *
 * Users are u0, u1, ... with the password "crowd". It says "online" on stdout when all are logged
 * in; a line on stdin then begins the watch, which ends when all have come back, and prints the
 * slowest return and the latest acknowledgement of a heartbeat in the server's new life. */
#include "peer/peer_internal.h"
#include "peersync/crypto_sodium.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { BATCH = 512, SCAN_US = 10000 };

typedef struct member {
    ps_peer *peer;
    int fd;
    bool online;
    uint64_t lost_us;  /* When it learnt that it must return; 0: it need not. */
    uint64_t asked_id; /* Of the heartbeat that waits, + 1; 0: none does. */
    uint64_t asked_us; /* First sending, by the real clock. */
    uint64_t again_us; /* The first login was answered BUSY: when it tries again; else 0. */
} member;

typedef struct crowd {
    member *members;
    size_t len;
    size_t online;
    int epoll;
    ps_addr server;
    bool watching;
    size_t returned;
    uint64_t slowest_us, latest_us, acknowledged;
    uint64_t first_us, last_us; /* Returns. */
    uint64_t put_off;
    uint64_t arrived_us; /* The last datagram, by the real clock. */
    ps_output out;
} crowd;

static uint64_t clock_us(clockid_t clock)
{
    struct timespec t;
    (void)clock_gettime(clock, &t);
    return (uint64_t)t.tv_sec * 1000000u + (uint64_t)t.tv_nsec / 1000u;
}

static uint64_t now_us(void)
{
    return clock_us(CLOCK_MONOTONIC);
}

static void die(const char *what)
{
    perror(what);
    exit(1);
}

static void came_back(crowd *c, member *m, uint64_t at_us)
{
    const uint64_t wait_us = m->lost_us != 0 ? at_us - m->lost_us : 0;
    c->slowest_us = wait_us > c->slowest_us ? wait_us : c->slowest_us;
    c->first_us = c->returned == 0 ? at_us : c->first_us;
    c->last_us = at_us;
    c->returned++;
    m->lost_us = 0;
}

static void step(crowd *c, member *m, ps_input *in);

static void read_events(crowd *c, member *m, uint64_t at_us)
{
    bool trust = false;
    uint8_t key[PS_KEY_BYTES];
    for (size_t i = 0; i < c->out.events_len; i++) {
        const ps_event *e = &c->out.events[i];
        if (e->type == PS_EVENT_LOGGED_IN) {
            c->online += m->online ? 0 : 1;
            m->online = true;
            m->asked_id = 0;
            if (c->watching) {
                came_back(c, m, at_us);
            }
        } else if (e->type == PS_EVENT_SERVER_KEY) {
            trust = true;
            memcpy(key, e->u.server_key, sizeof key);
        } else if (e->type == PS_EVENT_PUT_OFF) {
            c->put_off++;
        } else if (e->type == PS_EVENT_REFUSED && e->u.account.error == PS_E_BUSY) {
            m->again_us = at_us + e->u.account.retry_ms * UINT64_C(1000);
        } else if (e->type == PS_EVENT_REFUSED) {
            (void)fprintf(stderr, "refused: %s\n", ps_error_text(e->u.account.error));
            exit(1);
        }
    }
    c->out.events_len = 0;
    if (trust) {
        ps_input in = {.now_us = at_us, .type = PS_INPUT_TRUST};
        memcpy(in.u.trust, key, sizeof key);
        step(c, m, &in);
    }
}

/* Heartbeats of the server's new life: from the first sending to the acknowledgement. */
static void watch_heartbeat(crowd *c, member *m, uint64_t at_us, uint64_t sent_us)
{
    const ps_peer_heartbeats *h = &m->peer->heartbeats;
    if (m->peer->attempt.phase != PS_ATTEMPT_NONE) {
        m->asked_id = 0;
        m->lost_us = m->lost_us == 0 && c->watching ? at_us : m->lost_us;
    } else if (h->tries > 0 && m->asked_id != h->id + UINT64_C(1)) {
        m->asked_id = h->id + UINT64_C(1);
        m->asked_us = sent_us;
    } else if (h->tries == 0 && m->asked_id != 0) {
        if (c->watching && c->returned > 0) {
            const uint64_t late_us = c->arrived_us - m->asked_us;
            c->latest_us = late_us > c->latest_us ? late_us : c->latest_us;
            c->acknowledged++;
        }
        m->asked_id = 0;
    }
}

static void step(crowd *c, member *m, ps_input *in)
{
    size_t consumed = 0;
    c->out.bytes_len = c->out.datagrams_len = c->out.events_len = 0;
    (void)ps_peer_step(m->peer, in, 1, &consumed, &c->out);
    const uint64_t sent_us = clock_us(CLOCK_REALTIME);
    for (size_t i = 0; i < c->out.datagrams_len; i++) {
        const ps_datagram *d = &c->out.datagrams[i];
        (void)send(m->fd, c->out.bytes + d->offset, d->len, MSG_DONTWAIT);
    }
    watch_heartbeat(c, m, in->now_us, sent_us);
    read_events(c, m, in->now_us);
}

/* When the kernel took it. */
static uint64_t arrival_us(struct msghdr *message)
{
    for (struct cmsghdr *part = CMSG_FIRSTHDR(message); part != NULL;
         part = CMSG_NXTHDR(message, part)) {
        if (part->cmsg_level == SOL_SOCKET && part->cmsg_type == SCM_TIMESTAMPNS) {
            struct timespec t;
            memcpy(&t, CMSG_DATA(part), sizeof t);
            return (uint64_t)t.tv_sec * 1000000u + (uint64_t)t.tv_nsec / 1000u;
        }
    }
    return clock_us(CLOCK_REALTIME);
}

static void receive(crowd *c, member *m)
{
    uint8_t bytes[PS_DATAGRAM_MAX + 1];
    _Alignas(struct cmsghdr) uint8_t control[128];
    for (;;) {
        struct iovec place = {bytes, sizeof bytes};
        struct msghdr message = {.msg_iov = &place,
                                 .msg_iovlen = 1,
                                 .msg_control = control,
                                 .msg_controllen = sizeof control};
        const ssize_t n = recvmsg(m->fd, &message, MSG_DONTWAIT);
        if (n < 0) {
            if (errno == ECONNREFUSED || errno == EINTR) {
                continue; /* The server is away. */
            }
            return;
        }
        c->arrived_us = arrival_us(&message);
        ps_input in = {.now_us = now_us(),
                       .type = PS_INPUT_DATAGRAM,
                       .u.datagram = {.from = c->server, .data = bytes, .len = (size_t)n}};
        step(c, m, &in);
    }
}

static void log_in(crowd *c, member *m)
{
    char user[16];
    (void)snprintf(user, sizeof user, "u%zu", (size_t)(m - c->members));
    ps_input in = {.now_us = now_us(),
                   .type = PS_INPUT_LOGIN,
                   .u.login = {.server = c->server,
                               .user = {(const uint8_t *)user, strlen(user)},
                               .password = {(const uint8_t *)"crowd", 5}}};
    ps_store64(in.u.login.device, (uint64_t)(m - c->members) + 1);
    m->again_us = 0;
    step(c, m, &in);
}

static void scan(crowd *c)
{
    const uint64_t at_us = now_us();
    for (size_t i = 0; i < c->len; i++) {
        if (c->members[i].again_us != 0 && c->members[i].again_us <= at_us) {
            log_in(c, &c->members[i]);
        }
        if (c->members[i].peer != NULL && ps_peer_deadline_us(c->members[i].peer) <= at_us) {
            ps_input in = {.now_us = at_us, .type = PS_INPUT_TICK};
            step(c, &c->members[i], &in);
        }
    }
}

static void turn(crowd *c, uint64_t *scanned_us)
{
    struct epoll_event ready[BATCH];
    const int n = epoll_wait(c->epoll, ready, BATCH, 2);
    for (int i = 0; i < n; i++) {
        receive(c, &c->members[ready[i].data.u32]);
    }
    const uint64_t at_us = now_us();
    if (at_us - *scanned_us >= SCAN_US) {
        *scanned_us = at_us;
        scan(c);
    }
}

static void join(crowd *c, size_t i, uint16_t port)
{
    member *m = &c->members[i];
    ps_peer_config cfg;
    struct sockaddr_in own = {.sin_family = AF_INET};
    struct sockaddr_in server = {.sin_family = AF_INET, .sin_port = htons(port)};
    own.sin_addr.s_addr = htonl(0x7f010000u + (uint32_t)i + 1);
    server.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    const int on = 1;
    m->fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0);
    if (m->fd < 0 || setsockopt(m->fd, SOL_SOCKET, SO_TIMESTAMPNS, &on, sizeof on) != 0 ||
        bind(m->fd, (struct sockaddr *)&own, sizeof own) != 0 ||
        connect(m->fd, (struct sockaddr *)&server, sizeof server) != 0) {
        die("socket");
    }
    struct epoll_event wanted = {.events = EPOLLIN, .data.u32 = (uint32_t)i};
    if (epoll_ctl(c->epoll, EPOLL_CTL_ADD, m->fd, &wanted) != 0) {
        die("epoll");
    }
    ps_peer_config_default(&cfg);
    cfg.max_requests = 1;
    cfg.max_publications = 1;
    cfg.name_bytes = 0;
    cfg.request_ms = 60000;
    cfg.crypto = ps_crypto_sodium();
    if (getrandom(cfg.seed, sizeof cfg.seed, 0) != (ssize_t)sizeof cfg.seed) {
        die("getrandom");
    }
    const size_t size = (ps_peer_size(&cfg) + 63) / 64 * 64;
    if (ps_peer_init(aligned_alloc(64, size), size, &cfg, &m->peer) != PS_OK) {
        die("peer");
    }
    log_in(c, m);
}

static void watch(crowd *c)
{
    uint64_t scanned_us = 0;
    const uint64_t began_us = now_us();
    c->watching = true;
    while (c->returned < c->len && now_us() - began_us < 60000000) {
        turn(c, &scanned_us);
    }
    const uint64_t end_us = now_us() + 3000000; /* Until each has had a heartbeat. */
    while (now_us() < end_us) {
        turn(c, &scanned_us);
    }
    printf("peers=%zu returned=%zu in_ms=%.0f slowest_return_ms=%.0f put_off=%llu "
           "heartbeats=%llu latest_acknowledgement_ms=%.1f\n",
           c->len, c->returned, (double)(c->last_us - c->first_us) / 1e3,
           (double)c->slowest_us / 1e3, (unsigned long long)c->put_off,
           (unsigned long long)c->acknowledged, (double)c->latest_us / 1e3);
}

/* Is there a line on stdin? */
static bool told(void)
{
    char line[8];
    fd_set set;
    struct timeval none = {0, 0};
    FD_ZERO(&set);
    FD_SET(STDIN_FILENO, &set);
    return select(1, &set, NULL, NULL, &none) > 0 && read(STDIN_FILENO, line, sizeof line) >= 0;
}

int main(int argc, char **argv)
{
    unsigned port = 0, peers = 10000, rate = 2000;
    for (int i = 1; i < argc; i++) {
        if (sscanf(argv[i], "--port=%u", &port) != 1 &&
            sscanf(argv[i], "--peers=%u", &peers) != 1 &&
            sscanf(argv[i], "--rate=%u", &rate) != 1) {
            (void)fprintf(stderr, "usage: bench_crowd --port=P [--peers=N] [--rate=N]\n");
            return 2;
        }
    }
    const struct rlimit files = {peers + 64, peers + 64};
    if (port == 0 || peers == 0 || peers > 65000 || rate == 0 ||
        setrlimit(RLIMIT_NOFILE, &files) != 0) {
        die("arguments");
    }
    crowd c = {.len = peers,
               .members = calloc(peers, sizeof(member)),
               .epoll = epoll_create1(0),
               .server = {.ip = {127, 0, 0, 1}, .port = (uint16_t)port, .family = PS_ADDR_V4},
               .out = {.bytes = malloc(PS_PEER_STEP_BYTES),
                       .bytes_cap = PS_PEER_STEP_BYTES,
                       .datagrams = calloc(PS_PEER_STEP_DATAGRAMS, sizeof(ps_datagram)),
                       .datagrams_cap = PS_PEER_STEP_DATAGRAMS,
                       .events = calloc(PS_PEER_STEP_EVENTS, sizeof(ps_event)),
                       .events_cap = PS_PEER_STEP_EVENTS}};
    uint64_t scanned_us = 0;
    const uint64_t began_us = now_us();
    for (size_t joined = 0; c.online < c.len; turn(&c, &scanned_us)) {
        while (joined < c.len && joined < (now_us() - began_us) * rate / 1000000) {
            join(&c, joined++, (uint16_t)port);
        }
        if (now_us() - began_us > 120000000) {
            (void)fprintf(stderr, "only %zu of %zu are online\n", c.online, c.len);
            return 1;
        }
    }
    printf("online\n");
    (void)fflush(stdout);
    while (!told()) {
        turn(&c, &scanned_us);
    }
    watch(&c);
    return c.returned == c.len ? 0 : 1;
}
