/* A million peers log in to one server and stay. No world stands around them, as its peers are ten
 * times as large: here a peer is its machine, with room for one request and one publication, and
 * all of them share a pump. Hosts' timers tick in milliseconds, so that datagrams come to the
 * server in arrays, as they do where a million send. */
#include "million.h"
#include "stories.h"

#include "common/format.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

#define MS UINT64_C(1000)
#define S  UINT64_C(1000000)

#define PEERS      1000000u
#define LOGINS_MS  100u     /* Logins begun in a millisecond. */
#define SETTLE_US  (3 * S)  /* From the last login on: then the last handshake is over. */
#define STEADY_US  (10 * S) /* Is measured: five heartbeats of everybody. */
#define LATENCY_US 5000u
#define QUEUE      65536u
#define PENDING    4096u
#define LINE       64u /* Bytes of a cache line: slabs begin at one. */

#define COUNT(n) ps_format_count((char[PS_FORMAT_COUNT_BYTES]){0}, (n))
#define SIZE(n)  ps_format_size((char[PS_FORMAT_SIZE_BYTES]){0}, (n))

#define REQUIRE(condition) ((condition) ? (void)0 : fail(#condition, __LINE__))

/* As in world_config; there is one story at a time. */
static const char *repeat;

static _Noreturn void fail(const char *what, int line)
{
    fprintf(stderr, "%s:%d: does not hold: %s\n", __FILE__, line, what);
    if (repeat) {
        fprintf(stderr, "  repeat with: %s\n", repeat);
    }
    abort();
}

typedef struct crowd crowd;

typedef struct guest {
    crowd *c;
    ps_peer *machine;
    uint32_t node;
    bool called; /* Was told to log in. */
} guest;

/* Output memory of a pump. */
typedef struct slab {
    uint8_t bytes[262144];
    ps_datagram datagrams[512];
    ps_event events[512];
} slab;

struct crowd {
    const million_config *cfg;
    ps_sim *sim;

    ps_server *server;
    uint8_t *server_memory; /* As allocated. */
    size_t server_bytes;
    uint32_t server_node;
    ps_addr server_addr;
    uint8_t server_key[PS_KEY_BYTES];
    ps_pump server_pump;
    uint64_t pending[PENDING]; /* Logins that wait for their verdicts. */
    size_t pending_len;
    uint64_t steps, taken, spent_ns; /* Of the server's machine: calls, inputs, CPU time. */

    guest *guests;
    uint8_t *guests_memory; /* As allocated. */
    size_t guest_bytes;
    ps_pump guest_pump; /* Lent to one after the other: nothing stays in it. */
    uint32_t logged_in;

    slab server_slab, guest_slab;
};

/* How it stands at a moment. */
typedef struct moment {
    uint64_t now_us, cpu_ns;
    uint64_t steps, taken, spent_ns;
    uint64_t sent; /* Datagrams, by all. */
} moment;

static uint64_t cpu_ns(void)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (uint64_t)t.tv_sec * UINT64_C(1000000000) + (uint64_t)t.tv_nsec;
}

static ps_output output_of(slab *s)
{
    return (ps_output){.bytes = s->bytes,
                       .bytes_cap = sizeof s->bytes,
                       .datagrams = s->datagrams,
                       .datagrams_cap = sizeof s->datagrams / sizeof s->datagrams[0],
                       .events = s->events,
                       .events_cap = sizeof s->events / sizeof s->events[0]};
}

/* A host's timer: it goes off with the millisecond in which it is due. */
static void set_timer(crowd *c, uint32_t node, uint64_t due_us)
{
    const uint64_t at_us = due_us == PS_TIME_NEVER ? due_us : (due_us + MS - 1) / MS * MS;
    ps_sim_set_deadline(c->sim, node, at_us);
}

/* Least significant byte first, on every machine. */
static void put_number(uint8_t *to, size_t bytes, uint64_t n)
{
    for (size_t i = 0; i < bytes; i++) {
        to[i] = (uint8_t)(n >> (8 * i));
    }
}

/* ---- the server ---- */

static ps_status timed_step(void *self, ps_input in[], size_t n, size_t *consumed, ps_output *out)
{
    crowd *c = self;
    const uint64_t begun_ns = cpu_ns();
    const ps_status status = ps_server_step(c->server, in, n, consumed, out);
    c->spent_ns += cpu_ns() - begun_ns;
    c->taken += *consumed;
    c->steps++;
    return status;
}

static uint64_t timed_deadline_us(const void *self)
{
    return ps_server_deadline_us(((const crowd *)self)->server);
}

/* Whoever comes is let in: what a password costs is not looked at here. */
static void read_events(crowd *c)
{
    const ps_output *out = &c->server_pump.out;
    for (size_t i = 0; i < out->events_len; i++) {
        if (out->events[i].type == PS_EVENT_LOGIN_REQUEST) {
            REQUIRE(c->pending_len < PENDING);
            c->pending[c->pending_len++] = out->events[i].u.login.pending;
        } else {
            REQUIRE(out->events[i].type == PS_EVENT_SESSION_OPENED);
        }
    }
    ps_pump_clear_events(&c->server_pump);
}

static void run_server(crowd *c)
{
    for (ps_status status = PS_MORE; status == PS_MORE;) {
        status = ps_pump_run_once(&c->server_pump);
        REQUIRE(status == PS_OK || status == PS_MORE);
        read_events(c);
    }
}

/* All that has arrived comes first, and then the verdicts: whatever the batch is. */
static void server_wake(void *ctx, uint64_t now_us)
{
    crowd *c = ctx;
    (void)now_us;
    run_server(c);
    for (size_t i = 0; i < c->pending_len; i++) {
        ps_input in = {.type = PS_INPUT_VERDICT, .u.verdict = {.pending = c->pending[i]}};
        REQUIRE(ps_pump_submit(&c->server_pump, &in) == PS_OK);
        read_events(c);
    }
    c->pending_len = 0;
    run_server(c);
    set_timer(c, c->server_node, ps_pump_deadline_us(&c->server_pump));
}

static void configure_server(const crowd *c, ps_server_config *cfg)
{
    const uint32_t count = c->cfg->peers;
    ps_server_config_default(cfg);
    cfg->max_sessions = cfg->max_users = cfg->max_devices = count;
    cfg->max_publications = 1;
    cfg->name_bytes = 0;
    /* Each shows a cookie first, then no rate is in the way, and those of the last seconds have
     * room. */
    const uint32_t recent = 2 * LOGINS_MS * cfg->handshake_ms;
    cfg->max_handshakes = count < recent ? count + 1 : recent;
    cfg->max_pending_logins = cfg->max_handshakes;
    cfg->handshakes_per_s = 4 * LOGINS_MS * 1000;
    cfg->max_networks = count;
    cfg->mem_is_zero = true;
    cfg->crypto = ps_sim_crypto();
    memset(cfg->seed, 7, sizeof cfg->seed);
    put_number(cfg->seed, 8, c->cfg->seed);
    memset(cfg->static_secret, 8, sizeof cfg->static_secret);
    memset(cfg->realm_secret, 9, sizeof cfg->realm_secret);
}

/* Zeroed, and at the beginning of a cache line. @return what to free. */
static uint8_t *allocate(size_t bytes, uint8_t **at)
{
    uint8_t *raw = calloc(1, bytes + LINE);
    REQUIRE(raw != NULL);
    *at = raw + (LINE - (uintptr_t)raw % LINE) % LINE;
    return raw;
}

static void add_server(crowd *c)
{
    ps_server_config cfg;
    uint8_t *memory;
    const ps_sim_node_config node = {.receive_queue = QUEUE, .wake = server_wake, .ctx = c};
    configure_server(c, &cfg);
    c->server_bytes = ps_server_size(&cfg);
    REQUIRE(c->server_bytes > 0);
    c->server_memory = allocate(c->server_bytes, &memory);
    REQUIRE(ps_server_init(memory, c->server_bytes, &cfg, &c->server) == PS_OK);
    ps_server_public_key(c->server, c->server_key);
    REQUIRE(ps_sim_add_node(c->sim, &node, &c->server_node) == PS_OK);
    c->server_addr = ps_sim_addr(c->sim, c->server_node);
    const ps_machine machine = {.self = c, .step = timed_step, .deadline_us = timed_deadline_us};
    REQUIRE(ps_pump_init(&c->server_pump, ps_sim_transport(c->sim, c->server_node), machine,
                         output_of(&c->server_slab)) == PS_OK);
    c->server_pump.batch = c->cfg->batch;
}

/* ---- its guests ---- */

static void log_in(guest *g)
{
    crowd *c = g->c;
    const uint32_t index = (uint32_t)(g - c->guests);
    char user[24];
    ps_input in = {.type = PS_INPUT_LOGIN};
    const int len = snprintf(user, sizeof user, "user-%" PRIu32, index);
    in.u.login.server = c->server_addr;
    in.u.login.stream_port = 5000;
    in.u.login.user = in.u.login.password = (ps_span){(const uint8_t *)user, (size_t)len};
    in.u.login.key_known = true;
    memcpy(in.u.login.server_key, c->server_key, sizeof c->server_key);
    put_number(in.u.login.device, 4, index);
    REQUIRE(ps_pump_submit(&c->guest_pump, &in) == PS_OK);
    g->called = true;
}

static void guest_wake(void *ctx, uint64_t now_us)
{
    guest *g = ctx;
    crowd *c = g->c;
    ps_pump *pump = &c->guest_pump;
    (void)now_us;
    pump->transport = ps_sim_transport(c->sim, g->node);
    pump->machine = ps_machine_of_peer(g->machine);
    pump->told_us = 0;
    if (!g->called) {
        log_in(g);
    }
    for (ps_status status = PS_MORE; status == PS_MORE;) {
        status = ps_pump_run_once(pump);
        REQUIRE(status == PS_OK || status == PS_MORE);
        for (size_t i = 0; i < pump->out.events_len; i++) {
            const ps_event_type type = pump->out.events[i].type;
            REQUIRE(type == PS_EVENT_LOGGED_IN || type == PS_EVENT_TICKET ||
                    type == PS_EVENT_FILE_KEYS);
            c->logged_in += type == PS_EVENT_LOGGED_IN ? 1 : 0;
        }
        ps_pump_clear_events(pump);
    }
    /* A receive that finds nothing gives back what the last one lent: a million kept datagrams are
     * more than there may be. */
    ps_input none;
    size_t len = 0;
    REQUIRE(pump->transport->receive(pump->transport->ctx, &none, 1, &len) == PS_AGAIN);
    set_timer(c, g->node, ps_peer_deadline_us(g->machine));
}

static void add_guest(crowd *c, ps_peer_config *cfg, uint8_t *memory, guest *g)
{
    const uint32_t index = (uint32_t)(g - c->guests);
    const ps_sim_node_config node = {.deaf = true, .wake = guest_wake, .ctx = g};
    g->c = c;
    put_number(cfg->seed, 8, c->cfg->seed);
    put_number(cfg->seed + 8, 4, index);
    REQUIRE(ps_peer_init(memory + index * c->guest_bytes, c->guest_bytes, cfg, &g->machine) ==
            PS_OK);
    REQUIRE(ps_sim_add_node(c->sim, &node, &g->node) == PS_OK);
    set_timer(c, g->node, ps_sim_now_us(c->sim) + MS + index / LOGINS_MS * MS);
}

static void add_guests(crowd *c)
{
    ps_peer_config cfg;
    uint8_t *memory;
    ps_peer_config_default(&cfg);
    cfg.max_requests = cfg.max_publications = 1;
    cfg.name_bytes = 0;
    cfg.mem_is_zero = true;
    cfg.crypto = ps_sim_crypto();
    memset(cfg.seed, 5, sizeof cfg.seed);
    c->guest_bytes = ps_peer_size(&cfg);
    c->guests = calloc(c->cfg->peers, sizeof *c->guests);
    REQUIRE(c->guest_bytes > 0 && c->guests != NULL);
    c->guests_memory = allocate(c->cfg->peers * c->guest_bytes, &memory);
    for (uint32_t i = 0; i < c->cfg->peers; i++) {
        add_guest(c, &cfg, memory, &c->guests[i]);
    }
    /* Whose turn it is gets it. */
    REQUIRE(ps_pump_init(&c->guest_pump, ps_sim_transport(c->sim, c->guests[0].node),
                         ps_machine_of_peer(c->guests[0].machine),
                         output_of(&c->guest_slab)) == PS_OK);
    c->guest_pump.batch = c->cfg->batch;
}

/* ---- the story ---- */

static crowd *gather(const million_config *cfg)
{
    ps_sim_config network;
    crowd *c = calloc(1, sizeof *c);
    REQUIRE(c != NULL && cfg->peers >= 1 && cfg->peers <= PEERS);
    c->cfg = cfg;
    ps_sim_config_default(&network);
    network.seed = cfg->seed;
    network.batch = cfg->batch;
    network.max_nodes = cfg->peers + 1;
    network.link.latency_us = LATENCY_US;
    REQUIRE(ps_sim_create(&network, &c->sim) == PS_OK);
    add_server(c);
    add_guests(c);
    return c;
}

static moment look(const crowd *c)
{
    ps_sim_stats stats;
    ps_sim_stats_get(c->sim, &stats);
    return (moment){.now_us = ps_sim_now_us(c->sim),
                    .cpu_ns = cpu_ns(),
                    .steps = c->steps,
                    .taken = c->taken,
                    .spent_ns = c->spent_ns,
                    .sent = stats.sent};
}

static void run(crowd *c, uint64_t us)
{
    ps_sim_run_until(c->sim, ps_sim_now_us(c->sim) + us);
}

/* Nobody was lost, nothing was sent twice, all tables are whole. @return heartbeats of all. */
static uint64_t check(const crowd *c)
{
    uint64_t heartbeats = 0;
    uint64_t cookies = 0; /* Handshakes begun again, with one. */
    ps_sim_stats network;
    ps_server_stats server;
    ps_sim_stats_get(c->sim, &network);
    REQUIRE(network.exhausted == 0 && network.queue_full == 0);
    ps_server_stats_get(c->server, &server);
    REQUIRE(c->logged_in == c->cfg->peers && server.sessions == c->cfg->peers);
    REQUIRE(server.evictions == 0);
    for (uint32_t i = 0; i < PS_DROP_COUNT; i++) {
        REQUIRE(server.drops[i] == 0);
    }
    for (uint32_t i = 0; i < c->cfg->peers; i++) {
        ps_peer_stats peer;
        ps_peer_stats_get(c->guests[i].machine, &peer);
        REQUIRE(peer.state == PS_PEER_ONLINE && peer.losses == 0);
        REQUIRE(peer.heartbeats_resent == 0);
        cookies += peer.retransmissions;
        heartbeats += peer.heartbeats;
    }
    REQUIRE(cookies == server.retries && ps_server_check(c->server) == 0);
    return heartbeats;
}

static uint64_t most_memory(void)
{
    struct rusage used;
    REQUIRE(getrusage(RUSAGE_SELF, &used) == 0);
    return (uint64_t)used.ru_maxrss * 1024;
}

#define SECONDS(ns) (ns) / 1000000000, (ns) % 1000000000 / 10000000

static void tell(const crowd *c, const moment *in, const moment *from, const moment *to,
                 uint64_t heartbeats)
{
    FILE *out = c->cfg->out;
    const uint64_t peers = c->cfg->peers;
    const uint64_t taken = to->taken - from->taken;
    const uint64_t sent = to->sent - from->sent;
    const uint64_t cpu = to->cpu_ns - from->cpu_ns;
    const uint64_t lived_us = peers * (to->now_us - from->now_us);
    fprintf(out,
            "million: %s peers and a server, %" PRIu64 " virtual seconds, seed %" PRIu64
            ", batch %" PRIu32 "\n",
            COUNT(peers), to->now_us / S, c->cfg->seed, c->cfg->batch);
    fprintf(out,
            "  logged in    %s; with their heartbeats meanwhile %" PRIu64 ".%02" PRIu64
            " s of CPU\n",
            COUNT(c->logged_in), SECONDS(in->cpu_ns));
    fprintf(out, "  memory       server %s, %s bytes a session; peers %s each; process %s\n",
            SIZE(c->server_bytes), COUNT(c->server_bytes / peers), SIZE(c->guest_bytes),
            SIZE(most_memory()));
    fprintf(out,
            "  heartbeats   %s in %" PRIu64 " virtual seconds, none lost; each costs the server's "
            "machine %s ns of CPU, in arrays of %" PRIu64 "\n",
            COUNT(heartbeats), (to->now_us - from->now_us) / S,
            COUNT((to->spent_ns - from->spent_ns) / taken), taken / (to->steps - from->steps));
    fprintf(out, "  datagrams    %s in %" PRIu64 ".%02" PRIu64 " s of CPU: %s a CPU second\n",
            COUNT(sent), SECONDS(cpu), COUNT(sent * UINT64_C(1000000000) / cpu));
    fprintf(out, "  peer-hours   %s: %s a CPU second\n", COUNT(lived_us / (3600 * S)),
            COUNT(lived_us / 3600 * 1000 / cpu));
    fprintf(out, "  hash         %016" PRIx64 "\n", ps_sim_hash(c->sim));
}

static uint64_t finish(crowd *c)
{
    const uint64_t hash = ps_sim_hash(c->sim);
    ps_sim_destroy(c->sim);
    free(c->server_memory);
    free(c->guests_memory);
    free(c->guests);
    free(c);
    return hash;
}

uint64_t million_run(const million_config *cfg)
{
    repeat = cfg->repeat;
    crowd *c = gather(cfg);
    run(c, cfg->peers / LOGINS_MS * MS + SETTLE_US);
    const moment in = look(c);
    const uint64_t before = check(c);
    const moment from = look(c);
    run(c, STEADY_US);
    const moment to = look(c);
    const uint64_t heartbeats = check(c) - before;
    REQUIRE(heartbeats >= STEADY_US / (2 * S) * cfg->peers);
    REQUIRE(to.taken > from.taken && to.steps > from.steps);
    if (cfg->out) {
        tell(c, &in, &from, &to, heartbeats);
    }
    return finish(c);
}

void story_million(const story_config *cfg)
{
    const million_config million = {.peers = PEERS,
                                    .seed = cfg->seed,
                                    .batch = cfg->batch,
                                    .repeat = cfg->repeat,
                                    .out = cfg->summary};
    (void)million_run(&million);
}
